"""The coverage plan: which photo looks at which patch of ground. Made from poses only, before any pixel.

The ground is a raster of square cells. A photo's *radius* for a cell says how far from its best place
the cell is seen, in half short sides of the photo: the root mean square of the distance from the
nadir and of the distance from the principal point, the same for a photo that looks straight down.
Each cell goes to the photo with the smallest radius that sees it with a margin; photos that are not
needed, because all their ground is seen well enough by others, are skipped altogether: decoding a
photo costs about as much as looking at its part of the ground.

Everything is deterministic: photos are taken in the order of their digests.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
import shapely
from blake3 import blake3
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import View, Window
from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]

VERSION = 2
"""Of the algorithm: raise it whenever the same photos would give another plan."""
MARGIN_PX = 64
MAX_RADIUS = 0.9
"""Half short sides: what `plan_coverage` takes for well enough seen, unless told otherwise."""
NEARLY = 0.1
"""Ground that no photo sees within the limit may be seen at a radius this much (share) over the best."""
CELLS_A_SIDE = 48
MAX_CELLS = 20_000_000
MAX_VIEW_DEG = 60.0
RIM_M = 1.0
DOWN_WEIGHTS = (0.7, 1.0, 1.4, 2.0)
"""Weights of the distance down the image against that across it, see `_squared`."""
SLIVER = 0.15
"""A view with less than this share of the median view's ground gives it away if it can."""
_IN_MARGIN = np.float32(1000.0)
_UNSEEN = np.float32(np.inf)
_BLOCK_X, _BLOCK_SIZE = 16, 32
_PAINT_FROM = 0.24
"""Just under 1/4, the bilinear weight of a cell at its own corner: so masks leave no holes."""


class Seen(NamedTuple):
    """How a photo sees the cells from (row, column) on."""

    row: int
    column: int
    radius: NDArray[np.float32]
    """[h, w], infinite where unseen."""
    offsets: NDArray[np.float16]
    """[2, h, w] distance from the principal point across and down the image, in half short sides."""

    @property
    def place(self) -> tuple[slice, slice]:
        """Where in the raster these cells are."""
        rows, columns = self.radius.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


@dataclass(frozen=True, slots=True)
class Lattice:
    """A raster of square cells on the ground, row 0 in the north, aligned to multiples of `cell_m`."""

    west: float
    north: float
    cell_m: float
    rows: int
    columns: int

    def cells(self, en: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Row, column (clipped) and whether it lies in the raster, of ground points [N, 2]."""
        points = np.asarray(en, float).reshape(-1, 2)
        finite = np.isfinite(points).all(axis=1)
        points = np.where(finite[:, None], points, 0.0)
        column = np.floor((points[:, 0] - self.west) / self.cell_m)
        row = np.floor((self.north - points[:, 1]) / self.cell_m)
        inside = finite & (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64), inside

    def corners(self, rows: ArrayLike, columns: ArrayLike) -> Array:
        """[4 N, 2] ground corners of cells."""
        row, column = np.asarray(rows, float), np.asarray(columns, float)
        west, north = self.west + column * self.cell_m, self.north - row * self.cell_m
        points = [(west + a * self.cell_m, north - b * self.cell_m) for a in (0, 1) for b in (0, 1)]
        return np.concatenate([np.column_stack(point) for point in points])


@dataclass(frozen=True, eq=False)
class CoveragePlan:
    """Views in the order of their digests and, for every cell of ground, the view that owns it."""

    lattice: Lattice
    owner: NDArray[np.int32]
    """[rows, columns] index into `views`, -1 where no photo looks."""
    views: tuple[View, ...]
    radius: NDArray[np.float32]
    """[rows, columns] at which the owner sees the cell, in half short sides; infinite where unseen."""
    unseen_m2: float
    """Ground in the boundary that no photo sees; without a boundary, ground enclosed by seen ground."""
    key: str
    """Digest of everything that determines the plan."""

    @property
    def area_m2(self) -> float:
        """Area of the ground that is looked at, in square metres of the grid."""
        return float((self.owner >= 0).sum()) * self.lattice.cell_m**2

    @property
    def pixels(self) -> int:
        """Pixels that have to be looked at, margins included."""
        windows = (view.window for view in self.views)
        return sum((window.x1 - window.x0) * (window.y1 - window.y0) for window in windows)

    @cached_property
    def _extents(self) -> NDArray[np.int64]:
        """[views, 4] first and last row, first and last column of each view's cells."""
        rows, columns = np.nonzero(self.owner >= 0)
        view = self.owner[rows, columns]
        extents = np.zeros((len(self.views), 4), np.int64)
        extents[:, 0::2] = max(self.owner.shape)
        for place, values in ((0, rows), (2, columns)):
            np.minimum.at(extents[:, place], view, values)
            np.maximum.at(extents[:, place + 1], view, values)
        return extents

    def owned_bounds(self, view_index: int) -> tuple[float, float, float, float]:
        """West, south, east, north of the ground that a view owns, with a rim of half a cell."""
        top, bottom, left, right = self._extents[view_index].tolist()
        cell = self.lattice.cell_m
        return (
            self.lattice.west + (left - 0.5) * cell,
            self.lattice.north - (bottom + 1.5) * cell,
            self.lattice.west + (right + 1.5) * cell,
            self.lattice.north - (top - 0.5) * cell,
        )

    def owner_of(self, en: ArrayLike) -> NDArray[np.int32]:
        """[N] index of the view that owns each ground point [N, 2], or -1."""
        row, column, inside = self.lattice.cells(en)
        if not self.owner.size:
            return np.full(len(row), -1, np.int32)
        return np.where(inside, self.owner[row, column], np.int32(-1)).astype(np.int32)

    def distance_to_owned(self, view_index: int, en: ArrayLike, limit_m: float) -> Array:
        """[N] metres from ground points [N, 2] to the ground a view owns, infinite past `limit_m`."""
        points = np.asarray(en, float).reshape(-1, 2)
        cell, reach = self.lattice.cell_m, math.ceil(limit_m / self.lattice.cell_m)
        across = (points[:, 0] - self.lattice.west) / cell
        down = (self.lattice.north - points[:, 1]) / cell
        best = np.full(len(points), np.inf)
        for step_down in range(-reach, reach + 1):
            for step_across in range(-reach, reach + 1):
                near = points + np.array([step_across * cell, -step_down * cell])
                owned = self.owner_of(near) == view_index
                gap_x = _gap(across, np.floor(across) + step_across)
                gap_y = _gap(down, np.floor(down) + step_down)
                distance = np.where(owned, np.hypot(gap_x, gap_y) * cell, np.inf)
                best = np.minimum(best, distance)
        return np.where(best <= limit_m, best, np.inf)

    def near_owned(self, view_index: int, en: ArrayLike, band_m: float) -> NDArray[np.bool_]:
        """[N] whether ground points [N, 2] lie in the ground a view owns or within `band_m` of it."""
        return np.isfinite(self.distance_to_owned(view_index, en, band_m))

    def owned_mask(
        self, view_index: int, west: float, north: float, cell_m: float, shape: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """uint8 (0 or 255) of `shape` (rows, columns): the ground to paint from a view, with smooth edges.

        The finer raster's top left corner is (west, north), its cells `cell_m`. The mask holds all the
        view owns and up to half a plan cell more, so that neighbouring patches overlap a little and
        leave no holes.
        """
        ratio = cell_m / self.lattice.cell_m
        first_column = (west - self.lattice.west) / self.lattice.cell_m
        first_row = (self.lattice.north - north) / self.lattice.cell_m
        top, left = math.floor(first_row) - 2, math.floor(first_column) - 2
        height, width = math.ceil(shape[0] * ratio) + 5, math.ceil(shape[1] * ratio) + 5
        local = np.zeros((height, width), np.float32)
        rows = slice(max(top, 0), max(min(top + height, self.lattice.rows), 0))
        columns = slice(max(left, 0), max(min(left + width, self.lattice.columns), 0))
        part = self.owner[rows, columns] == view_index
        local[rows.start - top :, columns.start - left :][: part.shape[0], : part.shape[1]] = part
        # Centre of a fine cell i in local coarse cells, whose centres are whole numbers for OpenCV.
        offset_x = first_column - left + 0.5 * ratio - 0.5
        offset_y = first_row - top + 0.5 * ratio - 0.5
        matrix = np.array([[ratio, 0.0, offset_x], [0.0, ratio, offset_y]])
        fine = cv2.warpAffine(
            local, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        return np.where(fine >= _PAINT_FROM, np.uint8(255), np.uint8(0))


def plan_coverage(
    geometries: Iterable[PhotoGeometry],
    *,
    boundary: ArrayLike | None = None,
    margin_px: int = MARGIN_PX,
    max_radius: float | None = MAX_RADIUS,
) -> CoveragePlan:
    """Choose the view for each cell of ground.

    `boundary` is a ring [K, 2] on the ground: only ground in it and a rim of one metre is owned.
    Ground closer than `margin_px` to a photo's edge belongs to it only if no photo sees it better,
    so that plants at seams are seen whole. `max_radius` (half short sides) is the thrift: a photo is
    skipped if the others see its ground within that radius, or nearly as well as it can be seen at
    all; None takes the best view everywhere. All photos must share one ground plane.
    """
    photos = _by_digest(geometries)
    key = _key(photos, boundary, margin_px, max_radius)
    field = None if boundary is None else shapely.Polygon(np.asarray(boundary, float)).buffer(0)
    lattice = _lattice(photos, field)
    if not lattice.rows * lattice.columns:
        return _empty_plan(lattice, field, key)
    allowed = _allowed(lattice, field)
    seen = [_look(photo, lattice, allowed, margin_px) for photo in photos]
    chosen = list(range(len(photos)))
    if max_radius is not None:
        chosen = _needed(seen, _best(seen, chosen, lattice)[0], max_radius)
    radius, owner = _best(seen, chosen, lattice)
    if max_radius is not None:
        radius, owner = _squared(photos, seen, chosen, radius, owner, lattice, margin_px, max_radius)
    _give_slivers(seen, chosen, radius, owner, max_radius)
    owner, used = _renumber(owner)
    views = tuple(
        _view(photos[index], owner, number, seen[index].place, lattice, margin_px)
        for number, index in enumerate(used)
    )
    radius = np.where(radius >= _IN_MARGIN, radius - _IN_MARGIN, radius)
    return CoveragePlan(lattice, owner, views, radius, _unseen(lattice, owner, field), key)


def _by_digest(geometries: Iterable[PhotoGeometry]) -> list[PhotoGeometry]:
    photos = {photo.digest: photo for photo in geometries if photo.pose.height_m > 0}
    return [photos[digest] for digest in sorted(photos)]


def _key(
    photos: Sequence[PhotoGeometry], boundary: ArrayLike | None, margin_px: int, max_radius: float | None
) -> str:
    ring = None if boundary is None else np.asarray(boundary, float).tolist()
    told = {
        "version": VERSION,
        "options": [margin_px, max_radius, CELLS_A_SIDE, MAX_CELLS, MAX_VIEW_DEG, RIM_M, SLIVER, NEARLY, DOWN_WEIGHTS],
        "boundary": ring,
        "photos": [[p.digest, p.plane.epsg, asdict(p.pose), asdict(p.camera)] for p in photos],
    }
    return blake3(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _lattice(photos: Sequence[PhotoGeometry], field: shapely.Geometry | None) -> Lattice:
    rings = [ring for ring in (photo.footprint() for photo in photos) if len(ring)]
    if not rings:
        return Lattice(0.0, 0.0, 1.0, 0, 0)
    points = np.concatenate(rings)
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    if field is not None:
        low_x, low_y, high_x, high_y = field.buffer(RIM_M).bounds
        west, south, east, north = max(west, low_x), max(south, low_y), min(east, high_x), min(north, high_y)
    sides = [photo.gsd_m * min(photo.camera.width, photo.camera.height) for photo in photos]
    finite = [side for side in sides if math.isfinite(side)]
    cell = float(np.median(finite)) / CELLS_A_SIDE if finite else 1.0
    # Rounded up to a whole millimetre: multiples of it stay exact enough to be compared.
    cell = (
        math.ceil(max(cell, math.sqrt(max((east - west) * (north - south), 0.0) / MAX_CELLS)) * 1000) / 1000
    )
    first_column, first_row = math.floor(west / cell), math.ceil(north / cell)
    columns = max(math.ceil(east / cell) - first_column, 0)
    rows = max(first_row - math.floor(south / cell), 0)
    if not (rows and columns):
        rows = columns = 0
    return Lattice(first_column * cell, first_row * cell, cell, rows, columns)


def _filled(lattice: Lattice, shape: shapely.Geometry) -> NDArray[np.bool_]:
    """[rows, columns] cells that a polygon covers or touches."""
    mask = np.zeros((lattice.rows, lattice.columns), np.uint8)
    for polygon in getattr(shape, "geoms", [shape]):
        rings = [polygon.exterior, *polygon.interiors]
        pixels = [
            (np.asarray(ring.coords) - (lattice.west, lattice.north)) / (lattice.cell_m, -lattice.cell_m)
            - 0.5
            for ring in rings
            if not ring.is_empty
        ]
        if pixels:
            fixed = [np.clip(np.round(ring * 16), -(2**30), 2**30).astype(np.int32) for ring in pixels]
            cv2.fillPoly(mask, fixed, (1,), shift=4)
    return mask.astype(bool)


def _allowed(lattice: Lattice, field: shapely.Geometry | None) -> NDArray[np.bool_] | None:
    return None if field is None else _filled(lattice, field.buffer(RIM_M))


def _look(photo: PhotoGeometry, lattice: Lattice, allowed: NDArray[np.bool_] | None, margin_px: int) -> Seen:
    """A photo's radius for the cells around its footprint."""
    rows, columns = _window_of(photo.footprint(), lattice)
    east = lattice.west - photo.centre[0] + (np.arange(columns.start, columns.stop) + 0.5) * lattice.cell_m
    north = lattice.north - photo.centre[1] - (np.arange(rows.start, rows.stop) + 0.5) * lattice.cell_m
    radius, offsets = _radius(photo, east / photo.metres_on_grid, north / photo.metres_on_grid, margin_px)
    if allowed is not None:
        radius[~allowed[rows, columns]] = _UNSEEN
    return Seen(rows.start, columns.start, radius, offsets)


def _window_of(ring: Array, lattice: Lattice) -> tuple[slice, slice]:
    if not len(ring):
        return slice(0, 0), slice(0, 0)
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    cell = lattice.cell_m
    left, right = math.floor((west - lattice.west) / cell), math.ceil((east - lattice.west) / cell)
    top, bottom = math.floor((lattice.north - north) / cell), math.ceil((lattice.north - south) / cell)
    rows = slice(min(max(top, 0), lattice.rows), min(max(bottom, 0), lattice.rows))
    return rows, slice(min(max(left, 0), lattice.columns), min(max(right, 0), lattice.columns))


def _radius(
    photo: PhotoGeometry, east: Array, north: Array, margin_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """`Seen.radius` and `Seen.offsets` for ground offsets in metres from the point below the camera."""
    camera, height = photo.camera, photo.pose.height_m
    tan_e = (east / height).astype(np.float32)
    tan_n = (north / height).astype(np.float32)
    axes = photo.axes.astype(np.float32)
    depth = (axes[0, 2] * tan_n + axes[2, 2])[:, None] + axes[1, 2] * tan_e
    ahead = depth > 1e-3
    depth = np.where(ahead, depth, np.float32(1.0))
    x = ((axes[0, 0] * tan_n + axes[2, 0])[:, None] + axes[1, 0] * tan_e) / depth
    y = ((axes[0, 1] * tan_n + axes[2, 1])[:, None] + axes[1, 1] * tan_e) / depth
    from_axis = x * x + y * y
    from_nadir = (tan_n * tan_n)[:, None] + tan_e * tan_e
    ahead &= from_nadir < math.tan(math.radians(MAX_VIEW_DEG)) ** 2
    if photo.distorted:
        ahead &= from_axis < photo.max_radius**2
        x, y = _distorted(x, y, from_axis, photo)
    # Pixels from the nearest edge of the image (pixel edges), positive inside.
    left, top = (camera.cx + 0.5) / camera.focal_px, (camera.cy + 0.5) / camera.focal_px
    right, bottom = camera.width / camera.focal_px - left, camera.height / camera.focal_px - top
    inside = np.minimum(np.minimum(x + left, right - x), np.minimum(y + top, bottom - y)) * camera.focal_px
    half_side = min(camera.width, camera.height) / 2 / camera.focal_px
    radius = np.sqrt((from_axis + from_nadir) / 2) / half_side
    radius = np.where(inside >= margin_px, radius, radius + _IN_MARGIN)
    offsets = (np.abs(np.stack([x, y])) / half_side).clip(max=100).astype(np.float16)
    return np.where(ahead & (inside >= 0), radius, _UNSEEN).astype(np.float32), offsets


def _distorted(
    x: NDArray[np.float32], y: NDArray[np.float32], r2: NDArray[np.float32], photo: PhotoGeometry
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    k1, k2, p1, p2, k3 = photo.camera.distortion
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    across = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    down = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return across.astype(np.float32), down.astype(np.float32)


def _best(
    seen: Sequence[Seen], chosen: Sequence[int], lattice: Lattice
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Smallest radius and the photo that has it (the first of equals), for every cell."""
    radius = np.full((lattice.rows, lattice.columns), _UNSEEN, np.float32)
    owner = np.full((lattice.rows, lattice.columns), -1, np.int32)
    for index in chosen:
        _take(seen[index], index, radius, owner, None)
    return radius, owner


def _squared(
    photos: Sequence[PhotoGeometry],
    seen: Sequence[Seen],
    chosen: Sequence[int],
    radius: NDArray[np.float32],
    owner: NDArray[np.int32],
    lattice: Lattice,
    margin_px: int,
    max_radius: float,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Shares of ground that fill their windows: the fewest pixels to look at among a few partitions.

    The nearest photo's share is a hexagon or worse, and its window a third larger. Any photo that sees
    a cell well enough may have it instead, so cells go by the larger of the distances across and down
    the image, for a few weights of the two: with the right weight the shares are upright rectangles.
    """
    enough = np.maximum(radius, np.float32(max_radius))
    found = [owner, *(_by_offset(seen, chosen, enough, lattice, weight) for weight in DOWN_WEIGHTS)]
    best = min(found, key=lambda one: _window_pixels(photos, seen, chosen, one, lattice, margin_px))
    return _radius_of(seen, chosen, best, radius), best


def _by_offset(
    seen: Sequence[Seen], chosen: Sequence[int], enough: NDArray[np.float32], lattice: Lattice, weight: float
) -> NDArray[np.int32]:
    least = np.full((lattice.rows, lattice.columns), _UNSEEN, np.float32)
    owner = np.full((lattice.rows, lattice.columns), -1, np.int32)
    for index in chosen:
        one = seen[index]
        offset = np.maximum(one.offsets[0], one.offsets[1] * np.float16(weight)).astype(np.float32)
        offset[one.radius > enough[one.place]] = _UNSEEN
        _take(one._replace(radius=offset), index, least, owner, None)
    return owner


def _window_pixels(
    photos: Sequence[PhotoGeometry],
    seen: Sequence[Seen],
    chosen: Sequence[int],
    owner: NDArray[np.int32],
    lattice: Lattice,
    margin_px: int,
) -> float:
    """Pixels in the windows that a partition needs."""
    total = 0.0
    for index in chosen:
        if (owner[seen[index].place] == index).any():
            window = _view(photos[index], owner, index, seen[index].place, lattice, margin_px).window
            total += (window.x1 - window.x0) * (window.y1 - window.y0)
    return total


def _radius_of(
    seen: Sequence[Seen], chosen: Sequence[int], owner: NDArray[np.int32], before: NDArray[np.float32]
) -> NDArray[np.float32]:
    radius = before.copy()
    for index in chosen:
        place = seen[index].place
        np.copyto(radius[place], seen[index].radius, where=owner[place] == index)
    return radius


def _take(
    seen: Seen,
    index: int,
    radius: NDArray[np.float32],
    owner: NDArray[np.int32],
    only: NDArray[np.bool_] | None,
) -> None:
    """Give to a photo the cells that it sees better, in place; `only` [h, w] limits them."""
    here = radius[seen.place]
    better = seen.radius < here if only is None else (seen.radius < here) & only
    np.copyto(here, seen.radius, where=better)
    np.copyto(owner[seen.place], np.int32(index), where=better)


def _needed(seen: Sequence[Seen], best: NDArray[np.float32], max_radius: float) -> list[int]:
    """Photos that together see all ground well enough: greedy set cover, then dropping what it left over.

    The next photo is the one that adds the most ground; of equals, the first.
    """
    slack = np.where(best < _IN_MARGIN, best, best - _IN_MARGIN) * np.float32(NEARLY)
    enough = np.maximum(best + slack, np.float32(max_radius))
    well = [np.isfinite(one.radius) & (one.radius <= enough[one.place]) for one in seen]
    times = np.zeros(best.shape, np.int32)
    queue = [(-int(mask.sum()), index) for index, mask in enumerate(well)]
    heapq.heapify(queue)
    chosen = []
    while queue and queue[0][0] < 0:
        gain, index = heapq.heappop(queue)
        now = -int((well[index] & (times[seen[index].place] == 0)).sum())
        if now == gain:
            chosen.append(index)
            times[seen[index].place] += well[index]
        elif now < 0:
            heapq.heappush(queue, (now, index))
    return _without_spare(seen, well, times, chosen)


def _without_spare(
    seen: Sequence[Seen], well: Sequence[NDArray[np.bool_]], times: NDArray[np.int32], chosen: Sequence[int]
) -> list[int]:
    alone = {index: int((well[index] & (times[seen[index].place] == 1)).sum()) for index in chosen}
    kept = set(chosen)
    for index in sorted(chosen, key=lambda one: (alone[one], one)):
        place = seen[index].place
        if not (well[index] & (times[place] == 1)).any():
            times[place] -= well[index]
            kept.discard(index)
    return sorted(kept)


def _give_slivers(
    seen: Sequence[Seen],
    chosen: Sequence[int],
    radius: NDArray[np.float32],
    owner: NDArray[np.int32],
    max_radius: float | None,
) -> None:
    """Let views with very little ground give it to the next best, where that costs little, in place."""
    counts = np.bincount(owner[owner >= 0], minlength=len(seen))
    used = [index for index in chosen if counts[index]]
    if len(used) < 3:
        return
    limit = SLIVER * float(np.median([counts[index] for index in used]))
    for index in sorted((one for one in used if counts[one] < limit), key=lambda one: (counts[one], one)):
        _give_away(seen, index, used, radius, owner, max_radius)


def _give_away(
    seen: Sequence[Seen],
    index: int,
    used: Sequence[int],
    radius: NDArray[np.float32],
    owner: NDArray[np.int32],
    max_radius: float | None,
) -> None:
    rows, columns = np.nonzero(owner[seen[index].place] == index)
    if not rows.size:
        return
    rows, columns = rows + seen[index].row, columns + seen[index].column
    next_radius = np.full(rows.size, _UNSEEN, np.float32)
    next_owner = np.full(rows.size, -1, np.int32)
    active = set(np.unique(owner).tolist())
    for other in used:
        if other == index or other not in active:
            continue
        value = _radius_at(seen[other], rows, columns)
        better = value < next_radius
        next_radius[better], next_owner[better] = value[better], other
    allowed = np.maximum(1.25 * radius[rows, columns] + 0.1, max_radius or 0.0)
    if (next_radius <= allowed).all():
        radius[rows, columns], owner[rows, columns] = next_radius, next_owner


def _radius_at(seen: Seen, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    row, column = rows - seen.row, columns - seen.column
    inside = (row >= 0) & (row < seen.radius.shape[0]) & (column >= 0) & (column < seen.radius.shape[1])
    value = np.full(rows.size, _UNSEEN, np.float32)
    value[inside] = seen.radius[row[inside], column[inside]]
    return value


def _renumber(owner: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[int]]:
    used = np.unique(owner[owner >= 0])
    table = np.full(int(used.max(initial=-1)) + 2, -1, np.int32)
    table[used] = np.arange(used.size, dtype=np.int32)
    return table[owner], used.tolist()


def _view(
    photo: PhotoGeometry,
    owner: NDArray[np.int32],
    number: int,
    place: tuple[slice, slice],
    lattice: Lattice,
    margin_px: int,
) -> View:
    rows, columns = np.nonzero(owner[place] == number)
    ground = lattice.corners(rows + place[0].start, columns + place[1].start)
    pixels = photo.ground_to_pixel(ground)
    low, high = np.nanmin(pixels, axis=0) - margin_px, np.nanmax(pixels, axis=0) + margin_px
    x0, x1 = _blocks(float(low[0]), float(high[0]), photo.camera.width)
    y0, y1 = _blocks(float(low[1]), float(high[1]), photo.camera.height)
    return View(photo.digest, Window(x0, y0, x1, y1), rows.size * lattice.cell_m**2)


def _blocks(low: float, high: float, size: int) -> tuple[int, int]:
    """Ends of a window in one direction: from a multiple of 16 on, a multiple of 32 long where it fits."""
    start = max(math.floor(low), 0) // _BLOCK_X * _BLOCK_X
    end = min(math.ceil(high) + 1, size)
    length = -(-(end - start) // _BLOCK_SIZE) * _BLOCK_SIZE
    if start + length <= size:
        return start, start + length
    earlier = (size - length) // _BLOCK_X * _BLOCK_X
    if earlier >= 0 and earlier + length >= end:
        return earlier, earlier + length
    return start, size


def _unseen(lattice: Lattice, owner: NDArray[np.int32], field: shapely.Geometry | None) -> float:
    cell = lattice.cell_m**2
    if field is not None:
        seen = int((_filled(lattice, field) & (owner >= 0)).sum())
        return float(max(field.area - seen * cell, 0.0))
    gaps = np.pad((owner < 0).astype(np.uint8), 1, constant_values=1)
    _count, label = cv2.connectedComponents(gaps, connectivity=4)
    return float(((label != label[0, 0]) & (gaps > 0)).sum()) * cell


def _empty_plan(lattice: Lattice, field: shapely.Geometry | None, key: str) -> CoveragePlan:
    owner = np.full((lattice.rows, lattice.columns), -1, np.int32)
    area = 0.0 if field is None else float(field.area)
    return CoveragePlan(lattice, owner, (), np.full(owner.shape, _UNSEEN, np.float32), area, key)


def _gap(position: Array, cell: Array) -> Array:
    """Distance in cells from a position to the cell that starts at `cell` (0 inside)."""
    return np.maximum(np.maximum(cell - position, position - cell - 1.0), 0.0)
