"""A report is two pages of at most a megabyte, whatever there is to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import Field, Flight, Hotspot, Interval, LayerLabel, Survey
from fieldbox.errors import Rejected
from fieldbox.i18n import Sentence
from fieldbox.summary.report import FigureText, Section, SpotText, report
from fieldbox.summary.reportwords import SIMULATED, Photo, Surveyed, contents_of
from fieldbox.summary.speech import Speech, paper_languages
from tests.summary.papers import FIELD, MADE, contents, ground, jpeg, pages

MEGABYTE = 1_000_000
WORDS = st.text(st.sampled_from("abc खेतकिक्ष தமிழ் తెలుగు ಕನ್ನಡ 中 1"), max_size=300)
SENTENCES = st.lists(WORDS, max_size=50).map(tuple)


@settings(max_examples=8, deadline=None)
@given(
    title=WORDS,
    mark=st.none() | WORDS,
    verdict=SENTENCES,
    warnings=SENTENCES,
    others=SENTENCES,
    spots=st.integers(0, 30),
    figures=st.integers(0, 14),
    shape=st.sampled_from([(60.0, 40.0), (10.0, 300.0), (300.0, 10.0)]),
)
def test_two_pages_whatever_there_is_to_tell(
    title: str, mark: str | None, verdict: tuple[str, ...], warnings: tuple[str, ...], others: tuple[str, ...],
    spots: int, figures: int, shape: tuple[float, float],
) -> None:  # fmt: skip
    told = contents(
        title=title,
        facts=title * 3,
        mark=mark,
        verdict=verdict,
        legend=title,
        trust=title * 2,
        ground=ground(width=shape[0], height=shape[1]),
        figures=tuple(FigureText(title, title, title) for _one in range(figures)),
        spots=tuple(SpotText(number, warnings, None, title) for number in range(spots)),
        sections=(Section(title, warnings), Section("Other", others), Section("None", ())),
        footer=title,
    )
    made = report(told)
    assert len(pages(made)) == 2
    assert len(made) <= MEGABYTE


def test_what_does_not_fit_is_said_to_be_left_out() -> None:
    many = tuple(f"Warning number {number}: " + "words " * 25 for number in range(50))
    text = pages(
        report(contents(sections=(Section("Data", many), Section("Model", ("It knows potatoes.",)))))
    )[1]
    assert "Warning number 0:" in text and "Warning number 49:" not in text
    assert "More is on the dashboard." in text
    assert "It knows potatoes." in text


def test_what_fits_is_all_there() -> None:
    few = tuple(f"Warning number {number}." for number in range(12))
    text = pages(report(contents(sections=(Section("Data", few),))))[1]
    assert all(one in text for one in few)
    assert "More is on the dashboard." not in text


def test_pictures_as_heavy_as_the_box_makes_them_fit_into_a_megabyte() -> None:
    spots = tuple(SpotText(number, ("18.5, 73.8",), jpeg(220, 165), "") for number in range(8))
    made = report(contents(ground=ground(picture=jpeg(680, 440)), spots=spots))
    assert len(made) <= MEGABYTE


def test_the_same_survey_is_the_same_file() -> None:
    assert report(contents()) == report(contents())


# -- words -------------------------------------------------------------------------------------------


def survey(**told: object) -> Survey:
    plain: dict[str, object] = {
        "id": "sv-1", "flight_id": "fl-1", "field_id": 1, "release": "fieldbox-weeds@3", "made_at": MADE, "area_ha": 0.24,
        "area_ha_interval95": Interval(0.23, 0.25), "gsd_cm": 0.34, "gsd_cm_interval95": None, "weed_cover_pct": 3.2,
        "weed_cover_pct_interval95": Interval(2.1, 4.4), "weed_count": 1274, "weed_count_interval95": Interval(1169, 1390),
        "crop_cover_pct": None, "crop_cover_pct_interval95": None, "crop_count": None, "crop_count_interval95": None,
        "health_index": None, "health_index_interval95": None, "unsure_pct": 4.0, "unsure_pct_interval95": None,
        "unseen_pct": 6.0, "unseen_pct_interval95": None, "position_error_m": 2.1,
        "layer_label": LayerLabel.RGB_ONLY, "warnings": (),
        "hotspots": tuple(Hotspot(rank, 0.0, 0.0, 18.5, 73.8, 12.0, 0.34, 40, "aa", 1.0, 2.0) for rank in range(1, 13)),
        "photos_used": 31, "photos_unplaced": 2, "weed_recall": 0.8,
    }  # fmt: skip
    return Survey(**{**plain, **told})  # type: ignore[arg-type]


def surveyed(found: Survey, *, simulated: bool = False) -> Surveyed:
    boundary = tuple((73.8 + x / 1e5, 18.5 + y / 1e5) for x, y in FIELD)
    return Surveyed(
        survey=found,
        field=Field(1, "F01", "North plot", boundary, True, crop="potato"),
        flight=Flight("fl-1", 1, datetime(2026, 6, 3, 10, 20), None, (), simulated),
        check=None,
        crops=("potato",),
        photos={},
        ground=ground(),
    )


def read(found: Survey, language: str = "en", *, simulated: bool = False) -> str:
    return " ".join(pages(report(contents_of(surveyed(found, simulated=simulated), Speech(language)))))


def test_a_report_tells_numbers_with_their_intervals_places_and_limits() -> None:
    text = read(survey())
    for told in (
        "North plot", "3 June 2026", "potato", "1,274", "1,169–1,390", "3.2", "2.1–4.4", "18.500000, 73.800000",
        "6.0 % of the field was not seen", "± 2.1 m", "ordinary colours only", "fieldbox-weeds@3", "80 of 100",
        "nobody can tell why", "sv-1", "Spots that are not shown here: 4",
    ):  # fmt: skip
        assert told in text, told


def test_what_is_not_known_is_not_a_zero() -> None:
    text = read(survey(weed_cover_pct=None, weed_count=None, hotspots=()))
    assert "How many weeds there are is not known from this flight." in text
    assert text.count("not known") >= 4
    assert " 0 " not in text


def test_a_photo_that_is_gone_is_told_with_its_date() -> None:
    told = replace(surveyed(survey()), photos={1: Photo(None, datetime(2026, 7, 9)), 2: Photo(jpeg(40, 30))})
    text = " ".join(pages(report(contents_of(told, Speech("en")))))
    assert text.count("removed on 9 July 2026") == 1
    assert text.count("The photo is no longer on the box") == 6


def test_a_simulated_flight_says_so_once() -> None:
    text = read(survey(warnings=(Sentence(SIMULATED),)), simulated=True)
    assert text.count("nothing here is a real field") == 1
    assert "real field" not in read(survey())


def test_stored_warnings_are_told_and_crop_health_in_plain_words() -> None:
    poor = Sentence("{stunted} small {yellowing} yellow", {"stunted": 7, "yellowing": 5})
    text = read(survey(warnings=(Sentence("Fly lower than {height} m.", {"height": 12}), poor)))
    assert "Fly lower than 12 m." in text
    assert "7 crop plants look small and 5 yellow" in text


@pytest.mark.parametrize("language", paper_languages())
def test_every_language_has_two_pages_and_its_own_words(language: str) -> None:
    made = report(contents_of(surveyed(survey()), Speech(language)))
    assert len(pages(made)) == 2
    assert ("Spots to visit" in " ".join(pages(made))) is (language == "en")


def test_the_languages_of_paper_are_more_than_those_of_the_dashboard() -> None:
    assert set(paper_languages()) >= {"en", "hi", "mr", "ta", "te", "kn"}


@pytest.mark.parametrize("language", ["xx", "", "../hi", "english please"])
def test_a_language_that_is_not_there_is_refused_in_one_sentence(language: str) -> None:
    if not language:
        assert Speech(language).language == "en"
        return
    with pytest.raises(Rejected, match=r"choose one of en \(English\)"):
        Speech(language)


def test_a_language_may_be_told_with_its_country() -> None:
    assert Speech("hi-IN").language == Speech("HI_in").language == "hi"


def test_dates_and_numbers_are_those_of_the_language_with_latin_digits() -> None:
    marathi = Speech("mr")
    assert marathi.day(datetime(2026, 6, 3)).startswith("3 ")
    assert "जून" in marathi.day(datetime(2026, 6, 3))
    assert marathi.number(1274.5, 1) == "1,274.5"
