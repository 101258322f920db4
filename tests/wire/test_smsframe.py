"""Frames and acknowledgements as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.wire.gsm import PLAIN, Coding, length_of
from fieldbox.wire.smsframe import MOST_PARTS, Unreadable, from_text, is_one, to_text
from tests.hub.boxes import Sender
from tests.wire.season import season


@given(st.binary(max_size=600))
def test_bytes_come_back(frame: bytes) -> None:
    text = to_text(frame)
    assert is_one(text)
    assert set(text) <= PLAIN
    assert from_text(text) == frame
    assert from_text(f"{text[:5]} {text[5:]}\n" if len(text) > 5 else text) == frame


@pytest.mark.parametrize(("size", "parts"), [(117, 1), (118, 2), (227, 2), (342, 3), (456, 4)])
def test_so_many_bytes_go_into_so_many_parts(size: int, parts: int) -> None:
    length = length_of(to_text(bytes(size)))
    assert (length.coding, length.parts) == (Coding.GSM7, parts)


@pytest.mark.parametrize("text", ["FB1!", "FB1A", "FB1é", "FB1AAAA=AAA"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        from_text(text)


def test_the_summaries_of_a_season_go_in_three_parts_at_most() -> None:
    sender = Sender()
    parts = [length_of(to_text(sender.frame(one))).parts for one in season(100)]
    assert max(parts) <= 3 < MOST_PARTS
