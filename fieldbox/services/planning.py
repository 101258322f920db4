"""A flight planned for the smallest weed that is to be seen: behind `fieldbox plan`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fieldbox.config import Config
from fieldbox.errors import Rejected
from fieldbox.georef.flightplan import Drone, FlightPlan, Wish, plan_flight
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.planfiles import Line, to_kml, to_plan
from fieldbox.i18n import N_, _
from fieldbox.imagery.cameras import FILM_DIAGONAL_MM
from fieldbox.mapping.files import replacing
from fieldbox.services.box import open_store
from fieldbox.services.checking import seeing_of


def _drone(name: str, width: int, height: int, film_mm: float, interval_s: float, minutes: float) -> Drone:
    """By what makers publish: pixels, focal length in terms of 35 mm film (by the diagonal), flight time."""
    focal = film_mm / FILM_DIAGONAL_MM * math.hypot(width, height)
    return Drone(name, width, height, focal, interval_s, battery_min=minutes)


DRONES: Mapping[str, Drone] = {
    "mini-4-pro": _drone("DJI Mini 3 and 4 Pro", 4032, 3024, 24, 2.0, 34),
    "air-2s": _drone("DJI Air 2S", 5472, 3648, 22, 2.0, 31),
    "mavic-2-pro": _drone("DJI Mavic 2 Pro", 5472, 3648, 28, 2.0, 31),
    "mavic-3e": _drone("DJI Mavic 3 Enterprise and Multispectral", 5280, 3956, 24, 0.7, 42),
    "phantom-4-pro": _drone("DJI Phantom 4 Pro", 5472, 3648, 24, 2.5, 30),
}
FORMATS = {".kml": "kml", ".plan": "plan"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A flight over a field, and what it is for."""

    field: str
    drone: Drone
    plan: FlightPlan
    lines: tuple[Line, ...]
    """(latitude, longitude) of both ends."""
    area_ha: float
    smallest_weed_mm: float
    """Diameter of the smallest plant that is counted at this height."""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        plan = self.plan
        return {
            "field": self.field,
            "drone": self.drone.name,
            "area_ha": round(self.area_ha, 4),
            "height_m": round(plan.height_m, 1),
            "gsd_mm": round(1000 * plan.gsd_m, 2),
            "smallest_weed_mm": round(self.smallest_weed_mm),
            "speed_mps": round(plan.speed_mps, 2),
            "line_spacing_m": round(plan.spacing_m, 2),
            "trigger_m": round(plan.trigger_m, 2),
            "lines": len(plan.lines),
            "photos": plan.photos,
            "minutes": round(plan.minutes, 1),
            "batteries": plan.batteries,
            "direction_deg": round(plan.direction_deg, 1),
        }

    def to_text(self) -> str:
        """For a person."""
        plan = self.plan
        rows = [
            (_("Field"), f"{self.field}, {self.area_ha:.2f} ha"),
            (_("Drone"), self.drone.name),
            (_("Height"), _("{height:.0f} m above the field").format(height=plan.height_m)),
            (
                _("One pixel"),
                _("{gsd:.1f} mm; a weed of {weed:.0f} mm across is counted").format(
                    gsd=1000 * plan.gsd_m, weed=self.smallest_weed_mm
                ),
            ),
            (_("Lines"), _("{count}, {apart:.1f} m apart").format(count=len(plan.lines), apart=plan.spacing_m)),
            (_("Speed"), _("{speed:.1f} m/s").format(speed=plan.speed_mps)),
            (_("Photos"), _("{count}, one every {step:.1f} m").format(count=plan.photos, step=plan.trigger_m)),
            (_("Time"), _("{minutes:.0f} minutes, batteries: {count}").format(
                minutes=plan.minutes, count=plan.batteries
            )),
        ]  # fmt: skip
        width = max(len(name) for name, _value in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def plan(
    config: Config, field: str, drone: Drone, weed_mm: float, wish: Wish, output: Path | None
) -> Planned:
    """Plan a flight over a field of the box, or over the first area in a GeoJSON file, and write it to `output` (.kml, .plan).

    The ground resolution of `wish` is replaced by the coarsest at which a weed `weed_mm` across is counted. Raises Rejected for
    what there is not, and for weeds that no flight makes large enough.
    """
    if output is not None and output.suffix.lower() not in FORMATS:
        raise Rejected(N_("Give the plan a name that ends in .kml or .plan."))
    name, ring = _boundary(config, field)
    seeing = seeing_of(config)
    at_native = seeing.smallest_weed_mm(seeing.cell_gsd_mm)
    if weed_mm < at_native:
        raise Rejected(
            N_("The model counts no plant of less than {least} mm across, however low the drone flies."),
            least=round(at_native),
        )
    gsd_mm = min(seeing.coarsest_gsd_mm, seeing.cell_gsd_mm * weed_mm / at_native)
    plane = GroundPlane.for_point(ring[0][1], ring[0][0])
    east, north = plane.to_ground([lat for _lon, lat in ring], [lon for lon, _lat in ring])
    corners = list(zip(east.tolist(), north.tolist(), strict=True))
    try:
        made = plan_flight(corners, drone, replace(wish, gsd_m=gsd_mm / 1000))
    except ValueError as error:
        raise Rejected(N_("The boundary of {field} has no area: draw it again."), field=name) from error
    lines = tuple(_degrees(plane, one) for one in made.lines)
    if output is not None:
        _write(output, made, lines, name)
    area = 0.5 * abs(
        sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True))
    )
    return Planned(name, drone, made, lines, area / 1e4, seeing.smallest_weed_mm(1000 * made.gsd_m))


def _degrees(plane: GroundPlane, line: tuple[tuple[float, float], tuple[float, float]]) -> Line:
    lat, lon = plane.to_geographic([one[0] for one in line], [one[1] for one in line])
    return (float(lat[0]), float(lon[0])), (float(lat[1]), float(lon[1]))


def _write(output: Path, made: FlightPlan, lines: Sequence[Line], name: str) -> None:
    text = to_kml(made, lines, name) if FORMATS[output.suffix.lower()] == "kml" else to_plan(made, lines)
    with replacing(output) as target:
        target.write_text(text, encoding="utf-8")


def _boundary(config: Config, field: str) -> tuple[str, list[tuple[float, float]]]:
    """Name and ring (lon, lat)."""
    path = Path(field)
    if path.suffix.lower() in {".geojson", ".json"}:
        return path.stem, _ring_in(path)
    with open_store(config) as store:
        fields = store.fields()
    found = next((one for one in fields if field in {one.name, one.code}), None)
    if found is None:
        raise Rejected(
            N_("There is no field {field}; there is {known}. A boundary may also come as a GeoJSON file."),
            field=field,
            known=", ".join(one.name for one in fields) or _("none"),
        )
    return found.name, list(found.boundary)


def _ring_in(path: Path) -> list[tuple[float, float]]:
    """The outer ring of the first area in a GeoJSON file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        ring = _first_ring(document)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Rejected(N_("{file} cannot be read as a GeoJSON with an area."), file=str(path)) from error
    if len(ring) < 3 or not all(abs(lon) <= 180 and abs(lat) <= 84 for lon, lat in ring):
        raise Rejected(N_("{file} cannot be read as a GeoJSON with an area."), file=str(path))
    return ring


def _first_ring(document: Any) -> list[tuple[float, float]]:
    kind = document["type"]
    if kind == "FeatureCollection":
        return _first_ring(document["features"][0])
    if kind == "Feature":
        return _first_ring(document["geometry"])
    rings = document["coordinates"][0] if kind == "MultiPolygon" else document["coordinates"]
    if kind not in {"Polygon", "MultiPolygon"}:
        raise ValueError(kind)
    ring = [(float(one[0]), float(one[1])) for one in rings[0]]
    return ring[:-1] if ring[0] == ring[-1] else ring
