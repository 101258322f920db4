"""A tile of an orthomosaic: a photo taken from far above, straight down, whose ground somebody else has put in place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.georef.projection import RADIUS95, PhotoGeometry

Array = NDArray[np.float64]

RESAMPLED_PX = 0.3
"""By which two tiles of one raster may put the same thing apart, each axis: what interpolating between pixels costs."""


@dataclass(frozen=True)
class Tile(PhotoGeometry):
    """A tile; `outline` is a ring [K, 2] of its pixels around all of it that holds anything."""

    outline: tuple[tuple[float, float], ...]

    @property
    def block(self) -> int | None:
        """See `PhotoGeometry`: the tiles of a raster are one whole."""
        return 0

    @property
    def share95_m(self) -> float:
        """See `PhotoGeometry`."""
        return RADIUS95 * RESAMPLED_PX * self.gsd_m

    def footprint(self) -> Array:
        """[K, 2] open ring on the ground around all of the tile that holds anything."""
        return self.pixel_to_ground(self.outline)
