"""What a file, folder or card holds, in a fixed order."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fieldbox.domain import Rejection
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence

TORN_AWAY = {
    errno.ENOENT,
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ENOMEDIUM,
}
"""What reading from a card says that was pulled out (and one that is damaged)."""
_SKIPPED_FOLDERS = {"@eaDir", "System Volume Information", "$RECYCLE.BIN", "lost+found", "__MACOSX"}
_SKIPPED_FILES = {"Thumbs.db", "desktop.ini", "truth.json"}
"""What systems and the simulator leave beside photos."""
_SIDECARS = {".nav", ".obs", ".rtk", ".thm", ".lrf"}
"""What drones write beside their photos: satellite raw data, previews of videos."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file. `name` is its path relative to what the user gave, with forward slashes."""

    path: Path
    name: str


class Unread(Rejection):
    """What could not be read because of its card; perhaps this was pulled out."""


class Empty(Rejected):
    """A folder or card without any file that could be of use."""


def scan(path: Path) -> Iterator[Found | Rejection]:
    """Walk `path` (a file or folder) in sorted order; what cannot be read comes as a Rejection.

    Hidden files, systems' leftovers and drones' side files are passed over. Links are followed only
    where they stay within `path`. Raises Rejected where `path` is missing or holds no file at all.
    """
    try:
        root = path.resolve(strict=True)
        mode = root.stat().st_mode
    except FileNotFoundError as error:
        raise Rejected(
            N_("{path} does not exist: give the folder with the drone's JPEGs."), path=str(path)
        ) from error
    except (OSError, RuntimeError) as error:
        raise Rejected(
            N_("{path} cannot be read ({detail}): check the card and its rights."),
            path=str(path),
            detail=_detail(error),
        ) from error
    if stat.S_ISREG(mode):
        yield Found(root, as_text(path.name or root.name))
        return
    if not stat.S_ISDIR(mode):
        raise Rejected(
            N_("{path} is neither a file nor a folder: give the folder with the drone's JPEGs."),
            path=str(path),
        )
    empty = True
    for item in _walk(root, root):
        empty = False
        yield item
    if empty:
        raise Empty(N_("{path} holds no photos: give the folder with the drone's JPEGs."), path=str(path))


def _walk(folder: Path, root: Path) -> Iterator[Found | Rejection]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield _unreadable(_name(folder, root) or folder.name, error)
        return
    for entry in entries:
        if not _passed_over(entry.name):
            yield from _entry(entry, root)


def _entry(entry: os.DirEntry[str], root: Path) -> Iterator[Found | Rejection]:
    path = Path(entry.path)
    name = _name(path, root)
    try:
        if entry.is_symlink():
            yield from _link(path, name, root)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(path, root)
        elif entry.is_file(follow_symlinks=False):
            yield Found(path, name)
        # Pipes, sockets and devices are never photos, and opening one could hang.
    except OSError as error:
        yield _unreadable(name, error)


def _link(path: Path, name: str, root: Path) -> Iterator[Found | Rejection]:
    try:
        target = path.resolve(strict=True)
        inside = target.is_file() and target.is_relative_to(root)
    except (OSError, RuntimeError):  # leads nowhere, or in a circle (RuntimeError before Python 3.13)
        inside = False
    if inside:
        yield Found(path, name)
    else:
        yield Rejection(
            name,
            Sentence(N_("It is a link to no file within the folder: give the folder that it points to.")),
        )


def _passed_over(name: str) -> bool:
    hidden = name.startswith(".")
    return hidden or name in _SKIPPED_FOLDERS | _SKIPPED_FILES or Path(name).suffix.lower() in _SIDECARS


def _name(path: Path, root: Path) -> str:
    return "" if path == root else as_text(path.relative_to(root).as_posix())


def as_text(name: str | Path) -> str:
    """A file's name as valid text: on a card it may be in any encoding, and it is stored and sent."""
    return os.fsencode(name).decode("utf-8", "replace")


def _unreadable(name: str, error: OSError) -> Rejection:
    sentence = Sentence(
        N_("It cannot be read ({detail}): check the card and copy it again."), {"detail": _detail(error)}
    )
    return (Unread if error.errno in TORN_AWAY else Rejection)(name, sentence)


def _detail(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
