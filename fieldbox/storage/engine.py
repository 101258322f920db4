"""One SQLite file behind SQLAlchemy: durable commits, one writer at a time, errors in plain words.

- WAL with synchronous=FULL: measured to lose no acknowledged commit when the power is cut.
- A write begins with BEGIN IMMEDIATE. A deferred transaction that reads first and then writes fails at
  once, without waiting, when another has written in between.
- A write also holds a lock file until its commit and the checkpoint that may follow are over. SQLite
  before 3.51.3 can damage a WAL database when one connection checkpoints while another commits
  (https://www.sqlite.org/wal.html#walresetbug), and the Debian releases that we run on have older ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, ExceptionContext, NullPool, create_engine, event

from fieldbox.errors import FieldboxError, Unavailable
from fieldbox.i18n import N_
from fieldbox.storage.faults import translated
from fieldbox.storage.lock import held

BUSY_S: Final = 10.0
"""How long a writer waits for another."""

_WRITES: Final = "fieldbox_writes"


def make_engine(path: Path, *, foreign_keys: bool = True, pooled: bool = True) -> Engine:
    """An engine on the file `path`; its errors are ours (see `fieldbox.storage.faults`).

    Migrations copy tables and want `foreign_keys` off meanwhile.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_S},
        **({} if pooled else {"poolclass": NullPool}),
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: `begin` below does
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> FieldboxError | None:
        error = context.original_exception
        return translated(error, path) if isinstance(error, sqlite3.Error) else None

    return engine


@contextmanager
def writer(path: Path, *, wait_s: float = BUSY_S) -> Iterator[None]:
    """Be the only writer of the database `path` while the block runs.

    Raises:
        Unavailable: another writer did not finish within `wait_s` seconds.
    """
    with held(path.with_name(path.name + "-lock"), wait_s=wait_s) as mine:
        if not mine:
            raise Unavailable(
                N_("Another program keeps the database {path} busy; try again in a minute."), path=str(path)
            )
        yield


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A BEGIN IMMEDIATE transaction: committed at the end of the block, rolled back if it raises."""
    with engine.connect() as plain:
        connection = plain.execution_options(**_WRITE_OPTIONS)
        with connection.begin():
            yield connection


_WRITE_OPTIONS: Final[dict[str, Any]] = {_WRITES: True}


class Database:
    """The connections of one process to the file `path`. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = make_engine(path)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database, however long it takes."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a write transaction, committed (and on the disk) when the block ends well.

        Do not nest: the inner one would wait for the outer one.

        Raises:
            Unavailable: the disk is full or failing, or another writer took too long.
        """
        with writer(self.path), transaction(self._engine) as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
