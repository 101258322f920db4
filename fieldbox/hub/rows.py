"""What the hub's store hands out and takes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from fieldbox.domain import MessageKind


class Way(StrEnum):
    """How something came to the hub."""

    MQTT = "mqtt"
    COURIER = "courier"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate as the hub remembers it."""

    serial: str
    """Hexadecimal."""
    expires_at: datetime
    pem: str = ""


@dataclass(frozen=True, slots=True)
class KnownBox:
    """A box that joined the hub."""

    id: str
    name: str
    """What people call it; empty: nothing."""
    key: bytes
    """Its Ed25519 public key."""
    certificate: Certificate
    joined_at: datetime
    heard_at: datetime | None = None
    heard_over: Way | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the hub has."""

    box: str
    id: str
    kind: MessageKind
    body: str
    made_at: datetime
    received_at: datetime
    how: Way
    frame: str
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Arriving:
    """A message of a frame, read and found sound."""

    id: str
    kind: MessageKind
    body: str
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a frame brought."""

    box: str
    frame: str
    """Its id."""
    how: Way
    at: datetime
    taken: tuple[Arriving, ...]
    refused: Mapping[str, str]
    """Why, in a word, by the message's id."""
    answers: Mapping[str, str]
    """Ids of messages that answer commands, by the command's id."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was sent and not taken."""

    digest: str
    message: str
    box: str
    why: str
    how: str
    at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the hub tells a box."""

    box: str
    id: str
    kind: str
    body: Mapping[str, Any]
    sealed: bytes
    made_at: datetime
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str | None = None
