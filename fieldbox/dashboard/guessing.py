"""How often somebody may guess a password.

Wrong tries are counted, each for some of these:

- a browser that has logged in to this account before: it carries a cookie that says so, signed by the box. It has a count of its
  own, so that nobody else uses it up: neither another phone behind the same hotspot, nor somebody who guesses the owner's
  password from all over the network. (OWASP calls them device cookies:
  https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies)
- the address, for all accounts together, of browsers that are not known: who has many names to try gains nothing.
- the account, for all browsers that have never logged in to it, wherever they are: who has many addresses gains little.
- FIRST: an address' first three tries a day at an account, which are not counted for the account. So who guesses does not keep
  out the owner either who logs in with a phone that is new to the box: it has an address of its own.
- FIRSTS: all such first tries at an account together, a thousand a day.

What an attacker can try at an account in a day: 15 in each quarter of an hour, 1,440, and three from each further address: 750 on
a farm's Wi-Fi, which has some 250; 1,000 with addresses without end. With 2,440 tries he finds a password that is among the first
million that he would think of with a chance of 0.25 %, and one of four words out of 2,000 with 1.5e-10. What many choose, which
he would try first, is refused when a password is set (`passwords.commonest`).

What can be lost: while somebody guesses from more than 300 addresses, or from behind the owner's own (a hotspot), the owner
cannot log in *with a browser that is new to the box*, until the guessing has ceased. A one-time link works all the same; links
are not counted, for nobody guesses 24 bytes. Names that there are not are counted as well: the count tells nobody which names
there are.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from werkzeug.exceptions import TooManyRequests

SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86_400}
MOST_KEYS: Final = 10_000
"""Addresses, accounts and browsers that are counted; beyond it those whose last try was longest ago are forgotten. Give short
ones: what somebody typed, by its digest (`digest`)."""

FIRST: Final = "first"
FIRSTS: Final = "firsts"
OF_FIRST: Final = "3 per day"
"""Of an address at an account."""
OF_FIRSTS: Final = "1000 per day"
"""Of all addresses at an account."""
Keys = Sequence[tuple[str, Hashable]]
"""Each: of what kind it is, and which one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries within so many seconds."""

    many: int
    seconds: float


def limits_of(text: str) -> tuple[Limit, ...]:
    """Read "5 per minute; 15 per 15 minutes". Raises ValueError."""
    found = []
    for part in text.split(";"):
        many, _per, span = part.strip().partition(" per ")
        count, _blank, unit = span.rpartition(" ")
        found.append(Limit(int(many), int(count or 1) * SECONDS[unit.removesuffix("s")]))
    return tuple(found)


def digest(typed: str) -> str:
    """A key for what somebody typed, who may type much; capitals make no difference."""
    return hashlib.sha256(typed.casefold().encode("utf-8", "replace")).hexdigest()


def _longest(limits: Sequence[Limit]) -> float:
    return max(limit.seconds for limit in limits)


def count_log_ins(limits: str, clock: Callable[[], float] = time.monotonic) -> Tries:
    """A count of wrong passwords."""
    return Tries(limits_of(limits), clock, {FIRST: limits_of(OF_FIRST), FIRSTS: limits_of(OF_FIRSTS)})


def stranger_at(account: int | str, address: str | None) -> tuple[Keys, Keys]:
    """What a try counts for of a browser that has never logged in to an account: its first tries, then those at the account."""
    at = ("address", address)
    return (at, (FIRST, (account, address)), (FIRSTS, account)), (at, ("account", account))


class Tries:
    """Counts tries in memory, by a clock that nobody sets: for each key by itself, of some kinds by limits of their own.

    Threads may share it.
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        clock: Callable[[], float] = time.monotonic,
        kinds: Mapping[str, Sequence[Limit]] | None = None,
    ) -> None:
        self._limits, self._clock, self._kinds = limits, clock, dict(kinds or {})
        self._longest = max(_longest(each) for each in (limits, *self._kinds.values()))
        self._at: dict[tuple[str, Hashable], deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one(self, *ways: Keys) -> Iterator[_Try]:
        """A try that counts for all keys of the first of `ways` that is open, unless it is said to be right in the block.

        It is counted before it is made: many at once gain nothing.

        Raises:
            TooManyRequests: not now; `retry_after` tells in how many seconds.
        """
        now = self._clock()
        with self._lock:
            self._forget(now)
            waits = [max(self._wait(key, now) for key in keys) for keys in ways]
            if min(waits) > 0:
                raise TooManyRequests(retry_after=int(min(waits)) + 1)
            keys = ways[waits.index(0.0)]
            for key in keys:
                self._note(key, now)
        made = _Try()
        yield made
        if made.right:
            self._take_back(keys, now)

    def _wait(self, key: tuple[str, Hashable], now: float) -> float:
        times, limits = self._at.get(key, deque()), self._kinds.get(key[0], self._limits)
        while times and times[0] <= now - _longest(limits):
            times.popleft()
        full = [limit for limit in limits if len(times) >= limit.many]
        return max((0.0, *(times[-limit.many] + limit.seconds - now for limit in full)))

    def _note(self, key: tuple[str, Hashable], now: float) -> None:
        times = self._at.pop(key, deque())
        times.append(now)
        self._at[key] = times  # at the end: the dictionary is in the order of the last tries
        if len(self._at) > MOST_KEYS:
            del self._at[next(iter(self._at))]

    def _forget(self, now: float) -> None:
        # The longest ago come first; they are looked at as far as they are too old.
        while self._at:
            key, times = next(iter(self._at.items()))
            if times and times[-1] > now - self._longest:
                return
            del self._at[key]

    def _take_back(self, keys: Keys, at: float) -> None:
        with self._lock:
            for key in keys:
                times = self._at.get(key)
                if times and at in times:
                    times.remove(at)


@dataclass(slots=True)
class _Try:
    right: bool = False
