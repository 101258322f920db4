"""What the dashboard needs of the process that takes photos in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fieldbox.domain import IntakeStatus, Offer, Standing, TestFlight, Upload


class Uploads(Protocol):
    """What somebody sends from a browser: `fieldbox.ingest.uploads.Uploads` fits it as it is, and says more of it."""

    def create(self, user: str, field_name: str | None) -> Upload: ...
    def find(self, session_id: str, user: str) -> Upload | None: ...
    def sessions(self) -> list[Upload]: ...
    def offer(self, session: Upload, offers: Sequence[Offer]) -> list[Standing]: ...
    def offset(self, session: Upload, number: int) -> tuple[int, int]: ...
    def write(self, session: Upload, number: int, offset: int, chunk: bytes, crc: int) -> int: ...
    def finish(self, session: Upload) -> int: ...
    def remove(self, session: Upload) -> None: ...


@dataclass(frozen=True, slots=True)
class Intake:
    """The other process that takes photos in: where uploads go, and what it is doing (None: nobody knows)."""

    uploads: Uploads
    status: Callable[[], IntakeStatus | None]


class TestFlights(Protocol):
    """Simulated flights, made and brought by the intake."""

    def now(self) -> TestFlight | None:
        """The one that was asked for last; None: none was."""
        ...

    def wish(self, language: str = "en") -> None:
        """Ask for one, whose field is named in a language. Raises Rejected while one is under way."""
        ...

    def forget(self) -> None:
        """The one that was asked for last is gone."""
        ...
