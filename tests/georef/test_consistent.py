"""Pairs matched a period of the ground off, among good ones; and photos that are tied to the wrong place."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from fieldbox.georef.adjustment import Adjusted, Outcome
from fieldbox.georef.consistent import consistent
from fieldbox.georef.matching import Pair, likely
from fieldbox.georef.preparing import Doubt
from tests.georef import adjustment_proof as proof
from tests.georef.block_scene import Block, Wish, block

PERIOD = np.array([0.0, 5.7])
SIDE = 8
"""Photos along either side of a square, a metre apart."""


def pair(first: int, second: int, shift: np.ndarray, points: int = 100, share: float = 0.5) -> Pair:
    numbers = np.arange(points)
    return Pair(first, second, numbers, numbers, share, (float(shift[0]), float(shift[1])), 3.0, 2.5)


def square(off: np.ndarray) -> list[Pair]:
    """Each photo with its neighbours; `off` [N, 2]: by how much their told places have to move."""
    places = np.array(list(itertools.product(range(SIDE), range(SIDE))), float)
    near = np.linalg.norm(places[:, None] - places, axis=2) < 2.1
    return [pair(a, b, off[a] - off[b]) for a, b in zip(*np.nonzero(np.triu(near, 1)), strict=True)]


@pytest.fixture
def off() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 2.0, (SIDE * SIDE, 2))


def test_pairs_a_period_off_are_left_out(off: np.ndarray) -> None:
    good = square(off)
    rng = np.random.default_rng(4)
    wrong = [
        pair(a, b, off[a] - off[b] + PERIOD * rng.choice([-1, 1]), 30, 0.12)
        for a, b in rng.choice(len(off), (len(good) // 2, 2))
        if a != b
    ]
    assert consistent([*good, *wrong]) == good


def test_a_photo_that_may_lie_in_two_places_is_in_neither(off: np.ndarray) -> None:
    good = square(off)
    torn = [one for one in good if 20 in (one.first, one.second)]
    half = torn[: len(torn) // 2]
    moved = [
        replace(one, shift_m=(one.shift_m[0], one.shift_m[1] + (5.7 if one.first == 20 else -5.7)))
        for one in half
    ]
    found = consistent([*(one for one in good if one not in half), *moved])
    assert found == [one for one in good if one not in torn]


def test_pairs_with_far_less_in_common_than_others_are_not_likely() -> None:
    none = np.zeros(2)
    good = [pair(0, 1, none), pair(1, 2, none, share=0.3), pair(0, 2, none, share=0.6)]
    weak = [pair(1, 3, none, 20, 0.08), pair(2, 3, none, 30, 0.09)]
    assert likely([*good, *weak]) == good


def test_where_all_have_little_in_common_little_is_enough() -> None:
    none = np.zeros(2)
    trees = [pair(0, 1, none, 20, 0.09), pair(1, 2, none, 25, 0.11), pair(2, 3, none, 18, 0.08)]
    assert likely(trees) == trees
    assert likely([]) == consistent([]) == []


def strayed(made: Block, number: int, ties: int) -> Block:
    """One photo shows, of the points of ground 12 m from its own, a few as if it were there, and nothing else."""
    there = made.true[number].copy()
    there[:2] += np.array([9.0, 8.0]) if there[0] < 0 else np.array([-9.0, -8.0])
    seen = np.unique(made.track[made.photo != number])
    true = made.true.copy()
    true[number] = there
    elsewhere = replace(made, true=true)
    xy = elsewhere.project(number, made.points[seen])
    some = np.flatnonzero(made.inside(xy))[:ties]
    others = made.photo != number
    return replace(
        made,
        photo=np.concatenate([made.photo[others], np.full(len(some), number)]),
        track=np.concatenate([made.track[others], seen[some]]),
        xy=np.vstack([made.xy[others], xy[some]]),
    )


@pytest.mark.parametrize("number", [5, 18])
def test_a_photo_tied_to_other_ground_by_a_few_ties_is_left_where_it_was_told(number: int) -> None:
    made = strayed(block(Wish(seed=7, columns=4, rows=6, tracks=200)), number, 14)
    result: Adjusted = proof.adjusted(made)
    assert result.outcome[number] == Outcome.KEPT
    assert Doubt.TIES in result.doubts[number]
    assert result.pose[number] == pytest.approx(made.told[number])
    assert result.outcome.count(Outcome.ADJUSTED) == len(made.true) - 1
    assert not np.isin(number, result.pairs[:, :2])
