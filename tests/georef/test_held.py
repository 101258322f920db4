"""Control points hold a flight in place, if its photos bear them out."""

from __future__ import annotations

import numpy as np
import pytest

from fieldbox.aligning import _held
from fieldbox.georef.arrow import Array
from fieldbox.georef.ties import Control, Photos, Ties
from tests.georef import adjustment_proof as proof
from tests.georef.block_scene import Block, Wish, block

TIE_PX = 3.0


def listed(made: Block, which: list[int], off: Array, *, first_photo: int = 0) -> Control:
    """Points of a block as a list gives them, `off` [G, 2] metres from where they are."""
    seen, true = proof.control_of(made, 0.01)
    marks = np.isin(seen.point, which)
    known = np.column_stack([true[which, :2] + off, np.full(len(which), np.nan)])
    number = np.searchsorted(which, seen.point[marks])
    sigma = np.tile([0.02, 0.02, np.inf], (len(which), 1))
    return Control(known, sigma, seen.photo[marks] + first_photo, number, seen.xy[marks], 1.0)


def root(off: Array) -> float:
    return float(np.sqrt((off**2).sum(axis=1).mean()))


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_two_points_that_lie_too_far_apart_hold_nothing(seed: int) -> None:
    """Two points always fit a shift, a turn and a scale: only what the photos leave open can tell."""
    made = block(Wish(seed=seed, columns=4, rows=6, relief=0.0))
    photos, ties = proof.photos_of(made), Ties(made.photo, made.track, made.xy, TIE_PX)
    true = proof.control_of(made, 0.01)[1]
    longer = 0.09 * (true[3, :2] - true[0, :2])
    good, used = _held(photos, ties, listed(made, [0, 3], np.zeros((2, 2))))
    assert used.all()
    assert root((good.pose - made.true)[:, :2]) < 0.2
    _free, used = _held(photos, ties, listed(made, [0, 3], np.array([(0.0, 0.0), longer])))
    assert not used.any()


def test_points_of_two_blocks_are_held_each_against_its_own() -> None:
    """Each block is off by an error of its own: no one shift fits the points of both."""
    away = np.array([150.0, 0.0])
    one, other = (block(Wish(seed=seed, columns=3, rows=6, relief=0.0)) for seed in (9, 10))
    first, second = proof.photos_of(one), proof.photos_of(other)
    count = len(first.pose)
    photos = Photos(
        np.vstack([first.pose, second.pose + np.r_[away, 0, 0, 0, 0]]),
        np.vstack([first.error, second.error]),
        np.concatenate([first.taken_at, second.taken_at + 5000]),
        np.concatenate([first.camera, second.camera]),
        first.cameras,
        np.concatenate([first.flight, second.flight + 1]),
    )
    ties = Ties(
        np.concatenate([one.photo, other.photo + count]),
        np.concatenate([one.track, other.track + one.track.max() + 1]),
        np.vstack([one.xy, other.xy]),
        TIE_PX,
    )
    here = listed(one, [0, 1, 2, 3], np.zeros((4, 2)))
    there = listed(other, [0, 1, 2, 3], np.tile(away, (4, 1)), first_photo=count)
    both = Control(
        np.vstack([here.known, there.known]),
        np.vstack([here.sigma, there.sigma]),
        np.concatenate([here.photo, there.photo]),
        np.concatenate([here.point, there.point + 4]),
        np.vstack([here.xy, there.xy]),
        1.0,
    )
    found, used = _held(photos, ties, both)
    assert found.block.max() == 1
    assert used.all()
    true = np.vstack([one.true[:, :2], other.true[:, :2] + away])
    assert root(found.pose[:, :2] - true) < 0.2
