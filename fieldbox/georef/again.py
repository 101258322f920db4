"""Which other photos look again at doubtful spots, and through which windows. From poses alone.

Each spot wants to be seen by a few photos other than the one that found it. A photo costs its decoding and
the windows it is looked at through; it gains, for each spot that still wants a look, the more the nearer to
its middle and to its nadir it shows the spot (the coverage plan's radius) and the more the spot matters.
The photo with the most gain for its cost goes first, until the budget is spent. Everything is
deterministic: photos are taken in the order of their digests.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Window
from fieldbox.georef.choice import DECODE_SHARE
from fieldbox.georef.projection import PhotoGeometry

Floats = NDArray[np.float64]

MAX_RADIUS = 1.3
"""Spots farther than this (half short sides) from a photo's best place are not looked at in it."""
_BLOCK = 32
_MERGE = 1.25
"""Two windows become one where that takes at most this many times their own pixels."""


@dataclass(frozen=True, eq=False, slots=True)
class Spots:
    """N doubtful places on the ground."""

    places: Floats
    """[N, 2] east, north."""
    found_in: tuple[str, ...]
    """Digest of the photo that found each."""
    errors_m: Floats
    """[N] 95 % position error of each in that photo."""
    weights: Floats
    """[N] how much a second look at each is worth."""

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Windows of one photo that show doubtful spots."""

    digest: str
    windows: tuple[Window, ...]
    spots: tuple[int, ...]
    """Numbers of the spots that lie in them."""
    apart_m: tuple[float, ...]
    """How far this photo and the one that found the spot may put the same thing apart (95 % radius), for each of
    `spots`."""
    cost: float
    """Pixels, with the decoding of the photo in the same unit."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask again."""

    side_px: float
    """Of the window around a spot, in photo pixels."""
    looks: int
    """Wanted for each spot."""
    budget: float
    """Pixels, decoding included (see `DECODE_SHARE`)."""
    max_error_m: float
    """A photo is not asked about a spot where the two can be off against each other by more (95 %)."""


def plan_second_looks(
    photos: Sequence[PhotoGeometry], spots: Spots, asking: Asking
) -> tuple[SecondLook, ...]:
    """The photos to decode again, in the order of their digests, each with windows that do not overlap much."""
    ordered = sorted(photos, key=lambda one: one.digest)
    finders = _Finders.of({photo.digest: photo for photo in ordered}, spots)
    sights = [_sight(photo, spots, finders, asking) for photo in ordered]
    wanted = np.full(len(spots), asking.looks)
    left, chosen = asking.budget, []
    queue = [(-math.inf, number) for number in range(len(ordered))]
    while queue:
        told, number = heapq.heappop(queue)
        sight, photo = sights[number], ordered[number]
        open_ = sight.spots[wanted[sight.spots] > 0]
        if not open_.size:
            continue
        whole = _look(photo, sight, open_, asking)
        value = float(sight.gain[wanted[sight.spots] > 0].sum()) / whole.cost
        if queue and told != -value and -value > queue[0][0]:
            heapq.heappush(queue, (-value, number))
            continue
        look = whole if whole.cost <= left else _within(photo, sight, open_, asking, left)
        if look is not None:
            chosen.append(look)
            wanted[list(look.spots)] -= 1
            left -= look.cost
    return tuple(sorted(chosen, key=lambda one: one.digest))


@dataclass(frozen=True, eq=False, slots=True)
class _Sight:
    """The spots that a photo shows well enough."""

    spots: NDArray[np.int64]
    pixels: Floats
    gain: Floats
    apart_m: Floats


@dataclass(frozen=True, eq=False, slots=True)
class _Finders:
    """The photos that found the spots, [N] each."""

    block: NDArray[np.int64]
    """-1: none."""
    share_m: Floats

    @classmethod
    def of(cls, photos: Mapping[str, PhotoGeometry], spots: Spots) -> _Finders:
        finders = [photos.get(digest) for digest in spots.found_in]
        blocks = [-1 if one is None or one.block is None else one.block for one in finders]
        shares = [math.nan if one is None else one.share95_m for one in finders]
        return cls(np.array(blocks, np.int64), np.array(shares, float))


def _sight(photo: PhotoGeometry, spots: Spots, finders: _Finders, asking: Asking) -> _Sight:
    camera = photo.camera
    half_side = min(camera.width, camera.height) / 2 / camera.focal_px
    near = np.flatnonzero(
        (np.hypot(*(spots.places - photo.centre).T) < 3 * half_side * photo.pose.height_m)
        & np.array([digest != photo.digest for digest in spots.found_in], bool)
    )
    pixels = photo.ground_to_pixel(spots.places[near])
    edge = np.minimum(pixels, np.array([camera.width - 1, camera.height - 1]) - pixels).min(
        axis=1, initial=math.inf
    )
    from_axis = ((pixels - (camera.cx, camera.cy)) ** 2).sum(axis=1) / camera.focal_px**2
    offset = (spots.places[near] - photo.centre) / photo.metres_on_grid / photo.pose.height_m
    radius = np.sqrt((from_axis + (offset**2).sum(axis=1)) / 2) / half_side
    good = (edge > asking.side_px / 4) & (radius < MAX_RADIUS)
    near, pixels, radius = near[good], pixels[good], radius[good]
    apart = _apart(photo, pixels, near, spots, finders)
    close = apart <= asking.max_error_m
    near, pixels, radius = near[close], pixels[close], radius[close]
    return _Sight(near, pixels, spots.weights[near] * (MAX_RADIUS + 0.5 - radius), apart[close])


def _apart(
    photo: PhotoGeometry, pixels: Floats, near: NDArray[np.int64], spots: Spots, finders: _Finders
) -> Floats:
    """95 % radius by which the photo and the one that found each spot may put the same thing apart.

    Errors that a block shares do not part its photos.
    """
    if not near.size:
        return np.zeros(0)
    if photo.block is None:
        return np.hypot(photo.error95_m(pixels), spots.errors_m[near])
    same = finders.block[near] == photo.block
    apart = np.hypot(photo.share95_m, finders.share_m[near])
    if not same.all():
        apart[~same] = np.hypot(photo.error95_m(pixels[~same]), spots.errors_m[near[~same]])
    return np.asarray(apart)


def _look(photo: PhotoGeometry, sight: _Sight, spots: NDArray[np.int64], asking: Asking) -> SecondLook:
    mine = np.isin(sight.spots, spots)
    pixels = sight.pixels[mine]
    windows = _merged([_window(photo, x, y, asking.side_px) for x, y in pixels.tolist()])
    decoding = DECODE_SHARE * photo.camera.width * photo.camera.height
    cost = decoding + sum(_area(one) for one in windows)
    return SecondLook(
        photo.digest, tuple(windows), tuple(spots.tolist()), tuple(sight.apart_m[mine].tolist()), cost
    )


def _within(
    photo: PhotoGeometry, sight: _Sight, spots: NDArray[np.int64], asking: Asking, left: float
) -> SecondLook | None:
    """As many of the spots, the most rewarding first, as the rest of the budget allows."""
    decoding = DECODE_SHARE * photo.camera.width * photo.camera.height
    count = min(len(spots), int((left - decoding) / asking.side_px**2))
    if count < 1:
        return None
    gain = sight.gain[np.isin(sight.spots, spots)]
    best = np.sort(spots[np.argsort(-gain, kind="stable")[:count]])
    look = _look(photo, sight, best, asking)
    return look if look.cost <= left else None


def _window(photo: PhotoGeometry, x: float, y: float, side: float) -> Window:
    width, height = photo.camera.width, photo.camera.height
    across, down = min(_whole(side), width), min(_whole(side), height)
    left = min(max(int(x - across / 2), 0), width - across)
    top = min(max(int(y - down / 2), 0), height - down)
    return Window(left, top, left + across, top + down)


def _whole(side: float) -> int:
    return math.ceil(side / _BLOCK) * _BLOCK


def _merged(windows: Sequence[Window]) -> list[Window]:
    """Windows that overlap become one where that is not wasteful."""
    rest = sorted(windows, key=lambda one: (one.y0, one.x0))
    done: list[Window] = []
    while rest:
        one = rest.pop(0)
        partner = next((other for other in rest if _worth(one, other)), None)
        if partner is None:
            done.append(one)
        else:
            rest.remove(partner)
            rest.insert(0, _around(one, partner))
    return done


def _worth(one: Window, other: Window) -> bool:
    return _area(_around(one, other)) <= _MERGE * (_area(one) + _area(other)) and not (
        other.x0 >= one.x1 or one.x0 >= other.x1 or other.y0 >= one.y1 or one.y0 >= other.y1
    )


def _around(one: Window, other: Window) -> Window:
    return Window(min(one.x0, other.x0), min(one.y0, other.y0), max(one.x1, other.x1), max(one.y1, other.y1))


def _area(window: Window) -> int:
    return (window.x1 - window.x0) * (window.y1 - window.y0)
