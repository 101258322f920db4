"""Developed bands as bytes: fixed point, compressed in strips, at three scales, so that a part is read cheaply.

    8 bytes   magic
    4 + 4     length and CRC-32 of the header, little endian
    header    JSON: sizes, names, wavelengths, label, camera, residuals, warnings, lengths of the strips
    strips    by scale (1, 1/2, 1/4), band, and rows from the top: zlib, which checks its own content

A sample is 0 where unknown, else 1 + value / step, uint16. In a row each sample is stored as its difference from
the one before, low bytes first, then high bytes: it compresses better.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Camera, LayerLabel, Window
from fieldbox.i18n import Sentence
from fieldbox.imagery.multispectral.developed import Developed

MAGIC = b"FBBANDS1"
REDUCTIONS = (1, 2, 4)
STEP = 2e-4
"""Of reflectance: finer than any of these cameras."""
_ROWS = 64
_START = struct.Struct("<II")
_LONGEST_HEADER = 1_000_000
_MOST_SAMPLES = 120_000_000
_TOP = 65_534


@dataclass(frozen=True, slots=True)
class Planes:
    """Bands read back, whole or in part, at a scale."""

    bands: NDArray[np.float32]
    """[h, w, B]; NaN where unknown. Within half a step of what was packed."""
    names: tuple[str, ...]
    wavelengths: tuple[float | None, ...]
    label: LayerLabel
    like_reflectance: bool
    camera: Camera | None
    """At full scale."""
    residual_px: tuple[float | None, ...]
    warnings: tuple[Sentence, ...]


def to_bytes(developed: Developed) -> bytes:
    """Pack `developed` (about 10 MB for five bands of 1280 x 960). Reflectance above 13 is cut to it."""
    step = STEP if developed.like_reflectance else _fitting_step(developed.bands)
    strips: list[bytes] = []
    lengths: list[list[list[int]]] = [[] for _ in REDUCTIONS]
    for level in range(len(REDUCTIONS)):
        for band in range(developed.bands.shape[2]):
            plane = reduced(developed.bands[:, :, band], REDUCTIONS[level])
            packed = [_packed(plane[top : top + _ROWS], step) for top in range(0, plane.shape[0], _ROWS)]
            lengths[level].append([len(part) for part in packed])
            strips += packed
    head = json.dumps(_header(developed, step, lengths), separators=(",", ":")).encode()
    return b"".join([MAGIC, _START.pack(len(head), zlib.crc32(head)), head, *strips])


def from_bytes(data: bytes, reduction: int = 1, window: Window | None = None) -> Planes:
    """Read what `to_bytes` packed, at 1, 1/2 or 1/4 of the scale, whole or the `window` (in pixels of that scale).

    Each pixel is the mean of the known ones of a square of `reduction` pixels, so that pixel centre x lies at
    (x + 0.5) * reduction - 0.5 of the full picture. A window is cut to the picture. Raises ValueError for
    anything else, damaged or cut off.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, not {reduction}")
    head, start = _read_header(data)
    level = REDUCTIONS.index(reduction)
    width, height = -(-head.width // reduction), -(-head.height // reduction)
    cut = _cut(window, width, height)
    bands = np.empty((cut.y1 - cut.y0, cut.x1 - cut.x0, len(head.names)), np.float32)
    at = start + sum(sum(map(sum, head.lengths[before])) for before in range(level))
    for band, lengths in enumerate(head.lengths[level]):
        for index, length in enumerate(lengths):
            top = index * _ROWS
            bottom = min(top + _ROWS, height)
            low, high = max(top, cut.y0), min(bottom, cut.y1)
            if low < high:
                rows = _unpacked(data[at : at + length], bottom - top, width)[
                    low - top : high - top, cut.x0 : cut.x1
                ]
                bands[low - cut.y0 : high - cut.y0, :, band] = _values(rows, head.step)
            at += length
    return Planes(
        bands=bands,
        names=head.names,
        wavelengths=head.wavelengths,
        label=head.label,
        like_reflectance=head.like_reflectance,
        camera=head.camera,
        residual_px=head.residual_px,
        warnings=head.warnings,
    )


def reduced(plane: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean of the known pixels of each block: float32 [ceil(h / factor), ceil(w / factor)]; NaN where none is known."""
    if factor == 1:
        return plane
    height, width = plane.shape
    known = np.isfinite(plane)
    down, right = -height % factor, -width % factor
    filled = np.pad(np.where(known, plane, 0), ((0, down), (0, right)))
    count = np.pad(known, ((0, down), (0, right))).astype(np.float32)
    shape = (filled.shape[0] // factor, factor, filled.shape[1] // factor, factor)
    total, seen = filled.reshape(shape).sum(axis=(1, 3)), count.reshape(shape).sum(axis=(1, 3))
    mean = np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0)
    return np.asarray(mean, np.float32)


# -- samples ------------------------------------------------------------------------------------


def _fitting_step(bands: NDArray[np.float32]) -> float:
    brightest = max(
        (float(np.nanmax(plane)) for plane in np.moveaxis(bands, 2, 0) if np.isfinite(plane).any()),
        default=1.0,
    )
    return max(brightest, 1e-30) / (_TOP - 1)


def _packed(rows: NDArray[np.float32], step: float) -> bytes:
    known = np.isfinite(rows)
    scaled = np.rint(np.where(known, rows, 0) / np.float32(step))
    samples = np.where(known, np.clip(scaled, 0, _TOP) + 1, 0).astype(np.uint16)
    samples[:, 1:] -= samples[:, :-1].copy()  # wraps round, as does the sum that undoes it
    low, high = (samples & 0xFF).astype(np.uint8), (samples >> 8).astype(np.uint8)
    return zlib.compress(low.tobytes() + high.tobytes(), 1)


def _unpacked(data: bytes, height: int, width: int) -> NDArray[np.uint16]:
    count = height * width
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(data, 2 * count + 1)
        whole = len(raw) == 2 * count and (inflate.eof or not inflate.flush(1))
    except zlib.error as error:
        raise ValueError("packed bands are damaged") from error
    if not whole or not inflate.eof or inflate.unused_data:
        raise ValueError("packed bands are damaged")
    both = np.frombuffer(raw, np.uint8).reshape(2, height, width)
    samples = both[0].astype(np.uint16) | (both[1].astype(np.uint16) << 8)
    return np.cumsum(samples, axis=1, dtype=np.uint16)


def _values(samples: NDArray[np.uint16], step: float) -> NDArray[np.float32]:
    values = (samples.astype(np.float32) - 1) * np.float32(step)
    values[samples == 0] = np.nan
    return values


# -- header -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    step: float
    names: tuple[str, ...]
    wavelengths: tuple[float | None, ...]
    label: LayerLabel
    like_reflectance: bool
    camera: Camera | None
    residual_px: tuple[float | None, ...]
    warnings: tuple[Sentence, ...]
    lengths: list[list[list[int]]]


def _header(developed: Developed, step: float, lengths: list[list[list[int]]]) -> dict[str, Any]:
    height, width = developed.bands.shape[:2]
    return {
        "width": width,
        "height": height,
        "step": step,
        "names": developed.names,
        "wavelengths": developed.wavelengths,
        "label": developed.label.value,
        "like_reflectance": developed.like_reflectance,
        "camera": None if developed.camera is None else asdict(developed.camera),
        "residual_px": developed.residual_px,
        "warnings": [warning.to_json() for warning in developed.warnings],
        "lengths": lengths,
    }


def _read_header(data: bytes) -> tuple[_Header, int]:
    """The header and where the strips start."""
    first = len(MAGIC) + _START.size
    if len(data) < first or data[: len(MAGIC)] != MAGIC:
        raise ValueError("these are no packed bands")
    length, crc = _START.unpack_from(data, len(MAGIC))
    head = data[first : first + length]
    if length > _LONGEST_HEADER or len(head) != length or zlib.crc32(head) != crc:
        raise ValueError("packed bands are damaged")
    try:
        header = _parsed(json.loads(head))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError("packed bands are damaged") from error
    if not _consistent(header) or len(data) - first - length != sum(
        sum(map(sum, one)) for one in header.lengths
    ):
        raise ValueError("packed bands are damaged or cut off")
    return header, first + length


def _parsed(raw: dict[str, Any]) -> _Header:
    camera = raw["camera"]
    if camera is not None:
        camera = Camera(**{**camera, "distortion": tuple(camera["distortion"])})
    return _Header(
        width=int(raw["width"]),
        height=int(raw["height"]),
        step=float(raw["step"]),
        names=tuple(str(name) for name in raw["names"]),
        wavelengths=tuple(None if value is None else float(value) for value in raw["wavelengths"]),
        label=LayerLabel(raw["label"]),
        like_reflectance=bool(raw["like_reflectance"]),
        camera=camera,
        residual_px=tuple(None if value is None else float(value) for value in raw["residual_px"]),
        warnings=tuple(Sentence.from_json(text) for text in raw["warnings"]),
        lengths=[[[int(length) for length in band] for band in level] for level in raw["lengths"]],
    )


def _consistent(header: _Header) -> bool:
    count = len(header.names)
    if min(header.width, header.height, count) < 1 or header.width * header.height * count > _MOST_SAMPLES:
        return False
    if not (math.isfinite(header.step) and header.step > 0) or len(header.lengths) != len(REDUCTIONS):
        return False
    if {len(header.wavelengths), len(header.residual_px)} != {count}:
        return False
    for reduction, level in zip(REDUCTIONS, header.lengths, strict=True):
        rows = -(-header.height // reduction)
        strips = -(-rows // _ROWS)
        if len(level) != count or any(len(band) != strips or min(band) < 0 for band in level):
            return False
    return True


def _cut(window: Window | None, width: int, height: int) -> Window:
    if window is None:
        return Window(0, 0, width, height)
    cut = Window(max(0, window.x0), max(0, window.y0), min(width, window.x1), min(height, window.y1))
    if cut.x0 >= cut.x1 or cut.y0 >= cut.y1:
        raise ValueError(f"the window {window} is outside the picture of {width} x {height}")
    return cut
