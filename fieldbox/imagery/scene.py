"""Does a picture show a field of the kind that the weed model was trained on?

A picture at a quarter of the model's scale (about 11 mm for a pixel) is cut into blocks of 160 x 160
pixels (1.8 m of ground). A block is described by ten numbers: its share of vegetation, the colour of
the ground between the plants, its light, its texture and how much of that runs in straight lines. Blocks
of the training pictures, in other light and on other soil as the training sees them, were described in
the same way; a few hundred of them that stand for all are in `models/scene.json`. A block is strange if
it lies farther than a stated limit from the nearest of these, each number measured in its own spread.

So a car park is told from bare soil by its smoothness and lines together, a park from a dense crop by
its shadows: no single number could. What was measured stands on the card of the weed model.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.indices import vegetation_indices

STATISTICS = (
    "vegetation", "warm", "cold", "green", "light", "shade", "texture", "lines", "patches", "leaf",
)  # fmt: skip
"""What describes a block, in this order; see `describe`."""
BLOCK_PX = 160
COARSER = 4
"""Blocks are looked at in pictures this many times coarser than what the model sees."""
STRANGE_SHARE = 0.5
"""A flight of which more than this share of the sampled ground is strange is not judged."""
CLOSED_CANOPY = 0.8
"""A flight whose ground is greener than this (median share of a block) shows no single plants: a closed crop,
grass or trees. Blocks of the potato field have 0.05, of heavily weeded cauliflower 0.55; of a park 0.9."""
_DARK, _BURNT = 20, 250
_USELESS = 0.5
"""A block with more than this share of black, or of burnt out, pixels shows nothing."""
_BLACK, _BLANK = 4, 0.1
"""A block with more than this share of black pixels reaches beyond what was photographed, as in cut-outs of a
mosaic: its rest may be sound, so it is not judged."""
_BLURRED = 1.25
"""Fine against middling contrast of a block: see `sharpness`."""
_FEWEST = 0.05
"""Ground, or leaves, on a smaller share of a block say nothing of their colour."""


class Oddity(StrEnum):
    """Why a block is not judged."""

    BLANK = "blank"
    DARK = "dark"
    BURNT = "burnt"
    BLURRED = "blurred"
    STRANGE = "strange"


_DARK_PHOTOS = Sentence(N_("The photos are too dark to judge: fly by daylight."))
SENTENCES: Mapping[Oddity, Sentence] = {
    Oddity.BLANK: _DARK_PHOTOS,
    Oddity.DARK: _DARK_PHOTOS,
    Oddity.BURNT: Sentence(N_("The photos are overexposed: set the camera's exposure lower and fly again.")),
    Oddity.BLURRED: Sentence(
        N_("The photos are blurred: clean the lens, fly slower or with a shorter exposure.")
    ),
    Oddity.STRANGE: Sentence(
        N_(
            "The photos do not look like the fields that the weed model knows (a road, roofs, water, trees, "
            "a closed canopy?): no weeds are called."
        )
    ),
}


CANOPY = Sentence(
    N_(
        "Plants cover nearly all of the ground (a closed canopy, grass or trees?): single weeds cannot be told "
        "there, so none are called."
    )
)


@dataclass(frozen=True, eq=False, slots=True)
class KnownScenes:
    """The blocks that stand for the training pictures."""

    spread: NDArray[np.float32]
    """[S] of each statistic over the training blocks."""
    blocks: NDArray[np.float32]
    """[N, S] in units of the spread."""
    limit: float
    """A block farther than this from all of them is strange."""
    digest: str
    """Of the description: another one gives other results."""

    @classmethod
    def from_json(cls, text: str) -> KnownScenes:
        """Read what `python -m models.weeds.scene` wrote. Raises Misconfigured if it is not such."""
        try:
            stored = json.loads(text)
            if stored["statistics"] != list(STATISTICS):
                raise ValueError("other statistics")
            spread = np.array(stored["spread"], np.float32)
            blocks = np.array(stored["blocks"], np.float32)
            known = cls(spread, blocks, float(stored["limit"]), blake3(text.encode()).hexdigest())
            if blocks.ndim != 2 or blocks.shape[1:] != spread.shape != (0,) or not (spread > 0).all():
                raise ValueError("wrong shapes")
        except (ValueError, KeyError, TypeError) as error:
            raise Misconfigured(
                N_(
                    "The description of the scenes that the model knows is damaged; install the release again."
                )
            ) from error
        return known

    def distance(self, statistics: NDArray[np.float32]) -> NDArray[np.float32]:
        """[K] distance of blocks [K, S] to the nearest known one, in spreads."""
        gap = (statistics / self.spread)[:, None, :] - self.blocks[None]
        return np.asarray(np.sqrt((gap * gap).sum(axis=2).min(axis=1)), np.float32)

    def oddity(self, block: NDArray[np.uint8]) -> Oddity | None:
        """Why a block [h, w, 3] RGB is not judged; None if it looks like the training's."""
        plain = plain_oddity(block)
        if plain in (Oddity.BLANK, Oddity.DARK, Oddity.BURNT):
            return plain
        far = float(self.distance(describe(block)[None])[0]) > self.limit
        return Oddity.STRANGE if far else plain


def plain_oddity(block: NDArray[np.uint8]) -> Oddity | None:
    """Whether a block [h, w, 3] RGB is partly blank, or too dark, burnt out or blurred to show anything."""
    light = _light(block)
    if float((light <= _BLACK).mean()) > _BLANK:
        return Oddity.BLANK
    if float((light <= _DARK).mean()) > _USELESS:
        return Oddity.DARK
    if float((_brightest(block) >= _BURNT).mean()) > _USELESS:
        return Oddity.BURNT
    return Oddity.BLURRED if sharpness(light) < _BLURRED else None


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """The blocks of a picture: None for those that look like the training's."""

    blocks: tuple[tuple[slice, slice], ...]
    """Rows and columns of each, in the picture's pixels; they cover it."""
    oddities: tuple[Oddity | None, ...]

    def strange(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """[h, w] pixels in blocks that are not judged."""
        mask = np.zeros(shape, bool)
        for place, oddity in zip(self.blocks, self.oddities, strict=True):
            mask[place] = oddity not in (None, Oddity.BLANK)
        return mask


def judge_picture(small: NDArray[np.uint8], known: KnownScenes) -> Judged:
    """Judge a picture [h, w, 3] RGB, `COARSER` times coarser than what the model sees, block by block."""
    places = tuple((down, across) for down in _spans(small.shape[0]) for across in _spans(small.shape[1]))
    return Judged(places, tuple(known.oddity(small[place]) for place in places))


def judge_flight(pictures: Sequence[Judged]) -> Oddity | None:
    """Why a flight is not judged, from some of its pictures; None if half its blocks or more are sound."""
    blocks = [oddity for picture in pictures for oddity in picture.oddities]
    found = [oddity for oddity in blocks if oddity is not Oddity.BLANK] or blocks
    odd = [one for one in found if one is not None]
    if len(odd) <= STRANGE_SHARE * len(found):
        return None
    return max(Oddity, key=lambda kind: (odd.count(kind), kind.value))


def closed_canopy(pictures: Sequence[NDArray[np.uint8]]) -> bool:
    """Whether plants cover nearly all the ground of a flight; pictures as for `judge_picture`."""
    green = [
        float(mask[down, across].mean())
        for mask in (vegetation_indices(picture).vegetation for picture in pictures)
        for down in _spans(mask.shape[0])
        for across in _spans(mask.shape[1])
    ]
    return bool(green) and float(np.median(green)) > CLOSED_CANOPY


def describe(block: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The statistics of a block [h, w, 3] RGB, float32 [S].

    vegetation   share of the pixels, by ExG
    warm, green  medians over the ground between of (R - B) / (R + G + B) and of ExG; 0 where there is none
    cold         (R - B) / (R + G + B) that a twentieth of all pixels lie below
    light        log2 of the median mean of R, G and B
    shade        share of the pixels with less than a third of that light
    texture      log2 of the contrast within some 10 cm, relative to the light there
    lines        share of the gradients' energy that runs one way within some 10 cm (structure tensor)
    patches      contrast of what is coarser than some 20 cm, relative to the light
    leaf         median ExG of the vegetation; 0 where there is none
    """
    index, light = vegetation_indices(block), _light(block)
    around = cv2.GaussianBlur(light, (0, 0), 4)
    detail = light - around
    # Every fourth pixel is enough for a median.
    thin = np.s_[::2, ::2]
    few, leaves, exg = light[thin], index.vegetation[thin], index.exg[thin]
    pixels = block[thin].astype(np.float32)
    warmth = (pixels[..., 0] - pixels[..., 2]) / np.maximum(3 * few, 1.0)
    ground = ~leaves & (few > _DARK) & (_brightest(block)[thin] < _BURNT)
    middle = float(np.median(few))
    warm = green = leaf = 0.0
    if ground.mean() > _FEWEST:
        warm, green = float(np.median(warmth[ground])), float(np.median(exg[ground]))
    if leaves.mean() > _FEWEST / 5:
        leaf = float(np.median(exg[leaves]))
    texture = float(np.std(detail / np.maximum(around, 10)))
    patches = float(np.std(cv2.GaussianBlur(around, (0, 0), 7)) / max(float(light.mean()), 10.0))
    found = (
        float(index.vegetation.mean()),
        warm,
        float(np.percentile(warmth, 5)),
        green,
        float(np.log2(max(middle, 1.0))),
        float((light < middle / 3).mean()),
        float(np.log2(max(texture, 0.005))),
        _lines(light),
        patches,
        leaf,
    )
    return np.array(found, np.float32)


def _light(block: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean of R, G and B; OpenCV takes it ten times faster than NumPy."""
    third = np.full((1, 3), 1 / 3, np.float32)
    return np.asarray(cv2.transform(block.astype(np.float32), third), np.float32).reshape(block.shape[:2])


def _brightest(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    red, green, blue = cv2.split(block)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _lines(light: NDArray[np.float32]) -> float:
    across, down = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(one, (0, 0), 5) for one in (across * across, down * down, across * down))
    one_way = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    return float(one_way.sum() / max(float((xx + yy).sum()), 1e-3))


def sharpness(light: NDArray[np.float32]) -> float:
    """Standard deviation of the Laplacian over that of all detail: 1.7 and more on sharp pictures."""
    detail = light - cv2.GaussianBlur(light, (0, 0), 4)
    return float(np.std(cv2.Laplacian(light, cv2.CV_32F)) / max(float(np.std(detail)), 0.5))


def _spans(length: int) -> list[slice]:
    """Equal parts of about BLOCK_PX."""
    count = max(1, round(length / BLOCK_PX))
    ends = [round(length * n / count) for n in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(ends)]
