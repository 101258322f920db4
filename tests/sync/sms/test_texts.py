"""Texts stay within their parts whatever their values are, and say nothing that they may not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import Field, Flight, Hotspot, Interval, Survey
from fieldbox.sync.sms.templates import (
    LANGUAGES,
    MOST_LETTERS,
    MOST_PARTS,
    VARIABLE,
    Kind,
    Script,
    Template,
    template,
    templates,
)
from fieldbox.sync.sms.texts import (
    MOST_WHO,
    About,
    Style,
    figures,
    text_of,
    trial_text,
    who,
)
from fieldbox.wire.gsm import Coding, length_of
from tests.storage.samples import capture
from tests.storage.samples import survey as sample

FIELD = Field(
    1, "F07", "Behind the school", ((77.0, 12.0), (77.1, 12.0), (77.1, 12.1)), drawn=True, crop="tomato"
)
SURVEY = replace(
    sample(Flight("flight", 1, None, None, (capture(1),))),
    weed_cover_pct=4.23,
    weed_cover_pct_interval95=Interval(3.01, 5.55),
    health_index=61.4,
)
ABOUT = About(SURVEY, FIELD, "7A1", litres=11.96)
TOLD = (Kind.SURVEY, Kind.SURVEY_AGAIN, Kind.ALERT, Kind.ALERT_AGAIN)
STYLES = [Style(one.language, one.script) for one in templates() if one.kind is Kind.TEST]

numbers = st.none() | st.floats() | st.floats(0, 100)
intervals = st.none() | st.tuples(st.floats(), st.floats()).map(lambda one: Interval(*one))


@st.composite
def anything(draw: st.DrawFn) -> About:
    """A survey with any numbers and names."""
    spot = SURVEY.hotspots[0]
    spots = draw(
        st.lists(
            st.builds(
                replace,
                st.just(spot),
                area_m2=st.floats(0, 1e7),
                weed_cover=st.floats(0, 1),
                lat=st.floats(-90, 90),
                lon=st.floats(-180, 180),
            ),
            max_size=12,
        )
    )
    field = replace(FIELD, code=draw(st.text()), name=draw(st.text()), crop=draw(st.none() | st.text()))
    return About(
        replace(
            SURVEY,
            weed_cover_pct=draw(numbers),
            weed_cover_pct_interval95=draw(intervals),
            health_index=draw(numbers),
            hotspots=tuple(spots) * draw(st.integers(1, 200)),
        ),
        field,
        "7A1",
        draw(numbers),
        simulated=draw(st.booleans()),
    )


@settings(max_examples=300, deadline=None)
@given(anything(), st.sampled_from(STYLES), st.sampled_from(TOLD), st.booleans())
def test_in_latin_letters_always_one_part_and_in_a_script_two_at_most(
    about: About, style: Style, kind: Kind, share: bool
) -> None:
    style = replace(style, share_name=share, share_position=share)
    length = length_of(text_of(about, kind, style))
    assert length.parts <= MOST_PARTS[style.letters]
    assert (length.coding is Coding.GSM7) == (style.letters is Script.LATIN)
    assert len(figures(about)) <= MOST_LETTERS
    assert len(who(about, style)) <= MOST_WHO
    assert length_of(text_of(about, Kind.SPOTS, style)).parts <= 2
    assert length_of(text_of(about, Kind.SPOTS_AGAIN, style)).parts <= 2
    assert length_of(text_of(about, Kind.WITHDRAWN_AGAIN, style)).parts <= MOST_PARTS[style.letters]


def test_there_are_six_languages_each_in_its_script_and_in_latin_letters() -> None:
    found = {(one.language, one.script) for one in templates()}
    assert set(LANGUAGES) == {"en", "hi", "mr", "ta", "te", "kn"}
    scripts = {(language, script) for language in LANGUAGES for script in Script if language != "en"}
    assert found == scripts | {("en", Script.LATIN)}


@pytest.mark.parametrize("one", list(templates()), ids=lambda one: f"{one.language} {one.script} {one.kind}")
def test_a_template_can_be_registered(one: Template) -> None:
    registered = one.registered
    assert 1 <= registered.count(VARIABLE) <= 2
    assert registered.startswith("Fieldbox ")
    letters = re.sub(r"[^a-zA-Z]", "", registered.replace(VARIABLE, ""))
    assert letters
    others = [letter for letter in registered if letter.isalpha() and not letter.isascii()]
    assert bool(others) == (one.script is Script.SCRIPT)


def test_the_text_of_a_survey_reads_so() -> None:
    english = Style("en", Script.LATIN)
    assert text_of(ABOUT, Kind.SURVEY, english) == (
        "Fieldbox F07 tomato #7A1: weeds%/spots/health/spray L = 4.2(3-5.6)/2/61/12."
        " Reply OK, NO or MORE and #code; STOP ends"
    )
    assert text_of(ABOUT, Kind.ALERT_AGAIN, Style("hi", Script.SCRIPT)) == (
        "Fieldbox चेतावनी F07 tomato #7A1: खरपतवार%/जगह/सेहत/दवा L = 4.2(3-5.6)/2/61/12. शायद दो बार आया।"
    )
    assert trial_text("7A1", english) == "Fieldbox 7A1: this is a test"


def test_what_is_not_known_is_not_nought() -> None:
    unknown = replace(
        SURVEY, weed_cover_pct=None, weed_cover_pct_interval95=None, health_index=None, hotspots=()
    )
    assert figures(About(unknown, FIELD, "7A1")) == "?/?/?/?"
    none = replace(
        SURVEY, weed_cover_pct=0.0, weed_cover_pct_interval95=Interval(0, 0.04), health_index=0.0, hotspots=()
    )
    assert figures(About(none, FIELD, "7A1", 0.0)) == "0(0-0.1)/0/0/0"
    little = replace(SURVEY, weed_cover_pct=0.03, weed_cover_pct_interval95=None, health_index=float("nan"))
    assert figures(About(little, FIELD, "7A1", float("inf"))) == "<0.1(?)/2/?/?"


def test_the_largest_figures_have_room() -> None:
    full = replace(
        SURVEY,
        weed_cover_pct=100.0,
        weed_cover_pct_interval95=Interval(99.5, 100.0),
        health_index=100.0,
        hotspots=SURVEY.hotspots * 900,
    )
    assert figures(About(full, FIELD, "7A1", 1e6)) == "100(99-100)/>999/100/>9999"


def test_what_is_simulated_says_so() -> None:
    simulated = replace(ABOUT, simulated=True)
    assert who(simulated, Style("en")) == "F07 simulated #7A1"
    assert who(simulated, Style("hi", share_name=True)) == "F07 simulated #7A1"


def test_the_name_of_a_field_goes_only_if_the_owner_allows_it() -> None:
    for style in STYLES:
        for kind in TOLD:
            assert "school" not in text_of(ABOUT, kind, style)
    shared = who(ABOUT, Style("en", Script.LATIN, share_name=True))
    assert shared.startswith("F07 Behind")
    assert shared.endswith("#7A1")


@pytest.mark.parametrize("name", ["Ramesh 98123 45678", "+919812345678", "०९८१२३४५६७८"])
def test_a_name_that_could_be_a_telephone_number_does_not_go(name: str) -> None:
    about = replace(ABOUT, field=replace(FIELD, name=name, crop=None))
    for style in STYLES:
        assert who(about, replace(style, share_name=True)) == "F07 #7A1"


@pytest.mark.parametrize(
    ("crop", "latin", "script"),
    [
        ("टमाटर", "F07 #7A1", "F07 टमाटर #7A1"),
        ("sugarcane of a late kind", "F07 #7A1", "F07 #7A1"),
        ("9812345678", "F07 #7A1", "F07 #7A1"),
        ("{rice}", "F07 #7A1", "F07 #7A1"),
        ("rice\nmaize", "F07 rice maize #7A1", "F07 rice maize #7A1"),
        ("🌾", "F07 #7A1", "F07 #7A1"),
    ],
)
def test_a_crop_goes_where_it_is_short_and_can_be_written(crop: str, latin: str, script: str) -> None:
    about = replace(ABOUT, field=replace(FIELD, crop=crop))
    assert who(about, Style("hi", Script.LATIN)) == latin
    assert who(about, Style("hi", Script.SCRIPT)) == script


def test_places_of_spots_go_only_if_the_owner_allows_it() -> None:
    spots = (Hotspot(1, 0.0, 0.0, 18.52043, 73.85674, 12.4, 0.405, 3, "d", 0.0, 0.0), *SURVEY.hotspots)
    about = replace(ABOUT, survey=replace(SURVEY, hotspots=spots))
    style = Style("en", Script.LATIN)
    assert "worst spots, m2/weeds%: 13/40; " in text_of(about, Kind.SPOTS, style)
    assert "18.5" not in text_of(about, Kind.SPOTS, style)
    assert "13/40 18.52043,73.85674; " in text_of(about, Kind.SPOTS, replace(style, share_position=True))


def test_no_spots_and_spots_that_are_not_known_differ() -> None:
    def told(survey: Survey) -> str:
        return text_of(replace(ABOUT, survey=survey), Kind.SPOTS, Style("en", Script.LATIN)).rsplit(" ", 1)[1]

    assert told(replace(SURVEY, hotspots=())) == "-"
    assert told(replace(SURVEY, weed_cover_pct=None, hotspots=())) == "?"


def test_a_language_that_there_is_not_is_english() -> None:
    assert template("xx", Script.SCRIPT, Kind.TEST) == template("en", Script.LATIN, Kind.TEST)
