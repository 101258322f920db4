"""The worker: takes one flight after the other from the queue and maps it. There is one to a box."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from fieldbox.config import Config
from fieldbox.errors import FieldboxError, Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.leftovers import remove_leftovers
from fieldbox.pipeline import Analysis
from fieldbox.placing import Cancelled
from fieldbox.retention import Keeper
from fieldbox.services.box import open_store
from fieldbox.services.chosen import settled
from fieldbox.services.queueing import go_on
from fieldbox.services.running import running_as, stopped_by_signals
from fieldbox.storage.deleting import SWEEP
from fieldbox.storage.rows import Anew, Job
from fieldbox.storage.store import Store

log = structlog.get_logger()

RETRY_AFTER = timedelta(minutes=10)
ROUNDS_S = 24 * 3600.0
SHOWN_S = 0.5
"""Between two notes of how far the work is."""
LOOK_S = 1.0
"""Between two looks at whether somebody wants a job to stop."""
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
    housekeeping = Housekeeping(config.storage.root, lambda: Keeper(now(), store), store)
    watch = Watch(store, stop.is_set)
    analysis = Analysis(config, store, cancelled=watch, settled=now)
    while not stop.is_set():
        housekeeping.when_due()
        job = store.claim()
        if job is None:
            stop.wait(config.worker.poll_seconds)
        else:
            watch.job_id = job.id
            work_on(job, store, analysis)


class Watch:
    """Tells the work, between two photos, whether to stop: the process is to end, or somebody wants the job to stop."""

    def __init__(self, store: Store, ending: Callable[[], bool] = lambda: False) -> None:
        self._store, self._ending = store, ending
        self._looked = -math.inf
        self.job_id: int | None = None
        """Which is in work."""

    def __call__(self) -> bool:
        if self._ending():
            return True
        if self.job_id is None or time.monotonic() - self._looked < LOOK_S:
            return False
        self._looked = time.monotonic()
        return self._store.wanted_to_stop(self.job_id)


class Housekeeping:
    """Makes room at the start, once a day, and when a flight was deleted."""

    def __init__(self, root: Path, keeper: Callable[[], Keeper], store: Store) -> None:
        """`keeper`: made anew each time, by the settings as they are then."""
        self._root, self._keeper, self._store = root, keeper, store
        self._due, self._swept = time.monotonic(), store.setting(SWEEP)

    def when_due(self) -> None:
        """Finish what a power cut broke off, and remove what may go. No flight may be in work."""
        wanted = self._store.setting(SWEEP)
        if time.monotonic() < self._due and wanted == self._swept:
            return
        self._due, self._swept = time.monotonic() + ROUNDS_S, wanted
        try:
            keeper = self._keeper()
            keeper.sweep()
            remove_leftovers(self._root, self._store)
            keeper.tidy()
            self._store.trim_audit()
        except (FieldboxError, OSError) as error:
            log.warning("could not make room", reason=str(error))


def work_on(job: Job, store: Store, analysis: Analysis, shown: Progress | None = None) -> None:
    """Map one flight, with its progress in the database; an error becomes the job's reason."""
    report = _Reporter(store, job, shown)
    try:
        _run(job, store, analysis, report)
        store.finish(job.id)
    except Cancelled:
        if store.stop(job.id):
            log.info("stopped by a person", flight=job.flight_id)
        else:
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


def _run(job: Job, store: Store, analysis: Analysis, report: Progress) -> None:
    if job.anew is None:
        analysis.run(job.flight_id, report)
        return
    if job.anew is Anew.WANTED:
        store.begin_anew(job.id, job.flight_id)
    analysis.run(job.flight_id, report, anew=True)


def drain(config: Config, store: Store, flight_ids: list[str], shown: Progress | None = None) -> None:
    """Return when the newest job of each flight is done or failed.

    Does the work here if no worker runs on this box, else waits for it.
    """
    pending = set(flight_ids)
    while pending:
        with store.worker_lock() as alone:
            if alone:
                store.release_claims()
                watch = Watch(store)
                analysis = Analysis(config, store, cancelled=watch, settled=partial(settled, config, store))
                while pending and (job := store.claim()):
                    watch.job_id = job.id
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
    """Writes progress to the database at most twice a second, and at every change of step, with the seconds that steps took."""

    def __init__(self, store: Store, job: Job, shown: Progress | None) -> None:
        self._store, self._job, self._shown = store, job, shown
        self._step, self._done, self._total = "", 0, 0
        self._called = time.monotonic()
        self._wrote = -math.inf
        self._spent: dict[str, float] = {}
        self._worked: dict[str, int] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        self._count(step, done, now - self._called)
        if step != self._step or done == total or now - self._wrote >= SHOWN_S:
            self._store.progress(self._job.id, step, done, total, spent=self._spent, worked=self._worked)
            self._spent, self._worked, self._wrote = {}, {}, now
        self._step, self._done, self._total, self._called = step, done, total, now
        if self._shown:
            self._shown(step, done, total)

    def _count(self, step: str, done: int, seconds: float) -> None:
        """What passed since the last call belongs to the step that was under way; the last part of one ends with it."""
        if not self._step:
            return
        parts = done - self._done if step == self._step else self._total - self._done
        self._spent[self._step] = self._spent.get(self._step, 0.0) + seconds
        self._worked[self._step] = self._worked.get(self._step, 0) + max(0, parts)
