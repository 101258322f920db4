"""Copies of the database that are whole, whatever is being written meanwhile."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.storage.faults import backups_of, translating


def copy_database(source: Path, target: Path) -> None:
    """Copy the database `source` to `target`: one state of it, checked, on the disk, in a single file.

    `target` appears only when all of that is done.

    Raises:
        Unavailable: the disk is full or failing.
        Misconfigured: the database is damaged, or the folder of `target` cannot be written.
    """
    unfinished = target.with_name(target.name + ".part")
    with translating(source):
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        try:
            _copy(source, unfinished)
            _sync(unfinished)
            unfinished.replace(target)
            _sync(target.parent)
        finally:
            unfinished.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # no -wal beside a file that is carried away
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Misconfigured(
            N_("The database {path} is damaged; restore the newest good copy from {backups}."),
            path=str(source),
            backups=str(backups_of(source)),
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
