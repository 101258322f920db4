"""Flights that go wrong, from their pixels: each ends aligned, or with the photos in doubt left where they were told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from fieldbox.aligning import Alignment
from fieldbox.georef.adjustment import Outcome
from fieldbox.georef.preparing import Doubt
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions
from tests.path.hardflights import POOR, Card, card_of, field

LATER = datetime(2026, 7, 1, 9, 45)
METRE_NORTH = 1 / 110_600
"""Degrees of latitude."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return card_of(field(), POOR, tmp_path_factory.mktemp("hard") / "card")


def outcome(found: Alignment, name: str) -> tuple[Outcome, frozenset[Doubt]]:
    number = list(found.geometries).index(name)
    return found.adjusted.outcome[number], found.adjusted.doubts[number]


def middle(card: Card) -> str:
    return list(card.told)[len(card.told) // 2]


def mirrored(photo: PhotoGeometry) -> dict[str, float]:
    return {"yaw_deg": -photo.pose.yaw_deg % 360}


def test_a_photo_upside_down_is_turned_the_right_way(plain: Card) -> None:
    turned = plain.seen(middle(plain), lambda pixels: pixels[::-1, ::-1].copy())
    found = turned.aligned()
    assert found.kept == ()
    assert outcome(found, middle(plain))[1] == {Doubt.YAW}
    away = abs(found.geometries[middle(plain)].pose.yaw_deg - plain.told[middle(plain)].pose.yaw_deg)
    assert away == pytest.approx(180, abs=15)
    assert max(turned.off(found).values()) < 0.1


def test_all_yaws_with_the_wrong_sign(plain: Card) -> None:
    found = plain.all_retold(mirrored).aligned()
    assert found.adjusted.yaw_mirrored
    assert found.kept == ()
    assert max(plain.off(found).values()) < 0.15


def test_all_yaws_with_the_wrong_sign_and_places_to_the_centimetre(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    good = replace(POOR, gps_sigma_m=0.02, gps_drift_m=0.01, rtk=True, yaw_sigma_deg=1, height_sigma_m=0.03)
    card = card_of(field(), good, tmp_path_factory.mktemp("rtk") / "card")
    found = card.all_retold(mirrored).aligned()
    assert found.adjusted.yaw_mirrored
    assert len(found.kept) <= 2
    assert max(card.off(found).values()) < 0.15


def test_a_canopy_without_anything_to_hold_on_to_is_not_aligned(plain: Card) -> None:
    rng = np.random.default_rng(1)
    card = plain
    for name in plain.told:
        card = card.seen(name, lambda pixels: (90 + rng.normal(0, 2, pixels.shape)).astype(np.uint8))
    found = card.aligned()
    assert set(found.kept) == set(plain.told)
    assert found.geometries == card.told


def test_a_change_of_height_in_mid_flight(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, ground, part = tmp_path_factory.mktemp("climb"), field(), replace(POOR, extent_m=(8.0, 6.0))
    low = card_of(ground, replace(part, altitude_m=10.0), folder / "low", "A")
    high = card_of(ground, replace(part, altitude_m=16.0, seed=6, start=LATER), folder / "high", "B")
    both = low.joined(high)
    found = both.aligned()
    assert found.blocks == 1
    assert len(found.kept) < 0.1 * len(both.told)
    assert max(both.off(found).values()) < 0.15


@pytest.mark.parametrize("pitch", [-60.0, pytest.param(-50.0, marks=pytest.mark.long)])
def test_some_photos_look_obliquely(tmp_path_factory: pytest.TempPathFactory, pitch: float) -> None:
    """As far as the field goes: what is seen beyond it is bare."""
    folder, ground = tmp_path_factory.mktemp("oblique"), field(size=(26.0, 25.0))
    options = replace(POOR, altitude_m=10.0, extent_m=(6.0, 5.0), gps_sigma_m=1.0)
    down = card_of(ground, options, folder / "down", "A")
    ahead = card_of(
        ground, replace(options, gimbal_pitch_deg=pitch, seed=6, start=LATER), folder / "ahead", "B"
    )
    few = ahead.part(list(ahead.told)[::4])
    both = down.joined(few)
    found = both.aligned()
    off = both.off(found)
    assert set(down.told) <= set(off)
    assert max(off.values()) < 0.3


@pytest.mark.parametrize("north_m", [55.0, pytest.param(1000.0, marks=pytest.mark.long)])
def test_two_flights_in_one_folder(
    plain: Card, tmp_path_factory: pytest.TempPathFactory, north_m: float
) -> None:
    there = replace(POOR, lat=POOR.lat + north_m * METRE_NORTH, seed=9, start=LATER)
    other = card_of(field(9), there, tmp_path_factory.mktemp("two") / "card", "B")
    both = plain.joined(other)
    found = both.aligned()
    assert found.blocks == 2
    assert found.kept == ()
    assert max(both.off(found).values()) < 0.15


@pytest.mark.parametrize("away_m", [0.0, 30.0, 110.0])
def test_a_photo_of_which_hardly_more_than_the_field_is_known(plain: Card, away_m: float) -> None:
    name = middle(plain)
    lat = plain.told[name].pose.lat + away_m * METRE_NORTH
    card = plain.retold(name, error_m=120.0, lat=lat)
    found = card.aligned()
    assert outcome(found, name)[0] == Outcome.ADJUSTED
    assert found.geometries[name].pose.error_m < 2.0
    assert max(card.off(found).values()) < 0.1


def test_a_photo_told_to_be_far_off_does_not_mislead_the_others(plain: Card) -> None:
    name = middle(plain)
    card = plain.retold(name, lat=plain.told[name].pose.lat + 110 * METRE_NORTH)
    found = card.aligned()
    assert set(found.kept) <= {name}
    assert max(card.off(found).values()) < 0.1


def test_no_photo_is_metres_off_where_gps_is_off_by_more_than_photos_are_wide(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Told places are off by up to 6 m, and photos are 3.4 m wide."""
    options = replace(POOR, altitude_m=10.0, gps_sigma_m=2.0, seed=6, extent_m=(10.0, 8.0))
    card = card_of(field(), options, tmp_path_factory.mktemp("weak") / "card")
    found = card.aligned()
    assert len(found.kept) < 0.15 * len(card.told)
    assert max(card.off(found).values()) < 0.3


@pytest.mark.parametrize("seed", [11, pytest.param(13, marks=pytest.mark.long)])
def test_a_small_block_over_ridged_ground_keeps_its_size(tmp_path: Path, seed: int) -> None:
    """What stands up and down by a ridge must not be made smaller by making all smaller: it came out at half once."""
    ground = grow_field(FieldOptions(size_m=(12.0, 9.0), margin_m=1.0, seed=seed))
    options = FlightOptions(
        camera="2mp", altitude_m=15.0, gps_sigma_m=1.2, gps_drift_m=0.8, height_sigma_m=0.5, yaw_sigma_deg=2.0,
        tilt_sigma_deg=1.0, seed=seed,
    )  # fmt: skip
    card = card_of(ground, options, tmp_path / "card")
    photos = list(card.aligned().geometries.values())
    heights = np.array([one.pose.height_m for one in photos])
    stated = np.median([one.pose.height_error_m for one in photos])
    assert abs(np.median(heights) - 15.0) < 2.0 * stated
    assert abs(np.median(heights) / 15.0 - 1) < 0.1
