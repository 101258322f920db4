"""What getting messages off the farm needs of others. Each port has the real adapter and a twin in memory, and both pass the same
suite in `tests/contract`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fieldbox.domain import Message, MessageKind


class Outbox(Protocol):
    """The messages of the box; kept by `fieldbox.storage.store.Store`, and by `fieldbox.sync.memory.MemoryOutbox`."""

    def due_messages(
        self, now: datetime, limit: int, kinds: Collection[MessageKind] | None = None
    ) -> Sequence[Message]:
        """Those that should go now: open, not before their next try, not at the end of their time; the most urgent first, then
        the newest."""

    def mark_sent(self, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime) -> None:
        """They were handed to a link in the frame `batch` of `size` bytes; they go again later unless acknowledged."""

    def lost(self, carrier: str, ids: Collection[str] | None = None) -> int:
        """The connection broke in which these (None: all) were last handed to `carrier`; how many of them may go again at once.

        The hub may have them all the same. What was handed over often goes no sooner for it, so that a message that breaks every
        connection stands in the way of no other.
        """

    def acknowledge(
        self,
        now: datetime,
        *,
        batches: Collection[str] = (),
        ids: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """The hub has committed these frames and messages, but for those `refused` (why, by id). How many rows changed.

        What is not known is passed over; what was superseded meanwhile and arrived counts as acknowledged.
        """


class Clock(Protocol):
    """Two clocks: what the time is may be wrong and jump, how long something took never is."""

    def now(self) -> datetime:
        """The time of day, UTC."""

    def elapsed(self) -> float:
        """Seconds since some moment, which never go back."""


class Session(Protocol):
    """One connection to the hub. Each method but `close` raises Unsent once the link does not carry any more."""

    name: str
    """Of its carrier."""

    def send(self, frame: bytes) -> None:
        """Hand a frame to the link. It does not wait until anybody has it."""

    def receive(self, seconds: float) -> bytes | None:
        """What the hub sent, waiting at most so long; None: nothing came. Nothing else passes time."""

    def taken(self) -> None:
        """What `receive` gave last is committed. What is not taken comes again in another connection."""

    def round_trip(self) -> float:
        """Seconds to the far end and back, as the link measured it; 0: it did not yet."""

    def traffic(self) -> Traffic:
        """IP bytes of this connection so far; after `close`, all of them. Never raises."""

    def close(self) -> None:
        """End it; never raises. It may pass some seconds, so that the end is heard and counted."""


class Carrier(Protocol):
    """A way to the hub."""

    name: str
    """As `Message.carrier` has it."""
    spent: Traffic
    """IP bytes of all connections that are over, those among them that did not come about."""
    interface: str | None
    """Over which connections go, whatever the routes prefer; None: as they do."""

    def connect(self) -> Session:
        """Open a connection. Raises Unsent; of it Distrusted where a person must act (a wrong certificate)."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """IP bytes, headers and all, as they count against a data budget."""

    sent: int = 0
    received: int = 0

    @property
    def total(self) -> int:
        """Both ways."""
        return self.sent + self.received

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(self.sent + other.sent, self.received + other.received)
