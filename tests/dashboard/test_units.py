"""Areas in the reader's own unit, numbers as the language groups them."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard import units
from fieldbox.dashboard.language import number
from fieldbox.domain import SQUARE_METRES, AreaUnit, Interval
from tests.dashboard.conftest import token_of


@pytest.mark.parametrize(
    ("unit", "words"),
    [("ha", "0.24 ha"), ("acre", "0.59 acres"), ("guntha", "23.7 guntha"), ("bigha-east", "1.79 bigha")],
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
    assert re.search(r'<strong>[\d.]+</strong> <span class="unit">guntha', page)
    assert client.post("/area-unit", data={**form, "area_unit": "furlong"}).status_code == 400


def test_numbers_are_grouped_as_the_language_does(app: Flask) -> None:
    with app.test_request_context(headers={"Cookie": "language=hi"}):
        assert number(1234567.5, 1) == "12,34,567.5"
    with app.test_request_context(headers={"Cookie": "language=en"}):
        assert number(1234567) == "1,234,567"
