"""The store: everything that the box knows, behind one class, which is put together of the classes in `parts`.

Each method is one transaction; one that writes has its commit on the disk when it returns. The queries
themselves are in the modules beside this one, as functions of a connection, so that several of them can
be one transaction (`save_survey`).

Instants are aware datetimes, times by a camera's clock naive ones. Every method can raise
`Unavailable` (the disk is full, read-only or failing; another writer took too long) and `Misconfigured`
(the file is damaged).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from fieldbox.storage.backup import copy_database
from fieldbox.storage.engine import Database
from fieldbox.storage.lock import held
from fieldbox.storage.migrate import prepare
from fieldbox.storage.parts.accounts import AccountPart
from fieldbox.storage.parts.audits import AuditPart
from fieldbox.storage.parts.captures import CapturePart
from fieldbox.storage.parts.fields import FieldPart
from fieldbox.storage.parts.files import FilePart
from fieldbox.storage.parts.flights import FlightPart
from fieldbox.storage.parts.ingests import IngestPart
from fieldbox.storage.parts.jobs import JobPart
from fieldbox.storage.parts.labels import LabelPart
from fieldbox.storage.parts.link import LinkPart
from fieldbox.storage.parts.marks import MarkPart
from fieldbox.storage.parts.originals import OriginalPart
from fieldbox.storage.parts.outbox import OutboxPart
from fieldbox.storage.parts.sidefiles import SideFilePart
from fieldbox.storage.parts.surveys import SurveyPart
from fieldbox.storage.parts.texts import TextPart
from fieldbox.storage.parts.tokens import TokenPart
from fieldbox.storage.parts.vitals import VitalPart


def utc_now() -> datetime:
    """The time by the clock of the box."""
    return datetime.now(UTC)


class Store(
    IngestPart,
    FilePart,
    CapturePart,
    SideFilePart,
    FieldPart,
    FlightPart,
    OriginalPart,
    JobPart,
    SurveyPart,
    LabelPart,
    MarkPart,
    OutboxPart,
    LinkPart,
    TextPart,
    AccountPart,
    AuditPart,
    TokenPart,
    VitalPart,
):
    """The database of one box. Threads may share a store; other processes open their own."""

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Open the database `path`, made or brought to this release's schema if need be.

        Raises:
            Misconfigured: damaged, not fieldbox's, made by a newer release, or its folder cannot be written.
            Unavailable: no space, or another process took too long.
        """
        prepare(path)
        return cls(Database(path), clock)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def close(self) -> None:
        """Close the connections; the store may not be used after that."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> list[str]:
        """What is wrong with the file, in SQLite's words; an empty list if nothing is."""
        with self._database.read() as connection:
            found = [verdict for (verdict,) in connection.exec_driver_sql("PRAGMA quick_check")]
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        dangling = [
            f"{table} row {row} refers to a missing row of {parent}" for table, row, parent, _ in lost
        ]
        return [verdict for verdict in found if verdict != "ok"] + dangling

    def backup(self, target: Path) -> None:
        """Copy the database, as it is at this moment, to `target`: checked, and a single file."""
        copy_database(self.path, target)

    def worker_lock(self) -> AbstractContextManager[bool]:
        """Be the one worker on this database inside the block; False: another process is it already."""
        return held(self.path.with_name("worker.lock"), wait_s=0)

    def sync_lock(self) -> AbstractContextManager[bool]:
        """Be the one that sends from this database inside the block; False: another process is it already."""
        return held(self.path.with_name("sync.lock"), wait_s=0)

    @contextmanager
    def ingest_lock(self, ingest_id: int) -> Iterator[bool]:
        """Be the one that works on an ingest inside the block; False: another process does."""
        path = self.path.with_name(f"ingest-{ingest_id}.lock")
        with held(path, wait_s=0) as mine:
            yield mine
            if mine:
                path.unlink(missing_ok=True)

    def grouping_lock(self, wait_s: float = math.inf) -> AbstractContextManager[bool]:
        """Be the only one that makes flights and fields of new photos inside the block, however long that takes the one that
        does now: finding which way the photos of a whole flight look takes many minutes. False: it took longer than `wait_s`."""
        return held(self.path.with_name("grouping.lock"), wait_s=wait_s)
