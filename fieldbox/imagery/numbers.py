"""Numbers out of metadata that may hold anything: what is no finite number is None."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

_LONGEST = 64
_YEARS = range(1970, 2200)


def number(value: Any) -> float | None:
    """`value` (number, rational, text such as "+39.80" or "1/2", or a tuple of one) as a finite float."""
    if isinstance(value, tuple | list):
        return number(value[0]) if len(value) == 1 else None
    if isinstance(value, bytes):
        return None
    if isinstance(value, str):
        return _from_text(value)
    try:
        result = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def within(value: float | None, low: float, high: float) -> float | None:
    """`value` where low <= value <= high, else None."""
    return value if value is not None and low <= value <= high else None


def turn(degrees: float) -> float:
    """The same direction in [0, 360): what is left of a hair below 0 would round to 360."""
    turned = degrees % 360.0
    return turned if turned < 360.0 else 0.0


def clock(told: datetime) -> datetime | None:
    """`told`, naive, where it can be the clock of a camera, set or not, else None: a year that is far off is no time, and
    nothing can be added to the last one that there is."""
    return told.replace(tzinfo=None) if told.year in _YEARS else None


def _from_text(text: str) -> float | None:
    text = text.strip().strip("\x00")
    if not text or len(text) > _LONGEST or "_" in text:
        return None
    above, slash, below = text.partition("/")
    try:
        result = float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        return None
    return result if math.isfinite(result) else None
