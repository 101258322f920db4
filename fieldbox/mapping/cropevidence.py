"""What is known of how the crop stands in each cell of a map, in standard deviations of single cells of its field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fieldbox.domain import FieldMap
from fieldbox.mapping.grid import cells_of
from fieldbox.mapping.health import MAD_TO_SIGMA, MIN_CELLS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_SEEN = 0.1
"""Cells of which less was seen tell nothing."""
STRUCTURE = 3.09
"""Standard deviations by which neighbourhoods must be more alike than chance has them (one field without structure in a
thousand is)."""
LEAST_KNOWN = 0.1
"""Share of the cells around, by their weight, that must be known."""
DENSE_NDVI = 0.7
"""Median, by our own choice, from which NDRE takes over: in dense crops NDVI hardly grows any more while the red edge stays
sensitive to chlorophyll (Gitelson and Merzlyak 1994, Journal of Plant Physiology 143, 286-292)."""
MIN_PLANTS = 30
_CLIP = 4.0
_NEAR = 1
"""Cells to each side that say nothing of structure: a plant spreads into them."""


@dataclass(frozen=True, eq=False, slots=True)
class CropPlants:
    """N crop plants that were compared with their neighbours, and M that are missing. East, north."""

    places: Floats
    """[N, 2]."""
    stunted: Bools
    yellowing: Bools
    missing: Floats
    """[M, 2]: where they would stand."""


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Cells' deviations from the field's, `values`, with their `variance` by chance alone; both 0 where nothing is known."""

    values: Floats
    variance: Floats
    scale: float
    """Of their ratio, to standard deviations of single cells."""

    @property
    def known(self) -> Bools:
        """Cells that tell of themselves."""
        return np.asarray(self.variance > 0)

    def smoothed(self, cells: float) -> Floats:
        """NaN where too little around is known. What is not known has no weight: it is never taken for 0."""
        weight = _blurred(self.variance, cells)
        enough = weight >= LEAST_KNOWN * float(self.variance[self.known].mean())
        mean = np.divide(
            _blurred(self.values, cells), weight, out=np.full(weight.shape, np.nan), where=enough
        )
        return np.asarray(self.scale * mean)

    def structure(self, cells: float) -> float:
        """Moran's I with the weights of the smoothing, without each cell itself and those beside it, in its standard
        deviations under chance: sum w x x' over sqrt(2 sum w^2 var var') (Moran 1950, Biometrika 37, 17-23; Cliff and Ord
        1981, "Spatial Processes"). Where cells are like those beside them, since plants reach from one into the other, fewer
        of them are independent: the standard deviation grows with the sum of these correlations.
        """
        known, variance = self.known, self.variance
        middle = float(self.values.sum() / variance.sum())
        off = np.where(known, self.values - middle * variance, 0.0)
        off /= math.sqrt(float((off**2).sum() / variance.sum()) or 1.0)
        whole, near = _kernel(cells), _kernel(cells, _NEAR)
        likeness = float((off * (_across(off, whole) - _across(off, near))).sum())
        chance = float((variance * (_across(variance, whole**2) - _across(variance, near**2))).sum())
        beside = _between_neighbours(off) / max(_between_neighbours(variance), 1.0)
        spread = max(1.0, 1.0 + ((2 * _NEAR + 1) ** 2 - 1) * beside)
        return likeness / (spread * math.sqrt(2 * chance)) if chance > 0 else 0.0


def evidence_of(grid: FieldMap, crop: CropPlants | None) -> Iterator[Evidence]:
    """The crop's colour, and its plants; or, where no single plants are called, how much ground it covers."""
    colour = _plain(_colour(grid), grid)
    if colour is not None:
        yield colour
    plants = _of_plants(grid, crop) if crop is not None else None
    if plants is not None:
        yield plants
    elif crop is None and (cover := _plain(_robust(grid.crop_cover, grid.seen), grid)) is not None:
        yield cover


def _colour(grid: FieldMap) -> Floats:
    """The crop's index against its own field: `health_z`, or NDRE where the crop is too dense for NDVI."""
    ndvi, ndre = grid.spectral.get("ndvi"), grid.spectral.get("ndre")
    if ndvi is None or ndre is None:
        return grid.health_z.astype(float)
    judged = np.isfinite(grid.health_z) & np.isfinite(ndvi)
    both = judged & np.isfinite(ndre)
    dense = judged.any() and float(np.median(ndvi[judged])) >= DENSE_NDVI
    if not dense or both.sum() < max(MIN_CELLS, judged.sum() / 2):
        return grid.health_z.astype(float)
    return _robust(np.where(both, ndre, np.nan), grid.seen)


def _robust(layer: NDArray[np.floating], seen: NDArray[np.float32]) -> Floats:
    known = np.isfinite(layer) & (seen >= MIN_SEEN)
    scores = np.full(layer.shape, np.nan)
    if known.sum() >= MIN_CELLS:
        values = layer[known].astype(float)
        middle = np.median(values)
        spread = MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
        if spread > 0:
            scores[known] = (values - middle) / spread
    return scores


def _plain(scores: Floats, grid: FieldMap) -> Evidence | None:
    known = np.isfinite(scores) & (grid.seen >= MIN_SEEN)
    if known.sum() < MIN_CELLS:
        return None
    values = np.where(known, np.clip(np.nan_to_num(scores), -_CLIP, _CLIP), 0.0)
    return Evidence(values, known.astype(float), 1.0)


def _of_plants(grid: FieldMap, crop: CropPlants) -> Evidence | None:
    """Plants that are missing, stunted or yellowing against those that should stand there: binomial by chance."""
    ill = crop.stunted | crop.yellowing
    standing, poor, gone = (_counted(grid, one) for one in (crop.places, crop.places[ill], crop.missing))
    expected, troubled = standing + gone, poor + gone
    total = float(expected.sum())
    if total < MIN_PLANTS or not 0 < troubled.sum() < total:
        return None
    share = float(troubled.sum()) / total
    values = (share * expected - troubled) / math.sqrt(share * (1 - share))
    return Evidence(values, expected, math.sqrt(total / float((expected > 0).sum())))


def _counted(grid: FieldMap, places: Floats) -> Floats:
    count = np.zeros(grid.seen.shape)
    row, column, inside = cells_of(grid, places)
    np.add.at(count, (row[inside], column[inside]), 1.0)
    return count


def _kernel(cells: float, reach: int | None = None) -> Floats:
    """One side of a Gaussian that sums up to 1, 0 beyond `reach` cells."""
    far = max(1, round(3 * cells))
    at = np.arange(-far, far + 1)
    weight = np.exp(-0.5 * (at / cells) ** 2)
    weight /= weight.sum()
    return weight if reach is None else np.where(np.abs(at) <= reach, weight, 0.0)


def _across(values: Floats, kernel: Floats) -> Floats:
    one = ndimage.correlate1d(values, kernel, axis=0, mode="constant")
    return np.asarray(ndimage.correlate1d(one, kernel, axis=1, mode="constant"), float)


def _between_neighbours(values: Floats) -> float:
    """Sum of the products of each cell with each of those beside it."""
    return float((values * (_across(values, np.ones(2 * _NEAR + 1)) - values)).sum())


def _blurred(values: Floats, cells: float) -> Floats:
    return _across(values, _kernel(cells))
