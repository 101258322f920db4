"""What a 2G link does to packets: rate, delay, jitter, loss, a queue before the narrow part, outages. Times are passed in.

Of one direction: a packet waits until the air is free (`size` × 8 ÷ rate of air time each), is lost on the air or not (a lost one
has used its air time), and arrives after the delay, never before one that went earlier. What finds the queue full is lost, and so
is what is offered, or would arrive, during an outage: a phone that has no cell keeps nothing.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

QUEUE_BYTES: Final = 20_000
"""What a modem and its network hold of one direction: 8 s at 20 kbit/s."""


@dataclass(frozen=True, slots=True)
class Outages:
    """When the link is dead: again and again, for so long."""

    seconds: float
    every_s: tuple[float, float]
    """From the beginning of one to the beginning of the next, drawn evenly between these two."""

    def times(self, seed: int) -> Iterator[tuple[float, float]]:
        """(begin, end) of each in seconds after the link's start, without end."""
        draw = random.Random(seed)  # noqa: S311  no secret
        begin = 0.0
        while True:
            begin += max(self.seconds, draw.uniform(*self.every_s))
            yield begin, begin + self.seconds


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """A link. The defaults are a poor GPRS."""

    up_bps: float = 20_000
    down_bps: float = 20_000
    rtt_s: float = 1.2
    """Both delays together, without the air time of packets."""
    jitter_s: float = 0.0
    """Each packet's delay is so much longer or shorter at most."""
    loss: float = 0.05
    """Share of packets that are lost on the air, each way."""
    queue_bytes: int = QUEUE_BYTES
    """Of each direction; one packet always finds room."""
    outages: Outages | None = None
    nat_idle_s: float | None = None
    """The carrier forgets a connection that was silent for so long; None: never."""
    nat_remaps: bool = False
    """What becomes of a forgotten TCP connection: see `fieldbox.simulate.nat`."""
    seed: int = 1


class Fate(StrEnum):
    """Why a packet does not arrive."""

    AIR = "air"
    QUEUE = "queue"
    OUTAGE = "outage"
    NAT = "nat"
    """No mapping, or something that the carrier does not carry at all."""


@dataclass(slots=True)
class Count:
    """Of one direction: IP packets and their bytes, headers and all."""

    offered: int = 0
    """Bytes that the sender's device was given: what a data budget pays."""
    packets: int = 0
    """That were offered."""
    delivered: int = 0
    delivered_packets: int = 0
    lost: Counter[Fate] = field(default_factory=Counter)
    """Bytes."""
    lost_packets: Counter[Fate] = field(default_factory=Counter)

    def offer(self, size: int) -> None:
        """A packet was given to the sender's device."""
        self.offered += size
        self.packets += 1

    def deliver(self, size: int) -> None:
        """It came out at the receiver's device."""
        self.delivered += size
        self.delivered_packets += 1

    def lose(self, size: int, fate: Fate) -> None:
        """It did not."""
        self.lost[fate] += size
        self.lost_packets[fate] += 1

    def since(self, before: Count) -> Count:
        """What came after `before`, an earlier count of the same."""
        return Count(
            self.offered - before.offered,
            self.packets - before.packets,
            self.delivered - before.delivered,
            self.delivered_packets - before.delivered_packets,
            self.lost - before.lost,
            self.lost_packets - before.lost_packets,
        )

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "offered_bytes": self.offered,
            "offered_packets": self.packets,
            "delivered_bytes": self.delivered,
            "delivered_packets": self.delivered_packets,
            "lost_bytes": {fate.value: self.lost[fate] for fate in Fate},
            "lost_packets": {fate.value: self.lost_packets[fate] for fate in Fate},
        }


class Way:
    """One direction."""

    def __init__(self, bps: float, options: LinkOptions, seed: int) -> None:
        self.count = Count()
        self._bps, self._options = bps, options
        self._draw = random.Random(seed)  # noqa: S311  no secret
        self._queue: deque[tuple[float, int]] = deque()
        self._waiting = 0
        self._free_at = self._last = float("-inf")

    def offer(self, size: int, now: float) -> float | Fate:
        """When a packet of `size` bytes arrives, or why it does not. Nothing is counted."""
        self._sent_until(now)
        if self._queue and self._waiting + size > self._options.queue_bytes:
            return Fate.QUEUE
        self._free_at = max(now, self._free_at) + size * 8 / self._bps
        self._queue.append((self._free_at, size))
        self._waiting += size
        if self._draw.random() < self._options.loss:
            return Fate.AIR
        self._last = max(self._last, self._free_at + self._delay())
        return self._last

    def _sent_until(self, now: float) -> None:
        while self._queue and self._queue[0][0] <= now:
            self._waiting -= self._queue.popleft()[1]

    def _delay(self) -> float:
        jitter = self._options.jitter_s
        return max(0.0, self._options.rtt_s / 2 + self._draw.uniform(-jitter, jitter))


class Uptime:
    """When the link carries: scheduled outages, and those made by hand."""

    def __init__(self, outages: Outages | None, start: float, seed: int = 1) -> None:
        self._start = start
        self._coming: Iterator[tuple[float, float]] = iter(())
        self._next: tuple[float, float] | None = None
        self._past: list[tuple[float, float]] = []
        self.schedule(outages, start, seed)
        self._cut_at: float | None = None

    def schedule(self, outages: Outages | None, now: float, seed: int) -> None:
        """Let outages come from now on as told, in place of those that were to come."""
        began = now - self._start
        self._pass(now)
        if self._next is not None and self._next[0] < began:
            self._past.append((self._next[0], began))
        times = outages.times(seed) if outages else ()
        self._coming = ((began + begin, began + end) for begin, end in times)
        self._next = next(self._coming, None)

    def is_up(self, now: float) -> bool:
        """Whether it carries at `now`; asked of times that do not go back."""
        self._pass(now)
        return self._cut_at is None and (self._next is None or now - self._start < self._next[0])

    def cut(self, now: float) -> None:
        """Begin an outage that lasts until `mend`."""
        self._cut_at = now if self._cut_at is None else self._cut_at

    def mend(self, now: float) -> None:
        """End the one that `cut` began."""
        if self._cut_at is not None:
            self._past.append((self._cut_at - self._start, now - self._start))
            self._cut_at = None

    def up_s(self, now: float) -> float:
        """Seconds that it carried until `now`."""
        self._pass(now)
        told = now - self._start
        last = [self._next] if self._next else []
        last += [(self._cut_at - self._start, told)] if self._cut_at is not None else []
        return told - _covered([*self._past, *last], told)

    def _pass(self, now: float) -> None:
        while self._next is not None and self._next[1] <= now - self._start:
            self._past.append(self._next)
            self._next = next(self._coming, None)


def _covered(spans: list[tuple[float, float]], until: float) -> float:
    """Seconds before `until` that lie in any of `spans`."""
    total, reached = 0.0, 0.0
    for begin, end in sorted(spans):
        first, last = max(begin, reached), min(end, until)
        total += max(0.0, last - first)
        reached = max(reached, last)
    return total
