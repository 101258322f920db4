"""The twin of a link to the hub, in memory and on a simulated clock: it loses, delays, doubles and breaks by a seeded plan.

It passes the same suite as the real adapter. Its far end is a function; between them is what a broker keeps for a box that is
away. Nobody sleeps: `MemorySession.receive` moves the clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from random import Random
from typing import Final

from fieldbox.sync.failing import broken, unreachable
from fieldbox.sync.ports import Traffic

CONNECT_SECONDS: Final = 60.0
"""After which a connection that does not come about is given up."""
TRIES: Final = (0.0, 1.0, 3.0, 7.0, 15.0, 31.0)
"""Seconds after which TCP sends its first segment (again), RFC 6298."""
NOTICED_SECONDS: Final = 15.0
"""After which a link that is down counts as broken, as the real adapter tells the kernel."""

FULL: Final = Traffic(1580, 2650)
RESUMED: Final = Traffic(1350, 1250)
FRAME: Final = Traffic(157, 78)
WORD: Final = Traffic(78, 107)
TRIED: Final = Traffic(360, 0)
NOTHING: Final = Traffic()
Hub = Callable[[bytes], Iterable[bytes]]
"""Hears a frame; what it says to the box."""


@dataclass(slots=True)
class SimulatedClock:
    """A clock that others move. `jump` puts what the time is said to be; how long something took is not changed by it."""

    said: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    passed: float = 0.0

    def now(self) -> datetime:
        """The time of day, UTC, right or wrong."""
        return self.said

    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return self.passed

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.pass_to(self.passed + seconds)

    def pass_to(self, elapsed: float) -> None:
        """Let time pass until a moment, unless it is over."""
        if elapsed > self.passed:
            self.said += timedelta(seconds=elapsed - self.passed)
            self.passed = elapsed

    def jump(self, to: datetime) -> None:
        """Be set, rightly or wrongly."""
        self.said = to


def _always(elapsed: float) -> bool:
    return elapsed >= 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a link does. Shares are of 1, and drawn from the seed."""

    seed: int = 0
    round_trip: float = 1.2
    """Seconds."""
    rate: float = 2500.0
    """Bytes a second, each way."""
    loses: float = 0.0
    """Of frames and of the hub's words: gone on their way though the link took them, as when a broker is killed."""
    doubles: float = 0.0
    """Of both: they arrive twice."""
    cuts: float = 0.0
    """Of both: the link breaks instead of carrying it."""
    refuses: float = 0.0
    """Of connections: they do not come about."""
    up: Callable[[float], bool] = _always
    """Whether the link carries, by the clock's elapsed seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """IP bytes as they were measured with the real adapter (`docs/mqtt.md`): those that go up, and those that come down."""

    full: Traffic = FULL
    """A connection and its end, without a ticket for TLS."""
    resumed: Traffic = RESUMED
    frame: Traffic = FRAME
    """What a frame brings with it."""
    word: Traffic = WORD
    """What a word of the hub brings with it."""
    header: float = 0.036
    """Of what is carried: 52 bytes for each segment of 1,448."""
    tried: Traffic = TRIED
    """A connection that did not come about."""


@dataclass(slots=True)
class MemoryCarrier:
    """A way to a hub that is a function."""

    hub: Hub
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    plan: Plan = field(default_factory=Plan)
    cost: Cost = field(default_factory=Cost)
    ticket_seconds: float = 7200.0
    name: str = "mqtt"
    spent: Traffic = NOTHING
    connections: int = 0
    kept: dict[int, bytes] = field(default_factory=dict)
    """What the broker keeps for the box until it is taken, by number."""
    chance: Random = field(init=False)
    interface: str | None = None
    ticket_at: float | None = None
    """When the last ticket for TLS was given out."""
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.chance = Random(self.plan.seed)  # noqa: S311  a plan that can be repeated, no secret

    def connect(self) -> MemorySession:
        """Open a connection; it passes three round trips, once one of TCP's tries finds the link up. Raises Unsent."""
        now = self.clock.elapsed()
        reached = [after for after in TRIES if self.plan.up(now + after)]
        if not reached or self.happens(self.plan.refuses):
            self.clock.pass_by(CONNECT_SECONDS)
            self.spent += self.cost.tried
            raise unreachable("hub", "timed out")
        self.clock.pass_by(reached[0])
        opening = self._opening()
        self.clock.pass_by(3 * self.plan.round_trip + opening.total / self.plan.rate)
        self.ticket_at = self.clock.elapsed()
        self.connections += 1
        return MemorySession(self, opening)

    def happens(self, share: float) -> bool:
        """Draw from the seed."""
        return share > 0 and self.chance.random() < share

    def say(self, word: bytes) -> int | None:
        """The hub says something, now or while the box is away; its number, None: it is lost."""
        if self.happens(self.plan.loses):
            return None
        number = next(self._numbers)
        self.kept[number] = word
        return number

    def hear(self, frame: bytes) -> list[int]:
        """The hub hears a frame; the numbers of what it says."""
        times = 0 if self.happens(self.plan.loses) else 2 if self.happens(self.plan.doubles) else 1
        said = [self.say(word) for _ in range(times) for word in self.hub(frame)]
        return [number for number in said if number is not None]

    def _opening(self) -> Traffic:
        age = None if self.ticket_at is None else self.clock.elapsed() - self.ticket_at
        return self.cost.resumed if age is not None and age <= self.ticket_seconds else self.cost.full


@dataclass(slots=True)
class MemorySession:
    """A connection of a `MemoryCarrier`."""

    carrier: MemoryCarrier
    spent: Traffic
    name: str = ""
    rising: list[tuple[float, int, bytes]] = field(default_factory=list)
    """Frames on their way: when they arrive, and which."""
    falling: list[tuple[float, int, int]] = field(default_factory=list)
    """The hub's words on their way: when they arrive, and their numbers."""
    breaks_at: float = inf
    closed: bool = False
    _given: int | None = None
    _order: Iterator[int] = field(default_factory=count)
    _up_free: float = 0.0
    _down_free: float = 0.0

    def __post_init__(self) -> None:
        self.name = self.carrier.name
        for number in self.carrier.kept:
            self._fall(number)

    def send(self, frame: bytes) -> None:
        """Put a frame on its way. Raises Unsent."""
        self._check()
        self.spent += _carried(frame, self.carrier.cost, up=True)
        self._up_free = self._leaves(self._up_free, len(frame))
        arrives = self._arrives(self._up_free)
        heapq.heappush(self.rising, (arrives, next(self._order), frame))

    def receive(self, seconds: float) -> bytes | None:
        """Let time pass until the hub's next word, or so long. Raises Unsent."""
        deadline = self.carrier.clock.elapsed() + seconds
        while True:
            self._check()
            at = min(self.breaks_at, _first(self.rising), _first(self.falling))
            self.carrier.clock.pass_to(min(at, deadline))
            if at > deadline:
                return None
            if self.breaks_at > at and (word := self._arrive(at)) is not None:
                return word

    def taken(self) -> None:
        """The broker need not keep what was received last."""
        self._check()
        if self._given is not None:
            self.carrier.kept.pop(self._given, None)

    def round_trip(self) -> float:
        """As the plan has it."""
        return self.carrier.plan.round_trip

    def traffic(self) -> Traffic:
        """By the measured costs."""
        return self.spent

    def close(self) -> None:
        """What is on its way up arrives, since the end goes behind it; what is on its way down comes in another connection."""
        if self.closed:
            return
        self.closed = True
        self.carrier.spent += self.spent
        for arrives, _, frame in sorted(self.rising):
            if arrives < self.breaks_at:
                self.carrier.hear(frame)

    def _arrive(self, at: float) -> bytes | None:
        if _first(self.rising) <= at:
            frame = heapq.heappop(self.rising)[2]
            for number in self.carrier.hear(frame):
                self._fall(number)
            return None
        self._given = heapq.heappop(self.falling)[2]
        return self.carrier.kept.get(self._given)

    def _fall(self, number: int) -> None:
        word = self.carrier.kept[number]
        self.spent += _carried(word, self.carrier.cost, up=False)
        self._down_free = self._leaves(self._down_free, len(word))
        arrives = self._arrives(self._down_free)
        for _ in range(2 if self.carrier.happens(self.carrier.plan.doubles) else 1):
            heapq.heappush(self.falling, (arrives, next(self._order), number))

    def _leaves(self, free: float, size: int) -> float:
        return max(free, self.carrier.clock.elapsed()) + size / self.carrier.plan.rate

    def _arrives(self, leaves: float) -> float:
        """When what leaves then arrives; where the link is down or breaks then, it is noticed later."""
        plan = self.carrier.plan
        if self.carrier.happens(plan.cuts):
            self.breaks_at = min(self.breaks_at, leaves)
        elif not plan.up(leaves):
            self.breaks_at = min(self.breaks_at, leaves + NOTICED_SECONDS)
            return inf
        return leaves + plan.round_trip / 2

    def _check(self) -> None:
        if self.closed or self.carrier.clock.elapsed() >= self.breaks_at:
            raise broken("timed out")


def _first(events: Sequence[tuple[float, int, object]]) -> float:
    return events[0][0] if events else inf


def _carried(what: bytes, cost: Cost, *, up: bool) -> Traffic:
    own = round(len(what) * (1 + cost.header))
    return cost.frame + Traffic(own, 0) if up else cost.word + Traffic(0, own)
