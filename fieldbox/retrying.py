"""When to try again: a pure function of how often it was tried, and of who asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from blake3 import blake3

FIRST: Final = timedelta(minutes=2)
LONGEST: Final = timedelta(hours=6)
_JITTER: Final = 0.25
_DOUBLINGS: Final = 20
"""More of them would not change anything, and overflow."""


def pause(attempts: int, key: str, *, first: timedelta = FIRST, longest: timedelta = LONGEST) -> timedelta:
    """How long to wait after so many attempts (from 1): doubled each time up to `longest`, a quarter more or less by `key`.

    The jitter comes of a digest and not of chance, so that a thousand boxes spread out and a test can say what is right.
    """
    doubled: timedelta = min(first * 2 ** min(max(0, attempts - 1), _DOUBLINGS), longest)
    share = int.from_bytes(blake3(f"{key} {attempts}".encode()).digest(4)) / 2**32
    return doubled * (1 + _JITTER * (2 * share - 1))


def is_due(next_try: datetime | None, now: datetime, *, longest: timedelta = LONGEST) -> bool:
    """Whether it may be tried again.

    A time that lies further ahead than any pause was set while the clock was wrong: it counts as come.
    """
    return next_try is None or next_try <= now or next_try > furthest(now, longest=longest)


def furthest(now: datetime, *, longest: timedelta = LONGEST) -> datetime:
    """The latest time that a pause which began by now can end."""
    return now + longest * (1 + _JITTER)
