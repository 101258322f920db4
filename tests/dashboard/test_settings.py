"""The settings pages: what is chosen counts at once, what is refused says why beside its place and loses nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.config import Config, load_config, with_values
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.asked import GROUPS
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import TextState
from fieldbox.hub import home, joining
from fieldbox.hub.store import HubStore
from fieldbox.i18n import translator
from fieldbox.services import chosen
from fieldbox.services.chosen import Choices
from fieldbox.services.examples import FIELD_NAME, Examples
from fieldbox.services.hubdesk import HubDesk
from fieldbox.storage.store import Store
from fieldbox.sync import identity
from fieldbox.wire import join
from tests.dashboard.conftest import KEY, log_in, token_of

NUMBER = "+919812345678"
FOUNDED = datetime(2026, 12, 5, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "fieldbox.toml"
    file.write_text("[sync]\nmonth_starts = 5\n")
    return load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path), "FIELDBOX_SMS__CURRENCY": "INR"}, file)


@pytest.fixture
def store(config: Config, password_hash: str) -> Iterator[Store]:
    with Store.open(config.database) as opened:
        for role in ("owner", "operator", "agronomist", "viewer"):
            opened.add_user("asha" if role == "owner" else role, password_hash, role)
        yield opened


@pytest.fixture
def app(config: Config, store: Store) -> Flask:
    beyond = Beyond(settings=Choices(config, store), examples=Examples(config, store), hub=HubDesk(config))
    return create_app(store, config.storage.root, secret_key=KEY, beyond=beyond)


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def save(client: FlaskClient, slug: str, **told: str) -> tuple[int, str]:
    """Fill in a form as it stands but for what is told: its keys have _ for the dot of a setting."""
    text = page(client, f"/settings/{slug}")
    form = {"csrf_token": token_of(client, f"/settings/{slug}")}
    form |= dict(re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"(?![^>]* disabled)', text))
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        form[name] = re.findall(r'value="([^"]*)" selected', options)[0]
    form |= dict.fromkeys(re.findall(r'type="checkbox"[^>]* name="([^"]+)"[^>]* checked', text), "1")
    for name, value in told.items():
        form[name if "-" in name else name.replace("__", ".")] = value
    answer = client.post(f"/settings/{slug}", data={k: v for k, v in form.items() if v != "OFF"})
    return answer.status_code, answer.get_data(as_text=True)


def wrong(text: str, name: str) -> str:
    """What is said beside a place, which its input points to."""
    place = name.replace(".", "-")
    found = re.search(rf'id="{place}-wrong" role="alert">([^<]+)<', text)
    assert found, f"nothing is said at {name}"
    assert re.search(rf'id="{place}"[^>]* aria-invalid="true" aria-describedby="[^"]*{place}-wrong"', text)
    return found[1]


def test_the_owner_finds_every_page_and_nobody_else_does(app: Flask) -> None:
    owner = log_in(app.test_client())
    listed = page(owner, "/settings")
    for group in GROUPS:
        assert f'href="/settings/{group.slug}"' in listed
        assert page(owner, f"/settings/{group.slug}").count("<h1>") == 1
    for name in ("operator", "agronomist", "viewer"):
        other = log_in(app.test_client(), name)
        assert "/settings/leaving" not in page(other, "/settings")
        assert other.get("/settings/leaving").status_code == 403
    assert owner.get("/settings/nothing").status_code == 404


def test_saving_a_page_as_it_stands_changes_nothing(app: Flask, store: Store) -> None:
    client = log_in(app.test_client())
    for group in GROUPS:
        if group.every:
            assert save(client, group.slug)[0] == 302
    assert chosen.told(store) == {}


def test_what_is_chosen_counts_and_can_be_as_it_was(app: Flask, config: Config, store: Store) -> None:
    client = log_in(app.test_client())
    assert save(client, "leaving", summary__share_name="1")[0] == 302
    now = chosen.settled(config, store).summary
    assert (now.share_name, now.share_position) == (True, False)
    text = page(client, "/settings/leaving")
    assert "Saved." in text and 'value="summary.share_name" formnovalidate>As it was' in text
    form = {"csrf_token": token_of(client, "/settings/leaving"), "reset": "summary.share_name"}
    assert client.post("/settings/leaving", data=form).status_code == 302
    assert not chosen.settled(config, store).summary.share_name
    done = [(one.actor, one.action) for one in store.audits()]
    assert done[:2] == [("asha", "setting taken back"), ("asha", "setting chosen")]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("98123 45678", "Write the number of the country before it: +919812345678 for India."),
        ("09812345678", "Write the number of the country before it: +919812345678 for India."),
        ("00919812345678", "Write + for 00: +919812345678."),
        ("call me", "call me is no telephone number with its country&#39;s, like +919812345678."),
        (f"{NUMBER}, 12", "12 is no telephone number with its country&#39;s, like +919812345678."),
    ],
)
def test_a_number_that_is_none_is_told_with_what_to_write(app: Flask, typed: str, said: str) -> None:
    status, text = save(log_in(app.test_client()), "texts", sms__numbers=typed, sms__script="latin")
    assert (status, wrong(text, "sms.numbers")) == (400, said)
    assert f'value="{typed}"' in text, "what was typed is still there"
    assert '<option value="latin" selected>' in text


def test_every_wrong_place_is_told_at_once_and_nothing_is_kept(app: Flask, store: Store) -> None:
    client = log_in(app.test_client())
    status, text = save(
        client,
        "texts",
        sms__send="alerts",
        sms__quiet_hours="at night",
        sms__daily_parts="200",
        sms__numbers=NUMBER,
    )
    assert status == 400
    assert wrong(text, "sms.quiet_hours") == "Write the hours from when to when, like 21:00-05:30."
    assert wrong(text, "sms.daily_parts") == "Write a number from 0 to 100."
    assert "<details open>" in text, "what is wrong is not folded away"
    assert chosen.told(store) == {}


def test_texting_nobody_is_told_at_the_numbers(app: Flask) -> None:
    status, text = save(log_in(app.test_client()), "texts", sms__send="alerts")
    assert (status, wrong(text, "sms.numbers")) == (
        400,
        "Write whom to text, or choose that nothing is texted.",
    )


def test_what_only_the_settings_themselves_refuse_stands_at_its_place(app: Flask) -> None:
    status, text = save(log_in(app.test_client()), "texts", sms__quiet_hours="21:00-21:00")
    assert status == 400
    assert "begins when it ends" in wrong(text, "sms.quiet_hours")


def test_what_the_environment_fixed_cannot_be_changed_and_says_so(app: Flask, store: Store) -> None:
    client = log_in(app.test_client())
    text = page(client, "/settings/texts")
    assert "FIELDBOX_SMS__CURRENCY" in text
    assert save(client, "texts", sms__currency="EUR", sms__cost_per_part="0,25")[0] == 302
    assert chosen.told(store) == {"sms.cost_per_part": 0.25}


def test_where_a_setting_comes_from_is_told(app: Flask, store: Store) -> None:
    store.set_setting("hub.settings", '{"sync.gather_hours": 9}')
    text = page(log_in(app.test_client()), "/settings/links")
    assert "From the settings file of the box." in text and "Set by the hub." in text


def test_links_budgets_and_quiet_hours_are_chosen_in_one_table(
    app: Flask, config: Config, store: Store
) -> None:
    client = log_in(app.test_client())
    told = {"use-wifi": "OFF", "mb-modem": "3,5", "mb-phone": "", "quiet-modem": "21:00-05:30, 12:00-13:00"}
    assert save(client, "links", **told)[0] == 302
    assert chosen.told(store) == {
        "sync.links": "ethernet, phone, modem, other",
        "sync.monthly_mb": "modem 3.5, other 20",
        "sync.quiet_hours": "modem 21:00-05:30, modem 12:00-13:00",
    }
    again = page(client, "/settings/links")
    assert 'value="21:00-05:30, 12:00-13:00"' in again
    status, text = save(client, "links", **{"mb-modem": "lots", "quiet-phone": "night"})
    assert status == 400
    assert wrong(text, "mb-modem") == "Write a number from 0 to 1000000."
    assert wrong(text, "quiet-phone").startswith("Write the hours")
    assert 'value="lots"' in text
    form = {"csrf_token": token_of(client, "/settings/links"), "reset": "links"}
    client.post("/settings/links", data=form)
    assert chosen.settled(config, store) == config


def test_a_text_is_shown_in_the_words_that_are_typed_and_nothing_is_kept(app: Flask, store: Store) -> None:
    client = log_in(app.test_client())
    _status, text = save(client, "texts", sms__language="mr", look="1")
    assert "F07" in text and "तण" in text
    assert chosen.told(store) == {}


def test_names_and_positions_in_the_examples_are_those_that_would_leave(app: Flask) -> None:
    text = page(log_in(app.test_client()), "/settings/leaving")
    without, with_them = re.findall(r'<section class="card">(.*?)</section>', text, re.S)
    assert "Well field" not in without and "18.521" not in without
    assert "Well" in with_them and "18.521" in with_them


def test_the_field_of_the_examples_is_called_as_in_the_texts(
    app: Flask, config: Config, store: Store
) -> None:
    text = page(log_in(app.test_client()), "/settings/leaving")
    called = re.search(r"called “([^”]+)”", text)
    assert (
        called and called[1].split()[0] in re.findall(r'<section class="card">(.*?)</section>', text, re.S)[1]
    )
    examples = Examples(config, store)
    for language in ("en", "mr", "kn"):
        script = with_values(config, {"sms.language": language, "sms.script": "script"})
        assert examples.field(script) == translator(language)(FIELD_NAME)
        assert examples.field(with_values(script, {"sms.script": "latin"})) == FIELD_NAME


def test_a_test_text_waits_in_exactly_the_words_that_are_shown(app: Flask, store: Store) -> None:
    client = log_in(app.test_client())
    assert save(client, "texts", sms__numbers=NUMBER)[0] == 302
    form = {"csrf_token": token_of(client, "/settings/texts"), "number": NUMBER}
    said = client.post("/settings/texts/try", data=form, follow_redirects=True).get_data(as_text=True)
    (text,) = store.texts()
    assert (text.number, text.state) == (NUMBER, TextState.WAITING)
    assert text.body in said
    refused = client.post(
        "/settings/texts/try", data=form | {"number": "+919800000000"}, follow_redirects=True
    )
    assert "not among those who are texted" in refused.get_data(as_text=True)
    assert len(store.texts()) == 1


def welcome_of(client: FlaskClient, folder: Path) -> tuple[join.Hub, str]:
    """What a hub makes of the request that the page gives."""
    asked = client.get("/settings/hub/request")
    assert asked.headers["Content-Disposition"].endswith(".request")
    hub = home.found(folder / "hub", host="hub.example", port=8883, sms=None, now=FOUNDED)
    with HubStore.open(folder / "hub.db") as kept:
        _box, welcome = joining.enrol(hub, kept, asked.get_data(), "Hill farm", FOUNDED)
    return hub.told, welcome


def test_a_hub_is_joined_and_left_without_a_terminal(
    app: Flask, config: Config, store: Store, tmp_path: Path
) -> None:
    client = log_in(app.test_client())
    hub, welcome = welcome_of(client, tmp_path)
    token = {"csrf_token": token_of(client, "/settings/hub")}
    file = {"welcome": (io.BytesIO(welcome.encode()), "hill-farm.welcome")}
    asked = client.post("/settings/hub/welcome", data=token | file).get_data(as_text=True)
    assert hub.fingerprint in asked and "hub.example:8883" in asked
    assert not identity.has_joined(config.identity), "the fingerprint is compared first"
    sent = re.findall(r'name="welcome" value="([^"]+)"', asked)[0]
    client.post("/settings/hub/join", data=token | {"welcome": unescape(sent)})
    assert identity.joined(config.identity).hub.id == hub.id
    assert "belongs to a hub" in page(client, "/settings/hub")
    box = identity.own(config.identity).box
    client.post("/settings/hub/leave", data=token)
    assert not identity.has_joined(config.identity)
    assert identity.own(config.identity).box == box
    assert [one.action for one in store.audits()] == ["hub left", "hub joined", "logged in"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Choose the file first"),
        (b"my shopping list", "This is no welcome that can be used"),
        (b"\xff\xd8\xff photo", "This is no welcome of a hub"),
        (b"x" * 70_000, "too large for a welcome"),
    ],
)
def test_a_file_that_is_no_welcome_is_told_at_its_place(app: Flask, data: bytes, said: str) -> None:
    client = log_in(app.test_client())
    form = {"csrf_token": token_of(client, "/settings/hub"), "welcome": (io.BytesIO(data), "a.welcome")}
    answer = client.post("/settings/hub/welcome", data=form)
    assert answer.status_code == 400
    assert said in wrong(answer.get_data(as_text=True), "welcome")


def test_the_language_of_the_box_is_that_of_readers_who_chose_none(app: Flask) -> None:
    client = log_in(app.test_client())
    assert save(client, "farm", locale__language="hi", locale__area_unit="acre")[0] == 302
    assert '<html lang="hi"' in page(app.test_client(), "/login")
    client.set_cookie("language", "en")
    assert '<option value="acre" selected>' in page(client, "/settings")
    status, text = save(client, "farm", box__name="x" * 61)
    assert (status, wrong(text, "box.name")) == (400, "A name has at most 60 letters.")
