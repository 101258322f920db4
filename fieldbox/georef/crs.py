"""Coordinates in any map projection that a file names, as WGS 84 degrees, without the internet.

A file names its system as OpenDroneMap's `gcp_list.txt` and `geo.txt` do (docs.opendronemap.org/gcp, /geo):
`EPSG:32643`, `WGS84 UTM 43N` or a PROJ string. Coordinates are taken east first, whatever order of axes the
EPSG registry gives. Only the horizontal part of a system is used: heights stay as the file states them.

PROJ states for each transformation between datums how far it can be trusted, and without its grids (which
would come from the internet) it falls back on coarser ones: Kalianpur 1975 to WGS 84 is good to 22 m.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]  # documented there

from fieldbox.errors import Rejected
from fieldbox.georef.textfile import shown
from fieldbox.i18n import N_, Sentence

WGS84 = "EPSG:4326"
NEGLIGIBLE_M = 1.0
"""Up to this a transformation adds no error: WGS 84 itself and the frames that follow it differ by that much."""
UNSTATED_M = 5.0
"""Where PROJ states no accuracy (a PROJ string with its own `+towgs84`): our estimate."""
_MARGIN_DEG = 3.0
"""How far outside its area of use a system is believed: half a UTM zone, for fields across a border."""
_MAX_TEXT = 300
_STEP_DEG = 1e-5

_EPSG = re.compile(r"epsg:{1,2}\s*(\d{3,6})", re.IGNORECASE)
_UTM = re.compile(r"wgs\s?84\s*/?\s*utm\s+(?:zone\s+)?(\d{1,2})\s?([ns])", re.IGNORECASE)
_PROJ_PART = re.compile(
    r"\+(proj|zone|south|north|datum|ellps|a|b|f|rf|towgs84|units|to_meter|lat_[012]|lat_ts|lon_0|lonc|k|k_0"
    r"|x_0|y_0|alpha|gamma|no_defs|type|wktext)(?:=([a-z0-9_.,+\-]+))?",
    re.IGNORECASE,
)
"""What a PROJ string may hold: nothing that opens a file (grids, init files) or turns the axes."""
_WGS84_ELLIPSOIDS = {"wgs84", "grs80"}


class Located(NamedTuple):
    """Degrees on WGS 84, and what the change of datum adds to the error."""

    lat: float
    lon: float
    shift_error_m: float
    """Horizontal; 0 where it is negligible."""


@dataclass(frozen=True, slots=True)
class MapSystem:
    """A geographic or projected system; safe to share between threads."""

    text: str
    """As the file names it."""
    geographic: bool
    """Coordinates are longitude and latitude in degrees, else east and north in `unit_m`."""
    north_first: bool
    """Whether the registry, and so some programs, put north before east."""
    unit_m: float
    """Metres in one unit of length (1 for degrees)."""
    area: tuple[float, float, float, float] | None
    """West, south, east, north in degrees; west > east across the date line."""
    to_wgs84: Transformer

    def locate(self, x: float, y: float) -> Located | None:
        """East, north (or longitude, latitude) on WGS 84; None for what is no place where the system is used."""
        if self.geographic and not (abs(y) <= 90 and abs(x) <= 180):
            return None  # PROJ would wrap what is no longitude
        if not self.geographic and self.area is not None and abs(x) <= 180 and abs(y) <= 180:
            return None  # degrees: registered grids start outside their land
        lon, lat = self.to_wgs84.transform(x, y)
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lat) <= 90 and abs(lon) <= 180):
            return None
        return Located(float(lat), float(lon), self._shift_error()) if self._holds(lat, lon) else None

    def convergence_deg(self, lat: float, lon: float) -> float:
        """Azimuth of grid north, clockwise from true north (as `GroundPlane.convergence_deg`); 0 for degrees."""
        if self.geographic:
            return 0.0
        x0, y0 = self.to_wgs84.transform(lon, lat, direction="INVERSE")
        x1, y1 = self.to_wgs84.transform(lon, lat + _STEP_DEG, direction="INVERSE")
        azimuth = math.degrees(math.atan2(x1 - x0, y1 - y0))
        return -azimuth if math.isfinite(azimuth) else 0.0

    def _holds(self, lat: float, lon: float) -> bool:
        if self.area is None:
            return True
        west, south, east, north = self.area
        width = (east - west) % 360.0 or 360.0
        inside = (
            width + 2 * _MARGIN_DEG >= 360.0 or (lon - west + _MARGIN_DEG) % 360.0 <= width + 2 * _MARGIN_DEG
        )
        return inside and south - _MARGIN_DEG <= lat <= north + _MARGIN_DEG

    def _shift_error(self) -> float:
        """PROJ chooses among transformations by place, so the answer is that of the last point."""
        try:
            accuracy = float(self.to_wgs84.get_last_used_operation().accuracy)
        except ProjError:  # nothing had to be done
            return 0.0
        if accuracy < 0:
            return UNSTATED_M
        return accuracy if accuracy > NEGLIGIBLE_M else 0.0


def names_system(text: str) -> bool:
    """Whether a line looks like the name of a coordinate system (it may still be an unknown one)."""
    plain = text.strip().strip("'\"").lower()
    return plain.startswith(("epsg:", "+proj", "+init")) or _UTM.match(plain) is not None


def map_system(text: str) -> MapSystem:
    """The system named by `text`.

    Raises Rejected for an unknown or unfit one: heights alone, distances from the earth's centre, a datum that
    is not stated, or one that only data from the internet lead to.
    """
    set_network_enabled(False)  # for this thread, whatever the environment says: no grid is ever fetched
    plain = " ".join(text.strip().strip("'\"").split())
    if len(plain) > _MAX_TEXT:
        raise _unknown(shown(plain))
    return _map_system(plain)


def misplaced(line: int, x: float, y: float, system: MapSystem) -> Sentence:
    """What to say of coordinates that the system does not have."""
    return Sentence(
        N_(
            "Line {line}: {x}, {y} is no place where {system} is used: check the projection, and that east"
            " (longitude) and north (latitude) are not swapped."
        ),
        {"line": line, "x": x, "y": y, "system": system.text},
    )


def system_notes(shift_errors: Iterable[float], system: MapSystem) -> Iterator[Sentence]:
    """What to say of a system that costs certainty: of its datum, and of a unit that is not the metre."""
    worst = max(shift_errors, default=0.0)
    if worst > 0:
        yield Sentence(
            N_(
                "{system} is turned into WGS 84 only to within {error} m: give the coordinates in WGS 84 if you"
                " can."
            ),
            {"system": system.text, "error": worst},
        )
    if system.unit_m != 1.0:
        yield Sentence(
            N_(
                "{system} does not count in metres, so the unit of the heights is not sure: they are not used."
            ),
            {"system": system.text},
        )


@lru_cache(maxsize=16)
def _map_system(text: str) -> MapSystem:
    system = _horizontal(_registered(text), text)
    try:
        transformer = Transformer.from_crs(system, WGS84, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise Rejected(
            N_(
                "{system} cannot be turned into WGS 84 on this box: give the coordinates in WGS 84, such as"
                " EPSG:4326 or WGS84 UTM 43N."
            ),
            system=text,
        ) from error
    plain = system.source_crs if system.is_bound and system.source_crs is not None else system
    bounds = plain.area_of_use
    return MapSystem(
        text=text,
        geographic=plain.is_geographic,
        north_first=plain.axis_info[0].direction == "north",
        unit_m=1.0 if plain.is_geographic else plain.axis_info[0].unit_conversion_factor,
        area=None if bounds is None else bounds.bounds,
        to_wgs84=transformer,
    )


def _registered(text: str) -> CRS:
    try:
        if found := _EPSG.fullmatch(text):
            return CRS.from_epsg(int(found[1]))
        if found := _UTM.fullmatch(text):
            return CRS.from_epsg(_utm_code(int(found[1]), found[2]))
        if "+proj" in text.lower():
            return CRS.from_proj4(_proj_string(text))
    except ProjError:
        pass
    raise _unknown(text)


def _utm_code(zone: int, half: str) -> int:
    if not 1 <= zone <= 60:
        return 0
    return (32600 if half.lower() == "n" else 32700) + zone


def _proj_string(text: str) -> str:
    """The string that PROJ gets. An ellipsoid that is WGS 84's (or GRS 80's, 0.1 mm off) without a datum, or
    with a shift of zero, means WGS 84: many files on farms are written so."""
    parts = [_PROJ_PART.fullmatch(part) for part in text.split()]
    keys = {part[1].lower(): (part[2] or "").lower() for part in parts if part is not None}
    if None in parts:
        raise _unknown(text)
    no_shift = set(keys.get("towgs84", "0")) <= set("0.,+-")
    if "datum" not in keys and no_shift and keys.get("ellps") in _WGS84_ELLIPSOIDS:
        kept = [part[0] for part in parts if part is not None and part[1].lower() not in ("towgs84", "ellps")]
        return " ".join([*kept, "+datum=WGS84"])
    return text


def _horizontal(system: CRS, text: str) -> CRS:
    """The part that says where on the map: a compound system's heights are left out."""
    if system.is_compound and system.sub_crs_list:
        system = system.sub_crs_list[0]
    plain = system.source_crs if system.is_bound and system.source_crs is not None else system
    if not (plain.is_projected or plain.is_geographic) or plain.is_vertical or plain.is_geocentric:
        raise Rejected(
            N_(
                "{system} says nothing about places on a map (it is for heights, or counts from the earth's"
                " centre): give the EPSG code of the projection, such as EPSG:32643."
            ),
            system=text,
        )
    return system


def _unknown(text: str) -> Rejected:
    return Rejected(
        N_(
            "{system} is no coordinate system that this box knows: give an EPSG code such as EPSG:32643, or"
            " WGS84 UTM 43N."
        ),
        system=text,
    )
