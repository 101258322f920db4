"""A photo from a phone: upright pixels, and whether it is one at all.

Phone photos and drone frames are kept apart: what a drone took is refused here, as it says where on the
field it belongs and goes the way of a flight.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.exif import Exif, read_exif
from fieldbox.imagery.xmp import Xmp, read_xmp

MAX_BYTES = 60_000_000
MAX_PIXELS = 120_000_000
"""More than any phone takes; larger ones would need more memory than a box has to spare."""
MIN_SIDE = 128
WANTED_SIDE = 640
"""A JPEG is decoded no finer than to this for its shorter side, where its scales allow: it is made smaller anyway."""
_FORMATS = ("JPEG", "PNG", "WEBP")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_DRONE_MAKES = (
    "dji", "sensefly", "parrot", "autel", "yuneec", "skydio", "micasense", "wingtra", "quantum-systems",
)  # fmt: skip
_FLIGHT_TAGS = ("drone-dji", "sensefly")
_TOO_LARGE = N_("The picture has more than {limit} million pixels: give a photo as a phone takes it.")
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    ZeroDivisionError,
    EOFError,
    struct.error,
    zlib.error,
)
"""All that Pillow was seen to raise on damaged or lying files."""


def read_phone_photo(path: Path) -> NDArray[np.uint8]:
    """The pixels of a photo, uint8 [H, W, 3] RGB, turned upright as its EXIF orientation says.

    JPEG, PNG and WebP; a large JPEG comes at a half, a quarter or an eighth of its size. Raises Rejected, with
    one sentence, for what cannot be read, is another kind of file, damaged or cut off, too small or too large,
    or was taken by a drone.
    """
    data = _bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd tags and large sizes; both are judged here
        image = _opened(data)
        _check_size(image)
        _refuse_drone(image)
        return _upright(image)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Rejected(
            N_("{file} cannot be read: {why}."), file=str(path), why=error.strerror or "?"
        ) from error
    if not data:
        raise Rejected(N_("The file is empty: take the photo again, or copy it again from the phone."))
    if len(data) > MAX_BYTES:
        raise Rejected(
            N_("The file is larger than {limit} MB: give one photo."), limit=MAX_BYTES // 1_000_000
        )
    return data


def _opened(data: bytes) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        raise Rejected(
            N_(
                "HEIC pictures cannot be read: set the phone's camera to JPEG (most compatible), or send it as JPEG."
            )
        )
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise Rejected(_TOO_LARGE, limit=MAX_PIXELS // 1_000_000) from error
    except _UNREADABLE as error:
        raise Rejected(N_("It is not a photo that can be read: give a JPEG, PNG or WebP picture.")) from error


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Rejected(_TOO_LARGE, limit=MAX_PIXELS // 1_000_000)
    if min(width, height) < MIN_SIDE:
        raise Rejected(
            N_("The picture has only {width} x {height} pixels: give the photo as the phone took it."),
            width=width, height=height,
        )  # fmt: skip


def _refuse_drone(image: Image.Image) -> None:
    if from_drone(*_metadata(image)):
        raise Rejected(
            N_(
                "The photo was taken by a drone: map it with `fieldbox ingest`. Leaves are judged on phone photos alone."
            )
        )


def _metadata(image: Image.Image) -> tuple[Exif, Xmp]:
    exif, xmp = image.info.get("exif", b""), image.info.get("xmp", b"")
    exif = exif if isinstance(exif, bytes) else b""
    xmp = xmp if isinstance(xmp, bytes) else b""
    return read_exif(exif.removeprefix(b"Exif\x00\x00")), read_xmp(xmp)


def from_drone(exif: Exif, xmp: Xmp) -> bool:
    """Whether a photo says that a drone took it: its maker, a maker's flight tags, or a camera pose with a place.

    A place alone says nothing: phones write it too. Frames of `fieldbox simulate` are drone frames.
    """
    if any(xmp.speaks(maker) for maker in (*_FLIGHT_TAGS, "fieldbox")):
        return True
    if exif.make.lower().startswith(_DRONE_MAKES) or exif.software.lower().startswith("fieldbox simulate"):
        return True
    posed = all(xmp.number("camera", name) is not None for name in ("pitch", "roll", "yaw"))
    return posed and exif.lat is not None


def _upright(image: Image.Image) -> NDArray[np.uint8]:
    try:
        if image.format in {"JPEG", "MPO"}:
            image.draft("RGB", _no_smaller(image.size))
        image.load()
        turned = ImageOps.exif_transpose(image)
        if turned.mode in {"RGBA", "LA", "PA", "P"}:
            # What is transparent has no colour of its own; white is what a viewer shows.
            clear = turned.convert("RGBA")
            turned = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        pixels: NDArray[np.uint8] = np.asarray(_eight_bits(turned).convert("RGB"))
    except _UNREADABLE as error:
        raise Rejected(
            N_("The photo is damaged or cut off: take it again, or copy it again from the phone.")
        ) from error
    return np.ascontiguousarray(pixels)


def _no_smaller(size: tuple[int, int]) -> tuple[int, int]:
    """The size to ask the JPEG decoder for: it takes the next scale that is not smaller."""
    scale = min(1.0, WANTED_SIDE / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Pictures of 16 bits a pixel, which Pillow would cut off at 255."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
