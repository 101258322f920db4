"""Original photos and windows of them, read by GDAL line by line: a large photo is never whole in memory.

Pixels are those of the stored file; the orientation tag of EXIF is not applied, as nowhere in fieldbox.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from fieldbox.dashboard.ports import Picture
from fieldbox.dashboard.tiles import environment
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence

_DIGEST = re.compile(r"[0-9a-f]{16,128}")
MAX_CROP_PX = 1600
MAX_WHOLE_PX = 2048
MAX_SPAN_PX = 20_000
"""Of a crop, in pixels of the photo; what is larger than MAX_CROP_PX is shown smaller."""
RING_PX = 46


def original(root: Path, digest: str) -> Path:
    """The picture of a capture under the data folder. Raises Rejected for what is no digest or is not there."""
    if _DIGEST.fullmatch(digest):
        # As fieldbox.pictures has it: a photo is its own picture, others' are made of their files.
        for folder in ("originals", "made"):
            path = root / folder / digest[:2] / f"{digest}.jpg"
            if path.is_file():
                return path
    raise Rejected(N_("This photo is not on the box any more."))


def is_there(root: Path, digest: str) -> bool:
    """Whether the picture of a capture is on the box."""
    try:
        original(root, digest)
    except Rejected:
        return False
    return True


def size_of(root: Path, digest: str) -> tuple[int, int]:
    """Width and height of a photo in pixels; 0, 0 where it is not there or cannot be read."""
    try:
        with environment(), _open(original(root, digest)) as source:
            return source.width, source.height
    except Rejected:
        return 0, 0


def removed(gone_at: datetime | None) -> Sentence | None:
    """What is said of a photo that was removed to make room; None: it was not."""
    if gone_at is None:
        return None
    told = N_(
        "The photo was removed on {date} to make room; its results stay: give the card again to look at it."
    )
    return Sentence(told, {"date": f"{gone_at:%Y-%m-%d}"})


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a photo that is asked for, in its pixels."""

    x: float
    """The middle."""
    y: float
    size: int
    """Side of the square."""
    shown: int = MAX_CROP_PX
    """Side of its picture, at most."""
    mark: tuple[float, float] | None = None
    """The spot, in pixels of the photo; None: the middle."""
    ring: bool = True
    """Whether the spot is marked."""


def crop(path: Path, wanted: Crop) -> Picture:
    """A square of a photo, at full detail unless it would be larger than `shown`, the spot marked with a ring or not.

    Near an edge the square slides inwards. Raises Rejected if the photo cannot be read.
    """
    with environment(), _open(path) as source:
        left, top, side_x, side_y = _part_of(wanted, (source.width, source.height))
        scale = min(1.0, min(wanted.shown, MAX_CROP_PX) / max(side_x, side_y))
        shape = (max(1, round(side_y * scale)), max(1, round(side_x * scale)))
        image = _read(source, Window(left, top, side_x, side_y), shape)
    if wanted.ring:
        x, y = wanted.mark or (wanted.x, wanted.y)
        _ring(image, (x - left) * scale, (y - top) * scale, min(RING_PX, max(shape) / 4))
    return _jpeg(image)


def window_of(x: float, y: float, size: int, photo: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height of what a `crop` at full detail shows of a photo of that width and height."""
    return _part_of(Crop(x, y, min(size, MAX_CROP_PX)), photo)


def _part_of(wanted: Crop, photo: tuple[int, int]) -> tuple[int, int, int, int]:
    side_x, side_y = (min(wanted.size, length) for length in photo)
    return _slide(wanted.x, side_x, photo[0]), _slide(wanted.y, side_y, photo[1]), side_x, side_y


def whole(path: Path) -> Picture:
    """The whole photo, halved until its longer side is MAX_WHOLE_PX or less. Raises Rejected if damaged."""
    with environment(), _open(path) as source:
        shrink = 1
        while max(source.shape) > shrink * MAX_WHOLE_PX:
            shrink *= 2  # halves come straight from the JPEG's frequencies: quick, and small in memory
        shape = (math.ceil(source.height / shrink), math.ceil(source.width / shrink))
        return _jpeg(_read(source, Window(0, 0, source.width, source.height), shape))


def _open(path: Path) -> rasterio.DatasetReader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(path, driver="JPEG")
        except RasterioError:
            raise _unreadable() from None


def _read(source: rasterio.DatasetReader, window: Window, shape: tuple[int, int]) -> Image.Image:
    bands = [1, 2, 3] if source.count >= 3 else [1, 1, 1]
    try:
        pixels: NDArray[np.uint8] = source.read(indexes=bands, window=window, out_shape=(3, *shape))
    except RasterioError:
        raise _unreadable() from None
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _unreadable() -> Rejected:
    return Rejected(N_("This photo cannot be read: its file is damaged."))


def _slide(centre: float, side: int, length: int) -> int:
    return max(0, min(length - side, round(centre - side / 2)))


def _ring(image: Image.Image, x: float, y: float, outer: float) -> None:
    draw = ImageDraw.Draw(image)
    for colour, width, radius in (("black", 7, outer + 2), ("white", 3, outer)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=width)


def _jpeg(image: Image.Image) -> Picture:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return Picture(out.getvalue(), "image/jpeg")
