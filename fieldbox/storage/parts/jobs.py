"""Jobs, and what looking at the views of one gave so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from fieldbox.i18n import Sentence
from fieldbox.storage import conditions, jobs, paces, views
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Job, JobState, Mapped, ViewKey, Worked

_VIEWS_AT_ONCE = 32


class JobPart(Part):
    """Jobs, and the results of their views."""

    def enqueue(self, flight_id: str, *, release_sha: str, anew: bool = False) -> int:
        """Ask for a look at a flight with a release; the job's id, an old one if it is still live. `anew`: at every photo again,
        whatever is kept of earlier looks."""
        with self._database.write() as connection:
            return jobs.enqueue(connection, flight_id, release_sha, self._now(), anew=anew)

    def begin_anew(self, job_id: int, flight_id: str) -> None:
        """Forget what is kept of earlier looks at the photos of a flight, for a job that looks at all of them again."""
        with self._database.write() as connection:
            views.drop_of_flight(connection, flight_id)
            jobs.begin_anew(connection, job_id)

    def ask_to_stop(self, flight_id: str, name: str) -> bool:
        """`name` wants the work on a flight to stop; False: there is none."""
        with self._database.write() as connection:
            return jobs.ask_to_stop(connection, flight_id, name, self._now())

    def wanted_to_stop(self, job_id: int) -> bool:
        """Whether somebody wants a job to stop."""
        with self._database.read() as connection:
            return jobs.wanted_to_stop(connection, job_id)

    def stop(self, job_id: int) -> bool:
        """End a job that somebody wants to stop; False: nobody does."""
        with self._database.write() as connection:
            return jobs.stop(connection, job_id, self._now())

    def claim(self) -> Job | None:
        """Take the job that has been due for longest. See `fieldbox.storage.jobs` for what is counted."""
        with self._database.write() as connection:
            return jobs.claim(connection, self._now())

    def release_claims(self) -> int:
        """Put jobs that a dead worker had taken back into the queue; how many. Hold `worker_lock` for it."""
        with self._database.write() as connection:
            return jobs.release_claims(connection, self._now())

    def progress(
        self,
        job_id: int,
        step: str,
        done: int,
        total: int,
        *,
        spent: Mapping[str, float] | None = None,
        worked: Mapping[str, int] | None = None,
    ) -> None:
        """Note that `done` of `total` parts of a step are done; `spent` are the seconds, `worked` the parts, by step, since this
        was last noted."""
        with self._database.write() as connection:
            jobs.progress(connection, job_id, step, done, total, spent or {}, worked or {})

    def conditions(self, flight_id: str) -> dict[str, str]:
        """What the map of a flight depends on beside its photos' pixels, as it is now (`storage.conditions`)."""
        with self._database.read() as connection:
            return conditions.of_flight(connection, flight_id)

    def without_marks(self, flight_ids: Sequence[str]) -> set[str]:
        """Those of these flights whose field has control points of which none is marked in their photos."""
        with self._database.read() as connection:
            return conditions.unmarked(connection, flight_ids)

    def mapped_under(self, flight_id: str) -> Mapped | None:
        """Under what a flight was last mapped; None: it was not."""
        with self._database.read() as connection:
            return conditions.mapped(connection, flight_id)

    def worked_lately(self, limit: int = 5) -> Sequence[Worked]:
        """What the flights that were mapped last took."""
        with self._database.read() as connection:
            return paces.lately(connection, limit)

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

    def plans_in_work(self) -> set[str]:
        """Keys of the plans of which some views were looked at and no survey is saved yet."""
        with self._database.read() as connection:
            return views.plans(connection)

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
