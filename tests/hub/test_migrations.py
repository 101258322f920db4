"""The hub's migrations make what its schema says, and it opens nothing that is not its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from fieldbox.errors import Misconfigured
from fieldbox.hub.schema import REVISION, metadata
from fieldbox.hub.store import HubStore
from fieldbox.storage.migrate import migrations_folder
from fieldbox.storage.store import Store
from tests.storage.test_migrate import parts

OBJECTS = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"


def test_the_migrations_make_what_the_schema_says(tmp_path: Path) -> None:
    HubStore.open(tmp_path / "hub.db").close()
    with closing(sqlite3.connect(tmp_path / "hub.db")) as raw:
        made = {name: parts(sql) for name, sql in raw.execute(OBJECTS)}
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        said = {name: parts(sql) for name, sql in connection.exec_driver_sql(OBJECTS)}
    assert made == said


def test_the_code_knows_the_newest_migration() -> None:
    assert ScriptDirectory(str(migrations_folder() / "hub")).get_current_head() == REVISION


def test_a_boxs_database_is_not_taken_for_a_hubs(tmp_path: Path) -> None:
    Store.open(tmp_path / "fieldbox.db").close()
    before = (tmp_path / "fieldbox.db").read_bytes()
    with pytest.raises(Misconfigured):
        HubStore.open(tmp_path / "fieldbox.db")
    assert (tmp_path / "fieldbox.db").read_bytes() == before


@pytest.mark.parametrize("url", ["mysql://h/x", "postgresql+psycopg2://h/x", "://", "http://example.org"])
def test_a_url_of_something_else_is_a_sentence(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"hub\.database"):
        HubStore.open(url)
