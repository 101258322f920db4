"""The path in its order, from the photos of a flight to a survey: the only file that knows it.

(`fieldbox.arrivals` brings the photos in.) It can be killed at any moment and started again: the result of
each view, and of each second look, is committed when it is there, and the survey is committed together
with its message.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import shapely
from blake3 import blake3
from numpy.typing import NDArray

from fieldbox import judging, looking
from fieldbox.config import Config
from fieldbox.domain import (
    Cover,
    Detection,
    FieldMap,
    Ladder,
    Survey,
    WeedBasis,
)
from fieldbox.errors import Rejected
from fieldbox.georef import seamlines
from fieldbox.georef.again import Asking, SecondLook, Spots, plan_second_looks
from fieldbox.georef.choice import DECODE_SHARE
from fieldbox.georef.coverage import CoveragePlan, plan_coverage
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import Given
from fieldbox.i18n import N_
from fieldbox.imagery.mask import read_mask
from fieldbox.inference.health import HealthModel
from fieldbox.inference.weeds import WeedModel
from fieldbox.judging import judge_crop
from fieldbox.looking import Looker, Scene, UnusablePhoto, judge_scene
from fieldbox.mapping import levelling
from fieldbox.mapping.between import Vegetation, between_rows, vegetation_percent
from fieldbox.mapping.cells import CellSums
from fieldbox.mapping.doubt import Again, cover_moved, doubtful_of, settle
from fieldbox.mapping.grid import Known, build_map
from fieldbox.mapping.inrows import InRows
from fieldbox.mapping.mosaic import Patch, assemble, choose_mosaic_gsd, save_patch, write_map
from fieldbox.mapping.seams import reconcile, without_doubtful_twins
from fieldbox.mapping.viewresult import ViewResult
from fieldbox.memory import give_back
from fieldbox.models import choose_health, choose_weeds, load_scenes
from fieldbox.pictures import bands_path, mask_path, picture_path
from fieldbox.placing import Placer, Progress, worth_of_photos
from fieldbox.quality import control_sentences
from fieldbox.retention import require_originals
from fieldbox.storage.rows import ViewKey
from fieldbox.storage.store import Store
from fieldbox.summary.alert import withdrawal
from fieldbox.surveying import Evidence, make_survey
from fieldbox.task import Flown, Task
from fieldbox.telling import Fresh, told_of

AGAIN_PX = 192
"""Side of the window around a doubtful plant, in pixels of the model's scale."""
AGAIN_LOOKS = 2
"""Other photos that a doubtful plant is looked at in, as the budget allows."""
AGAIN_ERROR_M = 0.3
"""Photos that can be off against each other by more are not asked: neighbours would be mistaken."""

GIVE_BACK_EVERY = 16
"""Views after which freed memory goes back to the system: over 200 views some 250 MiB of it would pile up."""


@dataclass(frozen=True)
class Found:
    """What all views together show."""

    results: Sequence[ViewResult]
    cells: Sequence[CellSums]
    detections: Sequence[Detection]
    """Plants in the field, each once."""
    ladder: Ladder | None = None


class Analysis:
    """Maps flights. Keeps the model loaded between them."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        settled: Callable[[], Config] | None = None,
    ) -> None:
        """`settled`: the settings as they are when a survey is told of; None: they stay as they are."""
        cv2.setNumThreads(1)  # the views themselves run side by side
        self._config, self._store, self._cancelled = config, store, cancelled
        self._settled = settled or (lambda: config)
        chosen = choose_weeds(config)
        self._model: WeedModel = chosen.model
        health = choose_health(config)
        self._health: HealthModel = health.model
        self._model_warnings = (*chosen.warnings, *health.warnings)
        self._scenes = load_scenes()
        self._placer = Placer(config, store, cancelled)

    def run(self, flight_id: str, progress: Progress, *, anew: bool = False) -> Survey:
        """Map a flight of the store, or find that it is mapped already; `anew`: look at it all the same.

        Raises Rejected if nothing of it can be mapped or its photos were removed to make room, Unavailable if the disk
        is full.
        """
        while True:
            given = self._placer.given(flight_id)
            require_originals(self._store, given.flight)
            try:
                survey = self._run(given, progress, anew=anew)
            except UnusablePhoto as photo:
                # Its ground is given to its neighbours: the flight is planned again without it.
                self._store.unplace(photo.digest, photo.reason)
                continue
            if _name_of(self._placer.given(flight_id)) == _name_of(given):
                return survey
            # Photos or a list came meanwhile; who brought them counts on the work that was under way.

    def _run(self, given: Given, progress: Progress, *, anew: bool) -> Survey:
        task = self._prepare(given, progress)
        known = self._store.survey_for(given.flight.id, task.key, self._model.digest)
        if known and self._has_rasters(known) and not anew:
            # A list came that changes nothing, or what changed meanwhile was taken back.
            self._confirm(known, task)
            self._tidy(task)  # left by a kill after the survey
            return self._store.survey(known.id) or known
        try:
            self._look(task, progress)
            found = self._bring_together(task)
            if task.scene.single_weeds and not task.flown.is_mosaic:  # no other photo shows the same ground
                found = self._settle_doubt(task, found, progress)
        except UnusablePhoto:
            self._store.drop_views(task.key, self._model.digest)
            shutil.rmtree(self._work(task), ignore_errors=True)
            raise
        return self._finish(task, found, progress)

    # -- before a view is looked at -----------------------------------------------------------

    def _prepare(self, given: Given, progress: Progress) -> Task:
        flown = self._placer.flown(given, progress)
        progress("plan", 0, 1)
        geometries = flown.alignment.geometries
        plan = plan_coverage(geometries.values(), boundary=flown.ring, worth=worth_of_photos(flown.alignment))
        if not plan.views:
            raise Rejected(
                N_("The flight does not cover the field {field}: bring it in under another name (--field)."),
                field=flown.field.name,
            )
        scene = judge_scene(
            list(geometries.values()),
            self._read,
            self._model,
            self._scenes,
            crop=flown.field.crop,
            least_reduction=self._config.map.photo_reduction,
        )
        mosaic_gsd_m = choose_mosaic_gsd(scene.gsd_m * scene.scale, plan.area_m2)
        return Task(flown, plan, scene, mosaic_gsd_m, self._key(flown, plan, scene))

    def _confirm(self, survey: Survey, task: Task) -> None:
        """A survey that is there counts, and so does what was told of it: an alert of another one does not stand."""
        flown = task.flown
        otherwise = [withdrawal(survey, flown.field, flown.flight)]
        self._store.confirm_survey(survey.id, flown.given.sentences, otherwise)

    def _has_rasters(self, survey: Survey) -> bool:
        """Whether a survey still has its pictures; without them it is looked at again."""
        folder = self._config.storage.root / "rasters" / survey.id
        return all((folder / name).exists() for name in ("map.tif", "mosaic.tif"))

    def _key(self, flown: Flown, plan: CoveragePlan, scene: Scene) -> str:
        told = [
            flown.field.id,
            plan.key,
            flown.alignment_key,
            looking.VERSION,
            scene.scale,
            scene.basis,
            scene.natural_colour,
        ]
        told += [self._config.map.cell_m, self._config.models.doubt_budget]
        if flown.developed:
            told.append(flown.developed.recipe)
        told += [self._health.digest, self._scenes.digest, levelling.VERSION, seamlines.VERSION]
        told.append(judging.VERSION)
        if flown.field.row_deg is not None:
            told.append(["rows", round(flown.field.row_deg, 2)])
        return blake3(json.dumps(told).encode()).hexdigest()

    def _read(self, digest: str) -> bytes:
        return picture_path(self._config.storage.root, digest).read_bytes()

    # -- each photo once ----------------------------------------------------------------------

    def _look(self, task: Task, progress: Progress) -> None:
        """Look at the views that have no result yet; each is committed as soon as it is there."""
        done = self._store.views_done(task.key, self._model.digest) - self._lost(task)
        todo = [i for i, view in enumerate(task.plan.views) if view.digest not in done]
        total = len(task.plan.views)
        progress("look", total - len(todo), total)
        for number, (index, looked) in enumerate(
            self._placer.side_by_side(self._looker(task).look, todo), start=1
        ):
            self._commit(task, index, *looked)
            if number % GIVE_BACK_EVERY == 0:
                give_back()
            progress("look", total - len(todo) + number, total)

    def _looker(self, task: Task) -> Looker:
        cell_m = self._config.map.cell_m
        return Looker(
            self._read,
            task.plan,
            task.flown.geometries,
            task.scene,
            self._model,
            self._scenes,
            cell_m,
            task.mosaic_gsd_m,
            task.brightness,
            task.seams,
            self._mask,
            self._bands,
        )

    def _mask(self, digest: str) -> NDArray[np.bool_] | None:
        return read_mask(mask_path(self._config.storage.root, digest))

    def _bands(self, digest: str) -> bytes | None:
        path = bands_path(self._config.storage.root, digest)
        return path.read_bytes() if path.exists() else None

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

    def _tidy(self, task: Task) -> None:
        """Remove what only a survey in work needs."""
        self._placer.forget_points(task.flown.flight.id)
        shutil.rmtree(self._work(task), ignore_errors=True)

    def _work(self, task: Task) -> Path:
        return self._config.storage.root / "work" / task.key[:16]

    # -- the ladder of doubt ------------------------------------------------------------------

    def _bring_together(self, task: Task) -> Found:
        """The views' results as one: each plant once."""
        give_back()  # what decoding took is not needed any more
        results = [
            ViewResult.from_bytes(data) for _digest, data in self._store.views(task.key, self._model.digest)
        ]
        plants = without_doubtful_twins(reconcile(results)) if task.scene.single_weeds else ()
        return Found(results, [one.cells for one in results], _inside(task.flown.ring, plants))

    def _settle_doubt(self, task: Task, found: Found, progress: Progress) -> Found:
        """Look at doubtful plants again in other photos; each photo's answers are committed when they are there.

        Which photos are asked what follows from the first looks alone, so it is the same after a kill.
        """
        doubtful = [found.detections[number] for number in doubtful_of(found.detections)]
        first = _work_of(task.plan.pixels, [task.flown.geometries[view.digest] for view in task.plan.views])
        asking = Asking(
            side_px=AGAIN_PX * task.scene.scale,
            looks=AGAIN_LOOKS,
            budget=self._config.models.doubt_budget * first,
            max_error_m=AGAIN_ERROR_M,
        )
        spots = _spots(doubtful)
        looks = plan_second_looks(list(task.flown.geometries.values()), spots, asking) if doubtful else ()
        told = [asdict(one) for one in looks]
        key = task.key + "+" + blake3(json.dumps(told).encode()).hexdigest()[:16]
        self._look_again(task, key, looks, spots, progress)
        answers = {
            digest: ViewResult.from_bytes(data).plants
            for digest, data in self._store.views(key, self._model.digest)
        }
        again = [Again(one.spots, answers[one.digest], one.apart_m) for one in looks]
        share = sum(one.cost for one in looks) / first
        detections, ladder = settle(found.detections, again, self._model.sure_from, share)
        moved = cover_moved(found.cells, found.detections, detections)
        cells = [*found.cells, moved] if moved else found.cells
        return replace(found, cells=cells, detections=detections, ladder=ladder)

    def _look_again(
        self, task: Task, key: str, looks: Sequence[SecondLook], spots: Spots, progress: Progress
    ) -> None:
        done = self._store.views_done(key, self._model.digest)
        todo = [look for look in looks if look.digest not in done]
        looker, total = self._looker(task), len(looks)
        progress("again", total - len(todo), total)

        def look_again(look: SecondLook) -> ViewResult:
            return looker.look_again(look, spots.places)

        for number, (look, result) in enumerate(self._placer.side_by_side(look_again, todo), start=1):
            self._store.save_view(ViewKey(look.digest, key, self._model.digest), result.to_bytes(), None)
            progress("again", total - len(todo) + number, total)

    # -- after the last pixel -----------------------------------------------------------------

    def _finish(self, task: Task, found: Found, progress: Progress) -> Survey:
        """Draw the map; survey and message are committed in one transaction."""
        progress("map", 0, 1)
        give_back()  # the mosaic needs some memory
        rows_deg = task.flown.rows_deg
        judged = judge_crop(
            found.detections, self._health, 1000 * task.scene.gsd_m * task.scene.scale, rows_deg
        )
        detections = judged.detections
        moved = cover_moved(found.cells, found.detections, detections) if judged.changed else None
        grid = build_map(
            [*found.cells, moved] if moved else found.cells,
            detections,
            epsg=task.flown.plane.epsg,
            cell_m=self._config.map.cell_m,
            boundary=task.flown.ring,
            known=Known(task.scene.single_weeds, task.scene.single_weeds, task.scene.natural_colour),
        )
        green, between, in_rows = None, None, judged.in_rows
        if task.scene.basis is WeedBasis.ROWS:
            vegetation = Vegetation.of(found.results)
            green = vegetation_percent(vegetation, grid)
            between = between_rows(vegetation, grid, rows_deg)
            grid = replace(grid, weed_cover=between.cover) if between else grid
            in_rows = InRows(between.rows) if between else None
        evidence = Evidence(task, self._model, grid, detections, found.ladder, green, between, in_rows)
        identity = blake3(f"{task.flown.flight.id} {task.key} {self._model.digest}".encode()).hexdigest()[:20]
        survey = make_survey(identity, datetime.now(UTC), evidence)
        names = [one.name for one in task.flown.given.control.points] if task.flown.given.control else []
        control = control_sentences(task.flown.alignment, names)
        said = (
            *(task.flown.developed.notes if task.flown.developed else ()),
            *self._model_warnings,
            *task.flown.given.sentences,
            *control,
            *survey.warnings,
            *judged.warnings,
        )
        survey = replace(survey, warnings=said, crop_missing=judged.missing)
        self._write_rasters(task, survey, grid, progress)
        told = told_of(
            self._settled(),
            self._store,
            Fresh(survey, task.flown.field, task.flown.flight, grid, detections, task.flown.plane),
        )
        fresh = self._store.save_survey(
            survey,
            detections,
            told,
            plan_key=task.key,
            release_sha=self._model.digest,
            to_geographic=task.flown.plane.to_geographic,
            missing=judged.gaps or (),
            placed=task.flown.placed,
        )
        if not fresh:  # only its pictures were made anew
            self._confirm(survey, task)
        self._tidy(task)
        self._placer.forget_alignments()
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
        assemble(
            patches,
            folder / "mosaic.tif",
            epsg=task.flown.plane.epsg,
            gsd_m=task.mosaic_gsd_m,
            error95_m=survey.position_error_m,
        )


def _name_of(given: Given) -> tuple[object, ...]:
    """What tells one state of a flight from another."""
    return {one.digest for one in given.flight.captures}, given.poses_key, given.control_key


def _inside(ring: NDArray[np.float64], detections: Sequence[Detection]) -> list[Detection]:
    """The detections whose centre lies in the field."""
    field = shapely.Polygon(ring).buffer(0)
    shapely.prepare(field)
    within = shapely.contains_xy(field, [one.east for one in detections], [one.north for one in detections])
    return [one for one, inside in zip(detections, within, strict=True) if inside]


def _spots(doubtful: Sequence[Detection]) -> Spots:
    """Where to look again. Weeds first, and what is nearest to no telling: a second look changes most there."""
    return Spots(
        places=np.array([(one.east, one.north) for one in doubtful], float).reshape(-1, 2),
        found_in=tuple(one.digest for one in doubtful),
        errors_m=np.array([one.position_error_m for one in doubtful], float),
        weights=np.array([(2.0 if one.cover is Cover.WEED else 1.0) * (1 - one.score) for one in doubtful]),
    )


def _work_of(pixels: int, photos: Iterable[PhotoGeometry]) -> float:
    """Pixels to look at, and the photos to decode in the same unit."""
    return pixels + DECODE_SHARE * sum(one.camera.width * one.camera.height for one in photos)
