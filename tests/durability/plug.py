"""File systems whose every write is logged, and what a disk holds after the plug was pulled. Needs root, ext4 and FUSE."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.durability.writelog import NAME
from tests.path.box import REPOSITORY


@contextmanager
def mounted(image: Path, where: Path) -> Iterator[Path]:
    """The file system of `image`, mounted at `where`."""
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


@contextmanager
def logged(image: Path, log: Path, folder: Path) -> Iterator[Path]:
    """The file system of `image`, mounted; all that is written goes into `log`."""
    fuse, where = folder / "fuse", folder / "logged"
    fuse.mkdir()
    where.mkdir()
    command = [sys.executable, "-m", "tests.durability.loggeddisk", str(image), str(log), str(fuse)]
    server = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        _wait_for(fuse / NAME)
        subprocess.run(["mount", "-o", "loop", str(fuse / NAME), str(where)], check=True)
        try:
            yield where
        finally:
            subprocess.run(["umount", str(where)], check=True)
    finally:
        subprocess.run(["umount", str(fuse)], check=False)
        server.wait(timeout=60)


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.1)
