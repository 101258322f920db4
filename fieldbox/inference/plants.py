"""From the model's maps to single plants.

The model gives, for each cell of 4x4 pixels, how likely soil, crop and weed are, how likely a plant's
centre is, and where the centre of the plant lies that the cell belongs to. A peak of the centre map is a
plant; each cell goes to the peak nearest to where it points. So touching plants come apart, and a plant
whose leaves are apart stays one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

STRIDE = 4
CROP, WEED = 1, 2
# Pixel position of the middle of cell 0: pixels 0 to 3, centre of the first at 0.
CELL_MIDDLE = (STRIDE - 1) / 2
# The rim of a large plant points less exactly than a small plant's: by this share of the way.
ASTRAY = 0.3
# A cell this many times likelier to be of the other class is no part of a plant.
PLAINLY = 3.0
# Steps a cell in which outlines are drawn.
FINER = 2
GROW = np.ones((2, 2), np.uint8)


@dataclass(frozen=True, slots=True)
class Decoding:
    """Thresholds of the decoding; tuned with the model, stored in its file.

    peak        least centre probability of a plant
    window      side in cells of the square in which a centre must be the highest
    green       least probability of not being soil for a cell to count at all
    edge        crop, weed: its outline lies at this share of its own typical probability of not being soil
    reach       a cell that points more than this many cells beside every centre is no plant's; a cell far
                from its centre may miss it by `ASTRAY` of its distance more
    crop_bias   a plant is crop where its crop share is above this times its weed share
    least       least raw score to report: crop, weed
    smallest    least area of a plant, in cells
    split       two peaks are one plant where the ridge between them keeps this share of the lower one
    lean        crop, weed: a cell is plant where its probability times this is above that of soil, so
                that the covered area is right on the tuning columns (training favours rare weeds)
    slope, shift  per class (crop, weed): probability = 1 / (1 + exp(-(slope * raw + shift)))
    """

    peak: float = 0.15
    window: int = 5
    green: float = 0.15
    edge: tuple[float, float] = (0.6, 0.7)
    reach: float = 6.0
    crop_bias: float = 0.75
    least: tuple[float, float] = (0.45, 0.45)
    smallest: float = 2.0
    split: float = 0.8
    lean: tuple[float, float] = (1.0, 1.0)
    slope: tuple[float, float] = (6.0, 6.0)
    shift: tuple[float, float] = (-2.7, -2.7)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Decoding:
        """From the model's metadata; what is missing there has its default, one number stands for both classes.

        Raises `ValueError` for an unknown name or a value of another shape than the default's.
        """
        plain = cls()
        values: dict[str, object] = {}
        for key, value in stored.items():
            example = getattr(plain, key, None)
            plain_value = tuple(value) if isinstance(value, list) else value
            if isinstance(example, tuple) and isinstance(plain_value, float):
                plain_value = (plain_value,) * len(example)
            if not _alike(plain_value, example):
                raise ValueError(f"decoding: {key} cannot be {value!r}")
            values[key] = plain_value
        return dataclasses.replace(plain, **values)  # type: ignore[arg-type]


def _alike(value: object, example: object) -> bool:
    """Whether both are a number, or both a tuple of as many numbers."""
    if isinstance(example, tuple):
        return isinstance(value, tuple) and len(value) == len(example) and all(_alike(v, 0.0) for v in value)
    return (
        isinstance(example, (int, float)) and isinstance(value, (int, float)) and not isinstance(value, bool)
    )


@dataclass(frozen=True, slots=True)
class Plants:
    """Single plants of one window; N of them.

    classes    uint8 [N]: 1 crop, 2 weed
    scores     float32 [N]: probability that it is a plant of that class
    centres    float32 [N, 2]: x, y in window pixels; the centre of the top-left pixel is (0, 0)
    areas_px   float32 [N]: covered area in square pixels
    outlines   N of float32 [K, 2]: x, y of its outline's corners, window pixels as above
    """

    classes: NDArray[np.uint8]
    scores: Floats
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
    crop: Floats
    weed: Floats
    away: Floats
    owner: Ints


def no_plants() -> Plants:
    """Of a window without any."""
    return Plants(
        np.zeros(0, np.uint8),
        np.zeros(0, np.float32),
        np.zeros((0, 2), np.float32),
        np.zeros(0, np.float32),
        (),
    )


def segment(maps: Floats, decoding: Decoding, size: tuple[int, int]) -> Segmentation:
    """Decode the maps of one window.

    maps: float32 [6, h, w] as the model gives them; size: (H, W) of the window in pixels, at most 4h, 4w.
    """
    rows, columns = math.ceil(size[0] / STRIDE), math.ceil(size[1] / STRIDE)
    maps = maps[:, :rows, :columns]
    soil, crop, weed = maps[0], maps[1], maps[2]
    planted = np.where(weed > crop, np.uint8(WEED), np.uint8(CROP))
    best = np.maximum(crop, weed)
    lean = np.where(planted == CROP, np.float32(decoding.lean[0]), np.float32(decoding.lean[1]))
    bare = soil >= best * lean
    classes = np.where(bare, np.uint8(0), planted)
    certainty = (np.where(bare, soil, best) * 255 + 0.5).astype(np.uint8)
    return Segmentation(classes, certainty, find_plants(maps, decoding, size))


def find_plants(maps: Floats, decoding: Decoding, size: tuple[int, int]) -> Plants:
    """Single plants of one window; `maps` and `size` as in `segment`."""
    peaks = _peaks(maps, decoding)
    if not len(peaks):
        return no_plants()
    cells = _claim(maps, peaks, decoding)
    return _describe(maps, peaks, cells, decoding, size)


def _peaks(maps: Floats, decoding: Decoding) -> Ints:
    """Cells (x, y) where the centre map is highest around."""
    centre = np.ascontiguousarray(maps[3])
    around = cv2.dilate(centre, np.ones((decoding.window, decoding.window), np.uint8))
    top = (centre >= around) & (centre >= decoding.peak) & (maps[0] < 1 - decoding.green)
    y, x = np.nonzero(top)
    peaks = np.stack([x, y], 1).astype(np.int32)
    strength = centre[y, x]
    order = np.argsort(-strength, kind="stable")
    return _merged(peaks[order], strength[order], centre, decoding)


def _merged(peaks: Ints, strength: Floats, centre: Floats, decoding: Decoding) -> Ints:
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
    ridge = centre[along[..., 1], along[..., 0]].min(1)
    dropped = weaker[ridge >= decoding.split * strength[weaker]]
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
    y, x = np.nonzero(maps[0] < 1 - decoding.green)
    step_x, step_y = maps[4][y, x] / STRIDE, maps[5][y, x] / STRIDE
    to_x = np.clip(np.rint(x + step_x), 0, columns - 1).astype(np.int32)
    to_y = np.clip(np.rint(y + step_y), 0, rows - 1).astype(np.int32)
    away = np.hypot(step_x, step_y)
    close = distance[to_y, to_x] <= decoding.reach + ASTRAY * away
    x, y, to_x, to_y, away = x[close], y[close], to_x[close], to_y[close], away[close]
    return _Cells(
        x.astype(np.int32), y.astype(np.int32), 1 - maps[0][y, x], maps[1][y, x], maps[2][y, x], away,
        owner_of[labels[to_y, to_x]],
    )  # fmt: skip


def _trim(cells: _Cells, is_crop: NDArray[np.bool_], levels: Floats) -> _Cells:
    """Drop the cells below the level of their plant, and those that are plainly of the other class.

    The latter are weeds around a crop plant that point to its centre, for want of one of their own.
    """
    mine = np.where(is_crop[cells.owner], cells.crop, cells.weed)
    kept = (cells.green >= levels[cells.owner]) & (PLAINLY * mine >= cells.crop + cells.weed - mine)
    return _Cells(*(getattr(cells, name)[kept] for name in _Cells.__slots__))


def _judge(cells: _Cells, count: int, decoding: Decoding) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Of each plant: whether it is crop, its class's share of its cells, and the greenness at which it ends.

    The plainer a cell, and the nearer to the centre, the more it counts. The plant ends at a share of its own
    typical greenness, so that a faint plant is drawn as large as a plain one.
    """
    weight = cells.green / (2 + cells.away)
    parts = (weight, weight * cells.green, weight * cells.crop, weight * cells.weed)
    total, squares, crop, weed = (np.bincount(cells.owner, part, count) for part in parts)
    total = np.maximum(total, 1e-6)
    is_crop = crop > decoding.crop_bias * weed
    edge = np.where(is_crop, decoding.edge[0], decoding.edge[1])
    share = np.where(is_crop, crop, weed) / total
    return is_crop, share.astype(np.float32), (edge * squares / total).astype(np.float32)


def _describe(
    maps: Floats, peaks: Ints, claimed: _Cells, decoding: Decoding, size: tuple[int, int]
) -> Plants:
    count = len(peaks)
    is_crop, share, levels = _judge(claimed, count, decoding)
    cells = _trim(claimed, is_crop, levels)
    area = np.bincount(cells.owner, minlength=count)
    parts = (cells.green, cells.green * cells.x, cells.green * cells.y)
    green, x, y = (np.bincount(cells.owner, part, count) for part in parts)
    raw = share * maps[3][peaks[:, 1], peaks[:, 0]] ** 0.25
    least = np.where(is_crop, decoding.least[0], decoding.least[1])
    kept = np.flatnonzero((area >= decoding.smallest) & (raw >= least))
    if not len(kept):
        return no_plants()
    kind = np.where(is_crop, CROP, WEED)[kept].astype(np.uint8)
    slope, shift = np.array(decoding.slope)[kind - 1], np.array(decoding.shift)[kind - 1]
    limit = np.array([size[1] - 1, size[0] - 1], np.float32)
    centres = np.stack([x, y], 1)[kept] / green[kept, None] * STRIDE + CELL_MIDDLE
    return Plants(
        classes=kind,
        scores=(1 / (1 + np.exp(-(slope * raw[kept] + shift)))).astype(np.float32),
        centres=np.clip(centres, 0, limit).astype(np.float32),
        areas_px=(area[kept] * STRIDE**2).astype(np.float32),
        outlines=_outlines(1 - maps[0], cells, kept, levels, limit),
    )


def _outlines(
    green: Floats, cells: _Cells, kept: NDArray[np.intp], levels: Floats, limit: Floats
) -> tuple[Floats, ...]:
    """Outline of the largest part of each kept plant."""
    rows, columns = green.shape
    owners = np.full((rows, columns), -1, np.int32)
    owners[cells.y, cells.x] = cells.owner
    # numpy sorts small integers by radix, ten times faster.
    order = np.argsort(cells.owner.astype(np.int16) if len(levels) < 2**15 else cells.owner, kind="stable")
    order = order[np.isin(cells.owner[order], kept)]
    x, y, first = cells.x[order], cells.y[order], np.searchsorted(cells.owner[order], kept)
    # One cell around each plant, where there is one, lets the line run between the cells.
    left = np.maximum(np.minimum.reduceat(x, first) - 1, 0)
    right = np.minimum(np.maximum.reduceat(x, first) + 2, columns)
    top = np.maximum(np.minimum.reduceat(y, first) - 1, 0)
    bottom = np.minimum(np.maximum.reduceat(y, first) + 2, rows)
    corners = np.stack([left, top], 1)
    found = []
    for plant, x0, x1, y0, y1 in np.stack([kept, left, right, top, bottom], 1).tolist():
        part = green[y0:y1, x0:x1]
        level = levels[plant]
        own = (owners[y0:y1, x0:x1] == plant) | (part < level)
        found.append(_contour(part * own, level))
    lengths = [len(points) for points in found]
    # cv2.resize keeps the outer edges in place: fine pixel i lies at (i + 0.5) / FINER - 0.5 of the part.
    points = (
        (np.concatenate(found).astype(np.float32) + 0.5) / FINER - 0.5 + np.repeat(corners, lengths, axis=0)
    )
    placed = np.clip(points * STRIDE + CELL_MIDDLE, 0, limit).astype(np.float32)
    return tuple(np.split(placed, np.cumsum(lengths)[:-1]))


def _contour(green: Floats, level: np.float32) -> Ints:
    """Longest line around where `green` is at least `level`, [K, 2] in corners of squares of 1 / `FINER` cell."""
    fine = cv2.resize(green, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR)
    # Between the cells the highest value is a little below that of the cell: never leave nothing.
    plant = (fine >= min(level, fine.max())).view(np.uint8)
    # findContours goes through the middles of the outermost squares. Grown by one to the right and below, it
    # goes around all of them, and (0, 0) is the upper left corner of the first.
    grown = cv2.dilate(
        cv2.copyMakeBorder(plant, 0, 1, 0, 1, cv2.BORDER_CONSTANT, value=0), GROW, anchor=(1, 1)
    )
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(max(contours, key=len)[:, 0], np.int32)
