"""Bring a database file to the schema of this release, with a copy of the old one kept."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_
from fieldbox.storage.backup import copy_database
from fieldbox.storage.engine import make_engine, transaction, writer
from fieldbox.storage.faults import backups_of, translating
from fieldbox.storage.schema import REVISION

_MIGRATION_WAIT_S = 120.0
"""Another process may be migrating a big database on a slow card."""


def migrations_folder() -> Path:
    """Where the migrations lie: inside the package once it is installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def prepare(path: Path, *, scripts: Path | None = None, target: str = REVISION) -> None:
    """Make the database `path` if it is missing, and migrate it to `target` if it is older.

    An older one is copied to `backups/` first. Several processes may call this at once. `scripts` and
    `target` are for tests and for migrations in the making.

    Raises:
        Misconfigured: the file is damaged, is no database of fieldbox, or was made by a newer release.
        Unavailable: the disk is full or failing, or another process took too long.
    """
    with translating(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = make_engine(path, foreign_keys=False, pooled=False)
    if not _ready(engine, target):
        with writer(path, wait_s=_MIGRATION_WAIT_S):
            _use_wal(engine, path)
            with transaction(engine) as connection:
                _upgrade(connection, path, scripts or migrations_folder(), target)


def _ready(engine: Engine, target: str) -> bool:
    with engine.connect() as connection:
        wal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        return wal and _usable(connection, target)


def _usable(connection: Connection, target: str) -> bool:
    """Whether the database has the schema `target`, or a newer one that was made to be used by it."""
    revision = _revision(connection)
    if revision is None or revision < target:
        return False
    oldest_reader: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    return revision == target or oldest_reader <= int(target)


def _use_wal(engine: Engine, path: Path) -> None:
    # The journal mode cannot be changed inside a transaction, so past SQLAlchemy's.
    with closing(engine.raw_connection()) as connection, translating(path):
        connection.cursor().execute("PRAGMA journal_mode=WAL")


def _revision(connection: Connection) -> str | None:
    """The newest migration that the database has had (their numbers sort as text); None if it had none."""
    if inspect(connection).has_table("alembic_version"):
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return None


def _upgrade(connection: Connection, path: Path, scripts: Path, target: str) -> None:
    if _usable(connection, target):
        return  # another process was faster
    before = _revision(connection)
    if before is None:
        _refuse_foreign(connection, path)
    else:
        _refuse_newer(before, path, target)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        # We hold the write lock, so what is copied is what will be migrated.
        copy_database(path, backups_of(path) / f"{path.stem}-{before}-{stamp}.db")
    run_migrations(connection, scripts, target)
    _refuse_broken(connection, path)


def _refuse_foreign(connection: Connection, path: Path) -> None:
    if inspect(connection).get_table_names():
        raise Misconfigured(
            N_(
                "{path} is a database, but not one of fieldbox; move it away or choose another storage"
                " folder."
            ),
            path=str(path),
        )


def _refuse_newer(revision: str, path: Path, target: str) -> None:
    if revision > target:
        raise Misconfigured(
            N_(
                "The database {path} was made by a newer release of fieldbox (schema {revision}); install"
                " that release, or restore an older copy from {backups}."
            ),
            path=str(path),
            revision=revision,
            backups=str(backups_of(path)),
        )


def run_migrations(connection: Connection, scripts: Path, target: str) -> None:
    """Bring the tables behind `connection` to `target` by the migrations in the folder `scripts`."""
    from alembic import command  # noqa: PLC0415  (slow to load, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _refuse_broken(connection: Connection, path: Path) -> None:
    """Undo a migration that lost a row which others point to (foreign keys are off meanwhile)."""
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise Misconfigured(
            N_(
                "The database {path} could not be brought to this release without losing data; it is"
                " unchanged, so go back to the release before and report this."
            ),
            path=str(path),
        )
