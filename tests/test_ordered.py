"""Results come in order, however long each takes, and work stays bounded."""

from __future__ import annotations

import threading
import time

import pytest

from fieldbox.ordered import AHEAD, in_order


def test_results_are_in_the_order_given() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    assert list(in_order(3, work, range(20))) == [(n, n * n) for n in range(20)]


def test_no_more_than_asked_are_begun_ahead() -> None:
    begun: list[int] = []
    results = in_order(4, begun.append, range(100))
    next(results)
    time.sleep(0.1)
    assert len(begun) <= AHEAD * 4 + 1


def test_what_is_not_begun_when_the_results_are_given_up_is_never_done() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number > 0:
            time.sleep(0.5)  # long enough to be at it when the results are given up, on a busy machine too

    results = in_order(1, work, range(100))
    next(results)
    results.close()
    assert len(begun) <= 2


def test_an_error_comes_at_its_items_turn_and_the_rest_is_not_begun() -> None:
    begun = threading.Semaphore(0)

    def work(number: int) -> int:
        begun.release()
        if number == 2:
            raise ValueError("two")
        return number

    results = in_order(2, work, range(100))
    assert [next(results)[1], next(results)[1]] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    count = 0
    while begun.acquire(blocking=False):
        count += 1
    assert count <= 6


def test_nothing_to_do() -> None:
    assert list(in_order(1, str, [])) == []
