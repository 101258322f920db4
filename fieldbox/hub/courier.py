"""Couriers at the hub: takes in what boxes sent by stick, and puts what it has to say onto a stick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from blake3 import blake3

from fieldbox.hub import joining
from fieldbox.hub.home import Home
from fieldbox.hub.receiving import Stranger, key_of, receive, say
from fieldbox.hub.refusals import noted
from fieldbox.hub.rows import KnownBox, Way
from fieldbox.hub.store import HubStore
from fieldbox.wire import courier, join
from fieldbox.wire.courier import Part, PartKind
from fieldbox.wire.down import Acknowledgement, DownKind

_IDS_AT_ONCE: Final = 2000
"""In one acknowledgement: 17 bytes each, with a reason some 24, and it may have 64 KB."""
_SAID_AGAIN: Final = timedelta(days=90)
"""For so long each stick tells a box what came by courier: the last stick may not have come back to it."""
_MOST_AGAIN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of one box's file on a stick."""

    box: str
    new: int = 0
    """Messages that the hub did not have."""
    known: int = 0
    refused: int = 0
    """Messages that cannot be read, and frames that were not taken."""
    why: str | None = None
    """Why the file was refused: a name in `courier.REASONS`; None: it was taken in."""


@dataclass(slots=True)
class _Taken:
    new: int = 0
    ids: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    turned_away: int = 0


def take_in(home: Home, store: HubStore, stick: Path, now: datetime) -> list[Brought]:
    """Take in all files of boxes on a stick, each by itself. What was taken in is answered by `write_answer`.

    Raises OSError where the stick itself cannot be read, and Unavailable and Misconfigured of the store.
    """
    return [_take_one(home, store, stick, box, now) for box in courier.names(stick, courier.Way.UP)]


def _take_one(home: Home, store: HubStore, stick: Path, box: str, now: datetime) -> Brought:
    taken = _Taken()
    try:
        key = key_of(store, box)
        with courier.opened(stick, box, courier.Way.UP, key) as package:
            for part, content in package.contents():
                _use(home, store, box, part.kind, content, taken, now)
    except Stranger as error:
        return _refused(store, box, error.why, now)
    except courier.Unreadable as error:
        return _refused(store, box, str(error), now)
    except OSError:
        return _refused(store, box, "stick", now)
    return Brought(box, taken.new, len(taken.ids) - taken.new, len(taken.unread) + taken.turned_away)


def _use(
    home: Home,
    store: HubStore,
    box: str,
    kind: PartKind | None,
    content: bytes,
    taken: _Taken,
    now: datetime,
) -> None:
    if kind is PartKind.FRAME:
        got = receive(store, home.key, content, how=Way.COURIER, now=now)
        taken.new += got.new
        taken.ids += got.taken
        taken.unread |= got.refused
        taken.turned_away += got.box is None
    elif kind is PartKind.REQUEST:
        _renew(home, store, box, content, now)


def _renew(home: Home, store: HubStore, box: str, content: bytes, now: datetime) -> None:
    try:
        asked = join.read_request(content)
    except join.Unreadable as error:
        store.refuse(noted(_digest(content), str(error), Way.COURIER.value, now, box=box))
        return
    if asked.box == box:
        joining.renew(home, store, box, now, asked)


def _refused(store: HubStore, box: str, why: str, now: datetime) -> Brought:
    store.refuse(noted(_digest(f"courier {box}".encode()), why, Way.COURIER.value, now, box=box))
    return Brought(box, why=why)


def _digest(content: bytes) -> str:
    return blake3(content).hexdigest()[:16]


def write_answer(home: Home, store: HubStore, stick: Path, box: KnownBox, now: datetime) -> Path:
    """Put onto a stick what the hub has to say to a box: what it has, commands, certificates, models.

    Raises OSError where the stick cannot be written, and `courier.Unreadable` where a model is too large or a link is in the way.
    """
    waiting = store.waiting_commands(box.id, now)
    said = [*_acknowledgements(home, store, box.id, now), *(one.sealed for one in waiting)]
    parts = [*(Part(PartKind.SAID, one) for one in said), *models(home.models)]
    file = courier.write(stick, courier.Way.DOWN, box.id, parts, home.key, now)
    if waiting:
        store.commands_sent([one.id for one in waiting], now)
    return file


def _acknowledgements(home: Home, store: HubStore, box: str, now: datetime) -> Iterator[bytes]:
    """What came by courier of late, and what of it cannot be read."""
    since = now - _SAID_AGAIN
    ids = store.carried_since(box, since, _MOST_AGAIN)
    unread = store.refused_since(box, Way.COURIER, since)
    for at in range(0, len(ids), _IDS_AT_ONCE):
        yield _acknowledge(home, box, ids[at : at + _IDS_AT_ONCE], {}, now)
    pairs = list(unread.items())
    for at in range(0, len(pairs), _IDS_AT_ONCE):
        yield _acknowledge(home, box, (), dict(pairs[at : at + _IDS_AT_ONCE]), now)


def _acknowledge(
    home: Home, box: str, ids: Sequence[str], refused: Mapping[str, str], now: datetime
) -> bytes:
    told = Acknowledgement(messages=tuple(ids), refused=refused)
    return say(home.key, box, DownKind.ACKNOWLEDGE, told.body(), now)


def models(folder: Path) -> list[Part]:
    """The model files of a folder, in the order of their names; each has its own signature beside it."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        Part(PartKind.MODEL, file, file.name)
        for file in files
        if file.is_file() and courier.is_model_name(file.name)
    ]
