"""How often somebody may try."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import TooManyRequests

from fieldbox.dashboard.guessing import (
    MOST_KEYS,
    Limit,
    Tries,
    count_log_ins,
    digest,
    limits_of,
    stranger_at,
)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def wrong(tries: Tries, *keys: str) -> int | None:
    """A wrong try; in how many seconds the next one may be made, if this one may not."""
    try:
        with tries.one([("test", key) for key in keys]):
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
        with tries.one([("test", "a"), ("test", "b")]) as tried:
            tried.right = True
    assert wrong(tries, "a") is None


def test_one_that_is_still_being_made_counts(tries: Tries) -> None:
    with tries.one([("test", "a")]), tries.one([("test", "a")]):
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
    assert list(tries._at) == [("test", "late"), ("test", "now")]


def test_what_was_typed_is_counted_by_a_short_key_whatever_its_capitals() -> None:
    assert len(digest("x" * 64_000)) == 64
    assert digest("Asha") == digest("aSHA") != digest("Ashe")


LIMITS = "5 per minute; 15 per 15 minutes"
MINUTE, DAY = 60, 86_400


def guessed(tries: Tries, address: str) -> bool:
    """Whether a wrong password was heard, of a browser that is not known."""
    try:
        with tries.one(*stranger_at(1, address)):
            return True
    except TooManyRequests:
        return False


def attack(tries: Tries, clock: Clock, addresses: int, minutes: int) -> int:
    """Guess at an account as often as one may, from all addresses; how often that is."""
    heard = 0
    for _minute in range(minutes):
        heard += sum(guessed(tries, f"10.0.{one >> 8}.{one & 255}") for one in range(addresses))
        clock.now += MINUTE
    return heard


def test_who_guesses_from_all_of_a_farms_addresses_keeps_no_new_phone_of_the_owner_out(clock: Clock) -> None:
    tries = count_log_ins(LIMITS, clock)
    attack(tries, clock, addresses=252, minutes=30)
    clock.now -= 1
    assert [guessed(tries, "10.9.9.9") for _ in range(4)] == [True, True, True, False]


def test_who_guesses_at_an_account_tries_no_more_than_the_docstring_says(clock: Clock) -> None:
    tries = count_log_ins(LIMITS, clock)
    heard = 0
    for quarter in range(4 * 24):  # each quarter from other addresses
        for one in range(40):
            heard += sum(guessed(tries, f"{quarter}.{one}") for _ in range(4))
            clock.now += 15
        clock.now += 5 * MINUTE
    assert 2400 <= heard <= 2440


def test_first_tries_come_again_after_a_day(clock: Clock) -> None:
    tries = count_log_ins(LIMITS, clock)
    for _ in range(3):
        with tries.one(*stranger_at(1, "10.0.0.1")):
            clock.now += MINUTE
    with tries.one(*stranger_at(1, "10.0.0.2")) as right:
        right.right = True
    assert ("account", 1) not in tries._at
    guessed(tries, "10.0.0.1")
    assert len(tries._at["account", 1]) == 1
    clock.now += DAY
    guessed(tries, "10.0.0.1")
    assert ("account", 1) not in tries._at
