"""Flights whose photos do not state their height above the ground, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from tests.flown import grown
from tests.path.box import Box
from tests.path.conftest import Flown
from tests.path.retold import Height, from_a_hill, retold, sea_level_only

FOUND = "it was found from the photos themselves"


def true_gsd_cm(truth: dict[str, Any]) -> float:
    heights = [one["pose"]["height_m"] for one in truth["photos"]]
    return 100 * float(np.median(heights)) / float(truth["camera"]["focal_px"])


def check(document: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
    """One survey of all photos, whose scale is right within what it says."""
    photos = len(truth["photos"])
    assert document["captures"] == {"accepted": photos, "rejected": 0, "duplicates": 0}
    assert document["unplaced"] == []
    survey: dict[str, Any]
    (survey,) = document["surveys"]
    assert survey["photos_unplaced"] == 0
    low, high = survey["gsd_cm_interval95"]
    assert low < true_gsd_cm(truth) < high
    assert high - low < 0.6 * survey["gsd_cm"]
    return survey


def test_the_scale_comes_from_the_pixels(box: Box, flown: Flown, tmp_path: Path) -> None:
    """Of the other ways in which a height is not stated: `tests/test_heights.py`."""
    survey = check(box.mapped(retold(flown[0], tmp_path / "card", from_a_hill)), flown[1])
    assert [FOUND in warning for warning in survey["warnings"]].count(True) == 1


def test_a_plain_drone_without_heights(box: Box, tmp_path: Path) -> None:
    field = grow_field(FieldOptions(size_m=(12.0, 9.0), margin_m=1.0, seed=6))
    options = FlightOptions(camera="2mp", altitude_m=15.0, gps_sigma_m=0.8, gps_drift_m=0.5, seed=6)
    card = fly(field, options, tmp_path / "plain")
    truth = json.loads((card / "truth.json").read_text())
    box = box.with_settings(map__photo_reduction="2")
    survey = check(box.mapped(retold(card, tmp_path / "card", sea_level_only)), truth)
    assert any(FOUND in warning for warning in survey["warnings"])


def test_one_impossible_height_among_sound_ones(box: Box, flown: Flown, tmp_path: Path) -> None:
    odd: dict[str, Height] = {"DJI_0007.JPG": lambda _metres: -5.0}
    survey = check(box.mapped(retold(flown[0], tmp_path / "card", odd)), flown[1])
    assert not any(FOUND in warning for warning in survey["warnings"])
    assert any("count as 10.0 m high" in warning for warning in survey["warnings"])


@pytest.mark.long
def test_again_the_same(box: Box, flown: Flown, tmp_path: Path) -> None:
    """Taken in and not mapped, as after a kill; then mapped: the height is the one that was found first."""
    card = retold(flown[0], tmp_path / "card", sea_level_only)
    first = box.run("ingest", card, "--json")
    assert first.code == 0, first
    with box.store() as store:
        before = store.height(first.json["flight"])
    again = box.mapped(card)
    assert again["flight"] == first.json["flight"]
    with box.store() as store:
        assert store.height(first.json["flight"]) == before
    survey = again["surveys"][0]["id"]
    assert Box(tmp_path / "other").mapped(card)["surveys"][0]["id"] == survey


def test_a_hovering_drone_is_told_why(box: Box, tmp_path: Path) -> None:
    field = grown(FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=3))
    options = FlightOptions(
        camera="small", forward_overlap=0.95, extent_m=(2.5, 2.5), overhang=0.1, side_overlap=0.9,
        gps_sigma_m=1.5, seed=3,
    )  # fmt: skip
    said = box.ingest(retold(fly(field, options, tmp_path / "hover"), tmp_path / "card", sea_level_only))
    assert said.code == 3, said
    reasons = {one["reason"] for one in said.json["unplaced"]}
    assert len(reasons) == 1
    assert "the drone moved too little between them" in reasons.pop()
    assert said.json["surveys"] == []
