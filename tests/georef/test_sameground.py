"""Two maps of a field are laid on each other by what stands in both, and not by a row, a step, or chance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox.georef.sameground import Bounds, Lying, Plants, Points, agree
from tests.imagery.photos import real_data
from tests.mapping.sown import sow, straight

Floats = NDArray[np.float64]
ROW_M, STEP_M = 0.75, 0.35


def crop(seed: int, *, size: tuple[float, float] = (24.0, 16.0), emergence: float = 0.85) -> Floats:
    return sow(straight(20.0, ROW_M, size), seed, emergence=emergence).places


def found(rng: np.random.Generator, plants: Floats, share: float = 0.85, noise_m: float = 0.015) -> Floats:
    """What a survey finds of plants, with some that are none."""
    seen = plants[rng.random(len(plants)) < share]
    low, high = plants.min(axis=0), plants.max(axis=0)
    wrong = rng.uniform(low, high, (len(plants) // 12, 2))
    return np.concatenate([seen + rng.normal(0, noise_m, seen.shape), wrong])


def moved(places: Floats, shift: tuple[float, float], scale: float = 1.0, turn_deg: float = 0.0) -> Floats:
    """As another flight would put them."""
    middle = places.mean(axis=0)
    return Lying((float(middle[0]), float(middle[1])), shift, scale, turn_deg).of(places)


@pytest.mark.parametrize(
    ("shift", "scale", "turn"),
    [
        ((0.0, 0.0), 1.0, 0.0),
        ((0.03, -0.05), 1.0, 0.0),
        ((-2.2, 1.7), 1.0, 1.5),
        ((1.1, 0.4), 0.95, -2.0),
        ((0.0, ROW_M), 1.0, 0.0),
        ((ROW_M * np.cos(np.radians(20)), -ROW_M * np.sin(np.radians(20))), 1.0, 0.0),
    ],
)
def test_the_maps_are_laid_on_each_other_to_a_centimetre(
    shift: tuple[float, float], scale: float, turn: float
) -> None:
    rng = np.random.default_rng(1)
    plants = crop(1)
    before, after = found(rng, plants), moved(found(rng, plants), shift, scale, turn)
    bounds = Bounds(4.0, 0.06 if scale != 1 else 0.0, 3.0 if turn else 0.0)
    agreement = agree(Plants(before, after), bounds)
    assert agreement is not None
    truth = moved(plants, shift, scale, turn)
    off = agreement.lying.of(plants) - truth
    assert np.sqrt(np.square(off).mean()) < 0.02
    assert agreement.error_m < 0.03
    assert agreement.votes > 0.5 * len(before)


def test_most_weeds_gone_and_others_come_is_no_hindrance() -> None:
    rng = np.random.default_rng(2)
    plants = crop(2)
    low, high = plants.min(axis=0), plants.max(axis=0)
    weeds = [rng.uniform(low, high, (900, 2)) for _date in range(2)]
    before = found(rng, np.concatenate([plants, weeds[0]]))
    after = moved(found(rng, np.concatenate([plants, weeds[1]])), (1.4, -0.9))
    agreement = agree(Plants(before, after), Bounds(4.0))
    assert agreement is not None
    assert np.abs(agreement.lying.of(plants) - moved(plants, (1.4, -0.9))).max() < 0.04


@pytest.mark.parametrize("seed", range(6))
def test_another_field_with_the_same_rows_agrees_on_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = found(rng, crop(10 + seed)), found(rng, crop(30 + seed))
    assert agree(Plants(before, after), Bounds(4.0, 0.02, 2.0)) is None


def test_a_crop_without_a_gap_gives_no_place_rather_than_one_a_row_off() -> None:
    rng = np.random.default_rng(3)
    across, along = np.meshgrid(np.arange(0, 20, ROW_M), np.arange(0, 16, STEP_M))
    plants = np.column_stack([across.ravel(), along.ravel()])
    before, after = (one + rng.normal(0, 0.01, one.shape) for one in (plants, plants + 0.1))
    assert agree(Plants(before, after), Bounds(3.0)) is None


def test_a_shift_beyond_the_stated_errors_is_not_looked_for() -> None:
    rng = np.random.default_rng(4)
    plants = crop(4)
    assert agree(Plants(found(rng, plants), moved(found(rng, plants), (3.0, 0.0))), Bounds(1.0)) is None


def test_a_field_whose_parts_disagree_is_not_aligned() -> None:
    rng = np.random.default_rng(5)
    plants = crop(5, size=(40.0, 30.0))
    after = found(rng, plants)
    far = after[:, 0] > np.median(after[:, 0]) - 3
    after[far] += (1.3, 0.8)
    assert agree(Plants(found(rng, plants), after), Bounds(3.0)) is None


def test_what_bends_from_place_to_place_is_in_the_error() -> None:
    rng = np.random.default_rng(6)
    plants = crop(6, size=(30.0, 24.0))
    after = found(rng, plants)
    middle = after.mean(axis=0)
    after[:, 0] += 0.06 * np.sin((after[:, 1] - middle[1]) / 4)
    agreement = agree(Plants(found(rng, plants), after), Bounds(2.0))
    assert agreement is not None
    assert 0.015 < agreement.error_m < 0.06


def test_few_plants_or_none_agree_on_nothing() -> None:
    none, few = np.zeros((0, 2)), np.random.default_rng(7).uniform(0, 9, (10, 2))
    assert agree(Plants(few, few), Bounds(2.0)) is None
    assert agree(Points(none, none), Bounds(2.0)) is None
    far = np.random.default_rng(7).uniform(0, 9, (60, 2))
    assert agree(Plants(far, far + 500), Bounds(2.0)) is None


def test_points_of_pictures_vote_among_wrong_pairs() -> None:
    rng = np.random.default_rng(8)
    points = rng.uniform(0, 30, (800, 2))
    laid = moved(points, (1.0, -0.6), 1.01, 1.0)
    wrong = rng.random(len(points)) < 0.7
    laid[wrong] = points[wrong] + rng.uniform(-3, 3, (int(wrong.sum()), 2))
    agreement = agree(Points(points, laid + rng.normal(0, 0.01, laid.shape)), Bounds(3.0, 0.03, 2.0))
    assert agreement is not None
    assert np.abs(agreement.lying.of(points) - moved(points, (1.0, -0.6), 1.01, 1.0)).max() < 0.05
    assert agree(Points(points, points + rng.uniform(-3, 3, points.shape)), Bounds(3.0)) is None


@pytest.mark.shared
@pytest.mark.parametrize("seed", range(3))
def test_plants_of_a_real_field_are_laid_on_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    crop, weeds = labelled(real_data() / "weeds" / "potato-uav")
    middle = crop.mean(axis=0)
    before, after = (
        np.concatenate([found(rng, crop, 0.85, 0.02), found(rng, weeds, 0.3, 0.02)]) for _date in range(2)
    )
    shift = tuple(rng.uniform(-2, 2, 2).tolist())
    truth = Lying((float(middle[0]), float(middle[1])), (shift[0], shift[1]), 1.04, 2.0)
    agreement = agree(Plants(before, truth.of(after)), Bounds(4.0, 0.06, 4.0))
    assert agreement is not None
    assert np.abs(agreement.lying.of(crop) - truth.of(crop)).max() < 0.03
    east = crop[:, 0] > middle[0]
    assert agree(Plants(crop[~east], crop[east] - (13.0, 0.0)), Bounds(4.0, 0.02, 2.0)) is None


def labelled(folder: Path) -> tuple[Floats, Floats]:
    """Places of crop plants and weeds by their outlines, metres."""
    places: dict[str, list[Floats]] = {"potato": [], "weed": []}
    for file in folder.rglob("tile_*.json"):
        corner = np.array([int(one) * 640.0 for one in file.stem.split("_")[1:]])
        for shape in json.loads(file.read_text())["shapes"]:
            places[shape["label"]].append((corner + np.mean(shape["points"], axis=0)) * (0.0028, -0.0028))
    return np.array(places["potato"]), np.array(places["weed"])
