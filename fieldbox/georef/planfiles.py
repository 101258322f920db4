"""A flight plan as files: KML for a look at it and for most planners, a `.plan` for QGroundControl."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from fieldbox import missions
from fieldbox.georef.flightplan import FlightPlan
from fieldbox.missions import Autopilot, Command, Place, at, do

Line = tuple[Place, Place]


def to_kml(plan: FlightPlan, lines: Sequence[Line], name: str) -> str:
    """The way that is flown as one line, relative to the ground."""
    places = [place for line in lines for place in line]
    track = " ".join(f"{lon:.7f},{lat:.7f},{plan.height_m:.1f}" for lat, lon in places)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<name>{escape(name)}</name><Placemark><name>{escape(name)}</name><LineString>"
        f"<altitudeMode>relativeToGround</altitudeMode><coordinates>{track}</coordinates>"
        "</LineString></Placemark></Document></kml>\n"
    )


def to_plan(plan: FlightPlan, lines: Sequence[Line]) -> str:
    """A mission for QGroundControl: take off, fly the lines with the camera triggered by distance, come back.

    ArduPilot reads the same items.
    """
    home = lines[0][0]
    items = [
        at(Command.TAKE_OFF, home, plan.height_m),
        do(Command.CHANGE_SPEED, 1, round(plan.speed_mps, 2), -1),
    ]
    for begin, end in lines:
        items += [
            at(Command.WAYPOINT, begin, plan.height_m),
            do(Command.TRIGGER_DISTANCE, round(plan.trigger_m, 2), 0, 1),
            at(Command.WAYPOINT, end, plan.height_m),
            do(Command.TRIGGER_DISTANCE),
        ]
    items.append(do(Command.RETURN_TO_LAUNCH))
    return missions.to_plan(items, home, plan.speed_mps, Autopilot.PX4)
