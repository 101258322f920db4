"""What a file, folder or card holds, in a fixed order."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
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
_SIDECARS = {".nav", ".obs", ".rtk", ".bin", ".dat", ".db", ".thm", ".scr", ".lrf", ".lrv"}
"""What drones write beside their photos: satellite raw data (PPKRAW.bin, EVENTLOG.bin), their own logs, previews of photos
(small JPEGs) and of videos."""
MOST_FILES = 200_000
"""That are looked at: a card of 1 TB holds as many photos."""
_CONTROLS = {"Cc", "Zl", "Zp"}
_TURNING = {*"\u061c\u200e\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
"""Marks that change the direction of writing (Unicode Standard Annex 9): with them a name can be made to look like another."""


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
            N_("{path} does not exist: give the folder with the drone's JPEGs."), path=as_text(path)
        ) from error
    except (OSError, RuntimeError) as error:
        raise Rejected(
            N_("{path} cannot be read ({detail}): check the card and its rights."),
            path=as_text(path),
            detail=_detail(error),
        ) from error
    if stat.S_ISREG(mode):
        yield Found(root, as_text(path.name or root.name))
        return
    if not stat.S_ISDIR(mode):
        raise Rejected(
            N_("{path} is neither a file nor a folder: give the folder with the drone's JPEGs."),
            path=as_text(path),
        )
    count = 0
    for count, item in enumerate(_walk(root), start=1):
        if count > MOST_FILES:
            raise _too_many(path)
        yield item
    if not count:
        raise Empty(N_("{path} holds no photos: give the folder with the drone's JPEGs."), path=as_text(path))


def _too_many(path: Path) -> Rejected:
    return Rejected(
        N_("{path} holds more than {most} files: give one flight's folder at a time."),
        path=as_text(path),
        most=MOST_FILES,
    )


def _walk(root: Path) -> Iterator[Found | Rejection]:
    # No recursion: folders may be as deep as anybody likes.
    open_folders = [_listed(root, root)]
    while open_folders:
        item = next(open_folders[-1], None)
        if item is None:
            open_folders.pop()
        elif isinstance(item, Path):
            open_folders.append(_listed(item, root))
        else:
            yield item


def _listed(folder: Path, root: Path) -> Iterator[Found | Rejection | Path]:
    """What a folder holds; its folders as paths."""
    try:
        with os.scandir(folder) as listing:
            entries = list(islice(listing, MOST_FILES + 1))
    except OSError as error:
        yield _unreadable(_name(folder, root) or folder.name, error)
        return
    if len(entries) > MOST_FILES:  # before they are sorted, and each is looked at
        raise _too_many(folder)
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not _passed_over(entry.name):
            yield from _entry(entry, root)


def _entry(entry: os.DirEntry[str], root: Path) -> Iterator[Found | Rejection | Path]:
    path = Path(entry.path)
    name = _name(path, root)
    try:
        if entry.is_symlink():
            yield _link(path, name, root)
        elif entry.is_dir(follow_symlinks=False):
            yield path
        elif entry.is_file(follow_symlinks=False):
            yield Found(path, name)
        # Pipes, sockets and devices are never photos, and opening one could hang.
    except OSError as error:
        yield _unreadable(name, error)


def _link(path: Path, name: str, root: Path) -> Found | Rejection:
    try:
        target = path.resolve(strict=True)
        inside = target.is_file() and target.is_relative_to(root)
    except (OSError, RuntimeError):  # leads nowhere, or in a circle (RuntimeError before Python 3.13)
        inside = False
    if inside:
        return Found(path, name)
    told = N_("It is a link to no file within the folder: give the folder that it points to.")
    return Rejection(name, Sentence(told))


def _passed_over(name: str) -> bool:
    hidden = name.startswith(".")
    return hidden or name in _SKIPPED_FOLDERS | _SKIPPED_FILES or Path(name).suffix.lower() in _SIDECARS


def _name(path: Path, root: Path) -> str:
    return "" if path == root else as_text(path.relative_to(root).as_posix())


def as_text(name: str | Path) -> str:
    """A file's name as it is stored, sent and shown: on a card it may be in any encoding, and hold what moves a cursor or
    turns the words around it."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join("\ufffd" if _is_unseen(one) else one for one in text)


def _is_unseen(letter: str) -> bool:
    return letter in _TURNING or unicodedata.category(letter) in _CONTROLS


def _unreadable(name: str, error: OSError) -> Rejection:
    sentence = Sentence(
        N_("It cannot be read ({detail}): check the card and copy it again."), {"detail": _detail(error)}
    )
    return (Unread if error.errno in TORN_AWAY else Rejection)(name, sentence)


def _detail(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
