"""What holds for every page: headers, tokens, sizes, no text of a stranger as code, no connection to anywhere."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from types import FrameType

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape

from fieldbox.dashboard.app import create_app, find_web
from fieldbox.dashboard.guard import LARGEST, LARGEST_FORM, SECURITY_HEADERS
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.people import local_path
from fieldbox.dashboard.rights import OPEN, RIGHTS
from fieldbox.services.listening import LARGEST as LARGEST_OF_ALL
from tests.dashboard.conftest import KEY, PASSWORD, log_in, token_of
from tests.dashboard.demo_box import NASTY, DemoBox
from tests.dashboard.samples import OTHERS, SAMPLES, make_full_box, walk

READS = ("GET", "HEAD", "OPTIONS")
TEMPLATES = sorted((find_web() / "templates").rglob("*.html"))
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"'{]|javascript:|\|\s*safe\b|autoescape\s+false",
    re.I,
)
MORE = (
    "/diary?who=" + NASTY,
    "/diary?kind=other",
    "/login?next=/" + NASTY,
    "/people?" + NASTY,
    "/fields/1?survey=" + NASTY,
    "/" + NASTY,
    "/legend/" + NASTY,
    "/enter/" + NASTY,
    "/surveys/" + NASTY + "/quality",
)
"""Pages that tell what stands in their address."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    """A box with something nasty wherever somebody can write it."""
    made = make_full_box(tmp_path_factory.mktemp("safe"), password_hash)
    yield made
    made.store.close()


@pytest.fixture
def app(full: DemoBox) -> Flask:
    return create_app(full.store, full.root, secret_key=KEY)


def state_of(box: DemoBox) -> tuple[list[str], list[Path]]:
    """All that a box keeps."""
    with closing(sqlite3.connect(box.store.path)) as raw:
        rows = list(raw.iterdump())
    return rows, sorted(
        path for path in box.root.rglob("*") if path.is_file() and "fieldbox.db" not in path.name
    )


def test_without_a_token_nothing_changes(app: Flask, full: DemoBox, client: FlaskClient) -> None:
    before = state_of(full)
    for endpoint, method, path in walk(app):
        if method in READS:
            continue
        for more in ({}, {"headers": {"X-CSRFToken": "made up"}}, {"data": {"csrf_token": "made up"}}):
            answer = client.open(path, method=method, **more)  # type: ignore[arg-type]
            assert answer.status_code in (302, 400, 403), (method, path)
            assert answer.headers.get("Location", "/") == "/", (endpoint, path)
            assert "language=" not in str(answer.headers) and "theme=" not in str(answer.headers)
    assert state_of(full) == before
    assert client.get("/settings").status_code == 200  # logged in still


def test_every_answer_has_the_headers_that_browsers_hold_us_to(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    stranger = app.test_client()
    asked = [(method, path) for endpoint, method, path in walk(app) if endpoint != "people.leave"]
    asked += [("GET", "/nothing"), ("PUT", "/people"), ("POST", "/logout")]
    for method, path in asked:
        for visitor in (stranger, client):
            answer = visitor.open(path, method=method)
            assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path
            assert "Access-Control-Allow-Origin" not in answer.headers
    app.view_functions["home.part"] = lambda: 1 // 0
    answer = log_in(app.test_client()).get("/now")
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_the_policy_lets_no_page_run_what_stands_in_it() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    for must in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert must in policy
    assert SECURITY_HEADERS["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_script_or_style_in_it(template: Path) -> None:
    assert INLINE.search(template.read_text("utf-8")) is None


def test_the_search_for_script_in_templates_finds_it() -> None:
    for bad in ("<script>x", "<style>", "<p style=", '<p onclick="x"', "javascript:x", "{{ x|safe }}"):
        assert INLINE.search(bad), bad
    assert INLINE.search('<script src="{{ asset(1) }}" defer></script> <p class="lesson">') is None


def test_no_text_of_a_stranger_is_code(app: Flask, client: FlaskClient) -> None:
    token = token_of(client, "/settings")
    form = {"csrf_token": token, "name": NASTY, "role": NASTY, "scope": "read", "days": "0", "crop": NASTY}
    answers = [
        client.post(SAMPLES[name], data=form) for name in ("keys.make", "folk.add", "fields.name_crop")
    ]
    answers += [client.post("/login", data={**form, "next": NASTY, "password": "x"})]
    pages = [path for _endpoint, method, path in walk(app) if method == "GET"]
    answers += [client.get(path) for path in (*pages, *OTHERS, *MORE)]
    shown = 0
    for answer in answers:
        if answer.mimetype in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"):
            text = answer.get_data(as_text=True)
            assert NASTY not in text, answer.request.path
            assert "<script>alert" not in text, answer.request.path
            shown += str(escape(NASTY)) in text
    assert shown >= 10


def test_what_is_too_large_is_refused_everywhere(app: Flask, client: FlaskClient) -> None:
    for endpoint, method, path in walk(app):
        if method in READS:
            continue
        limit = LARGEST.get(endpoint, LARGEST_FORM)
        body = b"x=" + b"y" * (limit - 1)
        kind = "application/x-www-form-urlencoded"
        answer = client.open(path, method=method, data=body, content_type=kind)
        assert answer.status_code == 413, (method, path)
        assert "too large" in answer.get_data(as_text=True)
        if limit == LARGEST_FORM:
            answer = client.open(path, method=method, data=body[:-1], content_type=kind)
            assert answer.status_code in (302, 400, 403), (method, path)


def test_the_server_refuses_what_no_page_takes() -> None:
    assert max(*LARGEST.values(), LARGEST_FORM) <= LARGEST_OF_ALL


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "/\\/evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "evil.example",
        "@evil.example",
        "/%0d%0aLocation:%20https://evil.example",
        "/%2f%2fevil.example",
        "/%5cevil.example",
    ],
)
def test_nobody_is_sent_elsewhere(app: Flask, full: DemoBox, target: str) -> None:
    stranger = app.test_client()
    form = {"csrf_token": token_of(stranger, "/login"), "language": "en", "theme": "", "next": target}
    for path in ("/language", "/theme", "/login"):
        login = {"name": "asha", "password": PASSWORD} if path == "/login" else {}
        answer = stranger.post(path, data={**form, **login})
        where = answer.headers.get("Location", "/")
        # What is escaped in a path of ours stays so, and leads to a page that there is not.
        assert where == "/" or (where.startswith("/%") and where == target), where
    page = app.test_client().get("/login", query_string={"next": target}).text
    told = re.search(r'name="next" value="([^"]*)">\s*<label>Name', page)
    assert told and local_path(target) == unescape(told[1])


def test_cookies_are_closed_to_scripts_and_sites_and_over_tls_to_all_else(app: Flask) -> None:
    for secure in (False, True):
        client = app.test_client()
        base = f"http{'s' * secure}://box.local"
        page = client.get("/login", base_url=base).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        headers = {"Referer": f"{base}/login"}
        form = {"csrf_token": token[1], "name": "asha", "password": PASSWORD}
        answer = client.post("/login", data=form, base_url=base, headers=headers)
        cookies = answer.headers.getlist("Set-Cookie")
        assert {cookie.partition("=")[0] for cookie in cookies} == {"fieldbox", "known"}
        for cookie in cookies:
            assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
            assert ("Secure" in cookie) is secure


def test_who_is_not_known_takes_as_much_work_to_refuse_as_who_is(app: Flask, full: DemoBox) -> None:
    stranger = app.test_client()
    verified: list[str] = []

    def see(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and frame.f_code.co_name == "verify_secret":
            kept: bytes = frame.f_locals["hash"]
            verified.append(kept.decode().rsplit("$", 2)[0])

    full.store.add_user("nobody yet", "", "viewer")
    for name in ("asha", "who is that", "nobody yet", ""):
        token = token_of(stranger, "/login")
        sys.setprofile(see)
        try:
            answer = stranger.post(
                "/login", data={"csrf_token": token, "name": name, "password": "wrong words"}
            )
        finally:
            sys.setprofile(None)
        assert answer.status_code == 401
    # The same work four times: the same hash function with the same parameters.
    assert len(verified) == 4 and set(verified) == {hash_password("some long words").rsplit("$", 2)[0]}


def test_only_what_must_be_is_open_to_nobody() -> None:
    assert {endpoint for endpoint, right in RIGHTS.items() if right is OPEN} == {
        "static",
        "health",
        "face.choose_theme",
        "face.manifest",
        "face.offline",
        "face.worker",
        "people.sign_in",
        "people.check_in",
        "people.offer_entry",
        "people.enter",
        "people.choose_language",
        "people.choose_area_unit",
        "start.show",
        "start.give_code",
    }


NO_CONNECTION = """
import sys
from pathlib import Path

from fieldbox.config import load_config
from fieldbox.services.offering import Offering
from fieldbox.services.watching import Watch
from fieldbox.services.web import app_of, beyond_of
from fieldbox.storage.store import Store
from tests.dashboard.conftest import log_in
from tests.dashboard.samples import OTHERS, walk

seen = []

def no_connection(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"):
        if event.endswith(("connect", "bind", "sendto")) and isinstance(arguments[1], (str, bytes)):
            return  # a socket of this machine's own
        seen.append((event, arguments[1:]))
        raise PermissionError(f"{event} {arguments}")

root = Path(sys.argv[1])
config = load_config({"FIELDBOX_STORAGE__ROOT": str(root)})
with Store.open(root / "fieldbox.db") as store:
    offering = Offering(config, store)
    app = app_of(config, store, beyond_of(config, store, offering, Watch(config, store)))
    sys.addaudithook(no_connection)
    client = log_in(app.test_client())
    app.config["WTF_CSRF_ENABLED"] = False
    codes = []
    for endpoint, method, path in walk(app):
        if endpoint not in ("people.leave", "people.end_sessions"):
            codes.append(client.open(path, method=method).status_code)
    codes += [client.get(path).status_code for path in OTHERS]
    offering.close()
assert codes.count(200) > 60, codes
assert 500 not in codes, codes
assert seen == [], seen
import socket
try:
    socket.create_connection(("127.0.0.1", 9))
except PermissionError:
    print("held")
"""


def test_no_page_makes_a_connection(full: DemoBox) -> None:
    command = [sys.executable, "-c", NO_CONNECTION, str(full.root)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["held"]  # the hook does hold what would go out
