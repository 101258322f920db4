"""How often somebody may try."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import TooManyRequests

from fieldbox.dashboard.guessing import MOST_KEYS, Limit, Tries, digest, limits_of


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wrong(tries: Tries, *keys: str) -> int | None:
    """A wrong try; in how many seconds the next one may be made, if this one may not."""
    try:
        with tries.one(*keys):
            return None
    except TooManyRequests as error:
        assert isinstance(error.retry_after, int)
        return error.retry_after


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tries(clock: Clock) -> Tries:
    return Tries(limits_of("2 per minute; 3 per 15 minutes"), clock)


def test_limits_are_read() -> None:
    assert limits_of("5 per minute; 15 per 15 minutes; 9 per hour") == (
        Limit(5, 60),
        Limit(15, 900),
        Limit(9, 3600),
    )
    with pytest.raises((ValueError, KeyError)):
        limits_of("5 each day")


def test_after_too_many_one_waits_until_the_oldest_is_forgotten(tries: Tries, clock: Clock) -> None:
    assert wrong(tries, "a") is None
    clock.now = 20
    assert wrong(tries, "a") is None
    assert wrong(tries, "a") == 41
    assert wrong(tries, "b") is None
    clock.now = 61
    assert wrong(tries, "a") is None
    assert wrong(tries, "a") == 840
    clock.now = 901
    assert wrong(tries, "a") is None


def test_a_try_counts_for_all_of_its_keys_and_the_longest_wait_is_told(tries: Tries, clock: Clock) -> None:
    wrong(tries, "address", "account")
    clock.now = 30
    wrong(tries, "address", "other account")
    assert wrong(tries, "address", "third account") == 31
    assert wrong(tries, "third account") is None


def test_what_is_refused_counts_for_nothing(tries: Tries, clock: Clock) -> None:
    for _ in range(10):
        wrong(tries, "a")
    clock.now = 61
    assert wrong(tries, "a") is None


def test_a_right_one_does_not_count(tries: Tries) -> None:
    for _ in range(10):
        with tries.one("a", "b") as tried:
            tried.right = True
    assert wrong(tries, "a") is None


def test_one_that_is_still_being_made_counts(tries: Tries) -> None:
    with tries.one("a"), tries.one("a"):
        assert wrong(tries, "a") == 61


def test_memory_is_bounded(tries: Tries) -> None:
    for number in range(MOST_KEYS + 5):
        wrong(tries, f"{number}")
        wrong(tries, "always")
    assert len(tries._at) == MOST_KEYS
    assert wrong(tries, "always") is not None


def test_who_has_not_tried_for_longer_than_the_longest_limit_is_forgotten(tries: Tries, clock: Clock) -> None:
    for number in range(50):
        wrong(tries, f"{number}")
    clock.now = 890
    wrong(tries, "late")
    clock.now = 901
    wrong(tries, "now")
    assert list(tries._at) == ["late", "now"]


def test_what_was_typed_is_counted_by_a_short_key_whatever_its_capitals() -> None:
    assert len(digest("x" * 64_000)) == 64
    assert digest("Asha") == digest("aSHA") != digest("Ashe")
