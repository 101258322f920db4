"""Couriers at the box: puts what waits onto a stick, and takes in what the hub said by one.

What goes by stick stays open until the hub's acknowledgement comes, by air or by stick; what goes both ways counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from fieldbox.domain import Message
from fieldbox.sync.batching import BYTES_EACH, Batch, fill
from fieldbox.sync.identity import Joined
from fieldbox.sync.ports import Outbox
from fieldbox.wire import courier, frame
from fieldbox.wire.courier import Part, PartKind, Way
from fieldbox.wire.down import VALID_FOR, Acknowledgement, Down, DownKind, read
from fieldbox.wire.down import Unreadable as NotSaid
from fieldbox.wire.seal import Forged

NAME: Final = "courier"
"""As `Message.carrier` has it."""
_FRAME: Final = frame.MAX_FRAME * 3 // 4


@dataclass(frozen=True, slots=True)
class Exported:
    """What was put onto a stick."""

    file: Path
    messages: int
    size: int
    """Bytes."""
    asks_for_certificate: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of the hub's file on a stick."""

    made: datetime
    """When the hub wrote it, by its own clock, under its signature."""
    acknowledged: int = 0
    """Messages that are done now."""
    commands: int = 0
    """Things that the hub said, but for acknowledgements."""
    models: tuple[str, ...] = ()
    """Names of model files."""
    passed_over: int = 0
    """Parts that this release cannot read."""


def export(
    joined: Joined, outbox: Outbox, messages: Sequence[Message], stick: Path, now: datetime
) -> Exported:
    """Write `messages` to a stick, and ask for a new certificate where it is time.

    Raises OSError where the stick cannot be written, and `courier.Unreadable`: then all is as before.
    """
    identity = joined.identity
    batches = list(_batches(joined, messages))
    parts = [Part(PartKind.FRAME, one.frame) for one in batches]
    asks = joined.wants_renewal(now)
    if asks:
        parts.append(Part(PartKind.REQUEST, identity.request().encode()))
    file = courier.write(stick, Way.UP, identity.box, parts, identity.key, now)
    for one in batches:
        outbox.mark_sent(one.ids, batch=frame.batch_of(one.frame), carrier=NAME, size=len(one.frame), now=now)
    return Exported(file, len(messages), file.stat().st_size, asks)


def _batches(joined: Joined, messages: Sequence[Message]) -> Iterator[Batch]:
    """All messages in frames, in their order."""
    identity, left, each = joined.identity, list(messages), BYTES_EACH
    while batch := fill(left, _FRAME, each, lambda some: frame.pack(identity.box, some, identity.key)):
        yield batch
        del left[: len(batch.messages)]
        each = batch.each


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does what comes by stick."""

    outbox: Outbox
    on_down: Callable[[Down], None]
    """Follows a command; it has committed it when it returns. The same one may come again."""
    on_model: Callable[[str, bytes], None]
    """Keeps a model's file, by its name, to be looked at by whoever installs it: it is not trusted for having come this way."""
    on_time: Callable[[datetime], None] = lambda _made: None
    """Hears the hub's time under its signature: it is at least so late."""


def take_in(joined: Joined, stick: Path, hands: Hands, now: Callable[[], datetime]) -> Imported | None:
    """Take in what the hub sent this box on a stick; None: there is nothing for this box.

    Raises `courier.Unreadable` for a file that cannot be trusted as a whole: then nothing was changed. Raises OSError where the
    stick cannot be read, and what the hands raise.
    """
    if joined.identity.box not in courier.names(stick, Way.DOWN):
        return None
    with courier.opened(stick, joined.identity.box, Way.DOWN, joined.hub_key) as package:
        hands.on_time(package.made)
        told = [_use(joined, part, content, hands, now()) for part, content in package.contents()]
        unknown = sum(part.kind is None for part in package.parts)
        return Imported(
            package.made,
            sum(one.acknowledged for one in told),
            sum(one.commands for one in told),
            tuple(one.model for one in told if one.model),
            unknown + sum(one.passed_over for one in told),
        )


@dataclass(frozen=True, slots=True)
class _Used:
    acknowledged: int = 0
    commands: int = 0
    model: str = ""
    passed_over: int = 0


def _use(joined: Joined, part: courier.Listed, content: bytes, hands: Hands, now: datetime) -> _Used:
    if part.kind is PartKind.MODEL:
        hands.on_model(part.name, content)
        return _Used(model=part.name)
    if part.kind is not PartKind.SAID:
        return _Used(passed_over=1)
    try:
        return _follow(read(content, joined.hub_key, joined.identity.box), hands, now)
    except (NotSaid, Forged):
        return _Used(passed_over=1)


def _follow(told: Down, hands: Hands, now: datetime) -> _Used:
    if told.kind is not DownKind.ACKNOWLEDGE:
        if now - told.issued > VALID_FOR:
            return _Used(passed_over=1)
        hands.on_down(told)
        return _Used(commands=1)
    said = Acknowledgement.of(told.body)
    changed = hands.outbox.acknowledge(now, batches=said.batches, ids=said.messages, refused=said.refused)
    return _Used(acknowledged=changed)
