"""The box's own health: what it finds of itself, put into the outbox once a day."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fieldbox import __version__
from fieldbox.config import Config
from fieldbox.domain import MessageKind, Outgoing
from fieldbox.services.machine import Machine
from fieldbox.storage.store import Store
from fieldbox.summary.boxreport import BoxState, ClockState, report
from fieldbox.wire.ids import key_of

EVERY: Final = timedelta(days=1)
SUBJECT: Final = "box"


def state_of(
    config: Config, store: Store, now: datetime, clock: ClockState, machine: Machine | None = None
) -> BoxState:
    """How the box does just now."""
    machine, census = machine or Machine(), store.census(now)
    disk = shutil.disk_usage(config.storage.root)
    failure, link = census.last_failure, store.link_state()
    return BoxState(
        app=__version__,
        models=(census.release,) if census.release else (),
        up_hours=machine.up_hours(),
        clock=clock,
        free_gb=disk.free / 1e9,
        total_gb=disk.total / 1e9,
        full_days=disk.free / census.bytes_a_day if census.bytes_a_day else None,
        database_mb=_size(config.database) / 1e6,
        temperature_c=machine.temperature_c(),
        throttled=machine.throttled(),
        surveys=census.surveys,
        photos=census.photos,
        outbox=store.message_counts(),
        failed=census.failed,
        last_failure=failure.template if failure and census.failed else None,
        link=link.notes[0].in_language("en") if link and link.notes else None,
    )


def report_daily(
    config: Config,
    store: Store,
    now: datetime,
    clock: ClockState = ClockState.UNKNOWN,
    machine: Machine | None = None,
) -> str | None:
    """Put a health report into the outbox unless one was within a day; its id, None: none was due.

    A clock that was put back makes one report more, and no more than that.
    """
    last = store.newest_message(MessageKind.BOX)
    if last is not None and timedelta(0) <= now - last.created_at < EVERY:
        return None
    body = report(state_of(config, store, now, clock, machine), now)
    return store.send(Outgoing(MessageKind.BOX, body, key_of(SUBJECT, body), subject=SUBJECT))


def _size(database: Path) -> int:
    """With what is not yet written into the file itself."""
    files = (database, database.with_name(database.name + "-wal"))
    return sum(one.stat().st_size for one in files if one.exists())
