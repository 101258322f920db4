"""A language that somebody brings as a file; who has read one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from flask import Flask
from flask.testing import FlaskClient

from fieldbox import i18n
from fieldbox.dashboard import byfile
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.language import OWN_NAMES
from fieldbox.errors import Rejected
from tests.dashboard.conftest import KEY, PASSWORD, log_in, token_of
from tests.dashboard.demo_box import DemoBox, make_box

HEAD = 'msgid ""\nmsgstr ""\n"Language: gu\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
HOME = 'msgid "Home"\nmsgstr "ઘર"\n'
WRONG = 'msgid "Spot %(rank)s"\nmsgstr "સ્થળ %(place)s"\n'


@pytest.fixture
def fresh(tmp_path: Path, password_hash: str) -> Iterator[DemoBox]:
    """A box of one's own; what is brought is forgotten after it."""
    made = make_box(tmp_path)
    made.store.add_user("asha", password_hash, "owner")
    made.store.add_user("ravi", password_hash, "viewer")
    yield made
    made.store.close()
    i18n._added.clear()
    i18n._catalogue.cache_clear()


@pytest.fixture
def app(fresh: DemoBox) -> Flask:
    return create_app(fresh.store, fresh.root, secret_key=KEY)


def bring(client: FlaskClient, text: str) -> str:
    """Send a file; the page that comes of it."""
    data = {
        "csrf_token": token_of(client, "/languages"),
        "file": (io.BytesIO(text.encode()), "gu.po"),
    }
    answer = client.post("/languages", data=data, follow_redirects=True)
    return answer.get_data(as_text=True)


def test_a_language_comes_as_a_file_and_can_be_chosen_at_once(app: Flask) -> None:
    client = log_in(app.test_client())
    page = bring(client, HEAD + "\n" + HOME + "\n" + WRONG)
    assert "ગુજરાતી" in page and "1 of" in page and "1 message was passed over" in page
    form = {"csrf_token": token_of(client, "/settings"), "language": "gu", "next": "/"}
    assert client.post("/language", data=form).status_code == 302
    assert "ઘર" in client.get("/").get_data(as_text=True)
    assert client.get("/").status_code == 200  # what is not translated reads English


def test_it_is_there_after_a_start(fresh: DemoBox, app: Flask) -> None:
    bring(log_in(app.test_client()), HEAD + "\n" + HOME)
    i18n._added.clear()
    i18n._catalogue.cache_clear()
    again = create_app(fresh.store, fresh.root, secret_key=KEY).test_client()
    again.set_cookie("language", "gu")
    assert "ઘર" in log_in(again).get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Choose a translation file"),
        ("\x00\x01 nonsense", "no translation file"),
        (HEAD.replace("Language: gu", "Language: xx-none") + "\n" + HOME, "which language"),
        (HEAD + '\nmsgid "Not of fieldbox"\nmsgstr "x"\n', "translates no message"),
    ],
)
def test_a_file_that_is_none_is_told_and_changes_nothing(
    fresh: DemoBox, app: Flask, text: str, words: str
) -> None:
    assert words in bring(log_in(app.test_client()), text)
    assert not list((fresh.root / "languages").rglob("*.mo"))


def test_who_has_read_a_language_is_kept(app: Flask, fresh: DemoBox) -> None:
    client = log_in(app.test_client())
    assert "Not yet read by a native speaker" in client.get("/languages").get_data(as_text=True)
    token = token_of(client, "/languages")
    client.post("/languages/hi/read", data={"csrf_token": token, "who": "  Meera  Joshi "})
    assert "Read by Meera Joshi." in client.get("/languages").get_data(as_text=True)
    client.post("/languages/hi/read", data={"csrf_token": token, "who": " "})
    assert fresh.store.setting("language.read.hi") == "Meera Joshi"


def test_a_viewer_cannot_bring_one(app: Flask) -> None:
    client = log_in(app.test_client(), "ravi", PASSWORD)
    assert "Translation file" not in client.get("/languages").get_data(as_text=True)
    assert client.post("/languages", data={"csrf_token": token_of(client, "/settings")}).status_code == 403


def test_the_template_is_handed_out(app: Flask) -> None:
    answer = log_in(app.test_client()).get("/languages/fieldbox.pot")
    assert answer.data.startswith(b"#") and b'msgid "Home"' in answer.data


def test_plurals_need_the_places_of_one_of_the_english_forms(tmp_path: Path) -> None:
    one = 'msgid "%(num)s photo used"\nmsgid_plural "%(num)s photos used"\n'
    good = HEAD + "\n" + one + 'msgstr[0] "%(num)s ફોટો"\nmsgstr[1] "%(num)s ફોટા"\n'
    assert byfile.take_in(good.encode(), tmp_path).taken == 1
    with pytest.raises(Rejected, match="translates no message"):
        byfile.take_in(good.replace("%(num)s ફોટા", "%(n)s ફોટા").encode(), tmp_path)


def test_the_names_of_languages_that_are_kept_are_those_of_babel() -> None:
    for code, name in OWN_NAMES.items():
        assert (Locale.parse(code).get_display_name(code) or "").capitalize() == name
