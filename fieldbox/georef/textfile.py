"""Small text files that people and programs write by hand: bytes to numbered lines, words to numbers.

Files come from Windows and from spreadsheets: with or without a byte order mark, in UTF-8, UTF-16 or a
Western code page, with any line ends, and with a comma for the decimal point.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

HEIGHTS_M = (-1_000.0, 20_000.0)
"""Above whatever zero, that are believed."""
MAX_BYTES = 1_000_000
MAX_LINES = 5_000
MAX_LINE = 2_000
"""Characters. A longer line is nobody's; as "…" it is reported like any other that cannot be read."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 40
_SHOWN = 60
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A line with something on it. Numbers count from 1, as an editor shows them."""

    number: int
    text: str
    """Without white space around it."""


def lines_of(data: bytes) -> tuple[Line, ...]:
    """The lines that are not blank. Raises Rejected for what is too long or no text."""
    if len(data) > MAX_BYTES:
        raise Rejected(
            N_("The file is larger than {limit} bytes, which no list of positions is: give the list alone."),
            limit=MAX_BYTES,
        )
    parts = _LINE_END.split(_text(data).rstrip())
    if len(parts) > MAX_LINES:
        raise Rejected(
            N_("The file has more than {limit} lines: give the list of one flight at a time."),
            limit=MAX_LINES,
        )
    stripped = ((number, part.strip()) for number, part in enumerate(parts, start=1))
    return tuple(Line(number, text if len(text) <= MAX_LINE else "…") for number, text in stripped if text)


def number(text: str) -> float | None:
    """A finite number, with a point or one comma before its decimals; None for anything else."""
    plain = text.strip()
    if len(plain) > _LONGEST_NUMBER:
        return None
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def height(metres: float | None) -> float | None:
    """`metres` where they can be a height, else None."""
    return metres if metres is not None and HEIGHTS_M[0] <= metres <= HEIGHTS_M[1] else None


def printable(text: str) -> str:
    """A word of the file that can be kept and shown: what would move a cursor, or cannot be stored, becomes "?"."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shown(text: str) -> str:
    """A word of the file as it may stand in a sentence: printable and not too long."""
    plain = printable(text)
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _text(data: bytes) -> str:
    text = _decoded(data).replace("\ufeff", "")
    if "\0" in text:
        raise _no_text()
    return text


def _decoded(data: bytes) -> str:
    if not data.startswith(_UTF16_MARKS):
        return "\n".join(_decoded_line(line) for line in _LINE_END_BYTES.split(data))
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise _no_text() from error


def _decoded_line(line: bytes) -> str:
    """Line by line, so that one odd name does not spoil the others; Latin-1 knows every byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _no_text() -> Rejected:
    return Rejected(N_("The file is no plain text: save it as text (CSV or TXT), not as a spreadsheet."))
