"""Who may log in, from the box's own terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldbox.cli import main
from fieldbox.domain import Role
from fieldbox.storage.store import Store, utc_now

Say = Callable[..., Result]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """`fieldbox people …` on a box of its own."""
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path))
    monkeypatch.setenv("FIELDBOX_WEB__PORT", "8123")
    return lambda *words: CliRunner().invoke(main, ["people", *words])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "fieldbox.db")


def token_in(said: Result) -> str:
    address = said.stdout.strip()
    assert address.startswith("http://127.0.0.1:8123/enter/"), said.output
    return address.rpartition("/")[2]


def test_somebody_is_added_with_a_role_and_a_link(say: Say, store: Store) -> None:
    assert len(token_in(say("add", " ravi  kumar", "--role", "operator"))) == 32
    [user] = store.users()
    assert (user.name, user.role, user.password_hash) == ("ravi kumar", Role.OPERATOR, "")
    said = [(one.actor, one.action, one.detail) for one in store.audits()]
    assert ("command line", "person added", "ravi kumar: operator") in said
    assert "has not chosen a password yet" in say("list").stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("add", "x" * 41), "1 to 40 characters"),
        (("link", "nobody"), "nobody named nobody"),
        (("shut-out", "nobody"), "nobody named nobody"),
        (("let-in", "nobody"), "nobody named nobody"),
        (("shut-out", "asha"), "asha is the last owner"),
    ],
)
def test_what_cannot_be_done_is_said(say: Say, store: Store, words: tuple[str, ...], reason: str) -> None:
    store.add_user("asha", "hash", "owner")
    said = say(*words)
    assert said.exit_code == 1 and reason in said.stderr


def test_who_was_shut_out_is_let_in_again(say: Say, store: Store) -> None:
    store.add_user("asha", "hash", "owner")
    store.note_seen(store.add_user("ravi", "hash", "viewer").id)
    assert "ravi is shut out" in say("shut-out", "RAVI").stdout
    assert "shut out" in say("list").stdout
    assert "let them in again first" in say("link", "ravi").stderr
    assert "let them in again first" in CliRunner().invoke(main, ["login-link", "--name", "ravi"]).stderr
    assert "ravi may come in again" in say("let-in", "ravi").stdout
    assert f"last log-in {utc_now().astimezone():%Y-%m-%d}" in say("list").stdout
    assert token_in(say("link", "ravi"))
