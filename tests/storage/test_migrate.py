from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from fieldbox.domain import MessageKind, Outgoing
from fieldbox.errors import Misconfigured
from fieldbox.storage.migrate import migrations_folder, prepare
from fieldbox.storage.schema import REVISION, metadata
from fieldbox.storage.store import Store
from tests.storage.samples import REPOSITORY

NEXT = f"{int(REVISION) + 1:04d}"
ADD_COLUMN = """
    with op.batch_alter_table("fields") as batch:
        batch.add_column(sa.Column("note", sa.Text(), nullable=True))
        batch.alter_column("crop", new_column_name="planted")
"""
LOSE_FIELDS = ADD_COLUMN + '    op.execute("DELETE FROM fields")\n'  # noqa: S608


def next_release(folder: Path, body: str = ADD_COLUMN) -> Path:
    """The migrations of a release to come, which changes a table that others refer to."""
    scripts = folder / "migrations"
    shutil.copytree(REPOSITORY / "migrations", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    head = f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {NEXT!r}\n"
    script = f"{head}down_revision = {REVISION!r}\n\n\ndef upgrade() -> None:{body}"
    (scripts / "versions" / f"{NEXT}_next.py").write_text(script)
    return scripts


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of this release with a field and a flight over it."""
    path = tmp_path / "data" / "fieldbox.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO fields VALUES (1, 'F01', 'North', '[]', 1, 'chilli', NULL, NULL, NULL)")
        raw.execute(
            "INSERT INTO flights VALUES ('flight', 1, NULL, NULL, 0, '2026-06-01T00:00:00.000000Z', 0)"
        )
    return path


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchall()


def parts(statement: str) -> list[str]:
    """Head, columns and constraints of a CREATE statement.

    Alembic puts constraints in another order, SQLite an added column behind them.
    """
    head, body = statement.split("(", 1)
    inner = re.split(r",(?![^()]*\))", body[: body.rindex(")")])
    return [" ".join(head.split()), *sorted(" ".join(one.split()) for one in inner)]


def test_the_migrations_make_what_the_schema_says(tmp_path: Path) -> None:
    prepare(tmp_path / "fieldbox.db")
    objects = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    made = ask(tmp_path / "fieldbox.db", objects)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        said = connection.exec_driver_sql(objects).all()
    ours = {
        name: parts(str(sql))
        for name, sql in made
        if name != "alembic_version" and not str(name).startswith("detection_places")
    }
    assert ours == {name: parts(sql) for name, sql in said}


def test_the_code_knows_the_newest_migration() -> None:
    assert ScriptDirectory(str(migrations_folder())).get_current_head() == REVISION


def test_a_new_database_is_durable_and_gets_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "100% new" / "fieldbox.db"
    with Store.open(path) as store:
        assert store.check() == []
    assert ask(path, "PRAGMA journal_mode") == [("wal",)]
    assert ask(path, "SELECT version_num FROM alembic_version") == [(REVISION,)]
    assert not (path.parent / "backups").exists()


def test_an_older_database_is_copied_and_then_migrated(tmp_path: Path, database: Path) -> None:
    prepare(database, scripts=next_release(tmp_path), target=NEXT)
    assert ask(database, "SELECT name, planted, note FROM fields") == [("North", "chilli", None)]
    assert ask(database, "PRAGMA foreign_key_check") == []
    (copy,) = (database.parent / "backups").iterdir()
    assert copy.name.startswith(f"fieldbox-{REVISION}-")
    assert ask(copy, "SELECT name, crop FROM fields") == [("North", "chilli")]
    assert ask(copy, "PRAGMA quick_check") == [("ok",)]
    prepare(database, scripts=tmp_path / "migrations", target=NEXT)
    assert len(list((database.parent / "backups").iterdir())) == 1


@pytest.mark.parametrize("body", [LOSE_FIELDS, ADD_COLUMN + "    op.execute('nonsense')\n"])
def test_a_migration_that_fails_changes_nothing(tmp_path: Path, database: Path, body: str) -> None:
    with pytest.raises(Exception, match=r"without losing data|nonsense"):
        prepare(database, scripts=next_release(tmp_path, body), target=NEXT)
    assert ask(database, "SELECT version_num FROM alembic_version") == [(REVISION,)]
    assert ask(database, "SELECT name, crop FROM fields") == [("North", "chilli")]
    with Store.open(database) as store:
        assert [field.name for field in store.fields()] == ["North"]


def test_a_newer_database_is_refused_unless_it_was_made_to_be_used(tmp_path: Path, database: Path) -> None:
    body = ADD_COLUMN + f'    op.execute("PRAGMA user_version = {int(NEXT)}")\n'
    prepare(database, scripts=next_release(tmp_path, body), target=NEXT)
    with pytest.raises(Misconfigured, match=rf"newer release of fieldbox \(schema {NEXT}\)"):
        Store.open(database)
    with closing(sqlite3.connect(database)) as raw:
        raw.execute(f"PRAGMA user_version = {int(REVISION)}")
    Store.open(database).close()


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fieldbox.db"
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("CREATE TABLE photos (id)")
    with pytest.raises(Misconfigured, match="not one of fieldbox"):
        Store.open(path)
    assert ask(path, "SELECT name FROM sqlite_master") == [("photos",)]


def test_a_damaged_database_is_reported(database: Path) -> None:
    database.write_bytes(b"no database at all, and long enough to be taken for one" * 100)
    with pytest.raises(Misconfigured, match="is damaged; restore"):
        Store.open(database)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Misconfigured, match="cannot be opened"):
        Store.open(tmp_path / "file" / "fieldbox.db")


def test_a_restored_copy_becomes_durable_again(tmp_path: Path, database: Path) -> None:
    with Store.open(database) as store:
        store.backup(tmp_path / "copies" / "copy.db")
        store.set_setting("after", "1")
    copy = tmp_path / "copies" / "copy.db"
    assert [file.name for file in copy.parent.iterdir()] == ["copy.db"]
    assert ask(copy, "PRAGMA journal_mode") == [("delete",)]
    with Store.open(copy) as store:
        assert store.setting("after") is None
        assert [field.name for field in store.fields()] == ["North"]
    assert ask(copy, "PRAGMA journal_mode") == [("wal",)]


def test_processes_that_start_together_make_one_database(tmp_path: Path) -> None:
    path = tmp_path / "fieldbox.db"
    code = "import sys; from pathlib import Path; from fieldbox.storage.store import Store\n"
    code += "with Store.open(Path(sys.argv[1])) as s: s.audit(sys.argv[2], 'start', '')"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(number)], cwd=REPOSITORY)
        for number in range(3)
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    assert len(ask(path, "SELECT * FROM audit")) == 3


OLD_FLIGHT = "0123456789abcdef0123"
OLD_MESSAGES = [
    ("a" * 20, "2026-06-01T06:00:00.000000Z", "done", 1),
    ("b" * 20, "2026-06-01T06:00:00.000000Z", "waiting", 2),  # made at once with the one before
    ("c" * 20, "1970-01-01T00:05:00.000000Z", "waiting", 3),  # by a clock whose battery was dead
]


def test_messages_of_the_release_before_keep_their_state_and_get_ids_that_sort(tmp_path: Path) -> None:
    path = tmp_path / "fieldbox.db"
    prepare(path, target="0014")
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO fields VALUES (7, 'F07', 'North', '[]', 1, 'chilli', NULL, NULL)")
        _insert(raw, "flights", {"id": OLD_FLIGHT, "field_id": 7})
        for identity, made, state, number in OLD_MESSAGES:
            survey = {
                "number": number,
                "id": identity,
                "flight_id": OLD_FLIGHT,
                "field_id": 7,
                "made_at": made,
            }
            _insert(raw, "surveys", survey | {"plan_key": identity})
            message = {"id": identity, "body": "{}", "state": state, "created_at": made}
            _insert(raw, "messages", message | {"kind": "summary", "survey_number": number})
    with Store.open(path) as store:
        assert store.check() == []
        done, waits, early = (store.messages_of(identity)[0] for identity, *_ in OLD_MESSAGES)
        assert [one.id[12:] for one in (done, waits, early)] == ["a" * 20, "b" * 20, "c" * 20]
        assert early.id < done.id < waits.id
        assert [one.state.value for one in (done, waits, early)] == ["acknowledged", "waiting", "waiting"]
        assert {(one.subject, one.priority, one.bytes_sent) for one in (done, waits, early)} == {
            (f"survey {OLD_FLIGHT} 7", 3, 0)
        }
        assert store.due_messages(datetime.now(UTC), 9) == [waits, early]
        newer = Outgoing(MessageKind.SUMMARY, "{}", "d" * 20, waits.subject)
        told = store.message(store.send(newer))
        assert told and told.replaces == (early.id, done.id, waits.id)
        assert store.due_messages(datetime.now(UTC), 9) == [told]


def _insert(raw: sqlite3.Connection, table: str, known: dict[str, object]) -> None:
    """A row with what is known, and something of the right kind in every other column that wants a value."""
    row = dict(known)
    for _number, name, kind, wanted, default, _key in raw.execute(f"PRAGMA table_info({table})"):
        if wanted and default is None and name not in row:
            row[name] = "[]" if kind == "TEXT" else 0
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    raw.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))  # noqa: S608
