"""A card that gives so many megabytes a second: `python -m tests.durability.throttledcard MOUNT COUNT MB RATE`.

Serves COUNT files of MB megabytes through FUSE (which needs libfuse), each different and beginning as a JPEG does.
"""

from __future__ import annotations

import errno
import random
import sys
import threading
import time
from typing import Any

import mfusepy as fuse

_MAGIC = b"\xff\xd8\xff\xe0"


class Card(fuse.Operations):  # type: ignore[misc]  # mfusepy is not typed
    """Files in one folder; what is read is paid for in time."""

    use_ns = True

    def __init__(self, count: int, size: int, rate: float) -> None:
        self._body = random.Random(1).randbytes(size)  # noqa: S311  no secret
        self._names = {f"{number:04d}.JPG": number for number in range(count)}
        self._size, self._rate = size, rate
        self._alone, self._free_at = threading.Lock(), 0.0

    def getattr(self, path: str, _fh: Any = None) -> dict[str, int]:
        """The folder, or a file in it."""
        if path == "/":
            return {"st_mode": 0o40755, "st_nlink": 2}
        if path[1:] in self._names:
            return {"st_mode": 0o100444, "st_nlink": 1, "st_size": self._size, "st_mtime": 10**18}
        raise fuse.FuseOSError(errno.ENOENT)

    def readdir(self, _path: str, _fh: Any) -> list[str]:
        """All files."""
        return [".", "..", *self._names]

    def open(self, _path: str, _flags: int) -> int:
        """Nothing to do."""
        return 1

    def read(self, path: str, size: int, offset: int, _fh: Any) -> bytes:
        """Bytes of a file, not before their time."""
        head = _MAGIC + self._names[path[1:]].to_bytes(8)
        part = (head + self._body[len(head) :])[offset : offset + size] if offset < len(head) else None
        data = self._body[offset : offset + size] if part is None else part
        with self._alone:
            begin = max(self._free_at, time.monotonic())
            self._free_at = begin + len(data) / self._rate
            wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        return data


if __name__ == "__main__":
    mount, count, megabytes, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    card = Card(count, int(megabytes * 1e6), rate * 1e6)
    fuse.FUSE(
        card,
        mount,
        foreground=True,
        nothreads=True,
        direct_io=True,
        allow_other=True,
        ro=True,
        max_read=2**20,
    )
