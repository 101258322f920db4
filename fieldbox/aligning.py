"""From a flight as its tags tell it to one whose photos agree: features, pairs, tracks, adjustment.

Not yet part of a survey: `python -m tests.path.alignment` shows what it does with a flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from fieldbox.errors import Rejected
from fieldbox.georef.adjustment import Adjusted, Outcome, adjust
from fieldbox.georef.aligned import aligned
from fieldbox.georef.matching import Pair, match, neighbours, points_of
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.ties import photos_of
from fieldbox.georef.tracks import tracks_of
from fieldbox.imagery.decode import REDUCTIONS, decode_jpeg
from fieldbox.imagery.features import Features, find_features, no_features
from fieldbox.ordered import in_order

SEARCHED_PX = 800
"""Long side, in pixels, at which the photos of a flight are searched for points (in the median)."""

Reader = Callable[[str], bytes]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Alignment:
    """A flight's photos after the adjustment.

    geometries  by digest: adjusted, or as told where a photo is tied to nothing
    adjusted    the adjustment itself, photos in the order of `geometries`
    compared, matched  pairs of photos whose footprints meet, and those with enough in common
    """

    geometries: dict[str, PhotoGeometry]
    adjusted: Adjusted
    compared: int
    matched: int

    @property
    def kept(self) -> tuple[str, ...]:
        """Photos that stay where their tags put them."""
        pairs = zip(self.geometries, self.adjusted.outcome, strict=True)
        return tuple(digest for digest, outcome in pairs if outcome is not Outcome.ADJUSTED)


def align(
    told: Mapping[str, PhotoGeometry],
    taken_at: Mapping[str, datetime | None],
    read: Reader,
    *,
    threads: int = 1,
) -> Alignment:
    """Align a flight: photos by digest as told, when each was taken, and how its bytes are read.

    A photo that cannot be decoded has no points and stays as it was told. The same photos give the same result.
    """
    photos = tuple(told.values())
    step_m = float(np.median([_long_side(photo) * photo.gsd_m for photo in photos])) / SEARCHED_PX
    features = list(_side_by_side(threads, lambda photo: _features(photo, read, step_m), photos))
    points = [
        points_of(one.xy, one.descriptors, one.step_px, photo)
        for one, photo in zip(features, photos, strict=True)
    ]
    wanted = neighbours(photos)

    def compared(pair: tuple[int, int]) -> Pair | None:
        first, second = pair
        return match(first, points[first], second, points[second])

    pairs = [pair for pair in _side_by_side(threads, compared, wanted) if pair]
    ties = tracks_of(pairs, [one.xy for one in features], [one.step_px for one in features])
    given, frame = photos_of(photos, _seconds([taken_at.get(photo.digest) for photo in photos]))
    adjusted = adjust(given, ties)
    return Alignment(aligned(photos, adjusted, frame), adjusted, len(wanted), len(pairs))


def _long_side(photo: PhotoGeometry) -> int:
    return max(photo.camera.width, photo.camera.height)


def _features(photo: PhotoGeometry, read: Reader, step_m: float) -> Features:
    """Points of a photo, searched at `step_m` metres of ground to a pixel, so that all photos look alike."""
    step_px = max(1.0, step_m / photo.gsd_m)
    reduction = max(step for step in REDUCTIONS if step <= step_px)
    try:
        pixels = decode_jpeg(read(photo.digest), reduction=reduction)
    except Rejected:
        return no_features(step_px)
    return find_features(pixels, reduction, photo.grid_yaw_deg, step_px)


def _seconds(times: Iterable[datetime | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds of each since the first; NaN where not known."""
    known = list(times)
    first = min((one for one in known if one), default=None)
    return np.array([(one - first).total_seconds() if one and first else np.nan for one in known])


def _side_by_side(threads: int, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results in the order of the items."""
    with ThreadPoolExecutor(threads) as pool:
        for _item, result in in_order(pool, work, items, 2 * threads):
            yield result
