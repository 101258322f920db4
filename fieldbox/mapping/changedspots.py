"""Spots of a field that changed: new ones, those that spread or shrank, those that are gone."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label

from fieldbox.domain import Became, ChangedSpot, Measure, Patch
from fieldbox.mapping.change import Both
from fieldbox.mapping.geo import lon_lat
from fieldbox.mapping.overlay import Floats, Frame

Mask = NDArray[np.bool_]

LEAST_SPOT_M2 = 4.0
"""Smaller groups of cells are no spot."""
FEW_PER_M2, FEW_COVER = 0.5, 0.005
"""Ground with no more than that, or no more than twice the usual of its field, is no spot with weeds."""
_EIGHT = np.ones((3, 3), bool)


def changed_spots(
    both: Both,
    call: NDArray[np.float32],
    measure: Measure,
    least_m2: float = LEAST_SPOT_M2,
    field: shapely.Geometry | None = None,
) -> tuple[ChangedSpot, ...]:
    """Groups of cells (8 neighbours) that were called alike, the largest first, as far as they lie on the `field` (east, north
    in the map's zone; None: anywhere).

    A spot with more weeds is new where neither it nor cells beside it (two or more side by side) had many before, else it is
    spreading; one with less is gone where neither has many after, else it is shrinking. Many: more than twice the median of the
    field's cells at that date, and than FEW_PER_M2 (of covers, FEW_COVER).
    """
    layers = (both.before.weeds, both.after.weeds)
    if measure is Measure.COVER:
        layers = (both.before.weed_m2, both.after.weed_m2)
    found = []
    for more in (True, False):
        numbers, count = label(call == (1 if more else -1), structure=_EIGHT)
        for number in range(1, count + 1):
            cells = numbers == number
            if cells.sum() * both.frame.cell_m**2 >= least_m2 - 1e-9:
                kind = _became(both, cells, layers, measure, more)
                shape = _outline(both.frame, cells)
                shape = shape if field is None else _on(field, shape)
                if shape.area > 0:
                    found.append(_spot(both, cells, shape, kind, counted=measure is Measure.COUNT))
    return tuple(sorted(found, key=lambda one: -one.area_m2))


def _became(both: Both, cells: Mask, layers: tuple[Floats, Floats], measure: Measure, more: bool) -> Became:
    tally, layer = (both.before, layers[0]) if more else (both.after, layers[1])
    rate = layer / np.where(both.judged, tally.seen_m2, np.nan)
    usual = float(np.median(rate[both.judged]))
    many = max(2 * usual, FEW_PER_M2 if measure is Measure.COUNT else FEW_COVER)
    around = binary_dilation(cells, structure=_EIGHT) & both.judged & ~cells & (rate > many)
    if _rate(layer, tally.seen_m2, cells) > many or _touching(around):
        return Became.SPREADING if more else Became.SHRINKING
    return Became.NEW if more else Became.GONE


def _touching(cells: Mask) -> bool:
    """Whether two of the cells are neighbours: by chance one alone has many weeds now and then."""
    numbers, count = label(cells, structure=_EIGHT)
    return bool(count) and int(np.bincount(numbers.ravel())[1:].max()) >= 2


def _rate(layer: Floats, seen_m2: Floats, cells: Mask) -> float:
    return float(layer[cells].sum() / seen_m2[cells].sum()) if cells.any() else 0.0


def _on(field: shapely.Geometry, shape: shapely.Geometry) -> shapely.Geometry:
    """What of a shape lies on the field: areas only."""
    parts = shapely.get_parts(shapely.intersection(shape, field))
    return shapely.union_all([one for one in parts if isinstance(one, shapely.Polygon)])


def _spot(both: Both, cells: Mask, shape: shapely.Geometry, became: Became, *, counted: bool) -> ChangedSpot:
    frame = both.frame
    inside = lon_lat(frame.epsg, shapely.get_coordinates(shape.representative_point()))[0]
    rates = [_rate(tally.weeds, tally.seen_m2, cells) for tally in (both.before, both.after)]
    covers = [100 * _rate(tally.weed_m2, tally.seen_m2, cells) for tally in (both.before, both.after)]
    area = float(shape.area)
    return ChangedSpot(
        became=became,
        patch=_patch(frame.epsg, _largest(shape)),
        area_m2=area,
        lat=float(inside[1]),
        lon=float(inside[0]),
        before=rates[0] if counted else None,
        after=rates[1] if counted else None,
        cover_before_pct=covers[0],
        cover_after_pct=covers[1],
        count_change=(rates[1] - rates[0]) * area if counted else None,
    )


def _outline(frame: Frame, cells: Mask) -> shapely.Geometry:
    """The cells as one area. Cells that meet at a corner only are joined by the smallest bridge."""
    row, column = np.nonzero(cells)
    west, north = frame.west + column * frame.cell_m, frame.north - row * frame.cell_m
    squares = shapely.box(west, north - frame.cell_m, west + frame.cell_m, north)
    whole = shapely.union_all(squares)
    if isinstance(whole, shapely.Polygon):
        return whole
    bridge = 0.01 * frame.cell_m
    return whole.buffer(bridge, join_style="mitre").buffer(-bridge / 2, join_style="mitre")


def _largest(shape: shapely.Geometry) -> shapely.Polygon:
    if isinstance(shape, shapely.Polygon):
        return shape
    return max(shape.geoms, key=lambda one: one.area)


def _patch(epsg: int, shape: shapely.Polygon) -> Patch:
    oriented = shapely.geometry.polygon.orient(shape)
    rings = (oriented.exterior, *oriented.interiors)
    return tuple(
        tuple((float(lon), float(lat)) for lon, lat in lon_lat(epsg, np.array(ring.coords)[:-1]))
        for ring in rings
    )
