"""Locks between the processes and threads of one box, which vanish with whoever holds them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldbox.storage.faults import translated_os

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02


@contextmanager
def held(path: Path, *, wait_s: float) -> Iterator[bool]:
    """Hold the lock file `path` while the block runs; False if it stayed taken for `wait_s` seconds.

    Each call opens the file anew, so threads of one process exclude each other too.

    Raises:
        Unavailable, Misconfigured: the lock file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
    except OSError as error:
        raise translated_os(error, path) from error
    try:
        yield _acquired(descriptor, wait_s)
    finally:
        os.close(descriptor)


def _acquired(descriptor: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    pause = _FIRST_PAUSE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
        else:
            return True
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)
