"""Doses and water by the pump, by the acre, by the hectare: told in any of them, kept in litres to the hectare."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from fieldbox.dashboard import decidewords, doses, sprayform
from fieldbox.dashboard.doses import DoseBy, Measures, WaterBy
from fieldbox.domain import SQUARE_METRES, AreaUnit, Prescription, Product, Spraying
from tests.summary.test_sheet import ordered

ACRE_HA = SQUARE_METRES[AreaUnit.ACRE] / 1e4
PUMPS = Measures(DoseBy.PUMP, WaterBy.PUMPS, ACRE_HA)
AREAS = Measures(DoseBy.AREA, WaterBy.AREA, ACRE_HA)
AMOUNTS = st.floats(0.01, 1000)


def told(measures: Measures, **form: str) -> Spraying:
    return sprayform.told_in(MultiDict(form), Spraying(), measures)


def test_millilitres_for_a_pump_and_pumps_for_an_acre_are_kept_by_the_hectare() -> None:
    how = told(PUMPS, tank_l="16", water="10", product0="Quizalofop", dose0="40")
    # 10 pumps of 16 L on 0.4047 ha, 40 ml in each.
    assert how.spray_l_ha == pytest.approx(160 / ACRE_HA)
    assert how.products[0].dose_l_ha == pytest.approx(0.4 / ACRE_HA)
    assert how.dose_ml_tank(how.products[0]) == pytest.approx(40)


def test_millilitres_and_litres_for_an_acre_are_kept_by_the_hectare() -> None:
    how = told(AREAS, water="150", product0="Quizalofop", dose0="400")
    assert how.spray_l_ha == pytest.approx(150 / ACRE_HA)
    assert how.products[0].dose_l_ha == pytest.approx(0.4 / ACRE_HA)


def test_what_a_label_says_to_the_hectare_is_kept_as_it_is() -> None:
    how = told(Measures(), water="200", product0="Quizalofop", dose0="1.25")
    assert (how.spray_l_ha, how.products) == (200.0, (Product("Quizalofop", 1.25),))


@pytest.mark.parametrize("measures", [PUMPS, AREAS, Measures()])
def test_what_was_told_comes_back_as_it_was_told(measures: Measures) -> None:
    form = {"tank_l": "15", "water": "8", "product0": "a", "dose0": "30", "product1": "b", "dose1": "7.5"}
    if measures.water is not WaterBy.PUMPS:
        form |= {"water": "120"}
    shown = sprayform.shown(told(measures, **form), measures)
    assert {name: shown[name] for name in form} == form


@given(AMOUNTS, AMOUNTS, st.floats(1, 400), st.sampled_from([PUMPS, AREAS, Measures()]))
def test_every_measure_leads_back(dose: float, water: float, tank: float, measures: Measures) -> None:
    assert measures.water_l_ha(measures.water_told(water, tank), tank) == pytest.approx(water)
    assert measures.dose_l_ha(measures.dose_told(dose, water, tank), water, tank) == pytest.approx(dose)


def test_a_dose_that_is_more_than_the_pump_is_refused() -> None:
    with pytest.raises(ValueError, match="part of the spray"):
        told(PUMPS, tank_l="15", water="8", product0="a", dose0="15001")


@pytest.mark.parametrize(
    ("unit", "dose", "area_ha"),
    [
        ("ha", DoseBy.HECTARE, 1.0),
        ("acre", DoseBy.PUMP, ACRE_HA),
        ("guntha", DoseBy.PUMP, ACRE_HA),
        ("cent", DoseBy.PUMP, ACRE_HA),
        ("bigha-west", DoseBy.PUMP, SQUARE_METRES[AreaUnit.BIGHA_WEST] / 1e4),
    ],
)
def test_who_reckons_in_acres_begins_with_pumps(app: Flask, unit: str, dose: DoseBy, area_ha: float) -> None:
    with app.test_request_context(headers={"Cookie": f"area_unit={unit}"}):
        found = doses.chosen()
        assert found.dose is dose and found.area_ha == pytest.approx(area_ha)
        assert found.dose.value in doses.dose_ways() and found.water.value in doses.water_ways()


def test_the_measure_that_was_chosen_last_stays(app: Flask) -> None:
    with app.test_request_context(headers={"Cookie": "area_unit=acre; dose_by=area; water_by=hectare"}):
        assert doses.chosen() == Measures(DoseBy.AREA, WaterBy.HECTARE, pytest.approx(ACRE_HA))
        assert doses.chosen({"dose_by": "hectare"}).dose is DoseBy.HECTARE


# -- into the pumps --------------------------------------------------------------------------------


@given(st.floats(0.01, 5000), st.floats(0.5, 100))
def test_full_pumps_and_the_last_one_hold_exactly_what_is_needed(litres: float, tank: float) -> None:
    fills = Spraying(tank_l=tank).fills(litres)
    assert fills.full * tank + fills.last_l == pytest.approx(litres, rel=1e-6)
    assert 0 <= fills.last_l < tank
    assert fills.full + (fills.last_l > 0) == math.ceil(litres / tank - 1e-9)


def mixed(app: Flask, litres: float, *products: Product, tank_l: float = 15.0) -> list[str]:
    how = Spraying(tank_l=tank_l, spray_l_ha=500, products=products)
    found: Prescription = ordered(how).prescription
    found = replace(found, needs=replace(found.needs, spray_l=litres))
    with app.test_request_context():
        return [one.replace("\xa0", " ") for one in decidewords.mixing(found)]


def test_pumps_to_fill_and_what_goes_into_each_are_told(app: Flask) -> None:
    # 1 L in 500 L: 30 ml in a pump of 15 L, 8 ml in 4 L.
    assert mixed(app, 49.0, Product("Quizalofop", 1.0)) == [
        "Fill 3 pumps of 15 L, and one more with 4.0 L.",
        "Quizalofop: 30 ml into each full pump, 8.0 ml into the last one.",
        "A full pump is to be enough for 300 m² of marked ground.",
    ]


def test_where_the_last_pump_is_full_nothing_is_told_of_a_rest(app: Flask) -> None:
    assert mixed(app, 15.0, Product("a", 1.0), Product("b", 0.25))[:3] == [
        "Fill 1 pump of 15 L.",
        "a: 30 ml into each pump.",
        "b: 7.5 ml into each pump.",
    ]


def test_where_one_pump_is_enough_it_is_not_filled_up(app: Flask) -> None:
    assert mixed(app, 2.5, Product("a", 1.0))[:2] == [
        "One pump is enough: fill it with 2.5 L.",
        "a: 5.0 ml into it.",
    ]


def test_a_tank_that_nobody_carries_is_no_pump(app: Flask) -> None:
    assert mixed(app, 900.0, Product("a", 1.0), tank_l=400.0) == []
