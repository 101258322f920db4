"""The naive way: OpenCV's decoder, every photo whole, 640 px tiles with 20 % overlap, fp32, runtime defaults."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.inference.plants import Decoding, segment
from fieldbox.inference.runtime import Session
from fieldbox.inference.weeds import NATIVE_GSD_MM

TILE = 640
OVERLAP = 0.2


def seconds_per_photo(
    photos: Sequence[Path], model: Path, decoding: Decoding, progress: Callable[[int, int], None]
) -> float:
    """Wall seconds for each of `photos`; the model is loaded before the clock starts."""
    session = Session.load(model, threads=None)
    session.run(np.zeros((1, TILE, TILE, 3), np.uint8))
    start = time.perf_counter()
    for number, photo in enumerate(photos, start=1):
        _look_at_all(photo, session, decoding)
        progress(number, len(photos))
    return (time.perf_counter() - start) / len(photos)


def _look_at_all(photo: Path, session: Session, decoding: Decoding) -> None:
    image = cv2.imread(str(photo), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ValueError(f"{photo} is no image")
    for tile in _tiles(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)):
        segment(session.run(tile[None])[0], decoding, (TILE, TILE), NATIVE_GSD_MM)


def _tiles(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for y in _starts(image.shape[0]):
        for x in _starts(image.shape[1]):
            yield np.ascontiguousarray(image[y : y + TILE, x : x + TILE])


def _starts(length: int) -> list[int]:
    step = round(TILE * (1 - OVERLAP))
    return [*range(0, length - TILE, step), length - TILE]
