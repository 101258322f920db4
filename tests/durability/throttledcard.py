"""A card that gives so many megabytes a second: `python -m tests.durability.throttledcard MOUNT RATE COUNT MB`, or `MOUNT RATE
FOLDER`.

Serves COUNT files of MB megabytes, each different and beginning as a JPEG does, or the files of FOLDER, through FUSE (which
needs libfuse).
"""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import mfusepy as fuse

from tests.path.box import REPOSITORY

_MAGIC = b"\xff\xd8\xff\xe0"


class Files(Protocol):
    """What is on the card: sizes by names, and the bytes."""

    sizes: dict[str, int]

    def read(self, name: str, size: int, offset: int) -> bytes:
        """Bytes of a file."""


class Made:
    """`count` files of `size` bytes."""

    def __init__(self, count: int, size: int) -> None:
        self._body = random.Random(1).randbytes(size)  # noqa: S311  no secret
        self.sizes = {f"{number:04d}.JPG": size for number in range(count)}

    def read(self, name: str, size: int, offset: int) -> bytes:
        """The same body for all, behind a head of each file's own."""
        head = _MAGIC + int(name[:4]).to_bytes(8)
        if offset < len(head):
            return (head + self._body[len(head) :])[offset : offset + size]
        return self._body[offset : offset + size]


class Folder:
    """The files of a folder, without those of folders in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.sizes = {one.name: one.stat().st_size for one in path.iterdir() if one.is_file()}

    def read(self, name: str, size: int, offset: int) -> bytes:
        """From the disk."""
        with (self._path / name).open("rb") as file:
            file.seek(offset)
            return file.read(size)


class Card(fuse.Operations):  # type: ignore[misc]  # mfusepy is not typed
    """Files in one folder; what is read is paid for in time."""

    use_ns = True

    def __init__(self, files: Files, rate: float) -> None:
        self._files, self._rate = files, rate
        self._alone, self._free_at = threading.Lock(), 0.0

    def getattr(self, path: str, _fh: Any = None) -> dict[str, int]:
        """The folder, or a file in it."""
        if path == "/":
            return {"st_mode": 0o40755, "st_nlink": 2}
        size = self._files.sizes.get(path[1:])
        if size is None:
            raise fuse.FuseOSError(errno.ENOENT)
        return {"st_mode": 0o100444, "st_nlink": 1, "st_size": size, "st_mtime": 10**18}

    def readdir(self, _path: str, _fh: Any) -> list[str]:
        """All files."""
        return [".", "..", *self._files.sizes]

    def open(self, _path: str, _flags: int) -> int:
        """Nothing to do."""
        return 1

    def read(self, path: str, size: int, offset: int, _fh: Any) -> bytes:
        """Bytes of a file, not before their time."""
        data = self._files.read(path[1:], size, offset)
        with self._alone:
            begin = max(self._free_at, time.monotonic())
            self._free_at = begin + len(data) / self._rate
            wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        return data


@contextmanager
def plugged_in(mount: Path, rate: float, *files: object) -> Iterator[Path]:
    """Such a card at `mount` while the block runs; `files` as on the command line."""
    mount.mkdir(parents=True)
    told = [str(one) for one in (mount, rate, *files)]
    server = subprocess.Popen([sys.executable, "-m", "tests.durability.throttledcard", *told], cwd=REPOSITORY)
    try:
        end = time.monotonic() + 20
        while not mount.is_mount():
            assert time.monotonic() < end, "the card did not appear"
            time.sleep(0.1)
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=False)
        server.wait(timeout=60)


if __name__ == "__main__":
    point, speed, what = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    held: Files = Made(int(what[0]), int(float(what[1]) * 1e6)) if len(what) == 2 else Folder(Path(what[0]))
    fuse.FUSE(
        Card(held, speed * 1e6),
        point,
        foreground=True,
        nothreads=True,
        direct_io=True,
        allow_other=True,
        ro=True,
        max_read=2**20,
    )
