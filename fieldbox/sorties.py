"""From captures to flights, each over a field."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count

import shapely

from fieldbox.config import Config
from fieldbox.domain import Capture, CaptureKind, Field, Flight, Source
from fieldbox.errors import Rejected
from fieldbox.geometry import geometries_of
from fieldbox.given import given_for
from fieldbox.headings import settle_poses
from fieldbox.i18n import N_, _
from fieldbox.imagery.rasterbands import codes_of
from fieldbox.ingest.fields import field_for, hull, unwrapped
from fieldbox.ingest.flights import flight_id, group_flights
from fieldbox.lists import TakenList, follow
from fieldbox.making import Maker
from fieldbox.storage.store import Store

METRES_PER_DEGREE = 111_320.0
"""Of latitude."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """What orthomosaics are cut by."""

    files: Collection[str]
    """Digests of all that came now."""
    bands: Sequence[str]
    """What somebody said that theirs are; (): nothing was said."""


def flights_of(
    store: Store,
    captures: Sequence[Capture],
    config: Config,
    field_name: str | None,
    ingest_id: int,
    cutting: Cutting,
) -> Iterator[Flight]:
    """The flights of these captures as they are given (`fieldbox.given`), saved over their fields: new ones, and known ones
    that grow."""
    gap = timedelta(minutes=config.ingest.gap_minutes)
    tiles = _standing(store, captures, cutting)
    told, superseded = _told(captures, tiles)
    for group in groups_of(told, gap, config.ingest.jump_m):
        whole = {_whole(each) for each in group} - {None}
        files = {file for each in group for file in _files(each)}
        before_them = (
            one.digest for one in superseded if _whole(one) in whole or files.issuperset(_files(one))
        )
        known = {store.flight_of_capture(one) for one in (*(one.digest for one in group), *before_them)} - {
            None
        }
        before = store.flight(known.pop() or "") if len(known) == 1 else None
        members = _members(before, group, tiles)
        if before and {one.digest for one in members} == {one.digest for one in before.captures}:
            yield _on_a_field(store, before, config, field_name)
            continue
        flight = _flight(before.id if before else flight_id(group), members)
        follow(store, flight, ingest_id)
        yield _on_a_field(store, flight, config, field_name)


def groups_of(captures: Sequence[Capture], gap: timedelta, jump_m: float) -> list[tuple[Capture, ...]]:
    """Photos by camera, time and place; exposures of bands and frames of videos each the same way (those that tell little of
    their camera, or the same as the colour camera beside it, would else go with photos); the tiles of each orthomosaic by
    themselves."""
    mosaics: dict[str, list[Capture]] = {}
    kinds: dict[CaptureKind, list[Capture]] = {}
    for one in captures:
        kind = one.source.kind if one.source else CaptureKind.PHOTO
        if one.source and kind is CaptureKind.TILE:
            mosaics.setdefault(one.source.files[0], []).append(one)
        else:
            kinds.setdefault(kind, []).append(one)
    flights = (group_flights(kinds[kind], gap=gap, jump_m=jump_m) for kind in CaptureKind if kind in kinds)
    return [*chain.from_iterable(flights), *(tuple(tiles) for tiles in mosaics.values())]


def _whole(capture: Capture) -> str | None:
    """Digest of the video or the orthomosaic that a capture is a part of."""
    source = capture.source
    return source.files[0] if source and source.kind in {CaptureKind.FRAME, CaptureKind.TILE} else None


def _video(capture: Capture) -> str | None:
    """Digest of the video that a capture is a frame of."""
    return _whole(capture) if capture.source and capture.source.kind is CaptureKind.FRAME else None


def _told(captures: Iterable[Capture], tiles: Collection[str]) -> tuple[list[Capture], list[Capture]]:
    """Captures without, and only, those that others took the place of: frames of videos that came before their telemetry did,
    the tiles of an orthomosaic of which others stand (`tiles`), and exposures the rest of whose bands came later."""
    every = list(captures)
    cut = {_whole(one) for one in every if one.digest in tiles}
    filled = {_video(one) for one in every if one.source and _video(one) and len(one.source.files) > 1}
    superseded = [one for one in every if one.source and len(one.source.files) == 1 and _video(one) in filled]
    superseded += [
        one
        for one in every
        if one.source
        and one.source.kind is CaptureKind.TILE
        and _whole(one) in cut
        and one.digest not in tiles
    ]
    superseded += _partial(every)
    gone = {one.digest for one in superseded}
    return [one for one in every if one.digest not in gone], superseded


def _partial(captures: Iterable[Capture]) -> list[Capture]:
    """Exposures all of whose files are some of another one's."""
    exposures = [one for one in captures if one.source and one.source.kind is CaptureKind.BANDS]
    most: dict[str, int] = {}
    for one in exposures:
        for file in _files(one):
            most[file] = max(most.get(file, 0), len(_files(one)))
    return [one for one in exposures if min(most[file] for file in _files(one)) > len(_files(one))]


def _files(capture: Capture) -> tuple[str, ...]:
    return capture.source.files if capture.source else ()


def _on_a_field(store: Store, flight: Flight, config: Config, field_name: str | None) -> Flight:
    """The flight as it is given, saved over its field: the one it has, unless another one is named."""
    kept = store.kept(flight.id)
    if (
        kept is None or kept.gone_at is None
    ):  # without its photos nothing can be measured; what was found stays
        flight = _completed(store, flight, config)
    given = given_for(store, flight).flight
    if given.field_id is not None and field_name is None:
        return given
    field = _field(store, given, field_name, config.ingest.jump_m)
    given = replace(given, field_id=field.id if field else None)
    store.save_flight(given)
    return given


def _completed(store: Store, flight: Flight, config: Config) -> Flight:
    maker = Maker(config.storage.root, config.threads, config.multispectral.albedo)
    return settle_poses(store, flight, maker.reader(flight.captures), config.threads)


def _standing(store: Store, captures: Iterable[Capture], cutting: Cutting) -> set[str]:
    """Digests of the tiles that stand, of those that each orthomosaic was ever cut into: by the files that lay beside it now and
    the bands that were told now, else by those of its flight."""
    rasters: dict[str, list[tuple[str, Source]]] = {}
    for one in captures:
        if one.source and one.source.kind is CaptureKind.TILE:
            rasters.setdefault(one.source.files[0], []).append((one.digest, one.source))
    found: set[str] = set()
    for tiles in rasters.values():
        cuts = dict.fromkeys(_cut(source) for _digest, source in tiles)
        flown = next((_cut(source) for digest, source in tiles if store.flight_of_capture(digest)), None)
        now = max(
            (files for files, _bands in cuts if set(files) <= set(cutting.files)), key=len, default=None
        )
        files, bands = flown or next(iter(cuts))
        wanted = [
            (one, told) for told in (codes_of(cutting.bands) or bands, bands) for one in (now or files, files)
        ]
        stands = next((cut for cut in wanted if cut in cuts), (files, bands))
        found |= {digest for digest, source in tiles if _cut(source) == stands}
    return found


def _cut(source: Source) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """By what an orthomosaic was cut into such tiles: its files, and the bands that were told."""
    return source.files, source.at[4:]


def _members(before: Flight | None, group: Sequence[Capture], tiles: Collection[str]) -> tuple[Capture, ...]:
    """A flight grows by what came later, and loses nothing that is not on the card any more."""
    members = {one.digest: one for one in (*(before.captures if before else ()), *group)}
    return tuple(_told(members.values(), tiles)[0])


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


def spoken_of(
    store: Store,
    lists: Sequence[TakenList],
    flights: Sequence[Flight],
    config: Config,
    field_name: str | None,
) -> Iterator[Flight]:
    """Flights that came earlier and that a list is about."""
    done = {flight.id for flight in flights}
    meant = {store.flight_of_capture(digest) for one in lists for digest in sorted(one.photos)}
    for identity in sorted(one for one in meant - done if one):
        if flight := store.flight(identity):
            yield _on_a_field(store, flight, config, field_name)
