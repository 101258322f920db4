"""A small writer of Cloud-Optimised GeoTIFFs: RGB as JPEG tiles with a mask and overviews.

GDAL's own driver needs the whole picture as a file first, reads it twice and encodes it twice; on the
box that took longer than all else a mosaic needs. This one takes the picture strip by strip, makes
the overviews on the way and keeps only one strip a level in memory. TIFF 6.0 with Technical Note 2
(JPEG), GeoTIFF 1.1 (OGC 19-008r4), COG (OGC 21-026): all directories first, then the tiles, smallest
overview first. Tiles without any picture are left out (sparse).
"""

from __future__ import annotations

import shutil
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import MOSAIC_ERROR_TAG
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

TILE = 512
_GHOST = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_FRAME = 8
"""Bytes that GDAL's layout puts around a tile: its size before it, its last four bytes after it."""
_ASCII = (2, "B", 1)
_SHORT, _LONG, _DOUBLE = (3, "H", 2), (4, "I", 4), (12, "d", 8)
_LIMIT = 2**32 - 1
Field = tuple[int, tuple[int, str, int], list[int] | list[float]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture lies: the zone, its north-west corner and the size of its pixels in metres."""

    epsg: int
    west: float
    north: float
    gsd_m: float
    error95_m: float | None = None
    """95 % radius of the error of a place in it, written into the file; None: not known."""


class _Level:
    """One resolution: its tiles on disk as they are finished, and the rows that wait for more."""

    def __init__(self, width: int, height: int, spool: BinaryIO) -> None:
        self.width, self.height, self.spool = width, height, spool
        self.pixels = np.zeros((TILE, width, 3), np.uint8)
        self.mask = np.zeros((TILE, width), bool)
        self.waiting = 0
        self.sizes: tuple[list[int], list[int]] = ([], [])
        """Bytes of each tile, of the picture and of the mask; 0 for a tile that is left out."""

    @property
    def across(self) -> int:
        return -(-self.width // TILE)

    def take(self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> bool:
        """Append rows (which fit); True when a row of tiles is full."""
        rows = slice(self.waiting, self.waiting + len(mask))
        self.pixels[rows], self.mask[rows] = pixels, mask
        self.waiting += len(mask)
        return self.waiting == TILE

    def encode(self, quality: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Write the waiting rows as tiles; returns them."""
        pixels, mask = self.pixels[: self.waiting], self.mask[: self.waiting]
        for column in range(0, self.width, TILE):
            columns = slice(column, column + TILE)
            image, bits = _encoded(pixels[:, columns], mask[:, columns], quality)
            self.spool.write(_framed(image) + _framed(bits))
            self.sizes[0].append(len(image))
            self.sizes[1].append(len(bits))
        self.waiting = 0
        return pixels, mask


class CogWriter:
    """Write a picture from north to south. The file at `path` is complete when the block ends well.

    Scratch files lie beside it for the time being. Raises Rejected past 4 GB, which TIFF cannot hold.
    """

    def __init__(self, path: Path, width: int, height: int, place: Place, *, quality: int = 85) -> None:
        self._path, self._place, self._quality = path, place, quality
        self._levels: list[_Level] = []
        while True:
            spool = path.with_name(f"{path.name}.{len(self._levels)}").open("w+b")
            self._levels.append(_Level(width, height, spool))
            if max(width, height) <= TILE:
                break
            width, height = -(-width // 2), -(-height // 2)

    def __enter__(self) -> CogWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for level in self._levels:
                level.spool.close()
                Path(level.spool.name).unlink(missing_ok=True)

    def write(self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
        """The next rows: uint8 [TILE, width, 3] and bool [TILE, width]; only the last may be fewer."""
        self._push(0, pixels, mask)

    def _push(self, number: int, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
        if self._levels[number].take(pixels, mask):
            self._flush(number)

    def _flush(self, number: int) -> None:
        pixels, mask = self._levels[number].encode(self._quality)
        if number + 1 < len(self._levels):
            self._push(number + 1, *_halved(pixels, mask))

    def _finish(self) -> None:
        for number, level in enumerate(self._levels):
            if level.waiting:
                self._flush(number)
        directories = [
            fields for number, level in enumerate(self._levels) for fields in self._directories(number, level)
        ]
        start = _data_start(directories)
        self._place_tiles(directories, start)
        with self._path.open("wb") as file:
            file.write(_written(directories))
            for level in reversed(self._levels):
                level.spool.seek(0)
                shutil.copyfileobj(level.spool, file, 2**20)

    def _directories(self, number: int, level: _Level) -> tuple[list[Field], list[Field]]:
        """The tags of a level's picture and of its mask, offsets still to be filled in."""
        reduced = 1 if number else 0
        picture: list[Field] = [
            (254, _LONG, [reduced]),
            (256, _LONG, [level.width]),
            (257, _LONG, [level.height]),
            (258, _SHORT, [8, 8, 8]),
            (259, _SHORT, [7]),  # JPEG
            (262, _SHORT, [6]),  # YCbCr
            (277, _SHORT, [3]),
            (284, _SHORT, [1]),
            (322, _SHORT, [TILE]),
            (323, _SHORT, [TILE]),
            (324, _LONG, [0] * len(level.sizes[0])),
            (325, _LONG, level.sizes[0]),
            (530, _SHORT, [2, 2]),
        ]
        mask: list[Field] = [
            (254, _LONG, [4 | reduced]),
            (256, _LONG, [level.width]),
            (257, _LONG, [level.height]),
            (258, _SHORT, [1]),
            (259, _SHORT, [8]),  # deflate
            (262, _SHORT, [4]),  # mask
            (277, _SHORT, [1]),
            (284, _SHORT, [1]),
            (322, _SHORT, [TILE]),
            (323, _SHORT, [TILE]),
            (324, _LONG, [0] * len(level.sizes[1])),
            (325, _LONG, level.sizes[1]),
        ]
        return picture + ([] if number else _geo_tags(self._place)), mask

    def _place_tiles(self, directories: list[list[Field]], start: int) -> None:
        """Fill in the offsets: levels from the smallest on, each tile followed by its mask."""
        offset = start
        for number in reversed(range(len(self._levels))):
            level = self._levels[number]
            pictures, masks = (_offsets(directories[2 * number + part]) for part in (0, 1))
            for tile, (image, bits) in enumerate(zip(*level.sizes, strict=True)):
                if image:
                    pictures[tile] = offset + 4
                    masks[tile] = offset + 4 + image + _FRAME
                    offset += image + bits + 2 * _FRAME
        if offset > _LIMIT:
            raise Rejected(N_("The mosaic would be larger than 4 GB; split the flight into smaller ones."))


def _encoded(pixels: NDArray[np.uint8], mask: NDArray[np.bool_], quality: int) -> tuple[bytes, bytes]:
    """A tile as JPEG and its mask; both empty if there is no picture in it."""
    if not mask.any():
        return b"", b""
    rest = ((0, TILE - mask.shape[0]), (0, TILE - mask.shape[1]))
    if mask.shape != (TILE, TILE):
        pixels, mask = np.pad(pixels, (*rest, (0, 0)), mode="edge"), np.pad(mask, rest)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    _done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return jpeg.tobytes(), zlib.compress(np.packbits(mask, axis=1).tobytes(), 6)


def _framed(tile: bytes) -> bytes:
    return struct.pack("<I", len(tile)) + tile + tile[-4:] if tile else b""


def _halved(
    pixels: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Half the size: the mean of the pixels that have a picture, masked where none of the four has."""
    odd = ((0, mask.shape[0] % 2), (0, mask.shape[1] % 2))
    if mask.shape[0] % 2 or mask.shape[1] % 2:
        pixels, mask = np.pad(pixels, (*odd, (0, 0)), mode="edge"), np.pad(mask, odd)
    rows, columns = mask.shape[0] // 2, mask.shape[1] // 2
    small = np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    four = mask.reshape(rows, 2, columns, 2)
    ones = mask.view(np.uint8)
    count = ones[::2, ::2] + ones[1::2, ::2] + ones[::2, 1::2] + ones[1::2, 1::2]
    row, column = np.nonzero((count > 0) & (count < 4))
    part = pixels.reshape(rows, 2, columns, 2, 3)[row, :, column].astype(np.uint16)
    weight = four[row, :, column]
    total = (part * weight[..., None]).sum(axis=(1, 2))
    small[row, column] = (total // count[row, column][:, None]).astype(np.uint8)
    return small, count > 0


def _geo_tags(place: Place) -> list[Field]:
    size = place.gsd_m
    keys = [1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, place.epsg, 3076, 0, 1, 9001]
    fields: list[Field] = [
        (33550, _DOUBLE, [size, size, 0.0]),
        (33922, _DOUBLE, [0.0, 0.0, 0.0, place.west, place.north, 0.0]),
        (34735, _SHORT, keys),
    ]
    if place.error95_m is not None:
        item = f'<Item name="{MOSAIC_ERROR_TAG}">{place.error95_m:.3f}</Item>'
        text = f"<GDALMetadata>{item}</GDALMetadata>".encode("ascii") + b"\0"
        fields.append((42112, _ASCII, list(text)))  # GDAL's own tag for what else there is to say
    return fields


def _offsets(fields: list[Field]) -> list[int] | list[float]:
    """The list of tile offsets of a directory, to be filled in."""
    return next(values for tag, _kind, values in fields if tag == 324)


def _head() -> bytes:
    """The TIFF header and GDAL's note that the layout is that of a COG."""
    note = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_GHOST) + _GHOST
    return struct.pack("<2sHI", b"II", 42, 8 + len(note) + len(note) % 2) + note + b"\0" * (len(note) % 2)


def _size(fields: list[Field]) -> int:
    return 6 + 12 * len(fields) + sum(_outside(kind, values) for _tag, kind, values in fields)


def _outside(kind: tuple[int, str, int], values: list[int] | list[float]) -> int:
    size = kind[2] * len(values)
    return 0 if size <= 4 else size + size % 2


def _data_start(directories: list[list[Field]]) -> int:
    return len(_head()) + sum(_size(fields) for fields in directories)


def _written(directories: list[list[Field]]) -> bytes:
    """Header and directories, each followed by its values that do not fit into it."""
    parts = [_head()]
    at = len(parts[0])
    for number, fields in enumerate(directories):
        following = at + _size(fields) if number + 1 < len(directories) else 0
        parts.append(_directory(fields, at, following))
        at += _size(fields)
    return b"".join(parts)


def _directory(fields: list[Field], at: int, following: int) -> bytes:
    entries, tail = struct.pack("<H", len(fields)), b""
    beyond = at + 6 + 12 * len(fields)
    for tag, (kind, letter, _width), values in fields:
        packed = struct.pack(f"<{len(values)}{letter}", *values)
        if len(packed) > 4:
            packed, offset = packed + b"\0" * (len(packed) % 2), beyond + len(tail)
            tail += packed
            packed = struct.pack("<I", offset)
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return entries + struct.pack("<I", following) + tail
