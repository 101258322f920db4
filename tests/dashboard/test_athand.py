"""What was made a moment ago is at hand, within a bound."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from fieldbox.dashboard.athand import AtHand


def test_the_least_lately_used_goes_first() -> None:
    some: AtHand[bytes] = AtHand(10, len)
    some.put("a", b"1234")
    some.put("b", b"1234")
    assert some.get("a") == b"1234"
    some.put("c", b"1234")
    assert (some.get("a"), some.get("b"), some.get("c")) == (b"1234", None, b"1234")
    assert some.weight == 8


def test_what_is_put_twice_weighs_once() -> None:
    some: AtHand[bytes] = AtHand(10, len)
    some.put("a", b"1234")
    some.put("a", b"123456")
    assert (some.get("a"), some.weight) == (b"123456", 6)


def test_what_weighs_too_much_is_not_kept() -> None:
    some: AtHand[bytes] = AtHand(10, len)
    some.put("a", b"1" * 11)
    assert (some.get("a"), some.weight) == (None, 0)


def test_what_many_ask_for_at_once_is_made_once() -> None:
    some: AtHand[bytes] = AtHand(10, len)
    made, both = [], threading.Barrier(4)

    def ask(_number: int) -> bytes:
        both.wait()
        return some.get_or_make("a", lambda: made.append(1) or b"x")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [b"x"] * 4
    assert made == [1]
