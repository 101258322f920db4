"""From a field map to a survey: the numbers that matter, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import (
    Cover,
    CropStand,
    Detection,
    FieldMap,
    Interval,
    Ladder,
    Quality,
    Survey,
    WeedBasis,
)
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence
from fieldbox.inference.weeds import WeedModel
from fieldbox.mapping import intervals
from fieldbox.mapping.between import Between
from fieldbox.mapping.health import health_index
from fieldbox.mapping.hotspots import Shown, find_hotspots
from fieldbox.mapping.inrows import InRows, crop_stand
from fieldbox.quality import Ground, quality_of, sentences_of
from fieldbox.task import Flown, Task

MOSTLY_UNSURE = 0.5
"""With more than this share of the plants unsure at the first look, the model may not know the crop."""
FEW_PLANTS = 30
"""Too few plants to say so."""
NOT_JUDGED = 0.05
"""Share of the ground looked at that must show something else before it is told."""
FAR_OFF_M = 5.0
"""A position error that makes a spot hard to find on foot."""


@dataclass(frozen=True)
class Evidence:
    """All that a survey is made from."""

    task: Task
    model: WeedModel
    grid: FieldMap
    detections: Sequence[Detection]
    ladder: Ladder | None = None
    green_pct: float | None = None
    """Cover of vegetation, where crop and weed are not told apart."""
    between: Between | None = None
    """Vegetation off the crop rows, where weeds are called from these."""
    in_rows: InRows | None = None
    """The crop rows; None: there are none, or they are not known."""


def make_survey(identity: str, made_at: datetime, evidence: Evidence) -> Survey:
    """The survey of one flight over one field."""
    grid, scene, model = evidence.grid, evidence.task.scene, evidence.model
    ratios = model.ratios.near(1000 * scene.gsd_m * scene.scale)
    photos = [evidence.task.flown.geometries[view.digest] for view in evidence.task.plan.views]
    gsd = Interval(*np.median([one.gsd_interval95 for one in photos], axis=0).tolist())
    relative_gsd = (gsd.high - gsd.low) / (2 * scene.gsd_m)
    field = shapely.Polygon(evidence.task.flown.ring).buffer(0)
    unseen = min(1.0, evidence.task.plan.unseen_m2 / field.area)
    area_m2 = field.area * (1 - unseen)
    error = _typical_error(evidence, photos)
    quality = _quality(evidence.task.flown, error)
    weed_cover, weed_interval = _weed_cover(evidence, ratios.cover[Cover.WEED], area_m2)
    crop_cover = _mean(grid.crop_cover, grid.seen)
    weeds, crops = _count(evidence, Cover.WEED), _count(evidence, Cover.CROP)
    unsure = _mean(grid.unsure, grid.seen)
    area_interval = intervals.area_interval(area_m2 / 1e4, relative_gsd)
    crop_interval = _count_interval(crops, ratios.count[Cover.CROP])
    index, index_interval = health_index(grid.health_z)
    return Survey(
        id=identity,
        flight_id=evidence.task.flown.flight.id,
        field_id=evidence.task.flown.field.id,
        release=model.release,
        made_at=made_at,
        area_ha=area_m2 / 1e4,
        area_ha_interval95=area_interval,
        gsd_cm=scene.gsd_m * 100,
        gsd_cm_interval95=Interval(gsd.low * 100, gsd.high * 100),
        weed_cover_pct=weed_cover,
        weed_cover_pct_interval95=weed_interval,
        weed_count=weeds,
        weed_count_interval95=_count_interval(weeds, ratios.count[Cover.WEED]),
        crop_cover_pct=crop_cover,
        crop_cover_pct_interval95=_cover_interval(crop_cover, ratios.cover[Cover.CROP], area_m2),
        crop_count=crops,
        crop_count_interval95=crop_interval,
        health_index=index,
        health_index_interval95=index_interval,
        unsure_pct=unsure,
        unsure_pct_interval95=_share_interval(unsure, grid.unsure),
        unseen_pct=100 * unseen,
        unseen_pct_interval95=intervals.edge_interval(unseen, field.length, field.area, error),
        position_error_m=error,
        layer_label=evidence.task.flown.developed.label if evidence.task.flown.developed else scene.label,
        warnings=(
            *scene.warnings,
            *_strange_ground(evidence),
            *(sentences_of(evidence.task.flown.alignment, quality) if quality else ()),
            *_warnings(evidence, error),
        ),
        hotspots=find_hotspots(grid, evidence.detections, shown=_shown(evidence)) if _basis(evidence) else (),
        photos_used=len(evidence.task.plan.views),
        photos_unplaced=sum(capture.pose is None for capture in evidence.task.flown.flight.captures),
        weed_basis=_basis(evidence),
        ladder=evidence.ladder,
        quality=quality,
        indices=_indices(grid),
        stand=_stand(evidence, (crops, crop_interval), (area_m2 / 1e4, area_interval)),
        weed_recall=model.ratios.recall.get(Cover.WEED) if scene.single_weeds else None,
    )


def _indices(grid: FieldMap) -> dict[str, float]:
    """Means of the indices over the ground where they are known."""
    means = {}
    for name, layer in grid.spectral.items():
        known = np.isfinite(layer) & (grid.seen > 0)
        if known.any():
            means[name] = float(
                np.average(layer[known].astype(float), weights=grid.seen[known].astype(float))
            )
    return means


def _quality(flown: Flown, error_m: float) -> Quality | None:
    """How well the photos could be put on the map; None where somebody else did that."""
    if flown.is_mosaic:
        return None
    ground = Ground.of(list(flown.geometries.values()), flown.ring, drawn=flown.field.drawn)
    return quality_of(flown.alignment, ground, error_m, flown.alignment_key)


def _mean(layer: NDArray[np.float32], seen: NDArray[np.float32]) -> float | None:
    """Percent over the ground seen; None if the layer is not known anywhere."""
    known = np.isfinite(layer) & (seen > 0)
    if not known.any():
        return None
    return 100 * float(np.average(layer[known].astype(float), weights=seen[known].astype(float)))


def _basis(evidence: Evidence) -> WeedBasis | None:
    """What weeds are called from; from rows only where rows were found."""
    if evidence.task.scene.basis is WeedBasis.ROWS and evidence.between is None:
        return None
    return evidence.task.scene.basis


def _weed_cover(evidence: Evidence, ratio: Interval, area_m2: float) -> tuple[float | None, Interval | None]:
    """Weed cover in percent with its interval: of all ground, or of that between the rows."""
    if evidence.between:
        return evidence.between.percent, evidence.between.interval95
    percent = _mean(evidence.grid.weed_cover, evidence.grid.seen)
    return percent, _cover_interval(percent, ratio, area_m2)


def _count(evidence: Evidence, cover: Cover) -> int | None:
    """Sure and unsure plants together: the ratios of the model's card are those of all that it reports."""
    if not evidence.task.scene.single_weeds:
        return None
    return sum(one.cover is cover for one in evidence.detections)


def _cover_interval(percent: float | None, ratio: Interval, area_m2: float) -> Interval | None:
    return None if percent is None else intervals.cover_interval(percent, ratio, area_m2)


def _count_interval(count: int | None, ratio: Interval) -> Interval | None:
    return None if count is None else intervals.count_interval(count, ratio)


def _share_interval(percent: float | None, layer: NDArray[np.float32]) -> Interval | None:
    if percent is None:
        return None
    return intervals.proportion_interval(percent / 100, int(np.isfinite(layer).sum()))


def _typical_error(evidence: Evidence, photos: Sequence[PhotoGeometry]) -> float:
    """95 % horizontal radius of a mapped point: the mean over the views, each at the middle of its window."""
    middles = [
        one.error95_m([[(view.window.x0 + view.window.x1) / 2, (view.window.y0 + view.window.y1) / 2]])[0]
        for one, view in zip(photos, evidence.task.plan.views, strict=True)
    ]
    return float(math.sqrt(np.mean(np.square(middles))))


def _shown(evidence: Evidence) -> Shown:
    """Which capture shows a ground point, and at which pixel."""

    def show(east: float, north: float) -> tuple[str, float, float] | None:
        owner = int(evidence.task.plan.owner_of([[east, north]])[0])
        if owner < 0:
            return None
        digest = evidence.task.plan.views[owner].digest
        x, y = evidence.task.flown.geometries[digest].ground_to_pixel([[east, north]])[0].tolist()
        return digest, x, y

    return show


def _warnings(evidence: Evidence, error: float) -> list[Sentence]:
    found = []
    unplaced = sum(capture.pose is None for capture in evidence.task.flown.flight.captures)
    if unplaced:
        found.append(
            Sentence(
                N_(
                    "Photos that could not be placed and are not on the map: {count}; the flight's page says why."
                ),
                {"count": unplaced},
            )
        )
    if error > FAR_OFF_M:
        template = N_("Positions are only good to {error} m: look around each spot, or fly with RTK.")
        found.append(Sentence(template, {"error": round(error, 1)}))
    found += _crop_warnings(evidence)
    if evidence.task.flown.flight.simulated:
        found.append(Sentence(N_("These photos are simulated: nothing here is a real field.")))
    return found


def _stand(
    evidence: Evidence, crop: tuple[int | None, Interval | None], area_ha: tuple[float, Interval]
) -> CropStand | None:
    """The rows and how the crop stands in them, from the crop plants and the area seen with their intervals."""
    found, flown = evidence.in_rows, evidence.task.flown
    if found is None:
        return None
    middle = np.array(flown.field.boundary).mean(axis=0)
    convergence = flown.plane.convergence_deg(lat=float(middle[1]), lon=float(middle[0]))
    # Of the ground seen, what shows no field was not judged: no plant is counted there.
    judged = area_ha[0] * min(1.0, _judged_share(evidence))
    count, interval = crop
    if count is None or interval is None or judged <= 0:
        return crop_stand(found, convergence, None, None)
    scale = Interval(*(judged * bound / area_ha[0] for bound in area_ha[1]))
    return crop_stand(
        found, convergence, count / judged, intervals.quotient_interval(count, interval, judged, scale)
    )


def _judged_share(evidence: Evidence) -> float:
    """Of the ground that was photographed, the share that was judged; NaN if there is none."""
    grid, plan = evidence.grid, evidence.task.plan
    field = shapely.Polygon(evidence.task.flown.ring).buffer(0)
    unseen = min(1.0, plan.unseen_m2 / field.area)
    judged_m2 = float(grid.seen.sum()) * grid.cell_m**2
    photographed_m2 = mapped_m2(grid, evidence.task.flown.ring) * (1 - unseen)
    return judged_m2 / photographed_m2 if photographed_m2 > 0 else math.nan


def _strange_ground(evidence: Evidence) -> list[Sentence]:
    """Ground that was photographed and not judged, because it does not look like a field."""
    share = 1 - _judged_share(evidence)
    if evidence.task.scene.basis is None or not share >= NOT_JUDGED:
        return []
    template = N_(
        "{share} % of the ground does not look like the fields that the weed model knows: nothing is called there."
    )
    return [Sentence(template, {"share": round(100 * share)})]


def mapped_m2(grid: FieldMap, ring: NDArray[np.float64]) -> float:
    """The part of the field that the map can show: cells at its edge whose middle lies outside are left out."""
    field = shapely.Polygon(ring).buffer(0)
    shapely.prepare(field)
    rows, columns = grid.seen.shape
    west, south = np.meshgrid(
        grid.west + grid.cell_m * np.arange(columns), grid.north - grid.cell_m * np.arange(1, rows + 1)
    )
    shown = shapely.contains_xy(field, west + grid.cell_m / 2, south + grid.cell_m / 2)
    west, south = west[shown], south[shown]
    cells = shapely.box(west, south, west + grid.cell_m, south + grid.cell_m)
    whole = shapely.covers(field, cells)
    edge = shapely.intersection(field, cells[~whole])
    return float(whole.sum()) * grid.cell_m**2 + float(shapely.area(edge).sum())


def _crop_warnings(evidence: Evidence) -> list[Sentence]:
    """What it means that the model does not know the crop, or seems not to."""
    crop = evidence.task.flown.field.crop
    if evidence.task.scene.basis is WeedBasis.ROWS:
        told: dict[str, str | int | float] = {
            "crop": crop or "?",
            "green": round(evidence.green_pct or 0.0, 1),
        }
        if evidence.between is None:
            template = N_(
                "The weed model does not know {crop}, and no crop rows were found: weeds are not called. "
                "Plants cover {green} % of the ground."
            )
            return [Sentence(template, told)]
        template = N_(
            "Row-based: the weed model does not know {crop}, so weeds are what grows off the crop rows "
            "({spacing} m apart), in percent of the ground between them. Within {strip} m of a row nothing is "
            "judged, and weeds are not counted. Plants cover {green} % of the ground."
        )
        rows = {"spacing": round(evidence.between.spacing_m, 2), "strip": round(evidence.between.strip_m, 2)}
        return [Sentence(template, told | rows)]
    if evidence.ladder and not crop and not evidence.task.flown.flight.simulated:
        plants = evidence.ladder.doubtful, len(evidence.detections) + evidence.ladder.dropped
        if plants[1] >= FEW_PLANTS and plants[0] > MOSTLY_UNSURE * plants[1]:
            template = N_(
                "The weed model is unsure of {share} % of the plants: it may not know this crop. "
                "Name the crop of the field."
            )
            return [Sentence(template, {"share": round(100 * plants[0] / plants[1])})]
    return []
