"""A small file system of its own that can be filled to the brim, for simulations. It needs root; without, there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CHUNK = bytes(64 * 1024)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A folder, and what can be done to the file system that it is on."""

    folder: Path
    kind: str | None
    """ext4 or tmpfs; None: it is a plain folder, which is never filled."""

    def fill(self) -> None:
        """Let something else take all that is free."""
        if self.kind is None:
            return
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):  # until there is no room
            while True:
                file.write(_CHUNK)
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0")

    def clear(self) -> None:
        """Take it away again."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """A file system of `size` bytes in `folder`, as far as this process may make one."""
    mounted = folder / "disk"
    mounted.mkdir()
    kind = _mount(folder / "disk.img", mounted, size) if os.geteuid() == 0 else None
    try:
        yield SmallDisk(mounted, kind)
    finally:
        if kind:
            _done(["umount", "--lazy", mounted])


def _mount(image: Path, mounted: Path, size: int) -> str | None:
    if shutil.which("mkfs.ext4"):
        image.touch()
        os.truncate(image, size)
        made = _done(["mkfs.ext4", "-q", "-F", "-m", "0", image])
        if made and _done(["mount", "-o", "loop", image, mounted]):
            return "ext4"
    return "tmpfs" if _done(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mounted]) else None


def _done(command: list[str | Path]) -> bool:
    with suppress(FileNotFoundError):  # the tool is not there
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  our own
    return False
