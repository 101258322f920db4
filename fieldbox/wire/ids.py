"""Ids of messages: they sort by when they were made, and the same content has the same end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from blake3 import blake3

ID_BYTES: Final = 16
TIME_DIGITS: Final = 12
"""Hexadecimal, of the milliseconds since 1970: enough until the year 10889, later than a calendar of Python's goes."""
KEY_DIGITS: Final = 20
_KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def key_of(*parts: str) -> str:
    """The key of some content, of whatever tells it from others."""
    return blake3("\0".join(parts).encode()).hexdigest()[:KEY_DIGITS]


def message_id(at: datetime, key: str, last: str | None) -> str:
    """The id of a message made `at`, after one with the id `last`: never before it, also where the clock was put back.

    Raises ValueError for a key that is none: such an id could never be sent.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"no key of {KEY_DIGITS} hexadecimal digits: {key!r}")
    told = max(0, (at - _EPOCH) // timedelta(milliseconds=1))
    before = int(last[:TIME_DIGITS], 16) if last else -1
    return f"{max(told, before + 1):0{TIME_DIGITS}x}{key}"


def made_at(message: str) -> datetime:
    """When a message was made, as its id tells. Raises ValueError for what is no id, or of no time that there is."""
    try:
        return _EPOCH + timedelta(milliseconds=int(message[:TIME_DIGITS], 16))
    except OverflowError as error:
        raise ValueError(message) from error
