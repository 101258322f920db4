"""What must hold of all that a parser makes of a file: it can be stored, sent, shown and computed with."""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from fieldbox.i18n import Sentence

LONGEST = 2000
"""Characters of a sentence with its words; a file's own words in it are cut."""
_RANGES: dict[str, tuple[float, float]] = {
    "lat": (-90, 90),
    "lon": (-180, 180),
    "height_m": (-20_000, 100_000),
    "altitude_m": (-1_000, 20_000),
    "up_m": (-1_000, 20_000),
    "yaw_deg": (0, 360),
    "pitch_deg": (-360, 460),
    "roll_deg": (-360, 360),
    "error_m": (0, 1e7),
    "height_error_m": (0, 1_000),
    "yaw_error_deg": (0, 180),
    "tilt_error_deg": (0, 180),
    "focal_px": (1, 1e10),
    "focal_error": (0, 1),
    "gsd_m": (1e-5, 1),
    "width": (1, 2**31 - 1),
    "height": (1, 2**31 - 1),
    "time_s": (0, 1e8),
    "step_deg": (0, 1),
}
"""Of fields by their names, wherever they stand; None is always allowed."""


def check(value: Any, name: str = "") -> None:
    """Raise AssertionError, or UnicodeEncodeError, for what no part of the box may be given."""
    if isinstance(value, Sentence):
        _sentence(value)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            check(getattr(value, field.name), field.name)
    elif isinstance(value, Mapping):
        check([*value, *value.values()])
    elif isinstance(value, tuple | list | set | frozenset):
        for one in value:
            check(one)
    else:
        _single(value, name)


def _single(value: Any, name: str) -> None:
    if isinstance(value, bool | None | bytes | Path | Enum | np.ndarray):
        return
    if isinstance(value, str):
        _text(value, name)
    elif isinstance(value, datetime):
        assert value.tzinfo is None, name
        assert 1970 <= value.year < 2200, (name, value)
    else:
        assert isinstance(value, int | float), type(value)
        _number(value, name)


def _sentence(sentence: Sentence) -> None:
    for param in sentence.params.values():
        check(param, "param")
    text = str(sentence)
    assert len(text) <= LONGEST, len(text)
    assert Sentence.from_json(sentence.to_json().encode().decode()) == sentence


def _text(text: str, name: str) -> None:
    """It can be stored and sent, and shown without moving a cursor."""
    text.encode()
    odd = {unicodedata.category(one) for one in text} & {"Cc", "Zl", "Zp"}
    assert not odd, (name, text[:80])


def _number(number: float, name: str) -> None:
    assert math.isfinite(number), (name, number)
    if isinstance(number, int):
        assert abs(number) < 2**63, (name, number)
    low, high = _RANGES.get(name, (-math.inf, math.inf))
    assert low <= number <= high, (name, number)
    if name == "yaw_deg":
        assert number < 360, number
