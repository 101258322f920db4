"""UTM metres to degrees, for what leaves the map, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer


def utm_zone(lon: float, lat: float) -> int:
    """EPSG code of the UTM zone (WGS 84) of a place in degrees: plain six-degree zones."""
    return (32600 if lat >= 0 else 32700) + int((lon + 180) // 6) % 60 + 1


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


@lru_cache(maxsize=32)
def _local(lon: float, lat: float) -> Transformer:
    plane = f"+proj=tmerc +lat_0={lat!r} +lon_0={lon!r} +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m"
    return Transformer.from_crs(4326, plane, always_xy=True)


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """East and north in metres from a place: true to scale there, and its north is true north.

    A transverse Mercator of its own, so that lengths, areas and directions of a field hold wherever in a UTM zone it lies.
    """

    lon: float
    lat: float

    def to_ground(self, degrees: ArrayLike) -> NDArray[np.float64]:
        """[N, 2] longitude, latitude to [N, 2] east, north."""
        points = np.asarray(degrees, float).reshape(-1, 2)
        return np.column_stack(_local(self.lon, self.lat).transform(points[:, 0], points[:, 1]))

    def to_degrees(self, en: ArrayLike) -> NDArray[np.float64]:
        """[N, 2] east, north to [N, 2] longitude, latitude."""
        points = np.asarray(en, float).reshape(-1, 2)
        back = _local(self.lon, self.lat).transform(points[:, 0], points[:, 1], direction="INVERSE")
        return np.column_stack(back)
