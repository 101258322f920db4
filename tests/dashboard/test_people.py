"""Nobody in without a login; links that work once; passwords; guessing."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, Response, request, session
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password, matches
from fieldbox.dashboard.people import TRIES, local_path
from fieldbox.dashboard.rights import OPEN, RIGHTS
from fieldbox.domain import Right
from fieldbox.errors import Rejected
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY, PASSWORD, log_in, token_of

NEW = "a new pass phrase"


@pytest.fixture
def store(tmp_path: Path, password_hash: str) -> Iterator[Store]:
    """A box where nothing has happened, with asha, who has a password, and ravi, who has none yet."""
    with Store.open(tmp_path / "fieldbox.db") as made:
        made.add_user("asha", password_hash, "owner")
        made.add_user("ravi", "", "owner")
        yield made


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Flask:
    return create_app(store, tmp_path, secret_key=KEY)


def link_for(store: Store, name: str, life: timedelta = timedelta(hours=1)) -> str:
    """A one-time link, as the command line makes it."""
    user = store.user_by_name(name)
    assert user
    token = f"token-for-{name}-and-{life}"
    store.add_login_token(hashlib.sha256(token.encode()).hexdigest(), user.id, datetime.now(UTC) + life)
    return f"/enter/{token}"


def set_password(client: FlaskClient, **form: str) -> int:
    token = token_of(client, "/password")
    return client.post("/password", data={"csrf_token": token, **form}).status_code


def test_everything_but_the_way_in_needs_a_login(stranger: FlaskClient, app: Flask) -> None:
    adapter = app.url_map.bind("box")
    for rule in app.url_map.iter_rules():
        if RIGHTS[rule.endpoint] is OPEN:
            continue
        values = {
            name: 1 if "int:" in rule.rule and name not in ("survey_id", "key", "digest") else "x"
            for name in rule.arguments
        }
        page = adapter.build(rule.endpoint, values)
        if "GET" in (rule.methods or ()):
            answer = stranger.get(page)
            assert answer.status_code == 401 or answer.headers.get("Location", "").startswith("/login"), page
        else:
            answer = stranger.post(page)
            assert answer.status_code in (302, 401), page
            assert answer.headers.get("Location", "/login") == "/login", page


def test_health_needs_none(stranger: FlaskClient) -> None:
    answer = stranger.get("/healthz")
    assert answer.json is not None and answer.json["ok"] is True
    assert "Set-Cookie" not in answer.headers


def test_after_login_the_page_asked_for_is_shown(stranger: FlaskClient) -> None:
    asked = stranger.get("/settings")
    assert asked.headers["Location"] == "/login?next=/settings"
    form = {
        "csrf_token": token_of(stranger, "/login"),
        "name": "ASHA",
        "password": PASSWORD,
        "next": "/settings",
    }
    assert stranger.post("/login", data=form).headers["Location"] == "/settings"
    assert stranger.get("/settings").status_code == 200


@pytest.mark.parametrize(
    ("name", "password"), [("asha", "wrong"), ("nobody", PASSWORD), ("ravi", ""), ("", "")]
)
def test_a_wrong_name_or_password_gets_nobody_in(stranger: FlaskClient, name: str, password: str) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "name": name, "password": password}
    answer = stranger.post("/login", data=form)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.get_data(as_text=True)
    assert stranger.get("/").status_code == 302


def guess(client: FlaskClient, address: str = "10.0.0.1", name: str = "asha", password: str = "wrong") -> int:  # noqa: S107
    """Try to log in from an address."""
    came = {"REMOTE_ADDR": address}
    form = {"csrf_token": token_of(client, "/login"), "name": name, "password": password}
    return client.post("/login", data=form, environ_base=came).status_code


def test_guessing_is_slowed_down(stranger: FlaskClient) -> None:
    assert [guess(stranger) for _ in range(7)] == [401] * 5 + [429] * 2
    form = {"csrf_token": token_of(stranger, "/login"), "name": "asha", "password": PASSWORD}
    answer = stranger.post("/login", data=form, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Too many tries." in answer.text
    assert f"Wait {answer.headers['Retry-After']} seconds, then try again." in answer.text


def test_many_addresses_guess_little_more_at_one_account(stranger: FlaskClient) -> None:
    for _first in range(3):
        assert {guess(stranger, f"10.0.0.{number}") for number in range(7)} == {401}
    codes = [guess(stranger, f"10.0.0.{number}") for number in range(7)]
    assert codes == [401] * 5 + [429] * 2


def test_one_address_guesses_no_more_at_many_accounts(stranger: FlaskClient) -> None:
    codes = [guess(stranger, name=f"somebody {number}") for number in range(7)]
    assert codes == [401] * 5 + [429] * 2
    assert guess(stranger, "10.0.0.2", password=PASSWORD) == 302


def test_who_guesses_locks_out_no_browser_that_was_in_before(app: Flask) -> None:
    hers, attacker = log_in(app.test_client()), app.test_client()
    hers.post("/logout", data={"csrf_token": token_of(hers, "/settings")})
    assert [guess(attacker) for _ in range(6)] == [401] * 5 + [429]
    assert (
        guess(app.test_client(), "10.0.0.1", password=PASSWORD) == 429
    )  # a new browser at the attacker's address
    assert guess(app.test_client(), "10.0.0.9", password=PASSWORD) == 302  # and one at its own
    assert guess(hers, password=PASSWORD) == 302  # behind the same address, and at the same account
    hers.post("/logout", data={"csrf_token": token_of(hers, "/settings")})
    assert [guess(hers) for _ in range(6)] == [401] * 5 + [429]  # but it guesses no longer than others


def test_a_browser_is_known_to_the_account_alone_that_it_was_in(app: Flask, store: Store) -> None:
    store.set_password_hash(2, hash_password(NEW))
    his = log_in(app.test_client(), "ravi", NEW)
    his.post("/logout", data={"csrf_token": token_of(his, "/settings")})
    assert [guess(app.test_client(), "10.0.0.8") for number in range(5)] == [401] * 5
    assert guess(his, "10.0.0.8") == 429
    his.set_cookie("known", "WzEsImFiYyJd.made-up", path="/login")
    assert guess(his, "10.0.0.8", password=PASSWORD) == 429


def test_nothing_changes_without_a_csrf_token(app: Flask, store: Store) -> None:
    client = log_in(app.test_client())
    before = store.user_by_name("asha")
    for form in ({}, {"csrf_token": "made up"}):
        answer = client.post("/password", data={"old": PASSWORD, "new": NEW, "again": NEW, **form})
        assert answer.status_code == 400 and "This page was open for too long." in answer.text
    assert store.user_by_name("asha") == before
    assert client.post("/logout").status_code == 400
    assert client.get("/").status_code == 200


def test_logging_out(app: Flask) -> None:
    client = log_in(app.test_client())
    assert client.post("/logout", data={"csrf_token": token_of(client, "/settings")}).status_code == 302
    assert client.get("/").status_code == 302


def test_a_link_works_once_and_leads_to_a_first_password(app: Flask, store: Store) -> None:
    client, link = app.test_client(), link_for(store, "ravi")
    assert client.get(link).status_code == 200  # a preview does not use it up
    assert client.get("/").status_code == 302
    form = {"csrf_token": token_of(client, link)}
    assert client.post(link, data=form).headers["Location"] == "/password"
    assert set_password(client, new=NEW, again=NEW) == 302
    assert client.get("/").status_code == 200
    other = app.test_client()
    again = other.post(link, data={"csrf_token": token_of(other, link)})
    assert again.status_code == 401
    assert other.get("/").status_code == 302
    log_in(app.test_client(), "ravi", NEW)


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("fieldbox")
    assert cookie
    return cookie.value


def test_a_link_that_is_sent_twice_lets_the_same_browser_in_as_its_answer_was_lost(
    app: Flask, store: Store
) -> None:
    client, link = app.test_client(), link_for(store, "ravi")
    form = {"csrf_token": token_of(client, link)}
    before = cookie_of(client)
    assert client.post(link, data=form).headers["Location"] == "/password"
    client.set_cookie("fieldbox", before)
    assert client.post(link, data=form).headers["Location"] == "/password"
    assert set_password(client, new=NEW, again=NEW) == 302
    client.set_cookie("fieldbox", before)
    assert client.post(link, data=form).status_code == 401  # the new password has made it void


def test_a_password_that_is_sent_twice_leads_home(app: Flask, store: Store) -> None:
    client, link = app.test_client(), link_for(store, "ravi")
    client.post(link, data={"csrf_token": token_of(client, link)})
    form = {"csrf_token": token_of(client, "/password"), "new": NEW, "again": NEW}
    before = cookie_of(client)
    assert client.post("/password", data=form).headers["Location"] == "/"
    client.set_cookie("fieldbox", before)
    assert client.post("/password", data=form).headers["Location"] == "/"
    assert "Your password is set." in client.get("/").get_data(as_text=True)


def test_another_password_from_a_session_that_is_over_leads_to_the_log_in(app: Flask, store: Store) -> None:
    client, link = app.test_client(), link_for(store, "ravi")
    client.post(link, data={"csrf_token": token_of(client, link)})
    form = {"csrf_token": token_of(client, "/password"), "new": NEW, "again": NEW}
    before = cookie_of(client)
    client.post("/password", data=form)
    client.set_cookie("fieldbox", before)
    other = {**form, "new": NEW + "!", "again": NEW + "!"}
    assert client.post("/password", data=other).headers["Location"].startswith("/login")
    assert client.get("/").status_code == 302
    log_in(app.test_client(), "ravi", NEW)


def test_an_answer_that_comes_after_a_new_password_puts_no_old_session_back(app: Flask, store: Store) -> None:
    @app.after_request
    def late(answer: Response) -> Response:
        if request.path == "/settings":
            user = store.user_by_name("asha")
            assert user
            session["page"] = "settings"
            store.end_sessions(user.id)  # what another request does meanwhile
        return answer

    client = log_in(app.test_client())
    assert client.get("/settings").headers.getlist("Set-Cookie") == []


def test_a_clock_that_is_put_back_after_the_log_in_logs_nobody_out(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, real = log_in(app.test_client()), time.time
    monkeypatch.setattr(time, "time", lambda: real() - 5)
    assert client.get("/settings").status_code == 200


def test_a_phone_whose_address_changes_gets_no_other_cookie(app: Flask) -> None:
    client = log_in(app.test_client())
    client.get("/")
    elsewhere = client.get("/offline", environ_base={"REMOTE_ADDR": "10.0.0.7"})
    assert elsewhere.headers.getlist("Set-Cookie") == []


def test_an_old_link_gets_nobody_in(app: Flask, store: Store) -> None:
    client, link = app.test_client(), link_for(store, "ravi", timedelta(seconds=-1))
    answer = client.post(link, data={"csrf_token": token_of(client, link)})
    assert answer.status_code == 401
    assert "too old" in answer.get_data(as_text=True)


def test_a_forgotten_password_is_replaced_through_a_link(app: Flask, store: Store) -> None:
    client, link = app.test_client(), link_for(store, "asha")
    client.post(link, data={"csrf_token": token_of(client, link)})
    assert 'name="old"' not in client.get("/password").get_data(as_text=True)
    assert set_password(client, new=NEW, again=NEW) == 302
    assert set_password(client, new=PASSWORD, again=PASSWORD) == 400  # the link's favour is used up


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", NEW, NEW),
        (PASSWORD, NEW, NEW + "!"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "x" * 201, "x" * 201),
    ],
)
def test_a_bad_new_password_changes_nothing(app: Flask, store: Store, old: str, new: str, again: str) -> None:
    client = log_in(app.test_client())
    before = store.user_by_name("asha")
    assert set_password(client, old=old, new=new, again=again) == 400
    assert store.user_by_name("asha") == before


def test_a_new_password_ends_all_other_sessions(app: Flask, store: Store) -> None:
    mine, other = log_in(app.test_client()), log_in(app.test_client())
    assert set_password(mine, old=PASSWORD, new=NEW, again=NEW) == 302
    assert mine.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert [entry.action for entry in store.audits()] == ["password changed", "logged in", "logged in"]


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(stranger: FlaskClient) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "name": "asha", "password": PASSWORD}
    cookie = stranger.post("/login", data=form).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_every_answer_is_closed_to_other_sites(stranger: FlaskClient) -> None:
    for page in ("/login", "/healthz", "/static/app.css", "/nothing", "/api/v1/flights"):
        headers = stranger.get(page).headers
        policy = headers["Content-Security-Policy"]
        assert (
            "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        )
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_language_is_the_readers_own(stranger: FlaskClient) -> None:
    assert 'lang="hi"' in stranger.get("/login", headers={"Accept-Language": "hi-IN,hi;q=0.9"}).get_data(
        as_text=True
    )
    form = {"csrf_token": token_of(stranger, "/login"), "language": "en", "next": "/login"}
    assert stranger.post("/language", data=form).headers["Location"] == "/login"
    assert '<html lang="en"' in stranger.get("/login", headers={"Accept-Language": "hi"}).get_data(
        as_text=True
    )
    assert stranger.post("/language", data={**form, "language": "../x"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "", None, "x"]
)
def test_a_login_never_leads_to_another_site(path: str | None) -> None:
    assert local_path(path) == "/"


def test_passwords_are_kept_as_argon2id() -> None:
    kept = hash_password(NEW)
    assert kept.startswith("$argon2id$") and NEW not in kept
    assert matches(kept, NEW)
    assert not any((matches(kept, PASSWORD), matches(None, NEW), matches("", ""), matches("damaged", NEW)))
    with pytest.raises(Rejected):
        hash_password("1234567")


def test_a_short_key_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        create_app(store, tmp_path, secret_key=b"short")


def test_a_long_name_that_is_not_there_is_not_kept(stranger: FlaskClient, app: Flask) -> None:
    form = {"csrf_token": token_of(stranger, "/login"), "name": "x" * 60_000, "password": "y"}
    assert stranger.post("/login", data=form).status_code == 401
    assert max(len(str(one)) for one in app.extensions[TRIES]._at) < 100


KEY_TEXT = "fbx_a-key-for-a-test-that-nobody-guesses"


def give_key(store: Store, *scopes: Right, name: str = "asha") -> dict[str, str]:
    """A key made by a person; the header that shows it."""
    user = store.user_by_name(name)
    assert user
    store.add_token(hashlib.sha256(KEY_TEXT.encode()).hexdigest(), "a test", user.id, scopes)
    return {"Authorization": f"Bearer {KEY_TEXT}"}


def test_a_program_comes_in_by_its_key_and_only_where_programs_may(
    stranger: FlaskClient, store: Store
) -> None:
    header = give_key(store, Right.READ)
    answer = stranger.get("/api/v1/fields", headers=header)
    assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
    basic = {"Authorization": "Basic " + base64.b64encode(f"anybody:{KEY_TEXT}".encode()).decode()}
    assert stranger.get("/api/v1/fields", headers=basic).status_code == 200
    assert stranger.get("/settings", headers=header).status_code == 401
    assert stranger.get("/api/v1/fields", headers={"Authorization": "Bearer fbx_other"}).status_code == 401
    [token] = store.tokens()
    assert token.last_used_at is not None
    assert store.revoke_token(token.id) and not store.revoke_token(token.id)
    assert stranger.get("/api/v1/fields", headers=header).status_code == 401


def test_a_key_by_basic_only_reads_as_browsers_send_it_with_forms_of_other_sites(
    stranger: FlaskClient, store: Store
) -> None:
    bearer = give_key(store, *Right)
    basic = {"Authorization": "Basic " + base64.b64encode(f"anybody:{KEY_TEXT}".encode()).decode()}
    form = {"data": b'{"name": "x", "role": "owner"}', "content_type": "application/json"}
    refused = stranger.post("/api/v1/people", headers=basic, **form)
    assert refused.status_code == 403 and refused.json is not None
    assert refused.json["code"] == "forbidden" and "bearer" in refused.json["error"]
    assert store.user_by_name("x") is None
    assert stranger.get("/api/v1/people", headers=basic).status_code == 200
    assert stranger.head("/api/v1/people", headers=basic).status_code == 200
    assert stranger.post("/api/v1/people", headers=bearer, **form).status_code == 201


@pytest.mark.parametrize(
    ("agent", "offered"),
    [
        ("Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", False),
        ("curl/8.5.0", True),
        ("GDAL/3.10.0", True),
    ],
)
def test_basic_is_offered_to_programs_and_opens_no_window_of_a_browser(
    stranger: FlaskClient, agent: str, offered: bool
) -> None:
    for path in ("/tiles/a/mosaic/1/2/3", "/api/v1/fields"):
        answer = stranger.get(path, headers={"User-Agent": agent})
        assert answer.status_code == 401
        assert ("Basic" in answer.headers["WWW-Authenticate"]) is offered
        assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_key_does_no_more_than_its_scopes_and_its_maker_may(stranger: FlaskClient, store: Store) -> None:
    header = give_key(store, Right.READ)
    answer = stranger.post("/api/v1/uploads", headers=header, json={})
    assert answer.status_code == 403
    assert answer.json is not None and answer.json["code"] == "forbidden"
    assert stranger.get("/api/v1/uploads", headers=header).status_code == 403


def test_cookies_are_for_tls_alone_where_the_page_came_over_tls(stranger: FlaskClient) -> None:
    assert "Secure" not in stranger.get("/login").headers["Set-Cookie"]
    assert "Secure" in stranger.get("/login", base_url="https://box.local").headers["Set-Cookie"]
