"""Signs of life of the box's services: who runs, since when, and when it was last heard of.

Each service holds a lock on a small file of its own as long as it lives, so that it is known at once when it died, and marks the
file now and then. On a box the files are in memory (`/run/fieldbox/beats`), where a mark costs the disk nothing; elsewhere they
are under the root and marked seldom.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fieldbox.config import Config, StorageConfig
from fieldbox.domain import ServiceState

SERVICES: Final = ("web", "worker", "intake", "sync")
IN_MEMORY: Final = Path("/run/fieldbox/beats")
OFTEN_S: Final = 60.0
SELDOM_S: Final = 1800.0
"""A mark on a card or disk: some 20 KB with the journal of its file system."""
_LOOKING: Final = threading.Lock()
"""Who looks whether a file is held holds it for a moment: another thread must not take that for a service."""


def beats_folder(config: Config, in_memory: Path = IN_MEMORY) -> Path:
    """Where the marks are: in memory on a box, where that folder is there and ours."""
    ours = config.storage.root == StorageConfig().root and os.access(in_memory, os.W_OK)
    return in_memory if ours else config.storage.root / "run"


@contextmanager
def beating(config: Config, name: str) -> Iterator[None]:
    """Be known as the service `name` while the block runs. A disk that is full or read-only stops nobody."""
    folder = beats_folder(config)
    done = threading.Event()
    descriptor = _marked(folder, name)
    pause = OFTEN_S if folder == IN_MEMORY else SELDOM_S

    def beat() -> None:
        while descriptor is not None and not done.wait(pause):
            with suppress(OSError):
                os.utime(descriptor)

    thread = threading.Thread(target=beat, name="beating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if descriptor is not None:
            with suppress(OSError):
                os.utime(descriptor)  # when it was stopped: it may be started again at once
            os.close(descriptor)


def services(config: Config) -> Sequence[ServiceState]:
    """How each service of the box does."""
    folder = beats_folder(config)
    with _LOOKING:
        return [_state(folder / name, name) for name in SERVICES]


def _marked(folder: Path, name: str) -> int | None:
    """The open, locked file of a service, with when it was started; None where there can be none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return None
    with suppress(OSError):
        # Whoever looks whether it is held holds it for a moment, shared: wait for that.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, datetime.now(UTC).isoformat().encode(), 0)
    return descriptor


def _state(file: Path, name: str) -> ServiceState:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return ServiceState(name, runs=False, since=None, seen_at=None)
    try:
        runs = _is_held(descriptor)
        seen = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
        since = _when(os.pread(descriptor, 64, 0)) if runs else None
    finally:
        os.close(descriptor)
    return ServiceState(name, runs, since, seen)


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _when(text: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(text.decode("ascii"))
    except ValueError:
        return None
