"""The worker: takes one flight after the other from the queue and maps it. There is one to a box."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from fieldbox.config import Config
from fieldbox.errors import FieldboxError, Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.pipeline import Analysis
from fieldbox.placing import Cancelled
from fieldbox.retention import Keeper
from fieldbox.services.box import open_store
from fieldbox.services.chosen import settled
from fieldbox.services.queueing import go_on
from fieldbox.services.running import running_as, stopped_by_signals
from fieldbox.storage.rows import Job
from fieldbox.storage.store import Store

log = structlog.get_logger()

RETRY_AFTER = timedelta(minutes=10)
ROUNDS_S = 24 * 3600.0
Progress = Callable[[str, int, int], None]


def serve(config: Config) -> None:
    """Work until SIGTERM or SIGINT; the photo in work is finished or left for the next start."""
    stop = stopped_by_signals()
    with open_store(config) as store, store.worker_lock() as alone:
        if not alone:
            raise Misconfigured(N_("Another worker runs on this box already: there is one to a box."))
        with running_as(config, "worker"):
            _work(config, store, stop)


def _work(config: Config, store: Store, stop: threading.Event) -> None:
    store.release_claims()
    go_on(config, store)
    now = partial(settled, config, store)
    housekeeping = Housekeeping(lambda: Keeper(now(), store), store)
    analysis = Analysis(config, store, cancelled=stop.is_set, settled=now)
    while not stop.is_set():
        housekeeping.when_due()
        job = store.claim()
        if job is None:
            stop.wait(config.worker.poll_seconds)
        else:
            work_on(job, store, analysis)


class Housekeeping:
    """Makes room at the start and once a day."""

    def __init__(self, keeper: Callable[[], Keeper], store: Store) -> None:
        """`keeper`: made anew each time, by the settings as they are then."""
        self._keeper, self._store, self._due = keeper, store, time.monotonic()

    def when_due(self) -> None:
        """Finish what a power cut broke off, and remove originals that may go."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + ROUNDS_S
        try:
            keeper = self._keeper()
            keeper.sweep()
            keeper.tidy()
            self._store.trim_audit()
        except (FieldboxError, OSError) as error:
            log.warning("could not make room", reason=str(error))


def work_on(job: Job, store: Store, analysis: Analysis, shown: Progress | None = None) -> None:
    """Map one flight, with its progress in the database; an error becomes the job's reason."""
    report = _Reporter(store, job, shown)
    try:
        analysis.run(job.flight_id, report)
        store.finish(job.id)
    except Cancelled:
        log.info("stopped; the flight goes on at the next start", flight=job.flight_id)
    except FieldboxError as error:
        retry = datetime.now(UTC) + RETRY_AFTER if error.retry_helps else None
        state = store.fail(job.id, error.sentence, retry_at=retry)
        log.warning("flight not mapped", flight=job.flight_id, reason=str(error), state=state)
    except Exception as error:
        log.exception("fault while mapping", flight=job.flight_id)
        reason = Sentence(
            N_("A fault of fieldbox stopped this flight ({what}); please report it."), {"what": repr(error)}
        )
        store.fail(job.id, reason, retry_at=datetime.now(UTC) + RETRY_AFTER)


def drain(config: Config, store: Store, flight_ids: list[str], shown: Progress | None = None) -> None:
    """Return when the newest job of each flight is done or failed.

    Does the work here if no worker runs on this box, else waits for it.
    """
    pending = set(flight_ids)
    while pending:
        with store.worker_lock() as alone:
            if alone:
                store.release_claims()
                analysis = Analysis(config, store, settled=partial(settled, config, store))
                while pending and (job := store.claim()):
                    work_on(job, store, analysis, shown)
                    pending = _unfinished(store, pending)
        pending = _unfinished(store, pending)
        if pending:
            time.sleep(config.worker.poll_seconds)


def _unfinished(store: Store, flight_ids: set[str]) -> set[str]:
    jobs = {flight_id: store.job_for_flight(flight_id) for flight_id in flight_ids}
    return {flight_id for flight_id, job in jobs.items() if job and _in_hand(job)}


def _in_hand(job: Job) -> bool:
    """Whether somebody waiting should go on waiting; a job that failed once and is due later is not."""
    return job.state == "running" or (job.state == "waiting" and job.attempts == 0)


class _Reporter:
    """Writes progress to the database at most twice a second, and at every change of step."""

    def __init__(self, store: Store, job: Job, shown: Progress | None) -> None:
        self._store, self._job, self._shown = store, job, shown
        self._step, self._at = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step != self._step or done == total or now - self._at >= 0.5:
            self._store.progress(self._job.id, step, done, total)
            self._step, self._at = step, now
        if self._shown:
            self._shown(step, done, total)
