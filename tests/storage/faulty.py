"""Databases that fail as those on a real box do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from fieldbox.storage.store import Store


@contextmanager
def unwritable(store: Store) -> Iterator[None]:
    """In the block nothing can be written, as on a disk that is mounted read-only; all can be read."""
    engine, state = store._database._engine, ["ON"]

    @event.listens_for(engine, "checkout")
    def forbid(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA query_only = {state[0]}")

    try:
        yield
    finally:
        state[0] = "OFF"


@contextmanager
def unreadable(store: Store) -> Iterator[None]:
    """In the block the file of the database cannot be opened."""
    path = store._database.path
    aside = path.with_name("aside.db")
    store._database.close()
    shutil.move(path, aside)
    path.mkdir()
    try:
        yield
    finally:
        store._database.close()
        path.rmdir()
        shutil.move(aside, path)
