"""A flight plan as files: KML for a look at it and for most planners, a `.plan` for QGroundControl.

The `.plan` follows QGroundControl's published format ("Plan File Format", version 1; mission version 2): every key of the
mission is there, parameters that are not set are null, heights count from the take-off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape

from fieldbox.georef.flightplan import FlightPlan

Place = tuple[float, float]
"""Latitude, longitude."""
Line = tuple[Place, Place]

_WAYPOINT, _RETURN, _TAKE_OFF, _SPEED, _TRIGGER = 16, 20, 22, 178, 206
"""MAV_CMD numbers of MAVLink's common messages."""
_ABOVE_TAKE_OFF, _OF_NO_PLACE = 3, 2
"""MAV_FRAME_GLOBAL_RELATIVE_ALT; MAV_FRAME_MISSION."""
_ANY_AUTOPILOT, _MULTIROTOR = 12, 2
"""Of PX4 and a quadrotor, as QGroundControl numbers them; ArduPilot reads the same items."""


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
    """A mission for QGroundControl: take off, fly the lines with the camera triggered by distance, come back."""
    home = lines[0][0]
    items = [
        _item(_TAKE_OFF, [0, 0, 0, None, *home, plan.height_m], plan.height_m),
        _item(_SPEED, [1, round(plan.speed_mps, 2), -1, 0, 0, 0, 0]),
    ]
    for begin, end in lines:
        items += [
            _item(_WAYPOINT, [0, 0, 0, None, *begin, plan.height_m], plan.height_m),
            _item(_TRIGGER, [round(plan.trigger_m, 2), 0, 1, 0, 0, 0, 0]),
            _item(_WAYPOINT, [0, 0, 0, None, *end, plan.height_m], plan.height_m),
            _item(_TRIGGER, [0, 0, 0, 0, 0, 0, 0]),
        ]
    items.append(_item(_RETURN, [0, 0, 0, 0, 0, 0, 0]))
    numbered = [{**item, "doJumpId": number} for number, item in enumerate(items, start=1)]
    mission = {
        "cruiseSpeed": plan.speed_mps,
        "firmwareType": _ANY_AUTOPILOT,
        "globalPlanAltitudeMode": 1,
        "hoverSpeed": plan.speed_mps,
        "items": numbered,
        "plannedHomePosition": [*home, 0],
        "vehicleType": _MULTIROTOR,
        "version": 2,
    }
    document = {
        "fileType": "Plan",
        "geoFence": {"circles": [], "polygons": [], "version": 2},
        "groundStation": "QGroundControl",
        "mission": mission,
        "rallyPoints": {"points": [], "version": 2},
        "version": 1,
    }
    return json.dumps(document, indent=2) + "\n"


def _item(command: int, params: list[float | None], height_m: float | None = None) -> dict[str, object]:
    item: dict[str, object] = {
        "autoContinue": True,
        "command": command,
        "frame": _OF_NO_PLACE if height_m is None else _ABOVE_TAKE_OFF,
        "params": params,
        "type": "SimpleItem",
    }
    if height_m is not None:
        item |= {"AMSLAltAboveTerrain": None, "Altitude": height_m, "AltitudeMode": 1}
    return item
