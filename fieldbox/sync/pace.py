"""How fast a link carries, and how much is handed to it at once: pure functions of what the hub acknowledged.

A sample of the rate is what was acknowledged between the handing over of a frame and its own acknowledgement, divided by the time
between the two (as the delivery rate of Cheng and others, draft-cheng-iccrg-delivery-rate-estimation): it needs no idle link and
no single frame in flight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

FIRST_FRAME: Final = 1800
"""Bytes: under a second at 20 kbit/s, and a dozen summaries."""
FIRST_WINDOW: Final = 6 * FIRST_FRAME
"""Bytes in flight before anything is known."""
SMALLEST_FRAME: Final = 600
LARGEST_FRAME: Final = 12 * 1024
LARGEST_WINDOW: Final = 32 * 1024
"""13 seconds at 20 kbit/s: as long as TCP may take over one lost word of the hub, and an alert that comes now waits behind it."""
FRAME_SECONDS: Final = 2.0
"""What a frame should take on its way: longer saves little (a frame of two seconds at 20 kbit/s is 5 kB, and what comes on top of
it a tenth), and what an outage cuts off goes twice."""
GAIN: Final = 6.0
"""Times what the link carried in a round trip: while it could carry more, each round trip finds more. Where a link loses much,
TCP needs some segments behind a lost one to see it soon."""
GROWTH: Final = 2.0
"""A frame is at most so many times the one before."""
_KEPT: Final = 0.7
_FULL: Final = 0.5
_LEAST_SECONDS: Final = 1e-3
_LATE: Final = 4.0
_LEAST_LATE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of a link in one connection."""

    frame: float = FIRST_FRAME
    """Bytes that a frame should have."""
    rate: float | None = None
    """Bytes of frames a second that the hub acknowledged of late; None: nothing yet."""
    answer: float | None = None
    """Seconds of the quickest acknowledgement."""
    troubles: int = 0
    """Times that an acknowledgement was late since the last that came."""

    @property
    def window(self) -> float:
        """Bytes that may be handed over and not acknowledged; one frame may go over it, so that there is always one."""
        if self.troubles:
            return 0
        if self.rate is None or self.answer is None:
            return FIRST_WINDOW
        return min(LARGEST_WINDOW, self.frame + GAIN * self.rate * self.answer)

    @property
    def late(self) -> float:
        """Seconds after which a missing acknowledgement is trouble."""
        return max(_LEAST_LATE, _LATE * (self.answer or 0))

    def answered(self, delivered: int, seconds: float, answer: float, *, full: bool = True) -> Pace:
        """After an acknowledgement: `delivered` bytes in `seconds`, and it came `answer` seconds after its frame.

        A frame that was not `full` says how much the link carries at least, not how much at most.
        """
        sample = delivered / max(_LEAST_SECONDS, seconds)
        quickest = answer if self.answer is None else min(answer, self.answer)
        if not full and (self.rate is None or sample <= self.rate):
            return replace(self, answer=quickest, troubles=0)
        rate = sample if self.rate is None else max(sample, _KEPT * self.rate + (1 - _KEPT) * sample)
        wanted = min(GROWTH * self.frame, FRAME_SECONDS * rate, LARGEST_FRAME)
        return Pace(max(self.frame, wanted), rate, quickest)

    def is_full(self, size: int) -> bool:
        """Whether a frame of this size is about what a frame should be."""
        return size >= _FULL * self.frame

    def troubled(self) -> Pace:
        """After an acknowledgement that is late: half as much at once, and nothing new until one comes."""
        rate = None if self.rate is None else self.rate / 2
        return replace(self, frame=max(SMALLEST_FRAME, self.frame / 2), rate=rate, troubles=self.troubles + 1)
