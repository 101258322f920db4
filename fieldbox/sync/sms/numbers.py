"""Telephone numbers as networks tell them."""

from __future__ import annotations

from typing import Final

_LEAST_DIGITS: Final = 8
"""Of a national number that is taken for a whole one."""


def same_number(known: str, heard: str) -> bool:
    """Whether the number that a text came from is `known` (+919812345678).

    A network may leave the country's number out, with a 0 in its place or not; letters are nobody's number.
    """
    told = heard.strip()
    if told.startswith("+") or not (told.isascii() and told.isdigit()):
        return told == known
    national = told.removeprefix("00").lstrip("0")
    whole = known.removeprefix("+")
    return national == whole or (len(national) >= _LEAST_DIGITS and _country_left(whole, national))


def _country_left(whole: str, national: str) -> bool:
    """Whether what is before a national number can be a country's: one to three digits."""
    return whole.endswith(national) and len(whole) - len(national) <= 3
