"""What a mission must be for QGroundControl and ArduPilot to take it, from their published formats, and what a sprayer may do.

https://docs.qgroundcontrol.com/master/en/qgc-dev-guide/file_formats/plan.html
https://mavlink.io/en/file_formats/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

WAYPOINT, RETURN, TAKE_OFF, SPEED, SPRAYER = 16, 20, 22, 178, 216
WITH_PLACE = {WAYPOINT, TAKE_OFF}
MISSION_KEYS = {
    "cruiseSpeed",
    "firmwareType",
    "globalPlanAltitudeMode",
    "hoverSpeed",
    "items",
    "plannedHomePosition",
    "vehicleType",
    "version",
}
ITEM_KEYS = {"autoContinue", "command", "doJumpId", "frame", "params", "type"}
PLACE_KEYS = {"AMSLAltAboveTerrain", "Altitude", "AltitudeMode"}


Place = tuple[float, float]
"""Latitude, longitude."""


@dataclass(frozen=True)
class Step:
    """An item of a mission, whichever file it is from; what is not set is None."""

    command: int
    frame: int
    params: tuple[float | None, ...]


def read_plan(told: str) -> tuple[list[Step], dict[str, Any]]:
    """Its steps and its mission; asserts all that the format asks for."""
    plan = json.loads(told)
    assert set(plan) == {"fileType", "geoFence", "groundStation", "mission", "rallyPoints", "version"}
    assert (plan["fileType"], plan["groundStation"], plan["version"]) == ("Plan", "QGroundControl", 1)
    assert plan["geoFence"] == {"circles": [], "polygons": [], "version": 2}
    assert plan["rallyPoints"] == {"points": [], "version": 2}
    mission = plan["mission"]
    assert set(mission) == MISSION_KEYS
    assert mission["version"] == 2
    assert len(mission["plannedHomePosition"]) == 3
    assert mission["items"]
    for number, item in enumerate(mission["items"], start=1):
        placed = item["command"] in WITH_PLACE
        assert set(item) == ITEM_KEYS | (PLACE_KEYS if placed else set())
        assert item["type"] == "SimpleItem"
        assert item["doJumpId"] == number
        assert item["autoContinue"] is True
        assert item["frame"] == (3 if placed else 2)  # relative to the take-off; of no place
        assert len(item["params"]) == 7
        assert all(one is None or isinstance(one, int | float) for one in item["params"])
        if placed:
            assert item["Altitude"] == item["params"][6]
            assert item["AltitudeMode"] == 1
    return [Step(one["command"], one["frame"], tuple(one["params"])) for one in mission["items"]], mission


def read_waypoints(told: str) -> list[Step]:
    """Its steps without the home position; asserts all that the format asks for."""
    header, *lines = told.splitlines()
    assert header == "QGC WPL 110"
    rows = [line.split("\t") for line in lines]
    assert all(len(row) == 12 for row in rows)
    assert [int(row[0]) for row in rows] == list(range(len(rows)))
    assert [int(row[1]) for row in rows] == [1] + [0] * (len(rows) - 1)
    assert [row[11] for row in rows] == ["1"] * len(rows)
    assert (int(rows[0][2]), int(rows[0][3])) == (0, WAYPOINT)
    steps = [Step(int(row[3]), int(row[2]), tuple(float(one) for one in row[4:11])) for row in rows]
    assert all(one.frame == 3 for one in steps[1:])
    return steps[1:]


def sprayed_lines(steps: Sequence[Step]) -> list[tuple[Place, Place]]:
    """Begin and end of each stretch with the sprayer on; asserts that it is off on every way between."""
    assert steps[0].command == TAKE_OFF
    assert steps[1].command == SPEED
    assert steps[-1].command == RETURN
    on, ways = False, 0
    lines: list[tuple[Place, Place]] = []
    place: Place | None = None
    for before, step in pairwise(steps):
        if step.command == SPRAYER:
            assert step.params[0] in {0, 1}
            on = step.params[0] == 1
            assert not on or before.command == WAYPOINT
        elif step.command == WAYPOINT:
            lat, lon = step.params[4], step.params[5]
            assert lat is not None
            assert lon is not None
            if on:
                assert place is not None
                lines.append((place, (lat, lon)))
            else:
                # Told to be off, not only not told to be on.
                assert before.command == SPRAYER
                ways += 1
            place = (lat, lon)
        elif step.command == RETURN:
            assert not on
            assert before.command == SPRAYER
    assert ways == len(lines)
    return lines
