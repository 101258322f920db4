"""What every message that leaves the farm keeps to: numbers no longer than they are known, texts cut at whole characters, and
nothing of a person."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any, Final

from fieldbox.domain import Interval
from fieldbox.i18n import Param, Sentence

HIDDEN: Final = "…"
_LARGEST: Final = 1.797e308
_COUNTED: Final = 1e12
"""Beyond it a count is told like a measure."""
_LARGE: Final = 1e4
"""Smaller counts are told in full."""
_PLACES, _THOUSANDS = 6, -3
_PHONE = re.compile(r"\+?\d(?:[\s().\-\u2010-\u2015/]*\d){6,}")
"""Seven digits and more (of any script), whatever stands between them: fields have no such names, telephones have."""


def dump(value: Any) -> bytes:
    """JSON without spaces; half of a character becomes a question mark. Raises ValueError for infinities."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )


def in_utc(moment: datetime) -> str:
    """An instant in UTC to the second, with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clip_utf8(text: str, limit: int) -> str:
    """`text` cut to at most `limit` bytes of JSON, at a whole character."""
    while len(dump(text)) - 2 > limit:
        text = text[: max(0, min(len(text) - 1, limit))]
    return text


def without_numbers(text: str) -> str:
    """`text` without what could be a telephone number."""
    return _PHONE.sub(HIDDEN, text)


def in_english(sentence: Sentence) -> str:
    """A sentence for the agronomist: names of files, of points and of whatever else people name are hidden, but a crop's."""
    told = {name: _told(name, value) for name, value in sentence.params.items()}
    return Sentence(sentence.template, told).in_language("en")


def _told(name: str, value: Param) -> Param:
    if not isinstance(value, str):
        return value
    named = any(one.isalpha() for one in value) and name != "crop"
    return HIDDEN if named else without_numbers(value)


def estimate(value: float | None, interval: Interval | None, *, whole: bool = False) -> list[float] | None:
    """[value, low, high], [value] where no interval is known, null where the value is not.

    Both ends and the value have as many decimals as give the interval's half width two significant figures, as usual where
    uncertainties are told (JCGM 100:2008, 7.2.6): more would claim what is not known, and costs bytes.
    """
    if value is None or not math.isfinite(value):
        return None
    if interval is None or not math.isfinite(interval.high - interval.low):
        return [_counted(value) if whole else short(value)]
    numbers = value, interval.low, interval.high
    if whole and abs(value) < _LARGE:
        return [_counted(one) for one in numbers]
    places = _places((interval.high - interval.low) / 2)
    return [short(round(one, places)) for one in numbers]


def _places(half: float) -> int:
    return max(_THOUSANDS, min(_PLACES, 1 - math.floor(math.log10(half)))) if half > 0 else _PLACES


def _counted(value: float) -> float:
    return round(value) if abs(value) < _COUNTED else short(value)


def short(value: float, figures: int = 4) -> float:
    """So many significant figures."""
    rounded = float(f"{value:.{figures}g}")
    if not math.isfinite(rounded):  # the largest floats round up past the largest float
        return math.copysign(_LARGEST, value)
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e9 else rounded
