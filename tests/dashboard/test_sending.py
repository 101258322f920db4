"""What the pages say of messages: how far each has come, and every byte that leaves in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import fieldbox
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.sending import PARTS, SHOWN, parts_of
from fieldbox.domain import (
    LinkDoing,
    LinkState,
    Message,
    MessageKind,
    MessageState,
    NewText,
    Outgoing,
    SurveyVerdict,
)
from fieldbox.i18n import Sentence
from fieldbox.wire.ids import key_of
from tests.dashboard.conftest import KEY, log_in
from tests.dashboard.demo_box import NASTY, SURVEY, DemoBox, make_box

PACKAGE = Path(fieldbox.__file__).parent
BODY = json.dumps(
    {
        "v": 1,
        "id": "a",
        "field": "F1",
        "name": f"खेत {NASTY}",
        "weed_pct": [2.5, 1, 4],
        "health": None,
        "new": True,
    },
    ensure_ascii=False,
    separators=(",", ":"),
)


@pytest.fixture
def fresh(tmp_path: Path, password_hash: str) -> Iterator[DemoBox]:
    made = make_box(tmp_path / "box")
    made.store.add_user("asha", password_hash, "owner")
    yield made
    made.store.close()


@pytest.fixture
def reader(fresh: DemoBox) -> FlaskClient:
    return log_in(create_app(fresh.store, fresh.root, secret_key=KEY).test_client())


def newest(box: DemoBox) -> Message:
    return box.store.message_page(1)[0]


def test_a_message_is_followed_from_waiting_to_arrival(fresh: DemoBox, reader: FlaskClient) -> None:
    assert "1 message waits for a link." in reader.get("/sending").text
    waiting = newest(fresh)
    fresh.store.mark_sent([waiting.id], batch="ab" * 8, carrier="mqtt", size=321, now=datetime.now(UTC))
    page = reader.get(f"/sending/{waiting.id}").text
    assert "sent, not confirmed yet" in page
    assert "321 bytes have left" in page
    assert "(internet)" in page
    fresh.store.acknowledge(datetime.now(UTC), batches=["ab" * 8])
    assert "No message waits. 1 has arrived." in reader.get("/sending").text
    assert "The hub confirmed" in reader.get(f"/sending/{waiting.id}").text


def test_a_refused_message_says_why(fresh: DemoBox, reader: FlaskClient) -> None:
    told = newest(fresh)
    fresh.store.acknowledge(datetime.now(UTC), refused={told.id: "schema"})
    assert newest(fresh).state is MessageState.REFUSED
    assert "The hub cannot read it (schema)." in reader.get(f"/sending/{told.id}").text


def test_a_health_report_gives_way_to_the_next_and_is_of_no_survey(
    fresh: DemoBox, reader: FlaskClient
) -> None:
    first, _second = (
        fresh.store.send(Outgoing(MessageKind.BOX, "{}", key_of(one), subject="box")) for one in "ab"
    )
    page = reader.get(f"/sending/{first}").text
    assert "a newer one goes in its place" in page
    assert "of the same survey" not in page


def test_all_that_leaves_is_told_byte_by_byte(fresh: DemoBox, reader: FlaskClient) -> None:
    identity = fresh.store.send(Outgoing(MessageKind.SUMMARY, BODY, key_of("b")))
    page = unescape(reader.get(f"/sending/{identity}").text)
    parts = parts_of_page(reader, BODY)
    assert sum(parts) + 1 == len(BODY.encode())  # two braces, one comma fewer than parts
    assert BODY in page
    assert "name of the field, because the owner allows it" in page
    assert NASTY not in reader.get(f"/sending/{identity}").text
    assert "not known" in page


def parts_of_page(reader: FlaskClient, body: str) -> list[int]:
    with reader.application.test_request_context():
        return [part.bytes for part in parts_of(body)]


def test_every_part_of_every_published_message_has_words() -> None:
    published = [json.loads(path.read_text()) for path in PACKAGE.glob("*/*-v1.schema.json")]
    assert {one["$id"].split(":")[2] for one in published} == {kind.value for kind in MessageKind}
    assert {name for one in published for name in one["properties"]} <= set(PARTS)


def test_how_the_link_stands(fresh: DemoBox, reader: FlaskClient) -> None:
    assert "the sending process has not run" in reader.get("/sending").text
    now = datetime.now(UTC)
    fresh.store.keep_link_state(
        LinkState(
            now,
            LinkDoing.WAITING,
            Sentence("There is no link."),
            notes=(Sentence("The budget of the modem is used up."),),
            used={"modem": 1_250_000},
            allowed={"modem": 20_000_000},
        )
    )
    page = unescape(reader.get("/sending").text)
    for told in (
        "There is no link.",
        "has not been reached yet",
        "budget of the modem",
        "1.25",
        "of 20 MB this month",
    ):
        assert told in page


def test_texts_about_a_message_are_told_without_their_numbers(fresh: DemoBox, reader: FlaskClient) -> None:
    told = newest(fresh)
    assert fresh.store.write_text(NewText("+911234567890", "FB F1", "key", message_id=told.id))
    page = unescape(reader.get(f"/sending/{told.id}").text)
    assert "…890" in page
    assert "1234567" not in page


def test_what_people_on_the_ground_say_stands_by_the_summary(fresh: DemoBox, reader: FlaskClient) -> None:
    told = newest(fresh)
    assert fresh.store.give_verdict(SURVEY, SurveyVerdict.RIGHT, way="sms", who="+911234567890")
    assert fresh.store.give_verdict(SURVEY, SurveyVerdict.WRONG, way="dashboard", who="asha")
    page = unescape(reader.get(f"/sending/{told.id}").text)
    assert "Right, says …890 by SMS" in page
    assert "Wrong, says asha on the dashboard" in page
    assert "1234567" not in page


def test_older_messages_are_a_page_away(fresh: DemoBox, reader: FlaskClient) -> None:
    for number in range(SHOWN):
        fresh.store.send(Outgoing(MessageKind.ALERT, '{"field":"F1"}', key_of(str(number))))
    first = reader.get("/sending").text
    assert first.count('href="/sending/') == SHOWN
    oldest = fresh.store.message_page(SHOWN)[-1].id
    assert f"before={oldest}" in first
    assert reader.get(f"/sending?before={oldest}").text.count("/sending/") == 1
    assert len(reader.get(f"/api/v1/messages?before={oldest}").json["messages"]) == 1  # type: ignore[index]


def test_what_is_not_there_is_not_found(reader: FlaskClient) -> None:
    assert reader.get("/sending/none").status_code == 404
    assert "Nothing has been written" in reader.get("/sending?before=0").text
