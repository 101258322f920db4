"""The segments of a JPEG file, read without decoding it (ITU-T T.81, annex B).

Only what lies before the pixels is read, and a search for the end marker tells whether the file was
cut off while it was copied.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

MAX_PIXELS = 200_000_000
MAX_BYTES = 300_000_000
MIN_SIDE = 256
THERMAL_BYTES = 200_000
"""Of APP3 segments: DJI's thermal pictures keep 2 bytes for each of 640 x 512 points there (as ExifTool documents them)."""
EXIF_HEADER = b"Exif\x00\x00"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"

_SOI = b"\xff\xd8"
_SNIFF = 64
_EOI, _SOS, _APP1, _APP3 = 0xD9, 0xDA, 0xE1, 0xE3
_FLIR = b"FLIR\x00"
_PLAIN_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended sequential and progressive with Huffman coding: what drones and decoders speak."""
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", N_("It is a PDF document, not a photo: give the JPEG photos that the drone took.")),
    (b"II*\x00", N_("It is a TIFF picture, not a JPEG photo: bring it in with the rest of its flight.")),
    (b"MM\x00*", N_("It is a TIFF picture, not a JPEG photo: bring it in with the rest of its flight.")),
    (b"\x89PNG", N_("PNG pictures are not supported yet: give the drone's JPEG photos.")),
    (b"GIF8", N_("GIF pictures are not supported yet: give the drone's JPEG photos.")),
    (b"RIFF", N_("It is a video or WebP file, not a JPEG photo: give the drone's JPEG photos.")),
)
_NOT_A_PHOTO = N_("It is not a photo: give the JPEG photos that the drone took.")
_CUT_OFF = N_("The file is cut off: copy it again from the drone's card.")


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Size in pixels and the raw metadata of a JPEG; empty bytes where there is none."""

    width: int
    height: int
    exif: bytes
    """TIFF structure, without the "Exif" prefix."""
    xmp: bytes
    """XMP packet, without the namespace prefix."""
    thermal: bool = False
    """It carries the numbers of a thermal camera (FLIR's, or DJI's R-JPEG)."""


def read_file(path: Path) -> bytes:
    """All of the photo at `path`. Raises Rejected when it is no JPEG, or far too large; OSError when it cannot be read."""
    # Read, not mapped: a card that is pulled out must raise OSError here, not kill the process.
    with path.open("rb") as file:
        start = file.read(_SNIFF)
        if not start:
            raise Rejected(N_("The file is empty: copy it again from the drone's card."))
        if not start.startswith(_SOI):
            raise foreign(start)
        data = start + file.read(MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise Rejected(
            N_("The file is larger than {limit} MB: give single photos as the drone took them."),
            limit=MAX_BYTES // 1_000_000,
        )
    return data


def read_header(path: Path) -> JpegHeader:
    """Read the header of the photo at `path`.

    Raises Rejected when it is no usable colour JPEG, or is cut off; OSError when it cannot be read.
    """
    return header_of(read_file(path))


def header_of(data: bytes) -> JpegHeader:
    """Read the header of a JPEG in memory. Raises Rejected like `read_header`."""
    if not data.startswith(_SOI):
        raise foreign(data[:_SNIFF])
    size: tuple[int, int] | None = None
    exif = xmp = b""
    flir, measured = False, 0
    for marker, start, end in _segments(data):
        flir = flir or (marker == _APP1 and data.startswith(_FLIR, start))
        if marker == _APP3 and not (
            measured == 0 and data.startswith(_SOI, start)
        ):  # some put previews there
            measured += end - start
        if marker == _APP1 and not exif and data.startswith(EXIF_HEADER, start):
            exif = data[start + 6 : end]
        elif marker == _APP1 and not xmp and data.startswith(XMP_HEADER, start):
            xmp = data[start + len(XMP_HEADER) : end]
        elif marker in _FRAMES and size is None:
            size = _frame_size(marker, data[start:end])
        elif marker == _SOS:
            if size is None:
                break
            # Within the pixels 0xFF is always followed by 0x00 or a restart, so this is the true end. Sought from the
            # back, where it is: from the front it took a tenth of the time that decoding takes.
            if data.rfind(b"\xff\xd9", end) < 0:
                raise Rejected(_CUT_OFF)
            thermal = flir or measured >= THERMAL_BYTES
            return JpegHeader(size[0], size[1], exif, xmp, thermal)
    raise Rejected(_CUT_OFF)


def _segments(data: bytes) -> list[tuple[int, int, int]]:
    """(marker, start, end) of each payload up to and with the first scan's header. Rejected if torn."""
    segments = []
    at, length = 2, len(data)
    while at + 4 <= length:
        if data[at] != 0xFF:
            raise Rejected(N_("The photo's header is damaged: copy it again from the drone's card."))
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _WITHOUT_LENGTH:
            at += 2
            continue
        if marker == _EOI:
            break
        (size,) = struct.unpack(">H", data[at + 2 : at + 4])
        end = at + 2 + size
        if size < 2 or end > length:
            raise Rejected(_CUT_OFF)
        segments.append((marker, at + 4, end))
        if marker == _SOS:
            break
        at = end
    return segments


def _frame_size(marker: int, payload: bytes) -> tuple[int, int]:
    if marker not in _PLAIN_FRAMES or len(payload) < 6 or payload[0] != 8:
        raise Rejected(N_("It is an unusual kind of JPEG: set the camera to ordinary JPEG photos."))
    height, width, components = struct.unpack(">HHB", payload[1:6])
    if components == 1:
        raise Rejected(N_("The photo has no colours: give the colour photos of the drone."))
    if components != 3:
        raise Rejected(N_("The photo is in print colours (CMYK): give the drone's own colour photos."))
    if width * height > MAX_PIXELS:
        raise Rejected(
            N_("The photo has {megapixels} megapixels, more than the {limit} that fit: give single photos."),
            megapixels=round(width * height / 1e6),
            limit=MAX_PIXELS // 1_000_000,
        )
    if min(width, height) < MIN_SIDE:
        raise Rejected(
            N_("The photo is only {width} x {height} pixels: give the photos in full size, not thumbnails."),
            width=width,
            height=height,
        )
    return width, height


def foreign(start: bytes) -> Rejected:
    """What to raise for a file that begins so and is no JPEG photo: the sentence says what it is."""
    for magic, template in _FOREIGN:
        if start.startswith(magic):
            return Rejected(template)
    if start[4:8] == b"ftyp":
        return Rejected(
            N_("It is a video or a HEIC picture, not a JPEG photo: give the drone's JPEG photos.")
        )
    return Rejected(_NOT_A_PHOTO)
