"""The path in its order, from photos to a survey: the only file that knows it.

`Intake` takes a card or folder in; `Analysis` maps one flight. Both can be killed at any moment and
started again: each photo's copy and each view's result is committed when it is there, and the survey
is committed together with its message.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import shapely
from blake3 import blake3
from numpy.typing import NDArray

from fieldbox import looking
from fieldbox.config import Config
from fieldbox.domain import Capture, Detection, Field, FieldMap, Flight, Message, Rejection, Survey
from fieldbox.errors import Rejected
from fieldbox.georef.coverage import CoveragePlan, plan_coverage
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, _
from fieldbox.imagery.captures import capture_of
from fieldbox.imagery.metadata import Metadata, read_metadata
from fieldbox.inference.weeds import WeedModel
from fieldbox.ingest.copy import Kept
from fieldbox.ingest.fields import field_for, hull
from fieldbox.ingest.flights import flight_id, group_flights
from fieldbox.ingest.intake import Handlers
from fieldbox.ingest.intake import take_in as ingest_path
from fieldbox.ingest.scan import as_text
from fieldbox.looking import Looker, Scene, UnusablePhoto, judge_scene
from fieldbox.mapping.grid import Known, build_map
from fieldbox.mapping.mosaic import Patch, assemble, choose_mosaic_gsd, save_patch, write_map
from fieldbox.mapping.seams import reconcile, without_doubtful_twins
from fieldbox.mapping.viewresult import ViewResult
from fieldbox.memory import give_back
from fieldbox.models import load_weeds
from fieldbox.ordered import in_order
from fieldbox.storage.rows import JobState, ViewKey
from fieldbox.storage.store import Store
from fieldbox.summary.v1 import summarise
from fieldbox.surveying import Evidence, make_survey

LONGEST_NAME = 80
METRES_PER_DEGREE = 111_320.0
"""Of latitude."""

Progress = Callable[[str, int, int], None]

LIVE = {JobState.WAITING, JobState.RUNNING}


class Cancelled(Exception):
    """The worker is being stopped; what is committed stays and the rest is done at the next start."""


@dataclass(frozen=True)
class Task:
    """One flight, ready to be looked at."""

    flight: Flight
    field: Field
    plane: GroundPlane
    geometries: dict[str, PhotoGeometry]
    ring: NDArray[np.float64]
    """[K, 2] the field's boundary on the ground."""
    plan: CoveragePlan
    scene: Scene
    mosaic_gsd_m: float
    key: str
    """Digest of all that decides the result, the model aside."""


class Analysis:
    """Maps flights. Keeps the model loaded between them."""

    def __init__(
        self, config: Config, store: Store, *, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        cv2.setNumThreads(1)  # the views themselves run side by side
        self._config, self._store, self._cancelled = config, store, cancelled
        self._model: WeedModel = load_weeds(config)

    def run(self, flight_id: str, progress: Progress) -> Survey:
        """Map a flight of the store, or find that it is mapped already.

        Raises Rejected if nothing of it can be mapped, Unavailable if the disk is full.
        """
        while True:
            try:
                return self._run(flight_id, progress)
            except UnusablePhoto as photo:
                # Its ground is given to its neighbours: the flight is planned again without it.
                self._store.unplace(photo.digest, photo.reason)

    def _run(self, flight_id: str, progress: Progress) -> Survey:
        progress("plan", 0, 1)
        task = self._prepare(flight_id)
        known = self._store.survey_for(flight_id, task.key, self._model.digest)
        if known and self._has_rasters(known):
            shutil.rmtree(self._work(task), ignore_errors=True)  # left by a kill after the survey
            return known
        try:
            self._look(task, progress)
        except UnusablePhoto:
            self._store.drop_views(task.key, self._model.digest)
            shutil.rmtree(self._work(task), ignore_errors=True)
            raise
        return self._finish(task, progress)

    # -- before any pixel ---------------------------------------------------------------------

    def _prepare(self, flight_id: str) -> Task:
        flight = self._store.flight(flight_id)
        field = self._store.field(flight.field_id) if flight and flight.field_id is not None else None
        if flight is None or field is None:
            raise Rejected(N_("No photo of this flight could be placed, so there is nothing to map."))
        geometries = geometries_of(flight.captures)
        if not geometries:
            raise Rejected(N_("No photo of this flight could be placed, so there is nothing to map."))
        plane = next(iter(geometries.values())).plane
        east, north = plane.to_ground([p[1] for p in field.boundary], [p[0] for p in field.boundary])
        ring = np.column_stack([east, north])
        plan = plan_coverage(geometries.values(), boundary=ring)
        if not plan.views:
            raise Rejected(
                N_("The flight does not cover the field {field}: correct the field's boundary."),
                field=field.name,
            )
        scene = judge_scene(
            list(geometries.values()),
            self._read,
            self._model,
            least_reduction=self._config.map.photo_reduction,
        )
        mosaic_gsd_m = choose_mosaic_gsd(scene.gsd_m * scene.scale, plan.area_m2)
        return Task(
            flight, field, plane, geometries, ring, plan, scene, mosaic_gsd_m, self._key(field, plan, scene)
        )

    def _has_rasters(self, survey: Survey) -> bool:
        """Whether a survey still has its pictures; without them it is looked at again."""
        folder = self._config.storage.root / "rasters" / survey.id
        return all((folder / name).exists() for name in ("map.tif", "mosaic.tif"))

    def _key(self, field: Field, plan: CoveragePlan, scene: Scene) -> str:
        told = [field.id, plan.key, looking.VERSION, scene.scale, scene.single_weeds, scene.natural_colour]
        return blake3(json.dumps([*told, self._config.map.cell_m]).encode()).hexdigest()

    def _read(self, digest: str) -> bytes:
        return original(self._config.storage.root, digest).read_bytes()

    # -- each photo once ----------------------------------------------------------------------

    def _look(self, task: Task, progress: Progress) -> None:
        """Look at the views that have no result yet; each is committed as soon as it is there."""
        done = self._store.views_done(task.key, self._model.digest) - self._lost(task)
        todo = [i for i, view in enumerate(task.plan.views) if view.digest not in done]
        looker = Looker(
            self._read,
            task.plan,
            task.geometries,
            task.scene,
            self._model,
            self._config.map.cell_m,
            task.mosaic_gsd_m,
        )
        total = len(task.plan.views)
        progress("look", total - len(todo), total)
        threads = self._config.threads
        with ThreadPoolExecutor(threads) as pool:
            for number, (index, looked) in enumerate(in_order(pool, looker.look, todo, 2 * threads), start=1):
                if self._cancelled():
                    pool.shutdown(cancel_futures=True)
                    raise Cancelled
                self._commit(task, index, *looked)
                progress("look", total - len(todo) + number, total)

    def _lost(self, task: Task) -> set[str]:
        """Photos whose patch of the mosaic is gone: the folder of work may be deleted at any time."""
        patches = self._store.patches(task.key, self._model.digest)
        return {digest for digest, name in patches if not (self._work(task) / name).exists()}

    def _commit(self, task: Task, index: int, result: ViewResult, patch: Patch | None) -> None:
        """The patch is on the disk before the row that says so."""
        digest = task.plan.views[index].digest
        name = f"{digest}.patch" if patch else None
        if patch:
            save_patch(patch, self._work(task) / f"{digest}.patch")
        key = ViewKey(digest, task.key, self._model.digest)
        self._store.save_view(key, result.to_bytes(), name)

    def _work(self, task: Task) -> Path:
        return self._config.storage.root / "work" / task.key[:16]

    # -- after the last pixel -----------------------------------------------------------------

    def _finish(self, task: Task, progress: Progress) -> Survey:
        """Bring the views together; survey and message are committed in one transaction."""
        progress("map", 0, 1)
        give_back()  # what decoding took is not needed any more, and the mosaic needs some
        results = [
            ViewResult.from_bytes(data) for _digest, data in self._store.views(task.key, self._model.digest)
        ]
        detections = _inside(task.ring, without_doubtful_twins(reconcile(results)))
        grid = build_map(
            (result.cells for result in results),
            detections,
            epsg=task.plane.epsg,
            cell_m=self._config.map.cell_m,
            boundary=task.ring,
            known=Known(task.scene.single_weeds, task.scene.single_weeds, task.scene.natural_colour),
        )
        evidence = Evidence(
            task.flight,
            task.field,
            task.ring,
            task.scene,
            self._model,
            task.plan,
            task.geometries,
            grid,
            detections,
        )
        identity = blake3(f"{task.flight.id} {task.key} {self._model.digest}".encode()).hexdigest()[:20]
        survey = make_survey(identity, datetime.now(UTC), evidence)
        self._write_rasters(task, survey, grid, progress)
        allowed = self._config.summary
        body = summarise(
            survey,
            task.field,
            task.flight,
            share_name=allowed.share_name,
            share_position=allowed.share_position,
        )
        self._store.save_survey(
            survey,
            detections,
            Message(survey.id, "summary", body, "waiting", 0, survey.made_at),
            plan_key=task.key,
            release_sha=self._model.digest,
            to_geographic=task.plane.to_geographic,
        )
        shutil.rmtree(self._work(task), ignore_errors=True)
        progress("mosaic", 1, 1)
        return survey

    def _write_rasters(self, task: Task, survey: Survey, grid: FieldMap, progress: Progress) -> None:
        folder = self._config.storage.root / "rasters" / survey.id
        shutil.rmtree(folder, ignore_errors=True)  # left by a run that was cut off
        write_map(grid, folder / "map.tif")
        progress("mosaic", 0, 1)
        patches = [
            self._work(task) / name for _digest, name in self._store.patches(task.key, self._model.digest)
        ]
        assemble(patches, folder / "mosaic.tif", epsg=task.plane.epsg, gsd_m=task.mosaic_gsd_m)


# -- a card or folder in ------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrival:
    """What came of taking in one card or folder."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]
    flights: tuple[Flight, ...]
    ingest_id: int


def take_in(
    path: Path, config: Config, store: Store, progress: Progress, *, field_name: str | None = None
) -> Arrival:
    """Copy the photos of `path` onto the box and group them into flights, each over a field.

    Raises Rejected where there is nothing to take in, Unavailable where the box cannot store more.
    """
    field_name = _clean_name(field_name)
    root, source = config.storage.root, as_text(path.resolve())
    ingest_id = _unfinished(store, source) or store.begin_ingest(source)
    listed = {rejection.name for rejection in store.rejections(ingest_id=ingest_id)}

    def commit(kept: Kept, name: str, metadata: Metadata) -> None:
        store.add_capture(capture_of(kept.digest, name, kept.size, metadata), ingest_id=ingest_id)

    def reject(rejection: Rejection) -> None:
        if rejection.name not in listed:
            store.add_rejections(ingest_id, [rejection])

    taken = ingest_path(
        path,
        originals=root / "originals",
        tmp=root / "tmp",
        reserve_bytes=config.storage.reserve_mb * 2**20,
        handlers=Handlers(read_metadata, store.known, commit, reject, partial(progress, "copy")),
    )
    with store.grouping_lock():  # two cards at once must not make the same field
        flights = tuple(_flights(store, store.captures(taken.digests), config, field_name))
    # Counted from the database: photos that this ingest brought before it was cut off are no duplicates.
    accepted = len({one.digest for one in store.captures_of_ingest(ingest_id)} & set(taken.digests))
    duplicates = taken.accepted + taken.duplicates - accepted
    store.end_ingest(ingest_id, duplicates)
    return Arrival(accepted, duplicates, taken.rejected, flights, ingest_id)


def _clean_name(name: str | None) -> str | None:
    """A field's name on one line, with single spaces. Raises Rejected for none, or one that is too long."""
    if name is None:
        return None
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(clean) <= LONGEST_NAME:
        raise Rejected(N_("A field's name has 1 to {longest} characters."), longest=LONGEST_NAME)
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
    flights = [row for row in store.flights() if row.id in brought and row.placed]
    return any(row.job is None or row.job.state in LIVE for row in flights)


def _flights(
    store: Store, captures: Sequence[Capture], config: Config, field_name: str | None
) -> Iterator[Flight]:
    gap = timedelta(minutes=config.ingest.gap_minutes)
    for group in group_flights(captures, gap=gap, jump_m=config.ingest.jump_m):
        known = {store.flight_of_capture(one.digest) for one in group} - {None}
        before = store.flight(known.pop() or "") if len(known) == 1 else None
        members = _members(before, group)
        if before and len(members) == len(before.captures) and field_name is None:
            yield before
            continue
        flight = _flight(before.id if before else flight_id(group), members)
        field = _field(store, flight, field_name, config.ingest.jump_m)
        flight = replace(flight, field_id=field.id if field else None)
        store.save_flight(flight)
        yield flight


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
    there, here = (shapely.Polygon([(x * east, y) for x, y in ring]) for ring in (field.boundary, outline))
    away_m = METRES_PER_DEGREE * float(there.distance(here))
    if away_m > limit_m:
        raise Rejected(
            N_("The flight lies {km} km from the field {field}: give another field's name."),
            km=round(away_m / 1000, 1),
            field=field.name,
        )


def _holds(boundary: Sequence[tuple[float, float]], outline: Sequence[tuple[float, float]]) -> bool:
    """Whether a ring of (lon, lat) lies in another, but for rounding (1e-9 degrees are a tenth of a millimetre)."""
    return bool(shapely.Polygon(boundary).buffer(1e-9).covers(shapely.Polygon(outline)))


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


# -- small things of both -----------------------------------------------------------------------


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


def _inside(ring: NDArray[np.float64], detections: Sequence[Detection]) -> list[Detection]:
    """The detections whose centre lies in the field."""
    field = shapely.Polygon(ring).buffer(0)
    shapely.prepare(field)
    within = shapely.contains_xy(field, [one.east for one in detections], [one.north for one in detections])
    return [one for one, inside in zip(detections, within, strict=True) if inside]
