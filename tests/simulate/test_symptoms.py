"""Simulated symptoms: told in the truth, seen in the picture, and nothing else changes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, exact, fly
from fieldbox.simulate.scene import SimField

SMALL = {"size_m": (8.0, 5.0), "margin_m": 1.0, "gsd_m": 0.006, "weeds_per_m2": 1.0, "seed": 4}


@pytest.fixture(scope="module")
def fields() -> tuple[SimField, SimField]:
    """The same field without symptoms and with them."""
    return grow_field(FieldOptions(**SMALL)), grow_field(FieldOptions(**SMALL, symptoms=0.45))


def test_a_third_each_and_the_rest_as_it_grew(fields: tuple[SimField, SimField]) -> None:
    plain, ill = fields
    before = [one for one in plain.plants if one.cover is Cover.CROP]
    after = [one for one in ill.plants if one.cover is Cover.CROP]
    removed = [hole for hole in ill.holes if hole.removed]
    told = Counter(one.symptom for one in after)
    assert len(after) + len(removed) == len(before)
    assert told["stunted"] + told["yellowing"] + len(removed) == round(0.45 * len(before))
    assert (
        max(told["stunted"], told["yellowing"], len(removed))
        - min(told["stunted"], told["yellowing"], len(removed))
        <= 1
    )
    assert all(one.symptom is None for one in plain.plants)
    assert not any(hole.removed for hole in plain.holes)


def test_places_stay_the_same(fields: tuple[SimField, SimField]) -> None:
    plain, ill = fields
    before = {(one.east, one.north): one for one in plain.plants}
    removed = {(hole.east, hole.north) for hole in ill.holes if hole.removed}
    assert {(one.east, one.north) for one in ill.plants} | removed == set(before)
    assert {one for one in ill.holes if not one.removed} == set(plain.holes)


def test_stunted_plants_are_smaller_and_yellowing_ones_yellower(fields: tuple[SimField, SimField]) -> None:
    plain, ill = fields
    before = {(one.east, one.north): one for one in plain.plants}
    ratio = {None: [], "stunted": [], "yellowing": []}
    warmth = {None: [], "stunted": [], "yellowing": []}
    for plant in ill.plants:
        if plant.cover is not Cover.CROP:
            continue
        ratio[plant.symptom].append(plant.area_m2 / before[plant.east, plant.north].area_m2)
        x, y = np.rint(ill.to_pixels(np.array([plant.east, plant.north]))).astype(int)
        red, green, _blue = ill.canvas[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
        warmth[plant.symptom].append(float((green - red) / (green + red)))
    assert np.median(ratio["stunted"]) < 0.5
    assert 0.7 < np.median(ratio["yellowing"]) < 1.4
    assert np.median(warmth["yellowing"]) < np.median(warmth[None]) - 0.03


def test_the_same_options_give_the_same_bytes() -> None:
    options = FieldOptions(**{**SMALL, "size_m": (3.0, 3.0)}, symptoms=0.5)
    one, other = grow_field(options), grow_field(options)
    np.testing.assert_array_equal(one.canvas, other.canvas)
    assert one.plants == other.plants


def test_more_than_ninety_percent_is_refused() -> None:
    with pytest.raises(Misconfigured, match="symptoms"):
        FieldOptions(symptoms=0.95)


def test_the_truth_tells_which(fields: tuple[SimField, SimField], tmp_path: Path) -> None:
    options = exact(FlightOptions(altitude_m=6.0, camera="tiny", max_photos=2))
    for name, field in zip(("plain", "ill"), fields, strict=True):
        (tmp_path / name).mkdir()
        fly(field, options, tmp_path / name, lambda _done, _total: None)
    plain, ill = (json.loads((tmp_path / name / "truth.json").read_text()) for name in ("plain", "ill"))
    assert {one["symptom"] for one in plain["plants"]} == {None}
    assert {one["symptom"] for one in ill["plants"]} == {None, "stunted", "yellowing"}
    assert {one["symptom"] for one in plain["missing"]} == {None}
    assert {one["symptom"] for one in ill["missing"]} == {None, "missing"}
    assert all(one["class"] == "crop" for one in ill["plants"] if one["symptom"])
