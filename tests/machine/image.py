"""A disk with Debian 12, fieldbox in /opt/fieldbox and its services installed, as a box has them.

Built once for a lock file (minutes, root, the network of apt and pip), then only fieldbox itself is put in anew (seconds).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.path.box import REPOSITORY

PACKAGES = (
    *("systemd-sysv", "udev", "dbus", "kmod", "util-linux", "linux-image-amd64", "qemu-guest-agent"),
    *("python3", "python3-venv", "libgomp1"),
)
DISK_MB, SPARE_MB = 6144, 64
SPARE_AT = (1 + DISK_MB) << 20
"""Bytes before the disk's second partition, which holds whatever is written there."""
PARTS = ("fieldbox", "systemd", "models", "migrations", "web", "pyproject.toml", "README.md", "LICENSE")


def disk_in(folder: Path) -> tuple[Path, Path, Path]:
    """A new disk in `folder`, with the kernel and the first RAM disk that boot it."""
    root = _debian(folder)
    _install(root)
    disk = folder / "disk"
    disk.unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(SPARE_AT + (SPARE_MB << 20))
    layout = f"label: dos\nstart=1MiB, size={DISK_MB}MiB, type=83\nstart={1 + DISK_MB}MiB, type=c\n"
    subprocess.run(["sfdisk", "-q", str(disk)], input=layout.encode(), check=True)
    # A label of its own: that it is not taken for a card must not hang on the names of Raspberry Pi OS.
    make = ("mke2fs", "-q", "-F", "-t", "ext4", "-L", "machine", "-E", f"offset={1 << 20}")
    _run(*make, "-d", str(root), str(disk), f"{DISK_MB}M")
    return disk, next(root.glob("boot/vmlinuz-*")), next(root.glob("boot/initrd.img-*"))


def _debian(folder: Path) -> Path:
    lock = REPOSITORY / "requirements.lock"
    wanted = hashlib.sha256(lock.read_bytes() + " ".join(PACKAGES).encode()).hexdigest()
    root, mark = folder / "root", folder / "root.sha256"
    if mark.exists() and mark.read_text() == wanted:
        return root
    if root.exists():
        shutil.rmtree(root)
    packages = "--include=" + ",".join(PACKAGES)
    _run("mmdebstrap", "--mode=root", "--variant=minbase", packages, "bookworm", str(root))
    wheels = root / "opt" / "wheels"
    fetch = (sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:")
    _run(*fetch, "-r", str(lock), "-d", str(wheels))
    _run("chroot", str(root), "python3", "-m", "venv", "/opt/fieldbox/.venv")
    shutil.copy(lock, wheels / "lock")
    pip = ("chroot", str(root), "/opt/fieldbox/.venv/bin/pip", "install", "-q", "--no-index")
    _run(*pip, "--find-links", "/opt/wheels", "--require-hashes", "-r", "/opt/wheels/lock")
    shutil.rmtree(wheels)
    mark.write_text(wanted)
    return root


def _install(root: Path) -> None:
    home = root / "opt" / "fieldbox"
    for part in PARTS:
        source, target = REPOSITORY / part, home / part
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    pip = ("chroot", str(root), "/opt/fieldbox/.venv/bin/pip", "install", "-q", "--no-index", "--no-deps")
    _run(*pip, "--no-build-isolation", "--editable", "/opt/fieldbox")
    for old in (root / "etc/udev/rules.d").glob("*fieldbox*"):
        old.unlink()
    compiled = ("/opt/fieldbox/.venv/bin/python", "-m", "compileall", "-q", "/opt/fieldbox/fieldbox")
    _run("chroot", str(root), *compiled)  # the services may not write there, and would do it at each start
    _run("chroot", str(root), "env", "DESTDIR=/", "/opt/fieldbox/systemd/install.sh")
    _run("chroot", str(root), "systemd-sysusers")
    _run("chroot", str(root), "systemctl", "enable", "-q", "fieldbox.target")
    (root / "etc" / "fstab").write_text("LABEL=machine / ext4 defaults 0 1\n")
    (root / "etc" / "hostname").write_text("fieldbox\n")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)
