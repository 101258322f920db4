"""What links cost, day by day, and what is known of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from fieldbox.domain import LinkDay, LinkDoing, LinkKind, LinkPast, LinkState
from fieldbox.i18n import Sentence
from fieldbox.storage import accounts
from fieldbox.storage.schema import link_days

KEPT: Final = 4000
"""Rows that are kept, the newest: of five links more than two years. Counted, since a clock that is years ahead for a while must
not make this month's account go."""
_PASTS, _STATE = "sync.pasts", "sync.state"
"""Keys of settings."""


def add(
    connection: Connection, day: date, kind: LinkKind, sent: int, received: int, connections: int
) -> None:
    """Count bytes over a link; negative ones give back what was counted too much."""
    row = {"day": day, "link": kind.value, "sent": sent, "received": received, "connections": connections}
    more = {name: getattr(link_days.c, name) + row[name] for name in ("sent", "received", "connections")}
    counted = upsert(link_days).values(row)
    connection.execute(counted.on_conflict_do_update(index_elements=["day", "link"], set_=more))
    oldest = select(link_days.c.day).order_by(link_days.c.day.desc()).limit(1).offset(KEPT).scalar_subquery()
    connection.execute(delete(link_days).where(link_days.c.day <= oldest))


def since(connection: Connection, day: date) -> list[LinkDay]:
    """The days from `day` on, oldest first."""
    query = select(link_days).where(link_days.c.day >= day).order_by(link_days.c.day, link_days.c.link)
    return [
        LinkDay(row.day, LinkKind(row.link), row.sent, row.received, row.connections)
        for row in connection.execute(query)
    ]


def pasts(connection: Connection) -> dict[LinkKind, LinkPast]:
    """What came of the connections over each kind of link; of one that was never tried, nothing."""
    told = _read(connection, _PASTS)
    return {LinkKind(kind): LinkPast(**_values(LinkPast, row)) for kind, row in told.items()}


def keep_pasts(connection: Connection, told: Mapping[LinkKind, LinkPast]) -> None:
    """Keep them in place of what was kept."""
    _write(connection, _PASTS, {kind.value: asdict(one) for kind, one in told.items()})


def state(connection: Connection) -> LinkState | None:
    """How the box stands with its hub, as the sending process told it last; None: it never did."""
    told = _read(connection, _STATE)
    return LinkState(**_values(LinkState, told)) if told else None


def keep_state(connection: Connection, told: LinkState) -> None:
    """Keep it in place of what was kept."""
    _write(connection, _STATE, asdict(told))


# -- as JSON ---------------------------------------------------------------------------------------


def _read(connection: Connection, key: str) -> dict[str, Any]:
    """What is kept under a key; {} too where a release to come wrote what this one does not know."""
    text = accounts.setting(connection, key)
    try:
        told = json.loads(text) if text else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _write(connection: Connection, key: str, told: Mapping[str, Any]) -> None:
    accounts.set_setting(connection, key, json.dumps(told, default=_plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(type(value))


def _sentence(told: Mapping[str, Any]) -> Sentence:
    template, params = told["template"], told["params"]
    return Sentence(template, params)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("at", "since", "last_try", "last_success", "next_try"), datetime.fromisoformat),
    "why": _sentence,
    "doing": LinkDoing,
    "link": LinkKind,
    "links": tuple,
    "notes": lambda told: tuple(map(_sentence, told)),
}
"""How the fields of both nouns are read that are no plain values."""


def _values(noun: type[LinkPast] | type[LinkState], row: Mapping[str, Any]) -> dict[str, Any]:
    known = {one.name for one in fields(noun)}
    return {
        name: value if value is None or name not in _READERS else _READERS[name](value)
        for name, value in row.items()
        if name in known
    }
