"""Photos told the wrong way round are found by permuting what is known of their points."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from fieldbox.domain import Camera
from fieldbox.georef.matching import Points, points_of
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.turned import heading_of, turned, turned_photo
from fieldbox.imagery.features import Features, find_features
from tests.georef.scene import LAT, LON, PLANE, pose

CAMERA = Camera("Test", "square", 400, 300, 300.0, 199.5, 149.5)
HEIGHT = 10.0


def picture(side: int = 700) -> np.ndarray:
    """Blobs of all sizes, uint8 [side, side, 3]."""
    rng = np.random.default_rng(4)
    noise = sum(
        cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), s) * s for s in (2, 4, 9)
    )
    grey = np.clip(128 + 90 * np.asarray(noise), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_permutation_is_the_turned_picture(quarters: int) -> None:
    """The same points are found in a turned picture, and described as the permutation says."""
    made = np.ascontiguousarray(picture(301))
    here = find_features(made, 1, 0.0, 1.0)
    there = find_features(np.ascontiguousarray(np.rot90(made, -quarters)), 1, 0.0, 1.0)
    xy = here.xy - 150.0
    for _quarter in range(quarters):  # clockwise: right goes to down
        xy = np.column_stack([-xy[:, 1], xy[:, 0]])
    away = np.linalg.norm(xy[:, None] + 150.0 - there.xy[None], axis=2)
    same = away.min(axis=1) < 0.01
    assert same.sum() > 0.8 * len(here)
    off = turned(here.descriptors, quarters)[same].astype(int) - there.descriptors[away.argmin(axis=1)[same]]
    assert np.abs(off).max() <= 3


def test_four_quarters_change_nothing() -> None:
    """Exactly."""
    descriptors = np.random.default_rng(1).integers(0, 255, (5, 128), np.uint8)
    assert (turned(descriptors, 4) == descriptors).all()
    assert (turned(turned(descriptors, 1), 3) == descriptors).all()


def shot(place: tuple[float, float], yaw: float) -> tuple[PhotoGeometry, Features]:
    """A photo of the picture, laid on the ground at 1 / 30 m a pixel, and its points as searched by its told yaw."""
    east, north = PLANE.to_ground(LAT, LON)
    lat, lon = PLANE.to_geographic(east + place[0], north + place[1])
    given = pose(lat=float(lat), lon=float(lon), height_m=HEIGHT, yaw_deg=yaw)
    given = dataclasses.replace(given, error_m=1.0, yaw_error_deg=3.0)
    photo = PhotoGeometry(f"{place}", given, CAMERA, PLANE)
    pixels = np.stack(np.meshgrid(np.arange(400.0), np.arange(300.0)), -1).reshape(-1, 2)
    ground = (photo.pixel_to_ground(pixels) - (east, north)) * (30, -30) + 350
    maps = ground.reshape(300, 400, 2).astype(np.float32)
    seen = cv2.remap(picture(), maps[..., 0].copy(), maps[..., 1].copy(), cv2.INTER_LINEAR)
    return photo, find_features(np.asarray(seen, np.uint8), 1, photo.grid_yaw_deg, 1.0)


def searched_again(photo: PhotoGeometry, yaw_wrong: int) -> tuple[PhotoGeometry, Features]:
    """A photo whose heading is told wrong by so many quarters: its pixels are the same, its points differ."""
    place = photo.centre - np.array(PLANE.to_ground(LAT, LON))
    _same, right = shot((float(place[0]), float(place[1])), photo.pose.yaw_deg)
    told = turned_photo(photo, -yaw_wrong)
    return told, dataclasses.replace(right, descriptors=turned(right.descriptors, -yaw_wrong))


@pytest.fixture(scope="module")
def others() -> list[tuple[int, Points]]:
    """Three photos around the middle, with right headings."""
    found = []
    for number, place in enumerate([(2.0, 0.0), (-2.0, 0.5), (0.0, 2.0)]):
        photo, features = shot(place, 20.0)
        found.append((number, points_of(features.xy, features.descriptors, 1.0, photo)))
    return found


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_wrong_heading_is_found(quarters: int, others: list[tuple[int, Points]]) -> None:
    """By its neighbours, which all agree about it."""
    right, _features = shot((0.0, 0.0), 20.0)
    told, features = searched_again(right, quarters)
    heading = heading_of(7, told, (features.xy, features.descriptors, 1.0), others)
    assert heading is not None
    assert heading.quarters == quarters
    assert [(pair.first, pair.second) for pair in heading.pairs] == [(0, 7), (1, 7), (2, 7)]
    assert turned_photo(told, quarters).pose.yaw_deg == pytest.approx(right.pose.yaw_deg)


def test_a_right_heading_has_no_better_one(others: list[tuple[int, Points]]) -> None:
    """None of the other three meets anything; nor does a photo of elsewhere."""
    photo, features = shot((0.0, 0.0), 20.0)
    assert heading_of(7, photo, (features.xy, features.descriptors, 1.0), others) is None


def test_one_neighbour_is_not_enough(others: list[tuple[int, Points]]) -> None:
    """It may be a chance."""
    told, features = searched_again(shot((0.0, 0.0), 20.0)[0], 2)
    assert heading_of(7, told, (features.xy, features.descriptors, 1.0), others[:1]) is None
