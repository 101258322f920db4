"""The alphabet of texts (GSM 03.38, 3GPP TS 23.038 section 6.2.1), and in how many parts a text goes.

A text whose letters are all of the default alphabet takes a septet a letter, two for those of its extension table; any other goes
as UCS-2, two bytes for each UTF-16 unit. A text that is too long for one message goes in several, each with a header that takes
some of its room (3GPP TS 23.040 section 9.2.3.24.1). National shift tables are not used: few phones are proven to read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ALPHABET: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""By code, 0 to 127; 27 goes before a code of the extension table."""
ESCAPE: Final = 0x1B
EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_CODES: dict[str, tuple[int, ...]] = {
    letter: (code,) for code, letter in enumerate(ALPHABET) if code != ESCAPE
}
_CODES |= {letter: (ESCAPE, code) for code, letter in EXTENSION.items()}
PLAIN: Final = frozenset(ALPHABET) - {"\x1b"}
"""Letters that take one septet."""


class Coding(StrEnum):
    """How a text goes over the air."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


ROOM: Final = {Coding.GSM7: (160, 153), Coding.UCS2: (70, 67)}
"""Septets, or UTF-16 units: of a text of one part, and of each part of a longer one."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text is on the air."""

    coding: Coding
    units: int
    """Septets, or UTF-16 units."""
    parts: int
    """Messages that are sent, and paid for; a text without letters takes one."""


def length_of(text: str) -> Length:
    """How long `text` is: no letter is torn apart between two parts, so these may not be full."""
    coding = coding_of(text)
    sizes = [_size(letter, coding) for letter in text]
    single, each = ROOM[coding]
    units = sum(sizes)
    return Length(coding, units, 1 if units <= single else _parts(sizes, each))


def coding_of(text: str) -> Coding:
    """The shorter coding that has all letters of `text`."""
    return Coding.GSM7 if all(letter in _CODES for letter in text) else Coding.UCS2


def split(text: str) -> list[str]:
    """The parts in which `text` goes."""
    coding = coding_of(text)
    single, each = ROOM[coding]
    if sum(_size(letter, coding) for letter in text) <= single:
        return [text]
    parts, room = [""], each
    for letter in text:
        size = _size(letter, coding)
        if size > room:
            parts, room = [*parts, ""], each
        parts[-1] += letter
        room -= size
    return parts


def septets(text: str) -> list[int]:
    """The codes of `text`, each 0 to 127. Raises ValueError for a letter that the alphabet has not."""
    try:
        return [code for letter in text for code in _CODES[letter]]
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is not in the GSM alphabet") from None


def from_septets(codes: Iterable[int]) -> str:
    """The text of `codes`; a code of the extension table that nobody defined reads as that of the default one."""
    return "".join(_letters(iter(codes)))


def pack(codes: Iterable[int], *, shift: int = 0) -> bytes:
    """Septets in bytes, the first in the lowest bits, behind `shift` empty bits (3GPP TS 23.038 section 6.1.2.1)."""
    whole, bits = 0, shift
    for code in codes:
        whole |= code << bits
        bits += 7
    return whole.to_bytes(-(-bits // 8), "little")


def unpack(packed: bytes, count: int, *, shift: int = 0) -> list[int]:
    """`count` septets out of bytes."""
    whole = int.from_bytes(packed, "little") >> shift
    return [whole >> 7 * number & 0x7F for number in range(count)]


def _size(letter: str, coding: Coding) -> int:
    return len(_CODES[letter]) if coding is Coding.GSM7 else 1 + (ord(letter) > 0xFFFF)


def _parts(sizes: Iterable[int], each: int) -> int:
    parts, room = 1, each
    for size in sizes:
        if size > room:
            parts, room = parts + 1, each
        room -= size
    return parts


def _letters(codes: Iterator[int]) -> Iterator[str]:
    for code in codes:
        if code != ESCAPE:
            yield ALPHABET[code]
        elif (extended := next(codes, None)) is not None:
            yield EXTENSION.get(extended, ALPHABET[extended])
