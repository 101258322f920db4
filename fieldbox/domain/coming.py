"""How photos come to the box: what the intake does, and what a browser sends. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldbox.i18n import Sentence


class Way(StrEnum):
    """How photos come to the box."""

    CARD = "card"
    DROP = "drop"
    UPLOAD = "upload"


class Came(StrEnum):
    """What became of something that was brought."""

    DONE = "done"
    PARTLY = "partly"
    """Some of its files were not taken."""
    REFUSED = "refused"
    WAITING = "waiting"
    """It is tried again."""


@dataclass(frozen=True, slots=True)
class Bringing:
    """Something that is being taken in."""

    way: Way
    name: str
    id: str
    step: str
    """copy, then read."""
    done: int
    total: int
    """Files."""
    may_pull: bool
    """Everything is on the box: its card is not needed any more."""


@dataclass(frozen=True, slots=True)
class Brought:
    """Something that was taken in, or was not."""

    way: Way
    name: str
    id: str
    ended_at: datetime
    outcome: Came
    sentence: Sentence | None
    """Why not all of it was taken."""
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    flights: tuple[str, ...] = ()
    """Their ids."""
    may_pull: bool = True


@dataclass(frozen=True, slots=True)
class IntakeStatus:
    """What the intake is doing, and what it did last."""

    at: datetime
    now: tuple[Bringing, ...]
    last: tuple[Brought, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody sends from a browser. `state` is open (files come), sent (all came) or failed (`reason` says why)."""

    id: str
    user: str
    field_name: str | None
    state: str = "open"
    reason: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that the browser has: `modified` is its own time in milliseconds."""

    name: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a file of an upload is; `refused` why it is not taken, and then it has no `number`."""

    name: str
    number: int | None
    offset: int
    refused: Sentence | None = None
