"""How the value of a setting is written, and what it may be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from fieldbox.domain import LinkKind


@dataclass(frozen=True, slots=True)
class Bounds:
    """Allowed values of a number, ends included."""

    low: float
    high: float


def bounded(default: Any, low: float, high: float) -> Any:
    """A dataclass field whose number must lie between `low` and `high`."""
    return field(default=default, metadata={"bounds": Bounds(low, high)})


@contextmanager
def of(key: str) -> Iterator[None]:
    """Name the setting that an error is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def one_of(value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")


def phone_number(text: str) -> str:
    """A number with its country's, without blanks and hyphens. Raises ValueError."""
    found = re.sub(r"[\s()-]", "", text)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", found):
        raise ValueError(f"{text!r} is no telephone number with its country's, like +919812345678")
    return found


def listed(text: str) -> list[str]:
    return [one for one in (part.strip() for part in text.split(",")) if one]


def link_kind(name: str) -> LinkKind:
    known = [one.value for one in LinkKind]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"{name!r} is no kind of link ({meant})")
    return LinkKind(name)


def told_of_link(text: str, example: str) -> tuple[LinkKind, str]:
    kind, _space, value = text.partition(" ")
    if not value.strip():
        raise ValueError(f"{text!r} is not like modem {example}")
    return link_kind(kind), value.strip()


def megabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1_000_000:
        raise ValueError(f"{text!r} is no number of MB: say modem 20")
    return value


def span(text: str) -> tuple[time, time]:
    start, _dash, end = text.partition("-")
    try:
        found = time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not like 21:00-05:30") from None
    if found[0] == found[1]:
        raise ValueError(f"{text!r} begins when it ends: leave it out")
    return found
