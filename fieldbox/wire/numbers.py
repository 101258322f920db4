"""Numbers as bytes: seven bits to a byte, the low ones first, the top bit set where more follow (LEB128), and decimals as JSON
writes them."""

from __future__ import annotations

import re
from typing import Final

MOST_BITS: Final = 63
LEAST_PLACES: Final = -3
MOST_PLACES: Final = 6
_EXACT: Final = 2**53
"""Up to here floats hold every whole number, so that dividing by a power of ten gives the float nearest to the decimal."""
_PLAIN = re.compile(r"(-?\d+)(?:\.(\d+))?")


class Unfit(ValueError):
    """A value that has no short form, or bytes that are none."""


class Reader:
    """Takes bytes apart, from the first to the last. Every method raises Unfit where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        """Bytes that were not taken yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if not 0 <= count <= self.left:
            raise Unfit("bytes")
        self._at += count
        return self._data[self._at - count : self._at]

    def whole(self) -> int:
        """A whole number from 0 on."""
        value = 0
        for shift in range(0, MOST_BITS, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Unfit("number")

    def signed(self) -> int:
        """A whole number of either sign."""
        value = self.whole()
        return value >> 1 ^ -(value & 1)


def whole(value: int) -> bytes:
    """A whole number from 0 on. Raises Unfit for others."""
    if not (type(value) is int and 0 <= value < 2**MOST_BITS):
        raise Unfit("number")
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def signed(value: int) -> bytes:
    """A whole number of either sign: 0, -1, 1, -2, ... count as 0, 1, 2, 3, ... Raises Unfit where it is too large."""
    return whole(2 * value if value >= 0 else -2 * value - 1)


def places_of(value: float) -> int:
    """Decimal places that a number has as JSON; of a whole one with zeros at its end less than 0, down to `LEAST_PLACES`.

    Raises Unfit where it has an exponent or too many.
    """
    told = _PLAIN.fullmatch(repr(value))
    if told is None or type(value) not in (int, float):
        raise Unfit("number")
    places = len((told[2] or "").rstrip("0"))
    if places > MOST_PLACES:
        raise Unfit("places")
    return places or -min(len(told[1]) - len(told[1].rstrip("0")), -LEAST_PLACES)


def scaled(value: float, places: int) -> int:
    """A number times ten to the power of `places`, which are as many as it has or more. Raises Unfit where it is too large."""
    front, _dot, rest = repr(value).partition(".")
    number = int(front + rest.rstrip("0").ljust(max(0, places), "0"))
    number //= ten_to(max(0, -places))
    if abs(number) >= _EXACT:
        raise Unfit("number")
    return number


def unscaled(number: int, places: int) -> float:
    """The number that `scaled` was given; whole ones as int, as `json` reads them where no point is written."""
    if abs(number) >= _EXACT or not LEAST_PLACES <= places <= MOST_PLACES:
        raise Unfit("number")
    if places <= 0:
        return number * ten_to(-places)
    parts = ten_to(places)
    return number // parts if number % parts == 0 else number / parts


def ten_to(power: int) -> int:
    """Ten to a power from 0 on."""
    return int(10**power)
