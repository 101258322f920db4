"""Missions of drones as files: a `.plan` for QGroundControl, a `.waypoints` for ArduPilot's ground stations.

The `.plan` follows QGroundControl's published format ("Plan File Format", version 1; mission version 2): every key of the
mission is there, parameters that are not set are null, heights count from the take-off. The `.waypoints` follows the "QGC WPL
110" of the MAVLink developer guide: twelve fields parted by tabs, the home position first, nothing is null.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

Place = tuple[float, float]
"""Latitude, longitude."""


class Command(IntEnum):
    """MAV_CMD numbers of MAVLink: common messages, and DO_SPRAYER of ardupilotmega's."""

    WAYPOINT = 16
    RETURN_TO_LAUNCH = 20
    TAKE_OFF = 22
    CHANGE_SPEED = 178
    TRIGGER_DISTANCE = 206
    SPRAYER = 216


class Autopilot(IntEnum):
    """MAV_AUTOPILOT: whose dialect a mission is in."""

    ARDUPILOT = 3
    PX4 = 12


_GLOBAL, _OF_NO_PLACE, _ABOVE_TAKE_OFF = 0, 2, 3
"""MAV_FRAME_GLOBAL, MAV_FRAME_MISSION, MAV_FRAME_GLOBAL_RELATIVE_ALT."""
_MULTIROTOR = 2
"""MAV_TYPE_QUADROTOR."""


@dataclass(frozen=True, slots=True)
class Item:
    """One step of a mission."""

    command: Command
    params: tuple[float | None, ...]
    """Seven; of an item with a place the last three are its latitude, longitude and height."""

    @property
    def of_place(self) -> bool:
        """Whether it has a place to go to."""
        return self.command in {Command.WAYPOINT, Command.TAKE_OFF}


def at(command: Command, place: Place, height_m: float) -> Item:
    """An item that goes to a place, `height_m` above the take-off, without turning the drone."""
    return Item(command, (0, 0, 0, None, *place, height_m))


def do(command: Command, *params: float) -> Item:
    """An item that goes nowhere."""
    return Item(command, (*params, *([0] * (7 - len(params)))))


def to_plan(items: Sequence[Item], home: Place, speed_mps: float, autopilot: Autopilot) -> str:
    """The document of a `.plan`."""
    mission = {
        "cruiseSpeed": speed_mps,
        "firmwareType": int(autopilot),
        "globalPlanAltitudeMode": 1,
        "hoverSpeed": speed_mps,
        "items": [_told(item, number) for number, item in enumerate(items, start=1)],
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


def _told(item: Item, number: int) -> dict[str, object]:
    told: dict[str, object] = {
        "autoContinue": True,
        "command": int(item.command),
        "doJumpId": number,
        "frame": _ABOVE_TAKE_OFF if item.of_place else _OF_NO_PLACE,
        "params": list(item.params),
        "type": "SimpleItem",
    }
    if item.of_place:
        height_m = item.params[6]
        told |= {"AMSLAltAboveTerrain": None, "Altitude": height_m, "AltitudeMode": 1}
    return told


def to_waypoints(items: Sequence[Item], home: Place) -> str:
    """The lines of a `.waypoints`. All steps have the frame of heights above the take-off: Mission Planner knows no other for
    those without a place."""
    lines = ["QGC WPL 110", _line(0, _GLOBAL, at(Command.WAYPOINT, home, 0))]
    lines += [_line(number, _ABOVE_TAKE_OFF, item) for number, item in enumerate(items, start=1)]
    return "\n".join(lines) + "\n"


def _line(number: int, frame: int, item: Item) -> str:
    first, last = item.params[:4], item.params[4:]
    told = (
        [f"{one or 0:.6f}" for one in first]
        + [f"{one or 0:.9f}" for one in last[:2]]
        + [f"{last[2] or 0:.3f}"]
    )
    return "\t".join([str(number), str(int(number == 0)), str(frame), str(int(item.command)), *told, "1"])
