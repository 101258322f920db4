"""Connections to the hub: each is counted with all that it may cost before it begins, and put right when it is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog

from fieldbox.domain import Link, LinkKind, LinkPast, Message, MessageKind
from fieldbox.errors import Distrusted, Unsent, Unwelcome
from fieldbox.i18n import N_, Sentence
from fieldbox.services.situating import forgive
from fieldbox.services.syncparts import Parts
from fieldbox.storage.store import Store
from fieldbox.sync import renewal
from fieldbox.sync.burst import BurstReport, Ending, Limits, Sender, burst
from fieldbox.sync.identity import Joined
from fieldbox.sync.policy import learnt
from fieldbox.sync.ports import Carrier, Outbox, Session, Traffic
from fieldbox.sync.situation import Connect, Outcome
from fieldbox.sync.timekeeping import ListeningSession
from fieldbox.wire.down import Down

log = structlog.get_logger()

_DIALLED: Final = "sync.dialled"
"""The key of a setting."""
SILENT: Final = Sentence(
    N_("The link stood, and the hub did not answer. Messages wait; it is tried again by itself.")
)
_CUT_OFF: Final = Sentence(
    N_("The box or its program stopped in the middle of the last connection. It is tried again by itself.")
)


class Chosen:
    """An outbox of which only some kinds of messages may go: what a burst is given."""

    def __init__(self, inner: Outbox, kinds: Collection[MessageKind]) -> None:
        self._inner, self._kinds = inner, kinds

    def due_messages(
        self, now: datetime, limit: int, kinds: Collection[MessageKind] | None = None
    ) -> Sequence[Message]:
        """As of the outbox."""
        wanted = self._kinds if kinds is None else [one for one in kinds if one in self._kinds]
        return self._inner.due_messages(now, limit, wanted)

    def mark_sent(self, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime) -> None:
        """As of the outbox."""
        self._inner.mark_sent(ids, batch=batch, carrier=carrier, size=size, now=now)

    def lost(self, carrier: str, ids: Collection[str] | None = None) -> int:
        """As of the outbox."""
        return self._inner.lost(carrier, ids)

    def acknowledge(
        self,
        now: datetime,
        *,
        batches: Collection[str] = (),
        ids: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """As of the outbox."""
        return self._inner.acknowledge(now, batches=batches, ids=ids, refused=refused)


@dataclass(slots=True)
class _Spent:
    """What a burst has cost."""

    total: Traffic = field(default_factory=Traffic)


@contextmanager
def _opened(carrier: Carrier, spent: _Spent) -> Iterator[Session]:
    """A connection, closed and counted after the block, also where it did not come about."""
    before = carrier.spent
    try:
        session = carrier.connect()
        try:
            yield session
        finally:
            session.close()
    finally:
        after = carrier.spent
        spent.total = Traffic(after.sent - before.sent, after.received - before.received)


class Bursts:
    """Connects for one box."""

    def __init__(self, store: Store, parts: Parts, follow: Callable[[Down], None]) -> None:
        """`follow` does what the hub wants."""
        self._store, self._parts, self._follow = store, parts, follow
        self._carrier: Carrier | None = None
        self._of: object = None
        """What `_carrier` was made of."""
        self._trying = False
        """It shows a certificate that has not worked yet."""

    def look_at_certificates(self, mine: Joined) -> None:
        """Where they or the hub are others than before, another way to it is made, and what failed before is tried again."""
        made_of = (mine.hub, renewal.credentials(mine), mine.expires_at)
        if self._of != made_of:
            if self._of is not None:
                forgive(self._store)
            self._carrier, self._of = None, made_of

    def connect(self, mine: Joined, plan: Connect) -> None:
        """One burst: counted before it begins, as a failure too, put right after it, and learnt from.

        A modem that draws more than the supply gives ends each connection with a restart: it must not be tried at once for ever.
        """
        kind, clock = plan.link.kind, self._parts.clock
        pasts = self._store.link_pasts()
        before = pasts.get(kind, LinkPast())
        pasts[kind] = learnt(before, Outcome(False, 0, 0.0, 0.0, why=_CUT_OFF), clock.now())
        self._store.keep_link_pasts(pasts)
        log.info("connecting", link=kind.value, allowance=plan.byte_allowance, reason=str(plan.reason))
        with self._counted(kind, plan.byte_allowance) as spent:
            came, report = self._burst(mine, plan, spent)
        pasts[kind] = learnt(before, replace(came, total_bytes=spent.total.total), clock.now())
        self._store.keep_link_pasts(pasts)
        log.info(
            "connection over",
            link=kind.value,
            carried=came.carried,
            bytes=spent.total.total,
            acknowledged=report.acknowledged if report else 0,
            reason=str(came.why) if came.why else None,
        )

    def hang_up(self) -> None:
        """A link that the process' earlier life had dialled when it was killed costs as long as it is up."""
        left = self._store.setting(_DIALLED)
        if left:
            self._parts.dialler.end(left)
            self._store.set_setting(_DIALLED, "")

    @contextmanager
    def _counted(self, kind: LinkKind, allowance: int) -> Iterator[_Spent]:
        """Whatever happens in the block, its bytes are in the accounts: all that is allowed, until it is known better."""
        day, spent = self._parts.clock.now().date(), _Spent()
        self._store.add_traffic(day, kind, sent=allowance, connections=1)
        try:
            yield spent
        finally:
            total = spent.total
            self._store.add_traffic(day, kind, sent=total.sent - allowance, received=total.received)

    def _burst(self, mine: Joined, plan: Connect, spent: _Spent) -> tuple[Outcome, BurstReport | None]:
        clock, began = self._parts.clock, self._parts.clock.elapsed()
        try:
            carrier = self._carrier_of(mine)
            with self._interface(plan.link) as name:
                carrier.interface = name
                with _opened(carrier, spent) as session:
                    connected, opening = clock.elapsed(), session.traffic().total
                    self._accepted(mine)
                    report = burst(
                        ListeningSession(
                            session, clock, mine.hub_key, mine.identity.box, self._parts.stopping
                        ),
                        self._sender(mine, plan),
                        Limits(allowance=plan.byte_allowance, seconds=plan.seconds),
                    )
                    open_s = clock.elapsed() - connected
        except Unsent as error:
            return self._failed(mine, error, clock.elapsed() - began), None
        carried = report.acknowledged > 0 or report.ending is Ending.DONE
        why = None if carried else report.why or SILENT
        return Outcome(carried, 0, connected - began, open_s, opening, why), report

    def _failed(self, mine: Joined, error: Unsent, seconds: float) -> Outcome:
        stuck = isinstance(error, Distrusted)
        if self._trying and isinstance(error, Unwelcome):
            renewal.refused(mine.identity.folder)
            self._trying, stuck = False, False
        return Outcome(False, 0, seconds, 0.0, why=error.sentence, stuck=stuck)

    def _accepted(self, mine: Joined) -> None:
        """It is connected. Before the hub is heard, which may send a newer certificate that has not worked yet."""
        if self._trying:
            renewal.worked(mine.identity.folder)
            self._trying = False

    def _carrier_of(self, mine: Joined) -> Carrier:
        """The same one as long as its hub and certificates are the same: it keeps the ticket for TLS."""
        if self._carrier is None:
            self._carrier, self._trying = self._parts.carrier(mine)
        return self._carrier

    def _sender(self, mine: Joined, plan: Connect) -> Sender:
        return Sender(
            box=mine.identity.box,
            key=mine.identity.key,
            hub=mine.hub_key,
            outbox=Chosen(self._store, plan.kinds),
            clock=self._parts.clock,
            on_down=self._follow,
        )

    @contextmanager
    def _interface(self, link: Link) -> Iterator[str]:
        """Over which the connection goes; a link that is dialled is up for the block."""
        if not link.dialled:
            yield link.name
            return
        self._store.set_setting(_DIALLED, link.name)
        try:
            yield self._parts.dialler.dial(link.name)
        finally:
            self._parts.dialler.hang_up(link.name)
            self._store.set_setting(_DIALLED, "")
