"""One connection: what is due goes up, what the hub says comes down, and it ends by itself.

It knows nothing of MQTT; it drives a `Session`, and no time passes in it but in `Session.receive`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldbox.domain import Message, MessageKind
from fieldbox.errors import Unsent
from fieldbox.i18n import Sentence
from fieldbox.sync.batching import BYTES_EACH, Batch, fill
from fieldbox.sync.pace import Pace
from fieldbox.sync.ports import Clock, Outbox, Session, Traffic
from fieldbox.wire import down
from fieldbox.wire.down import Acknowledgement, Down, DownKind
from fieldbox.wire.frame import MAX_FRAME, batch_of, pack

SLOW: Final = 1.0
"""Seconds of a round trip from which an alert goes alone, in the smallest frame that there is."""
SETTLE: Final = 2.0
"""Seconds (at least two round trips) in which the hub's word from before this connection has come, if there is one: what was
handed over in an earlier connection goes again only after them."""
OVERHEAD: Final = 700
"""IP bytes that a frame brings with it at most where nothing is lost: of MQTT, TLS and TCP, of its acknowledgement, and its share
of the end of the connection."""
OVERHEAD_SHARE: Final = 0.1
"""Of a frame's own bytes: the headers of its segments."""
MOST_NONSENSE: Final = 20
"""Things that are not the hub's, after which the connection ends."""
_LOOK: Final = 5.0
"""Seconds after which the outbox is looked at again while the hub is silent."""
_TICK: Final = 1e-3
"""Seconds: a limit is passed, not approached for ever."""
_log = structlog.get_logger()


class Ending(StrEnum):
    """Why a connection ended."""

    DONE = "done"
    """Nothing was due any more, and the hub had acknowledged everything."""
    ALLOWANCE = "allowance"
    """What may be spent was spent; the rest waits."""
    TIME = "time"
    """It lasted as long, or sent as many frames, as it may."""
    SILENT = "silent"
    """The link stood, and the hub did not answer: its acknowledgements come in another connection."""
    NONSENSE = "nonsense"
    """What came was not the hub's."""
    BROKEN = "broken"
    """The link did not carry any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may cost."""

    allowance: int | None = None
    """IP bytes both ways, those of the handshake among them; None: as many as it takes."""
    seconds: float = 600.0
    patience: float = 60.0
    """Seconds without a word of the hub while something is not acknowledged."""
    frames: int = 1000


@dataclass(frozen=True, slots=True)
class Sender:
    """The box as it speaks with its hub."""

    box: str
    key: Ed25519PrivateKey
    """Signs what goes up."""
    hub: Ed25519PublicKey
    """Checks what comes down."""
    outbox: Outbox
    clock: Clock
    on_down: Callable[[Down], None]
    """Hears each command that is the hub's, is for this box and not too old; it has committed it when it returns. The same one
    may come again."""

    def pack(self, messages: Sequence[Message]) -> bytes:
        """A frame of them."""
        return pack(self.box, messages, self.key)


@dataclass(frozen=True, slots=True)
class BurstReport:
    """What came of a connection."""

    ending: Ending
    traffic: Traffic
    """IP bytes before its end; `Session.traffic` has all once it is closed."""
    seconds: float
    frames: int = 0
    messages: int = 0
    """Handed over."""
    acknowledged: int = 0
    """Rows of the outbox that the hub's word closed, also of earlier connections."""
    commands: int = 0
    refused: int = 0
    """Things that came and were not the hub's."""
    why: Sentence | None = None
    """Of a link that broke."""


def burst(session: Session, sender: Sender, limits: Limits | None = None) -> BurstReport:
    """Send what is due over `session` and hear what the hub says, until nothing is due, or a limit or the link ends it.

    The session stays open for whoever opened it to close. Raises what `outbox` and `on_down` raise: then nothing was told to be
    taken that was not.
    """
    return _Burst(session, sender, limits or Limits()).run()


@dataclass(frozen=True, slots=True)
class _Flying:
    """A frame that is not acknowledged."""

    ids: tuple[str, ...]
    size: int
    at: float
    delivered: int
    """Bytes that were acknowledged when it left."""
    delivered_at: float
    full: bool


@dataclass(slots=True)
class _Burst:
    """A connection at work."""

    session: Session
    sender: Sender
    limits: Limits
    pace: Pace = field(default_factory=Pace)
    flying: dict[str, _Flying] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    """Ids that were handed over in this connection and are not acknowledged: they do not go again in it."""
    each: float = BYTES_EACH
    delivered: int = 0
    start: float = 0
    heard: float = 0
    """When the hub last said something, or had reason to."""
    delivered_at: float = 0
    frames: int = 0
    messages: int = 0
    acknowledged: int = 0
    commands: int = 0
    refused: int = 0

    def run(self) -> BurstReport:
        """All of it."""
        self.start = self.heard = self.delivered_at = self._elapsed()
        try:
            return self._report(self._go())
        except Unsent as error:
            self.sender.outbox.lost(self.session.name, self.open)
            return self._report(Ending.BROKEN, error.sentence)

    def _go(self) -> Ending:
        while True:
            self._hear_all(0.0)
            if ending := self._over():
                return ending
            if self._has_room() and self._send_next():
                continue
            if ending := self._finished():
                return ending
            self._hear_all(self._wait())
            self._look_for_trouble()

    def _over(self) -> Ending | None:
        """The limit that is reached."""
        now = self._elapsed()
        if now - self.start >= self.limits.seconds or self.frames >= self.limits.frames:
            return Ending.TIME
        if self.limits.allowance is not None and self.session.traffic().total >= self.limits.allowance:
            return Ending.ALLOWANCE
        if self.refused >= MOST_NONSENSE:
            return Ending.NONSENSE
        return Ending.SILENT if self.flying and now - self.heard >= self.limits.patience else None

    def _finished(self) -> Ending | None:
        """Nothing flies, and nothing goes."""
        if self.flying:
            return None
        due = self._due(1)
        if self._settles_in() > 0 and (due or not self.frames):
            return None
        return Ending.ALLOWANCE if due else Ending.DONE

    def _has_room(self) -> bool:
        return not self.flying or sum(one.size for one in self.flying.values()) < self.pace.window

    def _wait(self) -> float:
        """Seconds to listen before anything else has to be done."""
        now = self._elapsed()
        ends = [_LOOK, self.start + self.limits.seconds - now]
        if self.flying:
            ends.append(self.heard + self.limits.patience - now)
        elif self._settles_in() > 0:
            ends.append(self._settles_in())
        return max(_TICK, min(ends))

    def _settles_in(self) -> float:
        """Seconds until the hub's word from before this connection has come, if there is one."""
        return self.start + max(SETTLE, 2 * self.session.round_trip()) - self._elapsed()

    # What goes up.

    def _send_next(self) -> bool:
        """Hand over one more frame; False: there is nothing, or it may not."""
        batch = self._next()
        if batch is None:
            return False
        if len(batch.frame) > MAX_FRAME:
            self._give_up(batch)
            return True
        self._hand_over(batch)
        return True

    def _next(self) -> Batch | None:
        most = min(self.pace.frame, self._left())
        if most <= 0:
            return None
        batch = fill(self._chosen(most), most, self.each, self.sender.pack)
        fits = batch is not None and len(batch.frame) <= self._left()
        return batch if batch is not None and fits and self._is_worth(batch) else None

    def _is_worth(self, batch: Batch) -> bool:
        """A frame that is not full waits for more while another such flies (Minshall's form of Nagle's rule); no alert does."""
        urgent = batch.messages[0].kind is MessageKind.ALERT
        waits = any(not one.full for one in self.flying.values())
        return urgent or not waits or self.pace.is_full(len(batch.frame))

    def _chosen(self, most: float) -> Sequence[Message]:
        """What may go now, alerts alone where the link is slow to answer."""
        settled = self._settles_in() <= 0
        due = [one for one in self._due(2 * int(most / self.each) + 1) if settled or not one.attempts]
        alerts = [one for one in due if one.kind is MessageKind.ALERT]
        return alerts if alerts and self.session.round_trip() >= SLOW else due

    def _due(self, count: int) -> list[Message]:
        found = self.sender.outbox.due_messages(self.sender.clock.now(), count + len(self.open))
        return [one for one in found if one.id not in self.open]

    def _left(self) -> float:
        """Bytes that a frame may have within the allowance; what flies counts in full, also where it left already."""
        if self.limits.allowance is None:
            return inf
        flying = sum(one.size for one in self.flying.values())
        free = self.limits.allowance - self.session.traffic().total - flying - OVERHEAD
        return free / (1 + OVERHEAD_SHARE)

    def _hand_over(self, batch: Batch) -> None:
        """The rows say that they were sent before the link has them: what a power cut leaves goes again."""
        identity, size = batch_of(batch.frame), len(batch.frame)
        self.sender.outbox.mark_sent(
            batch.ids, batch=identity, carrier=self.session.name, size=size, now=self.sender.clock.now()
        )
        now = self._elapsed()
        if not self.flying:
            self.heard = self.delivered_at = now
        full = self.pace.is_full(size)
        self.flying[identity] = _Flying(batch.ids, size, now, self.delivered, self.delivered_at, full)
        self.open.update(batch.ids)
        self.each = batch.each
        self.frames += 1
        self.messages += len(batch.ids)
        self.session.send(batch.frame)

    def _give_up(self, batch: Batch) -> None:
        """A message that no hub would read in any frame."""
        _log.error("message too large for any frame", id=batch.ids[0], size=len(batch.frame))
        self.sender.outbox.acknowledge(self.sender.clock.now(), refused=dict.fromkeys(batch.ids, "size"))
        self.open.update(batch.ids)

    # What comes down.

    def _hear_all(self, seconds: float) -> None:
        """What is there, waiting for the first of it."""
        for _ in range(MOST_NONSENSE):
            sealed = self.session.receive(seconds)
            if sealed is None:
                return
            self._hear(sealed)
            self.session.taken()
            seconds = 0.0

    def _hear(self, sealed: bytes) -> None:
        try:
            told = down.read(sealed, self.sender.hub, self.sender.box)
            said = Acknowledgement.of(told.body) if told.kind is DownKind.ACKNOWLEDGE else None
        except (down.Unreadable, down.Forged) as error:
            self._refuse(str(error) or "forged", sealed)
            return
        if said is not None:
            self._acknowledge(said)
        elif self.sender.clock.now() - told.issued > down.VALID_FOR:
            self._refuse("stale", sealed)
        else:
            self.sender.on_down(told)
            self.commands += 1

    def _refuse(self, why: str, sealed: bytes) -> None:
        self.refused += 1
        _log.warning("refused: not of this box's hub", why=why, bytes=len(sealed))

    def _acknowledge(self, said: Acknowledgement) -> None:
        landed = [self.flying.pop(one) for one in said.batches if one in self.flying]
        ids = [identity for one in landed for identity in one.ids]
        self.acknowledged += self.sender.outbox.acknowledge(
            self.sender.clock.now(),
            batches=said.batches,
            ids=(*said.messages, *ids),
            refused=said.refused,
        )
        self.open.difference_update(ids, said.messages)
        for one in landed:
            self._landed(one)

    def _landed(self, one: _Flying) -> None:
        now = self._elapsed()
        self.heard = self.delivered_at = now
        self.delivered += one.size
        delivered = self.delivered - one.delivered
        self.pace = self.pace.answered(delivered, now - one.delivered_at, now - one.at, full=one.full)

    def _look_for_trouble(self) -> None:
        late = (self.pace.troubles + 1) * self.pace.late
        if self.flying and self._elapsed() - self.heard > late:
            self.pace = self.pace.troubled()

    def _elapsed(self) -> float:
        return self.sender.clock.elapsed()

    def _report(self, ending: Ending, why: Sentence | None = None) -> BurstReport:
        return BurstReport(
            ending,
            self.session.traffic(),
            self._elapsed() - self.start,
            self.frames,
            self.messages,
            self.acknowledged,
            self.commands,
            self.refused,
            why,
        )
