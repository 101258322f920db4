"""The alphabet of texts and their parts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.wire.gsm import (
    ALPHABET,
    EXTENSION,
    Coding,
    Length,
    from_septets,
    length_of,
    pack,
    septets,
    split,
    unpack,
)

LETTERS = "".join(sorted(set(ALPHABET) - {"\x1b"} | set(EXTENSION.values())))


@pytest.mark.parametrize(
    ("text", "coding", "units", "parts"),
    [
        ("", Coding.GSM7, 0, 1),
        ("a" * 160, Coding.GSM7, 160, 1),
        ("a" * 161, Coding.GSM7, 161, 2),
        ("a" * 306, Coding.GSM7, 306, 2),
        ("a" * 307, Coding.GSM7, 307, 3),
        ("€" * 80, Coding.GSM7, 160, 1),
        ("€" * 81, Coding.GSM7, 162, 2),
        # 76 of two septets leave one of 153 empty.
        ("€" * 152, Coding.GSM7, 304, 2),
        ("€" * 153, Coding.GSM7, 306, 3),
        ("`", Coding.UCS2, 1, 1),
        ("க" * 70, Coding.UCS2, 70, 1),
        ("க" * 71, Coding.UCS2, 71, 2),
        ("க" * 134, Coding.UCS2, 134, 2),
        ("க" * 135, Coding.UCS2, 135, 3),
        ("🌾" * 35, Coding.UCS2, 70, 1),
        # 33 of two units leave one of 67 empty.
        ("🌾" * 67, Coding.UCS2, 134, 3),
    ],
)
def test_parts_are_counted(text: str, coding: Coding, units: int, parts: int) -> None:
    assert length_of(text) == Length(coding, units, parts)
    assert len(split(text)) == parts


def test_the_alphabet_is_whole() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 128
    assert [ALPHABET[code] for code in (0x00, 0x02, 0x11, 0x24, 0x40, 0x5F, 0x60, 0x7F)] == list("@$_¤¡§¿à")


@settings(deadline=None)
@given(st.text(LETTERS))
def test_letters_come_back(text: str) -> None:
    codes = septets(text)
    assert from_septets(codes) == text
    for shift in range(7):
        packed = pack(codes, shift=shift)
        assert len(packed) == -(-(7 * len(codes) + shift) // 8) if codes else True
        assert unpack(packed, len(codes), shift=shift) == codes


def test_septets_as_the_standard_has_them() -> None:
    assert pack(septets("hellohello")).hex() == "e8329bfd4697d9ec37"


@settings(deadline=None)
@given(st.text(max_size=700))
def test_the_parts_of_a_text_are_the_text(text: str) -> None:
    parts = split(text)
    length = length_of(text)
    assert "".join(parts) == text
    assert len(parts) == length.parts
    if len(parts) > 1:
        room = 153 if length.coding is Coding.GSM7 else 134
        sizes = [
            len(septets(part))
            if length.coding is Coding.GSM7
            else len(part.encode("utf-16-be", "surrogatepass"))
            for part in parts
        ]
        assert max(sizes) <= room


def test_a_letter_that_is_not_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="GSM"):
        septets("ç")
