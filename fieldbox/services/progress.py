"""Progress on the command line: bars on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from fieldbox.i18n import N_, _

STEPS = {
    "copy": N_("Copying photos"),
    "read": N_("Reading the photos; the card can be pulled out now"),
    "rest": N_("Reading the photos that were copied"),
    "check": N_("Looking at the photos; leave the card in"),
    "make": N_("Making pictures of bands and orthomosaics"),
    "align": N_("Finding out where each photo stands"),
    "plan": N_("Planning the coverage"),
    "look": N_("Looking at the field"),
    "again": N_("Looking again at what is doubtful"),
    "map": N_("Drawing the map"),
    "mosaic": N_("Putting the mosaic together"),
    "grow": N_("Growing a simulated field"),
    "fly": N_("Flying a simulated drone"),
    "naive": N_("Timing the naive way"),
    "tiles": N_("Timing the models"),
    "calibrate": N_("Calibrating"),
    "floor": N_("Measuring the floor of this machine"),
}
"""What a person reads for each step of the work."""


class Bars:
    """Callable (step, done, total). The bar of a step ends when the next step begins or it is full."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._step = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            self._line(step)
            return
        if step != self._step:
            self._finish()
            self._progress = _bars()
            self._progress.start()
            self._task = self._progress.add_task(_(STEPS.get(step, step)), total=total or None)
            self._step = step
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=done, total=total or None)
            if done >= total:
                self._finish()

    def _line(self, step: str) -> None:
        if step != self._step:
            print(_(STEPS.get(step, step)), file=sys.stderr, flush=True)  # noqa: T201
            self._step = step

    def _finish(self) -> None:
        if self._progress:
            self._progress.stop()
        self._progress = self._task = None


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
