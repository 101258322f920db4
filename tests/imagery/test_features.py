"""The same point of the ground is found, and known again, in photos that were taken otherwise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox.imagery.features import LENGTH, UNIT, Features, find_features

SIZE = 480


@pytest.fixture(scope="module")
def ground() -> NDArray[np.uint8]:
    """Soil with plants, uint8 [1200, 1200, 3]."""
    rng = np.random.default_rng(5)
    soil = cv2.resize(rng.normal(110, 18, (300, 300)).astype(np.float32), (1200, 1200))
    picture = np.stack([soil * 1.05, soil, soil * 0.8], 2)
    for x, y, radius in zip(*rng.uniform(20, 1180, (2, 900)), rng.uniform(3, 12, 900), strict=True):
        shade = np.array([40, 110, 50]) * rng.uniform(0.7, 1.3)
        size, turn = (int(radius), int(radius * 0.6) + 1), rng.uniform(0, 360)
        cv2.ellipse(picture, (int(x), int(y)), size, turn, 0, 360, shade.tolist(), -1)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0), 0, 255).astype(np.uint8)


def shot(
    ground: NDArray[np.uint8], yaw_deg: float, zoom: float, middle: tuple[float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A photo of the ground (north up, as a map is), and the [2, 3] matrix from its pixels to those of the ground."""
    turn = np.radians(yaw_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / zoom
    to_ground = np.column_stack([matrix, np.array(middle) - matrix @ np.full(2, (SIZE - 1) / 2)])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(ground, to_ground, (SIZE, SIZE), flags=how), np.uint8), to_ground


def on_ground(features: Features, to_ground: NDArray[np.float64]) -> NDArray[np.float64]:
    return features.xy @ to_ground[:, :2].T + to_ground[:, 2]


@pytest.mark.parametrize("yaw", [0.0, 23.0, 150.0, 270.0])
def test_points_are_known_again_where_no_heading_is_known(ground: NDArray[np.uint8], yaw: float) -> None:
    one, of_one = shot(ground, 0.0, 1.0, (600, 600))
    other, of_other = shot(ground, yaw, 1.0, (640, 570))
    a, b = find_features(one, 1, None, 1.0), find_features(other, 1, None, 1.0)
    likeness = a.descriptors.astype(float) @ b.descriptors.T.astype(float) / UNIT**2
    best = likeness.argmax(1)
    mutual = likeness.argmax(0)[best] == np.arange(len(best))
    off = np.linalg.norm(on_ground(a, of_one) - on_ground(b, of_other)[best], axis=1)
    right = mutual & (off < 2)
    assert right.sum() > 60
    assert right.sum() > 0.4 * mutual.sum()


@pytest.mark.parametrize(("yaw", "zoom"), [(0.0, 1.0), (90.0, 1.0), (217.0, 1.3)])
def test_points_are_known_again_whatever_the_heading(
    ground: NDArray[np.uint8], yaw: float, zoom: float
) -> None:
    one, of_one = shot(ground, 0.0, 1.0, (600, 600))
    other, of_other = shot(ground, yaw, zoom, (640, 570))
    # A heading that is 5 degrees off, as a drone's is.
    a, b = find_features(one, 1, 0.0, 1.0), find_features(other, 1, yaw + 5, zoom)
    likeness = a.descriptors.astype(float) @ b.descriptors.T.astype(float) / UNIT**2
    best = likeness.argmax(1)
    mutual = likeness.argmax(0)[best] == np.arange(len(best))
    off = np.linalg.norm(on_ground(a, of_one) - on_ground(b, of_other)[best], axis=1)
    right = mutual & (off < 2)
    assert right.sum() > 60
    assert right.sum() > 0.5 * mutual.sum()
    assert np.median(off[right]) < 0.6


def test_points_are_spread_over_the_picture(ground: NDArray[np.uint8]) -> None:
    photo, _ = shot(ground, 0.0, 1.0, (600, 600))
    photo[:, : SIZE // 2] = (photo[:, : SIZE // 2].astype(int) // 4 + 60).astype(np.uint8)  # a dull half
    xy = find_features(photo, 1, 0.0, 1.0).xy
    assert 0.3 < (xy[:, 0] < SIZE / 2).mean() < 0.7


def test_places_are_those_of_the_full_photo(ground: NDArray[np.uint8]) -> None:
    photo, _ = shot(ground, 0.0, 1.0, (600, 600))
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    small, full = find_features(photo, 1, 0.0, 1.0), find_features(photo, 4, 0.0, 4.0)
    assert np.allclose(full.xy, (small.xy + 0.5) * 4 - 0.5, atol=1e-3)
    own = find_features(np.asarray(large, np.uint8), 1, 0.0, 4.0)
    near = np.linalg.norm(own.xy[:, None] - full.xy[None], axis=2).min(1)
    assert np.median(near) < 1.5


def test_nothing_to_hold_on_to_gives_no_points() -> None:
    blank = np.full((300, 400, 3), 120, np.uint8)
    features = find_features(blank, 1, 30.0, 1.0)
    assert len(features) == 0
    assert features.descriptors.shape == (0, LENGTH)


def test_features_come_back_from_the_store(ground: NDArray[np.uint8]) -> None:
    features = find_features(shot(ground, 30.0, 1.0, (600, 600))[0], 2, 30.0, 3.0)
    again = Features.from_bytes(features.to_bytes())
    assert np.array_equal(again.xy, features.xy)
    assert np.array_equal(again.descriptors, features.descriptors)
    assert again.step_px == features.step_px == 3.0
    with pytest.raises(ValueError, match="features"):
        Features.from_bytes(features.to_bytes()[:-1])
