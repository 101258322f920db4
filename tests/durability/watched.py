"""`python -m tests.durability.watched LOG COMMAND …`: fieldbox itself, with a line in LOG for all it does.

The lines tell when to kill it, in which step a kill fell, and which photos were looked at. Nothing that
it does is changed. A line is one `write` to a file opened for appending, so a kill cannot tear it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from fieldbox.aligning import Search
from fieldbox.cli import main
from fieldbox.looking import Looker
from fieldbox.services import intake, worker
from fieldbox.storage.store import Store


class Log:
    """Appends lines to a file."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def watch(log: Log) -> None:
    """Let the steps of an ingest, its views and its survey be told to `log`."""
    look, again = Looker.look, Looker.look_again
    save, report = Store.save_survey, worker._Reporter.__call__

    made = Search.made

    def told_search(search: Search, pixels: Any) -> Any:
        log("search", search.digest)
        return made(search, pixels)

    def told_look(looker: Looker, index: int) -> Any:
        log("view", looker.plan.views[index].digest)
        return look(looker, index)

    def told_again(looker: Looker, asked: Any, spots: Any) -> Any:
        log("view", f"again-{asked.digest}")
        return again(looker, asked, spots)

    def told_save(store: Store, *given: Any, **named: Any) -> bool:
        log("save", 0, 1)
        return save(store, *given, **named)

    def told_report(reporter: Any, step: str, done: int, total: int) -> None:
        log(step, done, total)
        report(reporter, step, done, total)

    Search.made = told_search  # type: ignore[method-assign]
    Looker.look, Looker.look_again = told_look, told_again  # type: ignore[method-assign]
    Store.save_survey = told_save  # type: ignore[method-assign]
    worker._Reporter.__call__ = told_report  # type: ignore[method-assign]
    intake._silent = log


if __name__ == "__main__":
    watch(Log(sys.argv.pop(1)))
    main()
