"""Where a crop stands poorer or better than in the rest of its field: a few zones that can be walked to and treated.

What is known of each cell (the crop's colour; how many of its plants are missing, stunted or yellowing, or, where no single
plants are called, how much ground it covers) is told in standard deviations of single cells of this field, and averaged over
its neighbours. A zone is as good as its weakest figure. Relative throughout: it names no cause, and a field that is poor
everywhere shows no poor zone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from scipy import ndimage

from fieldbox.domain import FieldMap, Patch, Vigour, Zone, ZoneKind
from fieldbox.mapping.causes import Facts, Ground, causes_of
from fieldbox.mapping.cropevidence import STRUCTURE, CropPlants, evidence_of
from fieldbox.mapping.geo import easting_northing, lon_lat
from fieldbox.mapping.outlines import Frame, outlines

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_Z = 0.5
"""Ground nearer to the usual than this, in standard deviations of single cells, is usual. A convention: maps of yield are
cut into three classes by mean and standard deviation, too (Dobermann et al. 2003, Agronomy Journal 95, 1105-1120)."""
SAME_GROUND = 0.5
"""Share of a zone's cells that an earlier survey must show, and of these that must have been poor."""
_BEYOND = 2
"""Cells outside the boundary that are drawn before the zones are cut along it."""
_UNKNOWN = 9
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How coarse zones are."""

    cells: float = 2.0
    """Standard deviation of the Gaussian that cells are averaged with."""
    least_m2: float | None = None
    """Smaller patches join their neighbour; None: the ground that one average speaks for, 2 pi cells^2."""
    most: int = 12
    """Zones; the smallest join their neighbours until there are no more."""

    def __post_init__(self) -> None:
        """Raise ValueError for what smooths nothing."""
        if not (0 < self.cells < math.inf and self.most >= 1):
            raise ValueError("zones need a width to average over, and at least one of them")

    def least_cells(self, cell_m: float) -> float:
        """Cells of the smallest patch."""
        own = 2 * math.pi * self.cells**2
        return own if self.least_m2 is None else self.least_m2 / cell_m**2


@dataclass(frozen=True, eq=False, slots=True)
class Vigours:
    """How the crop stands, cell by cell [rows, columns]."""

    z: Floats
    """Smoothed, in standard deviations of single cells; NaN where it is not known."""
    kind: NDArray[np.int8]
    """-1 poor, 0 usual, 1 better, 9 not known."""
    known: Bools
    """Cells that tell of themselves, and not only by their neighbours."""


def classify(grid: FieldMap, crop: CropPlants | None = None, smoothing: Smoothing | None = None) -> Vigours:
    """Poor, usual and better cells.

    Figures that show no structure beyond chance (`STRUCTURE`) are left out; if none is left, all is usual. The rest is
    averaged, and of each cell the lowest is taken. Cells at least LEAST_Z off the usual hang together as patches; the edge
    of each is where it has half of its own depth (its lower quartile), as far as smoothing carries a sharp edge to either
    side alike, and never nearer to the usual than LEAST_Z.
    """
    smoothing = smoothing or Smoothing()
    evidence = list(evidence_of(grid, crop))
    z, kind = np.full(grid.seen.shape, np.nan), np.full(grid.seen.shape, _UNKNOWN, np.int8)
    if not evidence:
        return Vigours(z, kind, np.zeros(grid.seen.shape, np.bool_))
    telling = [one for one in evidence if one.structure(smoothing.cells) > STRUCTURE]
    for one in telling or evidence[:1]:
        z = np.fmin(z, one.smoothed(smoothing.cells))
    kind[np.isfinite(z)] = 0
    if telling:
        kind[_to_half(-z)] = -1
        kind[_to_half(z)] = 1
    known = np.logical_or.reduce([one.known for one in telling or evidence[:1]])
    return Vigours(z, kind, np.asarray(known))


def vigour_zones(
    grid: FieldMap,
    boundary: shapely.Polygon,
    smoothing: Smoothing | None = None,
    *,
    crop: CropPlants | None = None,
    rows_deg: float | None = None,
) -> tuple[Zone, ...]:
    """Zones of the field within its `boundary` (east, north in the map's zone), those that matter most first.

    Poor and better ones come before the usual, by area times |z|. Neighbours meet without a gap and without overlap. Ground
    of which nothing is known belongs to none. `certainty` is the share of a zone's cells that tell of themselves. `rows_deg`:
    in which the crop rows run, clockwise from grid north. A field without structure is one zone, or none if nothing is known.
    """
    smoothing = smoothing or Smoothing()
    frame = Frame(grid.west, grid.north, grid.cell_m, grid.seen.shape).padded(_BEYOND + 1)
    found = _padded(classify(grid, crop, smoothing), _BEYOND + 1)
    inside = frame.inside(boundary)
    if not inside.any() or (found.kind[inside] == _UNKNOWN).all():
        return ()
    kind = _without_small(found.kind, inside, smoothing.least_cells(grid.cell_m), smoothing.most)
    label, _number = _components(kind, inside)
    drawn = _carried_out(label, inside, frame.inside(boundary.buffer(_BEYOND * grid.cell_m)))
    ground = Ground(boundary, grid, crop, rows_deg)
    zones = []
    for number, shape in outlines(drawn, frame, boundary):
        cells = label == number
        vigour = _KINDS.get(int(kind[cells][0]))
        if vigour is not None:
            zones.append(
                _zone(grid, shape, vigour, _mean(found.z[cells]), float(found.known[cells].mean()), ground)
            )
    return _ranked(zones)


_KINDS = {-1: Vigour.POOR, 0: Vigour.USUAL, 1: Vigour.BETTER}


def poor_before(
    zone: Zone,
    earlier: Sequence[FieldMap],
    *,
    spectral: bool,
    error_m: float = 0.0,
    smoothing: Smoothing | None = None,
) -> int | None:
    """In how many earlier surveys in a row, `earlier` with the newest first, the ground of `zone` was poor by the same rule.

    Compared by coordinates; a strip of `error_m` (by which the maps may be off against each other, 95 %) along the zone's edge
    does not count, if anything is left without it. Maps whose colours are of another kind (`spectral`: the present ones come
    from a multispectral camera) and maps that show less than half of the zone are passed over. None: there is no other.
    """
    count, compared = 0, False
    for grid in earlier:
        share = _poor_share(zone, grid, error_m, smoothing) if bool(grid.spectral) is spectral else None
        if share is None:
            continue
        compared = True
        if share < SAME_GROUND:
            break
        count += 1
    return count if compared else None


def _poor_share(zone: Zone, grid: FieldMap, error_m: float, smoothing: Smoothing | None) -> float | None:
    shape = polygon_of(zone.patch, grid.epsg)
    core = shape.buffer(-error_m)
    cells = Frame(grid.west, grid.north, grid.cell_m, grid.seen.shape).inside(
        shape if core.is_empty else core
    )
    expected = (shape if core.is_empty else core).area / grid.cell_m**2
    found = classify(grid, None, smoothing)
    shown = cells & found.known
    if shown.sum() < max(1.0, SAME_GROUND * expected):
        return None
    return float((found.kind[shown] == -1).mean())


def polygon_of(patch: Patch, epsg: int) -> shapely.Polygon:
    """A patch of (lon, lat) on the ground of the zone `epsg`."""
    outer, *openings = (easting_northing(epsg, ring) for ring in patch)
    return shapely.Polygon(outer, openings)


# -- cells that hang together -----------------------------------------------------------------------


def _to_half(depth: Floats) -> Bools:
    """Cells of patches of great `depth`, each patch to half of its own."""
    deep = np.nan_to_num(depth, nan=0.0) >= LEAST_Z
    label, number = ndimage.label(deep)
    if not number:
        return np.asarray(deep)
    each = np.arange(1, number + 1)
    depths = ndimage.labeled_comprehension(depth, label, each, partial(np.quantile, q=0.75), float, 0.0)
    edge = np.concatenate([[np.inf], np.maximum(LEAST_Z, depths / 2)])
    return np.asarray(deep & (np.nan_to_num(depth, nan=0.0) >= edge[label]))


def _components(kind: NDArray[np.int8], inside: Bools) -> tuple[NDArray[np.int32], int]:
    """Number of the patch that each cell belongs to, from 1; 0 outside. Cells hang together by their sides."""
    label, number = np.zeros(kind.shape, np.int32), 0
    for value in np.unique(kind[inside]).tolist():
        own, count = ndimage.label(inside & (kind == value))
        label[own > 0] = own[own > 0] + number
        number += count
    return label, number


def _without_small(kind: NDArray[np.int8], inside: Bools, least: float, most: int) -> NDArray[np.int8]:
    """Small patches, the smallest first, become what most cells along their edge are."""
    kind = kind.copy()
    while True:
        label, number = _components(kind, inside)
        sizes = np.bincount(label[inside], minlength=number + 1)[1:]
        order = np.argsort(sizes, kind="stable") + 1
        small = int((sizes < least).sum())
        if small and _join(kind, label, order, small, inside):
            continue
        # Joining one patch may join two of its neighbours: half of what is too many at a time.
        surplus = max(0, number - most + 1) // 2
        if not surplus or not _join(kind, label, order, surplus, inside):
            return kind


def _join(
    kind: NDArray[np.int8], label: NDArray[np.int32], order: NDArray[np.intp], wanted: int, inside: Bools
) -> int:
    """Make at most `wanted` patches, in this order, part of their neighbours, and none beside one that has just changed; how many
    could be."""
    boxes = ndimage.find_objects(label)
    changed = np.zeros(kind.shape, np.bool_)
    done = 0
    for one in order.tolist():
        if done == wanted:
            break
        near = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in boxes[one - 1])
        patch = label[near] == one
        around = ndimage.binary_dilation(patch) & inside[near] & ~patch
        if not around.any() or (changed[near] & around).any():
            continue
        values, count = np.unique(kind[near][around], return_counts=True)
        kind[near][patch] = values[np.argmax(count)]
        changed[near][patch] = True
        done += 1
    return done


def _carried_out(label: NDArray[np.int32], inside: Bools, wanted: Bools) -> NDArray[np.int32]:
    """Cells outside the field take the patch of the nearest cell inside."""
    row, column = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.asarray(np.where(wanted | inside, label[row, column], 0), np.int32)


def _padded(found: Vigours, by: int) -> Vigours:
    return Vigours(
        np.pad(found.z, by, constant_values=np.nan),
        np.pad(found.kind, by, constant_values=_UNKNOWN),
        np.pad(found.known, by, constant_values=False),
    )


# -- zones -----------------------------------------------------------------------------------------


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _zone(
    grid: FieldMap, shape: shapely.Polygon, vigour: Vigour, z: float, certainty: float, ground: Ground
) -> Zone:
    rings = [np.asarray(ring.coords)[:-1] for ring in (shape.exterior, *shape.interiors)]
    degrees = [lon_lat(grid.epsg, ring) for ring in rings]
    patch: Patch = tuple(tuple((float(lon), float(lat)) for lon, lat in ring) for ring in degrees)
    middle = shape.representative_point()
    ((lon, lat),) = lon_lat(grid.epsg, [(middle.x, middle.y)]).tolist()
    area, _length = _GEOD.geometry_area_perimeter(shapely.Polygon(degrees[0], degrees[1:]))
    causes = causes_of(Facts.of(shape, ground)) if vigour is Vigour.POOR else ()
    return Zone(
        rank=0,
        kind=ZoneKind.VIGOUR,
        patch=patch,
        area_m2=abs(float(area)),
        lat=lat,
        lon=lon,
        certainty=certainty,
        vigour=vigour,
        z=z if math.isfinite(z) else None,
        causes=causes,
    )


_TURNS = (Vigour.POOR, Vigour.BETTER, Vigour.USUAL)
"""Poor ground matters most, so that its zones are counted without gaps."""


def _ranked(zones: list[Zone]) -> tuple[Zone, ...]:
    order = sorted(
        zones, key=lambda one: (_TURNS.index(one.vigour or Vigour.USUAL), -one.area_m2 * abs(one.z or 0.0))
    )
    return tuple(replace(one, rank=rank) for rank, one in enumerate(order, start=1))
