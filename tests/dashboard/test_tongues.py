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


PLURAL = 'msgid "%(num)s photo used"\nmsgid_plural "%(num)s photos used"\n'


@pytest.mark.parametrize(
    "line",
    [
        '"Plural-Forms: nplurals=2; plural=(foo);\\n"\n',
        '"Plural-Forms: nplurals=2; plural=n;\\n"\n',
        '"Plural-Forms: nplurals=2; plural=(1/(n-150));\\n"\n',
        '"Plural-Forms: nplurals=2; plural=(n%(n-5000) > 3);\\n"\n',
        '"Plural-Forms: nplurals=100000000; plural=(n != 1);\\n"\n',
        '"Plural-Forms: npl"\n"urals=100000000; plural=(n != 1);\\n"\n',
        '"Plural-Forms: nplurals=0; plural=0;\\n"\n',
    ],
)
def test_a_file_that_counts_wrongly_is_refused(app: Flask, fresh: DemoBox, line: str) -> None:
    client = log_in(app.test_client())
    forms = 'msgstr[0] "%(num)s ફોટો"\nmsgstr[1] "%(num)s ફોટા"\n'
    page = bring(client, HEAD + line + "\n" + HOME + "\n" + PLURAL + forms)
    assert "no translation file" in page and not list((fresh.root / "languages").rglob("*.mo"))
    client.set_cookie("language", "gu")
    assert client.get("/").status_code == client.get("/languages").status_code == 200


@pytest.mark.parametrize("name", ["X-Note", "Last-Translator", "Language-Team", "Project-Id-Version"])
def test_a_line_hidden_in_another_one_of_the_header_breaks_no_page(app: Flask, name: str) -> None:
    client = log_in(app.test_client())
    for hidden in ("Plural-Forms: nplurals=2; plural=(foo);", "Content-Type: text/plain; charset=foo"):
        bring(client, HEAD + f'"{name}: a\\n {hidden}\\n"\n\n' + HOME)
        client.set_cookie("language", "gu")
        assert client.get("/").status_code == client.get("/languages").status_code == 200


def test_letters_are_utf_8_whatever_the_header_says(app: Flask) -> None:
    client = log_in(app.test_client())
    assert "1 of" in bring(client, HEAD.replace("charset=utf-8", "charset=foo") + "\n" + HOME)
    client.set_cookie("language", "gu")
    assert "ઘર" in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("english", "translation"),
    [
        ("Home", "ઘર 50%d"),
        ("Home", "ઘર {"),
        ("Home", "ઘર 50 %"),
        ("Home", "<script src=x></script>"),
        ("Home", "ઘર & ખેતર"),
        ("Home", 'ઘર\\" autofocus onfocus=\\"x'),
        ("Home", "ઘર \\0"),
        ("Spot %(rank)s", "સ્થળ %(rank)s %s"),
        ("There is no such key, or it is void already.", "{0}"),
    ],
)
def test_a_message_that_could_not_be_filled_or_would_draw_is_passed_over(
    tmp_path: Path, english: str, translation: str
) -> None:
    translation = translation.replace("\\0", "\0")
    good, wrong = 'msgid "Settings"\nmsgstr "ગોઠવણ"\n', f'msgid "{english}"\nmsgstr "{translation}"\n'
    came = byfile.take_in(f"{HEAD}\n{good}\n{wrong}".encode(), tmp_path)
    assert (came.taken, came.passed_over) == (1, 1)


@pytest.mark.parametrize(
    "message",
    [
        'msgid "%(num)s photo used"\nmsgstr "%(num)s ફોટો"\n',
        'msgid "Home"\nmsgid_plural "Homes"\nmsgstr[0] "ઘર"\nmsgstr[1] "ઘર"\n',
    ],
)
def test_a_message_with_a_plural_that_it_has_not_or_without_its_own_is_passed_over(
    tmp_path: Path, message: str
) -> None:
    good = 'msgid "Settings"\nmsgstr "ગોઠવણ"\n'
    came = byfile.take_in(f"{HEAD}\n{good}\n{message}".encode(), tmp_path)
    assert (came.taken, came.passed_over) == (1, 1)


def test_signs_that_the_english_has_too_are_taken(tmp_path: Path) -> None:
    text = HEAD + '\nmsgid "% of the cell"\nmsgstr "કોષના % ભાગ"\n'
    assert byfile.take_in(text.encode(), tmp_path).taken == 1


def test_a_corrected_file_is_read_at_once(app: Flask) -> None:
    client = log_in(app.test_client())
    bring(client, HEAD + "\n" + HOME)
    client.set_cookie("language", "gu")
    assert "ઘર" in client.get("/").get_data(as_text=True)
    assert i18n.translator("gu")("Home") == "ઘર"
    bring(client, HEAD + "\n" + HOME.replace("ઘર", "ઘરે"))
    assert "ઘરે" in client.get("/").get_data(as_text=True)
    assert i18n.translator("gu")("Home") == "ઘરે"


def test_a_damaged_catalogue_has_been_read_by_nobody(app: Flask, fresh: DemoBox) -> None:
    client = log_in(app.test_client())
    bring(client, HEAD + "\n" + HOME)
    (file,) = (fresh.root / "languages").rglob("*.mo")
    for damaged in (b"", b"xx", b"nonsense" * 9, file.read_bytes()[:40]):
        file.write_bytes(damaged)
        i18n.look_again()
        assert i18n.reader_of("gu") is None
        assert client.get("/languages").status_code == 200
