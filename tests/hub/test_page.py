"""The hub's page: everything of a box is a stranger's text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from fieldbox.domain import MessageKind
from fieldbox.errors import Unavailable
from fieldbox.hub.page import create_page, reasons, refusal
from fieldbox.hub.reading import Overview, overview
from fieldbox.hub.receiving import receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from fieldbox.wire.join import Hub
from tests.hub.boxes import NOW, Sender, summary
from tests.wire.bodies import ALERT, BOX

KEY = Ed25519PrivateKey.generate()
HUB = Hub("habcdefgh", "hub.example.org", 8883, KEY.public_key().public_bytes_raw(), "PEM")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HubStore]:
    with HubStore.open(tmp_path / "hub.db") as opened:
        yield opened


def page(store: HubStore, host: str = "127.0.0.1") -> FlaskClient:
    return create_page(HUB, partial(overview, store), host=host, language="en").test_client()


def test_an_empty_hub_has_a_page(store: HubStore) -> None:
    answer = page(store).get("/")
    assert answer.status_code == 200
    assert "No box has joined yet" in answer.text and HUB.fingerprint in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_what_boxes_say_is_shown_and_nothing_of_it_is_html(store: HubStore) -> None:
    box = Sender()
    store.add_box(box.known, NOW)
    body = json.dumps({**json.loads(summary(1)), "field": "F7", "name": SCRIPT})
    report = json.dumps({**BOX, "outbox": {**BOX["outbox"], "waiting": 4711}})
    sent = [
        box.message(body),
        box.message(json.dumps(ALERT), MessageKind.ALERT),
        box.message(report, MessageKind.BOX),
    ]
    receive(store, KEY, box.frame(*sent), how=Way.SMS, now=NOW)
    stranger = Sender()
    receive(store, KEY, stranger.frame(stranger.summary()), how=Way.MQTT, now=NOW)
    shown = page(store).get("/").text
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    for part in (
        box.id,
        "F7",
        "3.4",
        "61 (55–70)",
        "4711",
        "2026-06-01 08:00 UTC, sms",
        "no box of this hub",
    ):
        assert part in shown, part
    assert shown.index("Alerts") < shown.index("Boxes") < shown.index("Surveys")
    (survey,) = page(store).get("/surveys.json").json or ()
    assert survey["body"]["name"] == SCRIPT
    (told,) = page(store).get("/boxes.json").json or ()
    assert told["heard_over"] == "sms"


def test_reasons_are_in_words_and_one_that_is_not_known_is_shown_as_it_came() -> None:
    assert reasons(str, {"why": ["weeds", "frost"]}) == "clearly more weeds, frost"
    assert reasons(str, {}) == "–"
    assert refusal(str, "forged") == "not under the box's signature"
    assert refusal(str, "size") == "cannot be read (size)"


def test_a_hub_that_listens_here_alone_answers_to_no_other_name(store: HubStore) -> None:
    assert page(store).get("/", headers={"Host": "evil.example.org"}).status_code == 400
    assert page(store, "0.0.0.0").get("/", headers={"Host": "hub.example.org"}).status_code == 200  # noqa: S104


def test_a_store_that_is_away_is_a_sentence() -> None:
    def away() -> Overview:
        raise Unavailable("The hub's PostgreSQL does not do as asked ({why}).", why="down")

    answer = create_page(HUB, away, host="127.0.0.1", language="en").test_client().get("/")
    assert (answer.status_code, "does not do as asked" in answer.text) == (503, True)
