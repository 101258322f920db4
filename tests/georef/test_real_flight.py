"""Real photos: what two of them show at one place lies at one place on the ground, within the stated error."""

import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.imagery.metadata import read_metadata

DATA = Path(os.environ.get("FIELDBOX_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
SHRINK = 4
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (DATA / "flights").is_dir(), reason="the real flights are not here (FIELDBOX_REAL_DATA)"
    ),
]


def placed(folder: Path, count: int) -> list[tuple[Path, PhotoGeometry]]:
    files = sorted(one for one in folder.rglob("*") if one.suffix.lower() == ".jpg")
    read = [(one, read_metadata(one)) for one in files]
    photos = [(one, told.pose, told.camera) for one, told in read if told.pose and told.camera][:count]
    plane = GroundPlane.for_point(photos[0][1].lat, photos[0][1].lon)
    return [(one, PhotoGeometry(one.name, pose, camera, plane)) for one, pose, camera in photos]


def features(path: Path) -> tuple[np.ndarray, np.ndarray]:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(grey, None, fx=1 / SHRINK, fy=1 / SHRINK, interpolation=cv2.INTER_AREA)
    points, codes = cv2.SIFT_create(1500).detectAndCompute(small, None)
    return np.array([one.pt for one in points]) * SHRINK + (SHRINK - 1) / 2, codes


def matched(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        one for one, two in cv2.BFMatcher().knnMatch(a[1], b[1], k=2) if one.distance < 0.75 * two.distance
    ]
    if len(pairs) < 15:
        return np.zeros((0, 2)), np.zeros((0, 2))
    xy_a, xy_b = a[0][[one.queryIdx for one in pairs]], b[0][[one.trainIdx for one in pairs]]
    _matrix, good = cv2.findHomography(xy_a, xy_b, cv2.RANSAC, 20)
    kept = good.ravel() > 0
    return (xy_a[kept], xy_b[kept]) if kept.sum() >= 20 else (xy_a[:0], xy_b[:0])


@pytest.mark.parametrize(("flight", "count"), [("brighton", 6), ("seneca", 5)])
def test_overlapping_photos_agree_within_their_error(flight: str, count: int) -> None:
    photos = placed(DATA / "flights" / flight, count)
    found = [features(path) for path, _ in photos]
    ratios = []
    for (i, (_, a)), (j, (_, b)) in itertools.combinations(enumerate(photos), 2):
        xy_a, xy_b = matched(found[i], found[j])
        if len(xy_a):
            apart = np.hypot(*(a.pixel_to_ground(xy_a) - b.pixel_to_ground(xy_b)).T)
            ratios.append(float(np.median(apart / np.hypot(a.error95_m(xy_a), b.error95_m(xy_b)))))
    assert len(ratios) >= 3
    assert max(ratios) < 1.0
