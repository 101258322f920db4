"""A prescription as a mission of a spray drone: on over what is treated, off before every way between.

A sprayer that is switched knows on and off: where rates differ, the mission sprays all ground that gets anything, and the rate
is what speed and pump make of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import shapely

from fieldbox.domain import Patch, Prescription, Spraying
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.files import replacing
from fieldbox.mapping.geo import LocalPlane
from fieldbox.mapping.patches import kept_off, mended, on_plane, plane_of, polygon
from fieldbox.mapping.spraylines import Sprayer, SprayLines, spray_lines
from fieldbox.missions import Autopilot, Command, Item, Place, at, do, to_plan, to_waypoints

HEIGHT_M = 3.0
"""Above the take-off. Nobody's advice: the pilot checks it against slopes, trees and wires."""
SPEED_MPS = 3.0
"""Nobody's advice either: it goes with pump and nozzles."""
_LITTLE_M2 = 0.1
MOST_ITEMS = 65_535
"""MAVLink counts the items of a mission in 16 bits."""


def write_plan(
    prescription: Prescription,
    boundary: Patch,
    name: str,
    path: Path,
    *,
    height_m: float = HEIGHT_M,
    speed_mps: float = SPEED_MPS,
) -> Sentence:
    """A `.plan` for QGroundControl; returns what it sprays, which is whole swaths.

    Raises Rejected where there is nothing to spray, or too much for one mission."""
    items, home, sprays = _mission(prescription, boundary, name, height_m, speed_mps)
    _write(to_plan(items, home, speed_mps, Autopilot.ARDUPILOT), path)
    return sprays


def write_waypoints(
    prescription: Prescription,
    boundary: Patch,
    name: str,
    path: Path,
    *,
    height_m: float = HEIGHT_M,
    speed_mps: float = SPEED_MPS,
) -> Sentence:
    """A `.waypoints` for ArduPilot's ground stations; what it sprays. Raises Rejected as `write_plan` does."""
    items, home, sprays = _mission(prescription, boundary, name, height_m, speed_mps)
    _write(to_waypoints(items, home), path)
    return sprays


def lines_of(prescription: Prescription, boundary: Patch) -> tuple[SprayLines, LocalPlane]:
    """The lines of a spray drone, and the plane that they are on."""
    field, spraying = polygon(boundary), prescription.spraying
    plane = plane_of(field)
    pieces = [on_plane(plane, polygon(one.zone.patch)) for one in prescription.treated if one.rate_l_ha > 0]
    off = kept_off(plane, spraying.keep_off)
    sprayer = Sprayer(spraying.swath_m, spraying.step_m, prescription.direction_deg)
    (inside,) = mended([on_plane(plane, field)])
    return spray_lines(mended(pieces).tolist(), off, inside, sprayer), plane


def _mission(
    prescription: Prescription, boundary: Patch, name: str, height_m: float, speed_mps: float
) -> tuple[list[Item], Place, Sentence]:
    flown, plane = lines_of(prescription, boundary)
    if not flown.lines:
        raise Rejected(N_("{name}: there is nothing to spray, so there is nothing to fly."), name=name)
    degrees = plane.to_degrees(shapely.get_coordinates(shapely.linestrings(flown.lines))).tolist()
    places = [(lat, lon) for lon, lat in degrees]
    items = _items(list(zip(places[::2], places[1::2], strict=True)), height_m, speed_mps)
    if len(items) > MOST_ITEMS:
        raise Rejected(
            N_("{name}: the mission has {count} steps, more than the {most} that a drone can take."),
            name=name,
            count=len(items),
            most=MOST_ITEMS,
        )
    return items, places[0], _sprays(prescription.spraying, flown)


def _sprays(spraying: Spraying, flown: SprayLines) -> Sentence:
    """How much a mission sprays, and what it leaves."""
    wet = flown.sprayed_m * spraying.swath_m
    told: dict[str, str | int | float] = {
        "area": round(wet),
        "litres": round(wet / 1e4 * spraying.spray_l_ha, 1),
        "missed": round(flown.missed_m2, 1),
    }
    if flown.missed_m2 < _LITTLE_M2:
        return Sentence(N_("The mission wets whole swaths: {area} m², {litres} L of the mixture."), told)
    template = N_(
        "The mission wets whole swaths: {area} m², {litres} L of the mixture. {missed} m² that should be sprayed lie too near to "
        "ground that is kept off, or are too small, and are left."
    )
    return Sentence(template, told)


def _items(lines: Sequence[tuple[Place, Place]], height_m: float, speed_mps: float) -> list[Item]:
    items = [
        at(Command.TAKE_OFF, lines[0][0], height_m),
        do(Command.CHANGE_SPEED, 1, speed_mps, -1),
        do(Command.SPRAYER, 0),
    ]
    for begin, end in lines:
        items += [
            at(Command.WAYPOINT, begin, height_m),
            do(Command.SPRAYER, 1),
            at(Command.WAYPOINT, end, height_m),
            do(Command.SPRAYER, 0),
        ]
    return [*items, do(Command.RETURN_TO_LAUNCH)]


def _write(told: str, path: Path) -> None:
    with replacing(path) as target:
        target.write_text(told, encoding="utf-8")
