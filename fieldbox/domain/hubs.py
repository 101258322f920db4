"""The far end as a person of the farm sees it. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HubNow:
    """A hub that the box has joined, or may join."""

    box: str
    """The box's id."""
    hub: str
    """Its id."""
    host: str
    port: int
    fingerprint: str
    """To be compared with what whoever keeps the hub reads out."""
    expires_at: datetime | None
    """When the box's certificate ends; None: it has none of this hub yet."""


@dataclass(frozen=True, slots=True)
class ExampleText:
    """What a text would say, and in how many parts it would go."""

    body: str
    parts: int
