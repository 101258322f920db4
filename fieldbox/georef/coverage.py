"""The coverage plan: which photo looks at which patch of ground. Made from poses only, before any pixel.

Looking at pixels is the main cost of a survey, decoding photos the next. So where the images lie along
the flight's lines, the ground is shared out in lanes of upright rectangles, seen by as few photos as
see them well enough (`fieldbox.georef.lanes`); where they do not, greedy set cover leaves photos out
and each cell goes to the photo with the smallest radius that sees it with a margin. The plan is the
cheapest of these.

Everything is deterministic: photos are taken in the order of their digests.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import shapely
from blake3 import blake3
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import HOPELESS, View, Window
from fieldbox.georef.choice import DECODE_SHARE, NEARLY, Choice, Sight, nearest, needed
from fieldbox.georef.lanes import by_lanes, lanes_of
from fieldbox.georef.lattice import (
    CELLS_A_SIDE,
    MAX_CELLS,
    MAX_VIEW_DEG,
    RIM_M,
    UNSEEN,
    Lattice,
    Seen,
    allowed_cells,
    filled,
    lattice_of,
    look,
    without_margin,
)
from fieldbox.georef.owners import Owners
from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]

VERSION = 5
"""Of the algorithm: raise it whenever the same photos would give another plan."""
MARGIN_PX = 64
MAX_RADIUS = 0.9
"""Half short sides: what `plan_coverage` takes for well enough seen, unless told otherwise."""
SLIVER = 0.15
"""A view with less than this share of the median view's ground gives it away if it can."""
SPARE = 0.05
"""To spare a view for it, a sliver may be seen at a radius this much (share) over the limit."""
_BLOCK_X, _BLOCK_SIZE = 16, 32


@dataclass(frozen=True, eq=False)
class CoveragePlan(Owners):
    """Views in the order of their digests and, for every cell of ground, the view that owns it."""

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


def plan_coverage(
    geometries: Iterable[PhotoGeometry],
    *,
    boundary: ArrayLike | None = None,
    margin_px: int = MARGIN_PX,
    max_radius: float | None = MAX_RADIUS,
    worth: Mapping[str, float] | None = None,
) -> CoveragePlan:
    """Choose the view for each cell of ground.

    `boundary` is a ring [K, 2] on the ground: only ground in it and a rim of one metre is owned.
    Ground closer than `margin_px` to a photo's edge belongs to it only if no photo sees it better,
    so that plants at seams are seen whole; with thrift half of that margin will do, and at the outer
    edge of the flight a cell may go to a photo that sees only a part of it. `max_radius`
    (half short sides) is the thrift: a photo is skipped if the others see its ground within that
    radius, or nearly as well as it can be seen at all; None takes the best view everywhere.
    `worth` has a penalty for photos, by digest, that are less sharp or worse exposed than the flight's
    usual: they are taken to see everything at a radius larger by that share, so that another takes their
    ground where one sees it nearly as well. From HOPELESS on, only ground that no other photo sees is
    left to them. All photos must share one ground plane.
    """
    photos = _by_digest(geometries)
    penalties = _penalties(photos, worth)
    key = _key(photos, boundary, margin_px, max_radius, penalties)
    field = None if boundary is None else shapely.Polygon(np.asarray(boundary, float)).buffer(0)
    lattice = lattice_of(photos, field)
    if not lattice.rows * lattice.columns:
        return _empty_plan(lattice, field, key)
    allowed = allowed_cells(lattice, field)
    truly = [look(photo, lattice, allowed, margin_px) for photo in photos]
    sharing = _Sharing(photos, lattice, margin_px, max_radius)
    if penalties:
        seen, chosen, owner = _shared_by_worth(
            sharing, truly, [penalties.get(one.digest, 0.0) for one in photos]
        )
    else:
        seen, (chosen, owner) = truly, sharing.of(truly)
    radius = _radius_of(seen, chosen, owner)
    _give_slivers(seen, chosen, radius, owner, max_radius)
    if penalties:
        radius = _radius_of(truly, chosen, owner)
    owner, used = _renumber(owner)
    views = tuple(
        _view(photos[index], owner, number, truly[index].place, lattice, margin_px)
        for number, index in enumerate(used)
    )
    return CoveragePlan(lattice, owner, views, without_margin(radius), _unseen(lattice, owner, field), key)


def _by_digest(geometries: Iterable[PhotoGeometry]) -> list[PhotoGeometry]:
    photos = {photo.digest: photo for photo in geometries if photo.pose.height_m > 0}
    return [photos[digest] for digest in sorted(photos)]


def _penalties(photos: Sequence[PhotoGeometry], worth: Mapping[str, float] | None) -> dict[str, float]:
    """What counts of the penalties: a flight whose photos are all as good as the usual has none."""
    told = worth or {}
    return {one.digest: float(told[one.digest]) for one in photos if told.get(one.digest, 0.0) > 0}


def _key(
    photos: Sequence[PhotoGeometry],
    boundary: ArrayLike | None,
    margin_px: int,
    max_radius: float | None,
    penalties: Mapping[str, float],
) -> str:
    ring = None if boundary is None else np.asarray(boundary, float).tolist()
    told = {
        "version": VERSION,
        "options": [
            margin_px,
            max_radius,
            CELLS_A_SIDE,
            MAX_CELLS,
            MAX_VIEW_DEG,
            RIM_M,
            SLIVER,
            SPARE,
            NEARLY,
            DECODE_SHARE,
        ],
        "boundary": ring,
        "photos": [[p.digest, p.plane.epsg, asdict(p.pose), asdict(p.camera)] for p in photos],
    }
    if penalties:
        told["worth"] = [HOPELESS, dict(penalties)]
    return blake3(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Sharing:
    """How ground is shared out among photos that see it in given ways."""

    photos: Sequence[PhotoGeometry]
    lattice: Lattice
    margin_px: int
    max_radius: float | None

    def of(self, seen: Sequence[Seen]) -> Choice:
        """The cheapest of several choices and partitions (of equals, the first), or the nearest without thrift."""
        every = list(range(len(seen)))
        if self.max_radius is None:
            return Choice(every, nearest(seen, every, self.lattice)[1])
        sight = Sight.of(self.photos, seen, self.lattice, self.margin_px, self.max_radius)
        few = needed(sight, [])
        found = [Choice(few, nearest(seen, few, self.lattice)[1])]
        found.append(Choice(every, nearest(seen, every, self.lattice)[1]))
        found += [by_lanes(sight, lanes) for lanes in lanes_of(sight)]
        return min(found, key=sight.cost)


def _shared_by_worth(
    sharing: _Sharing, truly: Sequence[Seen], penalties: Sequence[float]
) -> tuple[list[Seen], list[int], NDArray[np.int32]]:
    """As `_Sharing.of`, with penalties; also how each photo is taken to see what it may own.

    Ground that only hopeless photos see is shared out among them afterwards.
    """
    hopeless = [penalty >= HOPELESS for penalty in penalties]
    usable = [
        _worse(one, np.inf if bad else penalty)
        for one, bad, penalty in zip(truly, hopeless, penalties, strict=True)
    ]
    chosen, owner = sharing.of(usable)
    left = owner < 0
    rest = [
        _only(one, left) if bad else _worse(one, np.inf) for one, bad in zip(truly, hopeless, strict=True)
    ]
    if not any(np.isfinite(one.radius).any() for one in rest):
        return usable, chosen, owner
    more = sharing.of(rest)
    seen = [again if bad else first for first, again, bad in zip(usable, rest, hopeless, strict=True)]
    return seen, sorted({*chosen, *more.photos}), np.where(left, more.owner, owner)


def _worse(seen: Seen, penalty: float) -> Seen:
    """The same at a larger radius; in the margin as before; infinite: not at all."""
    if penalty == 0:
        return seen
    if math.isinf(penalty):
        return seen._replace(radius=np.full_like(seen.radius, UNSEEN))
    return seen._replace(radius=seen.radius + np.float32(penalty) * without_margin(seen.radius))


def _only(seen: Seen, cells: NDArray[np.bool_]) -> Seen:
    """The same of some cells [rows, columns] alone."""
    return seen._replace(radius=np.where(cells[seen.place], seen.radius, UNSEEN).astype(np.float32))


def _radius_of(seen: Sequence[Seen], chosen: Sequence[int], owner: NDArray[np.int32]) -> NDArray[np.float32]:
    radius = np.full(owner.shape, UNSEEN, np.float32)
    for index in chosen:
        place = seen[index].place
        np.copyto(radius[place], seen[index].radius, where=owner[place] == index)
    return radius


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
    next_radius = np.full(rows.size, UNSEEN, np.float32)
    next_owner = np.full(rows.size, -1, np.int32)
    active = set(np.unique(owner).tolist())
    for other in used:
        if other == index or other not in active:
            continue
        value = _radius_at(seen[other], rows, columns)
        better = value < next_radius
        next_radius[better], next_owner[better] = value[better], other
    allowed = np.maximum(1.25 * radius[rows, columns] + 0.1, (1 + SPARE) * (max_radius or 0.0))
    if (next_radius <= allowed).all():
        radius[rows, columns], owner[rows, columns] = next_radius, next_owner


def _radius_at(seen: Seen, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    row, column = rows - seen.row, columns - seen.column
    inside = (row >= 0) & (row < seen.radius.shape[0]) & (column >= 0) & (column < seen.radius.shape[1])
    value = np.full(rows.size, UNSEEN, np.float32)
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
        seen = int((filled(lattice, field) & (owner >= 0)).sum())
        return float(max(field.area - seen * cell, 0.0))
    gaps = np.pad((owner < 0).astype(np.uint8), 1, constant_values=1)
    _count, label = cv2.connectedComponents(gaps, connectivity=4)
    return float(((label != label[0, 0]) & (gaps > 0)).sum()) * cell


def _empty_plan(lattice: Lattice, field: shapely.Geometry | None, key: str) -> CoveragePlan:
    owner = np.full((lattice.rows, lattice.columns), -1, np.int32)
    area = 0.0 if field is None else float(field.area)
    return CoveragePlan(lattice, owner, (), np.full(owner.shape, UNSEEN, np.float32), area, key)
