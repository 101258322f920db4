"""From a flight as its tags tell it to one whose photos agree: points, pairs, tracks, adjustment.

Each photo is searched for points once (`Search`, the work of pixels); `align_points` needs the points alone.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from fieldbox.errors import Rejected
from fieldbox.georef.adjustment import Adjusted, Outcome, adjust
from fieldbox.georef.aligned import aligned
from fieldbox.georef.controltrust import Freedom, borne_out
from fieldbox.georef.matching import Pair, Points, match, neighbours, points_of
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.ties import Control, Frame, Photos, Ties, photos_of
from fieldbox.georef.tracks import tracks_of
from fieldbox.georef.turned import heading_of
from fieldbox.imagery.decode import REDUCTIONS, decode_jpeg
from fieldbox.imagery.features import Features, find_features, no_features
from fieldbox.imagery.glance import Glance, glance_at
from fieldbox.ordered import in_order

VERSION = 5
"""Raise it when the same photos would be aligned differently."""
SEARCHED_PX = 800
"""Long side, in pixels, at which the photos of a flight are searched for points (in the median)."""
_POINTS_AT_HAND = 160
"""Photos whose points are in memory at once, ready to be compared."""
TURNED_NEIGHBOURS = 8
"""A photo that stays loose is compared at other headings with so many adjusted ones, the nearest by their told places."""
MOST_TURNED = 0.2
"""Of a flight's photos: where more stay loose it is not their headings."""

Reader = Callable[[str], bytes]
_HEAD = struct.Struct("<IQ")


@dataclass(frozen=True, slots=True)
class Searched:
    """What the pixels of a photo tell before anything is looked at: its points, and how it is exposed and how sharp."""

    features: Features
    glance: Glance | None
    """None: the photo cannot be decoded."""

    def to_bytes(self) -> bytes:
        """For the disk; `from_bytes` reads it."""
        features = self.features.to_bytes()
        body = features + (self.glance.to_bytes() if self.glance else b"")
        return _HEAD.pack(zlib.crc32(body), len(features)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Searched:
        """What `to_bytes` made. Raises ValueError for anything else."""
        body = memoryview(data)[_HEAD.size :]
        checksum, end = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (-1, 0)
        if zlib.crc32(body) != checksum:
            raise ValueError("no stored search")
        glance = Glance.from_bytes(bytes(body[end:])) if len(body) > end else None
        return cls(Features.from_bytes(bytes(body[:end])), glance)


SearchedOf = Callable[[str], Searched]
"""What was found in the photo with this digest."""


@dataclass(frozen=True, slots=True)
class Search:
    """How a photo is searched for points: north up, at one scale on the ground for the whole flight."""

    digest: str
    reduction: int
    """Decode it at 1 / reduction."""
    step_px: float
    """Pixels of the full photo to one of the picture that is searched."""
    yaw_deg: float

    @property
    def name(self) -> str:
        """Of the file that keeps the points: another search has another."""
        told = json.dumps([VERSION, self.reduction, self.step_px, self.yaw_deg])
        return f"{self.digest}-{blake3(told.encode()).hexdigest()[:8]}.points"

    def made(self, pixels: NDArray[np.uint8]) -> Searched:
        """Search the photo's pixels, uint8 [h, w, 3], decoded at 1 / `reduction`."""
        found = find_features(pixels, self.reduction, self.yaw_deg, self.step_px)
        return Searched(found, glance_at(pixels))


def searches(told: Iterable[PhotoGeometry]) -> list[Search]:
    """How each photo of a flight is to be searched."""
    photos = list(told)
    step_m = float(np.median([_long_side(photo) * photo.gsd_m for photo in photos])) / SEARCHED_PX
    return [_search(photo, step_m) for photo in photos]


def _search(photo: PhotoGeometry, step_m: float) -> Search:
    step_px = max(1.0, step_m / photo.gsd_m)
    reduction = max(step for step in REDUCTIONS if step <= step_px)
    return Search(photo.digest, reduction, step_px, photo.grid_yaw_deg)


def _long_side(photo: PhotoGeometry) -> int:
    return max(photo.camera.width, photo.camera.height)


@dataclass(frozen=True)
class Alignment:
    """A flight's photos after the adjustment.

    told        by digest: as their tags (or a list of better positions) put them
    geometries  by digest, in the same order: adjusted, or as told where a photo is tied to nothing
    adjusted    the adjustment itself, photos in that order
    frame       its local metres on the ground
    compared, matched  pairs of photos whose footprints meet, and those with enough in common
    step_px     [N] pixels of each photo to one of the picture that was searched
    ties        [N] points that each photo shares with others
    residual_px [N] root mean square of their residuals in pixels of the photo; NaN: none
    glances     by digest, of the photos that can be decoded
    control_off_m [G, 2] east, north by which known points are missed; NaN where too few photos show one
    control_used  [G] whether the point holds the map in place: the photos bear it out
    """

    told: Mapping[str, PhotoGeometry]
    geometries: dict[str, PhotoGeometry]
    adjusted: Adjusted
    frame: Frame
    compared: int
    matched: int
    step_px: NDArray[np.float64]
    ties: NDArray[np.intp]
    residual_px: NDArray[np.float64]
    control_off_m: NDArray[np.float64]
    control_used: NDArray[np.bool_]
    glances: dict[str, Glance]

    @property
    def kept(self) -> tuple[str, ...]:
        """Photos that stay where their tags put them."""
        pairs = zip(self.geometries, self.adjusted.outcome, strict=True)
        return tuple(digest for digest, outcome in pairs if outcome is not Outcome.ADJUSTED)

    @property
    def blocks(self) -> int:
        """Groups of photos that hang together."""
        return int(self.adjusted.block.max(initial=-1)) + 1


def alignment_key(
    told: Mapping[str, PhotoGeometry], taken_at: Mapping[str, datetime | None], control: str = ""
) -> str:
    """Digest of everything that determines an alignment; `control`: digest of the control points."""
    photos = [
        [digest, one.plane.epsg, asdict(one.pose), asdict(one.camera), str(taken_at.get(digest))]
        for digest, one in told.items()
    ]
    return blake3(json.dumps([VERSION, control, photos], sort_keys=True).encode()).hexdigest()


def align_points(
    told: Mapping[str, PhotoGeometry],
    taken_at: Mapping[str, datetime | None],
    searched: SearchedOf,
    *,
    threads: int = 1,
    control: Callable[[Frame], Control] | None = None,
) -> Alignment:
    """Align a flight: photos by digest as told, when each was taken, and what was found in each.

    `control` gives the known points in the flight's local metres. The same photos give the same result.
    """
    photos = tuple(told.values())
    digests = list(told)
    xy, steps, glances = _at_hand(digests, searched)
    wanted = neighbours(photos)

    @lru_cache(maxsize=_POINTS_AT_HAND)
    def ready(number: int) -> Points:
        one = searched(digests[number]).features
        return points_of(one.xy, one.descriptors, one.step_px, photos[number])

    def compared(pair: tuple[int, int]) -> Pair | None:
        first, second = pair
        return match(first, ready(first), second, ready(second))

    pairs = [pair for _numbers, pair in in_order(threads, compared, wanted) if pair]
    ties = tracks_of(pairs, xy, steps.tolist())
    given, frame = flown(told, taken_at)
    known = control(frame) if control else Control()
    adjusted, used = _held(given, ties, known)
    more = _at_other_headings(photos, adjusted, lambda number: searched(digests[number]).features, ready)
    if more:
        ties = tracks_of([*pairs, *more], xy, steps.tolist())
        adjusted, used = _held(given, ties, known)
    counts, residuals = _of_photos(ties, adjusted)
    placed = aligned(photos, adjusted, frame)
    off = (adjusted.control - known.known)[:, :2]
    return Alignment(
        told, placed, adjusted, frame, len(wanted), len(pairs), steps, counts, residuals, off, used, glances
    )


def as_told(told: Mapping[str, PhotoGeometry], taken_at: Mapping[str, datetime | None]) -> Alignment:
    """Photos that are in place already: nothing is searched, and nothing moved."""
    nothing = Searched(no_features(1.0), None)
    return replace(align_points(told, taken_at, lambda _digest: nothing), geometries=dict(told))


def _at_other_headings(
    photos: Sequence[PhotoGeometry],
    adjusted: Adjusted,
    features: Callable[[int], Features],
    ready: Callable[[int], Points],
) -> list[Pair]:
    """What photos that stayed loose have in common with adjusted ones around them at another heading than told."""
    sure = np.flatnonzero([outcome is Outcome.ADJUSTED for outcome in adjusted.outcome])
    if len(photos) - len(sure) > MOST_TURNED * len(photos):
        return []
    centres = np.array([photos[number].centre for number in sure.tolist()])
    found: list[Pair] = []
    for number in np.setdiff1d(np.arange(len(photos)), sure).tolist():
        away = np.hypot(*(centres - photos[number].centre).T)
        nearest = sure[np.argsort(away, kind="stable")[:TURNED_NEIGHBOURS]].tolist()
        one = features(number)
        if len(one):
            around = [(other, ready(other)) for other in nearest]
            heading = heading_of(number, photos[number], (one.xy, one.descriptors, one.step_px), around)
            found += heading.pairs if heading else ()
    return found


def align(
    told: Mapping[str, PhotoGeometry],
    taken_at: Mapping[str, datetime | None],
    read: Reader,
    *,
    threads: int = 1,
) -> Alignment:
    """As `align_points`, from the photos' bytes, keeping nothing. A photo that cannot be decoded has no points."""
    wanted = searches(told.values())
    found = in_order(threads, lambda search: _searched(search, read), wanted)
    searched = {search.digest: one for search, one in found}
    return align_points(told, taken_at, searched.__getitem__, threads=threads)


def _searched(search: Search, read: Reader) -> Searched:
    try:
        return search.made(decode_jpeg(read(search.digest), reduction=search.reduction))
    except Rejected:
        return Searched(no_features(search.step_px), None)


def _at_hand(
    digests: Sequence[str], searched: SearchedOf
) -> tuple[list[NDArray[np.float32]], NDArray[np.float64], dict[str, Glance]]:
    """Of each photo its points' pixels, without their descriptions, which need the most memory; its step; its glance."""
    xy, steps, glances = [], [], {}
    for digest in digests:
        one = searched(digest)
        xy.append(one.features.xy.copy())
        steps.append(one.features.step_px)
        if one.glance:
            glances[digest] = one.glance
    return xy, np.array(steps, float), glances


def flown(told: Mapping[str, PhotoGeometry], taken_at: Mapping[str, datetime | None]) -> tuple[Photos, Frame]:
    """What the adjustment is given of the photos, and its local metres on the ground."""
    return photos_of(tuple(told.values()), _seconds([taken_at.get(digest) for digest in told]))


def _seconds(times: Iterable[datetime | None]) -> NDArray[np.float64]:
    """Seconds of each since the first; NaN where not known."""
    known = list(times)
    first = min((one for one in known if one), default=None)
    return np.array([(one - first).total_seconds() if one and first else np.nan for one in known])


def _held(given: Photos, ties: Ties, known: Control) -> tuple[Adjusted, NDArray[np.bool_]]:
    """The adjustment, held in place by those of the known points that the photos alone bear out; which these are."""
    free = adjust(given, ties, replace(known, sigma=np.full_like(known.sigma, np.inf)))
    block = free.block >= 0
    if not len(known.known) or not block.any():
        return free, np.zeros(len(known.known), np.bool_)
    used = _borne_out(free, known)
    if not used.any():
        return free, used
    held = adjust(given, ties, replace(known, sigma=np.where(used[:, None], known.sigma, np.inf)))
    if (held.block >= 0).sum() < block.sum():
        return free, np.zeros(len(used), np.bool_)  # control that costs photos their place is wrong
    return held, used


def _borne_out(free: Adjusted, known: Control) -> NDArray[np.bool_]:
    """[G] points that the photos of their block bear out: each block is off by an error of its own."""
    used = np.zeros(len(known.known), np.bool_)
    home = free.block[known.photo]
    for number in range(int(free.block.max()) + 1):
        mine = np.isin(np.arange(len(used)), known.point[home == number])
        found = np.where(mine[:, None], free.control[:, :2], np.nan)
        photos = free.block == number
        freedom = Freedom.of(free.pose[photos], free.covariance[photos])
        used |= borne_out(known.known[:, :2], found, freedom)
    return used


def _of_photos(ties: Ties, adjusted: Adjusted) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """[N] used ties of each photo, and the root mean square length of their residuals."""
    count = len(adjusted.pose)
    used = adjusted.used & np.isfinite(adjusted.residual_px).all(axis=1)
    square = (adjusted.residual_px[used] ** 2).sum(axis=1)
    number = np.bincount(ties.photo[used], minlength=count)
    total = np.bincount(ties.photo[used], square, minlength=count)
    mean = np.divide(total, number, out=np.full(count, np.nan), where=number > 0)
    return number.astype(np.intp), np.sqrt(mean)
