"""Control points are held against the photos before they hold a map in place."""

from __future__ import annotations

import numpy as np
import pytest

from fieldbox.georef.controltrust import Freedom, borne_out

FOUND = np.array([(0.0, 0.0), (60.0, 2.0), (58.0, 41.0), (1.0, 40.0), (30.0, 20.0)])
"""By the photos alone, metres."""
FREE = Freedom(1.0, 0.02, 0.02)


def listed(turn: float = 0.02, scale: float = 1.01, shift: tuple[float, float] = (1.5, -0.8)) -> np.ndarray:
    """The same points by the list: the block is off by a shift, and a little turned and scaled."""
    factor = scale * np.exp(1j * turn)
    moved = factor * (FOUND @ np.array([1, 1j]))
    return np.column_stack([moved.real, moved.imag]) + shift


def test_points_that_lie_alike_are_used() -> None:
    rng = np.random.default_rng(3)
    assert borne_out(listed() + rng.normal(0, 0.03, FOUND.shape), FOUND, FREE).all()


def test_swapped_mistyped_and_unseen_points_are_not() -> None:
    known, found = listed(), FOUND.copy()
    known[[0, 1]] = known[[1, 0]]
    assert borne_out(known, found, FREE).tolist() == [False, False, True, True, True]
    known = listed()
    known[2, 0] += 3.0
    found[4] = np.nan
    assert borne_out(known, found, FREE).tolist() == [True, True, False, True, False]


@pytest.mark.parametrize("shift", [(50.0, 0.0), (0.0, -9.0)])
def test_a_list_in_another_datum_is_not_used(shift: tuple[float, float]) -> None:
    assert not borne_out(listed(shift=shift), FOUND, FREE).any()


def test_one_point_and_two() -> None:
    known = listed()
    assert borne_out(known[:1], FOUND[:1], FREE).all()
    assert not borne_out(known[:1] + 20, FOUND[:1], FREE).any()
    assert borne_out(known[:2], FOUND[:2], FREE).all()
    assert not borne_out(known[:2][::-1], FOUND[:2], FREE).any()
    longer = known[:2] + np.array([(0.0, 0.0), (5.0, 0.0)])
    assert not borne_out(longer, FOUND[:2], FREE).any()
    assert borne_out(longer, FOUND[:2], Freedom(3.0, 0.02, 0.05)).all()
    assert borne_out(np.zeros((0, 2)), np.zeros((0, 2)), FREE).shape == (0,)
