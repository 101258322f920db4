"""How often somebody may guess a password.

Wrong tries are counted, each for one of three:

- a browser that has logged in to this account before: it carries a cookie that says so, signed by the box. It has a count of its
  own, so that nobody else uses it up: neither another phone behind the same hotspot, nor somebody who guesses the owner's
  password from all over the network. (OWASP calls them device cookies:
  https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies)
- the account, for all browsers that have never logged in to it, wherever they are: who has many addresses gains nothing.
- the address, for all accounts together, of browsers that are not known: who has many names to try gains nothing.

What can be lost: while somebody guesses at an account, its owner cannot log in *with a browser that is new to the box*, until
the guessing has ceased for a minute, at worst a quarter of an hour. A one-time link works all the same. Names that there are
not are counted as well: the count tells nobody which names there are.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from werkzeug.exceptions import TooManyRequests

SECONDS: Final = {"minute": 60, "hour": 3600}
MOST_KEYS: Final = 10_000
"""Addresses, accounts and browsers that are counted; beyond it those whose last try was longest ago are forgotten. Give short
ones: what somebody typed, by its digest (`digest`)."""

TOGETHER: Final = "together"
"""The key of what all share."""


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


class Tries:
    """Counts tries in memory, by a clock that nobody sets: for each key by itself, for TOGETHER by limits of its own.

    Threads may share it.
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        clock: Callable[[], float] = time.monotonic,
        together: Sequence[Limit] = (),
    ) -> None:
        self._limits, self._clock, self._together = limits, clock, together
        self._longest = max(limit.seconds for limit in (*limits, *together))
        self._at: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one(self, *keys: Hashable) -> Iterator[_Try]:
        """A try that counts for all of `keys`, unless it is said to be right before the block ends.

        It is counted before it is made: many at once gain nothing.

        Raises:
            TooManyRequests: not now; `retry_after` tells in how many seconds.
        """
        now = self._clock()
        with self._lock:
            self._forget(now)
            wait = max(self._wait(key, now) for key in keys)
            if wait > 0:
                raise TooManyRequests(retry_after=int(wait) + 1)
            for key in keys:
                self._note(key, now)
        made = _Try()
        yield made
        if made.right:
            self._take_back(keys, now)

    def _wait(self, key: Hashable, now: float) -> float:
        times = self._at.get(key, deque())
        while times and times[0] <= now - self._longest:
            times.popleft()
        limits = self._together if key == TOGETHER else self._limits
        full = [limit for limit in limits if len(times) >= limit.many]
        return max((times[-limit.many] + limit.seconds - now for limit in full), default=0.0)

    def _note(self, key: Hashable, now: float) -> None:
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

    def _take_back(self, keys: Sequence[Hashable], at: float) -> None:
        with self._lock:
            for key in keys:
                times = self._at.get(key)
                if times and at in times:
                    times.remove(at)


@dataclass(slots=True)
class _Try:
    right: bool = False
