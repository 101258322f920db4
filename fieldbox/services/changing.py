"""What became of a field between two of its surveys: behind `fieldbox change` and the dashboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.domain import (
    TO_RADIUS95,
    Change,
    Cover,
    Efficacy,
    FieldMap,
    Measure,
    Shift,
    ShiftBasis,
    Survey,
)
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.sameground import LEAST_VOTES, Agreement, Bounds, Plants, agree
from fieldbox.i18n import N_, Sentence
from fieldbox.inference.weeds import NATIVE_GSD_MM
from fieldbox.mapping import comparable, intervals
from fieldbox.mapping.areas import in_zone
from fieldbox.mapping.change import (
    LARGEST_M,
    OVER_ERROR,
    Both,
    Noise,
    cell_size,
    compare_cells,
    lay,
    total_cover,
    total_weeds,
)
from fieldbox.mapping.changedspots import changed_spots
from fieldbox.mapping.comparable import Side
from fieldbox.mapping.efficacy import efficacy
from fieldbox.mapping.mosaic import read_map
from fieldbox.mapping.overlay import SMALL_WEED_M2, Dated, move
from fieldbox.mapping.vigour import polygon_of
from fieldbox.overlaying import Mosaic, agree_by_pictures
from fieldbox.storage.rows import StoredDetection
from fieldbox.storage.store import Store

Floats = NDArray[np.float64]

REACH = 1.5
"""How far the maps are looked for from each other, over the 95 % radius of both their errors: 3.7 standard errors."""
LEAST_REACH_M = 0.5
MOST_SCALE, MOST_TURN_DEG = 0.2, 8.0
ODD_SCALE = 0.03
"""A difference in the size of two maps that is told."""
MOST_FALSE = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class _Seen:
    """A survey with all that is needed of it."""

    survey: Survey
    dated: Dated
    plants: Floats
    """[N, 2] all plants in the map's zone."""
    mosaic: Path

    @property
    def grid(self) -> FieldMap:
        return self.dated.grid


def compare(
    config: Config,
    store: Store,
    before: Survey,
    after: Survey,
    *,
    treated: shapely.Geometry | None = None,
    cell_m: float | None = None,
) -> Change:
    """What became of a field from one survey to a later one.

    `treated` is ground (longitude and latitude) that was treated between them; `cell_m` the side of the cells that are
    compared, None: the smallest that the maps allow. Raises Rejected, in a sentence, where they are not to be compared.
    """
    sides = _side(store, before), _side(store, after)
    reason = comparable.refusal(*sides)
    if reason is not None:
        raise _rejected(reason)
    measure = comparable.measure_of(*sides)
    one, other = _seen(config, store, before), _seen(config, store, after)
    shift = align(one, other)
    size, why = _cells(one.dated, other.dated, shift, cell_m)
    both = _laid(one, other, shift, size)
    noise = Noise.of(one.dated, other.dated, shift)
    cells = compare_cells(both, noise, measure)
    area = np.where(both.judged, np.minimum(both.before.seen_m2, both.after.seen_m2), 0.0)
    return Change(
        before_id=before.id,
        after_id=after.id,
        days=_days(*sides),
        measure=measure,
        shift=shift,
        cells=cells,
        cell_why=why,
        common_m2=both.common_m2,
        more_m2=float(area[cells.call > 0].sum()),
        less_m2=float(area[cells.call < 0].sum()),
        untold_m2=float(area[cells.call == 0].sum()),
        weeds=total_weeds(both, noise) if measure is Measure.COUNT else None,
        found_again=round(float(both.again[both.judged].sum()))
        if both.weeds and measure is Measure.COUNT
        else None,
        cover_pct=total_cover(both, noise),
        spots=changed_spots(both, cells.call, measure, field=_field(store, after, both.frame.epsg)),
        efficacy=_worked(one, other, shift, measure, treated) if treated is not None else None,
        indices=comparable.indices_of(*sides),
        cautions=(*comparable.cautions(*sides), *_size_caution(shift)),
    )


def _field(store: Store, survey: Survey, epsg: int) -> shapely.Geometry | None:
    """The ground of a survey's field."""
    field = store.field(survey.field_id)
    return polygon_of((field.boundary,), epsg) if field else None


def _side(store: Store, survey: Survey) -> Side:
    flight = store.flight(survey.flight_id)
    check = store.checks([survey.flight_id]).get(survey.flight_id)
    return Side(
        survey=survey,
        flown_at=flight.started_at if flight else None,
        looked_mm=max(10 * survey.gsd_cm, NATIVE_GSD_MM),
        simulated=bool(flight and flight.simulated),
        badly_exposed=check.badly_exposed / check.photos if check and check.photos else None,
    )


def _days(before: Side, after: Side) -> float | None:
    if before.flown_at is None or after.flown_at is None:
        return None
    return (after.flown_at - before.flown_at).total_seconds() / 86_400


def _rejected(reason: Sentence) -> Rejected:
    return Rejected(reason.template, **reason.params)


# -- what is known of a survey ----------------------------------------------------------------------


def _seen(config: Config, store: Store, survey: Survey) -> _Seen:
    folder = config.storage.root / "rasters" / survey.id
    if not (folder / "map.tif").exists():
        raise Rejected(
            N_("The pictures of this survey are gone: bring the flight in again to make them anew.")
        )
    grid = read_map(folder / "map.tif")
    plane = GroundPlane(grid.epsg)
    found = store.detections(survey.id)
    weeds = [one for one in found if one.cover is Cover.WEED]
    field = store.field(survey.field_id)
    mean, count_error = 1.0, 0.0
    if survey.weed_count is not None and survey.weed_count_interval95 is not None:
        mean, count_error = intervals.ratio_of_count(survey.weed_count, survey.weed_count_interval95)
    dated = Dated(
        grid=grid,
        ring=_ground([(lat, lon) for lon, lat in field.boundary], plane) if field else None,
        weeds=_places(weeds, plane) if survey.weed_count is not None else None,
        weed_m2=_weed_m2(weeds),
        count_error=count_error,
        cover_error=_cover_error(survey),
        false_share=min(max(1 - survey.weed_recall * mean, 0.0), MOST_FALSE) if survey.weed_recall else 0.0,
    )
    return _Seen(survey, dated, _places(found, plane), folder / "mosaic.tif")


def _cover_error(survey: Survey) -> float:
    if survey.weed_cover_pct is None or survey.weed_cover_pct_interval95 is None:
        return 0.0
    return intervals.ratio_error_of_cover(survey.weed_cover_pct, survey.weed_cover_pct_interval95)


def _weed_m2(weeds: Sequence[StoredDetection]) -> float:
    """Mean area of the weeds, weighted by area."""
    areas = np.array([one.area_cm2 for one in weeds]) / 1e4
    return float((areas**2).sum() / areas.sum()) if areas.sum() > 0 else SMALL_WEED_M2


def _places(plants: Sequence[StoredDetection], plane: GroundPlane) -> Floats:
    return _ground([(one.lat, one.lon) for one in plants], plane)


def _ground(places: Sequence[tuple[float, float]], plane: GroundPlane) -> Floats:
    """[N, 2] east, north of (lat, lon)."""
    lat, lon = np.array(places, float).reshape(-1, 2).T
    return np.column_stack(plane.to_ground(lat, lon))


# -- how the maps lie to each other -------------------------------------------------------------------


def align(before: _Seen, after: _Seen) -> Shift:
    """By the plants that both surveys found; else by what both mosaics show; else by nothing but the stated errors."""
    error95 = math.hypot(before.survey.position_error_m, after.survey.position_error_m)
    here = move(before.plants, before.grid.epsg, after.grid.epsg, None)
    bounds = _bounds(before.survey, after.survey, error95, after.grid)
    if min(len(here), len(after.plants)) >= LEAST_VOTES:
        found = agree(Plants(here, after.plants), bounds)
        if found is not None:
            return _shift(found, ShiftBasis.PLANTS)
    found = _by_pictures(before, after, bounds)
    if found is not None:
        return _shift(found, ShiftBasis.PICTURES)
    return Shift(0.0, 0.0, error95 / TO_RADIUS95, ShiftBasis.STATED)


def _bounds(before: Survey, after: Survey, error95_m: float, grid: FieldMap) -> Bounds:
    """No part of the field is farther off than positions may be, and no map larger than heights may be wrong."""
    reach = max(REACH * error95_m, LEAST_REACH_M)
    half = max(grid.cell_m * math.hypot(*grid.seen.shape) / 2, 1.0)
    scale = math.hypot(*(_relative_gsd(one) for one in (before, after)))
    turn = math.degrees(reach / half)
    return Bounds(reach, min(scale, reach / half, MOST_SCALE), min(turn, MOST_TURN_DEG))


def _relative_gsd(survey: Survey) -> float:
    if survey.gsd_cm_interval95 is None:
        return MOST_SCALE
    return (survey.gsd_cm_interval95.high - survey.gsd_cm_interval95.low) / (2 * survey.gsd_cm)


def _by_pictures(before: _Seen, after: _Seen, bounds: Bounds) -> Agreement | None:
    if before.grid.epsg != after.grid.epsg or not (before.mosaic.exists() and after.mosaic.exists()):
        return None
    common = shapely.intersection(
        shapely.buffer(_extent(before.grid), bounds.reach_m),
        shapely.buffer(_extent(after.grid), bounds.reach_m),
    )
    if common.is_empty:
        return None
    west, south, east, north = (float(one) for one in common.bounds)
    ground = west, south, east, north
    return agree_by_pictures(Mosaic(before.mosaic, ground), Mosaic(after.mosaic, ground), bounds)


def _extent(grid: FieldMap) -> shapely.Polygon:
    rows, columns = grid.seen.shape
    south, east = grid.north - rows * grid.cell_m, grid.west + columns * grid.cell_m
    return shapely.box(grid.west, south, east, grid.north)


def _shift(found: Agreement, basis: ShiftBasis) -> Shift:
    lying = found.lying
    return Shift(*lying.shift, found.error_m, basis, found.votes, lying.scale, lying.turn_deg, lying.pivot)


def _size_caution(shift: Shift) -> tuple[Sentence, ...]:
    if abs(shift.scale - 1) < ODD_SCALE:
        return ()
    template = N_(
        "The same ground is {percent} % larger in one map than in the other, for a height was not known exactly: areas and "
        "densities are those of the later map."
    )
    return (Sentence(template, {"percent": round(100 * abs(shift.scale - 1))}),)


# -- cells ----------------------------------------------------------------------------------------------


def _cells(
    before: Dated, after: Dated, shift: Shift, wanted_m: float | None
) -> tuple[float, Sentence | None]:
    size, why = cell_size(before, after, shift)
    least = OVER_ERROR * shift.error95_m
    if wanted_m is not None:
        if wanted_m < least:
            raise Rejected(
                N_(
                    "Cells of {cell} m are too small: the maps may lie {error} m apart, so take {least} m or more."
                ),
                cell=wanted_m,
                error=round(shift.error95_m, 2),
                least=math.ceil(10 * least) / 10,
            )
        size, why = wanted_m, None
    if least > LARGEST_M:
        raise _rejected(comparable.too_coarse(size, shift.error95_m))
    return size, why


def _laid(before: _Seen, after: _Seen, shift: Shift, cell_m: float) -> Both:
    both = lay(before.dated, after.dated, shift, cell_m)
    ground = min(float(one.grid.seen.sum()) * one.grid.cell_m**2 for one in (before, after))
    share = both.common_m2 / ground if both and ground > 0 else 0.0
    if both is None or share < comparable.LEAST_COMMON:
        raise _rejected(comparable.too_little_common(share))
    if both.judged.sum() < comparable.LEAST_CELLS:
        if shift.basis is ShiftBasis.STATED:
            raise _rejected(comparable.too_coarse(cell_m, shift.error95_m))
        raise Rejected(
            N_("Only {count} cells of {cell} m were seen by both flights: that is too little to compare."),
            count=int(both.judged.sum()),
            cell=cell_m,
        )
    return both


def _worked(
    before: _Seen, after: _Seen, shift: Shift, measure: Measure, treated: shapely.Geometry
) -> Efficacy:
    """Whether a treatment worked, in the smallest cells: where weeds are counted their own places tell."""
    cell = max(before.grid.cell_m, after.grid.cell_m)
    both = lay(before.dated, after.dated, shift, cell)
    ground = in_zone(treated, after.grid.epsg)
    field = _extent(after.grid)
    if both is None or not shapely.intersects(ground, field):
        raise Rejected(N_("The treated ground does not lie on this field."))
    # What was treated is told in true places, and the later map may be off from these.
    margin = math.hypot(shift.error95_m, after.survey.position_error_m)
    return efficacy(both, (before.dated, after.dated), ground, margin, measure)
