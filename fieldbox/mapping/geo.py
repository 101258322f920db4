"""UTM metres to degrees, for what leaves the map, and back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer


@lru_cache(maxsize=32)
def _to_wgs84(epsg: int) -> Transformer:
    return Transformer.from_crs(epsg, 4326, always_xy=True)


@lru_cache(maxsize=32)
def _from_wgs84(epsg: int) -> Transformer:
    return Transformer.from_crs(4326, epsg, always_xy=True)


def easting_northing(epsg: int, degrees: ArrayLike) -> NDArray[np.float64]:
    """[N, 2] longitude, latitude in degrees (WGS 84) to [N, 2] east, north in the zone `epsg`."""
    points = np.asarray(degrees, float).reshape(-1, 2)
    return np.column_stack(_from_wgs84(epsg).transform(points[:, 0], points[:, 1]))


def lon_lat(epsg: int, en: ArrayLike) -> NDArray[np.float64]:
    """[N, 2] east, north in the zone `epsg` to [N, 2] longitude, latitude in degrees (WGS 84)."""
    points = np.asarray(en, float).reshape(-1, 2)
    return np.column_stack(_to_wgs84(epsg).transform(points[:, 0], points[:, 1]))
