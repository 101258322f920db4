"""Areas in the reader's own unit, numbers as the language groups them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard import units
from fieldbox.dashboard.language import number
from fieldbox.domain import SQUARE_METRES, AreaUnit, Interval
from tests.dashboard.conftest import token_of


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("ha", "0.24\u00a0ha"),
        ("acre", "0.59\u00a0acres"),
        ("guntha", "23.7\u00a0guntha"),
        ("bigha-east", "1.79\u00a0bigha"),
    ],
)
def test_an_area_is_told_in_the_unit_that_the_reader_chose(app: Flask, unit: str, words: str) -> None:
    with app.test_request_context(headers={"Cookie": f"area_unit={unit}"}):
        assert units.area(0.24) == words


def test_units_are_what_land_records_say() -> None:
    assert SQUARE_METRES[AreaUnit.GUNTHA] == pytest.approx(101.17, abs=0.005)
    assert SQUARE_METRES[AreaUnit.BIGHA_NORTH] == pytest.approx(2529.3, abs=0.05)
    assert SQUARE_METRES[AreaUnit.ACRE] == pytest.approx(100 * SQUARE_METRES[AreaUnit.CENT])


def test_intervals_and_densities_go_with_the_unit(app: Flask) -> None:
    with app.test_request_context(headers={"Cookie": "area_unit=acre"}):
        ends = units.area_range(Interval(1.0, 2.0))
        assert (ends.low, ends.high) == pytest.approx((2.471, 4.942), abs=1e-3)
        assert units.by_area(100_000) == pytest.approx(40_469, abs=1)
        assert units.area(None) == ""


def test_the_choice_is_kept_and_shown_on_the_field(client: FlaskClient) -> None:
    form = {"csrf_token": token_of(client, "/settings"), "area_unit": "guntha", "next": "/fields/1"}
    assert client.post("/area-unit", data=form).headers["Location"] == "/fields/1"
    page = client.get("/fields/1").get_data(as_text=True)
    assert re.search(r'<strong>[\d.]+</strong>&nbsp;<span class="unit">guntha', page)
    assert client.post("/area-unit", data={**form, "area_unit": "furlong"}).status_code == 400


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (lambda: units.quantity(3, "m"), "3\u00a0मी"),
        (lambda: units.quantity(2.5, "L/ha", 1), "2.5\u00a0लि/हे"),
        (lambda: units.distance(2.13), "2.1\u00a0मी"),
        (lambda: units.litres(4.04), "4.0\u00a0लि"),
        (lambda: units.quantity(5, "furlong"), "5\u00a0furlong"),
    ],
)
def test_a_quantity_has_its_unit_in_the_readers_words(
    app: Flask, told: Callable[[], str], words: str
) -> None:
    with app.test_request_context(headers={"Cookie": "language=mr"}):
        assert told() == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.004, "0.4 cm"), (0.24, "24 cm"), (1.3, "1.3 m"), (31.0, "31 m")]
)
def test_a_length_is_told_in_the_unit_that_a_person_would_use(app: Flask, value: float, words: str) -> None:
    with app.test_request_context():
        assert str(units.length(value)) == words.replace(" ", units.NBSP)


@pytest.mark.parametrize(
    ("count", "words"), [(900, "1 KB"), (2_500_000, "2.5 MB"), (12_000_000, "12 MB"), (3e9, "3.0 GB")]
)
def test_bytes_are_told_in_the_unit_that_fits(app: Flask, count: float, words: str) -> None:
    with app.test_request_context():
        assert units.size(count) == words.replace(" ", units.NBSP)


def test_numbers_are_grouped_as_the_language_does(app: Flask) -> None:
    with app.test_request_context(headers={"Cookie": "language=hi"}):
        assert number(1234567.5, 1) == "12,34,567.5"
    with app.test_request_context(headers={"Cookie": "language=en"}):
        assert number(1234567) == "1,234,567"
