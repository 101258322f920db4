"""Codes by which a reply names a survey: a digit, a letter, a digit, like 7A1.

No letter is used that looks like a digit, so one that was misread is read right all the same: 7AI and 7Al are 7A1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

from blake3 import blake3

LETTERS: Final = "ACDEFHJKMNPRTUVWXY"
_DIGITS: Final = "0123456789"
COUNT: Final = len(_DIGITS) ** 2 * len(LETTERS)
RECENT: Final = 500
"""Of so many texts before, none has the same code for another survey."""
_STEP: Final = 1019
"""Shares no factor with COUNT, so that all codes come up."""
_LOOKS_LIKE: Final = str.maketrans("OQILSBZG", "00115826")


def free_code(survey_id: str, taken: Collection[str]) -> str:
    """A code for a survey that is not among `taken`; the same for the same survey as long as that is free."""
    return next(code for code in _codes(survey_id) if code not in taken)


def read_code(text: str) -> str | None:
    """The code that somebody typed, with digits of any script; None: it is none."""
    told = "".join(str(unicodedata.digit(letter, letter)) for letter in text.upper())
    if len(told) != 3:
        return None
    code = told[0].translate(_LOOKS_LIKE) + told[1] + told[2].translate(_LOOKS_LIKE)
    fits = code[0] in _DIGITS and code[1] in LETTERS and code[2] in _DIGITS
    return code if fits else None


def _codes(survey_id: str) -> Iterator[str]:
    start = int.from_bytes(blake3(survey_id.encode()).digest(8)) % COUNT
    for place in range(COUNT):
        rest, last = divmod((start + place * _STEP) % COUNT, len(_DIGITS))
        letter, first = rest % len(LETTERS), rest // len(LETTERS)
        yield f"{_DIGITS[first]}{LETTERS[letter]}{_DIGITS[last]}"
