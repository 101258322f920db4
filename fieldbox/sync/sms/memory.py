"""A modem in memory, the twin of `fieldbox.sync.sms.modemmanager`: for tests, and for simulated seasons."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from itertools import count

from fieldbox.domain import Receipt, TextIn
from fieldbox.errors import Unsent
from fieldbox.i18n import N_
from fieldbox.sync.sms.modem import Barred, Came, Fate, Handed, NoModem, Reception, Report, Unconfirmed
from fieldbox.wire import gsm


class Trouble(Enum):
    """What goes wrong with the next text."""

    BUSY = "busy"
    BARRED = "barred"
    UNCONFIRMED = "unconfirmed"
    """It arrives, and its confirmation is lost."""
    LOST = "lost"
    """It does not arrive, and nothing is said."""


@dataclass(slots=True)
class _Kept:
    number: str
    text: str
    reference: int | None = None


@dataclass(slots=True)
class MemoryModem:
    """A modem with its network and the phones in it."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    there: bool = True
    service: bool = True
    gives_reports: bool = True
    arrived: list[tuple[str, str]] = field(default_factory=list)
    """(number, text) on phones."""
    troubles: deque[Trouble] = field(default_factory=deque)
    """Of the next texts, one each."""
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _came: dict[str, TextIn] = field(default_factory=dict)
    _reports: dict[str, Report] = field(default_factory=dict)
    _handles: count[int] = field(default_factory=lambda: count(1))
    _reference: int = 0

    def text_in(self, number: str, text: str) -> None:
        """Somebody texts the modem."""
        self._came[self._handle()] = TextIn(number, text, self.clock().replace(microsecond=0))

    def text_again(self) -> None:
        """The network brings the last text once more."""
        *_before, last = self._came.values()
        self._came[self._handle()] = last

    def restart(self) -> None:
        """What looks after the modem is started anew: it forgets what it was given."""
        self._kept.clear()
        self._reports.clear()

    def prepare(self, number: str, text: str) -> str:
        """See `Modem`."""
        self._check()
        handle = self._handle()
        self._kept[handle] = _Kept(number, text)
        return handle

    def send(self, handle: str) -> int | None:
        """See `Modem`."""
        self._check()
        kept = self._kept[handle]
        if not self.service:
            raise Unsent(N_("The network did not take the text ({why})."), why="no service")
        trouble = self.troubles.popleft() if self.troubles else None
        if trouble is Trouble.BUSY:
            raise Unsent(N_("The network did not take the text ({why})."), why="congestion")
        if trouble is Trouble.BARRED:
            raise Barred(N_("The network does not take texts to this number ({why})."), why="barred")
        reference = self._sent(kept, arrives=trouble is not Trouble.LOST)
        if trouble is not None:
            raise Unconfirmed(N_("Nobody said whether the network has taken the text."))
        kept.reference = reference
        return reference

    def handed(self, handle: str) -> Handed:
        """See `Modem`."""
        self._check()
        kept = self._kept.get(handle)
        if kept is None:
            return Handed(Fate.FORGOTTEN)
        return Handed(Fate.NOT_SENT if kept.reference is None else Fate.SENT, kept.reference)

    def came(self) -> Sequence[Came]:
        """See `Modem`."""
        self._check()
        return [Came(handle, text) for handle, text in self._came.items()]

    def reports(self) -> Sequence[Report]:
        """See `Modem`."""
        self._check()
        return list(self._reports.values())

    def delete(self, handle: str) -> None:
        """See `Modem`."""
        self._check()
        self._kept.pop(handle, None)
        self._came.pop(handle, None)
        self._reports.pop(handle, None)

    def network_time(self) -> datetime | None:
        """See `Modem`."""
        self._check()
        return self.clock().replace(microsecond=0) if self.service else None

    def reception(self) -> Reception:
        """See `Modem`."""
        self._check()
        return Reception(self.service, 54 if self.service else 0)

    def close(self) -> None:
        """See `Modem`."""

    def _check(self) -> None:
        if not self.there:
            raise NoModem(N_("There is no modem: plug one in that has a SIM."))

    def _handle(self) -> str:
        return f"text {next(self._handles)}"

    def _sent(self, kept: _Kept, *, arrives: bool) -> int:
        self._reference = (self._reference + len(gsm.split(kept.text))) % 256
        if arrives and self.gives_reports:
            handle = self._handle()
            self._reports[handle] = Report(handle, kept.number, self._reference, Receipt.DELIVERED)
        if arrives:
            self.arrived.append((kept.number, kept.text))
        return self._reference
