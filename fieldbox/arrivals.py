"""What comes in on a card or in a folder: photos onto the box, grouped into flights, each over a field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import shapely

from fieldbox.config import Config
from fieldbox.domain import Capture, Field, Flight, Rejection
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import given_for
from fieldbox.heights import settle_heights
from fieldbox.i18n import N_, _
from fieldbox.imagery.captures import capture_of
from fieldbox.imagery.metadata import Metadata, read_metadata
from fieldbox.ingest.copy import Kept
from fieldbox.ingest.fields import field_for, hull, unwrapped
from fieldbox.ingest.flights import flight_id, group_flights
from fieldbox.ingest.intake import Beside, Handlers
from fieldbox.ingest.intake import take_in as ingest_path
from fieldbox.ingest.scan import as_text
from fieldbox.lists import ByHand, Lists, Offered, TakenList, beside, by_hand, follow
from fieldbox.storage.rows import JobState
from fieldbox.storage.store import Store

LONGEST_NAME = 80
METRES_PER_DEGREE = 111_320.0
"""Of latitude."""
LIVE = {JobState.WAITING, JobState.RUNNING}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Arrival:
    """What came of taking in one card or folder."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]
    flights: tuple[Flight, ...]
    """As they are given (`fieldbox.given`): of the photos, and of those that a list speaks of."""
    ingest_id: int
    lists: tuple[TakenList, ...] = ()


def take_in(
    path: Path,
    config: Config,
    store: Store,
    progress: Progress,
    *,
    field_name: str | None = None,
    crop: str | None = None,
    lists: ByHand | None = None,
) -> Arrival:
    """Copy the photos of `path` onto the box and group them into flights, each over a field.

    `field_name` names that field and `crop` what grows on it; without, both are as the box knows them. `lists` of
    positions and control points are kept beside those that `path` itself holds.

    Raises Rejected where there is nothing to take in, Unavailable where the box cannot store more.
    """
    system = lists.system if lists else None
    offered = by_hand(lists or ByHand())  # before anything is copied: a wrong name is told at once
    field_name, crop = _clean_name(field_name), _clean_name(crop)
    root, source = config.storage.root, as_text(path.resolve())
    ingest_id = _unfinished(store, source) or store.begin_ingest(source)
    listed = {rejection.name for rejection in store.rejections(ingest_id=ingest_id)}

    def commit(kept: Kept, name: str, metadata: Metadata) -> None:
        store.add_capture(capture_of(kept.digest, name, kept.size, metadata), ingest_id=ingest_id)

    def mend(kept: Kept, name: str, metadata: Metadata) -> None:
        store.mend(capture_of(kept.digest, name, kept.size, metadata))

    def reject(rejection: Rejection) -> None:
        if rejection.name not in listed:
            store.add_rejections(ingest_id, [rejection])

    taken = ingest_path(
        path,
        originals=root / "originals",
        tmp=root / "tmp",
        reserve_bytes=config.storage.reserve_mb * 2**20,
        handlers=Handlers(read_metadata, store.known, commit, reject, partial(progress, "copy"), mend),
    )
    with store.grouping_lock():  # two cards at once must not make the same field
        keeper = Lists(store, ingest_id, taken.names, system)
        kept_lists, refused = _keep_lists(keeper, taken.beside, offered)
        for rejection in refused:
            reject(rejection)
        captures = store.captures(taken.digests)
        flights = tuple(_flights(store, captures, config, field_name, ingest_id))
        flights += tuple(_spoken_of(store, kept_lists, flights, config, field_name))
        if crop is not None:
            for field_id in sorted({one.field_id for one in flights if one.field_id is not None}):
                store.update_field(field_id, crop=crop)
    # Counted from the database: photos that this ingest brought before it was cut off are no duplicates.
    accepted = len({one.digest for one in store.captures_of_ingest(ingest_id)} & set(taken.digests))
    duplicates = taken.accepted + taken.duplicates - accepted
    store.end_ingest(ingest_id, duplicates)
    return Arrival(accepted, duplicates, (*taken.rejected, *refused), flights, ingest_id, kept_lists)


def _keep_lists(
    keeper: Lists, found: Sequence[Beside], offered: Sequence[Offered]
) -> tuple[tuple[TakenList, ...], tuple[Rejection, ...]]:
    """What is kept of the lists, and what is none. Later ones count more: those that somebody named come last."""
    came = [*(_tried(keeper, one) for one in found), *(keeper.take(one) for one in offered)]
    taken = tuple(one for one in came if isinstance(one, TakenList))
    return taken, tuple(one for one in came if isinstance(one, Rejection))


def _tried(keeper: Lists, found: Beside) -> TakenList | Rejection:
    try:
        return keeper.take(beside(found))
    except Rejected as unreadable:
        return Rejection(found.name, unreadable.sentence)


def _spoken_of(
    store: Store,
    lists: Sequence[TakenList],
    flights: Sequence[Flight],
    config: Config,
    field_name: str | None,
) -> Iterator[Flight]:
    """Flights that came earlier and that a list is about."""
    done = {flight.id for flight in flights}
    spoken_of = {store.flight_of_capture(digest) for one in lists for digest in sorted(one.photos)}
    for identity in sorted(one for one in spoken_of - done if one):
        if flight := store.flight(identity):
            yield _on_a_field(store, flight, config, field_name)


def _clean_name(name: str | None) -> str | None:
    """A field's or a crop's name on one line, with single spaces. Raises Rejected for none, or too long a one."""
    if name is None:
        return None
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(clean) <= LONGEST_NAME:
        raise Rejected(
            N_("The name of a field or a crop has 1 to {longest} characters."), longest=LONGEST_NAME
        )
    return clean


def _unfinished(store: Store, source: str) -> int | None:
    """The newest ingest of the same source, if it was cut off before its photos were mapped: it goes on."""
    newest = next((one for one in store.ingests() if one.source == source), None)
    if newest and (newest.ended_at is None or _is_waited_for(store, newest.id)):
        return newest.id
    return None


def _is_waited_for(store: Store, ingest_id: int) -> bool:
    """Whether the map of a flight that this ingest brought is still to come."""
    brought = {store.flight_of_capture(one.digest) for one in store.captures_of_ingest(ingest_id)}
    flights = [row for row in store.flights() if row.id in brought and row.field_id is not None]
    return any(row.job is None or row.job.state in LIVE for row in flights)


def _flights(
    store: Store, captures: Sequence[Capture], config: Config, field_name: str | None, ingest_id: int
) -> Iterator[Flight]:
    gap = timedelta(minutes=config.ingest.gap_minutes)
    for group in group_flights(captures, gap=gap, jump_m=config.ingest.jump_m):
        known = {store.flight_of_capture(one.digest) for one in group} - {None}
        before = store.flight(known.pop() or "") if len(known) == 1 else None
        members = _members(before, group)
        if before and len(members) == len(before.captures):
            yield _on_a_field(store, before, config, field_name)
            continue
        flight = _flight(before.id if before else flight_id(group), members)
        follow(store, flight, ingest_id)
        yield _on_a_field(store, flight, config, field_name)


def _on_a_field(store: Store, flight: Flight, config: Config, field_name: str | None) -> Flight:
    """The flight as it is given, saved over its field: the one it has, unless another one is named."""
    root = config.storage.root
    flight = settle_heights(store, flight, lambda digest: original(root, digest).read_bytes(), config.threads)
    given = given_for(store, flight).flight
    if given.field_id is not None and field_name is None:
        return given
    field = _field(store, given, field_name, config.ingest.jump_m)
    given = replace(given, field_id=field.id if field else None)
    store.save_flight(given)
    return given


def _members(before: Flight | None, group: Sequence[Capture]) -> tuple[Capture, ...]:
    """A flight grows by what came later, and loses nothing that is not on the card any more."""
    members = {one.digest: one for one in (*(before.captures if before else ()), *group)}
    return tuple(members.values())


def _flight(identity: str, members: tuple[Capture, ...]) -> Flight:
    times = [one.taken_at for one in members if one.taken_at]
    simulated = all(one.simulated for one in members)
    return Flight(identity, None, min(times, default=None), max(times, default=None), members, simulated)


def _field(store: Store, flight: Flight, name: str | None, jump_m: float) -> Field | None:
    """The field that was named, else the known one the flight falls in, else one made from its hull."""
    outline = _outline(flight)
    if not outline:
        return None
    fields = store.fields()
    found = next((one for one in fields if one.name == name), None) if name else field_for(outline, fields)
    if found is None:
        return store.add_field(name or _free_name(fields), outline, drawn=False)
    _require_near(found, outline, jump_m)
    if not found.drawn and not _holds(found.boundary, outline):
        # Nobody drew this boundary: it follows what was flown.
        return store.update_field(found.id, boundary=hull((*found.boundary, *outline)), drawn=False)
    return found


def _require_near(field: Field, outline: Sequence[tuple[float, float]], limit_m: float) -> None:
    """Raise Rejected if a flight lies far from the field that was named for it."""
    east = math.cos(math.radians(outline[0][1]))
    rings = unwrapped(field.boundary, outline[0][0]), unwrapped(outline)
    there, here = (shapely.Polygon([(x * east, y) for x, y in ring]) for ring in rings)
    away_m = METRES_PER_DEGREE * float(there.distance(here))
    if away_m > limit_m:
        raise Rejected(
            N_("The flight lies {km} km from the field {field}: give another field's name."),
            km=round(away_m / 1000, 1),
            field=field.name,
        )


def _holds(boundary: Sequence[tuple[float, float]], outline: Sequence[tuple[float, float]]) -> bool:
    """Whether a ring of (lon, lat) lies in another, but for rounding (1e-9 degrees are a tenth of a millimetre)."""
    land = shapely.Polygon(unwrapped(boundary, outline[0][0])).buffer(1e-9)
    return bool(land.covers(shapely.Polygon(unwrapped(outline))))


def _outline(flight: Flight) -> tuple[tuple[float, float], ...]:
    """Hull of the footprints as (lon, lat); empty if no photo could be placed."""
    geometries = geometries_of(flight.captures)
    points: list[tuple[float, float]] = []
    for geometry in geometries.values():
        ring = geometry.footprint()
        lat, lon = geometry.plane.to_geographic(ring[:, 0], ring[:, 1])
        points += zip(lon.tolist(), lat.tolist(), strict=True)
    return hull(points)


def _free_name(fields: Sequence[Field]) -> str:
    taken = {one.name for one in fields}
    names = (_("Field {number}").format(number=number) for number in count(1))
    return next(name for name in names if name not in taken)


def geometries_of(captures: Sequence[Capture]) -> dict[str, PhotoGeometry]:
    """The geometry of each placed capture, by digest, on the ground plane of the first."""
    placed = [(one.digest, one.pose, one.camera) for one in captures if one.pose and one.camera]
    if not placed:
        return {}
    plane = GroundPlane.for_point(placed[0][1].lat, placed[0][1].lon)
    return {digest: PhotoGeometry(digest, pose, camera, plane) for digest, pose, camera in placed}


def original(root: Path, digest: str) -> Path:
    """Where the photo with this digest is kept."""
    return root / "originals" / digest[:2] / f"{digest}.jpg"
