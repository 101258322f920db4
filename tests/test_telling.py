"""What the hub is told when a survey is made, made anew, or counts again: with a real store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldbox.config import Config, StorageConfig, SummaryConfig
from fieldbox.domain import (
    Detection,
    FieldMap,
    Flight,
    Interval,
    Message,
    MessageKind,
    MessageState,
    Outgoing,
    Spraying,
    Survey,
)
from fieldbox.georef.plane import GroundPlane
from fieldbox.storage.store import Store
from fieldbox.summary.alert import withdrawal
from fieldbox.telling import Fresh, told_of
from fieldbox.wire.ids import key_of
from tests.storage.samples import START, Clock, add_captures, capture, detection, survey

PLANE = GroundPlane.for_point(12.0, 77.0)
GONE = np.full((2, 2), np.nan, np.float32)
GRID = FieldMap(32643, 0, 0, 1, np.zeros((2, 2), np.float32), *([GONE] * 8))
RING = ((77.0, 12.0), (77.001, 12.0), (77.001, 12.001), (77.0, 12.001))


class Farm:
    """A field that is flown again and again."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store, self.config, self.clock = store, config, Clock()
        self.field = store.add_field("Long strip", RING, drawn=True)

    def flight(self, number: int) -> Flight:
        photos = [capture(100 * number + each) for each in range(2)]
        add_captures(self.store, photos)
        began = START.replace(tzinfo=None) + timedelta(days=7 * number)
        flight = Flight(key_of("flight", str(number)), self.field.id, began, began, tuple(photos))
        self.store.save_flight(flight)
        return flight

    def survey(self, flight: Flight, weeds: int, name: str = "") -> Survey:
        """With so many weeds, to a tenth."""
        return replace(
            survey(flight, key_of("survey", flight.id, name)),
            made_at=self.clock(),
            release="weeds@3",
            weed_count=weeds,
            weed_count_interval95=Interval(0.9 * weeds, 1.1 * weeds),
        )

    def fresh(self, made: Survey, flight: Flight, found: list[Detection]) -> Fresh:
        return Fresh(made, self.field, flight, GRID, found, PLANE)

    def tell(self, flight: Flight, made: Survey, found: list[Detection] | None = None) -> list[Outgoing]:
        """Make a survey known; what is told of it."""
        told = told_of(self.config, self.store, self.fresh(made, flight, found or []))
        self.store.save_survey(
            made,
            found or [],
            told,
            plan_key=f"plan {made.id}",
            release_sha="sha",
            to_geographic=PLANE.to_geographic,
        )
        return told

    def alerts(self, *states: MessageState) -> list[Message]:
        """Oldest first."""
        told = [one for one in self.store.messages() if one.kind is MessageKind.ALERT]
        return sorted((one for one in told if not states or one.state in states), key=lambda one: one.id)

    def carry(self, messages: list[Message], *, arrives: bool) -> None:
        ids = [one.id for one in messages]
        self.store.mark_sent(ids, batch="ab" * 8, carrier="mqtt", size=500, now=START)
        if arrives:
            self.store.acknowledge(START, ids=ids)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    config = Config(storage=StorageConfig(root=tmp_path))
    with Store.open(tmp_path / "fieldbox.db") as store:
        yield Farm(store, config)


def why(message: Message | Outgoing) -> Any:
    return json.loads(message.body)["why"]


def weeds(flight: Flight, farm: Farm, count: int) -> list[Detection]:
    """In a row along the middle of the field."""
    east, north = (float(one) for one in PLANE.to_ground(12.0005, 77.0005))
    return [detection(flight, east + 0.5 * number, north) for number in range(count)]


def test_the_first_survey_of_a_field_raises_no_alert(farm: Farm) -> None:
    flight = farm.flight(1)
    told = farm.tell(flight, farm.survey(flight, 120))
    assert [one.kind for one in told] == [MessageKind.SUMMARY, MessageKind.ALERT]
    assert told[1].withdraws
    assert farm.alerts() == []  # there was none to withdraw


def test_weeds_that_rose_since_the_last_flight_raise_one(farm: Farm) -> None:
    for number, count in ((1, 900), (2, 120), (3, 400)):
        flight = farm.flight(number)
        farm.tell(flight, farm.survey(flight, count))
    (alert,) = farm.alerts(MessageState.WAITING)  # against the second flight, not the first
    assert why(alert) == ["weeds"]
    assert json.loads(alert.body)["since"] == "2026-06-15"
    assert farm.store.messages_of(json.loads(alert.body)["survey"])[-1].id == alert.id


def test_an_earlier_flight_that_comes_late_is_not_held_against_a_later_one(farm: Farm) -> None:
    later, earlier = farm.flight(3), farm.flight(2)
    farm.tell(later, farm.survey(later, 120))
    farm.tell(earlier, farm.survey(earlier, 900))
    assert farm.alerts() == []


def test_a_survey_by_another_model_is_not_compared(farm: Farm) -> None:
    one, other = farm.flight(1), farm.flight(2)
    farm.tell(one, replace(farm.survey(one, 120), release="weeds@2"))
    farm.tell(other, farm.survey(other, 900))
    assert farm.alerts() == []


def risen(farm: Farm) -> tuple[Flight, Message]:
    """A field with an alert of its second flight."""
    first, second = farm.flight(1), farm.flight(2)
    farm.tell(first, farm.survey(first, 120))
    farm.tell(second, farm.survey(second, 900))
    (alert,) = farm.alerts(MessageState.WAITING)
    return second, alert


def test_an_alert_that_nobody_heard_is_dropped_without_a_word(farm: Farm) -> None:
    flight, alert = risen(farm)
    farm.tell(flight, farm.survey(flight, 121, "again"))
    assert [(one.id, one.state) for one in farm.alerts()] == [(alert.id, MessageState.SUPERSEDED)]


@pytest.mark.parametrize("arrives", [True, False])
def test_an_alert_that_somebody_may_have_heard_is_withdrawn(farm: Farm, arrives: bool) -> None:
    flight, alert = risen(farm)
    farm.carry([alert], arrives=arrives)
    farm.tell(flight, farm.survey(flight, 121, "again"))
    (gone,) = farm.alerts(MessageState.WAITING)
    assert (why(gone), gone.replaces) == ([], (alert.id,))


@pytest.mark.parametrize(("arrives", "again"), [(True, 0), (False, 1)])
def test_what_the_hub_knows_to_be_withdrawn_is_not_withdrawn_again(
    farm: Farm, arrives: bool, again: int
) -> None:
    flight, alert = risen(farm)
    farm.carry([alert], arrives=True)
    farm.tell(flight, farm.survey(flight, 121, "again"))
    farm.carry(farm.alerts(MessageState.WAITING), arrives=arrives)
    farm.tell(flight, farm.survey(flight, 122, "and again"))
    assert len(farm.alerts(MessageState.WAITING)) == again


def test_an_alert_of_a_new_analysis_goes_in_the_place_of_the_old_one(farm: Farm) -> None:
    flight, alert = risen(farm)
    farm.tell(flight, farm.survey(flight, 700, "again"))
    (newer,) = farm.alerts(MessageState.WAITING)
    assert (why(newer), newer.replaces) == (["weeds"], (alert.id,))


def test_an_alert_of_another_flight_stands(farm: Farm) -> None:
    _flight, alert = risen(farm)
    third = farm.flight(3)
    farm.tell(third, farm.survey(third, 120))
    assert [one.id for one in farm.alerts(MessageState.WAITING)] == [alert.id]


def test_an_analysis_that_counts_again_takes_back_the_alert_of_another(farm: Farm) -> None:
    first, second = farm.flight(1), farm.flight(2)
    farm.tell(first, farm.survey(first, 120))
    quiet = farm.survey(second, 121, "quiet")
    farm.tell(second, quiet)
    farm.tell(second, farm.survey(second, 900, "loud"))
    farm.carry(farm.alerts(), arrives=True)
    farm.store.confirm_survey(quiet.id, [], [withdrawal(quiet, farm.field, second)])
    (gone,) = farm.alerts(MessageState.WAITING)
    assert why(gone) == []
    assert json.loads(gone.body)["survey"] == quiet.id


def test_an_analysis_that_counts_again_tells_its_alert_again(farm: Farm) -> None:
    flight, alert = risen(farm)
    loud = json.loads(alert.body)["survey"]
    farm.tell(flight, farm.survey(flight, 121, "quiet"))
    made = farm.store.survey(loud)
    assert made is not None
    farm.store.confirm_survey(loud, [], [withdrawal(made, farm.field, flight)])
    assert [why(one) for one in farm.alerts(MessageState.WAITING)] == [["weeds"]]


def test_spraying_that_somebody_told_is_in_the_summary_and_may_raise_an_alert(farm: Farm) -> None:
    flight = farm.flight(1)
    made = replace(farm.survey(flight, 40), stand=None)
    found = weeds(flight, farm, 40)
    summary = json.loads(farm.tell(flight, made, found)[0].body)
    assert "spray" not in summary  # nobody told

    farm.store.spray(farm.field.id, Spraying(swath_m=3.0))
    told = farm.tell(flight, replace(made, id=key_of("a")), found)
    spray = json.loads(told[0].body)["spray"]
    assert spray["ha"][1] <= spray["ha"][0] <= spray["ha"][2]
    assert spray["l"][0] == pytest.approx(200 * spray["ha"][0], rel=0.1)
    assert told[1].withdraws  # nobody told from when it pays

    farm.store.spray(farm.field.id, Spraying(swath_m=3.0, from_per_m2=0.01))
    told = farm.tell(flight, replace(made, id=key_of("b")), found)
    assert why(told[1]) == ["spray"]


def test_what_cannot_be_prescribed_is_absent(farm: Farm) -> None:
    flight = farm.flight(1)
    farm.store.spray(farm.field.id, Spraying(swath_m=3.0))
    none = replace(farm.survey(flight, 40), weed_count=None, weed_cover_pct=None, weed_basis=None)
    assert "spray" not in json.loads(farm.tell(flight, none)[0].body)


def test_the_owner_decides_on_the_name(farm: Farm) -> None:
    flight = farm.flight(1)
    assert "Long strip" not in farm.tell(flight, farm.survey(flight, 5))[0].body
    farm.config = replace(farm.config, summary=SummaryConfig(share_name=True))
    assert "Long strip" in farm.tell(flight, farm.survey(flight, 5, "named"))[0].body
