"""A crew's sheet: what is sprayed where, what goes into a pump, and nothing that nobody told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import (
    Field,
    Flight,
    FromCorner,
    InRows,
    Interval,
    KeepOff,
    Prescription,
    Product,
    Side,
    Spraying,
    Strategy,
    Treated,
    Zone,
    ZoneKind,
)
from fieldbox.mapping.prescribing import needs
from fieldbox.summary.report import FigureText
from fieldbox.summary.sheet import MOST_ROWS, Counted, Dose, SheetContents, Stop, sheet
from fieldbox.summary.sheetwords import Ordered, Sprayed, pumps, sheet_of
from fieldbox.summary.speech import Speech, paper_languages
from tests.summary.papers import FIELD, MADE, ground, pages
from tests.summary.test_report import survey

WORDS = st.text(st.sampled_from("abc खेतकिक्ष தமிழ் తెలుగు ಕನ್ನಡ 中 1"), max_size=200)
WELL = KeepOff("Rama's well", (((73.8, 18.5), (73.81, 18.5), (73.81, 18.51)),), 3.0)


def ordered(spraying: Spraying, *, stops: tuple[Sprayed, ...] | None = None) -> Ordered:
    """Two zones of 300 and 75 m2."""
    areas = (300.0, 75.0)
    zones = [
        Zone(rank=rank, kind=ZoneKind.WEEDS, patch=(FIELD,), area_m2=area, lat=18.5, lon=73.8, certainty=0.9)
        for rank, area in enumerate(areas, 1)
    ]
    pieces = [(area, spraying.spray_l_ha) for area in areas]
    boundary = tuple((73.8 + x / 1e5, 18.5 + y / 1e5) for x, y in FIELD)
    return Ordered(
        survey=survey(),
        field=Field(1, "F01", "North plot", boundary, True),
        flight=Flight("fl-1", 1, datetime(2026, 6, 3, 10, 20), None, ()),
        prescription=Prescription(
            survey_id="sv-1",
            kind=ZoneKind.WEEDS,
            spraying=spraying,
            direction_deg=0.0,
            strategy=Strategy.PATCHES,
            treated=tuple(Treated(one, spraying.spray_l_ha) for one in zones),
            left=(),
            field_m2=2400.0,
            coverage=0.95,
            assured=0.9,
            threshold=None,
            never_pays=False,
            needs=needs(spraying, pieces, 2400.0, Interval(1.0, 1.5), Interval(0.95, 1.05)),
            laid=(),
        ),
        stops=stops
        or (
            Sprayed(InRows((12, 14), Side.WEST, (34, 40), Side.SOUTH), 300.0, 6.0, ("Z1",)),
            Sprayed(FromCorner(Side.NORTH_EAST, 359.7, Side.NORTH, 46), 75.0, 1.5, ("Z2", "Z4", "Z3")),
        ),
        start=Side.SOUTH_WEST,
        pace_m=0.75,
        ground=ground(),
    )


def read(told: Ordered, language: str = "en") -> str:
    return " ".join(pages(sheet(sheet_of(told, Speech(language)))))


def test_doses_and_pumps_are_those_of_a_calculation_by_hand() -> None:
    # 200 L/ha of which 1.6 L/ha are the product: 15 L hold 15 x 1.6 / 200 = 0.12 L; a pump does 15 / 200 ha = 750 m2.
    # 375 m2 take 7.5 L, half a pump, 60 ml; 300 m2 take 6 L, 0.4 of a pump, so half of one; 75 m2 take 1.5 L.
    text = read(ordered(Spraying(products=(Product("Quizalofop", 1.6),))))
    assert "30 ml 60 ml 90 ml 120 ml" in text
    assert "750 m² a pump" in text
    assert "375 m²" in text and text.count("60 ml") == 2
    assert "½ 6.0 L" in text and "< ¼ 1.5 L" in text
    assert "7.5 L" in text  # water, to the next half litre


def test_no_dose_is_made_up() -> None:
    told = sheet_of(ordered(Spraying()), Speech("en"))
    assert told.doses == (Dose("", ("", "", "", "")),)
    text = read(ordered(Spraying()))
    assert " ml" not in text
    assert "No product is set on the box" in text
    assert "from its label" in text


def test_a_place_is_told_by_rows_and_paces_or_by_a_corner() -> None:
    text = read(ordered(Spraying()))
    assert "12–14 from the west edge" in text
    assert "34–40 from the south end of the row" in text
    assert "0° north, from the north-east corner" in text  # 359.7 is no 360
    assert "46 paces in this direction; with Z4, Z3" in text
    assert "One pace is 0.75 m" in text and "in the south-west corner" in text


def test_ground_that_is_kept_off_is_named() -> None:
    text = read(ordered(Spraying(keep_off=(WELL, replace(WELL, name="Hives", strip_m=0.0)))))
    assert "Never spray Rama's well; stay 3 m away from it." in text
    assert "Never spray Hives." in text
    many = tuple(replace(WELL, name=f"Pond {number}") for number in range(5))
    assert "Never spray the other crossed-out ground either: 2." in read(ordered(Spraying(keep_off=many)))


@pytest.mark.parametrize(
    ("litres", "told"), [(0.1, "¼"), (3.75, "¼"), (3.76, "½"), (15.0, "1"), (15.1, "1¼"), (45.0, "3"), (41.0, "2¾")]
)  # fmt: skip
def test_pumps_are_rounded_up_to_a_quarter(litres: float, told: str) -> None:
    assert pumps(litres, 15.0) == told


@given(st.floats(0.01, 5000), st.floats(0.5, 100))
def test_pumps_hold_what_is_needed_and_at_most_a_quarter_more(litres: float, tank: float) -> None:
    text = pumps(litres, tank)
    quarters = {"¼": 1, "½": 2, "¾": 3}
    held = tank * (int(text.rstrip("¼½¾") or 0) + quarters.get(text[-1], 0) / 4)
    assert litres - tank * 1e-5 <= held <= litres + tank / 4 + 1e-6


@pytest.mark.parametrize("language", paper_languages())
def test_every_language_has_its_own_words(language: str) -> None:
    text = read(ordered(Spraying(keep_off=(WELL,))), language)
    assert ("Before you spray" in text) is (language == "en")
    assert "12–14" in text and "Rama's well" in text


# -- pages -------------------------------------------------------------------------------------------


def contents(stops: int, text: str = "told") -> SheetContents:
    return SheetContents(
        language="en",
        made_at=MADE,
        kicker="Spraying sheet",
        title=text,
        facts=text,
        mark=None,
        totals=(FigureText(text, text, text),) * 4,
        dose_title=text,
        dose_heads=("¼", "½", "¾", "1"),
        doses=(Dose(text, ("1 ml",) * 4),) * 2,
        dose_note=text,
        safety_title=text,
        safety=(text,) * 6,
        walk=text,
        ground=ground(),
        legend=text,
        heads=("No.", text, text, text, text),
        stops=tuple(
            Stop(f"Z{number}", Counted(f"row{number}x", text), Counted("1", text), "1 m²", "¼", "1 L")
            for number in range(1, stops + 1)
        ),
        footer=text,
    )


@pytest.mark.parametrize("stops", [1, 5, 6, 7, 12, 13, 20, 26, 29, MOST_ROWS])
def test_every_stop_is_on_one_of_at_most_two_pages(stops: int) -> None:
    read_back = pages(sheet(contents(stops)))
    assert len(read_back) == (1 if stops < 8 else len(read_back)) <= 2
    assert all(f"row{number}x" in " ".join(read_back) for number in range(1, stops + 1))


@settings(max_examples=8, deadline=None)
@given(WORDS, st.integers(0, MOST_ROWS))
def test_two_pages_whatever_there_is_to_tell(text: str, stops: int) -> None:
    made = sheet(contents(stops, text))
    assert len(pages(made)) <= 2
    assert len(made) <= 1_000_000


def test_more_stops_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        sheet(contents(MOST_ROWS + 1))
