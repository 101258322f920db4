"""Crop rows and the places of missing plants as shapes that other programs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from fieldbox.mapping.export import Features, rounded, words
from fieldbox.mapping.geo import lon_lat


class ExportedRow(Protocol):
    """What an export needs of a stretch of a crop row; its points are [K, 2] east, north, its direction from grid north."""

    @property
    def plot(self) -> int: ...
    @property
    def row(self) -> int: ...
    @property
    def points(self) -> NDArray[np.float64]: ...
    @property
    def direction_deg(self) -> float: ...
    @property
    def spacing_m(self) -> float: ...
    @property
    def length_m(self) -> float: ...


def missing_features(spots: ArrayLike, plots: ArrayLike, rows: ArrayLike, epsg: int) -> Features:
    """Points [N, 2] east, north where a missing plant would stand, with its plot and row (plot 0: no rows run there)."""
    degrees = lon_lat(epsg, spots)
    plot, row = np.asarray(plots, np.int32).reshape(-1), np.asarray(rows, np.int32).reshape(-1)
    return Features(
        [shapely.Point(one) for one in degrees],
        {
            "id": np.arange(1, len(degrees) + 1, dtype=np.int32),
            "class": words(["missing"] * len(degrees)),
            "plot": plot,
            "row": row,
            "lat": rounded(degrees[:, 1], 9),
            "lon": rounded(degrees[:, 0], 9),
        },
        "Point",
    )


def row_features(lines: Sequence[ExportedRow], epsg: int, convergence_deg: float) -> Features:
    """Lines along crop rows; `direction_deg` is from true north, which lies `convergence_deg` west of grid north."""
    return Features(
        [shapely.LineString(lon_lat(epsg, one.points)) for one in lines],
        {
            "id": np.arange(1, len(lines) + 1, dtype=np.int32),
            "plot": np.array([one.plot for one in lines], np.int32),
            "row": np.array([one.row for one in lines], np.int32),
            "spacing_m": rounded((one.spacing_m for one in lines), 3),
            "direction_deg": rounded(((one.direction_deg + convergence_deg) % 180 for one in lines), 2),
            "length_m": rounded((one.length_m for one in lines), 2),
        },
        "LineString",
    )
