"""Who did what."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard import peoplewords
from fieldbox.dashboard.app import create_app
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import NASTY


@pytest.fixture
def store(tmp_path: Path, password_hash: str) -> Iterator[Store]:
    """A box on which sixty fields were renamed and a few other things done."""
    with Store.open(tmp_path / "fieldbox.db") as made:
        made.add_user("asha", password_hash, "owner")
        for number in range(60):
            made.audit("ravi", "field renamed", f"number {number}")
        made.audit("cli", "login link", "asha")
        made.audit("asha", "sang a song", f"=HYPERLINK({NASTY})")
        yield made


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Flask:
    return create_app(store, tmp_path, secret_key=KEY)


def text(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


def test_it_is_newest_first_in_words_and_paged(client: FlaskClient) -> None:
    page = text(client, "/diary")
    assert page.index("sang a song") < page.index("Made a one-time link") < page.index("number 59")
    assert "Somebody at the box" in page and "Renamed a field" in page
    assert "number 5<" not in page
    older = page.split('href="/diary?before=')[1].split('"')[0]
    second = text(client, f"/diary?before={older}")
    assert "number 5<" in second and "number 59<" not in second and "Older" not in second
    assert NASTY not in page


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("who=cli", "Made a one-time link", "number"),
        ("kind=fields", "number 59", "sang a song"),
        ("kind=other", "sang a song", "number 59"),
        ("kind=people&who=asha", "Logged in", "Made a one-time link"),
        ("who=nobody", "Nothing of that", "number"),
        ("kind=x&before=x", "number 59", "Nothing of that"),
    ],
)
def test_it_is_chosen_by_person_and_kind(client: FlaskClient, query: str, there: str, not_there: str) -> None:
    page = text(client, f"/diary?{query}").split("<h1>")[1].split("</form>", 1)[1]
    assert there in page and not_there not in page


def test_all_of_it_is_a_table_in_which_nothing_is_a_formula(client: FlaskClient, store: Store) -> None:
    answer = client.get("/diary.csv")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert rows[0] == ["time", "who", "action", "detail"]
    assert len(rows) == 1 + len(store.audits(1000))
    assert next(row for row in rows if row[2] == "sang a song")[3] == f"'=HYPERLINK({NASTY})"
    assert len(list(csv.reader(io.StringIO(text(client, "/diary.csv?who=cli"))))) == 2


def written_down() -> Iterator[str]:
    """The texts that calls of `audit` in the sources name as what was done."""
    for path in (Path(__file__).parents[2] / "fieldbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", "") == "audit"
                and len(node.args) == 3
            ):
                yield from (
                    one.value
                    for one in ast.walk(node.args[1])
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                )


def test_each_thing_that_is_written_down_has_words() -> None:
    told = {action for action in written_down() if not action.endswith(" ")}  # the beginning of a longer one
    assert len(told) > 20
    assert told <= peoplewords.ACTIONS.keys(), "fieldbox/dashboard/peoplewords.py: a line in ACTIONS for each"
    assert {kind for kind, _words in peoplewords.ACTIONS.values()} | {"other"} == peoplewords.KINDS.keys()
