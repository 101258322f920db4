"""What sending needs of others, in memory: twins of the real parts for tests and simulations. Both pass the suites in
`tests/contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fieldbox.domain import LEFT, OPEN, Message, MessageKind, MessageState, Outgoing
from fieldbox.domain.messages import MOST_REPLACED, OVER, TRIES_AT_ONCE, UNREADABLE, shares
from fieldbox.i18n import Sentence
from fieldbox.retrying import is_due, pause
from fieldbox.wire.ids import message_id


class MemoryOutbox:
    """The messages of a box, without a disk; `fieldbox.storage.store.Store` keeps them for good. It forgets nothing."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._now = clock
        self._kept: dict[str, Message] = {}

    def send(self, outgoing: Outgoing) -> str:
        """Put a message into the outbox; its id. Raises ValueError for a wrong key."""
        now = self._now()
        identity = message_id(now, outgoing.key, max(self._kept, default=None))
        same = [one for one in self._oldest_first() if _same(one, outgoing)]
        self._change(
            [one for one in same if one.state in OPEN],
            lambda one: replace(one, state=MessageState.SUPERSEDED, next_try=None),
        )
        self._kept[identity] = Message(
            id=identity,
            kind=outgoing.kind,
            body=outgoing.body,
            state=MessageState.WAITING,
            attempts=0,
            created_at=now,
            subject=outgoing.subject,
            replaces=_replaced(outgoing.kind, same),
            expires_at=outgoing.expires_at,
        )
        return identity

    def messages(self, state: MessageState | None = None) -> list[Message]:
        """Messages in a state, or all: the most urgent first, then the newest."""
        newest_first = [self._kept[one] for one in sorted(self._kept, reverse=True)]
        return sorted(
            (one for one in newest_first if state in (None, one.state)), key=lambda one: one.priority
        )

    def message(self, message_id: str) -> Message | None:
        """One message."""
        return self._kept.get(message_id)

    def due_messages(
        self, now: datetime, limit: int, kinds: Collection[MessageKind] | None = None
    ) -> list[Message]:
        """As `Outbox` says."""
        found = [
            one
            for one in self.messages()
            if one.state in OPEN
            and is_due(one.next_try, now)
            and (one.expires_at is None or one.expires_at > now)
            and (kinds is None or one.kind in kinds)
        ]
        return found[:limit]

    def mark_sent(self, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime) -> None:
        """As `Outbox` says."""
        share = dict(zip(ids, shares(size, len(ids)), strict=True)) if ids else {}

        def sent(one: Message) -> Message:
            return replace(
                one,
                state=MessageState.SENT,
                attempts=one.attempts + 1,
                next_try=now + pause(one.attempts + 1, one.id),
                sent_at=now,
                carrier=carrier,
                batch=batch,
                bytes_sent=one.bytes_sent + share[one.id],
            )

        self._change([one for one in self._found(ids) if one.state in OPEN], sent)

    def lost(self, carrier: str, ids: Collection[str] | None = None) -> int:
        """As `Outbox` says."""
        handed = [
            one
            for one in (self._kept.values() if ids is None else self._found(ids))
            if one.state is MessageState.SENT and one.carrier == carrier and one.attempts < TRIES_AT_ONCE
        ]
        return self._change(handed, lambda one: replace(one, next_try=None))

    def acknowledge(
        self,
        now: datetime,
        *,
        batches: Collection[str] = (),
        ids: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """As `Outbox` says."""
        told = refused or {}
        unreadable = self._change(
            [one for one in self._found(told) if one.state in LEFT],
            lambda one: _refused(one, Sentence(UNREADABLE, {"why": told[one.id]})),
        )
        return unreadable + self._change(
            [
                one
                for one in self._kept.values()
                if one.state in LEFT and (one.id in ids or one.batch in batches)
            ],
            lambda one: replace(one, state=MessageState.ACKNOWLEDGED, acknowledged_at=now, next_try=None),
        )

    def expire_messages(self, now: datetime) -> int:
        """Give up what came to the end of its time; how many."""
        return self._change(
            [
                one
                for one in self._kept.values()
                if one.state in OPEN and one.expires_at and one.expires_at <= now
            ],
            lambda one: _refused(one, Sentence(OVER)),
        )

    def send_again(self, ids: Collection[str]) -> int:
        """Let messages go once more, whatever became of them, and without an end to their time; how many there are."""
        return self._change(
            self._found(set(ids)),
            lambda one: replace(
                one,
                state=MessageState.WAITING,
                attempts=0,
                next_try=None,
                expires_at=None,
                batch=None,
                acknowledged_at=None,
                why=None,
            ),
        )

    def _oldest_first(self) -> list[Message]:
        return [self._kept[one] for one in sorted(self._kept)]

    def _found(self, ids: Iterable[str]) -> list[Message]:
        return [self._kept[one] for one in ids if one in self._kept]

    def _change(self, those: Collection[Message], change: Callable[[Message], Message]) -> int:
        self._kept.update({one.id: change(one) for one in those})
        return len(those)


def _same(one: Message, outgoing: Outgoing) -> bool:
    return outgoing.subject is not None and (one.subject, one.kind) == (outgoing.subject, outgoing.kind)


def _replaced(kind: MessageKind, same: Sequence[Message]) -> tuple[str, ...]:
    """The ids of earlier ones that the hub is told; of health reports the first that it was not told yet, and the last."""
    if kind is not MessageKind.BOX:
        return tuple(one.id for one in same if one.state is not MessageState.REFUSED)[-MOST_REPLACED:]
    if not same:
        return ()
    last = same[-1]
    told = last.state is MessageState.ACKNOWLEDGED or not last.replaces
    return (last.id if told else last.replaces[0], last.id)


def _refused(one: Message, why: Sentence) -> Message:
    return replace(one, state=MessageState.REFUSED, next_try=None, why=why)
