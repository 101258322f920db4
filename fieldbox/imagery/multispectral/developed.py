"""One exposure after development: aligned planes of reflectance, or of relative radiance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Camera, LayerLabel
from fieldbox.i18n import Sentence
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.multispectral.sunlight import LightSource


@dataclass(frozen=True, slots=True)
class Developed:
    """All bands in the pixels of the reference band's camera, its distortion taken out."""

    bands: NDArray[np.float32]
    """[h, w, B], from short waves to long. Reflectance (0 to 1, more on glints) where `label` is calibrated;
    NaN where unknown: saturated, black, or not seen by that band."""
    names: tuple[str, ...]
    wavelengths: tuple[float | None, ...]
    """Nanometres."""
    label: LayerLabel
    light: LightSource | None
    """What the light is known by, besides a panel; None: by nothing."""
    like_reflectance: bool
    """The numbers are on the scale of reflectance, if not calibrated; False: their scale is the camera's own."""
    camera: Camera | None
    """None: the file states no focal length."""
    reference: BandFile
    """The band whose camera this is, with what it says of time, place and pose."""
    residual_px: tuple[float | None, ...]
    """Of each band: median over held-out patches by which it is off, pixels of the reference; None: its pixels
    could not be compared, and it lies as its maker's geometry has it. The reference itself has 0."""
    warnings: tuple[Sentence, ...]

    def plane(self, name: str) -> NDArray[np.float32]:
        """The band `name`, float32 [h, w]. Raises KeyError if it is not there."""
        if name not in self.names:
            raise KeyError(name)
        return self.bands[:, :, self.names.index(name)]
