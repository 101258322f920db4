"""Keys of programs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.deeds.keys import MOST_KEYS
from fieldbox.domain import Right
from fieldbox.storage.store import Store, utc_now
from tests.dashboard.conftest import KEY, log_in, token_of


@pytest.fixture
def store(tmp_path: Path, password_hash: str) -> Iterator[Store]:
    """asha owns the box, ravi reads."""
    with Store.open(tmp_path / "fieldbox.db") as made:
        made.add_user("asha", password_hash, "owner")
        made.add_user("ravi", password_hash, "viewer")
        yield made


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Flask:
    return create_app(store, tmp_path, secret_key=KEY)


def make(
    client: FlaskClient, name: str = "QGIS", scopes: tuple[str, ...] = ("read",), days: str = "30"
) -> str:
    """Send the form; the page that follows."""
    form = {"csrf_token": token_of(client, "/keys"), "name": name, "scope": list(scopes), "days": days}
    return client.post("/keys", data=form).get_data(as_text=True)


def key_in(page: str) -> str:
    found = re.search(r"fbx_[\w-]{32}", page)
    assert found, page
    return found[0]


def revoke(client: FlaskClient, number: int) -> str:
    form = {"csrf_token": token_of(client, "/keys")}
    return client.post(f"/keys/{number}/revoke", data=form, follow_redirects=True).get_data(as_text=True)


def test_a_key_is_shown_once_and_works(client: FlaskClient, stranger: FlaskClient, store: Store) -> None:
    key = key_in(make(client))
    header = {"Authorization": f"Bearer {key}"}
    assert stranger.get("/api/v1/fields", headers=header).status_code == 200
    listed = client.get("/keys").get_data(as_text=True)
    assert "QGIS" in listed and "last used" in listed and key not in listed
    assert key.encode() not in Path(store.path).read_bytes()
    [kept] = store.tokens()
    assert kept.scopes == {Right.READ} and kept.expires_at is not None
    assert abs(kept.expires_at - utc_now() - timedelta(days=30)) < timedelta(minutes=5)
    assert store.use_token(hashlib.sha256(key.encode()).hexdigest())
    assert [(one.action, one.detail) for one in store.audits(1)] == [("key made", "QGIS: read")]


def test_a_key_may_never_run_out(client: FlaskClient, store: Store) -> None:
    make(client, days="0")
    assert store.tokens()[0].expires_at is None
    assert "never runs out" in client.get("/keys").get_data(as_text=True)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"name": " "}, "what the key is for"),
        ({"name": "x" * 61}, "what the key is for"),
        ({"scopes": ()}, "Choose what the key may do"),
        ({"scopes": ("read", "everything")}, "Choose what the key may do"),
        ({"days": "31"}, "no such time"),
        ({"days": "-1"}, "no such time"),
        ({"days": "²"}, "no such time"),
        ({"days": ""}, "no such time"),
    ],
)
def test_no_key_is_made_so(client: FlaskClient, store: Store, told: dict[str, str], reason: str) -> None:
    assert reason in make(client, **told)  # type: ignore[arg-type]
    assert store.tokens() == []


def test_a_key_gets_no_rights_that_its_maker_lacks(app: Flask, store: Store) -> None:
    his = log_in(app.test_client(), "ravi")
    assert 'value="own"' not in his.get("/keys").get_data(as_text=True)
    assert "no more than you may do" in make(his, scopes=("read", "work"))
    assert store.tokens() == []


def test_everybody_sees_and_revokes_their_own_and_the_owner_all(
    client: FlaskClient, app: Flask, store: Store
) -> None:
    his = log_in(app.test_client(), "ravi")
    make(client, "hers")
    make(his, "his")
    theirs = {one.name: one.id for one in store.tokens()}
    assert "hers" not in his.get("/keys").get_data(as_text=True)
    assert "no such key" in revoke(his, theirs["hers"])
    page = client.get("/keys").get_data(as_text=True)
    assert "hers" in page and "his" in page and "ravi" in page
    assert "is void" in revoke(client, theirs["his"])
    assert [(one.actor, one.action, one.detail) for one in store.audits(1)] == [
        ("asha", "key revoked", "his")
    ]
    assert "no such key" in revoke(client, theirs["his"])
    assert "no such key" in revoke(client, 99)
    assert "You have no keys" in his.get("/keys").get_data(as_text=True)


def test_a_person_has_a_bounded_number_of_keys(client: FlaskClient, store: Store) -> None:
    for number in range(MOST_KEYS):
        store.add_token(f"hash {number}", "x", 1, [Right.READ])
    assert "revoke one that is not used" in make(client)
    store.revoke_token(1)
    key_in(make(client))
