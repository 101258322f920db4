"""Which points of two photos are the same ground: made points, seen with one pose and stated with another."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fieldbox.georef.matching import Pair, Points, match, neighbours, points_of
from fieldbox.georef.projection import PhotoGeometry
from tests.georef.scene import flight, photo

STEP_PX = 2.0


class Ground:
    """Points around the first photo's centre, each with its own looks."""

    def __init__(self) -> None:
        rng = np.random.default_rng(4)
        self.places = photo().centre + rng.uniform(-14, 14, (900, 2))
        self.looks = rng.gamma(0.4, 1.0, (900, 128))

    def seen(self, true: PhotoGeometry, stated: PhotoGeometry, *, wrong: float) -> tuple[Points, np.ndarray]:
        """What a photo shows, and the numbers of the ground's points; a share `wrong` looks like another point."""
        rng = np.random.default_rng(int(1e3 * abs(true.centre).sum()) % 2**31)
        xy = true.ground_to_pixel(self.places)
        inside = np.flatnonzero((xy > 0).all(1) & (xy < (true.camera.width, true.camera.height)).all(1))
        like = np.where(rng.random(len(inside)) < wrong, rng.permutation(inside), inside)
        looks = self.looks[like] * rng.uniform(0.8, 1.25, (len(inside), 128))
        rooted = np.minimum(np.sqrt(looks / looks.sum(1, keepdims=True)) * 512, 255).astype(np.uint8)
        moved = (xy[inside] + rng.normal(0, 0.7, (len(inside), 2))).astype(np.float32)
        return points_of(moved, rooted, STEP_PX, stated), inside


def moved(one: PhotoGeometry, east: float, north: float, **turned: float) -> PhotoGeometry:
    lat, lon = one.plane.to_geographic(one.centre[0] + east, one.centre[1] + north)
    return dataclasses.replace(
        one, pose=dataclasses.replace(one.pose, lat=float(lat), lon=float(lon), **turned)
    )


def matched(
    true: PhotoGeometry, stated: PhotoGeometry, *, wrong: float = 0.2
) -> tuple[Pair | None, float, int]:
    """The first photo and another: their pair, the share of it that is right, and how many points they share."""
    ground, first = Ground(), photo()
    here, of_here = ground.seen(first, first, wrong=wrong)
    there, of_there = ground.seen(true, stated, wrong=wrong)
    pair = match(3, here, 7, there)
    shared = len(np.intersect1d(of_here, of_there))
    if pair is None:
        return None, 0.0, shared
    assert (pair.first, pair.second) == (3, 7)
    return pair, float((of_here[pair.of_first] == of_there[pair.of_second]).mean()), shared


def test_photos_with_wrong_positions_headings_and_tilts_are_matched() -> None:
    true = moved(photo(), 3.0, 2.0, pitch_deg=1.5, roll_deg=-1.0)
    stated = moved(photo(), 5.5, -0.2, yaw_deg=5.0)
    pair, right, shared = matched(true, stated)
    assert pair is not None
    assert right > 0.98
    assert len(pair.of_first) > 0.4 * shared


def test_what_lies_further_apart_than_the_poses_may_be_off_is_not_compared() -> None:
    true, stated = moved(photo(), 3.0, 2.0), moved(photo(), 60.0, 2.0)
    assert matched(true, stated)[0] is None


def test_photos_of_other_ground_are_not_matched() -> None:
    ground, other = Ground(), Ground()
    other.looks = other.looks[::-1]
    here, _ = ground.seen(photo(), photo(), wrong=0.0)
    there, _ = other.seen(moved(photo(), 3, 2), moved(photo(), 3, 2), wrong=0.0)
    assert match(0, here, 1, there) is None


@pytest.mark.parametrize("count", [0, 5])
def test_photos_with_hardly_any_points_are_not_matched(count: int) -> None:
    ground = Ground()
    points, _ = ground.seen(photo(), photo(), wrong=0.0)
    few = dataclasses.replace(points, likeness=points.likeness[:count], ground=points.ground[:count])
    assert match(0, points, 1, few) is None
    assert match(0, few, 1, points) is None


def test_only_photos_that_meet_are_compared_and_no_more_with_more_photos() -> None:
    few, many = flight(4, 10), flight(8, 40)
    pairs = neighbours(few)
    assert len(set(pairs)) == len(pairs)
    assert all(a < b for a, b in pairs)
    rings = [one.footprint() for one in few]
    for a, b in pairs:
        assert (np.abs(rings[a].mean(0) - rings[b].mean(0)) < (12.5, 8.5)).all()
    touched = {number for pair in pairs for number in pair}
    assert touched == set(range(len(few)))
    assert len(neighbours(many)) / len(many) < 1.3 * len(pairs) / len(few) + 1


def test_where_places_are_not_sure_more_photos_are_compared() -> None:
    sure = flight(6, 12)
    unsure = [
        dataclasses.replace(one, pose=dataclasses.replace(one.pose, error_m=6.0 if number == 30 else 0.5))
        for number, one in enumerate(sure)
    ]

    def of(photos: list[PhotoGeometry], number: int) -> int:
        return sum(number in pair for pair in neighbours(photos))

    assert of(unsure, 30) > of(sure, 30)
    lost = [
        dataclasses.replace(one, pose=dataclasses.replace(one.pose, error_m=150.0)) if number == 30 else one
        for number, one in enumerate(sure)
    ]
    assert of(lost, 30) >= 20
    assert len(neighbours(lost)) < 1.2 * len(neighbours(sure))


def test_a_pair_tells_how_far_the_told_places_are_off() -> None:
    true, stated = moved(photo(), 3.0, 2.0), moved(photo(), 5.5, -0.2)
    pair, _right, _shared = matched(true, stated, wrong=0.0)
    assert pair is not None
    assert pair.shift_m == pytest.approx((2.5, -2.2), abs=0.3)
    assert 0.7 < pair.share <= 1.0


def test_a_horizon_that_both_show_does_not_spoil_what_they_share() -> None:
    """Its rays miss the ground: points without a place, however alike."""
    level = photo(pitch_deg=58.0)
    wide = dataclasses.replace(level.camera, focal_px=0.625 * level.camera.width)
    first = dataclasses.replace(level, camera=wide)
    second = moved(first, 0.0, 3.0)
    rng = np.random.default_rng(1)
    width, height = first.camera.width, first.camera.height
    places = first.pixel_to_ground([[width / 2, 0.7 * height]])[0] + rng.uniform(-8, 8, (400, 2))
    looks = rng.integers(0, 255, (430, 64)).astype(np.uint8)
    sky = np.column_stack([rng.uniform(0, width, 30), rng.uniform(0, height / 30, 30)])

    def shown(one: PhotoGeometry) -> Points:
        xy = one.ground_to_pixel(places)
        inside = ((xy > 0) & (xy < (width, height))).all(axis=1)
        every = np.vstack([sky, xy[inside]]).astype(np.float32)
        return points_of(every, np.vstack([looks[:30], looks[30:][inside]]), 1.0, one)

    here, there = shown(first), shown(second)
    assert np.isnan(here.ground[:30]).any(axis=1).sum() > 10
    pair = match(0, here, 1, there)
    assert pair is not None
    assert len(pair.of_first) > 100
    assert np.isfinite(here.ground[pair.of_first]).all()
