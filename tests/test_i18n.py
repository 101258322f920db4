"""Sentences are kept apart from the language they are read in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from hypothesis import given
from hypothesis import strategies as st

from fieldbox import i18n
from fieldbox.i18n import N_, TRANSLATIONS, Sentence, _, add_folder, translator, use_language


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use_language(None)


@given(
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.floats(allow_nan=False)), max_size=4),
    st.text(),
)
def test_a_sentence_is_stored_and_read_back(params: dict[str, str | int | float], template: str) -> None:
    sentence = Sentence(template, params)
    assert Sentence.from_json(sentence.to_json()) == sentence


def test_a_sentence_is_put_together_when_it_is_shown() -> None:
    assert str(Sentence(N_("{count} photos"), {"count": 3})) == "3 photos"
    assert str(Sentence("50 % of {name}", {"name": "{count}"})) == "50 % of {count}"


def test_a_language_without_a_catalogue_reads_english() -> None:
    use_language("xx")
    assert _("The outbox is empty.") == "The outbox is empty."
    assert translator("xx")("anything") == "anything"


@pytest.mark.skipif(not (TRANSLATIONS / "hi").is_dir(), reason="there is no Hindi catalogue yet")
def test_each_reader_has_an_own_language() -> None:
    compiled = list((TRANSLATIONS / "hi").rglob("*.mo"))
    if not compiled:
        pytest.skip("the Hindi catalogue is not compiled")
    sentence = Sentence("The outbox is empty.")
    assert sentence.in_language("en") == "The outbox is empty."
    hindi = sentence.in_language("hi")
    use_language("hi")
    assert str(sentence) == _("The outbox is empty.") == hindi


def test_dates_and_times_in_a_sentence_are_written_by_who_shows_it() -> None:
    told = Sentence("{a}, {b}, {c}, {d}, {e}", {
        "a": "2026-12-01", "b": "2026-12-01 13:28", "c": "2026-12-01T13:28:05+00:00", "d": "2026-13-40", "e": "DJI_2026-12-01.JPG"
    })  # fmt: skip
    written = told.with_moments(lambda at: f"day {at.day}", lambda at: f"at {at:%H:%M}")
    assert str(written) == "day 1, at 13:28, at 13:28, 2026-13-40, DJI_2026-12-01.JPG"


def test_a_value_that_is_a_message_is_translated_as_well() -> None:
    told = Sentence(
        "The budget of the {link!t} is used up: it is used again from {date}.",
        {"link": "modem", "date": "1 May"},
    )
    assert str(told) == "The budget of the modem is used up: it is used again from 1 May."
    in_hindi = told.in_language("hi")
    assert "modem" not in in_hindi
    assert "1 May" in in_hindi


EMPTY = "The outbox is empty."


def bring(folder: Path, code: str, text: str) -> None:
    """As another process takes a language in: a whole file in the place of the one before."""
    catalogue = Catalog(code)
    catalogue.add(EMPTY, text)
    place = folder / code / "LC_MESSAGES" / "fieldbox.mo"
    place.parent.mkdir(parents=True, exist_ok=True)
    whole = place.with_suffix(".new")
    with whole.open("wb") as out:
        write_mo(out, catalogue)
    whole.replace(place)


def test_a_language_that_another_process_took_in_is_spoken_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(i18n, "_added", [])
    monkeypatch.setattr(i18n, "LOOK_S", 0.0)
    add_folder(tmp_path)
    sentence = Sentence(EMPTY)
    assert sentence.in_language("gu") == EMPTY
    bring(tmp_path, "gu", "first")
    assert sentence.in_language("gu") == "first"
    bring(tmp_path, "gu", "second")
    assert sentence.in_language("gu") == "second"


def test_it_is_not_looked_for_at_every_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_added", [])
    monkeypatch.setattr(i18n, "LOOK_S", 3600.0)
    add_folder(tmp_path)
    assert Sentence(EMPTY).in_language("gu") == EMPTY
    bring(tmp_path, "gu", "first")
    assert Sentence(EMPTY).in_language("gu") == EMPTY
    i18n.look_again()
    assert Sentence(EMPTY).in_language("gu") == "first"
