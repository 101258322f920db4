"""One card or stick that is plugged in: mounted so that nothing on it can change, for as long as it is there.

Runs as root, started by systemd for a device that udev names, and does as little as can be: it mounts, says in a small
file beside the mount what it found, and unmounts when it is stopped. What is on the card is read by the intake, which has
no rights.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from fieldbox.config import Config
from fieldbox.errors import FieldboxError, Rejected, Unavailable
from fieldbox.i18n import N_
from fieldbox.ingest.state import write_json
from fieldbox.services.notify import notify
from fieldbox.services.running import stopped_by_signals

log = structlog.get_logger()

STATES = ".json"
"""Ending of the file beside the folder of a card."""
SAFE = ("ro", "nosuid", "nodev", "noexec", "noatime")
_FAT = ("umask=0222",)
"""FAT knows no owners: the intake, which is nobody, may read."""
OPTIONS = {
    "vfat": (*_FAT, "utf8=1", "shortname=mixed"),
    "exfat": (*_FAT, "iocharset=utf8"),
    "ntfs3": (*_FAT, "iocharset=utf8"),
    # A journal is never replayed: that would write to the card.
    "ext2": (),
    "ext3": ("noload",),
    "ext4": ("noload",),
    "xfs": ("norecovery",),
    "btrfs": ("rescue=nologreplay",),
    "f2fs": ("norecovery",),
    "iso9660": (),
    "udf": (),
    "hfsplus": (),
}
"""Of each file system that is mounted."""
_DRIVERS = {"ntfs": "ntfs3", "msdos": "vfat"}
_FOR_PEOPLE = ("/media", "/run/media", "/mnt")
"""Where a desktop mounts sticks: what is mounted elsewhere belongs to the box."""
_PATIENCE_S = 60
_DEVICES = Path("/sys/dev/block")
"""Where the kernel lists block devices by their numbers."""


def hold(config: Config, device: Path, stop: threading.Event | None = None) -> None:
    """Mount `device` below the cards' folder until stopped; nothing is done with a disk that the box itself uses.

    What cannot be read is said beside its folder, also until stopped: then the card is gone.
    """
    stop = stop or stopped_by_signals()
    if disks_of(_number(device)) & own_disks(config):
        log.info("not a card: the box uses this disk itself", device=str(device))
        notify("READY=1")
        return
    folder = config.ingest.cards_folder / _name(device)
    state = folder.with_name(folder.name + STATES)
    try:
        _open(device, folder, state)
        notify("READY=1")
        stop.wait()
    finally:
        _unmount(folder)
        state.unlink(missing_ok=True)


def _open(device: Path, folder: Path, state: Path) -> None:
    told = {"name": folder.name, "label": "", "at": datetime.now(UTC).isoformat(), "sentence": None}
    try:
        probed = _probe(device)
        told["label"] = probed.get("LABEL", "")
        folder.mkdir(parents=True, exist_ok=True)
        # Before the mount: with it the intake begins.
        write_json(state, told | {"state": "ready"}, lasting=False)
        _mount(device, folder, probed.get("TYPE", ""))
        log.info("card mounted", device=str(device), folder=str(folder), system=probed.get("TYPE"))
    except FieldboxError as error:
        log.warning("card refused", device=str(device), reason=str(error))
        sentence = json.loads(error.sentence.to_json())
        write_json(state, told | {"state": "refused", "sentence": sentence}, lasting=False)


def own_disks(config: Config, proc: Path = Path("/proc"), devices: Path = _DEVICES) -> set[str]:
    """Names of the disks that the box runs from, swaps to or keeps its data on."""
    numbers = {_number(Path(line.split()[0])) for line in _lines(proc / "swaps")}
    for line in _lines(proc / "self" / "mountinfo"):  # proc(5)
        before, after = line.split(" - ", 1)
        number, where, source = before.split()[2], Path(before.split()[4]), Path(after.split()[1])
        lent = any(where.is_relative_to(folder) for folder in (config.ingest.cards_folder, *_FOR_PEOPLE))
        if not lent or config.storage.root.is_relative_to(where):
            numbers |= {number, _number(source)}  # Btrfs has a number of its own
    return set().union(*(disks_of(number, devices) for number in numbers))


def disks_of(number: str, devices: Path = _DEVICES) -> set[str]:
    """Names of the disks below the block device `major:minor`, through partitions, encryption and volumes; none if gone."""
    place = devices / number
    if not number or not place.exists():
        return set()
    below = [one.read_text().strip() for one in place.glob("slaves/*/dev")]
    if below:
        return set().union(*(disks_of(one, devices) for one in below))
    disk = place.resolve()
    return {disk.parent.name if (disk / "partition").exists() else disk.name}


def _number(device: Path) -> str:
    """major:minor of a block device; empty for anything else."""
    with suppress(OSError):
        told = device.stat()
        if stat.S_ISBLK(told.st_mode):
            return f"{os.major(told.st_rdev)}:{os.minor(told.st_rdev)}"
    return ""


def _lines(file: Path) -> Iterator[str]:
    yield from file.read_text(errors="replace").splitlines()


def _name(device: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", device.name) or "card"


def _probe(device: Path) -> dict[str, str]:
    """TYPE, LABEL and what else is known of the file system on a device. Raises Rejected if there is none."""
    done = _run("blkid", "-p", "-o", "export", str(device))
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if not found.get("TYPE"):
        raise Rejected(
            N_(
                "The card has nothing on it that can be read: format it in the drone, or try it in another reader."
            )
        )
    return found


def _mount(device: Path, folder: Path, found: str) -> None:
    system = _DRIVERS.get(found, found)
    if system not in OPTIONS:
        raise Rejected(
            N_(
                "The card has the file system {system}, which the box cannot read: use a card formatted by the drone."
            ),
            system=found,
        )
    options = ",".join((*SAFE, *OPTIONS[system]))
    done = _run("mount", "-t", system, "-o", options, str(device), str(folder))
    if done.returncode and "unknown filesystem type" in done.stderr:
        raise Rejected(
            N_(
                "The card has the file system {system}, which the box cannot read: use a card formatted by the drone."
            ),
            system=found,
        )
    if done.returncode:
        raise Unavailable(
            N_("The card cannot be opened ({why}): pull it out, plug it in again, or try another reader."),
            why=_first_line(done.stderr, folder) or str(done.returncode),
        )


def _first_line(told: str, folder: Path) -> str:
    """What `mount` says is wrong, without where it looked and the hint at the kernel's log."""
    return next(iter(told.splitlines()), "").removeprefix(f"mount: {folder}: ").rstrip(". ")[:200]


def _unmount(folder: Path) -> None:
    """Also of a card that is gone, still read, was refused, or lies above another one."""
    while _is_mounted(folder):
        done = _run("umount", "--lazy", str(folder))
        if done.returncode:
            log.error("card not unmounted", folder=str(folder), reason=done.stderr.strip())
            break
    with suppress(OSError):
        folder.rmdir()


def _is_mounted(folder: Path) -> bool:
    """As the kernel has it: the file system of a device that is gone may not be asked."""
    return any(line.split()[4] == str(folder) for line in _lines(Path("/proc/self/mountinfo")))


def _run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which(command, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise Unavailable(N_("The box lacks the command {command}: install util-linux."), command=command)
    try:
        return subprocess.run(  # noqa: S603  a device that udev named
            [found, *arguments],
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise Unavailable(
            N_("The card cannot be opened ({why}): pull it out, plug it in again, or try another reader."),
            why=f"{_PATIENCE_S} s",
        ) from slow
