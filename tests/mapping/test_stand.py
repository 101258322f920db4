"""Plants along rows of any shape: gaps, doubles and the step that they were sown at."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from fieldbox.mapping.rows import find_rows
from fieldbox.mapping.stand import chain_of, missing_places, regular_step, stand_of
from tests.mapping.sown import HERE, Floats, Sown, circles, sow, straight, strewn, terraces
from tests.mapping.test_plant_health import field_of

LINES = {
    "straight": lambda: straight(25.0, 0.75),
    "circles": lambda: circles(8.0, 20.0, 0.75),
    "terraces": lambda: terraces(1),
}


def f1(found: Floats, truth: Floats, reach: float) -> float:
    """Of places, each matched once."""
    apart = cdist(found, truth)
    rows, columns = linear_sum_assignment(np.minimum(apart, 2 * reach))
    return 2 * int((apart[rows, columns] < reach).sum()) / (len(found) + len(truth))


def inner(sown: Sown) -> Floats:
    """The holes that have a plant of their row on both sides."""
    rows = find_rows(np.concatenate([sown.places, sown.holes]))
    assert rows is not None
    chain = chain_of(np.concatenate([sown.places, sown.holes]), rows)
    ends = {
        number for number in range(len(chain.after)) if chain.after[number] < 0 or chain.before[number] < 0
    }
    grown = len(sown.places)
    return np.array([hole for number, hole in enumerate(sown.holes) if grown + number not in ends])


@pytest.mark.parametrize("name", LINES)
def test_a_fifth_missing_and_weeds_all_over(name: str) -> None:
    sown = sow(LINES[name](), 2)
    rows = find_rows(np.concatenate([sown.places, strewn(sown, 0.3, 3)]))
    stand = stand_of(sown.places, rows)
    assert stand is not None
    assert stand.step_m == pytest.approx(0.35, rel=0.03)
    assert f1(missing_places(stand.gaps), inner(sown), 0.15) >= 0.9
    assert stand.missing == pytest.approx(len(inner(sown)), rel=0.1)


def test_plants_are_linked_once_and_along_their_row() -> None:
    sown = sow(circles(8.0, 20.0, 0.75), 4)
    rows = find_rows(sown.places)
    assert rows is not None
    before, after, distance = chain_of(sown.places, rows).links()
    assert len(set(before.tolist())) == len(before)
    assert len(set(after.tolist())) == len(after)
    assert (sown.row[before] == sown.row[after]).mean() > 0.99
    assert (distance > 0).all()
    assert len(before) > 0.95 * len(sown.places)


def test_two_plants_in_one_place_are_a_double() -> None:
    sown = sow(straight(0.0, 0.75), 5, emergence=1.0)
    twice = np.random.default_rng(6).choice(len(sown.places), 40, replace=False)
    places = np.concatenate([sown.places, sown.places[twice] + np.array([0.01, 0.08])])
    stand = stand_of(places, find_rows(places))
    assert stand is not None
    assert stand.doubles == pytest.approx(40, abs=4)
    assert stand.missing <= 4


def test_plants_taken_out_are_missing() -> None:
    places, _areas, _colours = field_of(8)
    number = np.arange(800)
    # Not at the ends of rows: nobody can tell there.
    inner = number[(number % 40 > 2) & (number % 40 < 37)]
    gone = np.sort(np.random.default_rng(8).choice(inner, 60, replace=False))
    left = np.delete(places, gone, axis=0)
    stand = stand_of(left, find_rows(left))
    assert stand is not None
    called = missing_places(stand.gaps)
    away = np.hypot(*(called[:, None] - places[None, gone]).transpose(2, 0, 1))
    assert (away.min(axis=0) < 0.12).mean() > 0.95
    assert (away.min(axis=1) < 0.12).mean() > 0.95


def test_a_full_stand_has_no_gaps_and_a_headland_is_none() -> None:
    places, _areas, _colours = field_of(9)
    full = stand_of(places, find_rows(places))
    assert full is not None
    assert full.gaps == ()
    track = (places[:, 1] - HERE[1] > 4) & (places[:, 1] - HERE[1] < 12.5)
    split = stand_of(places[~track], find_rows(places))
    assert split is not None
    assert split.gaps == ()


def test_plants_without_a_regular_step_have_no_gaps_to_tell() -> None:
    rng = np.random.default_rng(10)
    ahead = np.cumsum(rng.exponential(0.35, (20, 40)), axis=1)
    places = np.stack([np.arange(20)[:, None] * 0.75 + rng.normal(0, 0.02, (20, 40)), ahead], axis=-1)
    places = places.reshape(-1, 2)
    rows = find_rows(places)
    assert rows is not None
    assert stand_of(places, rows) is None
    assert stand_of(places, None) is None


@pytest.mark.parametrize("stand", [1.0, 0.8, 0.5, 0.3])
def test_the_step_is_found_whatever_the_stand(stand: float) -> None:
    rng = np.random.default_rng(11)
    found = []
    for _row in range(25):
        ahead = np.arange(60) * 0.35 + rng.normal(0, 0.03, 60)
        found.append(np.diff(ahead[rng.random(60) < stand]))
    assert regular_step(np.concatenate(found)) == pytest.approx(0.35, rel=0.04)


@pytest.mark.parametrize("seed", range(10))
def test_chance_is_no_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert regular_step(rng.gamma(rng.choice([1.0, 1.5, 2.0, 3.0]), 0.2, int(rng.integers(40, 2000)))) is None
