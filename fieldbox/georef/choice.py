"""Which photos are needed, what a way of sharing the ground costs, and the simplest ways: nearest, greedy."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.lattice import CELLS_A_SIDE, IN_MARGIN, UNSEEN, Lattice, Seen, without_margin
from fieldbox.georef.projection import PhotoGeometry

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEARLY = 0.2
"""Ground that no photo sees within the limit may be seen at a radius this much (share) over the best."""
DECODE_SHARE = 0.055
"""What decoding a photo costs, as a share of what looking at all its pixels would: measured on one
core, 80 ms for 20 MP against 75 ms for each MP looked at."""


class Choice(NamedTuple):
    """Photos that look (sorted) and, for each cell [rows, columns], the one that owns it, or -1."""

    photos: list[int]
    owner: NDArray[np.int32]


class Extent(NamedTuple):
    """A part of an image in pixels from the principal point."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Sight:
    """All photos' sights of the cells, and which of them are good enough."""

    photos: Sequence[PhotoGeometry]
    seen: Sequence[Seen]
    lattice: Lattice
    margin_px: int
    well: Sequence[Mask]
    """For each photo, [h, w] cells that it sees within the limit, or nearly as well as any."""
    times: NDArray[np.int32]
    """[rows, columns] photos that see the cell well."""

    @classmethod
    def of(
        cls,
        photos: Sequence[PhotoGeometry],
        seen: Sequence[Seen],
        lattice: Lattice,
        margin_px: int,
        max_radius: float,
    ) -> Sight:
        """Judge all sights against the best of them."""
        best = nearest(seen, range(len(seen)), lattice)[0]
        enough = np.maximum(without_margin(best) * np.float32(1 + NEARLY), np.float32(max_radius))
        enough[best == UNSEEN] = -1.0
        # Where none has the margin, a photo that only touches the cell will do: otherwise the ragged
        # outline of a flight forces nearly every photo along it, each with a window to hold its tooth.
        limit = np.where(best < IN_MARGIN, 2 * IN_MARGIN, UNSEEN)
        well = [
            (one.radius < limit[one.place]) & (without_margin(one.radius) <= enough[one.place])
            for one in seen
        ]
        times = np.zeros(best.shape, np.int32)
        for one, mask in zip(seen, well, strict=True):
            times[one.place] += mask
        return cls(photos, seen, lattice, margin_px, well, times)

    def cost(self, choice: Choice) -> float:
        """Pixels to look at, margins included, and the photos to decode in the same unit (approximate)."""
        return sum(self._cost(index, choice.owner) for index in choice.photos)

    def _cost(self, index: int, owner: NDArray[np.int32]) -> float:
        camera, extent = self.photos[index].camera, self.extent(index, owner)
        if extent is None:
            return 0.0
        width = min(extent.right - extent.left + 2 * self.margin_px, camera.width)
        height = min(extent.bottom - extent.top + 2 * self.margin_px, camera.height)
        return width * height + self.decoding(index)

    def decoding(self, index: int) -> float:
        """Pixels that could be looked at in the time it takes to decode a photo."""
        return DECODE_SHARE * self.photos[index].camera.width * self.photos[index].camera.height

    def extent(self, index: int, owner: NDArray[np.int32]) -> Extent | None:
        """What a photo's cells take up in its image; None if it has none."""
        camera, one = self.photos[index].camera, self.seen[index]
        mine = owner[one.place] == index
        if not mine.any():
            return None
        across, down = one.pixels[0][mine], one.pixels[1][mine]
        half = min(camera.width, camera.height) / CELLS_A_SIDE / 2
        return Extent(
            float(across.min()) - half,
            float(across.max()) + half,
            float(down.min()) - half,
            float(down.max()) + half,
        )


def nearest(
    seen: Sequence[Seen], chosen: Sequence[int], lattice: Lattice
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Smallest radius and the photo that has it (the first of equals), for every cell."""
    radius = np.full((lattice.rows, lattice.columns), UNSEEN, np.float32)
    owner = np.full((lattice.rows, lattice.columns), -1, np.int32)
    for index in chosen:
        one = seen[index]
        take(one, index, np.where(one.radius < 3 * IN_MARGIN, one.radius, UNSEEN), radius, owner)
    return radius, owner


def needed(sight: Sight, kept: Sequence[int]) -> list[int]:
    """Photos that, with the `kept`, see all ground well: greedy set cover, less what it left over.

    The next photo is the one that adds the most ground; of equals, the first.
    """
    seen, well = sight.seen, sight.well
    times = np.zeros_like(sight.times)
    for index in kept:
        times[seen[index].place] += well[index]
    queue = [(-int(mask.sum()), index) for index, mask in enumerate(well)]
    heapq.heapify(queue)
    chosen: list[int] = []
    while queue and queue[0][0] < 0:
        gain, index = heapq.heappop(queue)
        now = -int((well[index] & (times[seen[index].place] == 0)).sum())
        if now == gain:
            chosen.append(index)
            times[seen[index].place] += well[index]
        elif now < 0:
            heapq.heappush(queue, (now, index))
    return sorted([*kept, *_without_spare(sight, times, chosen)])


def _without_spare(sight: Sight, times: NDArray[np.int32], chosen: Sequence[int]) -> list[int]:
    seen, well = sight.seen, sight.well
    alone = {index: int((well[index] & (times[seen[index].place] == 1)).sum()) for index in chosen}
    kept = set(chosen)
    for index in sorted(chosen, key=lambda one: (alone[one], one)):
        place = seen[index].place
        if not (well[index] & (times[place] == 1)).any():
            times[place] -= well[index]
            kept.discard(index)
    return sorted(kept)


def take(
    seen: Seen,
    index: int,
    value: NDArray[np.float32],
    least: NDArray[np.float32],
    owner: NDArray[np.int32],
) -> None:
    """Give to a photo the cells for which its value is the least, in place."""
    here = least[seen.place]
    better = value < here
    np.copyto(here, value, where=better)
    np.copyto(owner[seen.place], np.int32(index), where=better)
