"""Where the mosaic changes from one view to the next: between the plants, not through them.

The coverage plan parts its views along straight lines, for that makes the smallest windows to look at; the lines cut
what stands on them. Who looks at which ground stays as it is planned: borders moved by a cell or two cost 8 to 16 %
more pixels to look at, and borders that may not enlarge a window hardly move. But a window holds a margin around its
ground that is decoded anyway, and the mosaic may be painted with it. So here, on a finer lattice, the border between
two views is moved within what both windows hold onto the ground with the least texture: for each pair of neighbours a
minimum cut (Boykov and Kolmogorov 2004, IEEE PAMI 26(9); Kwatra et al. 2003, SIGGRAPH, for seams) through a band of
cells, where to part two cells costs the square of the texture between them as both photos show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from fieldbox.domain import View
from fieldbox.georef.coverage import CoveragePlan
from fieldbox.georef.lattice import Lattice
from fieldbox.georef.owners import Owners
from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

VERSION = 1
"""Raise it whenever the same plan and textures would give other seams."""
FINER = 2
"""Cells along a side of the plan's: about a plant."""
MAX_CELLS = 12_000_000
"""Of a larger raster the seams stay where the plan has them."""
REACH = 4
"""Finer cells by which a border may move to either side."""
SMOOTH = 0.05
"""What parting two cells costs on the smoothest ground, of what it costs on the most textured: keeps borders short."""
_USUAL = 90
"""Percentile of the texture that counts as 1."""
_UNIT, _MOST = 1000, 16
"""Costs are whole numbers of a thousandth, up to this."""
_FIXED = 10**8


def seamlines(
    plan: CoveragePlan, geometries: Mapping[str, PhotoGeometry], textures: Mapping[str, Bytes]
) -> Owners:
    """What ground of the mosaic to paint from which of the plan's views (same numbers), on a lattice `FINER` times as fine.

    `textures` has for each photo by digest an even grid over it, uint8 [h, w], of how much detail there is; the views
    of photos without one keep their borders. The windows of the plan hold all ground that a view is given.
    """
    lattice = plan.lattice
    if plan.owner.size * FINER**2 > MAX_CELLS or not plan.views:
        return Owners(lattice, plan.owner)
    fine = replace(
        lattice, cell_m=lattice.cell_m / FINER, rows=lattice.rows * FINER, columns=lattice.columns * FINER
    )
    owner = np.repeat(np.repeat(plan.owner, FINER, axis=0), FINER, axis=1)
    usual = _usual([textures[view.digest] for view in plan.views if view.digest in textures])
    for pair, cells in _borders(owner):
        views = [plan.views[number] for number in pair]
        if all(view.digest in textures for view in views):
            sides = [_Side(view, geometries[view.digest], textures[view.digest], usual) for view in views]
            _move(owner, pair, cells, sides, fine)
    return Owners(fine, owner)


def _usual(textures: Sequence[Bytes]) -> float:
    if not textures:
        return 1.0
    counts = np.sum([np.bincount(one.ravel(), minlength=256) for one in textures], axis=0)
    share = np.cumsum(counts) / counts.sum()
    return max(1.0, float(np.searchsorted(share, _USUAL / 100)))


def _borders(owner: NDArray[np.int32]) -> Iterator[tuple[tuple[int, int], NDArray[np.int64]]]:
    """Pairs of views that share a border, in order, and the cells [N, 2] row, column on both sides of it."""
    found = []
    for down, across in ((0, 1), (1, 0)):
        first, second = _neighbours(owner, down, across)
        row, column = np.nonzero((first != second) & (first >= 0) & (second >= 0))
        both = np.sort([first[row, column], second[row, column]], axis=0)
        found += [np.column_stack([both.T, row + n * down, column + n * across]) for n in (0, 1)]
    rows = np.concatenate(found)
    rows = rows[np.lexsort(rows.T[::-1])]
    if not len(rows):
        return
    starts = np.flatnonzero(np.r_[True, (np.diff(rows[:, :2], axis=0) != 0).any(axis=1)])
    for part in np.split(rows, starts[1:]):
        yield (int(part[0, 0]), int(part[0, 1])), part[:, 2:]


def _neighbours(
    raster: NDArray[np.int32], down: int, across: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    rows, columns = raster.shape
    return raster[: rows - down, : columns - across], raster[down:, across:]


@dataclass(frozen=True)
class _Side:
    """One of the two views at a border."""

    view: View
    photo: PhotoGeometry
    texture: Bytes
    usual: float

    def show(self, ground: Array, cell_m: float) -> tuple[NDArray[np.float32], Mask]:
        """Texture (1 is usual for plants) at places [h, w, 2], and whether the window holds the cells around them."""
        shape = ground.shape[:2]
        pixels = np.nan_to_num(self.photo.ground_to_pixel(ground.reshape(-1, 2)), nan=-1e6)
        x, y = pixels.reshape(*shape, 2).transpose(2, 0, 1)
        rows, columns = self.texture.shape
        camera, window = self.photo.camera, self.view.window
        shown = cv2.remap(
            self.texture,
            ((x + 0.5) * (columns / camera.width) - 0.5).astype(np.float32),
            ((y + 0.5) * (rows / camera.height) - 0.5).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        # A cell reaches 0.71 of its side from its middle, and as much again is painted around it.
        rim = 1.1 * cell_m / self.photo.gsd_m
        held = (x >= window.x0 + rim) & (x <= window.x1 - 1 - rim)
        held &= (y >= window.y0 + rim) & (y <= window.y1 - 1 - rim)
        return np.asarray(shown / np.float32(self.usual), np.float32), held


class _Band(NamedTuple):
    """The surroundings of a border: its part of the raster, the cells that take part, and those that may change."""

    place: tuple[slice, slice]
    taking_part: Mask
    free: Mask


def _move(
    owner: NDArray[np.int32],
    pair: tuple[int, int],
    cells: NDArray[np.int64],
    sides: Sequence[_Side],
    lattice: Lattice,
) -> None:
    """Move the border between two views onto smooth ground, in place."""
    band = _band(owner, pair, cells)
    here = owner[band.place]
    rows, columns = (np.arange(one.start, one.stop) + 0.5 for one in band.place)
    east, north = lattice.west + columns * lattice.cell_m, lattice.north - rows * lattice.cell_m
    ground = np.stack(np.meshgrid(east, north), axis=-1)
    (first, first_holds), (second, second_holds) = (side.show(ground, lattice.cell_m) for side in sides)
    # Who has a cell may keep it; the other may get it if its window holds it.
    free = band.free & np.where(here == pair[0], second_holds, first_holds)
    if free.any():
        texture = (first + second) / 2
        to_first = _cut(np.asarray(texture, np.float32), band.taking_part, free, here == pair[0])
        here[free] = np.where(to_first[free], pair[0], pair[1])


def _band(owner: NDArray[np.int32], pair: tuple[int, int], cells: NDArray[np.int64]) -> _Band:
    low = np.maximum(cells.min(axis=0) - REACH - 1, 0)
    high = np.minimum(cells.max(axis=0) + REACH + 2, owner.shape)
    place = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
    here = owner[place]
    border = np.zeros(here.shape, np.uint8)
    border[tuple((cells - low).T)] = 1
    ours = (here == pair[0]) | (here == pair[1])
    # Cells next to a third view stay, or it would find a border with another where it had none.
    near_others = _grown((~ours).astype(np.uint8), 1)
    free = _grown(border, REACH - 1) & ours & ~near_others
    return _Band(place, _grown(border, REACH) & ours, free)


def _grown(mask: Bytes, cells: int) -> Mask:
    return np.asarray(cv2.dilate(mask, np.ones((2 * cells + 1,) * 2, np.uint8)) > 0)


def _cut(texture: NDArray[np.float32], taking_part: Mask, free: Mask, of_first: Mask) -> Mask:
    """[h, w] cells on the first view's side of the cheapest border; cells that are not free stay on theirs."""
    count = int(taking_part.sum())
    number = np.full(texture.shape, -1, np.int32)
    number[taking_part] = np.arange(count)
    source, sink = count, count + 1
    fixed = taking_part & ~free
    ones, others = number[fixed & of_first], number[fixed & ~of_first]
    if not (len(ones) and len(others)):
        return of_first  # a view so narrow that it would lose all it has
    tails = [np.full(len(ones), source, np.int32), others]
    heads = [ones, np.full(len(others), sink, np.int32)]
    capacities = [np.full(len(ones) + len(others), _FIXED, np.int32)]
    for down, across in ((0, 1), (1, 0)):
        a, b = _neighbours(number, down, across)
        both = (a >= 0) & (b >= 0)
        rows, columns = texture.shape
        between = (texture[: rows - down, : columns - across] + texture[down:, across:])[both] / 2
        cost = (_UNIT * np.minimum(between**2 + SMOOTH, _MOST)).astype(np.int32)
        tails += [a[both], b[both]]
        heads += [b[both], a[both]]
        capacities += [cost, cost]
    graph = csr_array(
        (np.concatenate(capacities), (np.concatenate(tails), np.concatenate(heads))), (count + 2, count + 2)
    )
    left = graph - maximum_flow(graph, source, sink).flow
    left.data[left.data < 0] = 0
    left.eliminate_zeros()
    reached = np.zeros(count + 2, bool)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    side = np.zeros(texture.shape, bool)
    side[taking_part] = reached[:count]
    return side
