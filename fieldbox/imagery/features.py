"""Points of a photo that can be found again in another.

The photo is turned north up and brought to one scale for the whole flight first, from what its tags say: so a point
needs no direction and no scale of its own. That is an order of magnitude cheaper than looking for them at all scales
(SIFT), and leaves fewer wrong matches in a field where all plants look alike.

Corners: Shi and Tomasi 1994 (CVPR), to a fraction of a pixel. Descriptors: SIFT's (Lowe 2004, IJCV 60(2), section 6)
without its rotation, as RootSIFT (Arandjelovic and Zisserman 2012, CVPR): the scalar product of two is their
similarity, 1 for equal ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PARTS = 8
"""Points are taken evenly from PARTS x PARTS parts of the picture, or one bush would take them all."""
EACH = 10
"""Of a part, the strongest so many."""
UNIT = 512.0
"""Descriptors are stored as bytes: their values (0 to 1, seldom above a half) times this."""
LENGTH = 128
_CELLS, _BINS, _SIDE = 4, 8, 16
"""A descriptor is made of 4 x 4 cells of 8 directions, over 16 x 16 samples."""
_SPACING = 1.5
"""Pixels between the samples: 24 pixels across, a plant and some of its neighbours."""
_SMOOTH = 1.0
_PARTS_OF_TURN = 36
"""In which the directions about a point are counted to find its own."""
_QUALITY = 0.002
_APART_PX = 4

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """Points of one photo.

    xy           float32 [N, 2], pixels of the photo at full size, the centre of the first at (0, 0)
    descriptors  uint8 [N, 128], RootSIFT times `UNIT`
    step_px      pixels of the full photo to one of the picture that was searched: what a point is good to
    """

    xy: Floats
    descriptors: NDArray[np.uint8]
    step_px: float

    def __len__(self) -> int:
        return len(self.xy)

    def to_bytes(self) -> bytes:
        """For the store; `from_bytes` reads it."""
        head = np.array([self.step_px, len(self)], np.float64)
        return head.tobytes() + self.xy.tobytes() + self.descriptors.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Features:
        """What `to_bytes` made. Raises ValueError for anything else."""
        step, count = np.frombuffer(data, np.float64, 2).tolist()
        ends = 16 + 8 * int(count)
        if len(data) != ends + LENGTH * int(count):
            raise ValueError("no stored features")
        xy = np.frombuffer(data, np.float32, 2 * int(count), 16).reshape(-1, 2)
        return cls(xy, np.frombuffer(data, np.uint8, -1, ends).reshape(-1, LENGTH), step)


def no_features(step_px: float) -> Features:
    """Of a photo that shows nothing to hold on to."""
    return Features(np.zeros((0, 2), np.float32), np.zeros((0, LENGTH), np.uint8), step_px)


def find_features(
    photo: NDArray[np.uint8], reduction: float, yaw_deg: float | None, step_px: float
) -> Features:
    """Points of a photo.

    photo: uint8 [h, w, 3] RGB, decoded at 1 / `reduction` of its size; yaw_deg: where its top points, clockwise
    from north, None: not known, then each point is described from a direction of its own; step_px: pixels of the full
    photo to one of the picture that is searched.
    """
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)
    upright, to_photo = _upright(grey, yaw_deg or 0.0, step_px / reduction)
    inside = _inside(grey.shape, to_photo, upright.shape, 2**0.5 if yaw_deg is None else 1.0)
    corners = _corners(upright, inside)
    if not len(corners):
        return no_features(step_px)
    descriptors = _described(upright, corners, turned=yaw_deg is None)
    seen = corners @ to_photo[:, :2].T + to_photo[:, 2]
    full = (seen + 0.5) * reduction - 0.5
    return Features(full.astype(np.float32), descriptors, step_px)


def _upright(
    grey: NDArray[np.uint8], yaw_deg: float, step: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The photo north up, `step` of its pixels to one; and the [2, 3] matrix back to its pixels."""
    height, width = grey.shape
    cos, sin = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    # North is up in the picture that is made; in the photo, whose top points to the yaw, it lies to the left of it.
    turn = step * np.array([[cos, sin], [-sin, cos]])
    wide = math.ceil((abs(cos) * width + abs(sin) * height) / step)
    tall = math.ceil((abs(sin) * width + abs(cos) * height) / step)
    middle = np.array([(width - 1) / 2, (height - 1) / 2]) - turn @ np.array([(wide - 1) / 2, (tall - 1) / 2])
    back = np.column_stack([turn, middle])
    if step > 1.5:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.4 * step), np.uint8)
    made = cv2.warpAffine(
        grey,
        back,
        (wide, tall),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(made, np.uint8), back


def _inside(
    shape: tuple[int, ...], back: NDArray[np.float64], made: tuple[int, ...], reach: float
) -> NDArray[np.uint8]:
    """Where all samples of a descriptor, which reaches out by `reach` times half its side, lie in the photo, uint8 [h, w]."""
    forth = cv2.invertAffineTransform(back)
    height, width = shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
    mask = np.zeros(made[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.rint(corners @ forth[:, :2].T + forth[:, 2]).astype(np.int32), 255)
    rim = math.ceil(reach * _SIDE / 2 * _SPACING) + 1
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
    return np.asarray(cv2.erode(mask, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)), np.uint8)


def _corners(grey: NDArray[np.uint8], inside: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[N, 2] places x, y, to a fraction of a pixel, the strongest of each part."""
    strength = np.asarray(cv2.cornerMinEigenVal(grey, 3, ksize=3), np.float32)
    high = cv2.dilate(strength, np.ones((2 * _APART_PX + 1,) * 2, np.uint8))
    least = _QUALITY * float(np.quantile(strength[::4, ::4], 0.999))
    y, x = np.nonzero((strength == high) & (inside > 0) & (strength > least))
    if not len(x):
        return np.zeros((0, 2))
    rows, columns = grey.shape
    part = (y * PARTS // rows) * PARTS + x * PARTS // columns
    order = np.lexsort((-strength[y, x], part))
    first = np.searchsorted(part[order], part[order], side="left")
    kept = order[np.arange(len(order)) - first < EACH]
    return _refined(strength, x[kept], y[kept])


def _refined(strength: Floats, x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.float64]:
    """Peaks of the strength to a fraction of a pixel: a parabola along each axis."""
    here = strength[y, x].astype(float)
    moved = []
    for before, after in ((strength[y, x - 1], strength[y, x + 1]), (strength[y - 1, x], strength[y + 1, x])):
        bend = before + after - 2 * here
        moved.append(
            np.clip(np.where(bend < 0, (before - after) / (2 * np.minimum(bend, -1e-12)), 0), -0.5, 0.5)
        )
    return np.stack([x + moved[0], y + moved[1]], 1)


def _described(grey: NDArray[np.uint8], corners: NDArray[np.float64], *, turned: bool) -> NDArray[np.uint8]:
    """Descriptors of the corners, uint8 [N, 128]; `turned`: each from its own direction."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _SMOOTH)
    slopes = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1)
    zero = np.zeros(len(corners), np.float32)
    across, down = _sampled(slopes, corners, zero)
    if turned:
        across, down = _sampled(slopes, corners, _direction(across, down))
    return _rooted(_histograms(across, down))


def _sampled(
    slopes: Sequence[cv2.typing.MatLike], corners: NDArray[np.float64], turn: Floats
) -> tuple[Floats, Floats]:
    """Slopes to the right and down about the corners, [N, 16, 16] each, in axes turned by `turn` [N] (radians,
    clockwise)."""
    line = ((np.arange(_SIDE) - (_SIDE - 1) / 2) * _SPACING).astype(np.float32)
    cos, sin = np.cos(turn)[:, None, None], np.sin(turn)[:, None, None]
    at_x = corners[:, 0, None, None] + cos * line[None, None, :] - sin * line[None, :, None]
    at_y = corners[:, 1, None, None] + sin * line[None, None, :] + cos * line[None, :, None]
    flat = (len(corners) * _SIDE, _SIDE)
    maps = [np.ascontiguousarray(one.reshape(flat), np.float32) for one in (at_x, at_y)]
    gx, gy = (
        np.asarray(cv2.remap(one, maps[0], maps[1], cv2.INTER_LINEAR), np.float32).reshape(at_x.shape)
        for one in slopes
    )
    return np.asarray(cos * gx + sin * gy, np.float32), np.asarray(cos * gy - sin * gx, np.float32)


def _direction(across: Floats, down: Floats) -> Floats:
    """[N] the direction, radians, that most of the slopes [N, 16, 16] have: the peak of their histogram (Lowe 2004,
    section 5), within the circle that no turn leaves."""
    line = (np.arange(_SIDE) - (_SIDE - 1) / 2) / (_SIDE / 2)
    size = np.hypot(across, down) * _window() * (np.hypot(line[:, None], line[None]) <= 1)
    part = np.floor(np.arctan2(down, across) / (2 * np.pi) * _PARTS_OF_TURN).astype(np.intp) % _PARTS_OF_TURN
    number = np.arange(len(across))[:, None, None] * _PARTS_OF_TURN + part
    counted = np.bincount(number.ravel(), size.ravel(), len(across) * _PARTS_OF_TURN)
    smooth = np.asarray(counted.reshape(-1, _PARTS_OF_TURN), np.float64)
    for _round in range(3):
        smooth = (np.roll(smooth, 1, axis=1) + smooth + np.roll(smooth, -1, axis=1)) / 3
    rows, peak = np.arange(len(smooth)), smooth.argmax(axis=1)
    before, here, after = (smooth[rows, (peak + step) % _PARTS_OF_TURN] for step in (-1, 0, 1))
    beside = (before - after) / (2 * np.minimum(before + after - 2 * here, -1e-12))
    return np.asarray((peak + 0.5 + beside) * (2 * np.pi / _PARTS_OF_TURN), np.float32)


def _histograms(gx: Floats, gy: Floats) -> Floats:
    """Gradients [N, 16, 16] to 4 x 4 cells of 8 directions, [N, 128]; bilinear between cells and directions."""
    weight = _window()
    size = np.hypot(gx, gy) * weight
    turn = (np.arctan2(gy, gx) / (2 * np.pi) * _BINS) % _BINS
    low = np.floor(turn).astype(np.int32)
    share = (turn - low).astype(np.float32)
    low %= _BINS
    directions = np.zeros((len(gx), _BINS, _SIDE, _SIDE), np.float32)
    n, y, x = np.ogrid[: len(gx), :_SIDE, :_SIDE]
    directions[n, low, y, x] = size * (1 - share)
    directions[n, (low + 1) % _BINS, y, x] += size * share
    cells = _membership()
    return np.asarray(
        np.einsum("nbyx,cy,dx->ncdb", directions, cells, cells, optimize=True).reshape(len(gx), LENGTH),
        np.float32,
    )


def _window() -> Floats:
    """The samples in the middle count more: a Gaussian of half the width."""
    line = (np.arange(_SIDE) - (_SIDE - 1) / 2) / (_SIDE / 2)
    return np.exp(-(line[:, None] ** 2 + line[None] ** 2) / 2).astype(np.float32)


def _membership() -> Floats:
    """[4, 16] how far a sample belongs to a cell: falling linearly from its middle to the next one's."""
    step = _SIDE / _CELLS
    middles = (np.arange(_CELLS) + 0.5) * step - 0.5
    away = np.abs(np.arange(_SIDE)[None] - middles[:, None]) / step
    return np.maximum(0, 1 - away).astype(np.float32)


def _rooted(raw: Floats) -> NDArray[np.uint8]:
    total = np.maximum(raw.sum(1, keepdims=True), 1e-9)
    made: NDArray[np.uint8] = np.minimum(np.sqrt(raw / total) * UNIT + 0.5, 255).astype(np.uint8)
    return made
