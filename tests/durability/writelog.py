"""What a disk was told, write by write, so that pulling the plug can be replayed at any moment of a run."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

RECORD = struct.Struct("<cQQI")
_SECTOR = 512
WRITE, FLUSH = b"W", b"F"
NAME = "disk"
"""Of the file that `tests.durability.loggeddisk` serves."""


@dataclass(frozen=True, slots=True)
class Record:
    """A write, or (without data) a flush."""

    at_ns: int
    """By a clock that all processes share and nobody puts."""
    offset: int
    data: bytes | None


def read_log(path: Path) -> list[Record]:
    """All that a disk was told, in its order."""
    raw, found, place = path.read_bytes(), [], 0
    while place + RECORD.size <= len(raw):
        kind, at, offset, size = RECORD.unpack_from(raw, place)
        place += RECORD.size
        found.append(Record(at, offset, raw[place : place + size] if kind == WRITE else None))
        place += size
    return found


def replay(image: Path, records: list[Record], cut: int, chance: random.Random) -> None:
    """Write onto `image` what a disk may hold after the plug was pulled at record `cut`.

    All that was flushed is there. Of what came since, any write may be missing, and any may be there in part.
    """
    flushed = max((number for number in range(cut + 1) if records[number].data is None), default=-1)
    with image.open("r+b") as disk:
        for number, record in enumerate(records[: cut + 1]):
            data = record.data
            if data is None:
                continue
            if number > flushed:
                if chance.random() < 0.5:
                    continue
                if chance.random() < 0.1:
                    data = data[: chance.randrange(0, len(data) + 1, _SECTOR)]
            disk.seek(record.offset)
            disk.write(data)
