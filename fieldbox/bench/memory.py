"""Peak memory of a process and its children: the sum of their proportional set sizes (PSS)."""

from __future__ import annotations

import threading
from pathlib import Path

INTERVAL_S = 0.1
PROC = Path("/proc")


def tree_pss_mib(pid: int) -> float:
    """PSS of `pid` and all its descendants now, in MiB (0 for what has ended)."""
    return sum(_pss_kib(one) for one in (pid, *_descendants(pid))) / 1024


class PeakWatch:
    """Samples the PSS of a process tree ten times a second while the block runs."""

    def __init__(self, pid: int) -> None:
        self._pid, self._stop = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_mib = 0.0

    def __enter__(self) -> PeakWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self.peak_mib = max(self.peak_mib, tree_pss_mib(self._pid))


def _descendants(pid: int) -> list[int]:
    try:
        text = " ".join(one.read_text() for one in (PROC / str(pid) / "task").glob("*/children"))
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return children + [below for child in children for below in _descendants(child)]


def _pss_kib(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
