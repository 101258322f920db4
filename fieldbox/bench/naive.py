"""The naive way to the same map, photo by photo.

OpenCV's decoder; every photo looked at whole, in 640 px tiles with 20 % overlap, fp32, runtime defaults; an index of all
its pixels in NumPy; SIFT at a quarter of its scale, matched with the MATCHED photos before it; the whole photo warped
onto the mosaic's pixels. What puts poses and strips together is left out: it is small.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.inference.plants import Decoding, segment
from fieldbox.inference.runtime import Session
from fieldbox.inference.weeds import NATIVE_GSD_MM

Points = tuple[Sequence[cv2.KeyPoint], NDArray[np.float32]]

TILE = 640
OVERLAP = 0.2
MATCHED = 4
"""A photo of a flight at 75/65 overlaps with more than twice as many before it."""
SIFT_SCALE = 4
POINTS = 2000
RATIO = 0.75


def seconds_per_photo(
    photos: Sequence[Path], model: Path, decoding: Decoding, progress: Callable[[int, int], None]
) -> float:
    """Wall seconds for each of `photos`, which follow each other in the flight; the model is loaded before the clock starts."""
    session = Session.load(model, threads=None)
    session.run(np.zeros((1, TILE, TILE, 3), np.uint8))
    before: deque[Points] = deque(maxlen=MATCHED)
    start = time.perf_counter()
    for number, photo in enumerate(photos, start=1):
        image = cv2.imread(str(photo), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            raise ValueError(f"{photo} is no image")
        _look_at_all(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), session, decoding)
        _excess_green(image)
        _match_with(before, image)
        _onto_the_mosaic(image)
        progress(number, len(photos))
    return (time.perf_counter() - start) / len(photos)


def _look_at_all(image: NDArray[np.uint8], session: Session, decoding: Decoding) -> None:
    for tile in _tiles(image):
        segment(session.run(tile[None])[0], decoding, (TILE, TILE), NATIVE_GSD_MM)


def _excess_green(image: cv2.typing.MatLike) -> NDArray[np.float32]:
    blue, green, red = np.moveaxis(image.astype(np.float32), -1, 0)
    return np.asarray((2 * green - red - blue) / np.maximum(red + green + blue, 1))


def _match_with(before: deque[Points], image: cv2.typing.MatLike) -> None:
    small = cv2.resize(image, None, fx=1 / SIFT_SCALE, fy=1 / SIFT_SCALE, interpolation=cv2.INTER_AREA)
    places, described = cv2.SIFT_create(POINTS).detectAndCompute(small, None)  # type: ignore[attr-defined]
    for others, other in before:
        pairs = cv2.FlannBasedMatcher().knnMatch(described, other, k=2)
        good = [one for one, next_best in pairs if one.distance < RATIO * next_best.distance]
        if len(good) >= 4:
            here = np.array([places[one.queryIdx].pt for one in good])
            there = np.array([others[one.trainIdx].pt for one in good])
            cv2.findHomography(here, there, cv2.RANSAC, 3.0)
    before.append((places, described))


def _onto_the_mosaic(image: cv2.typing.MatLike) -> None:
    turn = cv2.getRotationMatrix2D((image.shape[1] / 4, image.shape[0] / 4), 10.0, 0.5)
    cv2.warpAffine(image, turn, (image.shape[1] // 2, image.shape[0] // 2), flags=cv2.INTER_LINEAR)


def _tiles(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for y in _starts(image.shape[0]):
        for x in _starts(image.shape[1]):
            yield np.ascontiguousarray(image[y : y + TILE, x : x + TILE])


def _starts(length: int) -> list[int]:
    step = round(TILE * (1 - OVERLAP))
    return [*range(0, length - TILE, step), length - TILE]
