"""Which messages go into one frame: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fieldbox.domain import Message
from fieldbox.wire.frame import MAX_MESSAGES

BYTES_EACH: Final = 150.0
"""A summary in its short form, until the first frame says better."""
_FULL: Final = 0.8
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """A frame and what is in it."""

    messages: tuple[Message, ...]
    frame: bytes

    @property
    def ids(self) -> tuple[str, ...]:
        """Of its messages."""
        return tuple(one.id for one in self.messages)

    @property
    def each(self) -> float:
        """Bytes of the frame for each message."""
        return len(self.frame) / len(self.messages)


def fill(
    messages: Sequence[Message], most: float, each: float, pack: Callable[[Sequence[Message]], bytes]
) -> Batch | None:
    """As many of `messages` as make a frame of at most `most` bytes, from the first on; at least that one. None: there are none.

    `each` is a guess of the bytes of one. The frame is packed a few times, since only packing tells what it comes to.
    """
    if not messages:
        return None
    count = _at_most(most / each, messages)
    batch = _packed(messages, count, pack)
    for _ in range(_TRIES):
        if len(batch.frame) >= _FULL * most or count == len(messages):
            break
        count = max(count, _at_most(most / batch.each, messages))
        batch = _packed(messages, count, pack)
    while len(batch.frame) > most and len(batch.messages) > 1:
        count = len(batch.messages)
        batch = _packed(messages, min(count - 1, _at_most(most / batch.each, messages)), pack)
    return batch


def _at_most(count: float, messages: Sequence[Message]) -> int:
    return max(1, min(int(count), len(messages), MAX_MESSAGES))


def _packed(messages: Sequence[Message], count: int, pack: Callable[[Sequence[Message]], bytes]) -> Batch:
    chosen = tuple(messages[:count])
    return Batch(chosen, pack(chosen))
