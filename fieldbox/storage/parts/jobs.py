"""Jobs, and what looking at the views of one gave so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from fieldbox.i18n import Sentence
from fieldbox.storage import jobs, views
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Job, JobState, ViewKey

_VIEWS_AT_ONCE = 32


class JobPart(Part):
    """Jobs, and the results of their views."""

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
