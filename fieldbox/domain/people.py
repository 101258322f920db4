"""People and programs that may use the box, and what each may do. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Right(StrEnum):
    """What somebody may do. A token's scopes are these too."""

    READ = "read"
    """See everything of the farm: fields, maps, photos, flights, what was sent."""
    JUDGE = "judge"
    """Say what is right and wrong: review, verdicts on a survey."""
    WORK = "work"
    """Bring photos, draw fields, plan spraying, pin and map flights again, send now."""
    OWN = "own"
    """Decide what leaves the farm, who may come in, and what is deleted."""


class Role(StrEnum):
    """What a person is on this farm."""

    OWNER = "owner"
    OPERATOR = "operator"
    AGRONOMIST = "agronomist"
    VIEWER = "viewer"

    @property
    def rights(self) -> frozenset[Right]:
        """All that such a person may do."""
        return RIGHTS_OF[self]


RIGHTS_OF: Final[Mapping[Role, frozenset[Right]]] = {
    Role.OWNER: frozenset(Right),
    Role.OPERATOR: frozenset({Right.READ, Right.JUDGE, Right.WORK}),
    Role.AGRONOMIST: frozenset({Right.READ, Right.JUDGE}),
    Role.VIEWER: frozenset({Right.READ}),
}


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A key for a program. Of the key itself only its SHA-256 is kept; it may never do more than the person who made it."""

    id: int
    name: str
    """What it is for."""
    user_id: int
    """Who made it."""
    scopes: frozenset[Right]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To the hour: a look every second must not write every second."""
    revoked_at: datetime | None
