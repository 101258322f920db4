"""What somebody may take of the server before it is known who they are: asked of a real one, over sockets."""

from __future__ import annotations

import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from flask import Flask
from waitress import wasyncore

from fieldbox.dashboard import guard
from fieldbox.dashboard.admitting import largest_body
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond, Intake
from fieldbox.domain import Role
from fieldbox.ingest.uploads import Uploads
from fieldbox.services import connections
from fieldbox.services.connections import ANYBODY, OF_ONE, Channel
from fieldbox.services.listening import listening
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY, PASSWORD, log_in

MB = 1 << 20


class Door:
    """A dashboard that answers, and what its server holds."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.server = listening(
            app,
            "127.0.0.1",
            0,
            threads=4,
            ident="fieldbox",
            taken="{host}{port}{why}",
            largest=largest_body(app),
        )
        self.at = ("127.0.0.1", int(self.server.effective_port))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def connect(self, seconds: float = 20) -> socket.socket:
        return socket.create_connection(self.at, timeout=seconds)

    def channels(self) -> list[Channel]:
        return list(self.server.active_channels.values())

    def close(self) -> None:
        self.server.task_dispatcher.shutdown()
        sockets = self.server._map
        with suppress(OSError):  # it was awake, did so at once, and what wakes it is closed
            self.server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets, ignore_all=True))
        self.thread.join(20)


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def app(tmp_path: Path, password_hash: str) -> Iterator[Flask]:
    with Store.open(tmp_path / "fieldbox.db") as store:
        store.add_user("asha", password_hash, Role.OWNER)
        store.add_user("vera", password_hash, Role.VIEWER)
        intake = Intake(Uploads(tmp_path / "uploads", reserve_bytes=0), lambda: None)
        yield create_app(store, tmp_path, secret_key=KEY, beyond=Beyond(intake=intake))


@pytest.fixture
def door(app: Flask) -> Iterator[Door]:
    with closing(Door(app)) as made:
        yield made


def head(line: str, length: int | None = None, **more: str) -> bytes:
    told = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in more.items()}}
    if length is not None:
        told["Content-Length"] = str(length)
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode()


def answer(there: socket.socket) -> str:
    """The head of an answer, and what came with it; empty: the connection was closed."""
    got = b""
    try:
        while b"\r\n\r\n" not in got and (more := there.recv(65536)):
            got += more
    except ConnectionResetError:
        pass
    return got.decode()


def status(there: socket.socket) -> int:
    told = answer(there)
    return int(told.split()[1]) if told else 0


def cookie_of(app: Flask, name: str = "asha") -> str:
    client = log_in(app.test_client(), name, PASSWORD)
    found = client.get_cookie("fieldbox")
    assert found
    return f"fieldbox={found.value}"


MESSAGES = "POST /api/v1/messages/unpack"
PART = "PATCH /api/v1/uploads/0123456789abcdef01234567/files/0"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the server would keep what is long."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_what_anybody_may_send_is_a_form() -> None:
    assert ANYBODY == guard.LARGEST_FORM


def test_who_is_not_logged_in_is_answered_before_the_body_is_read(door: Door) -> None:
    for line in (PART, MESSAGES):
        with door.connect() as there:
            there.sendall(head(line, 3 * MB))  # and no byte of it
            assert status(there) == 401


def test_pages_that_all_may_use_refuse_in_their_own_words_before_the_body_is_read(door: Door) -> None:
    with door.connect() as there:
        there.sendall(head("POST /login", MB, Content_Type="application/x-www-form-urlencoded"))
        told = answer(there)
        assert " 413 " in told.splitlines()[0] and "Content-Security-Policy" in told


def test_nobody_is_told_to_go_on_with_what_is_refused(door: Door) -> None:
    with door.connect() as there:
        there.sendall(head(PART, 3 * MB, Expect="100-continue"))
        assert status(there) == 401


@pytest.mark.parametrize("made_up", ["fieldbox=made.up.here", "fieldbox=", "known=x"])
def test_a_cookie_that_the_box_did_not_sign_opens_nothing(door: Door, made_up: str) -> None:
    with door.connect() as there:
        there.sendall(head(PART, 3 * MB, Cookie=made_up))
        assert status(there) == 401


def test_a_session_that_was_ended_opens_nothing(door: Door, app: Flask) -> None:
    cookie = cookie_of(app)
    store = app.extensions["fieldbox"].store
    store.end_sessions(store.user_by_name("asha").id)
    with door.connect() as there:
        there.sendall(head(PART, 3 * MB, Cookie=cookie))
        assert status(there) == 401


def test_who_may_not_send_photos_is_refused_before_the_body_is_read(door: Door, app: Flask) -> None:
    with door.connect() as there:
        there.sendall(head(PART, 3 * MB, Cookie=cookie_of(app, "vera")))
        assert status(there) == 403


def test_who_is_logged_in_sends_parts_and_no_more_than_a_part(door: Door, app: Flask) -> None:
    cookie = cookie_of(app)
    with door.connect() as there:
        there.sendall(head(PART, 3 * MB, Cookie=cookie))
        there.settimeout(1)
        with pytest.raises(TimeoutError):
            there.recv(1)  # it waits for the body
        there.settimeout(20)
        there.sendall(b"x" * 3 * MB)
        assert status(there) == 403  # no CSRF token: the page had it all
    with door.connect() as there:
        there.sendall(head(PART, 5 * MB, Cookie=cookie))
        assert status(there) == 413


def test_of_what_is_refused_nothing_is_kept_and_the_answer_comes_though_all_of_it_was_sent(
    door: Door, kept: Path
) -> None:
    with door.connect() as there:
        there.sendall(head(PART, 3 * MB))
        there.sendall(b"x" * 3 * MB)  # as a browser does, which reads no answer before
        assert status(there) == 401
        assert there.recv(65536) is not None
        assert list(kept.iterdir()) == []


def test_a_body_of_unknown_length_is_cut_off_at_a_form(door: Door, kept: Path) -> None:
    with door.connect() as there:
        there.sendall(head(PART, Transfer_Encoding="chunked"))
        sent = 0
        with pytest.raises(ConnectionError):
            while sent < 50 * MB:
                there.sendall(b"2000\r\n" + b"x" * 8192 + b"\r\n")
                sent += 8192
        assert list(kept.iterdir()) == []


def test_a_head_without_end_is_refused(door: Door) -> None:
    with door.connect() as there:
        there.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 40_000)
        assert status(there) == 431


def test_two_hundred_idle_connections_stop_no_page(door: Door) -> None:
    with ExitStack() as held:
        for _ in range(200):
            held.enter_context(door.connect())
        with door.connect() as there:
            there.sendall(head("GET /healthz"))
            assert status(there) == 200
        assert len(door.channels()) <= OF_ONE + 3


def test_two_hundred_requests_that_never_end_stop_no_page(door: Door) -> None:
    with ExitStack() as held:
        for number in range(200):
            there = held.enter_context(door.connect())
            there.sendall(head("POST /login", 60_000) + b"x" if number % 2 else b"GET / HTTP/1.1\r\nHost: ")
        with door.connect() as there:
            there.sendall(head("GET /healthz"))
            assert status(there) == 200


def test_others_make_no_room_for_an_address_that_takes_too_many(door: Door) -> None:
    with ExitStack() as held:
        other = held.enter_context(socket.create_connection(door.at, 20, ("127.0.0.2", 0)))
        for _ in range(2 * OF_ONE):
            held.enter_context(door.connect())
        other.sendall(head("GET /healthz"))
        assert status(other) == 200


def test_where_all_are_taken_the_address_with_most_makes_room(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 20)
    with ExitStack() as held:
        few = [held.enter_context(socket.create_connection(door.at, 20, ("127.0.0.2", 0))) for _ in range(3)]
        for _ in range(40):
            held.enter_context(door.connect())
        new = held.enter_context(socket.create_connection(door.at, 20, ("127.0.0.3", 0)))
        for one in (*few, new):
            one.sendall(head("GET /healthz"))
            assert status(one) == 200


def test_who_sends_a_request_by_drops_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 1.0)
    monkeypatch.setattr(connections, "BODY_S", 1.0)
    monkeypatch.setattr(connections, "SLOWEST", 1 << 20)
    for start in (b"GET / HTTP/1.1\r\nX: ", head("POST /login", 60_000)):
        with door.connect() as there:
            there.sendall(start)
            ends = time.monotonic() + 20
            with pytest.raises(ConnectionError):
                while time.monotonic() < ends:
                    there.sendall(b"x")
                    time.sleep(0.1)


def test_who_takes_no_answer_holds_no_thread(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connections, "STUCK_S", 1.0)
    much = app.view_functions["health"] = lambda: (b"x" * MB for _ in range(64))  # type: ignore[assignment]
    assert much
    with closing(Door(app)) as door, ExitStack() as held:
        for _ in range(4):  # as many as there are threads
            there = held.enter_context(door.connect())
            there.sendall(head("GET /healthz"))
            assert there.recv(100)  # and no more
        with door.connect() as there:
            there.sendall(head("GET /login"))
            assert re.match(r"HTTP/1.1 (200|302) ", answer(there))
