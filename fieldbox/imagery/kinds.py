"""What kind of file something is, by its first bytes: names lie."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fieldbox.domain import FileKind
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.jpeg import foreign

SNIFFED = 64
"""Bytes that tell the kind."""
MAX_TEXT_BYTES = 5_000_000
"""A list of a whole flight's photos has some hundred kilobytes."""
BESIDE_RASTERS = {".tfw", ".tifw", ".tiffw", ".wld", ".prj"}
"""World files and projections: where the picture of the same name lies."""
_TEXTS = {".txt", ".csv", ".mrk", *BESIDE_RASTERS}
_JPEG = b"\xff\xd8"
_TIFFS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_RAW = {".dng"}
_PROXIES = {".lrf", ".lrv"}
_THERMAL = re.compile(r"DJI_\d{14}_\d{4}_T(_.*)?", re.IGNORECASE)
"""DJI's names of what the thermal camera of a drone took."""
_FILM_BRANDS = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"}
"""First boxes of MP4 and QuickTime files (ISO 14496-12; QuickTime File Format)."""
_STILL_BRANDS = {b"heic", b"heix", b"mif1", b"avif"}


def kind_of(head: bytes, size: int, name: str) -> FileKind:
    """The kind of a file that begins with `head` (SNIFFED bytes).

    Raises Rejected for what fieldbox cannot use, by a sentence that says what it is.
    """
    if not size:
        raise Rejected(N_("The file is empty: copy it again from the drone's card."))
    suffix = PurePosixPath(name).suffix.lower()
    if head.startswith(_JPEG):
        return FileKind.JPEG
    if suffix in _TEXTS and size <= MAX_TEXT_BYTES:
        return FileKind.TEXT
    if suffix == ".srt":
        return FileKind.TELEMETRY
    if head.startswith(_TIFFS):
        return _tiff(suffix)
    if head[4:8] in _FILM_BRANDS:
        return _film(head, PurePosixPath(name))
    raise foreign(head)


def _tiff(suffix: str) -> FileKind:
    if suffix in _RAW:
        raise Rejected(N_("It is a raw picture (DNG): give the JPEG photo that the drone took beside it."))
    return FileKind.TIFF


def _film(head: bytes, name: PurePosixPath) -> FileKind:
    if name.suffix.lower() in _PROXIES:
        raise Rejected(
            N_("It is the small preview of a video: give the video itself (MP4 or MOV) with its .SRT.")
        )
    if _THERMAL.fullmatch(name.stem):
        raise Rejected(
            N_("It is the video of a thermal camera: give that of the colour camera of the same flight.")
        )
    if head[8:12] in _STILL_BRANDS:
        raise Rejected(N_("It is a HEIC or AVIF picture: give the drone's JPEG photos."))
    return FileKind.VIDEO


def no_picture(head: bytes) -> Sentence:
    """What to say of a text that is no list either."""
    return foreign(head).sentence
