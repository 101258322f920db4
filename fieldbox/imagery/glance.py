"""What a photo tells at a glance: from the reduced picture that is decoded anyway to find its points.

A few kilobytes a photo, kept for the whole flight: they level the photos' brightness against each other, tell the
photo that is worse than its flight, and where the ground is smooth enough for a seam.

Colours are means of the values as they stand in the picture, not of light: a camera's tone curve is close to a power
of light, so that another exposure multiplies them by a constant just the same, and what is corrected are these values.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LONG, SHORT = 32, 24
"""Cells along the long and the short side of the picture, whatever its proportions."""
FINER = 3
"""Cells of the texture to one of the colour, along each side."""
_BLOCK = 4
"""Pixels to a cell of texture, along each side: the picture is brought to that scale, so that the texture of two photos
can be compared whatever they were decoded at."""
TEXTURE_UNIT = 4.0
"""Texture is stored in bytes of a quarter of a grey level."""
OVER, UNDER = 251, 4
"""Burnt out: a mean of four pixels with any channel from here on; black: with all up to here (blue alone is often 0 on
soil)."""
LEAST_CONTRAST = 2.0
"""Mean square of the steps between neighbouring pixels at an eighth of the scale, in grey levels, below which no
sharpness is told: fog, a lens cap, bare sand. Blur leaves that scale alone."""
_FLOOR = 0.05
"""Of mean squares: what rounding to whole grey levels makes of a smooth slope."""

SMOOTH = -math.log(2.0)
"""Sharpness of a picture without any detail: steps over two pixels are twice those over one. Nothing is below."""
SOFT = 0.15
"""Of the way from its flight's usual sharpness down to SMOOTH, what a photo may lose before it counts as worse: a smear
of 4 pixels in a photo that is decoded at a quarter of its size."""
BLURRED = 0.55
"""The loss from which on it is blurred: such a smear of 10 pixels, of which the finest scale keeps next to nothing."""
SPREADS = 3.0
"""Standard deviations of its flight by which a photo has to be below its usual besides: mixed ground spreads sharpness
without any photo being blurred."""
CLIPPED = 0.02
"""Share of burnt out or black pixels, over the flight's usual, from which on a photo counts as worse."""

_HEAD = struct.Struct("<4sBBffff")
_MAGIC = b"FBG1"


@dataclass(frozen=True, eq=False, slots=True)
class Glance:
    """A photo at a glance.

    colours    uint8 [h, w, 3] RGB, mean of each cell; h, w are SHORT, LONG or, of an upright picture, LONG, SHORT
    spoilt     uint8 [h, w], share of each cell's pixels that are burnt out or black, in 255ths
    texture    uint8 [FINER h, FINER w], standard deviation within each finer cell, in 1 / TEXTURE_UNIT levels
    over       share of the picture's pixels that are burnt out
    under      share that are black
    sharpness  logarithm of the contrast at the finest scale over that at twice it; NaN where there is none to tell by
    """

    colours: NDArray[np.uint8]
    spoilt: NDArray[np.uint8]
    texture: NDArray[np.uint8]
    over: float
    under: float
    sharpness: float

    def places(self, width: int, height: int) -> NDArray[np.float64]:
        """[h, w, 2] pixels x, y of the full photo (`width` x `height`) at which the cells of colour have their middle."""
        return _middles(self.colours.shape[0], self.colours.shape[1], width, height)

    def to_bytes(self) -> bytes:
        """For the store, 5 to 9 kB; `from_bytes` reads it."""
        rows, columns = self.spoilt.shape
        head = _HEAD.pack(_MAGIC, rows, columns, self.over, self.under, self.sharpness, 0.0)
        body = self.colours.tobytes() + self.spoilt.tobytes() + self.texture.tobytes()
        return head + zlib.compress(body, 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Glance:
        """What `to_bytes` made. Raises ValueError for anything else."""
        try:
            magic, rows, columns, over, under, sharpness, _spare = _HEAD.unpack_from(data)
            body = np.frombuffer(zlib.decompress(data[_HEAD.size :]), np.uint8)
        except (struct.error, zlib.error) as error:
            raise ValueError("no stored glance") from error
        cells = rows * columns
        if magic != _MAGIC or len(body) != cells * (4 + FINER**2):
            raise ValueError("no stored glance")
        colours = body[: 3 * cells].reshape(rows, columns, 3)
        spoilt = body[3 * cells : 4 * cells].reshape(rows, columns)
        texture = body[4 * cells :].reshape(FINER * rows, FINER * columns)
        return cls(colours, spoilt, texture, over, under, sharpness)


def glance_at(photo: NDArray[np.uint8]) -> Glance:
    """A photo at a glance, from its picture uint8 [h, w, 3] RGB decoded at any reduction (600 px and more)."""
    height, width = photo.shape[:2]
    cells = (SHORT, LONG) if width >= height else (LONG, SHORT)
    # Half of the scale tells all but sharpness as well, at a fraction of the time.
    half = _halved(photo)
    over = np.asarray(cv2.bitwise_not(cv2.inRange(half, (0, 0, 0), (OVER - 1,) * 3)), np.uint8)
    under = np.asarray(cv2.inRange(half, (0, 0, 0), (UNDER,) * 3), np.uint8)
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)
    grey_half = _halved(grey)
    return Glance(
        colours=_means(_halved(half), cells),
        spoilt=_means(_halved(over | under), cells),
        texture=_texture(half, (FINER * cells[0], FINER * cells[1])),
        over=_stored(cv2.countNonZero(over) / over.size),
        under=_stored(cv2.countNonZero(under) / under.size),
        sharpness=_stored(_sharpness(grey, grey_half)),
    )


def worth_of(glances: Mapping[str, Glance]) -> dict[str, float]:
    """How much worse each photo is than the usual of its flight, by digest: 0 is as good, `domain.HOPELESS` and more is no use.

    Less sharp than the median by more than the flight's own spread explains, or more burnt out or black. The steps
    are continuous, so that a photo at the limit is not worth much less than its neighbour. A flight that is blurred or
    burnt out as a whole has no better photos, and no penalties.
    """
    soft = _softness(np.array([one.sharpness for one in glances.values()]))
    clipped = np.array([one.over + one.under for one in glances.values()])
    excess = clipped - float(np.median(clipped)) if len(clipped) else clipped
    lost = np.maximum(excess - CLIPPED, 0.0) / (0.5 - CLIPPED)
    return {
        digest: float(max(a, b)) for digest, a, b in zip(glances, soft.tolist(), lost.tolist(), strict=True)
    }


def _softness(sharpness: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N] penalties for being less sharp than the median; 0 where sharpness is not told."""
    known = np.isfinite(sharpness)
    if known.sum() < 3:
        return np.zeros(len(sharpness))
    usual = float(np.median(sharpness[known]))
    span = max(usual - SMOOTH, 1e-3)
    lost = np.where(known, usual - sharpness, 0.0) / span
    spread = 1.4826 * float(np.median(np.abs(lost[known])))
    first = min(max(SOFT, SPREADS * spread), BLURRED)
    return np.asarray(np.maximum(lost - first, 0.0) / max(BLURRED - first, SOFT))


def _stored(value: float) -> float:
    """As it comes back from the store: what follows from a glance must not depend on where it came from."""
    return float(np.float32(value))


def _middles(rows: int, columns: int, width: int, height: int) -> NDArray[np.float64]:
    x = (np.arange(columns) + 0.5) * (width / columns) - 0.5
    y = (np.arange(rows) + 0.5) * (height / rows) - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1)


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean of blocks of 2 x 2 pixels; an odd last row or column is left out. Whole blocks are what OpenCV is fast at."""
    height, width = (size // 2 * 2 for size in picture.shape[:2])
    even = picture[:height, :width]
    return np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _means(picture: NDArray[np.uint8], cells: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, cells[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _texture(picture: NDArray[np.uint8], cells: tuple[int, int]) -> NDArray[np.uint8]:
    """[rows, columns] standard deviation in each cell, the root mean square of the channels': a plant may be as light
    as the soil around it, but is not of its colour."""
    rows, columns = cells
    size = (columns * _BLOCK, rows * _BLOCK)
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    mean = cv2.resize(scaled, (columns, rows), interpolation=cv2.INTER_AREA)
    square = cv2.resize(cv2.multiply(scaled, scaled), (columns, rows), interpolation=cv2.INTER_AREA)
    variance = cv2.transform(square - mean * mean, np.full((1, 3), 1 / 3, np.float32))
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(cv2.convertScaleAbs(deviation, alpha=TEXTURE_UNIT), np.uint8)


def _sharpness(grey: NDArray[np.uint8], half: NDArray[np.uint8]) -> float:
    """Logarithm of the steps between neighbouring pixels over those of the picture at half its scale.

    Root mean squares, so that the ground with the most texture decides and smooth ground says nothing: it is the
    ratio of two scales that tells blur, which takes from the finest first. Of the two directions the worse counts: a
    moving camera smears along one of them.
    """
    if min(_steps(_halved(_halved(half)))) < LEAST_CONTRAST:
        return math.nan
    pairs = zip(_steps(grey), _steps(half), strict=True)
    return 0.5 * min(math.log((fine + _FLOOR) / (coarse + _FLOOR)) for fine, coarse in pairs)


def _steps(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean squares of the steps across and down a picture."""
    across = cv2.norm(grey[:, 1:], grey[:, :-1], cv2.NORM_L2SQR) / max(grey[:, 1:].size, 1)
    down = cv2.norm(grey[1:], grey[:-1], cv2.NORM_L2SQR) / max(grey[1:].size, 1)
    return across, down
