"""The weed model: one window of an RGB picture in, crop and weed plants out."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Interval
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.inference.plants import STRIDE, Decoding, Segmentation, segment
from fieldbox.inference.runtime import CHANNELS, Session

MULTIPLE = 32
# One run costs about 80 bytes of memory a pixel: 1.2 MPx keep two workers well inside their share.
TILE_PX = 1_200_000
# Half of it is dropped on either side of a seam: more than a large weed's radius at 2.8 mm a pixel.
OVERLAP = 96
NATIVE_GSD_MM = 2.8
"""The scale of the training tiles: finer photos are looked at on this scale."""
UNKNOWN_RATIO = Interval(0.5, 2.0)
"""For a model that was never held against counted plants."""


class Runs(Protocol):
    """What a model needs to be asked: `Session`, or a stand-in in a test."""

    digest: str

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `Session.run`."""
        ...


@dataclass(frozen=True, slots=True)
class Ratios:
    """95 % intervals of true over predicted numbers on tiles that the model was not trained on.

    `count` and `cover` hold at any resolution that the model may be used at; `measured` has what was found at
    each single one (mm a pixel).
    """

    count: Mapping[Cover, Interval] = field(default_factory=lambda: dict.fromkeys(Cover, UNKNOWN_RATIO))
    cover: Mapping[Cover, Interval] = field(default_factory=lambda: dict.fromkeys(Cover, UNKNOWN_RATIO))
    measured: Mapping[float, Ratios] = field(default_factory=dict)
    recall: Mapping[Cover, float] = field(default_factory=dict)
    """Share of all plants that are found there; what is not known is not in it."""

    @classmethod
    def from_metadata(cls, stored: Mapping[str, str]) -> Ratios:
        """From the model file's metadata.

        `count_ratio95`, `cover_ratio95`: JSON {class: [low, high]}; `ratios95_by_gsd`, optional: JSON
        {mm a pixel: {"count": as above, "cover": as above}}.
        """
        by_gsd = json.loads(stored.get("ratios95_by_gsd", "{}"))
        measured = {
            float(gsd): cls(_intervals(of["count"]), _intervals(of["cover"])) for gsd, of in by_gsd.items()
        }
        count, cover = json.loads(stored["count_ratio95"]), json.loads(stored["cover_ratio95"])
        return cls(_intervals(count), _intervals(cover), measured, _recall(stored))

    def near(self, gsd_mm: float) -> Ratios:
        """The intervals at one resolution: they span those measured at the next finer and next coarser one.

        These ones themselves where nothing was measured for single resolutions.
        """
        if not self.measured:
            return self
        finer = max((gsd for gsd in self.measured if gsd <= gsd_mm), default=min(self.measured))
        coarser = min((gsd for gsd in self.measured if gsd >= gsd_mm), default=max(self.measured))
        one, other = self.measured[finer], self.measured[coarser]
        return Ratios(
            {kind: _span(one.count[kind], other.count[kind]) for kind in Cover},
            {kind: _span(one.cover[kind], other.cover[kind]) for kind in Cover},
        )


def _recall(stored: Mapping[str, str]) -> dict[Cover, float]:
    """`recall`, optional: JSON {class: share}."""
    told = json.loads(stored.get("recall", "{}"))
    return {kind: float(told[kind.value]) for kind in Cover if kind.value in told}


def _intervals(by_class: Mapping[str, Sequence[float]]) -> dict[Cover, Interval]:
    return {kind: Interval(*map(float, by_class[kind.value])) for kind in Cover}


def _span(one: Interval, other: Interval) -> Interval:
    return Interval(min(one.low, other.low), max(one.high, other.high))


class WeedModel:
    """Tells crop from weeds. Safe to share between threads."""

    def __init__(
        self,
        session: Runs,
        *,
        release: str,
        gsd_range_mm: tuple[float, float],
        decoding: Decoding,
        ratios: Ratios | None = None,
        macs_per_pixel: float = 0.0,
        native_gsd_mm: float = NATIVE_GSD_MM,
        crops: Sequence[str] = (),
    ) -> None:
        self._session = session
        self.decoding = decoding
        self.gsd_range_mm = gsd_range_mm
        self.ratios = ratios or Ratios()
        self.macs_per_pixel = macs_per_pixel
        self.native_gsd_mm = native_gsd_mm
        self.crops = tuple(crops)
        """That training showed, in small letters."""
        self.release = release
        self.digest = session.digest

    @classmethod
    def load(cls, path: Path, *, expected_sha256: str | None = None, threads: int = 1) -> WeedModel:
        """Load the model file; raises `Misconfigured` as `Session.load` does, or where its metadata is unusable."""
        session = Session.load(path, threads=threads, expected_sha256=expected_sha256)
        try:
            stored = session.metadata
            low, high = json.loads(stored["gsd_mm"])
            decoding = Decoding.from_json(json.loads(stored["decoding"]))
            return cls(
                session, release=f"{stored['name']}@{stored['version']}",
                gsd_range_mm=(float(low), float(high)), decoding=decoding,
                ratios=Ratios.from_metadata(stored), macs_per_pixel=float(stored["macs_per_pixel"]),
                native_gsd_mm=float(stored.get("native_gsd_mm", NATIVE_GSD_MM)),
                crops=[str(crop) for crop in json.loads(stored["crops"])],
            )  # fmt: skip
        except KeyError as error:
            raise Misconfigured(
                N_("The model file {file} lacks its description; install the release again."), file=path.name
            ) from error
        except (ValueError, TypeError) as error:
            raise Misconfigured(
                N_(
                    "The model file {file} was made for another release of fieldbox: get one for this release."
                ),
                file=path.name,
            ) from error

    @property
    def sure_from(self) -> Mapping[Cover, float]:
        """The score from which on a plant is called sure."""
        return dict(zip((Cover.CROP, Cover.WEED), self.decoding.sure, strict=True))

    def look(self, window: NDArray[np.uint8], gsd_mm: float) -> Segmentation:
        """Find the plants in one window.

        window: uint8 [H, W, 3] RGB, any size from 1x1 up; gsd_mm: its millimetres of ground to a pixel, which
        should be inside `gsd_range_mm` and no finer than `native_gsd_mm`.
        Returns maps at 1/4 of its size and plants in its pixels.
        Raises `ValueError` for another shape or type.
        """
        if window.dtype != np.uint8 or window.ndim != 3 or window.shape[2] != 3 or not window.size:
            raise ValueError(f"uint8 [height, width, 3] expected, not {window.dtype} {window.shape}")
        height, width = window.shape[:2]
        return segment(self.maps(window), self.decoding, (height, width), gsd_mm)

    def maps(self, window: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The model's own maps of a window, float32 [8, h, w] with h >= ceil(H / 4); `look` decodes them."""
        padded = _padded(window)
        height, width = padded.shape[:2]
        rows, columns = _tiles(height, width)
        if len(rows) == 1 and len(columns) == 1:
            whole: NDArray[np.float32] = self._session.run(padded[None])[0]
            return whole
        maps = np.empty((CHANNELS, height // STRIDE, width // STRIDE), np.float32)
        for top, bottom, first_row, last_row in rows:
            for left, right, first_column, last_column in columns:
                part = self._session.run(np.ascontiguousarray(padded[None, top:bottom, left:right]))[0]
                y, x = (
                    np.s_[first_row // STRIDE : last_row // STRIDE],
                    np.s_[first_column // STRIDE : last_column // STRIDE],
                )
                inner_y = np.s_[(first_row - top) // STRIDE : (last_row - top) // STRIDE]
                inner_x = np.s_[(first_column - left) // STRIDE : (last_column - left) // STRIDE]
                maps[:, y, x] = part[:, inner_y, inner_x]
        return maps


def _padded(window: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mirror the right and lower border until both sides are multiples of 32."""
    height, width = window.shape[:2]
    down, right = -height % MULTIPLE, -width % MULTIPLE
    if not down and not right:
        return window
    # A mirror image needs something to mirror: very small windows are repeated at their edge instead.
    how = cv2.BORDER_REFLECT_101 if height > down and width > right else cv2.BORDER_REPLICATE
    return cv2.copyMakeBorder(window, 0, down, 0, right, how).astype(np.uint8, copy=False)


Span = tuple[int, int, int, int]
"""Of a tile along one axis: where it begins and ends, and from where to where its answer is used."""


def _tiles(height: int, width: int) -> tuple[list[Span], list[Span]]:
    """Cut a window (sides multiples of 32) into rows and columns of overlapping tiles of at most `TILE_PX`.

    Of all ways to cut, the one with the fewest pixels to look at.
    """
    ways = (
        (_side(height, down), _side(width, across), down, across)
        for down in range(1, 2 + height // (2 * OVERLAP))
        for across in range(1, 2 + width // (2 * OVERLAP))
    )
    fitting = (way for way in ways if way[0] * way[1] <= TILE_PX)
    _, _, down, across = min(fitting, key=math.prod)
    return _spans(height, down), _spans(width, across)


def _side(length: int, count: int) -> int:
    """Side of each of `count` overlapping tiles that cover `length`, a multiple of 32."""
    return min(length, math.ceil((length + (count - 1) * OVERLAP) / count / MULTIPLE) * MULTIPLE)


def _spans(length: int, count: int) -> list[Span]:
    side = _side(length, count)
    begins = [round(n * (length - side) / max(1, count - 1) / MULTIPLE) * MULTIPLE for n in range(count)]
    # Seams lie in the middle of the overlaps, on whole cells.
    seams = [
        0,
        *((a + side + b) // 2 // STRIDE * STRIDE for a, b in itertools.pairwise(begins)),
        length,
    ]
    return [(begin, begin + side, seams[n], seams[n + 1]) for n, begin in enumerate(begins)]
