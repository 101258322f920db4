"""From the model's maps to single plants.

The model gives, for each cell of 4x4 pixels, how likely its four quarters are plant, how likely a plant
there is a weed, how likely a plant's centre is, and where the centre of the plant lies that the cell belongs
to. A peak of the centre map is a plant; each cell goes to the peak nearest to where it points. So touching
plants come apart, and a plant whose leaves are apart stays one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

STRIDE = 4
CROP, WEED = 1, 2
QUARTERS, WEED_SHARE, CENTRE, OFFSET_X, OFFSET_Y = slice(0, 4), 4, 5, 6, 7
"""Places of the model's maps."""
FINE = STRIDE // 2
"""Pixels a side of a quarter."""
# Pixel position of the middle of cell 0: pixels 0 to 3, centre of the first at 0.
CELL_MIDDLE = (STRIDE - 1) / 2
QUARTER_MIDDLE = (FINE - 1) / 2
# The rim of a large plant points less exactly than a small plant's: by this share of the way.
ASTRAY = 0.8
# A cell this many times likelier to be of the other class is no part of a plant.
PLAINLY = 1.5
# Steps a quarter in which outlines are drawn.
FINER = 2
GROW = np.ones((2, 2), np.uint8)
FEATURES = 5
"""Of a plant, on which its scores rest: see `_features`."""
PLAIN_PLANT = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
PLAIN_WEED = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
"""Weights that believe the centre and the share of weed as the model gives them."""
ANY = ((-7.0, 7.0),) * FEATURES
SIZE_UNIT_MM2 = 2000.0
"""The middling weed, about: so that the logarithm of a size is about 0."""
SCALE_UNIT_MM = 2.8
"""The same of mm per pixel."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """Thresholds of the decoding; tuned with the model, stored in its file.

    peak        least centre probability of a plant
    window      side in cells of the square in which a centre must be the highest
    green       least probability of being plant for a cell to count at all
    edge        crop, weed: its outline lies at this share of its own typical probability of being plant
    reach       a cell that points more than this many cells beside every centre is no plant's; a cell far
                from its centre may miss it by `ASTRAY` of its distance more
    smallest    least area of a plant, in cells
    split       crop, weed: two peaks are one plant where the ridge between them keeps this share of the lower one
    cover       crop, weed: a cell counts as covered where its probability of being plant is at least this, in
                photos of `SCALE_UNIT_MM`
    cover_coarse  the same in photos half as fine, and in between
    is_plant    weights of 1 and a plant's features (see `_features`); the logistic function of their sum is the
                probability that a plant stands there
    is_weed     the same for the probability that it is a weed, if it is a plant; the score of a class is the product
    plant_within, weed_within  of each feature the least and the greatest value that counts for either: what lies
                beyond is taken as the nearest of them, since little was learnt there
    least       crop, weed: least such probability to report a plant
    sure        crop, weed: from this probability on a plant is called sure
    """

    peak: float = 0.15
    window: int = 5
    green: float = 0.15
    edge: tuple[float, float] = (0.6, 0.6)
    reach: float = 6.0
    smallest: float = 2.0
    split: tuple[float, float] = (0.3, 0.35)
    cover: tuple[float, float] = (0.5, 0.5)
    cover_coarse: tuple[float, float] = (0.5, 0.5)
    is_plant: tuple[float, ...] = PLAIN_PLANT
    is_weed: tuple[float, ...] = PLAIN_WEED
    plant_within: tuple[tuple[float, float], ...] = ANY
    weed_within: tuple[tuple[float, float], ...] = ANY
    least: tuple[float, float] = (0.4, 0.4)
    sure: tuple[float, float] = (0.8, 0.8)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Decoding:
        """From the model's metadata; what is missing there has its default.

        Raises `ValueError` for an unknown name or a value of another shape than the default's.
        """
        plain = cls()
        values: dict[str, object] = {}
        for key, value in stored.items():
            tupled = _tupled(value)
            if not _alike(tupled, getattr(plain, key, None)):
                raise ValueError(f"decoding: {key} cannot be {value!r}")
            values[key] = tupled
        made = dataclasses.replace(plain, **values)  # type: ignore[arg-type]
        for within in (made.plant_within, made.weed_within):
            if any(low > high for low, high in within):
                raise ValueError(f"decoding: features cannot be within {within!r}")
        return made


def _tupled(value: object) -> object:
    return tuple(_tupled(one) for one in value) if isinstance(value, list | tuple) else value


def _alike(value: object, example: object) -> bool:
    """Whether both are a finite number, or both a tuple of as many that are alike."""
    if isinstance(example, tuple):
        return (
            isinstance(value, tuple)
            and len(value) == len(example)
            and all(_alike(one, other) for one, other in zip(value, example, strict=True))
        )
    return (
        isinstance(example, int | float)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


@dataclass(frozen=True, slots=True)
class Plants:
    """Single plants of one window; N of them.

    classes      uint8 [N]: 1 crop, 2 weed
    scores       float32 [N]: probability that a plant of that class stands there
    others       float32 [N]: probability that it is one of the other class
    weed_share   float32 [N]: probability of weed, given that it is a plant
    sure         bool [N]: the score is high enough to act on
    centres      float32 [N, 2]: x, y in window pixels; the centre of the top-left pixel is (0, 0)
    areas_px     float32 [N]: covered area in square pixels
    outlines     N of float32 [K, 2]: x, y of its outline's corners, window pixels as above
    """

    classes: NDArray[np.uint8]
    scores: Floats
    others: Floats
    weed_share: Floats
    sure: NDArray[np.bool_]
    centres: Floats
    areas_px: Floats
    outlines: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What was seen in one window of H x W pixels; h = ceil(H / 4), w = ceil(W / 4).

    classes    uint8 [h, w]: 0 soil, 1 crop, 2 weed, per cell of 4x4 pixels
    certainty  uint8 [h, w]: 255 times the probability of that class
    plants     the single plants, in window pixels
    """

    classes: NDArray[np.uint8]
    certainty: NDArray[np.uint8]
    plants: Plants


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells that may be plant, flat: position, probabilities, cells to go to the centre, and whose it is."""

    x: Ints
    y: Ints
    green: Floats
    weed: Floats
    away: Floats
    owner: Ints


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything that may be a plant, before it is decided what is reported.

    features     float32 [N, FEATURES], see `_features`
    centres, areas_px, outlines    as in `Plants`
    """

    features: Floats
    centres: Floats
    areas_px: Floats
    outlines: tuple[Floats, ...]


def no_plants() -> Plants:
    """Of a window without any."""
    none = np.zeros(0, np.float32)
    return Plants(
        np.zeros(0, np.uint8), none, none, none, np.zeros(0, np.bool_), np.zeros((0, 2), np.float32), none, ()
    )


def segment(maps: Floats, decoding: Decoding, size: tuple[int, int], gsd_mm: float) -> Segmentation:
    """Decode the maps of one window.

    maps: float32 [8, h, w] as the model gives them; size: (H, W) of the window in pixels, at most 4h, 4w;
    gsd_mm: millimetres of ground to a pixel of the window.
    """
    maps = _cropped(maps, size)
    green, weed = maps[QUARTERS].mean(0), maps[WEED_SHARE]
    is_weed = weed > np.float32(0.5)
    crop_level, weed_level = cover_levels(decoding, gsd_mm)
    covered = green >= np.where(is_weed, np.float32(weed_level), np.float32(crop_level))
    classes = np.where(covered, np.where(is_weed, np.uint8(WEED), np.uint8(CROP)), np.uint8(0))
    share = np.maximum(weed, 1 - weed)
    certainty = (np.where(covered, green * share, 1 - green) * 255 + 0.5).astype(np.uint8)
    return Segmentation(classes, certainty, find_plants(maps, decoding, size, gsd_mm))


def cover_levels(decoding: Decoding, gsd_mm: float) -> tuple[float, float]:
    """Crop, weed: least probability of being plant for a cell to be covered, at a scale."""
    coarse = min(1.0, max(0.0, math.log2(gsd_mm / SCALE_UNIT_MM)))
    crop, weed = (a + coarse * (b - a) for a, b in zip(decoding.cover, decoding.cover_coarse, strict=True))
    return crop, weed


def find_plants(maps: Floats, decoding: Decoding, size: tuple[int, int], gsd_mm: float) -> Plants:
    """Single plants of one window; `maps`, `size` and `gsd_mm` as in `segment`."""
    return judged(candidates(maps, decoding, size, gsd_mm), decoding)


def candidates(maps: Floats, decoding: Decoding, size: tuple[int, int], gsd_mm: float) -> Candidates:
    """All that may be plants in one window; `maps`, `size` and `gsd_mm` as in `segment`."""
    maps = _cropped(maps, size)
    peaks = _peaks(maps, decoding)
    cells = _claim(maps, peaks, decoding) if len(peaks) else None
    if cells is None or not len(cells.x):
        none = np.zeros(0, np.float32)
        return Candidates(np.zeros((0, FEATURES), np.float32), np.zeros((0, 2), np.float32), none, ())
    return _describe(maps, peaks, cells, decoding, size, gsd_mm)


def judged(found: Candidates, decoding: Decoding) -> Plants:
    """Those of the candidates that are likely enough, each as the class that is likelier."""
    if not len(found.features):
        return no_plants()
    both = probabilities(found.features, decoding)
    place = both.argmax(1)
    rows = np.arange(len(both))
    scores, least = both[rows, place], np.array(decoding.least)[place]
    kept = np.flatnonzero(scores >= least)
    place = place[kept]
    return Plants(
        classes=(place + 1).astype(np.uint8),
        scores=scores[kept],
        others=both[kept, 1 - place],
        weed_share=(both[:, 1] / np.maximum(both.sum(1), 1e-9))[kept],
        sure=scores[kept] >= np.array(decoding.sure, np.float32)[place],
        centres=found.centres[kept],
        areas_px=found.areas_px[kept],
        outlines=tuple(found.outlines[i] for i in kept),
    )


def probabilities(features: Floats, decoding: Decoding) -> Floats:
    """Of each plant, that it is a crop plant and that it is a weed: float32 [N, 2]; together 1 at most."""
    plant = _logistic(clipped(features, decoding.plant_within), decoding.is_plant)
    weed = _logistic(clipped(features, decoding.weed_within), decoding.is_weed)
    made: Floats = np.stack([plant * (1 - weed), plant * weed], 1)
    return made


def clipped(features: Floats, within: Sequence[tuple[float, float]]) -> Floats:
    """Features as they count (see `Decoding.plant_within`)."""
    least, most = np.array(within, np.float32).T
    made: Floats = np.clip(features, least, most)
    return made


def _logistic(inside: Floats, weights: Sequence[float]) -> Floats:
    first, *others = np.array(weights, np.float32)
    made: Floats = (1 / (1 + np.exp(-(inside @ np.array(others, np.float32) + first)))).astype(np.float32)
    return made


def _cropped(maps: Floats, size: tuple[int, int]) -> Floats:
    return maps[:, : math.ceil(size[0] / STRIDE), : math.ceil(size[1] / STRIDE)]


def _peaks(maps: Floats, decoding: Decoding) -> Ints:
    """Cells (x, y) where the centre map is highest around."""
    centre = np.ascontiguousarray(maps[CENTRE])
    around = cv2.dilate(centre, np.ones((decoding.window, decoding.window), np.uint8))
    top = (centre >= around) & (centre >= decoding.peak) & (maps[QUARTERS].max(0) > decoding.green)
    y, x = np.nonzero(top)
    peaks = np.stack([x, y], 1).astype(np.int32)
    strength = centre[y, x]
    order = np.argsort(-strength, kind="stable")
    return _merged(peaks[order], strength[order], maps, decoding)


def _merged(peaks: Ints, strength: Floats, maps: Floats, decoding: Decoding) -> Ints:
    """Drop a peak that hangs together with a stronger one by a high ridge: they are one plant."""
    count = len(peaks)
    if count < 2:
        return peaks
    near = 3.0 * decoding.window
    gap = peaks[:, None, :] - peaks[None, :, :]
    weaker, stronger = np.nonzero(np.tril(np.einsum("ijk,ijk->ij", gap, gap) <= near * near, -1))
    if not len(weaker):
        return peaks
    steps = np.linspace(0.0, 1.0, 9, dtype=np.float32)[None, :, None]
    along = np.rint(peaks[weaker, None] * (1 - steps) + peaks[stronger, None] * steps).astype(np.int32)
    ridge = maps[CENTRE][along[..., 1], along[..., 0]].min(1)
    is_weed = maps[WEED_SHARE][peaks[:, 1], peaks[:, 0]] > 0.5
    split = np.where(is_weed[weaker], np.float32(decoding.split[1]), np.float32(decoding.split[0]))
    dropped = weaker[ridge >= split * strength[weaker]]
    kept = np.ones(count, bool)
    kept[dropped] = False
    return peaks[kept]


def _claim(maps: Floats, peaks: Ints, decoding: Decoding) -> _Cells:
    """Give each green cell to the peak nearest to where the cell points."""
    rows, columns = maps.shape[1:]
    empty = np.ones((rows, columns), np.uint8)
    empty[peaks[:, 1], peaks[:, 0]] = 0
    distance, labels = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    owner_of = np.zeros(int(labels.max()) + 1, np.int32)
    owner_of[labels[peaks[:, 1], peaks[:, 0]]] = np.arange(len(peaks), dtype=np.int32)
    y, x = np.nonzero(maps[QUARTERS].max(0) > decoding.green)
    step_x, step_y = maps[OFFSET_X][y, x] / STRIDE, maps[OFFSET_Y][y, x] / STRIDE
    to_x = np.clip(np.rint(x + step_x), 0, columns - 1).astype(np.int32)
    to_y = np.clip(np.rint(y + step_y), 0, rows - 1).astype(np.int32)
    away = np.hypot(step_x, step_y)
    close = distance[to_y, to_x] <= decoding.reach + ASTRAY * away
    x, y, to_x, to_y, away = x[close], y[close], to_x[close], to_y[close], away[close]
    return _Cells(
        x.astype(np.int32), y.astype(np.int32), maps[QUARTERS, y, x].mean(0), maps[WEED_SHARE][y, x], away,
        owner_of[labels[to_y, to_x]],
    )  # fmt: skip


def _trim(cells: _Cells, is_weed: NDArray[np.bool_]) -> _Cells:
    """Drop the cells that are plainly of another class than their plant.

    They are weeds around a crop plant that point to its centre, for want of one of their own.
    """
    mine = np.where(is_weed[cells.owner], cells.weed, 1 - cells.weed)
    kept = PLAINLY * mine >= 1 - mine
    return _Cells(*(getattr(cells, name)[kept] for name in _Cells.__slots__))


def _judge(cells: _Cells, count: int) -> tuple[Floats, Floats]:
    """Of each plant: the weed's share of its cells, and how green it typically is.

    The plainer a cell, and the nearer to the centre, the more it counts.
    """
    weight = cells.green / (2 + cells.away)
    total, squares, weed = (
        np.bincount(cells.owner, part, count) for part in (weight, weight * cells.green, weight * cells.weed)
    )
    total = np.maximum(total, 1e-6)
    return (weed / total).astype(np.float32), (squares / total).astype(np.float32)


def _describe(
    maps: Floats, peaks: Ints, claimed: _Cells, decoding: Decoding, size: tuple[int, int], gsd_mm: float
) -> Candidates:
    count = len(peaks)
    weed, typical = _judge(claimed, count)
    is_weed = weed > 0.5
    levels = np.where(is_weed, decoding.edge[1], decoding.edge[0]).astype(np.float32) * typical
    cells = _trim(claimed, is_weed)
    parts = (cells.green, cells.green * cells.x, cells.green * cells.y)
    green, x, y = (np.bincount(cells.owner, part, count) for part in parts)
    seen = np.flatnonzero(green > 0)
    outlines, area = _outlines(maps, cells, seen, levels, size)
    large = np.flatnonzero(area >= decoding.smallest)
    kept = seen[large]
    limit = np.array([size[1] - 1, size[0] - 1], np.float32)
    centres = np.stack([x, y], 1)[kept] / green[kept, None] * STRIDE + CELL_MIDDLE
    peak = maps[CENTRE][peaks[kept, 1], peaks[kept, 0]]
    return Candidates(
        features=_features(peak, typical[kept], weed[kept], area[large], gsd_mm),
        centres=np.clip(centres, 0, limit).astype(np.float32),
        areas_px=(area[large] * STRIDE**2).astype(np.float32),
        outlines=tuple(outlines[i] for i in large),
    )


def _features(peak: Floats, typical: Floats, weed: Floats, area: Floats, gsd_mm: float) -> Floats:
    """Log-odds of the centre, of being plant at all and of weed; logs of the area on the ground and of the scale.

    The size is that on the ground: a seedling is as likely left out, or no plant, whatever the height it is seen from.
    """
    ground = area * (STRIDE * gsd_mm) ** 2 / SIZE_UNIT_MM2
    scale = np.full_like(peak, math.log(gsd_mm / SCALE_UNIT_MM))
    made: Floats = np.stack([_odds(peak), _odds(typical), _odds(weed), np.log(ground), scale], 1).astype(
        np.float32
    )
    return made


def _odds(share: Floats) -> Floats:
    inside = np.clip(share, 1e-3, 1 - 1e-3)
    made: Floats = np.log(inside / (1 - inside))
    return made


def _outlines(
    maps: Floats, cells: _Cells, seen: NDArray[np.intp], levels: Floats, size: tuple[int, int]
) -> tuple[list[Floats], Floats]:
    """Outline of the largest part of each plant `seen`, in pixels, and its area in cells."""
    rows, columns = maps.shape[1:]
    owners = np.full((rows, columns), -1, np.int32)
    owners[cells.y, cells.x] = cells.owner
    # numpy sorts small integers by radix, ten times faster.
    order = np.argsort(cells.owner.astype(np.int16) if len(levels) < 2**15 else cells.owner, kind="stable")
    x, y, first = cells.x[order], cells.y[order], np.searchsorted(cells.owner[order], seen)
    # One cell around each plant, where there is one, lets the line run between the cells.
    left = np.maximum(np.minimum.reduceat(x, first) - 1, 0)
    right = np.minimum(np.maximum.reduceat(x, first) + 2, columns)
    top = np.maximum(np.minimum.reduceat(y, first) - 1, 0)
    bottom = np.minimum(np.maximum.reduceat(y, first) + 2, rows)
    limit = np.array([size[1] - 1, size[0] - 1], np.float32)
    found, area = [], np.empty(len(seen), np.float32)
    for place, (plant, x0, x1, y0, y1) in enumerate(np.stack([seen, left, right, top, bottom], 1).tolist()):
        green = _quarters(maps[QUARTERS, y0:y1, x0:x1])
        level = levels[plant]
        mine = owners[y0:y1, x0:x1] == plant
        # Outside its own cells only what is below the level: there the line is drawn, not beyond.
        own = np.repeat(np.repeat(mine, 2, 0), 2, 1) | (green < level)
        line, inside = _contour(green * own, level)
        # cv2.resize keeps the outer edges in place: fine pixel i lies at (i + 0.5) / FINER - 0.5 of the part.
        points = (line.astype(np.float32) + 0.5) / FINER - 0.5
        pixels = (points + np.array([2 * x0, 2 * y0], np.float32)) * FINE + np.float32(QUARTER_MIDDLE)
        found.append(np.clip(pixels, 0, limit).astype(np.float32))
        area[place] = inside / (4 * FINER**2)
    return found, area


def _quarters(four: Floats) -> Floats:
    """[4, h, w] to [2 h, 2 w]."""
    height, width = four.shape[1:]
    made: Floats = np.ascontiguousarray(
        four.reshape(2, 2, height, width).transpose(2, 0, 3, 1).reshape(2 * height, 2 * width)
    )
    return made


def _contour(green: Floats, level: np.float32) -> tuple[Ints, int]:
    """Longest line around where `green` is at least `level`, [K, 2] in corners of squares of 1 / `FINER` quarter;
    and how many squares are inside."""
    fine = cv2.resize(green, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    # Between the cells the highest value is a little below that of the cell: never leave nothing.
    plant = (fine >= min(level, fine.max())).view(np.uint8)
    # findContours goes through the middles of the outermost squares. Grown by one to the right and below, it
    # goes around all of them, and (0, 0) is the upper left corner of the first.
    grown = cv2.dilate(
        cv2.copyMakeBorder(plant, 0, 1, 0, 1, cv2.BORDER_CONSTANT, value=0), GROW, anchor=(1, 1)
    )
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(max(contours, key=len)[:, 0], np.int32), int(np.count_nonzero(plant))
