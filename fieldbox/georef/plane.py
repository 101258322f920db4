"""The ground plane of a flight: one UTM zone on WGS 84.

Distances on the grid differ from those on the ground by the point scale factor (0.9996 on the central
meridian), and grid north differs from true north by the meridian convergence (some degrees far from
it). Both are taken from PROJ for each photo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Proj, Transformer

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

WGS84 = 4326
UTM_SOUTH_LIMIT = -80.0
UTM_NORTH_LIMIT = 84.0


@lru_cache(maxsize=32)
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


@lru_cache(maxsize=32)
def _projection(epsg: int) -> Proj:
    return Proj(f"EPSG:{epsg}")


def utm_epsg(lat: float, lon: float) -> int:
    """EPSG code of the UTM zone (WGS 84) of a point in degrees: plain six-degree zones.

    Raises Rejected where UTM is not defined (near the poles, or no place at all).
    """
    if not (UTM_SOUTH_LIMIT <= lat <= UTM_NORTH_LIMIT and math.isfinite(lon) and abs(lon) <= 180):
        raise Rejected(
            N_(
                "Latitude {lat}, longitude {lon} is no place that can be mapped; check the GPS of the photos."
            ),
            lat=round(lat, 6),
            lon=round(lon, 6),
        )
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    return (32600 if lat >= 0 else 32700) + zone


@dataclass(frozen=True, slots=True)
class GroundPlane:
    """East and north in metres in the UTM zone `epsg`; vectorised, float64, safe to share between threads."""

    epsg: int

    @classmethod
    def for_point(cls, lat: float, lon: float) -> GroundPlane:
        """The plane of the zone that holds a point. Raises Rejected near the poles."""
        return cls(utm_epsg(lat, lon))

    def to_ground(self, lat: ArrayLike, lon: ArrayLike) -> Pair:
        """Degrees of any one shape to (east, north) in metres of the same shape."""
        east, north = _transformer(WGS84, self.epsg).transform(np.asarray(lon, float), np.asarray(lat, float))
        return np.asarray(east, float), np.asarray(north, float)

    def to_geographic(self, east: ArrayLike, north: ArrayLike) -> Pair:
        """Metres of any one shape to (lat, lon) in degrees of the same shape."""
        lon, lat = _transformer(self.epsg, WGS84).transform(np.asarray(east, float), np.asarray(north, float))
        return np.asarray(lat, float), np.asarray(lon, float)

    def line_on_grid(self, true_deg: float | None, ring: Sequence[tuple[float, float]]) -> float | None:
        """A direction without a front, clockwise from true north, counted from grid north in the middle of a ring of (lon,
        lat): 0 to 180. None stays None."""
        if true_deg is None:
            return None
        lon, lat = (sum(part) / len(ring) for part in zip(*ring, strict=True))
        return (true_deg - self.convergence_deg(lat, lon)) % 180

    def convergence_deg(self, lat: float, lon: float) -> float:
        """Azimuth of grid north, clockwise from true north: grid azimuth = true azimuth - convergence."""
        return float(_projection(self.epsg).get_factors(lon, lat).meridian_convergence)

    def scale(self, lat: float, lon: float) -> float:
        """Grid metres for one metre on the ground (the same in all directions: UTM is conformal)."""
        return float(_projection(self.epsg).get_factors(lon, lat).meridional_scale)
