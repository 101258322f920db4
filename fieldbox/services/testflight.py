"""A test flight: simulated on the box, brought like a card's photos, mapped like any other.

The dashboard writes down the wish (`wish`), the intake carries it out in a process of its own, which nothing waits for. One that
was cut off begins anew, but not for ever: it may be what takes the machine down.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from fieldbox.apart import Apart, Failures
from fieldbox.config import Config
from fieldbox.domain import Flying, TestFlight
from fieldbox.errors import FieldboxError, Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.storage.store import Store, utc_now

log = structlog.get_logger()

SETTING: Final = "test.flight"
TASK: Final = "fieldbox.services.flying:fly"
MAX_BEGUN: Final = 3
"""A wish that was begun so often, and came to no end, is given up."""
REST_S: Final = 300.0
"""After a fault of the box itself, such as a full disk."""
_SECONDS: Final = 900.0
"""Of a processor."""
_MEMORY_MB: Final = 4000
_FAILURES = Failures(
    too_long=N_("The test flight took more than {seconds} s, so it was given up. Try again."),
    crashed=N_("The test flight failed ({how}). Try again."),
    too_much=N_("The test flight takes more memory than the box allows."),
)


class TestFlights:
    """For the dashboard."""

    __test__ = False

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> TestFlight | None:
        """The one that was asked for last."""
        return told(self._store)

    def wish(self, language: str = "en") -> None:
        """Ask for one; its field is named in a language. Raises Rejected while one is under way."""
        wish(self._store, language)

    def forget(self) -> None:
        """The one that was asked for last is gone."""
        self._store.set_setting(SETTING, "")


def told(store: Store) -> TestFlight | None:
    """The test flight that was asked for last; None: none was."""
    text = store.setting(SETTING)
    return _read(json.loads(text)) if text else None


def language_of(store: Store) -> str:
    """Of whoever asked for the test flight."""
    return str(_kept(store.setting(SETTING)).get("language", "en"))


def wish(store: Store, language: str = "en") -> None:
    """Ask for a test flight, by a person of this language. Raises Rejected while one is under way."""

    def wished(text: str | None) -> str:
        before = _read(json.loads(text)) if text else None
        if before is not None and before.under_way:
            raise Rejected(N_("A test flight is under way already."))
        return _written(TestFlight(Flying.WISHED, utc_now()), language=language)

    store.change_setting(SETTING, wished)


class Pilot:
    """Carries out wishes, one at a time, in a thread that waits for a child process."""

    def __init__(
        self,
        config: Config,
        store: Store,
        fly: Callable[[Config], None] | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._store, self._fly, self._elapsed = config, store, fly or _apart, elapsed
        self._at_work: threading.Thread | None = None
        self._rests_until = -math.inf

    def look(self) -> bool:
        """Begin what was wished, or was cut off; whether it did."""
        if self._at_work is not None and self._at_work.is_alive():
            return False
        if self._elapsed() < self._rests_until:
            return False
        try:
            begins = self._begin()
        except FieldboxError as error:  # the database may be busy, or the disk full
            self._rest(error)
            return False
        if begins:
            self._at_work = threading.Thread(target=self._carry_out, name="test flight", daemon=True)
            self._at_work.start()
        return begins

    def wait(self) -> None:
        """Until what is under way has come to its end."""
        if self._at_work is not None:
            self._at_work.join()

    def _begin(self) -> bool:
        """Count a beginning, before anything can break; whether there is one."""
        wished = told(self._store)
        if wished is None or not wished.under_way:
            return False
        kept = _kept(self._store.setting(SETTING))
        begun = int(kept.get("begun", 0))
        if begun >= MAX_BEGUN:
            reason = Sentence(_FAILURES.crashed, {"how": f"{begun} ×"})
            log.warning("test flight given up", reason=str(reason))
            keep(self._store, TestFlight(Flying.FAILED, utc_now(), reason=reason))
            return False
        more = {"begun": begun + 1, "language": kept.get("language", "en")}
        self._store.change_setting(SETTING, lambda _text: _written(wished, **more))
        return True

    def _carry_out(self) -> None:
        try:
            self._fly(self._config)
        except FieldboxError as error:
            log.warning("no test flight", reason=str(error))
            try:
                keep(self._store, TestFlight(Flying.FAILED, utc_now(), reason=error.sentence))
            except FieldboxError as fault:
                self._rest(fault)

    def _rest(self, fault: FieldboxError) -> None:
        log.warning("the test flight waits", reason=str(fault), seconds=REST_S)
        self._rests_until = self._elapsed() + REST_S


def _apart(config: Config) -> None:
    with closing(Apart(TASK, memory_mb=_MEMORY_MB, failures=_FAILURES)) as child:
        child.call(config, seconds=_SECONDS)


def keep(store: Store, one: TestFlight) -> None:
    """Write down how far it is; how often it was begun, and in which language it was asked for, stay."""

    def kept(text: str | None) -> str:
        before = _kept(text)
        return _written(one, int(before.get("begun", 0)), before.get("language", "en"))

    store.change_setting(SETTING, kept)


def _kept(text: str | None) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}


def _written(one: TestFlight, begun: int = 0, language: str = "en") -> str:
    return json.dumps(
        {
            "state": one.state.value,
            "at": one.at.isoformat(),
            "done": one.done,
            "total": one.total,
            "flight": one.flight_id,
            "reason": one.reason.to_json() if one.reason else None,
            "begun": begun,
            "language": language,
        }
    )


def _read(kept: dict[str, Any]) -> TestFlight:
    return TestFlight(
        Flying(kept["state"]),
        datetime.fromisoformat(kept["at"]).astimezone(UTC),
        kept["done"],
        kept["total"],
        kept["flight"],
        Sentence.from_json(kept["reason"]) if kept["reason"] else None,
    )
