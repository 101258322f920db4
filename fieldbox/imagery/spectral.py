"""Vegetation indices of the bands of a multispectral camera.

The formulas, with their published sources, are those of `indices.CATALOGUE`; here they meet the bands of a
camera, which go by the names of `multispectral.nouns`. Of two bands of a colour the plain one counts.

Two kinds. A ratio (NDVI, GNDVI, NDRE, CIrededge, CIgreen) loses a scale that all its bands have in common: it
can be mapped and compared within a flight on relative bands too, as long as each band keeps its own scale
through the flight, but its level means nothing there. What adds a constant, or is itself a product of bands
(SAVI, OSAVI, MCARI), means something on calibrated reflectance only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import LayerLabel
from fieldbox.imagery.indices import CATALOGUE, Band, Index

NAMES = ("NDVI", "NDRE", "GNDVI", "OSAVI", "SAVI", "MCARI", "CIrededge", "CIgreen")
NEED_CALIBRATED = frozenset({"OSAVI", "SAVI", "MCARI"})
"""Meaningless on relative bands; the others are ratios."""
BANDS = {"blue": Band.BLUE, "green": Band.GREEN, "red": Band.RED, "rededge": Band.RED_EDGE, "nir": Band.NIR}
"""Names of a camera's bands, as the catalogue knows them."""
_OF_BAND = {band: name for name, band in BANDS.items()}
_STRIP = 1 << 17
"""Pixels worked on at a time: the catalogue computes in float64."""


def needed(name: str) -> tuple[str, ...]:
    """The bands that the index `name` needs. Raises KeyError for an unknown index."""
    return tuple(_OF_BAND[band] for band in _index(name).bands)


def possible(bands: Sequence[str], label: LayerLabel) -> tuple[str, ...]:
    """The indices that a camera with these bands can tell, as far as the bands can be trusted by `label`."""
    if label is LayerLabel.RGB_ONLY:
        return ()
    return tuple(
        name
        for name in NAMES
        if set(needed(name)) <= set(bands) and (label is LayerLabel.CALIBRATED or name not in NEED_CALIBRATED)
    )


def spectral_index(name: str, planes: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """The index `name` of `planes` [h, w, B] whose last axis goes by `bands`: float32 [h, w].

    NaN where a band is unknown or negative, or a divisor is zero. Raises KeyError for an unknown index and
    ValueError if a band is missing or the shapes do not fit.
    """
    index = _index(name)
    if planes.ndim != 3 or planes.shape[2] != len(bands):
        raise ValueError(f"planes [h, w, {len(bands)}] expected, not {planes.shape}")
    missing = [band for band in needed(name) if band not in bands]
    if missing:
        raise ValueError(f"{name} needs the band {', '.join(missing)}")
    columns = {BANDS[band]: list(bands).index(band) for band in needed(name)}
    height, width = planes.shape[:2]
    result = np.empty((height, width), np.float32)
    rows = max(1, _STRIP // max(1, width))
    for top in range(0, height, rows):
        strip = planes[top : top + rows]
        result[top : top + rows] = index.of({band: strip[:, :, column] for band, column in columns.items()})
    return result


def _index(name: str) -> Index:
    if name not in NAMES:
        raise KeyError(name)
    return CATALOGUE[name]
