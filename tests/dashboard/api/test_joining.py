"""The hub, a text as a test, the test flight, languages and skipped plants, for programs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from fieldbox import i18n
from fieldbox.config import Config, load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.hub import home, joining
from fieldbox.hub.store import HubStore
from fieldbox.services.chosen import Choices
from fieldbox.services.examples import Examples
from fieldbox.services.hubdesk import HubDesk
from fieldbox.services.testflight import TestFlights
from tests.dashboard.api.asking import Program
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import SURVEY, DemoBox

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = "+919812345678"
PO = "text/x-gettext-translation"
LANGUAGE = """msgid ""
msgstr ""
"Language: gu\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Fields"
msgstr "ખેતરો"
"""


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Languages that are brought are forgotten after the test."""
    yield
    i18n._added.clear()
    i18n._catalogue.cache_clear()
    i18n._last_translator.cache_clear()


@pytest.fixture
def config(fresh: DemoBox) -> Config:
    return load_config({"FIELDBOX_STORAGE__ROOT": str(fresh.root), "FIELDBOX_SMS__NUMBERS": NUMBER})


@pytest.fixture
def joiner(fresh: DemoBox, key: dict[str, str], config: Config) -> Program:
    """A program on a box that can join a hub, text and make test flights."""
    beyond = Beyond(
        hub=HubDesk(config),
        examples=Examples(config, fresh.store),
        settings=Choices(config, fresh.store),
        test_flights=TestFlights(fresh.store),
    )
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=beyond)
    return Program(app, app.test_client(), key)


def test_a_hub_is_joined_by_the_fingerprint_that_was_compared_and_left(
    joiner: Program, fresh: DemoBox
) -> None:
    assert joiner.get("/api/v1/hub") == {"hub": None}
    asked = joiner.ask("GET", "/api/v1/hub/request")
    hub = home.found(fresh.root / "hub", host="hub.example", port=8883, sms=None, now=FOUNDED)
    with HubStore.open(fresh.root / "hub.db") as kept:
        _box, welcome = joining.enrol(hub, kept, asked.data, "Hill farm", FOUNDED)
    told = joiner.ask("POST", "/api/v1/hub/read", json={"welcome": welcome}).json
    assert told is not None and told["fingerprint"] == hub.told.fingerprint
    assert joiner.get("/api/v1/hub") == {"hub": None}, "reading changes nothing"
    other = joiner.ask("PUT", "/api/v1/hub", json={"welcome": welcome, "fingerprint": "another"})
    assert other.status_code == 422 and joiner.get("/api/v1/hub") == {"hub": None}
    body = {"welcome": welcome, "fingerprint": told["fingerprint"]}
    assert joiner.ask("PUT", "/api/v1/hub", json=body).status_code == 200
    assert joiner.get("/api/v1/hub")["hub"]["hub"] == told["hub"]
    assert joiner.ask("DELETE", "/api/v1/hub").status_code == 204
    assert joiner.get("/api/v1/hub") == {"hub": None}


def test_what_is_no_welcome_is_refused_in_a_sentence(joiner: Program) -> None:
    answer = joiner.ask("POST", "/api/v1/hub/read", json={"welcome": "my shopping list"})
    assert answer.status_code == 422 and "no welcome" in answer.json["error"]  # type: ignore[index]


def test_a_text_goes_as_a_test_to_numbers_that_are_texted_alone(joiner: Program) -> None:
    path = "/api/v1/settings/test-text"
    told = joiner.ask("POST", path, json={"number": NUMBER})
    assert told.status_code == 202 and told.json is not None and told.json["parts"] >= 1
    assert joiner.ask("POST", path, json={"number": "+919800000000"}).status_code == 422


def test_a_test_flight_is_asked_for_once(joiner: Program) -> None:
    path = "/api/v1/test-flight"
    assert joiner.get(path) == {"test_flight": None}
    assert joiner.ask("DELETE", path).status_code == 422
    asked = joiner.ask("POST", path)
    assert asked.status_code == 202 and asked.json["test_flight"]["state"] == "wished"  # type: ignore[index]
    assert joiner.ask("POST", path).status_code == 422
    assert joiner.get(path)["test_flight"]["flight"] is None


def test_a_box_without_these_says_that_they_are_not_there(program: Program) -> None:
    for path in ("hub", "hub/request", "test-flight"):
        program.get(f"/api/v1/{path}", 404)
    text = program.ask("POST", "/api/v1/settings/test-text", json={"number": NUMBER})
    assert text.status_code == 404


def test_a_language_is_added_and_its_reader_noted(program: Program, forgotten: None) -> None:
    template = program.ask("GET", "/api/v1/languages/fieldbox.pot")
    assert b'msgid "Fields"' in template.data
    added = program.ask("POST", "/api/v1/languages", data=LANGUAGE.encode(), headers={"Content-Type": PO})
    assert added.status_code == 201 and added.json is not None
    assert (added.json["code"], added.json["taken"], added.json["passed_over"]) == ("gu", 1, 0)
    [there] = [one for one in program.get("/api/v1/languages")["languages"] if one["code"] == "gu"]
    assert there["read_by"] is None
    read = program.ask("PUT", "/api/v1/languages/gu/reader", json={"who": "Meena"}).json
    assert read is not None and read["read_by"] == "Meena"
    assert read in program.get("/api/v1/languages")["languages"]
    assert program.ask("PUT", "/api/v1/languages/tlh/reader", json={"who": "Meena"}).status_code == 404


def test_what_is_no_translation_is_refused(program: Program) -> None:
    header = {"Content-Type": PO}
    assert program.ask("POST", "/api/v1/languages", data=b"\xff", headers=header).status_code == 422
    assert program.ask("POST", "/api/v1/languages", data=b"x").status_code == 415


def test_plants_that_were_skipped_are_asked_for_again(program: Program) -> None:
    path = f"/api/v1/review/plants?survey={SURVEY}"
    first = program.get(path)["plants"][0]["plant"]
    program.ask("POST", "/api/v1/review/skipped", json={"plant": first})
    assert first not in [one["plant"] for one in program.get(path)["plants"]]
    assert program.ask("DELETE", "/api/v1/review/skipped").json == {"plants": 1}


def test_verdicts_come_as_files(program: Program) -> None:
    asked = program.get(f"/api/v1/review/plants?survey={SURVEY}")["plants"]
    body = {"plant": asked[0]["plant"], "verdict": "right", "act": "an-act-of-tests"}
    program.ask("POST", "/api/v1/review/verdicts", json=body)
    table = program.ask("GET", "/api/v1/review/labels.csv").text.splitlines()
    assert table[0].startswith("survey,photo,") and len(table) == 2
    with zipfile.ZipFile(io.BytesIO(program.ask("GET", "/api/v1/review/labels.zip").data)) as archive:
        assert archive.testzip() is None


def test_a_flight_tells_where_its_photos_were_taken_and_what_would_go_with_it(
    program: Program, fresh: DemoBox
) -> None:
    path = f"/api/v1/flights/{fresh.flight_id}"
    photos = program.get(f"{path}/photos")["features"]
    assert photos and {one["properties"]["became"] for one in photos} <= {
        "used",
        "loose",
        "placed",
        "unplaced",
    }
    page = program.get(f"{path}/missed")["features"]
    assert {one["properties"]["ground"] for one in page} <= {"bare", "thin"}
    going = program.get(f"{path}/going")
    assert (going["flight"], going["captures"], going["surveys"]) == (fresh.flight_id, 3, [SURVEY])
    program.get(path)  # it is there still
    for part in ("photos", "missed", "going"):
        program.get(f"/api/v1/flights/none/{part}", 404)
