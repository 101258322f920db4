"""A new box is set up with a phone: the code, one question a page, safe to leave and come back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from fieldbox.config import Config, load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.deeds.starting import STEPS
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import CODE_LENGTH, CODE_LETTERS, Flying, Role, TestFlight
from fieldbox.errors import Rejected
from fieldbox.services import accounts, starting, testflight
from fieldbox.services.chosen import Choices, settled
from fieldbox.services.examples import Examples
from fieldbox.services.hubdesk import HubDesk
from fieldbox.services.testflight import TestFlights, keep
from fieldbox.storage.store import Store, utc_now
from tests.dashboard.conftest import KEY, log_in
from tests.storage.samples import add_flight

PASSWORD = "three wet geese"  # noqa: S105 - of a throw-away box


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.database) as opened:
        yield opened


@pytest.fixture
def code(config: Config, store: Store) -> str:
    return starting.setup_code(config)


@pytest.fixture
def app(config: Config, store: Store) -> Flask:
    beyond = Beyond(
        settings=Choices(config, store),
        examples=Examples(config, store),
        hub=HubDesk(config),
        test_flights=TestFlights(store),
    )
    return create_app(store, config.storage.root, secret_key=KEY, beyond=beyond)


@pytest.fixture
def phone(app: Flask) -> FlaskClient:
    return app.test_client()


def token_of(phone: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', phone.get(path).get_data(as_text=True))
    assert found
    return found[1]


def give(phone: FlaskClient, code: str) -> tuple[int, str]:
    """Type a code; where that leads to, or what the page says of it."""
    answer = phone.post("/start", data={"csrf_token": token_of(phone, "/start"), "code": code})
    text = answer.get_data(as_text=True)
    said = re.search(r'id="code-wrong" role="alert">([^<]+)<', text)
    return answer.status_code, said[1] if said else answer.location


def answer(phone: FlaskClient, step: str, **told: str) -> tuple[int, str]:
    """Answer a question; where that leads to, or the page."""
    form = {"csrf_token": token_of(phone, f"/start/{step}")}
    form |= {name.replace("__", "."): value for name, value in told.items()}
    came = phone.post(f"/start/{step}", data=form)
    return came.status_code, came.location or came.get_data(as_text=True)


def become(phone: FlaskClient, name: str = "Asha") -> None:
    assert answer(phone, "you", name=name, new=PASSWORD, again=PASSWORD) == (302, "/start/texts")


@pytest.mark.parametrize("path", ["/", "/login", "/settings", "/flights/x"])
def test_every_page_of_a_new_box_leads_to_the_set_up(phone: FlaskClient, path: str) -> None:
    came = phone.get(path)
    assert (came.status_code, came.location) == (302, "/start")
    assert "This box is new" in phone.get("/start").get_data(as_text=True)


def test_programs_are_told_to_log_in_and_are_led_nowhere(phone: FlaskClient) -> None:
    assert phone.get("/api/fields").status_code == 401


def test_the_code_lets_in_however_it_is_typed(phone: FlaskClient, code: str, store: Store) -> None:
    assert re.fullmatch(r"[2-9A-HJKMNP-TV-Z]{4}(-[2-9A-HJKMNP-TV-Z]{4}){2}", code)
    assert code.replace("-", "") not in (store.setting("setup.code") or ""), "its hash alone is kept"
    assert give(phone, f" {code.lower().replace('-', ' ')} ") == (302, "/start")
    assert phone.get("/start").location == "/start/language"
    assert phone.get("/").location == "/start", "there is no password yet"


def test_a_wrong_code_says_what_a_code_is_and_where_it_stands(phone: FlaskClient, code: str) -> None:
    other = "2" if code[0] != "2" else "3"
    status, said = give(phone, other + code[1:])
    assert (status, "not the code of this box" in said, "label" in said) == (401, True, True)
    status, said = give(phone, "O0O0-1111-1111")
    assert (status, "are not among them" in said) == (400, True)
    assert phone.get("/start/language").location == "/start"


def test_a_box_that_made_no_code_lets_nobody_in(phone: FlaskClient) -> None:
    assert give(phone, "ABCD-EFGH-JKMN")[0] == 401


def guess(app: Flask, address: str) -> int:
    phone = app.test_client()
    form = {"csrf_token": token_of(phone, "/start"), "code": "2222-2222-2222"}
    return phone.post("/start", data=form, environ_base={"REMOTE_ADDR": address}).status_code


def test_who_guesses_codes_keeps_out_nobody_who_has_the_right_one(app: Flask, code: str) -> None:
    guessed = [guess(app, f"192.168.0.{number % 250 + 2}") for number in range(300)]
    assert set(guessed) == {401}
    assert [guess(app, "127.0.0.1") for _ in range(30)] == [401] * 30, "the owner's own address"
    assert give(app.test_client(), code) == (302, "/start")


def test_a_year_of_guessing_a_thousand_codes_a_second_finds_none() -> None:
    a_day = 1000 * 24 * 3600 / len(CODE_LETTERS) ** CODE_LENGTH
    assert a_day == pytest.approx(1.6e-10, rel=0.05)
    assert 365 * a_day < 1e-7


def test_the_first_person_chooses_a_name_and_a_password_and_is_the_owner(
    phone: FlaskClient, code: str, store: Store, app: Flask
) -> None:
    give(phone, code)
    become(phone, " Asha  Patil ")
    (user,) = store.users()
    assert (user.name, user.role, bool(user.password_hash)) == ("Asha Patil", Role.OWNER, True)
    assert phone.get("/start").location == "/start/language", "the session goes on"
    log_in(app.test_client(), "Asha Patil", PASSWORD)


def test_a_code_is_void_once_there_is_a_password(
    phone: FlaskClient, code: str, app: Flask, config: Config
) -> None:
    give(phone, code)
    become(phone)
    other = app.test_client()
    assert "This box is set up already" in other.get("/start").get_data(as_text=True)
    form = {"csrf_token": token_of(other, "/start"), "code": code}
    assert "This box is set up already" in other.post("/start", data=form).get_data(as_text=True)
    assert other.get("/start/language").location.startswith("/login")
    with pytest.raises(Rejected, match="set up already"):
        starting.setup_code(config)


@pytest.mark.parametrize(
    ("told", "place", "said"),
    [
        ({"name": "", "new": PASSWORD, "again": PASSWORD}, "name", "A name has 1 to"),
        ({"name": "Asha", "new": "short", "again": "short"}, "new", "must have 8 to 200"),
        ({"name": "Asha", "new": "password", "again": "password"}, "new", "one of the first"),
        ({"name": "Asha", "new": PASSWORD, "again": "three"}, "again", "The two passwords differ."),
    ],
)
def test_what_is_wrong_about_oneself_is_told_at_its_place(
    phone: FlaskClient, code: str, store: Store, told: dict[str, str], place: str, said: str
) -> None:
    give(phone, code)
    status, text = answer(phone, "you", **told)
    found = re.search(rf'id="{place}-wrong" role="alert">([^<]+)<', text)
    assert status == 400 and found and said in found[1]
    assert f'name="name" value="{told["name"]}"' in text
    assert PASSWORD not in text and not store.users()[0].password_hash


def test_nobody_goes_on_without_a_password_to_what_is_not_the_set_up(phone: FlaskClient, code: str) -> None:
    give(phone, code)
    assert 'name="later"' not in phone.get("/start/you").get_data(as_text=True)
    assert answer(phone, "you", later="1")[0] == 400
    for path in ("/", "/settings", "/settings/texts", "/people"):
        assert phone.get(path).location == "/start"


def test_all_questions_are_answered_in_their_order(
    phone: FlaskClient, code: str, config: Config, store: Store
) -> None:
    give(phone, code)
    assert answer(phone, "language", locale__language="hi", locale__area_unit="acre") == (302, "/start/farm")
    assert '<html lang="hi"' in phone.get("/start/farm").get_data(as_text=True)
    phone.set_cookie("language", "en")
    assert answer(phone, "farm", box__name="Hill farm") == (302, "/start/you")
    become(phone)
    texts = {
        "sms__numbers": "+919812345678",
        "sms__send": "alerts",
        "sms__language": "mr",
        "sms__script": "latin",
    }
    assert answer(phone, "texts", **texts) == (302, "/start/hub")
    assert answer(phone, "hub") == (302, "/start/leaving")
    assert answer(phone, "leaving", summary__share_name="1") == (302, "/start/flight")
    assert answer(phone, "flight") == (302, "/start/ready")
    now = settled(config, store)
    assert (now.locale.language, now.locale.area_unit, now.box.name) == ("hi", "acre", "Hill farm")
    assert (now.sms.send, now.sms.language, now.sms.script) == ("alerts", "mr", "latin")
    assert (now.summary.share_name, now.summary.share_position) == (True, False)
    ready = phone.get("/start/ready").get_data(as_text=True)
    assert "The box is set up." in ready and "Left for later" not in ready
    assert phone.get("/").status_code == 200
    assert "not set up yet" not in phone.get("/").get_data(as_text=True)


def test_a_question_left_for_later_is_found_at_the_end_and_changes_nothing(
    phone: FlaskClient, code: str, config: Config, store: Store
) -> None:
    give(phone, code)
    for step in STEPS:
        if step == "you":
            become(phone)
        else:
            assert answer(phone, step, later="1")[0] == 302
    ready = phone.get("/start/ready").get_data(as_text=True)
    assert 'href="/start/texts"' in ready and 'href="/start/you"' not in ready
    assert settled(config, store) == config


def test_the_set_up_goes_on_where_it_was_left_on_another_phone_too(
    phone: FlaskClient, code: str, app: Flask
) -> None:
    give(phone, code)
    answer(phone, "language", later="1")
    other = app.test_client()
    give(other, code)  # the power went before there was a password
    assert other.get("/start").location == "/start/farm"
    answer(other, "farm", later="1")
    become(other)
    third = log_in(app.test_client(), "Asha", PASSWORD)
    assert "not set up yet" in third.get("/").get_data(as_text=True)
    assert third.get("/start").location == "/start/texts"


def test_the_link_of_a_new_box_leads_into_the_set_up_and_later_ones_to_the_password(
    app: Flask, store: Store
) -> None:
    def follow(name: str) -> str:
        phone = app.test_client()
        path = f"/enter/{accounts.new_token(store, name)}"
        return phone.post(path, data={"csrf_token": token_of(phone, path)}).location

    assert follow("owner") == "/start"
    user = store.user_by_name("owner")
    assert user
    store.set_password_hash(user.id, "x")
    assert follow("owner") == "/password"
    assert follow("ravi") == "/password"


def test_a_number_without_its_country_is_told_and_kept(phone: FlaskClient, code: str) -> None:
    give(phone, code)
    status, text = answer(phone, "texts", sms__numbers="9812345678", sms__send="alerts")
    assert status == 400
    assert "Write the number of the country before it: +919812345678 for India." in text
    assert 'value="9812345678"' in text


def test_a_file_that_is_no_welcome_is_told(phone: FlaskClient, code: str) -> None:
    give(phone, code)
    become(phone)
    form = {"csrf_token": token_of(phone, "/start/hub"), "welcome": (io.BytesIO(b"a photo"), "a.jpg")}
    came = phone.post("/start/hub/welcome", data=form)
    assert came.status_code == 400
    assert "This is no welcome that can be used" in came.get_data(as_text=True)


def test_the_test_flight_is_wished_once_and_told_as_it_goes(
    phone: FlaskClient, code: str, store: Store
) -> None:
    give(phone, code)
    form = {"csrf_token": token_of(phone, "/start/flight")}

    def shown() -> str:
        return phone.get("/start/flight/now").get_data(as_text=True)

    assert "data-busy" not in shown()
    assert phone.post("/start/flight/fly", data=form).location == "/start/flight"
    assert "It begins in a moment." in shown() and "data-busy" in shown()
    phone.post("/start/flight/fly", data=form)
    assert "under way already" in phone.get("/start/flight").get_data(as_text=True)
    keep(store, TestFlight(Flying.FLYING, utc_now(), 3, 12))
    assert "3 / 12" in shown()
    failed = Rejected("The test flight takes more memory than the box allows.")
    keep(store, TestFlight(Flying.FAILED, utc_now(), reason=failed.sentence))
    assert "takes more memory" in shown() and ">Fly<" in shown()


def test_a_test_flight_goes_with_one_tap_and_its_field_with_it(
    phone: FlaskClient, code: str, store: Store
) -> None:
    give(phone, code)
    flight = add_flight(store)
    other = add_flight(store, "another", first=11)
    keep(store, TestFlight(Flying.BROUGHT, utc_now(), flight_id=flight.id))
    form = {"csrf_token": token_of(phone, "/start/flight")}
    assert phone.post("/start/flight/forget", data=form).location == "/start/flight"
    assert "The test flight is deleted." in phone.get("/start/flight").get_data(as_text=True)
    assert store.flight(flight.id) is None
    assert [one.id for one in store.fields()] == [other.field_id]
    phone.post("/start/flight/forget", data=form)
    assert "There is no test flight on the box." in phone.get("/start/flight").get_data(as_text=True)


def test_texts_are_suggested_as_alerts_in_the_language_of_the_page(phone: FlaskClient, code: str) -> None:
    give(phone, code)
    phone.set_cookie("language", "hi")
    text = phone.get("/start/texts").get_data(as_text=True)
    assert '<option value="alerts" selected>' in text and '<option value="hi" selected>' in text


@pytest.mark.parametrize(
    ("language", "unit"),
    [("en", "ha"), ("hi", "acre"), ("kn", "acre"), ("mr", "acre"), ("ta", "acre"), ("te", "acre")],
)
def test_the_unit_that_is_usual_in_the_language_is_suggested(
    phone: FlaskClient, code: str, language: str, unit: str
) -> None:
    give(phone, code)
    phone.set_cookie("language", language)
    assert f'<option value="{unit}" selected>' in phone.get("/start/language").get_data(as_text=True)


@pytest.mark.parametrize("language", ["kn", "mr"])
def test_the_guntha_is_offered_beside_the_acre(phone: FlaskClient, code: str, language: str) -> None:
    give(phone, code)
    phone.set_cookie("language", language)
    text = phone.get("/start/language").get_data(as_text=True)
    assert re.findall(r'<option value="([^"]+)"', text)[:3] == ["acre", "guntha", "ha"]


def test_with_another_language_comes_the_unit_that_is_usual_in_it(
    phone: FlaskClient, code: str, config: Config, store: Store
) -> None:
    give(phone, code)
    answer(phone, "language", locale__language="mr", locale__area_unit="ha")  # as the English page had it
    assert settled(config, store).locale.area_unit == "acre"


def test_a_unit_that_somebody_chose_stays_whatever_the_language(
    phone: FlaskClient, code: str, config: Config, store: Store
) -> None:
    give(phone, code)
    answer(phone, "language", locale__language="en", locale__area_unit="guntha")
    assert settled(config, store).locale.area_unit == "guntha"
    phone.set_cookie("language", "hi")
    assert '<option value="guntha" selected>' in phone.get("/start/language").get_data(as_text=True)
    answer(phone, "language", locale__language="hi", locale__area_unit="ha")
    answer(phone, "language", locale__language="mr", locale__area_unit="ha")
    assert settled(config, store).locale.area_unit == "ha"


def test_the_field_of_a_test_flight_is_named_in_the_language_of_who_asked(
    phone: FlaskClient, code: str, store: Store
) -> None:
    give(phone, code)
    phone.set_cookie("language", "mr")
    phone.post("/start/flight/fly", data={"csrf_token": token_of(phone, "/start/flight")})
    assert testflight.language_of(store) == "mr"


def test_the_name_of_the_farm_stands_on_every_page(phone: FlaskClient, code: str) -> None:
    give(phone, code)
    answer(phone, "farm", box__name="Hill <farm>")
    assert "<span>Hill &lt;farm&gt;</span>" in phone.get("/start/you").get_data(as_text=True)


def test_the_address_is_a_picture_for_other_phones_unless_it_leads_nowhere(
    phone: FlaskClient, code: str
) -> None:
    give(phone, code)
    assert "data:image/svg+xml" not in phone.get("/start/ready").get_data(as_text=True)
    ready = phone.get("/start/ready", headers={"Host": "fieldbox.local:8080"})
    assert ready.location == "/start", "the session is of the other address"


def test_a_first_start_tells_the_code_once(config: Config, store: Store) -> None:
    with capture_logs() as first:
        starting.first_code(config, store)
    assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", first[0]["code"])
    assert first[0]["address"] == "http://127.0.0.1:8080/start"
    kept = store.setting("setup.code")
    with capture_logs() as second:
        starting.first_code(config, store)
    assert "fieldbox setup-code" in second[0]["event"] and "code" not in second[0]
    assert store.setting("setup.code") == kept
    store.add_user("asha", "a hash", "owner")
    with capture_logs() as third:
        starting.first_code(config, store)
    assert third == []


def test_a_wish_that_was_cut_off_begins_anew_and_its_failure_is_kept(config: Config, store: Store) -> None:
    flown: list[Config] = []

    def fails(config: Config) -> None:
        flown.append(config)
        raise Rejected("It is too windy.")

    pilot = testflight.Pilot(config, store, fails)
    assert not pilot.look(), "nobody wished"
    keep(store, TestFlight(Flying.FLYING, utc_now() - timedelta(hours=1), 1, 9))
    assert pilot.look()
    pilot.wait()
    came = testflight.told(store)
    assert came and (came.state, str(came.reason)) == (Flying.FAILED, "It is too windy.")
    assert flown == [config]
    assert not pilot.look()
    assert isinstance(came.at, datetime)
