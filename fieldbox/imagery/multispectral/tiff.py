"""A TIFF of one band: tags and 16-bit pixels. The file is not trusted."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

MAX_BYTES = 200_000_000
MAX_PIXELS = 30_000_000
"""The largest band of the known cameras has 12.4 million pixels."""
MIN_SIDE = 64
_XMP, _EXIF_IFD = 700, 0x8769
_MODES = ("I;16", "I;16L", "I;16B", "I;16N")

_UNREADABLE = (
    SyntaxError,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    OSError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    RuntimeError,
    Image.DecompressionBombError,
)
"""All that Pillow was seen to raise on damaged or lying TIFF structures, and what else it may."""


@dataclass(frozen=True, slots=True)
class Tiff:
    """Tags of the base and Exif directories by number, and the XMP packet."""

    width: int
    height: int
    bits: int
    tags: dict[int, Any]
    xmp: bytes


def read_tiff(data: bytes) -> Tiff:
    """The tags of a 16-bit, one-channel TIFF; the pixels are not decoded. Raises Rejected for anything else."""
    if len(data) > MAX_BYTES:
        raise Rejected(
            N_("The band file is too large ({size} MB): give the camera's original files."),
            size=len(data) // 10**6,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of each damaged tag; it is simply unknown here
        image = _open(data)
        base = _entries(getattr(image, "tag_v2", None))
        return Tiff(
            width=image.width,
            height=image.height,
            bits=16,
            tags=base | _shot(image),
            xmp=_bytes(base.get(_XMP)),
        )


def read_pixels(data: bytes) -> NDArray[np.uint16]:
    """The pixels, uint16 [height, width]. Raises Rejected for what `read_tiff` refuses and what is cut off or damaged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _open(data)
        try:
            image.load()
            pixels = np.asarray(image)
        except _UNREADABLE as error:
            raise Rejected(
                N_("The pixels of the band file are damaged or cut off: copy it again from the drone's card.")
            ) from error
    if pixels.ndim != 2 or pixels.shape != (image.height, image.width) or pixels.dtype.kind != "u":
        raise _not_a_band()
    return np.ascontiguousarray(pixels, dtype=np.uint16)


def _open(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=["TIFF"])
    except _UNREADABLE as error:
        raise Rejected(
            N_("The band file is no TIFF picture, or it is damaged: give the camera's original files.")
        ) from error
    if image.width * image.height > MAX_PIXELS:
        raise Rejected(
            N_("The band file has too many pixels ({width} x {height}): give the camera's original files."),
            width=image.width,
            height=image.height,
        )
    if min(image.width, image.height) < MIN_SIDE or image.mode not in _MODES:
        raise _not_a_band()
    return image


def _not_a_band() -> Rejected:
    return Rejected(
        N_(
            "The file is no band of a multispectral camera (16-bit, one channel): give the camera's original files."
        )
    )


def _shot(image: Image.Image) -> dict[int, Any]:
    try:
        return _entries(image.getexif().get_ifd(_EXIF_IFD))
    except _UNREADABLE:
        return {}


def _entries(tags: Any) -> dict[int, Any]:
    found: dict[int, Any] = {}
    try:
        keys = list(tags)
    except _UNREADABLE:
        return {}
    for key in keys:
        try:
            found[key] = tags[key]
        except _UNREADABLE:
            continue
    return found


def _bytes(value: Any) -> bytes:
    if isinstance(value, tuple) and all(isinstance(part, bytes) for part in value):
        return b"".join(value)
    return value if isinstance(value, bytes) else b""
