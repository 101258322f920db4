"""The catalogues are in step with the sources: run `python -m fieldbox.dashboard.catalogue` when they are not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from fieldbox.dashboard import catalogue
from fieldbox.dashboard.language import languages
from fieldbox.i18n import DOMAIN, PAPER, TRANSLATIONS, Sentence, reader_of, translator

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = TRANSLATIONS / f"{DOMAIN}.pot"
TRANSLATED = sorted(TRANSLATIONS.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
PRINTED = sorted(TRANSLATIONS.glob(f"*/LC_MESSAGES/{PAPER}.po"))
AT_A_TERMINAL = (
    "fieldbox/bench/",
    "fieldbox/cli",
    "fieldbox/config/",
    "fieldbox/hub/",  # those who keep a hub read English so far
    "fieldbox/imagery/phone.py",  # leaves are checked at the command line
    "fieldbox/inference/labelme.py",
    "fieldbox/inference/quantizing.py",
    "fieldbox/mapping/export.py",
    "fieldbox/services/",
    "fieldbox/simulate/",
    "fieldbox/storage/migrate.py",
    "web/hub/",
)
"""Whose messages only the one who set the box up reads. All others can come to a page: as warnings of a survey,
as the reason why a file was not taken or a flight not mapped, or as an answer to a form."""
SERVED = tuple(
    f"fieldbox/services/{name}.py"
    for name in ("bursting", "sync", "syncing", "texting", "commanding", "following", "fromhub", "spotting")
)
"""Services whose sentences are shown on a page all the same: what the box says of its link, texts and commands."""
SPECS = re.compile(r"\{\w+[:!][^}]*\}")
PLACES = re.compile(r"%\((\w+)\)s|\{(\w+)[^}]*\}")


def ids(one: Catalog) -> set[str]:
    return {str(message.id) for message in one if message.id}


def test_the_template_holds_every_message_of_the_sources() -> None:
    missing = ids(catalogue.extract(REPOSITORY)) - ids(catalogue.read(TEMPLATE))
    assert not missing, "run python -m fieldbox.dashboard.catalogue"


def spoken(path: Path) -> Iterator[str]:
    """What a module says by a call with the message itself."""
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if name in ("say", "say_many", "N_", "Sentence") and isinstance(call.args[0].value, str):
            yield call.args[0].value


def test_no_message_hides_from_the_extractor() -> None:
    # Babel does not look into f-strings.
    known = {one.id if isinstance(one.id, str) else one.id[0] for one in catalogue.read(TEMPLATE)}
    known |= ids(catalogue.read(TRANSLATIONS / f"{PAPER}.pot"))
    hidden = {
        text: path.name
        for path in (REPOSITORY / "fieldbox" / "dashboard").rglob("*.py")
        for text in spoken(path)
        if text and text not in known
    }
    assert not hidden


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.parts[-3])
def test_a_translation_is_compiled_and_complete(path: Path) -> None:
    translation = catalogue.read(path)
    assert path.with_suffix(".mo").read_bytes() == catalogue.compiled(translation)
    assert ids(translation) == ids(catalogue.read(TEMPLATE))
    for message in translation:
        places = [place for place, _line in message.locations]
        shown = (place.startswith(SERVED) or not place.startswith(AT_A_TERMINAL) for place in places)
        if message.id and any(shown):
            said = message.string if isinstance(message.string, str) else all(message.string)
            assert said, f"not translated: {message.id}"


def test_the_template_of_what_is_printed_holds_every_message_of_it() -> None:
    printed = ids(catalogue.extract(REPOSITORY, PAPER))
    assert printed == ids(catalogue.read(TRANSLATIONS / f"{PAPER}.pot")), (
        "run python -m fieldbox.dashboard.catalogue"
    )
    assert "Spots to visit" in printed


@pytest.mark.parametrize("path", PRINTED, ids=lambda path: path.parts[-3])
def test_every_sentence_on_paper_is_translated(path: Path) -> None:
    translation = catalogue.read(path)
    assert path.with_suffix(".mo").read_bytes() == catalogue.compiled(translation)
    assert ids(translation) == ids(catalogue.read(TRANSLATIONS / f"{PAPER}.pot"))
    said = [
        one for one in translation if one.id and any(at in catalogue.PRINTED for at, _line in one.locations)
    ]
    assert said and not [one.id for one in said if not one.string]
    assert "NOT YET REVIEWED" in path.read_text("utf-8")[:400]


def test_pages_and_paper_are_in_the_same_languages() -> None:
    assert {path.parts[-3] for path in PRINTED} == {"hi", "kn", "mr", "ta", "te"}
    assert {path.parts[-3] for path in TRANSLATED} == {"hi", "kn", "mr", "ta", "te"}
    assert set(languages()) == {"en", "hi", "kn", "mr", "ta", "te"}


@pytest.mark.parametrize("path", [*TRANSLATED, *PRINTED], ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_plurals_are_those_of_the_language(path: Path) -> None:
    # CLDR: in Hindi and Kannada nought is singular, in the others it is not.
    singular = {"hi", "kn"}
    expected = "(n > 1)" if path.parts[-3] in singular else "(n != 1)"
    assert catalogue.read(path).plural_expr == expected


@pytest.mark.parametrize("path", [*TRANSLATED, *PRINTED], ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_translation_keeps_every_place_for_a_value(path: Path) -> None:
    for message in catalogue.read(path):
        if not message.id or not message.string:
            continue
        original = message.id if isinstance(message.id, str) else message.id[-1]
        for said in [message.string] if isinstance(message.string, str) else message.string:
            if said:
                assert set(PLACES.findall(said)) == set(PLACES.findall(original)), message.id
                assert set(SPECS.findall(said)) == set(SPECS.findall(original)), message.id
                assert said.count("%%") == original.count("%%"), message.id


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.parts[-3])
def test_a_translation_says_that_nobody_has_reviewed_it(path: Path) -> None:
    assert "NOT YET REVIEWED" in path.read_text("utf-8")[:400]
    assert reader_of(path.parts[-3]) is None


def test_stored_sentences_are_read_in_the_readers_language() -> None:
    sentence = Sentence(
        "The password must have {shortest} to {longest} characters.", {"shortest": 8, "longest": 9}
    )
    assert sentence.in_language("hi") != sentence.in_language("en")
    assert "8" in sentence.in_language("hi")
    assert translator("xx")("Home") == "Home"


def test_the_languages_call_themselves_by_their_own_names() -> None:
    assert next(iter(languages().items())) == ("en", "English")
    assert languages()["hi"] == "हिन्दी"
