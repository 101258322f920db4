"""An alert is raised for its three reasons alone, and is short."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import (
    Economics,
    Interval,
    LayerLabel,
    MessageKind,
    Prescription,
    Spraying,
    Survey,
    WeedBasis,
)
from fieldbox.summary.alert import MAX_BYTES, Earlier, alert_of, subject_of, withdrawal
from fieldbox.wire import compact
from fieldbox.wire.ids import message_id
from fieldbox.wire.schemas import fault
from tests.summary.test_v1 import FIELD, FLIGHT, SURVEY
from tests.summary.treating import prescription
from tests.wire.bodies import facts

SCHEMA = json.loads((files("fieldbox.summary") / "alert-v1.schema.json").read_text())
AFTER = replace(
    SURVEY, weed_basis=WeedBasis.PLANTS, health_index=50.0, health_index_interval95=Interval(48, 52)
)
BEFORE = replace(AFTER, id="f" * 20, flight_id="before")
DAY = datetime(2026, 11, 6, 8, 30)
ECONOMICS = Economics(price_per_t=200, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=40)


def weeds(survey: Survey, value: int, low: float, high: float) -> Survey:
    return replace(survey, weed_count=value, weed_count_interval95=Interval(low, high))


def raised(survey: Survey, before: Survey | None, found: Prescription | None = None) -> dict[str, Any] | None:
    told = alert_of(survey, FIELD, FLIGHT, Earlier(before, DAY) if before else None, found)
    if told is None:
        return None
    assert (told.kind, told.key, told.subject) == (MessageKind.ALERT, survey.id, subject_of(survey))
    return parse(told.body)


def parse(text: str) -> dict[str, Any]:
    assert len(text.encode()) <= MAX_BYTES
    body: dict[str, Any] = json.loads(text)
    jsonschema.validate(body, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert fault(MessageKind.ALERT, text) is None
    identity = message_id(datetime(2026, 11, 23, 10, 6, tzinfo=UTC), AFTER.id, None)
    short = compact.pack(MessageKind.ALERT, text, identity)
    assert facts(compact.unpack(MessageKind.ALERT, short, identity) or "") == facts(text)
    return body


def test_nothing_new_raises_nothing() -> None:
    assert raised(AFTER, None) is None
    assert raised(AFTER, BEFORE) is None


def test_weeds_that_clearly_rose() -> None:
    body = raised(weeds(AFTER, 3000, 2700, 3300), weeds(BEFORE, 1234, 1100, 1400))
    assert body is not None
    assert (body["why"], body["since"], body["flown"]) == (["weeds"], "2026-11-06", "2026-11-20")
    assert body["weeds_ha"] == [[2430, 2080, 2750], [1000, 850, 1170]]
    assert "health" not in body


def test_weeds_that_may_have_risen_by_chance() -> None:
    assert raised(weeds(AFTER, 1500, 1350, 1700), weeds(BEFORE, 1234, 1100, 1400)) is None


def test_weeds_that_fell_are_no_alert() -> None:
    assert raised(weeds(AFTER, 100, 90, 110), weeds(BEFORE, 1234, 1100, 1400)) is None


def test_more_ground_with_as_many_weeds_to_the_hectare_is_no_alert() -> None:
    wide = replace(weeds(AFTER, 3000, 2700, 3300), area_ha=3.0, area_ha_interval95=Interval(2.9, 3.1))
    assert raised(wide, weeds(BEFORE, 1234, 1100, 1400)) is None


def test_weeds_of_another_basis_are_not_compared() -> None:
    other = replace(weeds(BEFORE, 100, 90, 110), weed_basis=WeedBasis.ROWS)
    assert raised(weeds(AFTER, 3000, 2700, 3300), other) is None
    none = replace(AFTER, weed_basis=None)
    assert raised(none, replace(BEFORE, weed_basis=None)) is None


def test_cover_counts_where_one_did_not_count() -> None:
    thick = replace(AFTER, weed_count=None, weed_cover_pct=6.0, weed_cover_pct_interval95=Interval(5, 7))
    body = raised(thick, BEFORE)
    assert body is not None
    assert (body["why"], body["weed_pct"][0]) == (["weeds"], [6, 5, 7])
    assert "weeds_ha" not in body


def test_what_has_no_interval_is_not_compared() -> None:
    bare = replace(AFTER, weed_count=90_000, weed_count_interval95=None, weed_cover_pct_interval95=None)
    assert raised(bare, BEFORE) is None


def test_health_that_clearly_fell() -> None:
    poor = replace(AFTER, health_index=40.0, health_index_interval95=Interval(37, 43))
    body = raised(poor, BEFORE)
    assert body is not None
    assert (body["why"], body["health"]) == (["health"], [[40, 37, 43], [50, 48, 52]])
    assert raised(replace(poor, health_index_interval95=Interval(37, 48.5)), BEFORE) is None
    assert raised(replace(poor, health_index=90.0, health_index_interval95=Interval(88, 92)), BEFORE) is None
    assert raised(replace(poor, layer_label=LayerLabel.CALIBRATED), BEFORE) is None


@pytest.mark.parametrize(
    ("how", "pays"),
    [
        (Spraying(economics=ECONOMICS), True),
        (Spraying(from_per_m2=2.0), True),
        (Spraying(from_cover_pct=3.0), True),
        (Spraying(swath_m=12.0), False),
    ],
)
def test_treating_that_pays_by_what_somebody_told(how: Spraying, pays: bool) -> None:
    body = raised(AFTER, None, prescription(how))
    assert (body is not None) == pays
    if body:
        assert (body["why"], body["spray"]) == (["spray"], {"ha": [0.21, 0.2, 0.23], "l": [42, 40, 46]})


def test_treating_that_pays_nowhere() -> None:
    assert raised(AFTER, None, prescription(Spraying(economics=ECONOMICS), treated=False)) is None
    never = replace(prescription(Spraying(economics=ECONOMICS)), never_pays=True)
    assert raised(AFTER, None, never) is None


def test_all_reasons_at_once_fit() -> None:
    worst = replace(
        weeds(AFTER, 912_345, 801_234, 998_765),
        health_index=12.34,
        health_index_interval95=Interval(10.12, 14.56),
    )
    body = raised(
        worst, weeds(BEFORE, 112_345, 101_234, 118_765), prescription(Spraying(economics=ECONOMICS))
    )
    assert body is not None
    assert body["why"] == ["weeds", "health", "spray"]
    assert {"weeds_ha", "health", "spray", "since", "flown"} <= body.keys()


def test_a_withdrawal_gives_no_reason() -> None:
    told = withdrawal(AFTER, FIELD, FLIGHT)
    assert told.withdraws
    assert told.subject == subject_of(AFTER)
    assert parse(told.body)["why"] == []


number = st.floats(allow_nan=True, allow_infinity=True) | st.none()
interval = st.builds(Interval, st.floats(), st.floats()) | st.none()


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(st.tuples(number, interval), min_size=4, max_size=4),
    code=st.text(min_size=1, max_size=400),
    simulated=st.booleans(),
)
def test_it_always_fits(
    values: list[tuple[float | None, Interval | None]], code: str, simulated: bool
) -> None:
    now, before, well, ill = values
    sides = [
        replace(
            each,
            weed_count=None,
            weed_cover_pct=cover[0],
            weed_cover_pct_interval95=cover[1],
            health_index=health[0],
            health_index_interval95=health[1],
        )
        for each, cover, health in ((AFTER, now, well), (BEFORE, before, ill))
    ]
    field, flight = replace(FIELD, code=code), replace(FLIGHT, simulated=simulated)
    told = alert_of(
        sides[0], field, flight, Earlier(sides[1], DAY), prescription(Spraying(economics=ECONOMICS))
    )
    assert told is not None
    parse(told.body)
