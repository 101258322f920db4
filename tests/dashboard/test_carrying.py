"""What goes over the farm's Wi-Fi: compressed where that helps, once where it never changes."""

from __future__ import annotations

import gzip
import re
import socket
import threading
from contextlib import closing
from functools import partial

import pytest
import waitress
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard.app import find_web
from tests.dashboard.demo_box import SURVEY, DemoBox

GZIP = {"Accept-Encoding": "gzip, deflate"}
STATIC = find_web() / "static"


@pytest.mark.parametrize("page", ["/", "/settings", f"/api/v1/surveys/{SURVEY}/weeds", "/nothing"])
def test_text_goes_compressed_to_those_that_take_it(client: FlaskClient, page: str) -> None:
    answer = client.get(page, headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content_length == len(answer.data) < len(gzip.decompress(answer.data))
    assert "Accept-Encoding" in answer.vary
    assert "Content-Encoding" not in client.get(page).headers


def test_pages_are_never_kept(client: FlaskClient) -> None:
    assert client.get("/", headers=GZIP).headers["Cache-Control"] == "no-store"


def test_what_is_small_or_compressed_already_goes_as_it_is(client: FlaskClient, demo: DemoBox) -> None:
    pages = ("/healthz", f"/photo/{demo.photo}", "/static/vendor/noto-sans-indic-1/tamil-bold.woff2")
    for page in pages:
        answer = client.get(page, headers=GZIP)
        assert answer.status_code == 200 and "Content-Encoding" not in answer.headers, page


def test_a_static_file_is_the_same_either_way(client: FlaskClient) -> None:
    plain = client.get("/static/app.css")
    small = client.get("/static/app.css", headers=GZIP)
    assert plain.data == gzip.decompress(small.data) == (STATIC / "app.css").read_bytes()
    assert len(small.data) < len(plain.data) / 3


@pytest.mark.parametrize("headers", [GZIP, {}])
def test_a_static_file_that_the_browser_has_is_not_sent_again(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    first = client.get("/static/app.js", headers=headers)
    again = client.get("/static/app.js", headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.data == b""


def test_a_part_of_a_file_goes_as_it_is(client: FlaskClient) -> None:
    answer = client.get("/static/app.css", headers={**GZIP, "Range": "bytes=0-9"})
    assert answer.status_code == 206
    assert answer.data == (STATIC / "app.css").read_bytes()[:10]


def test_files_with_their_print_in_the_address_are_kept_for_good(client: FlaskClient) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"#]+)', client.get("/").text)
    assert len(addresses) >= 5
    for address in addresses:
        assert "immutable" in client.get(address).headers["Cache-Control"], address
    assert (
        "immutable"
        in client.get("/static/vendor/noto-sans-indic-1/tamil-bold.woff2").headers["Cache-Control"]
    )
    assert "immutable" not in client.get("/static/app.css").headers["Cache-Control"]


def test_what_is_not_there_is_not_kept_for_good(client: FlaskClient) -> None:
    answer = client.get("/static/gone.css?v=1")
    assert answer.status_code == 404 and "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static//etc/passwd",
        "/static/../templates/base.html",
        "/static/no-such-file.css",
    ],
)
def test_nothing_outside_of_the_static_files_is_ever_sent(app: Flask, path: str) -> None:
    """Over a real line: clients of tests and browsers tidy such paths up before they send them."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=1)
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    with closing(server), socket.create_connection(("127.0.0.1", server.effective_port), timeout=60) as line:
        words = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
        line.sendall(words.encode())
        answer = b"".join(iter(partial(line.recv, 65536), b""))
    head, _blank, body = answer.partition(b"\r\n\r\n")
    assert b" 404 " in head.splitlines()[0] or b" 302 " in head.splitlines()[0]
    plain = gzip.decompress(body) if b"Content-Encoding: gzip" in head else body
    assert b"root:" not in plain and b"{% block" not in plain
