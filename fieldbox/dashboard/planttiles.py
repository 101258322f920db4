"""Tiles of all weeds of a survey: dots to scale from near, density from far.

From far a dot large enough to be seen stands for a plant a hundred times smaller, and a field with few weeds would look full of
them: there the colour tells how many stand on each square metre.
"""

from __future__ import annotations

import io
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fieldbox.dashboard.plants import STRUCK, Weeds, within
from fieldbox.dashboard.ports import Picture
from fieldbox.dashboard.tiles import BLANK, HALF_WORLD_M, SIZE, tile_bounds

PINK: Final = (255, 20, 147)
GREY: Final = (222, 226, 230)
"""Of plants that people say are no weeds."""
DOTS_ZOOM: Final = 20
"""From here on single dots: a pixel is 15 cm or less."""
LEAST_PX: Final = 1.5
"""Radius of a dot that is to be seen."""
FULL_PER_M2: Final = 12.0
"""So many weeds have the full colour."""
_FULL_ALPHA, _SURE_ALPHA, _UNSURE_ALPHA, _STRUCK_ALPHA = 200, 215, 235, 235
_FINE: Final = 4
"""Dots are drawn so many times larger and averaged."""
_BLOCK_PX: Final = 8
_EQUATOR_M: Final = 2 * HALF_WORLD_M
_DASHED_PX: Final = 4 * _FINE
"""A smaller ring has no room for dashes: it is only hollow."""
_DASHES: Final = tuple(range(0, 360, 60))


def plant_tile(weeds: Weeds, z: int, x: int, y: int) -> Picture:
    """One tile of the weeds. Raises ValueError for a tile that does not exist."""
    tile_bounds(z, x, y)
    middle = math.pi * (1 - 2 * (y + 0.5) / 2**z)
    pixel_m = _EQUATOR_M / math.cosh(middle) / SIZE / 2**z
    still = weeds["sure"] != STRUCK
    if z < DOTS_ZOOM:
        alpha = _density(weeds if still.all() else weeds[still], z, x, y, pixel_m)
        return encode(alpha) if alpha is not None and alpha.any() else BLANK
    near = _near(weeds, z, x, y, _around(weeds, pixel_m))
    struck = near["sure"] == STRUCK
    alpha = _dots(near[~struck], z, x, y, pixel_m)
    if not struck.any():
        return encode(alpha) if alpha.any() else BLANK
    return _encode_both(alpha, _dots(near[struck], z, x, y, pixel_m))


def encode(alpha: NDArray[np.uint8]) -> Picture:
    """Pink of that strength, [h, w]."""
    image = Image.fromarray(alpha, "P")
    image.putpalette(bytes(PINK) * 256)
    out = io.BytesIO()
    image.save(out, "PNG", transparency=bytes(range(256)), compress_level=6)
    return Picture(out.getvalue(), "image/png")


def _encode_both(pink: NDArray[np.uint8], grey: NDArray[np.uint8]) -> Picture:
    """Grey rings over pink dots, both as strengths [h, w]."""
    over = grey > pink
    rgba = np.empty((*pink.shape, 4), np.uint8)
    rgba[..., :3] = np.where(over[..., None], np.array(GREY, np.uint8), np.array(PINK, np.uint8))
    rgba[..., 3] = np.maximum(pink, grey)
    out = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(out, "PNG", compress_level=6)
    return Picture(out.getvalue(), "image/png")


def draw_dots(
    alpha: Image.Image, places: NDArray[np.float64], radii: NDArray[np.float64], sure: NDArray[np.uint32]
) -> None:
    """Draw plants at `places` [N, 2] with `radii` in pixels of a mask: sure ones filled, unsure ones as a
    dashed or hollow ring, struck ones as a whole ring."""
    draw = ImageDraw.Draw(alpha)
    order = np.argsort(sure, kind="stable")
    boxes = np.hstack([places - radii[:, None], places + radii[:, None] - 1])[order].tolist()
    for box, radius, state in zip(boxes, radii[order].tolist(), sure[order].tolist(), strict=True):
        if state == STRUCK:
            draw.ellipse(box, outline=_STRUCK_ALPHA, width=max(_FINE, round(radius / 4)))
        elif state:
            draw.ellipse(box, fill=_SURE_ALPHA)
        elif radius < _DASHED_PX:
            draw.ellipse(box, outline=_UNSURE_ALPHA, width=_FINE)
        else:
            width = max(_FINE, round(radius / 3))
            for start in _DASHES:
                draw.arc(box, start, start + 38, fill=_UNSURE_ALPHA, width=width)


def _around(weeds: Weeds, pixel_m: float) -> float:
    """Pixels beyond a tile from where plants reach into it."""
    return float(weeds["radius_m"].max(initial=0.0)) / pixel_m + LEAST_PX + 1


def _dots(near: Weeds, z: int, x: int, y: int, pixel_m: float) -> NDArray[np.uint8]:
    if not len(near):
        return np.zeros((SIZE, SIZE), np.uint8)
    fine = Image.new("L", (SIZE * _FINE, SIZE * _FINE))
    places = np.column_stack([near["x"] * 2**z - x, near["y"] * 2**z - y]) * SIZE * _FINE
    radii = np.maximum(near["radius_m"].astype(np.float64) / pixel_m, LEAST_PX) * _FINE
    draw_dots(fine, places, radii, near["sure"])
    return np.asarray(fine.reduce(_FINE))


def _density(weeds: Weeds, z: int, x: int, y: int, pixel_m: float) -> NDArray[np.uint8] | None:
    """Counted in blocks, with one more on each side so that tiles meet without a seam, and smoothed between them."""
    near = _near(weeds, z, x, y, _BLOCK_PX)
    if not len(near):
        return None
    blocks = SIZE // _BLOCK_PX
    ends = (-1 / blocks, 1 + 1 / blocks)
    counts, _rows, _columns = np.histogram2d(
        near["y"] * 2**z - y, near["x"] * 2**z - x, blocks + 2, (ends, ends)
    )
    per_m2 = counts / (_BLOCK_PX * pixel_m) ** 2
    strength = strength_of(per_m2).astype(np.float32)
    side = SIZE + 2 * _BLOCK_PX
    smooth = np.asarray(
        Image.fromarray(strength, "F").resize((side, side), Image.Resampling.BILINEAR), np.float32
    )
    return np.rint(smooth[_BLOCK_PX:-_BLOCK_PX, _BLOCK_PX:-_BLOCK_PX]).astype(np.uint8)


def strength_of(per_m2: NDArray[np.float64]) -> NDArray[np.float64]:
    """How strong the colour is, 0 to 255. The root keeps a thin patch visible beside a dense one."""
    return np.asarray(_FULL_ALPHA * np.sqrt(np.minimum(per_m2 / FULL_PER_M2, 1.0)))


def _near(weeds: Weeds, z: int, x: int, y: int, around_px: float) -> Weeds:
    slack = around_px / SIZE
    west, north, east, south = (part / 2**z for part in (x - slack, y - slack, x + 1 + slack, y + 1 + slack))
    return within(weeds, west, north, east, south)
