"""Images of sticks and cards, whole and damaged, made without mounting anything: not every kernel knows FAT."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

PART_MB = 64
_FIRST = 2048
"""The sector at which partitions begin; these are of 512 bytes."""
_TYPES = {"vfat": "c", "exfat": "7", "ntfs": "7", "ext4": "83"}


def made(system: str, content: Path, part: Path) -> Path:
    """A file system with the files of a folder, below DCIM/100MEDIA as drones name it."""
    part.unlink(missing_ok=True)
    with part.open("wb") as file:
        file.truncate(PART_MB << 20)
    with tempfile.TemporaryDirectory(dir=part.parent) as name:
        tree = Path(name)
        tree.chmod(0o755)
        shutil.copytree(content, tree / "DCIM" / "100MEDIA")
        if system == "vfat":
            run("mkfs.vfat", "-F", "32", "-s", "1", "-n", "DJI", str(part))
            run("mcopy", "-s", "-i", str(part), str(tree / "DCIM"), "::")
        elif system == "ext4":
            run("mkfs.ext4", "-q", "-F", "-L", "DJI", "-d", str(tree), str(part))
        elif system == "exfat":
            run("mkfs.exfat", "-n", "DJI", str(part))
            _copied("mount.exfat-fuse", part, tree)
        else:
            run("mkfs.ntfs", "-q", "-F", "-Q", "-L", "DJI", str(part))
            _copied("ntfs-3g", part, tree)
    return part


def stick(image: Path, *parts: tuple[str, Path]) -> Path:
    """A disk with a partition for each (system, image of it)."""
    sectors = PART_MB * 2048
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate((_FIRST + len(parts) * sectors) * 512)
    starts = [_FIRST + number * sectors for number in range(len(parts))]
    kinds = [_TYPES[system] for system, _part in parts]
    table = [
        f"start={start}, size={sectors}, type={kind}\n" for start, kind in zip(starts, kinds, strict=True)
    ]
    layout = "label: dos\n" + "".join(table)
    subprocess.run(["sfdisk", "-q", str(image)], input=layout.encode(), check=True, stdout=sys.stderr)
    with image.open("r+b") as file:
        for start, (_system, part) in zip(starts, parts, strict=True):
            file.seek(start * 512)
            file.write(part.read_bytes())
    return image


def without_table(part: Path) -> Path:
    """A FAT whose tables of clusters are zero but for the root's: this can be listed, no other chain be followed."""
    with part.open("r+b") as file:
        boot = file.read(64)
        sector, reserved, tables = (*struct.unpack_from("<HxH", boot, 11), boot[16])
        size = struct.unpack_from("<H", boot, 22)[0] or struct.unpack_from("<I", boot, 36)[0]
        for table in range(tables):
            file.seek(sector * (reserved + table * size) + 12)
            file.write(bytes(sector * size - 12))
    return part


def only_signature(part: Path, kept: int) -> Path:
    """A file system of which the first `kept` bytes are as they were; the rest is noise."""
    with part.open("r+b") as file:
        file.seek(kept)
        file.write(random.Random(2).randbytes(8 << 20))  # noqa: S311  no secret
    return part


def noise(image: Path) -> Path:
    """Nothing that anything knows."""
    image.write_bytes(random.Random(1).randbytes(8 << 20))  # noqa: S311  no secret
    return image


def run(*command: str) -> None:
    """A command that must go well; what it prints goes to standard error."""
    subprocess.run(command, check=True, stdout=sys.stderr)


def _copied(mounter: str, part: Path, tree: Path) -> None:
    """Through FUSE: it mounts block devices only."""
    attached = ("losetup", "-f", "--show", str(part))
    loop = subprocess.run(attached, check=True, capture_output=True, text=True).stdout.strip()
    where = tree / "mount"
    where.mkdir()
    try:
        run(mounter, loop, str(where))
        try:
            shutil.copytree(tree / "DCIM", where / "DCIM", copy_function=shutil.copyfile)
        finally:
            run("umount", str(where))
    finally:
        run("losetup", "-d", loop)
    os.sync()  # the FUSE server writes on after its mount is gone
