"""The store: everything that the box knows, behind one class.

Each method is one transaction; one that writes has its commit on the disk when it returns. The queries
themselves are in the modules beside this one, as functions of a connection, so that several of them can
be one transaction (`save_survey`).

Instants are aware datetimes, times by a camera's clock naive ones. Every method can raise
`Unavailable` (the disk is full, read-only or failing; another writer took too long) and `Misconfigured`
(the file is damaged).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from fieldbox.domain import (
    Capture,
    Cover,
    Detection,
    Field,
    FileState,
    Flight,
    FlightCheck,
    FlightHeadings,
    FlightHeight,
    Gap,
    GivenVerdict,
    LinkDay,
    LinkKind,
    LinkPast,
    LinkState,
    Message,
    MessageKind,
    MessageState,
    NewText,
    Original,
    Outgoing,
    Placement,
    Receipt,
    RefusedList,
    Rejection,
    SentText,
    SideFile,
    Spraying,
    Survey,
    SurveyVerdict,
    TextIn,
    Understood,
    Waiting,
)
from fieldbox.i18n import Sentence
from fieldbox.storage import (
    accounts,
    captures,
    census,
    checks,
    commands,
    fields,
    files,
    flights,
    gaps,
    heights,
    jobs,
    outbox,
    placements,
    retention,
    sidefiles,
    surveys,
    texts,
    traffic,
    views,
    waiting,
)
from fieldbox.storage import detections as plants
from fieldbox.storage.backup import copy_database
from fieldbox.storage.detections import ToGeographic
from fieldbox.storage.engine import Database
from fieldbox.storage.lock import held
from fieldbox.storage.migrate import prepare
from fieldbox.storage.rows import (
    KEEP,
    AuditEntry,
    Box,
    Census,
    Command,
    FlightRow,
    HeadingsRow,
    HeightRow,
    Holding,
    Ingest,
    Job,
    JobState,
    Keep,
    Kept,
    StoredDetection,
    StoredGap,
    Unused,
    User,
    ViewKey,
)

_VIEWS_AT_ONCE = 32


def utc_now() -> datetime:
    """The time by the clock of the box."""
    return datetime.now(UTC)


class Store:
    """The database of one box. Threads may share a store; other processes open their own."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._now = clock

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

    def grouping_lock(self) -> AbstractContextManager[bool]:
        """Be the only one that makes flights and fields of new photos inside the block, however long that takes the one that
        does now: finding which way the photos of a whole flight look takes many minutes."""
        return held(self.path.with_name("grouping.lock"), wait_s=math.inf)

    # Ingest

    def begin_ingest(self, source: str) -> int:
        """Open an ingest of photos from `source` (a folder, a card, an upload); its id."""
        with self._database.write() as connection:
            return captures.begin_ingest(connection, source, self._now())

    def reopen_ingest(self, ingest_id: int) -> None:
        """Go on with an ingest that may have ended: it is open again, as a new one is."""
        with self._database.write() as connection:
            captures.reopen_ingest(connection, ingest_id)

    def known(self, digest: str) -> bool:
        """Whether a capture has this digest."""
        with self._database.read() as connection:
            return captures.is_known(connection, digest)

    def add_given(self, ingest_id: int, given: Sequence[Original]) -> set[str]:
        """Note files that were copied onto the box, and under which names; the digests of those that are to be read: new
        ones, and such as were refused before."""
        with self._database.write() as connection:
            return files.add_given(connection, ingest_id, given, self._now())

    def expect_file(self, ingest_id: int, digest: str, name: str) -> None:
        """An ingest is about to look for a file, or to name a copy: until it has ended the file is not removed."""
        with self._database.read() as connection:
            if not files.is_known(connection, digest):
                return  # what was never noted is never removed
        with self._database.write() as connection:
            files.expect(connection, ingest_id, digest, name)

    def given_in(self, ingest_id: int, *, state: FileState | None = None) -> list[Original]:
        """The files that came in an ingest, in that order; those of one state."""
        with self._database.read() as connection:
            return files.of_ingest(connection, ingest_id, state=state)

    def has_size(self, size: int) -> bool:
        """Whether a file of so many bytes is on the box."""
        with self._database.read() as connection:
            return files.has_size(connection, size)

    def note_file(self, digest: str, notes: Sequence[Sentence]) -> None:
        """Keep what is to be said of what a file holds."""
        with self._database.write() as connection:
            files.note(connection, digest, notes)

    def notes_of(self, digests: Iterable[str]) -> list[Sentence]:
        """What is to be said of what files hold, each sentence once."""
        with self._database.read() as connection:
            return files.notes_of(connection, digests)

    def settle_files(self, digests: Iterable[str], state: FileState) -> None:
        """Say what became of files."""
        with self._database.write() as connection:
            files.settle(connection, digests, state)

    def captures_made_of(self, digests: Iterable[str]) -> list[str]:
        """The digests of the captures that files were made into: a photo's is its own."""
        with self._database.read() as connection:
            return files.made_of(connection, digests)

    def add_capture(self, capture: Capture, *, ingest_id: int, glance: bytes | None = None) -> bool:
        """Add a capture; its files are taken with that. False: one with this digest is known, and stays as it is."""
        with self._database.write() as connection:
            return captures.take(connection, capture, ingest_id, glance)

    def add_captures(
        self, new: Iterable[Capture], *, ingest_id: int, glances: Mapping[str, bytes] | None = None
    ) -> int:
        """Add captures that are made of the same files, all or none, with glances by digest; how many were not known."""
        seen = glances or {}
        with self._database.write() as connection:
            return sum(captures.take(connection, one, ingest_id, seen.get(one.digest)) for one in new)

    def glances(self, digests: Iterable[str]) -> dict[str, bytes]:
        """What captures look like at a glance, by digest, as far as it was kept."""
        with self._database.read() as connection:
            return captures.glances_of(connection, list(digests))

    def is_lost(self, digest: str) -> bool:
        """Whether the capture with this digest was taken off the map because of its photo."""
        with self._database.read() as connection:
            return captures.is_lost(connection, digest)

    def unplace(self, digest: str, reason: Sentence) -> None:
        """Take a capture off the map: its pose is dropped, the reason kept and the file listed as rejected."""
        with self._database.write() as connection:
            captures.unplace(connection, digest, reason)

    def mend(self, capture: Capture) -> bool:
        """Put a capture that was taken off the map, its photo having been brought again, back on it."""
        with self._database.write() as connection:
            return captures.mend(connection, capture)

    def captures(self, digests: Iterable[str]) -> list[Capture]:
        """The captures with these digests, in this order; unknown digests are left out."""
        with self._database.read() as connection:
            return captures.by_digests(connection, list(digests))

    def captures_of_ingest(self, ingest_id: int) -> list[Capture]:
        """The captures that were new in this ingest, in the order of adding."""
        with self._database.read() as connection:
            return captures.of_ingest(connection, ingest_id)

    def place(self, captures_: Sequence[Capture]) -> None:
        """Change the poses of known captures, and why they have none."""
        with self._database.write() as connection:
            captures.place(connection, captures_)

    def add_rejections(self, ingest_id: int, rejections: Sequence[Rejection]) -> None:
        """Note files that were not taken, and why."""
        with self._database.write() as connection:
            captures.add_rejections(connection, ingest_id, rejections)

    def rejections(self, *, ingest_id: int | None = None, flight_id: str | None = None) -> list[Rejection]:
        """Rejected files of an ingest, of all ingests that brought photos of a flight, or all."""
        with self._database.read() as connection:
            return captures.list_rejections(connection, ingest_id, flight_id)

    def end_ingest(self, ingest_id: int, duplicates: int) -> None:
        """Close an ingest that met `duplicates` files whose captures were known."""
        with self._database.write() as connection:
            captures.end_ingest(connection, ingest_id, duplicates, self._now())

    def tell_bands(self, ingest_id: int, bands: Sequence[str]) -> None:
        """Keep what somebody said the bands of an ingest's orthomosaics are."""
        with self._database.write() as connection:
            captures.tell_bands(connection, ingest_id, bands)

    def told_bands(self, ingest_id: int) -> tuple[str, ...]:
        """What was said of them; (): nothing."""
        with self._database.read() as connection:
            return captures.told_bands(connection, ingest_id)

    def ingests(self) -> list[Ingest]:
        """Every ingest, newest first."""
        with self._database.read() as connection:
            return captures.all_ingests(connection)

    def add_side_file(
        self, file: SideFile, *, named: Collection[str], ingest_id: int, latest: bool = False
    ) -> bool:
        """Keep a list that was given with photos; `named` are the digests of those that it says something of.

        A known one stays where it stands among the others unless it is to be the `latest`. False: nothing changed.
        """
        with self._database.write() as connection:
            return sidefiles.add(connection, file, named, ingest_id, latest=latest)

    def side_files(self, digests: Iterable[str]) -> list[SideFile]:
        """The lists that say something of any of these photos, the newest first."""
        with self._database.read() as connection:
            return sidefiles.naming(connection, list(digests))

    def refuse_list(self, refused: Rejection, digests: Iterable[str], *, ingest_id: int) -> None:
        """Note that a list is not used for these photos, and why, instead of what was noted of one by the same name."""
        with self._database.write() as connection:
            sidefiles.refuse(connection, refused, digests, ingest_id)

    def settle_list(self, name: str, digests: Iterable[str]) -> None:
        """A list by this name is used for these photos now: forget that an earlier one was not."""
        with self._database.write() as connection:
            sidefiles.settle(connection, name, digests)

    def refused_lists(self, flight_id: str) -> list[RefusedList]:
        """The lists that are not used for photos of a flight, the newest first."""
        with self._database.read() as connection:
            return sidefiles.refused_of(connection, flight_id)

    # Fields

    def add_field(
        self, name: str, boundary: Sequence[tuple[float, float]], *, drawn: bool, crop: str | None = None
    ) -> Field:
        """Add a field with a ring of (lon, lat), under the next code: F01, F02, …

        Raises:
            Rejected: the name is taken.
        """
        with self._database.write() as connection:
            return fields.add(connection, name, boundary, drawn=drawn, crop=crop)

    def update_field(
        self,
        field_id: int,
        *,
        name: str | None = None,
        boundary: Sequence[tuple[float, float]] | None = None,
        drawn: bool | None = None,
        crop: str | Keep | None = KEEP,
        sown_on: date | Keep | None = KEEP,
    ) -> Field:
        """Change what is given. None clears `crop` and `sown_on`, and leaves the others as they are.

        A new boundary counts as drawn by a person unless `drawn` is False.

        Raises:
            Rejected: there is no such field, or the name is taken.
        """
        given = {"name": name, "boundary": boundary, "drawn": drawn}
        clearable = {"crop": crop, "sown_on": sown_on}
        changes: dict[str, object] = {key: value for key, value in given.items() if value is not None}
        changes |= {key: value for key, value in clearable.items() if value is not KEEP}
        with self._database.write() as connection:
            return fields.change(connection, field_id, changes)

    def name_crop(self, field_id: int, crop: str | None) -> Field:
        """Say what grows on a field. Raises Rejected if there is no such field."""
        return self.update_field(field_id, crop=crop)

    def spraying(self, field_id: int) -> Spraying:
        """How a field is treated; as it comes where nobody said."""
        with self._database.read() as connection:
            return fields.spraying(connection, field_id)

    def spray(self, field_id: int, how: Spraying) -> None:
        """Keep how a field is treated. Raises Rejected for a field that there is not."""
        with self._database.write() as connection:
            fields.spray(connection, field_id, how)

    def fields(self) -> list[Field]:
        """All fields, by name."""
        with self._database.read() as connection:
            return fields.every(connection)

    def field(self, field_id: int) -> Field | None:
        """One field."""
        with self._database.read() as connection:
            return fields.by_id(connection, field_id)

    # Flights

    def save_flight(self, flight: Flight) -> None:
        """Keep a flight whose captures have been added; again: replace its field, times and captures.

        Raises:
            Rejected: one of its captures is not known.
        """
        with self._database.write() as connection:
            flights.save(connection, flight, self._now())

    def flight(self, flight_id: str) -> Flight | None:
        """One flight with its captures, in the order in which they were saved."""
        with self._database.read() as connection:
            return flights.by_id(connection, flight_id)

    def keep_check(self, flight_id: str, check: FlightCheck) -> None:
        """Keep how good a flight was when it came in."""
        with self._database.write() as connection:
            checks.save(connection, flight_id, check, self._now())

    def checks(self, flight_ids: Iterable[str]) -> dict[str, FlightCheck]:
        """How good flights were when they came in, of those that were checked."""
        with self._database.read() as connection:
            return checks.of_flights(connection, flight_ids)

    def keep_height(
        self, flight_id: str, key: str, told: FlightHeight | Sentence, placed: Sequence[Capture]
    ) -> None:
        """Keep the height that was found for a flight from what `key` stands for, or why none was, together with the
        poses that this gives its captures."""
        with self._database.write() as connection:
            heights.save(connection, flight_id, key, told)
            captures.place(connection, placed)

    def height(self, flight_id: str) -> HeightRow | None:
        """What was found of a flight's height; None: it was not looked for."""
        with self._database.read() as connection:
            return heights.of_flight(connection, flight_id)

    def keep_headings(self, flight_id: str, key: str, told: FlightHeadings) -> None:
        """Keep what was found of the directions of a flight's photos from what `key` stands for."""
        with self._database.write() as connection:
            heights.save_headings(connection, flight_id, key, told)

    def headings(self, flight_id: str) -> HeadingsRow | None:
        """What was found of the directions of a flight's photos; None: they were not looked for."""
        with self._database.read() as connection:
            return heights.headings_of(connection, flight_id)

    def flights(self, field_id: int | None = None) -> list[FlightRow]:
        """Flights (of a field) without their captures, the one saved last first."""
        with self._database.read() as connection:
            return flights.listed(connection, field_id)

    def flight_of_capture(self, digest: str) -> str | None:
        """The id of the flight of a capture; the one saved last if there are several."""
        with self._database.read() as connection:
            return flights.of_capture(connection, digest)

    # Originals that make room

    def pin(self, flight_id: str, pinned: bool) -> bool:
        """Say whether somebody wants the originals of a flight kept; False: there is no such flight."""
        with self._database.write() as connection:
            return retention.pin(connection, flight_id, pinned)

    def kept(self, flight_id: str) -> Kept | None:
        """How much of a flight's originals is on the box; None: there is no such flight."""
        with self._database.read() as connection:
            return retention.kept(connection, flight_id)

    def gone_at(self, digest: str) -> datetime | None:
        """When the originals of a capture were removed to make room; None: they were not."""
        with self._database.read() as connection:
            return retention.gone_at(connection, digest)

    def holdings(self) -> list[Holding]:
        """What is kept of each flight that has originals on the box, and why it may not be removed."""
        with self._database.read() as connection:
            return retention.holdings(connection)

    def let_go(self, choose: Callable[[Sequence[Holding]], Collection[str]]) -> list[str]:
        """Note the originals of the flights that `choose` names as gone: all or nothing; which flights these are.

        Raises ValueError for a flight that is held.
        """
        with self._database.write() as connection:
            return retention.let_go(connection, choose, self._now())

    def let_unused_go(self, choose: Callable[[Sequence[Unused]], Sequence[Unused]]) -> list[Unused]:
        """Note those refused files as gone that `choose` picks, oldest first given; which these are."""
        with self._database.write() as connection:
            return retention.let_unused_go(connection, choose, self._now())

    def gone(self) -> list[Original]:
        """Files that are noted as gone and that nobody is bringing again just now; their names are not told."""
        with self._database.read() as connection:
            return retention.gone(connection)

    @contextmanager
    def removing(self, digests: Iterable[str]) -> Iterator[list[Original]]:
        """Those of these files that are gone still: inside the block nobody can bring them again, so remove few at a time."""
        with self._database.write() as connection:
            yield retention.gone(connection, digests)

    # Jobs

    def enqueue(self, flight_id: str, *, release_sha: str) -> int:
        """Ask for a look at a flight with a release; the job's id, an old one if it is still live."""
        with self._database.write() as connection:
            return jobs.enqueue(connection, flight_id, release_sha, self._now())

    def claim(self) -> Job | None:
        """Take the job that has been due for longest. See `fieldbox.storage.jobs` for what is counted."""
        with self._database.write() as connection:
            return jobs.claim(connection, self._now())

    def release_claims(self) -> int:
        """Put jobs that a dead worker had taken back into the queue; how many. Hold `worker_lock` for it."""
        with self._database.write() as connection:
            return jobs.release_claims(connection)

    def progress(self, job_id: int, step: str, done: int, total: int) -> None:
        """Note that `done` of `total` parts of a step are done."""
        with self._database.write() as connection:
            jobs.progress(connection, job_id, step, done, total)

    def finish(self, job_id: int) -> None:
        """The job is done."""
        with self._database.write() as connection:
            jobs.finish(connection, job_id, self._now())

    def fail(self, job_id: int, reason: Sentence, *, retry_at: datetime | None) -> JobState:
        """Count an error of a job; it waits for `retry_at` (within a day), or has failed for good."""
        with self._database.write() as connection:
            return jobs.fail(connection, job_id, reason, retry_at, self._now())

    def jobs(self, states: Collection[JobState] | None = None) -> list[Job]:
        """Jobs in these states (None: all), newest first."""
        with self._database.read() as connection:
            return jobs.listed(connection, states)

    def job_for_flight(self, flight_id: str) -> Job | None:
        """The newest job of a flight."""
        with self._database.read() as connection:
            return jobs.of_flight(connection, flight_id)

    # View results

    def save_view(self, key: ViewKey, payload: bytes, patch: str | None) -> None:
        """Keep what looking at a view gave, with the path of its mosaic patch; replaces an earlier result."""
        with self._database.write() as connection:
            views.save(connection, key, payload, patch)

    def views_done(self, plan_key: str, release_sha: str) -> set[str]:
        """The digests of the captures whose views have been looked at."""
        with self._database.read() as connection:
            return views.done(connection, plan_key, release_sha)

    def views(self, plan_key: str, release_sha: str) -> Iterator[tuple[str, bytes]]:
        """(digest, payload) by digest, read a few at a time: memory and locks stay small."""
        after = ""
        while True:
            with self._database.read() as connection:
                portion = views.portion(connection, plan_key, release_sha, after=after, size=_VIEWS_AT_ONCE)
            if not portion:
                return
            yield from portion
            after = portion[-1][0]

    def patches(self, plan_key: str, release_sha: str) -> list[tuple[str, str]]:
        """(digest, path of the mosaic patch) by digest, of the results that have one."""
        with self._database.read() as connection:
            return views.patches(connection, plan_key, release_sha)

    def drop_views(self, plan_key: str, release_sha: str) -> None:
        """Forget the results of a plan."""
        with self._database.write() as connection:
            views.drop(connection, plan_key, release_sha)

    # Surveys

    def save_survey(  # noqa: PLR0913  one transaction of all that a survey is
        self,
        survey: Survey,
        detections: Sequence[Detection],
        outgoing: Sequence[Outgoing],
        *,
        plan_key: str,
        release_sha: str,
        to_geographic: ToGeographic,
        missing: Sequence[Gap] = (),
        placed: Sequence[Placement] = (),
        drop_views: bool = True,
    ) -> bool:
        """Keep a survey with its plants and what the hub is told of it, and settle its job: all or nothing.

        `to_geographic` turns the plants' east and north (1-D arrays, metres) into latitudes and longitudes.
        False: this survey, or one of the same flight, plan and release, is there already; it and its
        messages stay as they are.
        """
        with self._database.write() as connection:
            fresh = not surveys.is_saved(connection, survey, plan_key, release_sha)
            if fresh:
                number = surveys.add(connection, survey, plan_key, release_sha)
                plants.add(connection, number, detections, to_geographic)
                gaps.add(connection, number, missing, to_geographic)
                placements.add(connection, number, placed)
                outbox.tell(connection, outgoing, number, self._now())
            jobs.finish_live(connection, survey.flight_id, release_sha, self._now())
            if drop_views:
                views.drop(connection, plan_key, release_sha)
            return fresh

    def confirm_survey(
        self, survey_id: str, found: Sequence[Sentence], otherwise: Sequence[Outgoing] = ()
    ) -> None:
        """A survey that was made before is what its flight gives now: it counts, and is told again if another one counted
        meanwhile; `otherwise` is told of kinds that it was not told by. `found` is added as far as it does not say it yet."""
        with self._database.write() as connection:
            surveys.add_warnings(connection, survey_id, found)
            if surveys.count_again(connection, survey_id, self._now()):
                number = surveys.number_of(connection, survey_id)
                told = outbox.told_of(connection, number)
                kinds = {one.kind for one in told}
                new = [one for one in otherwise if one.kind not in kinds]
                outbox.tell(connection, [*told, *new], number, self._now())

    def survey(self, survey_id: str) -> Survey | None:
        """One survey."""
        with self._database.read() as connection:
            return surveys.by_id(connection, survey_id)

    def surveys(self, field_id: int | None = None, flight_id: str | None = None) -> list[Survey]:
        """Surveys of a field, of a flight, or all; newest first."""
        with self._database.read() as connection:
            return surveys.listed(connection, field_id, flight_id)

    def survey_for(self, flight_id: str, plan_key: str, release_sha: str) -> Survey | None:
        """The survey made of this flight with this plan and release."""
        with self._database.read() as connection:
            return surveys.made_of(connection, flight_id, plan_key, release_sha)

    def detections(
        self,
        survey_id: str,
        *,
        bbox: Box | None = None,
        cover: Cover | None = None,
        poor: bool = False,
        limit: int | None = None,
    ) -> list[StoredDetection]:
        """Plants of a survey whose centre lies in `bbox`, the surest first; `poor`: stunted or yellowing ones."""
        with self._database.read() as connection:
            return plants.in_survey(connection, survey_id, bbox=bbox, cover=cover, poor=poor, limit=limit)

    def placements(self, survey_id: str) -> list[Placement]:
        """Where a survey's alignment put its photos."""
        with self._database.read() as connection:
            return placements.in_survey(connection, survey_id)

    def gaps(self, survey_id: str) -> list[StoredGap]:
        """Where plants of the crop rows are missing; empty too where that is not known (`crop_missing`)."""
        with self._database.read() as connection:
            return gaps.in_survey(connection, survey_id)

    def census(self, now: datetime) -> Census:
        """What the box holds, counted."""
        with self._database.read() as connection:
            return census.take(connection, now)

    # Outbox

    def send(self, outgoing: Outgoing) -> str:
        """Put a message into the outbox; its id."""
        with self._database.write() as connection:
            return outbox.add(connection, outgoing, None, self._now())

    def messages(self, state: MessageState | None = None) -> list[Message]:
        """Messages in a state, or all: the most urgent first, then the newest."""
        with self._database.read() as connection:
            return outbox.listed(connection, state)

    def message_page(self, limit: int, before: str | None = None) -> list[Message]:
        """The newest messages, or the next older than the one with the id `before`."""
        with self._database.read() as connection:
            return outbox.page(connection, limit, before)

    def message_counts(self) -> dict[MessageState, int]:
        """How many messages there are in each state."""
        with self._database.read() as connection:
            return outbox.counts(connection)

    def due_messages(
        self, now: datetime, limit: int, kinds: Collection[MessageKind] | None = None
    ) -> list[Message]:
        """Those that should go now: the most urgent first, then the newest."""
        with self._database.read() as connection:
            return outbox.due(connection, now, limit, kinds)

    def mark_sent(self, ids: Sequence[str], *, batch: str, carrier: str, size: int, now: datetime) -> None:
        """They were handed to a link in the frame `batch` of `size` bytes."""
        with self._database.write() as connection:
            outbox.mark_sent(connection, ids, batch=batch, carrier=carrier, size=size, now=now)

    def lost(self, carrier: str, ids: Collection[str] | None = None) -> int:
        """The connection broke in which these (None: all) were handed over; how many may go again at once."""
        with self._database.write() as connection:
            return outbox.lost(connection, carrier, ids)

    def acknowledge(
        self,
        now: datetime,
        *,
        batches: Collection[str] = (),
        ids: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> int:
        """The hub has committed these frames and messages, but for those `refused` (why, by id); how many rows changed."""
        with self._database.write() as connection:
            return outbox.acknowledge(connection, now, batches=batches, ids=ids, refused=refused or {})

    def expire_messages(self, now: datetime) -> int:
        """Give up what came to the end of its time; how many."""
        with self._database.write() as connection:
            return outbox.expire(connection, now)

    def send_again(self, ids: Collection[str]) -> int:
        """Let messages go once more, whatever became of them; how many there are."""
        with self._database.write() as connection:
            return outbox.send_again(connection, ids)

    def message(self, message_id: str) -> Message | None:
        """One message."""
        with self._database.read() as connection:
            return outbox.by_id(connection, message_id)

    def newest_message(self, kind: MessageKind) -> Message | None:
        """The last message of a kind that was put into the outbox."""
        with self._database.read() as connection:
            return outbox.newest(connection, kind)

    def survey_told(self, message_id: str) -> str | None:
        """The id of the survey that a message tells of."""
        with self._database.read() as connection:
            return outbox.survey_of(connection, message_id)

    def messages_of(self, survey_id: str) -> list[Message]:
        """What was told of a survey, oldest first."""
        with self._database.read() as connection:
            return outbox.of_survey(connection, surveys.number_of(connection, survey_id))

    # The link

    def waiting(self, now: datetime) -> list[Waiting]:
        """What may go now, counted by kind."""
        with self._database.read() as connection:
            return waiting.now_due(connection, now)

    def next_due(self, now: datetime) -> datetime | None:
        """When the first message may go of those that may not yet; None: there are none."""
        with self._database.read() as connection:
            return waiting.next_due(connection, now)

    def messages_since(self, moment: datetime) -> list[str]:
        """Ids of the messages that were made since, but for superseded ones."""
        with self._database.read() as connection:
            return waiting.since(connection, moment)

    def add_traffic(
        self, day: date, kind: LinkKind, *, sent: int = 0, received: int = 0, connections: int = 0
    ) -> None:
        """Count IP bytes over a link; negative ones give back what was counted too much."""
        with self._database.write() as connection:
            traffic.add(connection, day, kind, sent, received, connections)

    def traffic_since(self, day: date) -> list[LinkDay]:
        """What links cost from `day` on, oldest first."""
        with self._database.read() as connection:
            return traffic.since(connection, day)

    def link_pasts(self) -> dict[LinkKind, LinkPast]:
        """What came of the connections over each kind of link."""
        with self._database.read() as connection:
            return traffic.pasts(connection)

    def keep_link_pasts(self, pasts: Mapping[LinkKind, LinkPast]) -> None:
        """Keep them in place of what was kept."""
        with self._database.write() as connection:
            traffic.keep_pasts(connection, pasts)

    def link_state(self) -> LinkState | None:
        """How the box stands with its hub, as the sending process told it last; None: it never did."""
        with self._database.read() as connection:
            return traffic.state(connection)

    def keep_link_state(self, state: LinkState) -> None:
        """Tell how the box stands with its hub."""
        with self._database.write() as connection:
            traffic.keep_state(connection, state)

    def is_followed(self, command_id: str) -> bool:
        """Whether a command of the hub came before."""
        with self._database.read() as connection:
            return commands.is_known(connection, command_id)

    def follow(
        self,
        command: Command,
        outgoing: Sequence[Outgoing] = (),
        *,
        again: Collection[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> bool:
        """Keep what came of a command with all that it changes: messages that go again, settings, answers. False: it came
        before, and nothing changes."""
        with self._database.write() as connection:
            if commands.is_known(connection, command.id):
                return False
            outbox.send_again(connection, again)
            for key, value in (settings or {}).items():
                accounts.set_setting(connection, key, value)
            for one in outgoing:
                outbox.add(connection, one, None, self._now())
            commands.add(connection, command)
            return True

    def commands(self, limit: int = 100) -> list[Command]:
        """What the hub told the box to do, newest first."""
        with self._database.read() as connection:
            return commands.listed(connection, limit)

    # Texts

    def begin_telling(self) -> None:
        """Messages from here on are told by text; those that are in the outbox by now are not."""
        with self._database.read() as connection:
            if texts.is_telling(connection):
                return
        with self._database.write() as connection:
            texts.begin_telling(connection)

    def untold(self, limit: int = 50) -> list[tuple[Message, str | None]]:
        """Messages that no texts were written of yet, oldest first, each with the id of the survey that it is about."""
        with self._database.read() as connection:
            return texts.untold(connection, limit)

    def write_told(self, told: Sequence[tuple[str, Sequence[NewText]]], up_to: str) -> int:
        """Write the texts of all messages up to the id `up_to`, by the surveys that these are about; how many are new."""
        with self._database.write() as connection:
            return texts.write_told(connection, told, up_to, self._now())

    def write_text(self, new: NewText) -> bool:
        """Let a text wait for the modem; False: it was written before."""
        with self._database.write() as connection:
            return texts.write(connection, new, self._now())

    def write_frame(self, new: NewText, ids: Sequence[str], *, batch: str, size: int, now: datetime) -> bool:
        """Let a frame of these messages go as a text: they count as handed to a link. False: it was written before."""
        with self._database.write() as connection:
            fresh = texts.write(connection, new, now)
            if fresh:
                outbox.mark_sent(connection, ids, batch=batch, carrier="sms", size=size, now=now)
            return fresh

    def text_code(self, survey_id: str) -> str | None:
        """By which replies name a survey; None: no text told of it."""
        with self._database.read() as connection:
            return texts.code_of(connection, survey_id)

    def recent_text_codes(self, count: int) -> set[str]:
        """Codes of the last `count` texts that have one."""
        with self._database.read() as connection:
            return texts.recent_codes(connection, count)

    def survey_of_code(self, code: str) -> str | None:
        """The id of the last survey that was told under a code."""
        with self._database.read() as connection:
            return texts.survey_of(connection, code)

    def due_texts(self, now: datetime) -> list[SentText]:
        """Texts that may go: the urgent ones first, then the newest."""
        with self._database.read() as connection:
            return texts.due(connection, now)

    def texts_in_hand(self) -> list[SentText]:
        """Texts of which it is not known yet whether the network has them."""
        with self._database.read() as connection:
            return texts.in_hand(connection)

    def text_parts_paid(self, now: datetime) -> int:
        """Parts that were handed to the network within a day."""
        with self._database.read() as connection:
            return texts.paid(connection, now)

    def claim_text(self, text_id: int, handle: str, *, most_parts: int, now: datetime) -> bool:
        """A text is about to be handed to the modem, which knows it as `handle`; False: it may not go, or would be more than
        `most_parts` within a day."""
        with self._database.write() as connection:
            return texts.claim(connection, text_id, handle, most_parts, now)

    def text_sent(self, text_id: int, reference: int | None, now: datetime) -> None:
        """The network has taken a text."""
        with self._database.write() as connection:
            texts.sent(connection, text_id, reference, now)

    def text_not_sent(self, text_id: int, why: Sentence, now: datetime, *, again: bool) -> None:
        """The network has not taken it, and was not paid; it waits for a later try where another helps."""
        with self._database.write() as connection:
            texts.not_sent(connection, text_id, why, now, again=again)

    def doubt_text(self, text_id: int, now: datetime) -> None:
        """It was handed over, and nobody said what became of it."""
        with self._database.write() as connection:
            texts.doubt(connection, text_id, now)

    def settle_texts(self, now: datetime, numbers: Collection[str]) -> None:
        """Decide of texts in doubt whose report did not come, and of such as go to none of the allowed numbers."""
        with self._database.read() as connection:
            if not texts.has_open(connection):
                return
        with self._database.write() as connection:
            texts.settle_doubts(connection, now)
            texts.refuse_others(connection, numbers)

    def report_text(self, handle: str, number: str, reference: int, receipt: Receipt, now: datetime) -> bool:
        """The network says what became of a text, by the reference of its last part; the modem knows the report as `handle`.
        False: of none that is known, or it was taken before."""
        with self._database.write() as connection:
            return texts.report(connection, handle, number, reference, receipt, now)

    def knows_text(self, came: TextIn) -> bool:
        """Whether this text came in before."""
        with self._database.read() as connection:
            return texts.is_known(connection, came)

    def take_text(self, came: TextIn, understood: Understood) -> bool:
        """Keep a text that came in and follow it, all or nothing; False: it came before, and changes nothing."""
        with self._database.write() as connection:
            return texts.take(connection, came, understood, self._now())

    def was_alerted(self, survey_id: str, number: str) -> bool:
        """Whether a number may have had the alert of another look at the same flight and field."""
        with self._database.read() as connection:
            return texts.was_alerted(connection, survey_id, number)

    def texts_of(self, message_id: str) -> list[SentText]:
        """Texts that carry or tell of a message of the outbox, newest first."""
        with self._database.read() as connection:
            return texts.tries_of(connection, message_id)

    def texts(self, limit: int | None = None) -> list[SentText]:
        """Texts, out and in, newest first."""
        with self._database.read() as connection:
            return texts.listed(connection, limit)

    def give_verdict(self, survey_id: str, verdict: SurveyVerdict, *, way: str, who: str) -> bool:
        """Keep what somebody makes of a survey; False: there is no such survey, or it is what they said last."""
        with self._database.write() as connection:
            return texts.give_verdict(connection, survey_id, verdict, way, who, self._now())

    def verdicts(self, survey_id: str) -> list[GivenVerdict]:
        """What people make of a survey, oldest first."""
        with self._database.read() as connection:
            return texts.verdicts_of(connection, survey_id)

    # Accounts, settings, audit

    def add_user(self, name: str, password_hash: str, role: str) -> User:
        """Add a person.

        Raises:
            Rejected: the name is taken (case does not matter).
        """
        with self._database.write() as connection:
            return accounts.add_user(connection, name, password_hash, role, self._now())

    def user(self, user_id: int) -> User | None:
        """One person."""
        with self._database.read() as connection:
            return accounts.user_by_id(connection, user_id)

    def user_by_name(self, name: str) -> User | None:
        """One person; case does not matter."""
        with self._database.read() as connection:
            return accounts.user_by_name(connection, name)

    def users(self) -> list[User]:
        """Everybody, by name."""
        with self._database.read() as connection:
            return accounts.all_users(connection)

    def set_password_hash(self, user_id: int, password_hash: str) -> None:
        """Change a password; unused login links of that person become void.

        Raises:
            Rejected: there is no such person.
        """
        with self._database.write() as connection:
            accounts.set_password_hash(connection, user_id, password_hash)

    def setting(self, key: str) -> str | None:
        """A setting that people change on the pages."""
        with self._database.read() as connection:
            return accounts.setting(connection, key)

    def set_setting(self, key: str, value: str) -> None:
        """Change a setting."""
        with self._database.write() as connection:
            accounts.set_setting(connection, key, value)

    def add_login_token(self, token_hash: str, user_id: int, expires_at: datetime) -> None:
        """Keep the hash of a link that logs a person in once."""
        with self._database.write() as connection:
            accounts.add_login_token(connection, token_hash, user_id, expires_at, self._now())

    def use_login_token(self, token_hash: str, now: datetime) -> int | None:
        """Use a link up: the id of its person; None if it is unknown, used, or ran out before `now`."""
        with self._database.write() as connection:
            return accounts.use_login_token(connection, token_hash, now)

    def audit(self, actor: str, action: str, detail: str) -> None:
        """Write down who did what."""
        with self._database.write() as connection:
            accounts.note(connection, actor, action, detail, self._now())

    def audits(self, limit: int = 100) -> list[AuditEntry]:
        """The last entries of who did what, newest first."""
        with self._database.read() as connection:
            return accounts.notes(connection, limit)
