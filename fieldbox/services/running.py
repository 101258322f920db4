"""How processes of fieldbox run: until a signal, and with something beside them in a thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fieldbox.config import Config
from fieldbox.services import logbook
from fieldbox.services.beating import beating


def stopped_by_signals() -> threading.Event:
    """What is set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    return stop


@contextmanager
def running_as(config: Config, service: str) -> Iterator[None]:
    """Be a service of the box while the block runs: with signs of life, and a log that the dashboard shows."""
    with logbook.kept(config, service), beating(config, service):
        yield


@contextmanager
def beside(serve: Callable[[], None], name: str, leave_s: float) -> Iterator[None]:
    """Have `serve` run in a thread of its own while the block runs; it is given `leave_s` to come to its end after that, and is
    left behind where it takes longer."""
    thread = threading.Thread(target=serve, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(leave_s)
