"""What needs somebody: each kind says it in one sentence, and only where it is the case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from fieldbox.dashboard import needs
from fieldbox.dashboard.boxstate import Concern
from fieldbox.dashboard.boxstate import Urgency as OfTheBox
from fieldbox.dashboard.needs import Need, Trend, Urgency
from fieldbox.domain import Finding, Interval, LayerLabel, LinkDoing, LinkState, Verdict, WeedBasis
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import FlightRow, Job, JobState, SurveyBrief

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BRIEF = SurveyBrief(
    id="new",
    flight_id="f2",
    field_id=1,
    release="weeds 3",
    made_at=NOW - timedelta(days=1),
    flown_at=datetime(2026, 11, 19, 9),
    simulated=False,
    gsd_cm=0.3,
    weed_cover_pct=6.0,
    weed_cover_pct_interval95=Interval(5.0, 7.2),
    weed_count=900,
    weed_count_interval95=Interval(800, 1000),
    weed_basis=WeedBasis.PLANTS,
    layer_label=LayerLabel.RGB_ONLY,
    spots=14,
    warning=None,
)
BEFORE = replace(
    BRIEF,
    id="old",
    flown_at=datetime(2026, 11, 4, 9),
    weed_cover_pct=2.0,
    weed_cover_pct_interval95=Interval(1.5, 2.6),
)
FLIGHT = FlightRow("f2", 1, datetime(2026, 11, 19, 9), None, False, NOW - timedelta(days=1), 34, 34, None)


@pytest.fixture(autouse=True)
def asked(app: Flask) -> Iterator[None]:
    """Sentences and addresses are those of a request."""
    with app.test_request_context():
        yield


def test_weeds_that_grew_for_certain_are_told_with_both_dates() -> None:
    need = needs.weeds("North plot", BRIEF, BEFORE, "/fields/1")
    assert need is not None
    assert need.sentence == "North plot: weeds up from 2.0 % to 6.0 % since 4 November 2026, 14 spots."
    assert (need.urgency, need.url, need.link) == (Urgency.SOON, "/fields/1", "Show me")


def test_weeds_that_may_not_have_grown_are_told_with_their_interval() -> None:
    wide = replace(BRIEF, weed_cover_pct=3.0, weed_cover_pct_interval95=Interval(2.0, 4.0))
    need = needs.weeds("North plot", wide, BEFORE, "/fields/1")
    assert need is not None and need.urgency is Urgency.LOOK
    assert need.sentence == "North plot: weeds 3.0 % (2.0–4.0), 14 spots to look at."


@pytest.mark.parametrize(
    "change",
    [
        {"weed_basis": WeedBasis.ROWS},
        {"layer_label": LayerLabel.CALIBRATED},
        {"release": "weeds 2"},
        {"simulated": True},
        {"gsd_cm": 0.7},
        {"weed_cover_pct": None, "weed_cover_pct_interval95": None},
        {"flown_at": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_dates_that_must_not_be_compared_are_not(change: dict[str, object]) -> None:
    before = replace(BEFORE, **change)  # type: ignore[arg-type]
    assert needs.trend(BRIEF, before) is None
    need = needs.weeds("North plot", BRIEF, before, "/fields/1")
    assert need is not None and "up from" not in need.sentence


def test_a_trend_is_only_told_where_the_intervals_are_apart() -> None:
    assert needs.trend(BRIEF, BEFORE) is Trend.UP
    assert needs.trend(BEFORE, BRIEF) is Trend.DOWN
    assert needs.trend(BRIEF, replace(BEFORE, weed_cover_pct_interval95=Interval(1.5, 5.0))) is Trend.LEVEL
    assert needs.trend(BRIEF, None) is None
    assert needs.trend_words(Trend.DOWN, BEFORE) == "Fewer weeds than on 4 November 2026"
    assert needs.trend_words(None, BEFORE) == ""


def test_a_field_without_spots_or_without_known_weeds_needs_nobody() -> None:
    assert needs.weeds("North plot", replace(BRIEF, spots=0), None, "/") is None
    assert needs.weeds("North plot", replace(BRIEF, weed_cover_pct=None), None, "/") is None


def test_a_flight_that_could_not_be_mapped_says_why() -> None:
    job = Job(1, "f2", "r", JobState.FAILED, 1, 0, "look", 1, 2, None, NOW, NOW, NOW)
    need = needs.not_mapped(replace(FLIGHT, job=job), "The disk is full.")
    assert need.sentence.endswith("could not be mapped: The disk is full.")
    assert (need.urgency, need.url, need.since) == (Urgency.NOW, "/flights/f2", NOW)


def test_a_flight_to_be_flown_again_tells_the_gravest_reason() -> None:
    blurred = Finding("blur", Verdict.AGAIN, Sentence("Most photos are blurred."))
    need = needs.fly_again(FLIGHT, "North plot", [Finding("gsd", Verdict.USABLE, Sentence("x")), blurred])
    assert need is not None and need.urgency is Urgency.NOW
    assert need.sentence.startswith("North plot, Flight of 19 Nov 2026")
    assert need.sentence.endswith("should be flown again: Most photos are blurred.")
    assert needs.fly_again(FLIGHT, None, [Finding("gsd", Verdict.USABLE, Sentence("x"))]) is None


def test_photos_without_a_place_are_told_by_how_many() -> None:
    partly = replace(FLIGHT, placed=30)
    some = needs.without_place([FLIGHT, partly])
    assert some is not None and (some.urgency, some.url) == (Urgency.SOMETIME, "/flights/f2")
    assert "4 photos have no place on the map" in some.sentence
    several = needs.without_place([partly, replace(partly, id="f3", placed=33)])
    assert several is not None and several.url == "/flights"
    assert several.sentence == "5 photos of the last flights have no place on the map."
    assert needs.without_place([FLIGHT, replace(FLIGHT, placed=0)]) is None


def test_a_flight_that_is_nowhere_is_more_urgent() -> None:
    none = needs.nowhere(replace(FLIGHT, placed=0))
    assert none is not None and none.urgency is Urgency.SOON
    assert "none of its 34 photos has a place" in none.sentence
    assert needs.nowhere(replace(FLIGHT, placed=1)) is None


def test_control_points_that_nobody_marked() -> None:
    need = needs.control_points(FLIGHT, "North plot")
    assert need.sentence.startswith("North plot has control points, and none is marked")


def test_plants_wait_to_be_checked_only_if_there_are_any() -> None:
    need = needs.review(12, 40, "/review")
    assert need is not None and need.sentence.startswith("12 plants wait for your eyes")
    many = needs.review(40, 40, "/review")
    assert many is not None and many.sentence.startswith("More than 40 plants")
    assert needs.review(0, 40, "/review") is None


@pytest.mark.parametrize(("how", "urgency"), [(OfTheBox.NOW, Urgency.NOW), (OfTheBox.SOON, Urgency.SOON)])
def test_what_the_box_says_of_itself(how: OfTheBox, urgency: Urgency) -> None:
    hot = Concern(how, Sentence("It is too hot: {degrees} °C.", {"degrees": 83}), Sentence("Give it air."))
    need = needs.of_the_box([hot], "/box")
    assert need is not None
    assert (need.urgency, need.sentence) == (urgency, "The box: It is too hot: 83 °C. Give it air.")


def test_all_that_is_wrong_with_the_box_is_one_row() -> None:
    hot = Concern(OfTheBox.SOON, Sentence("It is too hot."), Sentence("Give it air."))
    full = Concern(OfTheBox.NOW, Sentence("Its disk is full."), Sentence("Make room."))
    need = needs.of_the_box([hot, full], "/box")
    assert need is not None
    assert (need.urgency, need.sentence) == (Urgency.NOW, "The box: It is too hot. Its disk is full.")
    assert needs.of_the_box([], "/box") is None


def test_messages_wait_for_days_before_it_is_told() -> None:
    since = NOW - timedelta(days=3)
    need = needs.messages_wait(5, since, NOW, "/outbox")
    assert need is not None
    assert need.sentence == "5 messages wait to be sent, the first since 17 November 2026."
    assert need.since == since
    assert needs.messages_wait(5, NOW - timedelta(hours=30), NOW, "/outbox") is None
    assert needs.messages_wait(0, None, NOW, "/outbox") is None


def test_what_the_link_wants_known() -> None:
    refused = Sentence("The hub does not accept the certificate of this box.")
    state = LinkState(NOW, LinkDoing.WAITING, Sentence("x"), notes=(refused,))
    (need,) = needs.link_notes(state, "/outbox")
    assert need.sentence == "Sending: The hub does not accept the certificate of this box."
    assert needs.link_notes(None, "/outbox") == []


def test_what_the_hub_changed_is_news_for_a_week() -> None:
    need = needs.hub_changed(NOW - timedelta(days=2), NOW, "/settings")
    assert need is not None and "The hub changed settings" in need.sentence
    assert needs.hub_changed(NOW - timedelta(days=8), NOW, "/settings") is None
    assert needs.hub_changed(None, NOW, "/settings") is None


def test_setting_up_is_told_until_no_step_is_left() -> None:
    need = needs.set_up(2, "/setup")
    assert need is not None and need.sentence == "The box is not set up yet: 2 steps are left."
    assert needs.set_up(0, "/setup") is None


def test_the_most_urgent_comes_first_and_equals_as_they_came() -> None:
    made = [Need(urgency, str(number), "", "") for number, urgency in enumerate((3, 1, 0, 1))]  # type: ignore[arg-type]
    assert [one.sentence for one in needs.in_order(made)] == ["2", "1", "3", "0"]
