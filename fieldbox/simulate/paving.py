"""Soil without end: a seamless tile laid in patches, each of which shows another part of it.

Laid plainly, a tile repeats, and matching takes one place for another a tile's width away, which no soil makes it do.
Here nothing repeats over more than a patch, which is little more than the neighbourhood that describes a point in a
photo. Patches are shifted, not turned or mirrored: their shadows keep to the sun. They meet on a jagged line, so
narrow that clods stay sharp: mixed over a broad one, as in Deliot and Heitz, "Procedural Stochastic Textures by Tiling
and Blending" (2019), two soils show through each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.simulate.texture import seamless_noise

Floats = NDArray[np.float32]

CELL_PX = 256
"""Side of a patch, about; of twice that, photos of bare soil are matched in wrong places by single patches."""
UNIT_PX = 32
"""Tiles, patches and shifts are whole multiples of it, so that all can be halved five times."""
REACH_PX = 32
"""How far a patch reaches beyond its cell at most."""
_JAGGED_PX, _LONGEST_PX, _FEATHER_PX = 9.0, 160.0, 0.6


@dataclass(frozen=True, slots=True)
class Paving:
    """The plane in pixels (x right, y down, both signs), paved; made by `paved`.

    From 0 to `whole` both ways the tile lies as it is: a small field is a piece of it.
    """

    tile: NDArray[Any]
    """[n + p, n + p]: a tile of n x n that wraps, and `p`, a patch's width, of it again."""
    share: Floats
    """[p, p] of a patch in the pixels of its cell and around it: of all patches together it is 1."""
    cell: int
    """Side of a patch's cell: n holds it a whole number of times."""
    unit: int
    """Shifts are multiples of it."""
    seed: tuple[int, ...]
    """With the place of a cell it gives the part of the tile that is shown there."""

    @property
    def size(self) -> int:
        """Side n of the tile."""
        return len(self.tile) - len(self.share)

    @property
    def overlap(self) -> int:
        """Pixels in which two patches beside each other overlap."""
        return len(self.share) - self.cell

    @property
    def whole(self) -> int:
        """Side of the square in which no patch is shifted."""
        return self.size - self.overlap

    def window(self, x0: int, y0: int, width: int, height: int) -> Floats:
        """The pixels [height, width] from (x0, y0)."""
        if min(x0, y0) >= 0 and max(x0 + width, y0 + height) <= self.whole:
            return self.tile[y0 : y0 + height, x0 : x0 + width].astype(np.float32)
        out = np.zeros((height, width), np.float32)
        for row in self._cells(y0, height):
            for column in self._cells(x0, width):
                self._lay(out, (x0, y0), row, column)
        return out

    def halved(self) -> Paving:
        """The same at half the resolution."""
        tile, share = (
            cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            for one in (self.tile, self.share)
        )
        return Paving(tile, np.asarray(share, np.float32), self.cell // 2, self.unit // 2, self.seed)

    def _cells(self, first: int, count: int) -> range:
        """Of the cells on an axis, those whose patches reach into `count` pixels from `first` on."""
        return range(first // self.cell, (first + count - 1 + self.overlap) // self.cell + 1)

    def _lay(self, out: Floats, origin: tuple[int, int], row: int, column: int) -> None:
        """Add a patch to the window `out` that begins at `origin` (x, y), as far as it reaches into it."""
        side = len(self.share)
        left = column * self.cell - self.overlap - origin[0]
        top = row * self.cell - self.overlap - origin[1]
        a, b = max(top, 0), min(top + side, out.shape[0])
        c, d = max(left, 0), min(left + side, out.shape[1])
        down, right = self._source(row, column)
        part = self.tile[down + a - top : down + b - top, right + c - left : right + d - left]
        out[a:b, c:d] += part * self.share[a - top : b - top, c - left : d - left]

    def _source(self, row: int, column: int) -> tuple[int, int]:
        """Row and column of the tile at which the patch of a cell begins.

        A tile's worth of cells shows every part of the tile once, in an order of its own: neighbours are not alike.
        """
        along = self.size // self.cell
        block, part = (row // along, column // along), (row % along, column % along)
        moved = (-self.overlap, -self.overlap)
        if block != (0, 0):
            # A block's number may be negative, a seed may not.
            rng = np.random.default_rng([*self.seed, block[0] % 2**32, block[1] % 2**32])
            part = divmod(int(rng.permutation(along**2)[part[0] * along + part[1]]), along)
            moved = tuple(rng.integers(self.size // self.unit, size=2) * self.unit)
        down, right = (
            int(number * self.cell + by) % self.size for number, by in zip(part, moved, strict=True)
        )
        return down, right


def paved(tile: NDArray[Any], *seed: int) -> Paving:
    """The plane, paved with a tile [n, n] that wraps; n is a multiple of 32 times the rounded n / 256."""
    size = len(tile)
    cell = size // round(size / CELL_PX)
    again = (0, cell + 2 * REACH_PX)
    return Paving(np.pad(tile, (again, again), mode="wrap"), _share(cell), cell, UNIT_PX, seed)


@lru_cache(maxsize=8)
def _share(cell: int) -> Floats:
    """[p, p] of a patch in the pixels from REACH_PX before its cell to REACH_PX behind it, both ways."""
    rng = np.random.default_rng(cell)
    most = REACH_PX - 4 * _FEATHER_PX
    at = np.arange(-REACH_PX, cell + REACH_PX)
    inside = np.ones((at.size, at.size), np.bool_)
    # Bent alike in every cell, the plane still falls to one cell each; blurring adds to 1 as it did.
    for straight in (at[:, None], at[None, :]):
        bend = np.clip(_JAGGED_PX * seamless_noise(rng, cell, 1.1, _LONGEST_PX), -most, most)
        bent = straight + bend[np.ix_(at % cell, at % cell)]
        inside &= (bent >= 0) & (bent < cell)
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), _FEATHER_PX, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(share, np.float32)
