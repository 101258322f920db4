"""Files as they come from broken cards and wrong folders, made from one good photo."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"


def pixels_at(photo: bytes) -> int:
    """Where the entropy-coded pixels begin."""
    at = 2
    while photo[at + 1] != 0xDA:
        at += 2 + struct.unpack(">H", photo[at + 2 : at + 4])[0]
    return at + 2 + int(struct.unpack(">H", photo[at + 2 : at + 4])[0])


def without_metadata(photo: bytes) -> bytes:
    """The photo without EXIF and XMP: no place, no time, no camera."""
    out, at = photo[:2], 2
    while photo[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", photo[at + 2 : at + 4])[0]
        if photo[at + 1] != 0xE1:
            out += photo[at:end]
        at = end
    return out + photo[at:]


def damaged(photo: bytes) -> bytes:
    """Bytes in the middle of the pixels were lost: the header is sound and the file has its end."""
    start = pixels_at(photo)
    middle = (start + len(photo)) // 2
    return photo[:middle] + b"\x00" * 4096 + photo[middle + 4096 :]


def resized(photo: bytes, width: int, height: int) -> bytes:
    """The header tells another size than there are pixels."""
    at = 2
    while photo[at + 1] not in (0xC0, 0xC2):
        at += 2 + struct.unpack(">H", photo[at + 2 : at + 4])[0]
    return photo[: at + 5] + struct.pack(">HH", height, width) + photo[at + 9 :]


def with_broken_exif(photo: bytes) -> bytes:
    """Its EXIF directory points nowhere."""
    at = photo.index(b"Exif\x00\x00") + 6
    return photo[: at + 4] + b"\xff\xff\xff\x7f" + photo[at + 8 :]


BAD: dict[str, Callable[[bytes], bytes]] = {
    "zero.jpg": lambda _photo: b"",
    "text.jpg": lambda _photo: b"wind from the west, 3 m/s\n",
    "page.pdf": lambda _photo: PDF,
    "page.jpg": lambda _photo: PDF,
    "half.jpg": lambda photo: photo[: len(photo) // 2],
    "header.jpg": lambda photo: photo[:300],
    "start.jpg": lambda photo: photo[:2],
    "huge.jpg": lambda photo: resized(photo, 65_000, 65_000),
    "thumbnail.jpg": lambda photo: resized(photo, 160, 120),
    "bomb.gif": lambda _photo: b"GIF89a\xff\xff\xff\xff" + b"\x00" * 40,
    "mask.png": lambda _photo: b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
}
"""Each is to be rejected."""


def strew(folder: Path, photo: bytes) -> None:
    """Write all of BAD into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in BAD.items():
        (folder / name).write_bytes(make(photo))
