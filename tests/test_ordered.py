"""Results come in order, however long each takes, and work stays bounded."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fieldbox.ordered import in_order


def test_results_are_in_the_order_given() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    with ThreadPoolExecutor(3) as pool:
        assert list(in_order(pool, work, range(20), 6)) == [(n, n * n) for n in range(20)]


def test_no_more_than_asked_are_begun_ahead() -> None:
    begun: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        results = in_order(pool, begun.append, range(100), 4)
        next(results)
        time.sleep(0.1)
        assert len(begun) <= 5


def test_an_error_comes_at_its_items_turn_and_the_rest_is_not_begun() -> None:
    begun = threading.Semaphore(0)

    def work(number: int) -> int:
        begun.release()
        if number == 2:
            raise ValueError("two")
        return number

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, work, range(100), 3)
        assert [next(results)[1], next(results)[1]] == [0, 1]
        with pytest.raises(ValueError, match="two"):
            next(results)
    count = 0
    while begun.acquire(blocking=False):
        count += 1
    assert count <= 6


def test_nothing_to_do() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert list(in_order(pool, str, [], 4)) == []
