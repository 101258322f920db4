"""The hub's store: boxes, their messages, what was refused, and what is still to be told.

Each method is one transaction; one that writes has its commit on the disk when it returns. Every method can raise Unavailable
(no space; PostgreSQL does not answer) and Misconfigured (the file is damaged).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from fieldbox.domain import MessageKind
from fieldbox.hub import boxes, commands, messages, refusals
from fieldbox.hub.database import Database, open_database
from fieldbox.hub.rows import Arrival, Certificate, Command, KnownBox, Received, Refused, Way


class HubStore:
    """The tables of one hub. Threads may share a store; other processes open their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, where: str | Path) -> Self:
        """Open the tables in a SQLite file or at a URL (`postgresql+psycopg://…`), made if they are missing."""
        return cls(open_database(where))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add_box(self, box: KnownBox, now: datetime) -> None:
        """Know a box from now on, and the certificate that it was given."""
        with self._database.write() as connection:
            boxes.add(connection, box)
            boxes.certify(connection, box.id, box.certificate, now)

    def certify(self, box: str, certificate: Certificate, now: datetime, told: Command) -> None:
        """Note another certificate of a box, and let the command wait that gives it to the box."""
        with self._database.write() as connection:
            boxes.certify(connection, box, certificate, now)
            commands.add(connection, told)

    def newest_certificate(self, box: str) -> Certificate | None:
        """The certificate of a box that ends last; None: there is none that was not revoked."""
        with self._database.read() as connection:
            return boxes.newest_certificate(connection, box)

    def revoke(self, box: str, now: datetime) -> bool:
        """Hear a box no more; whether it was known."""
        with self._database.write() as connection:
            return boxes.revoke(connection, box, now)

    def revoked_certificates(self) -> Sequence[tuple[str, datetime]]:
        """Serials of certificates that are valid no more, and since when."""
        with self._database.read() as connection:
            return boxes.revoked(connection)

    def box(self, box: str) -> KnownBox | None:
        """A box by its id."""
        with self._database.read() as connection:
            return boxes.find(connection, box)

    def boxes(self) -> list[KnownBox]:
        """All boxes, the longest known first."""
        with self._database.read() as connection:
            return boxes.every(connection)

    def keep(self, arrival: Arrival) -> int:
        """Keep what a frame brought, and what of it was refused; how many of its messages were new."""
        with self._database.write() as connection:
            boxes.heard(connection, arrival.box, arrival.how, arrival.at)
            new = messages.add(connection, arrival)
            commands.answer(connection, arrival.box, arrival.answers, arrival.at)
            for one, why in arrival.refused.items():
                told = refusals.noted(
                    arrival.frame, why, arrival.how.value, arrival.at, box=arrival.box, message=one
                )
                refusals.add(connection, told)
            return new

    def refuse(self, what: Refused) -> None:
        """Note that something was not taken."""
        with self._database.write() as connection:
            refusals.add(connection, what)

    def refused(self, limit: int = 100) -> list[Refused]:
        """What was refused last, the newest first."""
        with self._database.read() as connection:
            return refusals.listed(connection, limit)

    def messages(
        self,
        *,
        kinds: Collection[MessageKind] | None = None,
        box: str | None = None,
        standing: bool = True,
        limit: int | None = None,
    ) -> list[Received]:
        """Messages, the newest first; `standing`: only those in whose place no other goes."""
        with self._database.read() as connection:
            return messages.listed(connection, kinds=kinds, box=box, standing=standing, limit=limit)

    def count_messages(self) -> int:
        """How many messages there are, replaced ones among them."""
        with self._database.read() as connection:
            return messages.count(connection)

    def carried_since(self, box: str, since: datetime, limit: int) -> Sequence[str]:
        """Ids of a box's messages that a courier brought since a moment, the newest first."""
        with self._database.read() as connection:
            return messages.carried_since(connection, box, since, limit)

    def refused_since(self, box: str, how: Way, since: datetime) -> Mapping[str, str]:
        """Why messages of a box that came over `how` since a moment cannot be read, by their ids."""
        with self._database.read() as connection:
            return refusals.of_box(connection, box, how.value, since)

    def add_command(self, command: Command) -> None:
        """Let a command wait for its box."""
        with self._database.write() as connection:
            commands.add(connection, command)

    def waiting_commands(self, box: str, now: datetime, sent_before: datetime | None = None) -> list[Command]:
        """Commands that a box has not answered, oldest first; with `sent_before`, those that were not sent since."""
        with self._database.read() as connection:
            return commands.waiting(connection, box, now, sent_before)

    def commands_never_sent(self, now: datetime, limit: int = 100) -> list[Command]:
        """Commands that were handed to nobody yet, oldest first."""
        with self._database.read() as connection:
            return commands.never_sent(connection, now, limit)

    def commands_sent(self, ids: Iterable[str], now: datetime) -> None:
        """They were handed to the broker or a stick."""
        with self._database.write() as connection:
            commands.mark_sent(connection, list(ids), now)

    def commands(self, box: str | None = None) -> Sequence[Command]:
        """Commands of a box or of all, the newest first."""
        with self._database.read() as connection:
            return commands.listed(connection, box)
