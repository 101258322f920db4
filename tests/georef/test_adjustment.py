"""Block adjustment of simulated flights: accuracy, errors that are true, and flights that go wrong.

The larger proof is `python -m tests.georef.adjustment_proof`.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from fieldbox.georef.adjustment import Adjusted, Outcome, adjust
from fieldbox.georef.errors95 import locate
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.preparing import Doubt
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.ties import Control, Photos, Ties, photos_of
from tests.georef import adjustment_proof as proof
from tests.georef.block_scene import Block, Wish, block
from tests.georef.scene import LAT, LON, camera, pose

USUAL = Wish(seed=7, columns=4, rows=6)


@pytest.fixture(scope="module")
def usual() -> Block:
    return block(USUAL)


@pytest.fixture(scope="module")
def aligned(usual: Block) -> Adjusted:
    return proof.adjusted(usual)


def off_true(made: Block, result: Adjusted) -> np.ndarray:
    """[N, 6] adjusted less true."""
    off = result.pose - made.true
    off[:, 3] = (off[:, 3] + 180) % 360 - 180
    return off


def relative(made: Block, result: Adjusted, kind: str = "poses") -> float:
    return proof.root(proof.relative_errors(made, result, np.random.default_rng(1), kind))


def retold(made: Block, **columns: object) -> Block:
    """The block with told poses changed by functions of the told [N, 6]."""
    told = made.told.copy()
    for change in columns.values():
        change(told)  # type: ignore[operator]
    return replace(made, told=told)


def test_photos_agree_with_each_other(usual: Block, aligned: Adjusted) -> None:
    assert set(aligned.outcome) == {Outcome.ADJUSTED}
    assert not any(aligned.doubts)
    assert relative(usual, aligned) < 2.5
    # Between a told pose and the truth there are metres; here there is one error for the whole block.
    off = off_true(usual, aligned)
    assert off[:, :2].std(axis=0).max() < 0.5 < np.hypot(*(usual.told - usual.true)[:, :2].T).std()
    assert off[:, 3].std() < 0.05
    assert aligned.surface.scatter_m == pytest.approx(usual.wish.plant / math.sqrt(12), rel=0.2)
    assert aligned.sigma_px == pytest.approx(usual.wish.pixel, rel=0.1)


def test_wrong_matches_are_dropped_and_good_ones_kept(usual: Block, aligned: Adjusted) -> None:
    views = np.bincount(usual.track, minlength=len(usual.points))[usual.track]
    wrong_in_track = np.bincount(usual.track, usual.wrong, len(usual.points))[usual.track] > 0
    assert aligned.used[usual.wrong].mean() < 0.05
    assert aligned.used[~wrong_in_track & (views > 1)].mean() > 0.985
    assert aligned.rms_px == pytest.approx(usual.wish.pixel * math.sqrt(2) * 0.8, rel=0.15)
    assert np.isfinite(aligned.pairs[:, 2]).all()
    assert np.median(aligned.pairs[:, 2]) == pytest.approx(aligned.rms_px, rel=0.15)


def test_stated_errors_hold_95_percent() -> None:
    tallies = [proof.tally(wish) for wish in proof.wishes(30, columns=3, rows=6, tracks=70)]
    cover = np.array([one.cover for one in tallies])
    # A block's errors are one draw of its GPS: thirty draws of 95 % are 95 +- 4 %.
    assert 0.87 <= cover.mean() <= 1.0
    needed = np.quantile(np.concatenate([one.errors for one in tallies]), 0.95)
    assert np.median([one.stated for one in tallies]) < 1.5 * needed
    assert proof.root(np.array([one.poses for one in tallies])) < 2.5


def test_covariance_of_the_whole_block_is_that_of_its_errors() -> None:
    """Mean pose error of each block, in its stated standard errors: chi-square."""
    scores = []
    for wish in proof.wishes(18, columns=3, rows=4, tracks=70):
        made = block(wish)
        result = proof.adjusted(made)
        middle = len(made.true) // 2
        off = off_true(made, result)[middle]
        scores.append(float(off @ np.linalg.solve(result.covariance[middle], off)))
    low, high = chi2.ppf([0.001, 0.999], 6 * len(scores))
    # Surface level and drift differ from the model's: twice as much is still no lie.
    assert low / 2 < sum(scores) < high * 1.3


def test_absolute_error_does_not_shrink_with_the_number_of_photos() -> None:
    stated = []
    for rows in (6, 24):
        made = block(replace(USUAL, rows=rows, columns=4))
        stated.append(np.sqrt(proof.adjusted(made).covariance[:, 0, 0]).mean())
    assert stated[1] > 0.7 * stated[0] > 0.7 * 1.0  # of 1.5 m that wander; four times the photos


def test_without_control_the_block_is_where_its_gps_was_on_average(usual: Block, aligned: Adjusted) -> None:
    bias = (usual.told - usual.true)[:, :2].mean(axis=0)
    assert off_true(usual, aligned)[:, :2].mean(axis=0) == pytest.approx(bias, abs=0.3)


def test_control_points_place_the_block() -> None:
    errors = []
    for wish in proof.wishes(6, altitude=30.0):
        made = block(wish)
        points, true = proof.control_of(made, 0.02)
        result = proof.adjusted(made, points)
        seen = np.isfinite(result.control[:, 0])
        errors.append(np.hypot(*(result.control - true)[seen][4:, :2].T))
        found = locate(result, points.photo, points.xy)
        assert np.median(found.error95) < 0.3  # surface below plants; the block itself is good to centimetres
    assert proof.root(np.concatenate(errors)) < 4 * 30 / 4255  # 2 cm control has 1 cm of its own


def test_a_missed_click_on_a_control_point_does_no_harm(usual: Block) -> None:
    points, true = proof.control_of(usual, 0.01)
    xy = points.xy.copy()
    missed = int(np.flatnonzero(points.point == 0)[0])
    xy[missed] += 60
    result = proof.adjusted(usual, replace(points, xy=xy))
    assert np.hypot(*(result.control - true)[4:, :2].T).max() < 0.08


def test_height_differences_of_control_may_be_unknown(usual: Block) -> None:
    points, true = proof.control_of(usual, 0.01)
    sigma, known = points.sigma.copy(), points.known.copy()
    sigma[:, 2], known[:, 2] = np.inf, np.nan
    result = proof.adjusted(usual, replace(points, sigma=sigma, known=known))
    assert np.hypot(*(result.control - true)[4:, :2].T).max() < 0.1


def two_blocks() -> Block:
    one, other = block(USUAL), block(replace(USUAL, seed=8, columns=3, rows=4))
    away = np.array([400.0, 0, 0, 0, 0, 0])
    return replace(
        one,
        true=np.vstack([one.true, other.true + away]),
        told=np.vstack([one.told, other.told + away]),
        error=np.vstack([one.error, other.error]),
        taken_at=np.concatenate([one.taken_at, other.taken_at + 300]),
        photo=np.concatenate([one.photo, other.photo + len(one.true)]),
        track=np.concatenate([one.track, other.track + len(one.points)]),
        xy=np.vstack([one.xy, other.xy]),
    )


def test_two_blocks_are_two_blocks() -> None:
    made = two_blocks()
    result = proof.adjusted(made)
    assert result.block.tolist() == [0] * 24 + [1] * 12
    off = off_true(made, result)
    assert off[:24, :2].std(axis=0).max() < 0.6
    assert off[24:, :2].std(axis=0).max() < 0.6


def test_a_block_of_wrong_matches_does_not_take_the_other_with_it() -> None:
    made = two_blocks()
    wild = made.photo >= 24
    xy = made.xy.copy()
    xy[wild] = np.random.default_rng(2).uniform(0, 3600, (int(wild.sum()), 2))
    result = proof.adjusted(replace(made, xy=xy))
    assert result.outcome == (Outcome.ADJUSTED,) * 24 + (Outcome.KEPT,) * 12
    assert off_true(made, result)[:24, :2].std(axis=0).max() < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_nothing_but_wrong_matches_is_not_an_alignment(seed: int) -> None:
    made = block(replace(USUAL, seed=seed, wrong=0.95, yaw_sigma=40.0, columns=3, rows=4))
    result = proof.adjusted(made)
    assert set(result.outcome) == {Outcome.KEPT}


@pytest.mark.parametrize("how", ["no ties", "only wrong ties"])
def test_a_photo_tied_to_nothing_keeps_its_pose(usual: Block, how: str) -> None:
    mine = usual.photo == 10
    xy = usual.xy.copy()
    xy[mine] = np.random.default_rng(1).uniform(0, 3600, (int(mine.sum()), 2))
    kept = np.ones(len(mine), np.bool_) if how == "only wrong ties" else ~mine
    result = adjust(proof.photos_of(usual), Ties(usual.photo[kept], usual.track[kept], xy[kept], 3.0))
    assert result.outcome[10] == Outcome.KEPT
    assert result.block[10] == -1
    assert result.pose[10] == pytest.approx(usual.told[10])
    assert result.outcome.count(Outcome.ADJUSTED) == 23
    found = locate(result, np.array([10]), np.array([[2735.5, 1823.5]]))
    below = usual.told[10, :2]
    assert found.places[0] == pytest.approx(below)
    # 2.1 m of GPS each way, and 1.5 deg of tilt at 20 m.
    assert found.error95[0] == pytest.approx(2.4477 * math.hypot(2.1213, 20 * math.radians(1.5)), rel=0.02)


def turned(number: int) -> object:
    def change(told: np.ndarray) -> None:
        told[number, 3] += 180

    return change


def test_a_yaw_wrong_by_half_a_turn_is_found(usual: Block) -> None:
    made = retold(usual, yaw=turned(5))
    result = proof.adjusted(made)
    assert result.doubts[5] == {Doubt.YAW}
    assert sum(map(bool, result.doubts)) == 1
    assert relative(made, result) < 3.0


def test_all_yaws_with_the_wrong_sign(usual: Block) -> None:
    def mirror(told: np.ndarray) -> None:
        told[:, 3] *= -1

    result = proof.adjusted(retold(usual, yaw=mirror))
    assert result.yaw_mirrored
    assert relative(usual, result) < 2.5


def test_all_yaws_off_by_a_quarter_turn(usual: Block) -> None:
    def turn(told: np.ndarray) -> None:
        told[:, 3] += 90

    result = proof.adjusted(retold(usual, yaw=turn))
    assert all(doubts == {Doubt.YAW} for doubts in result.doubts)
    assert relative(usual, result) < 2.5
    assert np.abs(off_true(usual, result)[:, 3]).max() < 3 * np.sqrt(result.covariance[:, 3, 3]).max()


def test_a_photo_without_a_position_gets_one_from_its_neighbours(usual: Block) -> None:
    def forget(told: np.ndarray) -> None:
        told[9, :2] = np.nan

    result = proof.adjusted(retold(usual, place=forget))
    assert result.doubts[9] == {Doubt.MISSING}
    assert off_true(usual, result)[:, :2].std(axis=0).max() < 0.5


def test_a_gps_far_off_is_not_believed(usual: Block) -> None:
    def jump(told: np.ndarray) -> None:
        told[9, :2] += 40

    result = proof.adjusted(retold(usual, place=jump))
    assert result.doubts[9] == {Doubt.POSITION}
    assert off_true(usual, result)[:, :2].std(axis=0).max() < 0.5


@pytest.mark.parametrize("said", [True, False])
def test_a_climb_in_mid_flight(said: bool) -> None:
    made = block(replace(USUAL, climb=10.0, climb_told=said))
    result = proof.adjusted(made)
    assert set(result.outcome) == {Outcome.ADJUSTED}
    doubted = [Doubt.HEIGHT in doubts for doubts in result.doubts]
    assert sum(doubted) == (0 if said else 12)
    assert off_true(made, result)[:, 2].std() < 0.3
    assert relative(made, result) < 3.0


@pytest.mark.parametrize("rows", [2, 3, 12])
def test_a_single_line_is_held_by_what_was_told(rows: int) -> None:
    made = block(replace(USUAL, columns=1, rows=rows, seed=9))
    result = proof.adjusted(made)
    assert set(result.outcome) == {Outcome.ADJUSTED}
    off = off_true(made, result)
    stated = np.sqrt(np.einsum("nii->ni", result.covariance))
    assert (np.abs(off) < 3.5 * stated).all()
    assert stated[:, 5].max() < 1.6  # the roll is not lost


def test_nothing_to_tie() -> None:
    made = block(replace(USUAL, columns=2, rows=2))
    none = np.zeros(0, np.intp)
    result = adjust(proof.photos_of(made), Ties(none, none, np.zeros((0, 2)), 3.0))
    assert set(result.outcome) == {Outcome.KEPT}
    assert result.pose == pytest.approx(made.told)
    assert result.iterations == 0
    lost = adjust(
        proof.photos_of(retold(made, place=lambda told: told.__setitem__((slice(None), slice(2)), np.nan))),
        Ties(made.photo, made.track, made.xy, 3.0),
    )
    assert set(lost.outcome) == {Outcome.LOST}


def test_many_wrong_matches_and_poor_poses_converge() -> None:
    made = block(replace(USUAL, wrong=0.2, gps_white=3.0, yaw_sigma=10.0))
    result = proof.adjusted(made)
    assert set(result.outcome) == {Outcome.ADJUSTED}
    assert relative(made, result) < 3.0


def test_two_cameras_and_two_flights_are_told_apart() -> None:
    made = block(USUAL)
    count = len(made.true)
    half = (np.arange(count) >= count // 2).astype(np.intp)
    other = replace(made.camera, focal_px=made.camera.focal_px * 1.01)
    photos = Photos(made.told, made.error, made.taken_at, half, (made.camera, other), half)
    result = adjust(photos, Ties(made.photo, made.track, made.xy, 3.0), Control())
    assert set(result.outcome) == {Outcome.ADJUSTED}
    ratio = result.cameras[1].focal_px / result.cameras[0].focal_px
    assert ratio == pytest.approx(1.0, abs=0.006)  # both are one camera in truth; heights tie them


def test_placed_photos_become_local_ones_and_back() -> None:
    plane = GroundPlane.for_point(LAT, LON)
    given = [PhotoGeometry(str(n), pose(lat=LAT + n * 1e-4, yaw_deg=30.0), camera(), plane) for n in range(3)]
    photos, frame = photos_of(tuple(given), np.arange(3.0))
    assert frame.to_grid(photos.pose[:, :2]) == pytest.approx(np.array([one.centre for one in given]))
    assert frame.to_local(frame.to_grid(photos.pose[:, :2])) == pytest.approx(photos.pose[:, :2])
    assert photos.pose[:, 3] == pytest.approx([one.grid_yaw_deg for one in given])
    assert photos.cameras == (camera(),)
    apart = np.diff(photos.pose[:, 1])
    assert apart == pytest.approx([11.07, 11.07], abs=0.01)  # ground metres of 0.0001 degrees at 20 N


def test_a_small_block_over_rough_ground_keeps_its_size() -> None:
    """What holds the surface must not make all smaller to bend it less: with a narrow prior blocks shrank by 15 %."""
    scales = []
    for seed in range(81, 87):
        rough = Wish(seed=seed, columns=3, rows=4, plant=0.1, tracks=300, waves_m=(20.0, 30.0))
        made = block(rough)
        here, there = (one[:, :2] @ [1, 1j] for one in (proof.adjusted(made).pose, made.true))
        arms = there - there.mean()
        scales.append(abs((np.conj(arms) * (here - here.mean())).sum()) / (np.abs(arms) ** 2).sum())
    assert np.mean(scales) == pytest.approx(1.0, abs=0.03)
    assert scales == pytest.approx(np.ones(6), abs=0.1)
