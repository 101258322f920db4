"""Where the hub keeps its tables: a SQLite file, opened as the box opens its own, or PostgreSQL.

Either way a commit is on the disk when a write ends: of SQLite with WAL and synchronous=FULL, of PostgreSQL with
synchronous_commit=on, whatever the server's own setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError

from fieldbox.errors import FieldboxError, Misconfigured, Unavailable
from fieldbox.hub.schema import REVISION
from fieldbox.i18n import N_
from fieldbox.storage.engine import Database as SqliteDatabase
from fieldbox.storage.migrate import migrations_folder, prepare, run_migrations

_MIGRATING: Final = 0x66626F78
"""The advisory lock of whoever migrates."""
_CONNECT_S: Final = 10
_DRIVER: Final = "postgresql+psycopg"
_THE_SERVERS: Final = (OperationalError, InterfaceError, InternalError)
"""Faults of a server that may be whole again: away, full, or read-only as after a change to its replica."""


class Database(Protocol):
    """Connections to the hub's tables; threads may share one."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection to read with."""

    def write(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction, committed to the disk when the block ends well."""

    def close(self) -> None:
        """Close every connection."""


class PostgresDatabase:
    """The tables in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database."""
        with self._engine.connect() as plain:
            yield plain.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction, committed when the block ends well."""
        with self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(where: str | Path) -> Database:
    """Open the tables at a path (SQLite) or a URL (PostgreSQL), made or brought to this release's schema if need be.

    Raises:
        Misconfigured: it cannot be opened, is damaged, or is not the hub's.
        Unavailable: it does not answer, or has no space.
    """
    text_ = str(where)
    return _postgres(text_) if "://" in text_ else _sqlite(Path(text_))


def _sqlite(path: Path) -> Database:
    prepare(path, scripts=_scripts(), target=REVISION)
    database = SqliteDatabase(path)
    with database.read() as connection:
        ours = inspect(connection).has_table("boxes")
    if not ours:
        database.close()
        raise Misconfigured(
            N_("{path} is a database, but not a hub's; set hub.database to another file."), path=str(path)
        )
    return database


def _postgres(given: str) -> Database:
    engine = _engine(_url(given))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            _migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return PostgresDatabase(engine)


def _url(given: str) -> URL:
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise _not_a_url() from error
    if url.drivername not in (_DRIVER, "postgresql"):
        raise _not_a_url()
    return url.set(drivername=_DRIVER)


def _not_a_url() -> Misconfigured:
    return Misconfigured(
        N_("hub.database is neither a file nor like postgresql+psycopg://user@host/name; mend it.")
    )


def _engine(url: URL) -> Engine:
    arguments = {"connect_timeout": _CONNECT_S, "options": "-c synchronous_commit=on"}
    try:
        engine = create_engine(url, connect_args=arguments, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise Misconfigured(
            N_(
                "hub.database names PostgreSQL, and what talks to it is not installed: pip install"
                " 'fieldbox[postgresql]'."
            )
        ) from error

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> FieldboxError | None:
        if not isinstance(context.sqlalchemy_exception, _THE_SERVERS):
            return None
        why = str(context.original_exception).strip().splitlines() or ["?"]
        return Unavailable(N_("The hub's PostgreSQL does not do as asked ({why})."), why=why[0])

    return engine


def _migrate(connection: Connection) -> None:
    there = inspect(connection).get_table_names()
    if "alembic_version" not in there:
        if "boxes" in there or "messages" in there:
            raise Misconfigured(
                N_("The PostgreSQL database of hub.database holds other tables; give the hub one of its own.")
            )
    elif (revision := _revision(connection)) >= REVISION:
        if revision > REVISION:
            raise Misconfigured(
                N_("The hub's PostgreSQL was used by a newer release of fieldbox; install that release.")
            )
        return
    run_migrations(connection, _scripts(), REVISION)


def _revision(connection: Connection) -> str:
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _scripts() -> Path:
    return migrations_folder() / "hub"
