"""Missions of a spray drone, by the published rules of their formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from fieldbox.domain import Prescription
from fieldbox.errors import Rejected
from fieldbox.mapping import sprayplan
from fieldbox.mapping.sprayplan import write_plan, write_waypoints
from tests.mapping.prescribed import BOUNDARY, HERE, LEFT, PIECES, empty, patch_of, prescription, whole
from tests.missionrules import SPEED, TAKE_OFF, WAYPOINT, Step, read_plan, read_waypoints, sprayed_lines

PLANE = Transformer.from_crs(
    4326, f"+proj=laea +lat_0={HERE[1]} +lon_0={HERE[0]} +datum=WGS84", always_xy=True
)


def flown(made: Prescription, kind: str, folder: Path, **told: float) -> list[Step]:
    path = folder / f"field.{kind}"
    if kind == "plan":
        write_plan(made, BOUNDARY, "North field", path, **told)
        return read_plan(path.read_text(encoding="utf-8"))[0]
    write_waypoints(made, BOUNDARY, "North field", path, **told)
    return read_waypoints(path.read_text(encoding="utf-8"))


def on_ground(steps: list[Step]) -> list[shapely.LineString]:
    return [
        shapely.LineString(np.column_stack(PLANE.transform((a[1], b[1]), (a[0], b[0]))))
        for a, b in sprayed_lines(steps)
    ]


@pytest.mark.parametrize("kind", ["plan", "waypoints"])
def test_it_sprays_what_is_treated_and_nothing_else(kind: str, tmp_path: Path) -> None:
    made = whole()
    lines = on_ground(flown(made, kind, tmp_path))
    swath = made.spraying.swath_m
    wet = shapely.union_all([one.buffer(swath / 2 + 0.01, cap_style="flat") for one in lines])
    ground = shapely.union_all([shape for shape, _rate in PIECES])
    assert ground.difference(wet).area < 0.005 * ground.area
    assert ground.buffer(swath + 1.1).covers(wet)
    assert wet.intersection(LEFT[0]).area == 0
    # The direction is from true north.
    for line in lines:
        (x0, y0), (x1, y1) = line.coords
        off = np.degrees(np.arctan2(x1 - x0, y1 - y0)) - 20
        assert (off + 90) % 180 - 90 == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("kind", ["plan", "waypoints"])
def test_it_never_sprays_what_is_kept_off(kind: str, tmp_path: Path) -> None:
    made = whole()
    pieces = [(shapely.box(10, 10, 40, 38), 180.0)]
    lines = on_ground(flown(prescription(pieces, spraying=made.spraying), kind, tmp_path))
    kept = shapely.box(20, 20, 30, 30).buffer(3)
    assert lines
    swath = made.spraying.swath_m
    wet = shapely.union_all([one.buffer(swath / 2 - 0.01, cap_style="flat") for one in lines])
    assert wet.intersection(kept).area < 0.01
    assert wet.area > 0.6 * (shapely.box(10, 10, 40, 38).area - kept.area)


@pytest.mark.parametrize("kind", ["plan", "waypoints"])
def test_height_and_speed_are_as_told(kind: str, tmp_path: Path) -> None:
    steps = flown(whole(), kind, tmp_path, height_m=4.5, speed_mps=5.25)
    assert {one.params[6] for one in steps if one.command in {WAYPOINT, TAKE_OFF}} == {4.5}
    assert [one.params[1] for one in steps if one.command == SPEED] == [5.25]


def test_both_files_tell_the_same(tmp_path: Path) -> None:
    plan, waypoints = (flown(whole(), kind, tmp_path) for kind in ("plan", "waypoints"))
    assert [one.command for one in plan] == [one.command for one in waypoints]
    for one, other in zip(plan, waypoints, strict=True):
        assert [value or 0 for value in one.params] == pytest.approx(other.params, abs=1e-8)
    _steps, mission = read_plan((tmp_path / "field.plan").read_text(encoding="utf-8"))
    assert mission["firmwareType"] == 3  # whose dialect knows sprayers
    assert mission["plannedHomePosition"][:2] == list(plan[0].params[4:6])


@pytest.mark.parametrize("write", [write_plan, write_waypoints])
def test_nothing_to_spray_is_nothing_to_fly(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for made in (empty(), replace(whole(), treated=(replace(whole().treated[0], rate_l_ha=0.0),))):
        with pytest.raises(Rejected, match="North field: there is nothing to spray"):
            write(made, BOUNDARY, "North field", tmp_path / "a.plan")
    assert list(tmp_path.iterdir()) == []


def test_more_than_a_drone_can_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprayplan, "MOST_ITEMS", 10)
    with pytest.raises(Rejected, match="more than the 10 that a drone can take"):
        write_plan(whole(), BOUNDARY, "North field", tmp_path / "a.plan")


@pytest.mark.parametrize("here", [(5.9999, 51.0), (-60.0001, -33.5), (24.0, 66.0)])
def test_at_the_edge_of_a_zone_and_in_the_south(here: tuple[float, float], tmp_path: Path) -> None:
    made = prescription(PIECES, here=here)
    write_plan(made, patch_of(shapely.box(-60, -45, 60, 45), here), "field", tmp_path / "a.plan")
    lines = sprayed_lines(read_plan((tmp_path / "a.plan").read_text(encoding="utf-8"))[0])
    shapes = shapely.union_all([shapely.Polygon(one.zone.patch[0]) for one in made.treated])
    middles = [shapely.Point((a[1] + b[1]) / 2, (a[0] + b[0]) / 2) for a, b in lines]
    assert all(shapes.distance(one) < 3e-5 for one in middles)
