"""The owner's pages of people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard import peoplewords
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.domain import Right, Role
from fieldbox.storage.rows import User
from fieldbox.storage.store import Store, utc_now
from tests.dashboard.conftest import KEY, log_in, token_of

WORDS = "a long pass phrase"


@pytest.fixture
def store(tmp_path: Path, password_hash: str) -> Iterator[Store]:
    """asha owns the box, ravi works there, meena was only added."""
    with Store.open(tmp_path / "fieldbox.db") as made:
        made.add_user("asha", password_hash, "owner")
        made.add_user("ravi", password_hash, "operator")
        made.add_user("meena", "", "viewer")
        yield made


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Flask:
    return create_app(store, tmp_path, secret_key=KEY)


def named(store: Store, name: str) -> User:
    found = store.user_by_name(name)
    assert found
    return found


def post(client: FlaskClient, path: str, **form: str) -> str:
    """Send a form; the page that follows."""
    token = token_of(client, "/settings")
    return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True).get_data(as_text=True)


def link_in(page: str) -> str:
    found = re.search(r"http://\S+/enter/[\w-]+", unescape(page))
    assert found, page
    return found[0]


def last(store: Store) -> tuple[str, str, str]:
    entry = store.audits(1)[0]
    return entry.actor, entry.action, entry.detail


def test_everybody_is_listed_with_role_and_last_log_in(client: FlaskClient, store: Store) -> None:
    store.shut_out(named(store, "ravi").id)
    text = client.get("/people").get_data(as_text=True)
    for word in ("asha", "Owner", "last log-in", "meena", "has not come in yet", "ravi", "shut out"):
        assert word in text
    assert text.index("meena") < text.index("ravi")  # those that are shut out stand below


def test_somebody_who_is_added_comes_in_by_the_link_and_must_choose_a_password(
    client: FlaskClient, app: Flask, store: Store
) -> None:
    page = post(client, "/people", name="  lata   devi ", role="agronomist")
    link = link_in(page)
    assert link.startswith("http://localhost/enter/")
    assert "lata devi, this link lets you" in page and "within 24 hours" in page
    lata = named(store, "lata devi")
    assert (lata.role, lata.password_hash) == (Role.AGRONOMIST, "")
    assert last(store) == ("asha", "person added", "lata devi: agronomist")
    hers = app.test_client()
    assert hers.post(link, data={"csrf_token": token_of(hers, link)}).headers["Location"] == "/password"
    for path in ("/", "/settings", "/keys", "/api/v1/fields"):
        answer = hers.get(path)
        assert answer.status_code == 403 or answer.headers["Location"] == "/password", path
    assert "Later" not in hers.get("/password").get_data(as_text=True)
    post_password = {"csrf_token": token_of(hers, "/password"), "new": WORDS, "again": WORDS}
    assert hers.post("/password", data=post_password).headers["Location"] == "/"
    assert hers.get("/").status_code == 200 and hers.get("/people").status_code == 403


@pytest.mark.parametrize(
    ("name", "role", "reason"),
    [
        ("", "viewer", "1 to 40 characters"),
        (" \t ", "viewer", "1 to 40 characters"),
        ("x" * 41, "viewer", "1 to 40 characters"),
        ("a\x00b", "viewer", "1 to 40 characters"),
        ("a\u202eb", "viewer", "1 to 40 characters"),
        ("ASHA", "viewer", "named ASHA already"),
        ("lata", "king", "no such role"),
    ],
)
def test_nobody_is_added_so(client: FlaskClient, store: Store, name: str, role: str, reason: str) -> None:
    before = store.users()
    assert reason in post(client, "/people", name=name, role=role)
    assert [one.name for one in store.users()] == [one.name for one in before]


def test_a_link_says_when_it_leads_only_to_the_box_itself(client: FlaskClient) -> None:
    token = token_of(client, "/people")
    for host, here in (("localhost", True), ("127.0.0.1:8080", True), ("192.168.4.1:8080", False)):
        client.set_cookie("fieldbox", client.get_cookie("fieldbox").value, domain=host.partition(":")[0])  # type: ignore[union-attr]
        answer = client.post(
            "/people/3/link", data={"csrf_token": token}, base_url=f"http://{host}", follow_redirects=True
        )
        page = answer.get_data(as_text=True)
        assert link_in(page).startswith(f"http://{host}/enter/")
        assert ("on the box itself" in page) is here


def test_a_new_link_lets_in_who_forgot_the_password(client: FlaskClient, app: Flask, store: Store) -> None:
    link = link_in(post(client, f"/people/{named(store, 'ravi').id}/link"))
    assert last(store) == ("asha", "login link", "ravi")
    his = app.test_client()
    assert his.post(link, data={"csrf_token": token_of(his, link)}).status_code == 302
    assert 'name="old"' not in his.get("/password").get_data(as_text=True)
    assert his.get("/").status_code == 200  # the old password still is one: no need to choose


def test_a_role_is_changed_at_once(client: FlaskClient, app: Flask, store: Store) -> None:
    his, ravi = log_in(app.test_client(), "ravi"), named(store, "ravi")
    assert his.get("/upload").status_code == 404 and his.get("/people").status_code == 403
    assert "role is changed" in post(client, f"/people/{ravi.id}/role", role="viewer")
    assert last(store) == ("asha", "role changed", "ravi: operator → viewer")
    assert his.get("/upload").status_code == 403
    assert "no such role" in post(client, f"/people/{ravi.id}/role", role="king")
    assert named(store, "ravi").role is Role.VIEWER


def test_who_is_shut_out_is_out_at_once_with_links_and_keys(
    client: FlaskClient, app: Flask, store: Store
) -> None:
    his, ravi = log_in(app.test_client(), "ravi"), named(store, "ravi")
    link = link_in(post(client, f"/people/{ravi.id}/link"))
    store.add_token("hash", "script", ravi.id, [Right.READ])
    assert "Shut out" in post(client, f"/people/{ravi.id}/shut-out")
    assert last(store) == ("asha", "person shut out", "ravi")
    assert his.get("/").status_code == 302
    other = app.test_client()
    assert other.post(link, data={"csrf_token": token_of(other, link)}).status_code == 401
    assert store.use_token("hash") is None
    assert "is shut out" in post(client, f"/people/{ravi.id}/link")
    assert "Let in again" in post(client, f"/people/{ravi.id}/let-in")
    assert last(store) == ("asha", "person let in", "ravi")
    assert his.get("/").status_code == 302  # the session of before stays over
    assert store.use_token("hash") is None
    assert log_in(app.test_client(), "ravi").get("/").status_code == 200


def test_somebody_elses_sessions_are_ended(client: FlaskClient, app: Flask, store: Store) -> None:
    his = log_in(app.test_client(), "ravi")
    assert "Logged out everywhere" in post(client, f"/people/{named(store, 'ravi').id}/sessions")
    assert his.get("/").status_code == 302
    assert log_in(app.test_client(), "ravi").get("/").status_code == 200


def test_nobody_changes_their_own_role_or_shuts_out_themselves(client: FlaskClient, store: Store) -> None:
    asha = named(store, "asha")
    assert "their own role" in post(client, f"/people/{asha.id}/role", role="viewer")
    assert "shuts out themselves" in post(client, f"/people/{asha.id}/shut-out")
    assert named(store, "asha") == asha
    assert "another owner can change your role" in client.get(f"/people/{asha.id}").get_data(as_text=True)


def test_the_last_owner_who_can_log_in_stays_one(app: Flask, store: Store, password_hash: str) -> None:
    asha = named(store, "asha")
    store.add_user("lata", password_hash, "owner")
    hers = log_in(app.test_client(), "lata")
    post(hers, f"/people/{asha.id}/role", role="viewer")
    assert named(store, "asha").role is Role.VIEWER
    # Of two owners who take the box from each other at the same moment one stays.
    store.set_role(asha.id, Role.OWNER)
    hers_still = log_in(app.test_client(), "asha")
    post(hers_still, f"/people/{named(store, 'lata').id}/shut-out")
    assert not named(store, "lata").active
    store.add_user("new", "", "owner")
    with pytest.raises(Exception, match="asha is the last owner who can log in"):
        store.shut_out(asha.id)
    with pytest.raises(Exception, match="asha is the last owner who can log in"):
        store.set_role(asha.id, Role.OPERATOR)
    store.shut_out(named(store, "new").id)
    assert named(store, "asha").active and named(store, "asha").role is Role.OWNER


def test_who_is_not_there_is_told_so(client: FlaskClient) -> None:
    assert client.get("/people/99").status_code == 404
    for deed in ("link", "role", "shut-out", "let-in", "sessions"):
        assert "Sorry" not in post(client, f"/people/99/{deed}")


def test_one_logs_oneself_out_everywhere_else(client: FlaskClient, app: Flask) -> None:
    other = log_in(app.test_client())
    assert "everywhere but here" in post(client, "/sessions")
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302


def test_a_session_ends_after_thirty_days_however_much_is_done(client: FlaskClient) -> None:
    for days, code in ((29, 200), (31, 302)):
        with client.session_transaction() as session:
            session["since"] = int((utc_now() - timedelta(days=days)).timestamp())
        assert client.get("/").status_code == code


def test_a_log_in_begins_a_session_of_its_own(stranger: FlaskClient) -> None:
    old = token_of(stranger, "/login")
    with stranger.session_transaction() as session:
        session["planted"] = "x"
    log_in(stranger)
    with stranger.session_transaction() as session:
        assert "planted" not in session
    assert stranger.post("/logout", data={"csrf_token": old}).status_code == 400
    assert stranger.get("/").status_code == 200


def test_a_hash_of_older_parameters_is_made_anew_at_the_log_in(app: Flask, store: Store) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(WORDS)
    ravi = named(store, "ravi")
    store.set_password_hash(ravi.id, weak)
    first = log_in(app.test_client(), "ravi", WORDS)
    kept = named(store, "ravi").password_hash
    assert kept != weak and "m=19456" in kept
    log_in(app.test_client(), "ravi", WORDS)
    assert named(store, "ravi").password_hash == kept
    assert first.get("/").status_code == 200  # no session ends for it


def test_the_log_in_is_dated(app: Flask, store: Store) -> None:
    assert named(store, "ravi").seen_at is None
    his = log_in(app.test_client(), "ravi")
    seen = named(store, "ravi").seen_at
    assert seen is not None
    his.get("/")
    assert named(store, "ravi").seen_at == seen


@pytest.mark.parametrize(
    "password", ["password", "PassWord123", "aaaaaaaaaa", "asha1234", "Asha@2024", "98127634"]
)
def test_what_is_guessed_first_is_no_password(client: FlaskClient, store: Store, password: str) -> None:
    before = named(store, "asha")
    text = post(client, "/password", old="correct horse", new=password, again=password)
    assert "choose another one" in text
    assert named(store, "asha").password_hash == before.password_hash


def test_a_name_in_a_longer_password_is_no_harm() -> None:
    assert hash_password("asha likes mangoes", "asha")


def test_what_each_role_may_do_is_said_beside_what_those_before_may() -> None:
    for before, after in pairwise(peoplewords.ROLES):
        assert before.rights < after.rights
    assert set(peoplewords.ROLES) == set(Role)


def test_roles_are_explained_where_they_are_chosen(client: FlaskClient) -> None:
    for page in ("/people", "/people/2"):
        text = client.get(page).get_data(as_text=True)
        for words in (
            "See everything: fields",
            "All of the above. Say what is right",
            "All of the above. Decide what",
        ):
            assert words in text
