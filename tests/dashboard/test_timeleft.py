"""How long the work on a flight still takes: by its own pace, and by what the last flights took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from flask import Flask

from fieldbox.dashboard import timeleft
from fieldbox.dashboard.timeleft import Left, Work, left, paces, queued
from fieldbox.domain import Interval


@dataclass(frozen=True)
class Past:
    """A flight that is mapped."""

    photos: int
    spent: Mapping[str, float]
    worked: Mapping[str, int] = field(default_factory=dict)
    reached: Mapping[str, int] = field(default_factory=dict)


def past(photos: int, **spent: float) -> Past:
    """One that was looked at in one go."""
    return Past(photos, spent, dict.fromkeys(spent, 5), dict.fromkeys(spent, 5))


KNOWN = {"align": Interval(0.5, 0.5), "look": Interval(1.0, 2.0), "mosaic": Interval(0.1, 0.2)}


def test_paces_are_the_least_and_the_most_of_the_last_flights() -> None:
    found = paces([past(100, align=50, look=100), past(10, align=5, look=20)])
    assert found == {"align": Interval(0.5, 0.5), "look": Interval(1.0, 2.0)}


def test_a_flight_of_which_a_half_was_kept_counts_for_what_was_looked_at() -> None:
    half = Past(100, {"look": 50.0}, {"look": 50}, {"look": 100})
    assert paces([half]) == {"look": Interval(1.0, 1.0)}
    assert paces([Past(100, {"look": 3.0}, {"look": 0}, {"look": 100})]) == {}


def test_a_step_under_way_goes_on_at_its_own_pace() -> None:
    work = Work(100, "look", 20, 100, {"look": 60.0}, {"look": 20})
    told = left(work, KNOWN)
    assert told is not None and told.whole
    assert (told.low, told.high) == pytest.approx((0.85 * 240 + 10, 1.15 * 240 + 20))


def test_what_was_kept_of_an_earlier_try_does_not_make_the_pace() -> None:
    kept = Work(100, "look", 90, 100, {"look": 30.0}, {"look": 10})
    told = left(kept, {})
    assert told is not None and told.high == pytest.approx(1.15 * 30)


def test_at_the_beginning_of_a_step_the_last_flights_tell() -> None:
    told = left(Work(100, "look", 0, 50), KNOWN)
    assert told == Left(100 + 10, 200 + 20)
    assert left(Work(100), KNOWN) == Left(160, 270)


def test_the_first_flight_of_a_box_tells_of_its_step_alone() -> None:
    told = left(Work(100, "look", 20, 100, {"look": 60.0}, {"look": 20}), {})
    assert told is not None and not told.whole
    assert left(Work(100, "look", 0, 100), {}) is None
    assert left(Work(100), {}) is None


def test_flights_that_wait_come_after_those_before_them() -> None:
    works = [Work(100, "mosaic", 0, 1), Work(10), Work(20)]
    assert queued(works, KNOWN) == [Left(10, 20), Left(26, 47), Left(58, 101)]
    assert queued(works, {}) == [None, None, None]


def test_a_step_that_is_not_known_here_tells_nothing() -> None:
    assert left(Work(10, "polish", 0, 5), KNOWN) is None


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (5, 40, "Less than a minute"),
        (80, 80, "About 1 minute"),
        (340, 390, "About 6 minutes"),
        (300, 540, "About 5–9 minutes"),
        (24 * 60, 26 * 60, "About 25 minutes"),
        (10 * 60, 20 * 60, "About 10–20 minutes"),
        (4 * 3600, 4.1 * 3600, "About 4 hours"),
        (2 * 3600, 3.5 * 3600, "About 2–3.5 hours"),
    ],
)
def test_spans_in_words(app: Flask, low: float, high: float, told: str) -> None:
    with app.test_request_context():
        assert timeleft.about(low, high) == told


def test_what_is_said_of_a_flight_that_waits(app: Flask) -> None:
    with app.test_request_context():
        assert timeleft.in_words(None) == ""
        assert timeleft.in_words(Left(340, 390, whole=False)) == "About 6 minutes left for this step."
        assert timeleft.in_queue(2, Left(1500, 1500)) == "After 2 others, done in about 25 minutes."
        assert timeleft.in_queue(1, None) == "After 1 other."
        assert timeleft.in_queue(0, Left(10, 20)) == "Done in less than a minute."
