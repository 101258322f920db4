"""Surveys that must not be compared are refused, each for its reason in one sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fieldbox.domain import Flight, LayerLabel, Measure, Survey, WeedBasis
from fieldbox.mapping.comparable import Side, cautions, indices_of, measure_of, refusal
from tests.storage.samples import capture, survey

FLOWN = datetime(2026, 6, 1, 10, 0)


def made(number: int, **changed: Any) -> Survey:
    flight = Flight(f"flight {number}", 1, FLOWN, None, (capture(number),))
    return replace(survey(flight, f"survey {number}"), **changed)


def side(number: int, **changed: Any) -> Side:
    """The first or the second of two surveys a week apart."""
    own = {name: changed.pop(name) for name in list(changed) if name in Side.__slots__}
    flown = FLOWN + timedelta(days=7 * number)
    told: dict[str, Any] = {
        "flown_at": flown,
        "looked_mm": 3.0,
        "simulated": False,
        "badly_exposed": 0.02,
        **own,
    }
    return Side(survey=made(number, **changed), **told)


def test_two_good_surveys_are_compared_by_their_weeds() -> None:
    assert refusal(side(0), side(1)) is None
    assert measure_of(side(0), side(1)) is Measure.COUNT
    assert cautions(side(0), side(1)) == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"field_id": 2}, "two fields"),
        ({"flight_id": "flight 0"}, "same flight"),
        ({"id": "survey 0"}, "same flight"),
        ({"simulated": True}, "simulated"),
        ({"flown_at": FLOWN - timedelta(days=1)}, "earlier one first"),
        ({"flown_at": FLOWN}, "earlier one first"),
        ({"weed_cover_pct": None}, "No weeds were called"),
        ({"weed_basis": None}, "not known in which way weeds were told"),
        ({"weed_basis": WeedBasis.ROWS}, "grows off the rows"),
        ({"release": "weeds 2"}, "two releases"),
        ({"looked_mm": 6.6}, "2.2 times finer"),
        ({"badly_exposed": 0.4}, "40 %"),
    ],
)
def test_each_reason_is_said_in_one_sentence(wrong: dict[str, Any], said: str) -> None:
    reason = str(refusal(side(0), side(1, **wrong)))
    assert said in reason
    assert reason.endswith(".")
    assert ". " not in reason


@pytest.mark.parametrize("wrong", [{"weed_cover_pct": None}, {"badly_exposed": 0.4}])
def test_a_survey_is_called_by_its_day_where_it_has_one(wrong: dict[str, Any]) -> None:
    assert "the survey 2026-06-08 10:00" in str(refusal(side(0), side(1, **wrong)))
    assert "the survey survey 1" in str(refusal(side(0), side(1, flown_at=None, **wrong)))


def test_another_height_leaves_the_cover() -> None:
    higher = side(1, looked_mm=5.0)
    assert refusal(side(0), higher) is None
    assert measure_of(side(0), higher) is Measure.COVER
    (caution,) = cautions(side(0), higher)
    assert "1.7 times" in str(caution)


def test_weeds_that_one_did_not_count_leave_the_cover() -> None:
    rows = {"weed_basis": WeedBasis.ROWS, "weed_count": None}
    assert refusal(side(0, **rows), side(1, **rows)) is None
    assert measure_of(side(0, **rows), side(1, **rows)) is Measure.COVER
    assert measure_of(side(0), side(1, weed_count=None)) is Measure.COVER


def test_a_flight_without_a_date_is_taken_in_the_order_given() -> None:
    undated = side(0, flown_at=None)
    assert refusal(undated, side(1)) is None
    assert "order" in str(cautions(undated, side(1))[0])


def test_other_hours_of_the_day_are_told() -> None:
    (caution,) = cautions(side(0), side(1, flown_at=FLOWN + timedelta(days=7, hours=5)))
    assert "5 hours" in str(caution)


def test_only_indices_of_calibrated_bands_are_compared() -> None:
    told = {"indices": {"ndvi": 0.5, "ndre": 0.2}, "layer_label": LayerLabel.CALIBRATED}
    later = {"indices": {"ndvi": 0.6}, "layer_label": LayerLabel.CALIBRATED}
    assert indices_of(side(0, **told), side(1, **later)) == {"ndvi": (0.5, 0.6)}
    for label in (LayerLabel.RELATIVE, LayerLabel.RGB_ONLY):
        assert indices_of(side(0, **told), side(1, **{**later, "layer_label": label})) == {}
        assert (
            indices_of(side(0, **{**told, "layer_label": label}), side(1, **{**later, "layer_label": label}))
            == {}
        )
