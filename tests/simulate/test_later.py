"""A simulated field some days on: the same plants at the same places, but for what is said to have happened."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from fieldbox.cli_simulate import simulate_flight
from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.services.simulation import options_from
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions
from fieldbox.simulate.later import Later
from fieldbox.simulate.scene import SimField

FIELD = FieldOptions(size_m=(5.0, 4.0), margin_m=0.3, weeds_per_m2=8.0, gsd_m=0.006, seed=7)
WEST = ((-2.5, -2.0), (0.0, -2.0), (0.0, 2.0), (-2.5, 2.0))
LATER = Later(days=10, crop_per_day=0.02, killed=(WEST,), kill=0.8, new_patches=1, new_weeds=12, patch_m=0.4)


@pytest.fixture(scope="module")
def fields() -> tuple[SimField, SimField]:
    return grow_field(FIELD), grow_field(replace(FIELD, later=LATER))


def places(field: SimField, cover: Cover) -> set[tuple[float, float]]:
    return {(one.east, one.north) for one in field.plants if one.cover is cover}


def test_the_crop_stands_where_it_stood_and_has_grown(fields: tuple[SimField, SimField]) -> None:
    before, after = fields
    assert places(before, Cover.CROP) == places(after, Cover.CROP)
    grown = [np.median([one.radius_m for one in field.plants if one.cover is Cover.CROP]) for field in fields]
    assert grown[1] / grown[0] == pytest.approx(1.02**10, rel=0.05)
    assert before.happened is None


def test_weeds_are_those_that_were_less_the_killed_and_the_new(fields: tuple[SimField, SimField]) -> None:
    before, after = (places(one, Cover.WEED) for one in fields)
    told = fields[1].happened
    assert told is not None
    assert before - after == set(told.killed)
    assert after - before == set(told.came)
    assert len(told.came) == 12
    treated = {(x, y) for x, y in before if x < 0}
    assert set(told.killed) <= treated
    assert len(told.killed) / len(treated) == pytest.approx(0.8, abs=0.15)
    assert np.hypot(*(np.array(told.came) - told.patches[0]).T).max() < 4 * 0.4


def test_weathered_soil_looks_different_and_bears_the_same_plants(fields: tuple[SimField, SimField]) -> None:
    weathered = grow_field(replace(FIELD, later=replace(LATER, weathered=True)))
    assert places(weathered, Cover.CROP) == places(fields[1], Cover.CROP)
    alike = [
        np.corrcoef(field.canvas[:60, :, 1].ravel(), fields[0].canvas[:60, :, 1].ravel())[0, 1]
        for field in (fields[1], weathered)
    ]
    assert alike[0] > 0.9
    assert alike[1] < 0.6


@pytest.mark.parametrize("wrong", [{"kill": 1.5}, {"days": -1}, {"new_patches": -1}, {"crop_per_day": 2.0}])
def test_what_cannot_happen_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(Misconfigured, match=next(iter(wrong))):
        Later(**{"days": 1, **wrong})  # type: ignore[arg-type]


def options(*words: object) -> tuple[FlightOptions, FieldOptions]:
    """What the command makes of its words."""
    given = simulate_flight.make_context("flight", ["out", *map(str, words)]).params
    return options_from(given)


def test_the_command_flies_later_over_the_same_field(tmp_path: Path) -> None:
    flight, field = options("--seed", 7)
    assert field.later is None
    at = Transformer.from_crs(4326, 32643, always_xy=True)
    area = tmp_path / "area.geojson"
    ring = [[74.2405, 18.5612], [74.2406, 18.5612], [74.2406, 18.5613], [74.2405, 18.5612]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    then, later = options("--seed", 7, "--later", 5, "--killed", area, "--kill", 60, "--new-patches", 2)
    assert later.later is not None
    assert replace(later, later=None) == field
    assert (later.later.days, later.later.kill, later.later.new_patches) == (5, 0.6, 2)
    assert then.start - flight.start == timedelta(days=5)
    assert then.seed != flight.seed
    middle = np.array(at.transform(74.2405, 18.5612))
    expected = np.array([at.transform(lon, lat) for lon, lat in ring[:3]]) - middle
    found = np.array(later.later.killed[0])
    assert np.allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=1e-3)


def test_what_happens_takes_time(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="--later"):
        options("--new-patches", 1)
    with pytest.raises(Rejected, match="GeoJSON"):
        options("--later", 3, "--killed", tmp_path / "none.geojson")
