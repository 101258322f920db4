"""A flight plan covers its field at the scale that was asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.georef.flightplan import LEAST_HEIGHT_M, Drone, Wish, plan_flight
from fieldbox.georef.planfiles import to_kml, to_plan
from tests.missionrules import read_plan

DRONE = Drone("test", 5280, 3956, 3660.0)
FIELDS = {
    "a rectangle": [(0.0, 0.0), (100.0, 0.0), (100.0, 60.0), (0.0, 60.0)],
    "turned": [(0.0, 0.0), (60.0, 40.0), (20.0, 100.0), (-40.0, 60.0)],
    "a corner cut out": [(0.0, 0.0), (90.0, 0.0), (90.0, 80.0), (50.0, 80.0), (50.0, 30.0), (0.0, 30.0)],
    "small": [(0.0, 0.0), (6.0, 0.0), (6.0, 5.0), (0.0, 5.0)],
}


def shown(plan, drone: Drone) -> list[shapely.Polygon]:  # type: ignore[no-untyped-def]
    """The ground on each photo, taken every trigger along the lines."""
    half = np.array([drone.width, drone.height]) * plan.gsd_m / 2
    found = []
    for begin, end in plan.lines:
        start, way = np.array(begin), np.array(end) - np.array(begin)
        length = math.hypot(*way)
        along = way / length
        aside = np.array([along[1], -along[0]])
        for at in np.arange(0, length + plan.trigger_m, plan.trigger_m):
            middle = start + along * min(at, length)
            found.append(
                shapely.Polygon(
                    [
                        middle + x * half[0] * aside + y * half[1] * along
                        for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
                    ]
                )
            )
    return found


@pytest.mark.parametrize("name", FIELDS)
def test_every_spot_is_on_enough_photos(name: str) -> None:
    ring = FIELDS[name]
    plan = plan_flight(ring, DRONE, Wish(gsd_m=0.0028))
    photos = shown(plan, DRONE)
    assert plan.photos == pytest.approx(len(photos), abs=len(plan.lines))
    field = shapely.Polygon(ring)
    assert shapely.union_all(photos).buffer(1e-6).covers(field)
    rng = np.random.default_rng(1)
    low, high = np.array(field.bounds[:2]), np.array(field.bounds[2:])
    spots = [one for one in shapely.points(rng.uniform(low, high, (200, 2))) if field.contains(one)]
    counts = [sum(photo.contains(spot) for photo in photos) for spot in spots]
    assert min(counts) >= 3
    assert np.median(counts) >= (8 if len(plan.lines) > 2 else 4)


def test_height_and_speed_by_hand() -> None:
    plan = plan_flight(FIELDS["a rectangle"], DRONE, Wish(gsd_m=0.0028))
    assert plan.height_m == pytest.approx(0.0028 * 3660)
    assert plan.spacing_m == pytest.approx(0.35 * 5280 * 0.0028)
    assert plan.trigger_m == pytest.approx(0.25 * 3956 * 0.0028)
    # A photo every 2 s at most; 0.7 of a pixel in a thousandth of a second; 10 m/s.
    assert plan.speed_mps == pytest.approx(min(plan.trigger_m / 2, 0.7 * 0.0028 / 0.001, 10))
    assert plan.direction_deg == pytest.approx(90)
    flown = sum(math.dist(*line) for line in plan.lines) / plan.speed_mps / 60
    assert flown < plan.minutes < flown * 1.5 + 3


def test_it_does_not_fly_too_low() -> None:
    plan = plan_flight(FIELDS["small"], DRONE, Wish(gsd_m=0.001))
    assert plan.height_m == LEAST_HEIGHT_M
    assert plan.gsd_m == pytest.approx(LEAST_HEIGHT_M / 3660)


def test_a_line_is_no_field() -> None:
    with pytest.raises(ValueError, match="no area"):
        plan_flight([(0.0, 0.0), (10.0, 0.0), (20.0, 0.0)], DRONE, Wish(gsd_m=0.003))


@settings(max_examples=30, deadline=None)
@given(direction=st.floats(0, 359), gsd=st.floats(0.001, 0.02))
def test_lines_run_as_they_are_told_and_cover_the_field(direction: float, gsd: float) -> None:
    plan = plan_flight(FIELDS["turned"], DRONE, Wish(gsd_m=gsd, direction_deg=direction))
    for begin, end in plan.lines:
        way = math.degrees(math.atan2(end[0] - begin[0], end[1] - begin[1]))
        assert abs((way - direction + 90) % 180 - 90) < 1e-6
    assert shapely.union_all(shown(plan, DRONE)).buffer(1e-6).covers(shapely.Polygon(FIELDS["turned"]))


def test_the_files_hold_the_lines() -> None:
    plan = plan_flight(FIELDS["a rectangle"], DRONE, Wish(gsd_m=0.0028))
    lines = [
        ((18.0 + a[1] * 1e-5, 74.0 + a[0] * 1e-5), (18.0 + b[1] * 1e-5, 74.0 + b[0] * 1e-5))
        for a, b in plan.lines
    ]
    kml = ElementTree.fromstring(to_kml(plan, lines, "A & B"))
    track = kml.find(".//{*}coordinates")
    assert track is not None
    places = [tuple(map(float, one.split(","))) for one in (track.text or "").split()]
    assert len(places) == 2 * len(lines)
    assert places[0] == pytest.approx((lines[0][0][1], lines[0][0][0], plan.height_m), abs=0.06)
    steps, mission = read_plan(to_plan(plan, lines))
    assert mission["plannedHomePosition"] == [*lines[0][0], 0]
    assert [one.command for one in steps[:3]] == [22, 178, 16]
    assert steps[-1].command == 20
    # The camera is off between lines.
    assert [one.params[0] for one in steps if one.command == 206] == [
        round(plan.trigger_m, 2),
        0,
    ] * len(lines)
