"""The hub's half of a simulated season: its real table, at the end of a link on which frames overtake each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final

from fieldbox.domain import Message, MessageKind, MessageState
from fieldbox.hub.home import Home
from fieldbox.hub.receiving import key_of, receive
from fieldbox.hub.rows import Way
from fieldbox.hub.store import HubStore
from fieldbox.services.seasonbox import survey_id
from fieldbox.simulate.season import START, Season, What
from fieldbox.sync.memorylink import SimulatedClock
from fieldbox.wire import frame as frames
from fieldbox.wire.ids import TIME_DIGITS

SWAPS: Final = 0.05
"""Of frames and of acknowledgements: they overtake the ones before."""


class TrueClock(SimulatedClock):
    """The box's clock, and beside it the true time."""

    @property
    def at(self) -> timedelta:
        """True time since the start."""
        return timedelta(seconds=self.passed)


class Desk:
    """The hub at its end of the link: frames and acknowledgements may overtake each other."""

    def __init__(self, home: Home, hub: HubStore, clock: TrueClock, seed: int) -> None:
        self._home, self._hub, self._clock = home, hub, clock
        self._chance = Random(f"{seed} desk")  # noqa: S311
        self._late: list[bytes] = []
        self._held: list[bytes] = []
        self.frames = self.copies = 0
        self.first: dict[str, timedelta] = {}
        """When each message came for the first time."""
        self.named: set[str] = set()
        self.ranges: list[tuple[str, str]] = []
        self.wrong: list[str] = []

    def __call__(self, sealed: bytes) -> Iterable[bytes]:
        if self._chance.random() < SWAPS:
            self._late.append(sealed)
            return ()
        heard = [sealed, *self._late]
        self._late = []
        said = [word for one in heard for word in self._take(one)]
        if said and self._chance.random() < SWAPS:
            self._held.append(said.pop())
        elif self._held:
            said += self._held
            self._held = []
        return said

    def is_told(self, identity: str, kind: MessageKind) -> bool:
        """Whether the hub was told that another message goes in the place of this one."""
        if kind is MessageKind.BOX:
            return any(first <= identity <= last for first, last in self.ranges)
        return identity in self.named

    def _take(self, sealed: bytes) -> Iterable[bytes]:
        items = frames.read(sealed, partial(key_of, self._hub)).items
        receipt = receive(self._hub, self._home.key, sealed, how=Way.MQTT, now=START + self._clock.at)
        new = [one.id for one in items if one.id not in self.first]
        self.frames += 1
        self.copies += receipt.known
        if receipt.new != len(new) or receipt.refused or receipt.why:
            self.wrong.append(f"the hub took {receipt.new} of {len(new)} new messages ({receipt})")
        self.first.update(dict.fromkeys(new, self._clock.at))
        for one in items:
            self._note(one)
        return () if receipt.down is None else (receipt.down,)

    def _note(self, one: frames.Item) -> None:
        if one.kind is MessageKind.BOX and one.replaces:
            self.ranges.append((one.replaces[0], one.replaces[-1]))
        self.named.update(one.replaces)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held against what, when all has been sent."""

    season: Season
    desk: Desk
    hub: HubStore
    messages: Sequence[Message]
    """All that is in the outbox."""

    def wrong(self) -> Iterable[str]:
        """What should not be."""
        yield from self.desk.wrong
        for check in (self._lost, self._doubled, self._standing, self._surveys_standing):
            yield from check()

    def _lost(self) -> Iterable[str]:
        """Every message arrived, or was superseded and the hub knows it."""
        for one in self.messages:
            if one.state is MessageState.SUPERSEDED:
                withdrawn = one.kind is MessageKind.ALERT and one.sent_at is None  # nobody ever heard of it
                if not (withdrawn or self.desk.is_told(one.id, one.kind)):
                    yield f"{one.id} was superseded, and the hub was not told"
            elif one.state is not MessageState.ACKNOWLEDGED:
                yield f"{one.id} is {one.state}"
            elif one.id not in self.desk.first:
                yield f"{one.id} is said to have arrived, and has not"

    def _doubled(self) -> Iterable[str]:
        """The hub's table has what arrived, once; and each analysis is told once, however often it was begun."""
        known = self.hub.messages(standing=False)
        if Counter(one.id for one in known) != Counter(dict.fromkeys(self.desk.first, 1)):
            yield f"{len(known)} messages are in the hub's table, and {len(self.desk.first)} arrived"
        told = Counter(one.id[TIME_DIGITS:] for one in self.messages if one.kind is MessageKind.SUMMARY)
        yield from (f"the survey {key} was told {count} times" for key, count in told.items() if count > 1)
        if len(told) != self.season.surveys:
            yield f"{self.season.surveys} surveys were to be made, and {len(told)} were told"

    def _standing(self) -> Iterable[str]:
        """At the hub just those messages stand in whose place the box sent no other."""
        last = {
            (one.kind, one.subject or one.id): one for one in sorted(self.messages, key=lambda one: one.id)
        }
        wanted = {one.id for one in last.values() if one.state is not MessageState.SUPERSEDED}
        standing = {one.id for one in self.hub.messages(standing=True)}
        yield from (f"{one} stands at the hub, and should not" for one in standing - wanted)
        yield from (f"{one} does not stand at the hub, and should" for one in wanted - standing)

    def _surveys_standing(self) -> Iterable[str]:
        """Of each flight the last analysis stands, and nothing of another flight has taken its place."""
        last = {
            one.number: survey_id(one) for one in self.season.events() if one.what in (What.FLOWN, What.ANEW)
        }
        standing = self.hub.messages(kinds=[MessageKind.SUMMARY], standing=True)
        found, wanted = Counter(one.id[TIME_DIGITS:] for one in standing), Counter(last.values())
        yield from (f"the summary of the survey {one} does not stand at the hub" for one in wanted - found)
        yield from (
            f"the summary of the survey {one} stands at the hub, and should not" for one in found - wanted
        )
