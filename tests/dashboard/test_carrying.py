"""What goes over the farm's Wi-Fi: compressed where that helps, once where it never changes."""

from __future__ import annotations

import gzip
import re

import pytest
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
