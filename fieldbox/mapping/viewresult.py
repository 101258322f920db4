"""Everything that came out of looking at one view, in a form that is committed photo by photo."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.cells import CROP, WEED, CellSums, damaged

_MAGIC = b"FBV3"
_HEADER = struct.Struct("<4sIIII")
VEGETATION = 3
"""Cover of a patch that is green, and of which no more is known."""
_COVERS = {CROP: Cover.CROP, WEED: Cover.WEED}
_CODES = {cover: code for code, cover in _COVERS.items()}
_NO_COLOUR = (math.nan, math.nan, math.nan)


@dataclass(frozen=True, eq=False, slots=True)
class Plants:
    """The plants of one view as arrays over N plants."""

    cover: NDArray[np.uint8]
    """1 crop, 2 weed, 3 vegetation that was not told apart."""
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
    colour: NDArray[np.float32]
    """[N, 3] mean red, green, blue (0 to 255) of the plant's green pixels; NaN where not known."""
    sure: NDArray[np.bool_]
    """[N] by the model's rule."""
    weed_share: NDArray[np.float32]
    """[N] probability of weed, given that it is a plant; NaN where not known."""
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
            np.array([one.colour or _NO_COLOUR for one in detections], np.float32).reshape(-1, 3),
            np.array([one.sure for one in detections], np.bool_),
            np.array(
                [math.nan if one.weed_share is None else one.weed_share for one in detections], np.float32
            ),
            np.cumsum([len(ring) for ring in rings], dtype=np.int32),
            np.concatenate([np.zeros((0, 2)), *rings]).astype(np.float32),
        )

    @classmethod
    def patches(cls, place: NDArray[np.float64], area_m2: NDArray[np.float32], cover: int) -> Plants:
        """Patches of one cover at `place` [N, 2], of which only the area is known."""
        none, count = cls.none(), len(place)
        unknown = np.full(count, np.nan, np.float32)
        return replace(
            none,
            cover=np.full(count, cover, np.uint8),
            score=unknown,
            place=place,
            area_m2=area_m2,
            error_m=unknown,
            pixel=np.full((count, 2), np.nan, np.float32),
            beyond_m=np.zeros(count, np.float32),
            colour=np.full((count, 3), np.nan, np.float32),
            sure=np.zeros(count, np.bool_),
            weed_share=unknown,
            ends=np.zeros(count, np.int32),
        )

    @classmethod
    def joined(cls, parts: Sequence[Plants]) -> Plants:
        """The plants of several windows of one photo."""
        every = [cls.none(), *parts]
        values = {
            one.name: np.concatenate([getattr(part, one.name) for part in every]) for one in fields(cls)
        }
        starts = np.cumsum([0, *(len(part.outline) for part in every[:-1])])
        ends = [part.ends + start for part, start in zip(every, starts, strict=True)]
        return cls(**{**values, "ends": np.concatenate(ends).astype(np.int32)})

    def detection(self, index: int, digest: str) -> Detection:
        """One plant as the domain's noun."""
        start = int(self.ends[index - 1]) if index else 0
        east, north = self.place[index].tolist()
        red, green, blue = self.colour[index].tolist()
        share = float(self.weed_share[index])
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
            sure=bool(self.sure[index]),
            weed_share=None if math.isnan(share) else share,
            colour=None if math.isnan(red) else (red, green, blue),
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
    ("colour", "<f4", 3),
    ("weed_share", "<f4", 1),
    ("sure", "?", 1),
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
