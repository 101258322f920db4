"""How much is handed to a link at once, and what goes into a frame."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import Message, MessageKind, MessageState
from fieldbox.sync.batching import fill
from fieldbox.sync.pace import (
    FIRST_FRAME,
    FIRST_WINDOW,
    FRAME_SECONDS,
    LARGEST_FRAME,
    LARGEST_WINDOW,
    SMALLEST_FRAME,
    Pace,
)
from fieldbox.wire.frame import MAX_MESSAGES

ANSWERS = st.tuples(
    st.integers(1, 100_000), st.floats(0, 1000, allow_nan=False), st.floats(0, 1000, allow_nan=False)
)


@given(st.lists(st.one_of(ANSWERS, st.none()), max_size=30))
def test_a_frame_and_a_window_keep_their_bounds_whatever_the_link_does(
    happened: list[tuple[int, float, float] | None],
) -> None:
    pace = Pace()
    for one in happened:
        before = pace
        pace = pace.troubled() if one is None else pace.answered(*one)
        assert SMALLEST_FRAME <= pace.frame <= min(LARGEST_FRAME, 2 * before.frame)
        assert 0 <= pace.window <= max(LARGEST_WINDOW, LARGEST_FRAME)
        assert pace.late >= 10
        if one is None:
            assert pace.window == 0
            assert pace.frame <= before.frame
        else:
            assert pace.window >= pace.frame


@pytest.mark.parametrize(("rate", "round_trip"), [(600, 2.0), (2500, 1.2), (12_000, 0.3)])
def test_it_finds_what_a_link_carries_in_a_few_round_trips(rate: float, round_trip: float) -> None:
    """A link in the large: a window goes at once and is acknowledged a round trip and its own length later."""
    pace = Pace()
    for _ in range(8):
        window = max(pace.window, pace.frame)
        seconds = max(round_trip, window / rate) + min(round_trip, pace.frame / rate)
        pace = pace.answered(round(window), seconds, round_trip + pace.frame / rate)
    assert pace.rate == pytest.approx(rate, rel=0.5)
    assert pace.frame == pytest.approx(min(LARGEST_FRAME, max(FIRST_FRAME, FRAME_SECONDS * rate)), rel=0.5)


def test_it_starts_with_one_small_frame_and_stops_for_trouble() -> None:
    pace = Pace()
    assert (pace.frame, pace.window) == (FIRST_FRAME, FIRST_WINDOW)
    assert pace.troubled().window == 0
    assert pace.troubled().answered(1800, 2, 2).window > 0
    assert pace.troubled().frame < pace.frame


def test_a_frame_that_is_not_full_says_nothing_of_what_a_link_could_carry() -> None:
    """A lone alert on a fast link must not make it seem slow."""
    pace = Pace().answered(200, 3, 3, full=False)
    assert (pace.frame, pace.rate, pace.answer) == (FIRST_FRAME, None, 3)
    known = Pace().answered(8000, 2, 2)
    assert known.answered(200, 3, 3, full=False).rate == known.rate
    assert known.answered(8000, 1, 1, full=False).rate == 8000


def _message(number: int) -> Message:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Message(f"{number:032x}", MessageKind.SUMMARY, "{}", MessageState.WAITING, 0, now)


@given(
    sizes=st.lists(st.integers(1, 3000), max_size=200),
    most=st.floats(1, 20_000),
    each=st.floats(1, 1000),
    compressed=st.floats(0.1, 1),
)
def test_a_frame_is_full_and_not_too_large_and_in_order(
    sizes: list[int], most: float, each: float, compressed: float
) -> None:
    messages = [_message(number) for number in range(len(sizes))]

    def pack(chosen: Sequence[Message]) -> bytes:
        return bytes(80 + int(compressed * sum(sizes[int(one.id, 16)] for one in chosen)))

    batch = fill(messages, most, each, pack)
    if batch is None:
        assert not messages
        return
    count = len(batch.messages)
    assert list(batch.messages) == messages[:count]
    assert 1 <= count <= MAX_MESSAGES
    assert len(batch.frame) <= most or count == 1
    assert batch.frame == pack(batch.messages)


@given(
    size=st.integers(20, 500),
    count=st.integers(1, 300),
    most=st.floats(6000, 12_000),
    each=st.floats(10, 1000),
)
def test_messages_of_one_size_fill_a_frame(size: int, count: int, most: float, each: float) -> None:
    messages = [_message(number) for number in range(count)]
    batch = fill(messages, most, each, lambda chosen: bytes(80 + size * len(chosen)))
    assert batch is not None
    assert len(batch.messages) == count or len(batch.frame) > 0.75 * most
