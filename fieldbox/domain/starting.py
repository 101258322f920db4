"""What happens once in the life of a box. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldbox.i18n import Sentence


class Flying(StrEnum):
    """How far a test flight is."""

    WISHED = "wished"
    FLYING = "flying"
    """Its photos are being made."""
    BRINGING = "bringing"
    """They are being taken in, as from a card."""
    BROUGHT = "brought"
    """It is a flight like any other from then on."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TestFlight:
    """A simulated flight that somebody asked for, so that all pages have something to show."""

    __test__ = False

    state: Flying
    at: datetime
    """When it came into this state, or went on in it."""
    done: int = 0
    total: int = 0
    """Photos; 0: not known yet."""
    flight_id: str | None = None
    reason: Sentence | None = None
    """Why it failed."""

    @property
    def under_way(self) -> bool:
        """Whether one waits for it."""
        return self.state in (Flying.WISHED, Flying.FLYING, Flying.BRINGING)
