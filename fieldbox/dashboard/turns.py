"""Turns at what a small box does once or twice at a time: who comes meanwhile waits in a short line, and not for ever.

A browser asks for a dozen tiles at once, and a person taps one layer after the other: most of that is served in a moment, and
none of it is worth an error. Who has gone away meanwhile is not served.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import has_request_context, request

from fieldbox.errors import Unavailable
from fieldbox.i18n import N_

LOOK_S: Final = 0.25
"""Between two looks at whether somebody still waits."""
GONE: Final = "waitress.client_disconnected"
"""In the environment of a request: what tells that nobody waits for its answer any more."""


class Busy(Unavailable):
    """Others are served, and others wait: ask again in some seconds."""


class Turns:
    """So many at once, so many more that wait, each so long. Threads may share it."""

    def __init__(self, at_once: int, *, line: int, wait_s: float) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._line = threading.BoundedSemaphore(line)
        self._wait_s = wait_s

    @contextmanager
    def one(self) -> Iterator[None]:
        """Have a turn while the block runs. Raises Busy where the line is full or too slow, or nobody waits for the answer."""
        if not self._places.acquire(blocking=False):
            self._wait()
        try:
            if nobody_waits():
                raise _busy()
            yield
        finally:
            self._places.release()

    def _wait(self) -> None:
        if not self._line.acquire(blocking=False):
            raise _busy()
        try:
            until = time.monotonic() + self._wait_s
            while not self._places.acquire(timeout=min(LOOK_S, self._wait_s)):
                if nobody_waits() or time.monotonic() >= until:
                    raise _busy()
        finally:
            self._line.release()


def nobody_waits() -> bool:
    """Whether the browser that asked has gone or thought better of it; False where the server does not tell."""
    gone = request.environ.get(GONE) if has_request_context() else None
    return gone is not None and bool(gone())


def _busy() -> Busy:
    return Busy(N_("The box is working out something else: ask again in a moment."))
