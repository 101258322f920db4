"""What SQLite says of the disk and the file, as sentences for a person."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldbox.errors import FieldboxError, Misconfigured, Unavailable
from fieldbox.i18n import N_

_UNAVAILABLE = {
    sqlite3.SQLITE_FULL: N_(
        "The disk of the box is full, so nothing more can be saved; free some space and try again."
    ),
    sqlite3.SQLITE_READONLY: N_(
        "The database {path} cannot be written; check that its disk is not mounted read-only and that"
        " fieldbox has the right to write there."
    ),
    sqlite3.SQLITE_IOERR: N_(
        "The disk failed while the database {path} was read or written; check the disk and the power supply."
    ),
    sqlite3.SQLITE_BUSY: N_("Another program keeps the database {path} busy; try again in a minute."),
    sqlite3.SQLITE_LOCKED: N_("Another program keeps the database {path} busy; try again in a minute."),
}
_SHARED_MEMORY = 32 * 1024
"""Bytes by which the file of shared memory grows."""
_DAMAGED = N_("The database {path} is damaged; restore the newest good copy from {backups}.")
_MISCONFIGURED = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: N_(
        "The database {path} cannot be opened; check that its folder exists and that fieldbox has the right"
        " to write there."
    ),
    sqlite3.SQLITE_PERM: N_("The database {path} may not be opened; give fieldbox the right to write there."),
}


def backups_of(path: Path) -> Path:
    """The folder that holds the copies of the database `path`."""
    return path.parent / "backups"


def translated(error: sqlite3.Error, path: Path) -> FieldboxError | None:
    """The error for a person that `error` of the database `path` amounts to; None: it is a bug of ours."""
    # The low byte is the kind; the rest tells which system call failed.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_IOERR and _is_full(path):
        kind = sqlite3.SQLITE_FULL
    params = {"path": str(path), "backups": str(backups_of(path))}
    if kind in _UNAVAILABLE:
        return Unavailable(_UNAVAILABLE[kind], **params)
    if kind in _MISCONFIGURED:
        return Misconfigured(_MISCONFIGURED[kind], **params)
    return None


def _is_full(path: Path) -> bool:
    """SQLite says "I/O error" of a full disk, too, when it cannot make its shared memory larger."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _SHARED_MEMORY


def translated_os(error: OSError, path: Path) -> FieldboxError:
    """The error for a person that `error` of the operating system, met at `path`, amounts to."""
    params = {"path": str(path), "backups": str(backups_of(path))}
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(_UNAVAILABLE[sqlite3.SQLITE_FULL], **params)
    if error.errno == errno.EROFS:
        return Unavailable(_UNAVAILABLE[sqlite3.SQLITE_READONLY], **params)
    if error.errno == errno.EIO:
        return Unavailable(_UNAVAILABLE[sqlite3.SQLITE_IOERR], **params)
    return Misconfigured(_MISCONFIGURED[sqlite3.SQLITE_CANTOPEN], **params)


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn errors of the disk and of SQLite, met outside SQLAlchemy, into ours."""
    try:
        yield
    except sqlite3.Error as error:
        ours = translated(error, path)
        if ours is None:
            raise
        raise ours from error
    except OSError as error:
        raise translated_os(error, path) from error
