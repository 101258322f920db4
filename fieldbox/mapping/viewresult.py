"""Everything that came out of looking at one view, in a form that is committed photo by photo."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.cells import CROP, WEED, CellSums, damaged

_MAGIC = b"FBV1"
_HEADER = struct.Struct("<4sIIII")
_COVERS = {CROP: Cover.CROP, WEED: Cover.WEED}
_CODES = {cover: code for code, cover in _COVERS.items()}


@dataclass(frozen=True, eq=False, slots=True)
class Plants:
    """The plants of one view as arrays over N plants."""

    cover: NDArray[np.uint8]
    """1 crop, 2 weed."""
    score: NDArray[np.float32]
    place: NDArray[np.float64]
    """[N, 2] east, north of the centre."""
    area_m2: NDArray[np.float32]
    error_m: NDArray[np.float32]
    """95 % horizontal radius of the position error."""
    pixel: NDArray[np.float32]
    """[N, 2] x, y of the centre in the full-scale photo."""
    beyond_m: NDArray[np.float32]
    """How far the centre lies outside the ground that the view answers for: 0 if it is inside."""
    ends: NDArray[np.int32]
    """[N] where each plant's outline ends in `outline`."""
    outline: NDArray[np.float32]
    """[M, 2] metres east and north of the plant's centre: open rings, one after another."""

    def __len__(self) -> int:
        return len(self.cover)

    @classmethod
    def none(cls) -> Plants:
        """No plants."""
        return cls.from_detections([], [])

    @classmethod
    def from_detections(cls, detections: Sequence[Detection], beyond_m: Sequence[float]) -> Plants:
        """Pack detections (of one capture) with their distances outside the owned ground."""
        place = np.array([(one.east, one.north) for one in detections], float).reshape(-1, 2)
        rings = [one.outline - middle for one, middle in zip(detections, place, strict=True)]
        return cls(
            np.array([_CODES[one.cover] for one in detections], np.uint8),
            np.array([one.score for one in detections], np.float32),
            place,
            np.array([one.area_m2 for one in detections], np.float32),
            np.array([one.position_error_m for one in detections], np.float32),
            np.array([(one.pixel_x, one.pixel_y) for one in detections], np.float32).reshape(-1, 2),
            np.array(beyond_m, np.float32),
            np.cumsum([len(ring) for ring in rings], dtype=np.int32),
            np.concatenate([np.zeros((0, 2)), *rings]).astype(np.float32),
        )

    def detection(self, index: int, digest: str) -> Detection:
        """One plant as the domain's noun."""
        start = int(self.ends[index - 1]) if index else 0
        east, north = self.place[index].tolist()
        return Detection(
            cover=_COVERS[int(self.cover[index])],
            score=float(self.score[index]),
            east=east,
            north=north,
            outline=self.outline[start : int(self.ends[index])] + self.place[index],
            area_m2=float(self.area_m2[index]),
            position_error_m=float(self.error_m[index]),
            digest=digest,
            pixel_x=float(self.pixel[index, 0]),
            pixel_y=float(self.pixel[index, 1]),
            owned=bool(self.beyond_m[index] <= 0),
        )

    def detections(self, digest: str) -> tuple[Detection, ...]:
        """All plants as the domain's nouns."""
        return tuple(self.detection(index, digest) for index in range(len(self)))


@dataclass(frozen=True, eq=False, slots=True)
class ViewResult:
    """What one view says: sums over the cells, and plants."""

    digest: str
    cells: CellSums
    plants: Plants

    def to_bytes(self) -> bytes:
        """Compact, and the same for the same result."""
        cells, plants = self.cells.to_bytes(), _pack(self.plants)
        name = self.digest.encode("ascii")
        sizes = (len(name), len(cells), len(self.plants), len(self.plants.outline))
        return _HEADER.pack(_MAGIC, *sizes) + name + cells + zlib.compress(plants, 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> ViewResult:
        """Read back `to_bytes`. Raises Misconfigured if the bytes are not such."""
        try:
            magic, named, celled, count, points = _HEADER.unpack_from(data)
            if magic != _MAGIC:
                raise damaged()
            start = _HEADER.size + named
            body = zlib.decompress(data[start + celled :])
            plants = _unpack(body, count, points)
            digest = data[_HEADER.size : start].decode("ascii")
        except (struct.error, zlib.error, ValueError) as error:
            raise damaged() from error
        cells = CellSums.from_bytes(data[start : start + celled])
        return cls(digest, cells, plants)


_FIELDS: tuple[tuple[str, str, int], ...] = (
    ("place", "<f8", 2),
    ("score", "<f4", 1),
    ("area_m2", "<f4", 1),
    ("error_m", "<f4", 1),
    ("pixel", "<f4", 2),
    ("beyond_m", "<f4", 1),
    ("ends", "<i4", 1),
    ("cover", "u1", 1),
)


def _pack(plants: Plants) -> bytes:
    parts = [getattr(plants, name).astype(kind).tobytes() for name, kind, _width in _FIELDS]
    return b"".join([*parts, plants.outline.astype("<f4").tobytes()])


def _unpack(body: bytes, count: int, points: int) -> Plants:
    """Raises ValueError if the bytes do not fit the counts."""
    if len(body) != sum(np.dtype(kind).itemsize * width for _n, kind, width in _FIELDS) * count + 8 * points:
        raise ValueError("wrong length")
    found, offset = {}, 0
    for name, kind, width in _FIELDS:
        values = np.frombuffer(body, kind, count * width, offset)
        offset += values.nbytes
        found[name] = values.reshape(-1, width) if width > 1 else values
    outline = np.frombuffer(body, "<f4", points * 2, offset).reshape(-1, 2)
    ends = found["ends"]
    if count and (int(ends[-1]) != points or (np.diff(ends, prepend=0) < 0).any()):
        raise ValueError("wrong outlines")
    return Plants(outline=outline, **found)
