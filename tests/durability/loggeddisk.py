"""A disk that remembers every write and flush: `python -m tests.durability.loggeddisk IMAGE LOG MOUNT`.

Serves IMAGE as the file MOUNT/disk through FUSE (which needs libfuse). A file system on it believes in a disk whose cache
is emptied by flushes alone.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import mfusepy as fuse

from tests.durability.writelog import FLUSH, NAME, RECORD, WRITE


class Disk(fuse.Operations):  # type: ignore[misc]  # mfusepy is not typed
    """One file."""

    use_ns = True

    def __init__(self, image: Path, log: Path) -> None:
        self._disk = os.open(image, os.O_RDWR)
        self._log = log.open("wb", buffering=1 << 20)
        self._alone = threading.Lock()
        self._size = os.fstat(self._disk).st_size

    def getattr(self, path: str, _fh: Any = None) -> dict[str, int]:
        """The folder, or the file in it."""
        if path == "/":
            return {"st_mode": 0o40755, "st_nlink": 2}
        if path == f"/{NAME}":
            return {"st_mode": 0o100600, "st_nlink": 1, "st_size": self._size}
        raise fuse.FuseOSError(errno.ENOENT)

    def readdir(self, _path: str, _fh: Any) -> list[str]:
        """The one file."""
        return [".", "..", NAME]

    def open(self, _path: str, _flags: int) -> int:
        """Nothing to do."""
        return 1

    def read(self, _path: str, size: int, offset: int, _fh: Any) -> bytes:
        """Bytes of the image."""
        return os.pread(self._disk, size, offset)

    def write(self, _path: str, data: bytes, offset: int, _fh: Any) -> int:
        """Note and write."""
        with self._alone:
            self._log.write(RECORD.pack(WRITE, time.monotonic_ns(), offset, len(data)) + data)
        return os.pwrite(self._disk, data, offset)

    def fsync(self, _path: str, _data_only: int, _fh: Any) -> int:
        """Note that all before is on the disk now."""
        with self._alone:
            self._log.write(RECORD.pack(FLUSH, time.monotonic_ns(), 0, 0))
            self._log.flush()
        return 0

    def flush(self, _path: str, _fh: Any) -> int:
        """Closing a file says nothing about the disk."""
        return 0

    def destroy(self, _path: str) -> None:
        """The end."""
        self._log.close()


if __name__ == "__main__":
    served, noted, mount = (Path(one) for one in sys.argv[1:4])
    fuse.FUSE(
        Disk(served, noted), str(mount), foreground=True, nothreads=True, direct_io=True, allow_other=True
    )
