"""By which names the box answers."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.hosts import answers_to, call, host_of
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import DemoBox


@pytest.mark.parametrize(
    "header",
    [
        "192.168.4.1",
        "10.0.0.2:8080",
        "[fd00::1]",
        "[::1]:8080",
        "localhost:8080",
        "fieldbox.local",
        "BOX.LOCAL.:80",
    ],
)
def test_it_answers_to_addresses_and_names_of_the_network(header: str) -> None:
    assert answers_to(header, ())


@pytest.mark.parametrize(
    "header",
    [
        "evil.example",
        "evil.example:8080",
        "192.168.4.1.evil.example",
        "local",
        "notlocalhost",
        "localhost.evil.example",
        "fieldbox.local.evil.example",
        "x.local@evil.example",
        "evil.example#.local",
        "evil.example/.local",
        "evil.example?.local",
        "[::1",
        "localhost:port",
        "2130706433.example",
        "",
    ],
)
def test_it_does_not_answer_to_names_that_strangers_can_own(header: str) -> None:
    assert not answers_to(header, ("box.farm",))


def test_it_answers_to_names_in_its_settings() -> None:
    assert answers_to("Box.Farm:8080", ("box.farm",))
    assert not answers_to("other.farm", ("box.farm",))


def test_a_host_is_read_without_its_port() -> None:
    assert host_of("Box.local.:8080") == "box.local"
    assert host_of("[fd00::1]:80") == "fd00::1"
    assert host_of("a b") == "a b" or host_of("a b") is None


@pytest.mark.parametrize("path", ["/", "/login", "/healthz", "/static/app.css", "/nothing", "/api/v1/fields"])
def test_another_name_reads_nothing_not_even_that_this_is_a_box(stranger: FlaskClient, path: str) -> None:
    answer = stranger.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.mimetype == "text/plain" and "Set-Cookie" not in answer.headers
    assert "Content-Security-Policy" in answer.headers


def test_the_apps_own_names_are_answered(demo: DemoBox) -> None:
    app = create_app(demo.store, demo.root, secret_key=KEY)
    call(app, ["Box.farm"])
    client = app.test_client()
    assert client.get("/login", headers={"Host": "box.farm:8080"}).status_code == 200
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 421
