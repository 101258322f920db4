"""What boxes sent, as people and programs read it. Bodies are held against their schemas before they are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldbox.domain import MessageKind
from fieldbox.hub.rows import KnownBox, Received, Refused
from fieldbox.hub.store import HubStore


@dataclass(frozen=True, slots=True)
class Told:
    """A message with what is in it."""

    message: Received
    box_name: str
    body: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "box": self.message.box,
            "box_name": self.box_name,
            "id": self.message.id,
            "kind": self.message.kind.value,
            "made_at": self.message.made_at.isoformat(),
            "received_at": self.message.received_at.isoformat(),
            "how": self.message.how.value,
            "body": dict(self.body),
        }


@dataclass(frozen=True, slots=True)
class Overview:
    """What the hub knows, at a glance."""

    boxes: list[KnownBox]
    alerts: list[Told]
    """Without those that only withdraw an earlier one."""
    surveys: list[Told]
    health: Mapping[str, Told]
    """The newest health report of each box."""
    refused: list[Refused]


def told(store: HubStore, kind: MessageKind, limit: int) -> list[Told]:
    """Messages of a kind in whose place no other goes, the newest first."""
    names = {box.id: box.name for box in store.boxes()}
    found = store.messages(kinds=[kind], limit=limit)
    return [Told(one, names.get(one.box, ""), json.loads(one.body)) for one in found]


def overview(store: HubStore, limit: int = 200) -> Overview:
    """What a page of the hub shows."""
    reports = told(store, MessageKind.BOX, limit)
    return Overview(
        store.boxes(),
        [one for one in told(store, MessageKind.ALERT, limit) if one.body.get("why") != []],
        told(store, MessageKind.SUMMARY, limit),
        {one.message.box: one for one in reversed(reports)},
        store.refused(),
    )


def box_json(box: KnownBox) -> dict[str, Any]:
    """A box for machines."""
    return {
        "id": box.id,
        "name": box.name,
        "joined_at": box.joined_at.isoformat(),
        "heard_at": _when(box.heard_at),
        "heard_over": None if box.heard_over is None else box.heard_over.value,
        "certificate_expires_at": box.certificate.expires_at.isoformat(),
        "revoked_at": _when(box.revoked_at),
    }


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def estimate(value: Any) -> str:
    """An estimate of a summary, [value, low, high], as text; a dash where it is not known."""
    if not isinstance(value, list) or not value:
        return "–"
    low_high = f" ({value[1]:g}–{value[2]:g})" if len(value) == 3 else ""
    return f"{value[0]:g}{low_high}"


def minute(moment: datetime | None) -> str:
    """A time as people read it, UTC."""
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
