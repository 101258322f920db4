"""An exposure's bands and indices as a TIFF that other programs read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from fieldbox.domain import LayerLabel

Planes = Mapping[str, NDArray[np.float32]]
"""float32 [h, w] by names, all of one size; NaN where unknown."""


def write_planes(path: Path, planes: Planes, label: LayerLabel) -> None:
    """Write planes to a tiled, compressed TIFF: each is a band under its name; it has no place. Raises OSError."""
    height, width = next(iter(planes.values())).shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=len(planes),
            dtype="float32",
            nodata=np.nan,
            tiled=True,
            compress="deflate",
            predictor=3,
            interleave="band",
        ) as target:
            target.update_tags(FIELDBOX_LABEL=label.value)
            for number, (name, plane) in enumerate(planes.items(), start=1):
                target.write(plane, number)
                target.set_band_description(number, name)
