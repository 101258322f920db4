"""What time it is, on a box whose clock may have no battery, and may jump.

Four moments are kept apart. *Floor*: it cannot be earlier, because the release, the box's certificates and all that the hub ever
signed were made by then; it goes back only where the hub's fresh word and NTP agree that the hub's clock was wrong. *Seen*: the
box once thought so; the hub's fresh word may put it back. *System*: the system's clock, believed as long as it is not before the
floor and what was seen. *Told*: by the hub in answer to a frame of this connection, or by the mobile network, counted on by a
clock that does not jump.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fieldbox.errors import Unsent
from fieldbox.i18n import N_
from fieldbox.sync.ports import Session, Traffic
from fieldbox.wire import down
from fieldbox.wire.down import Acknowledgement, DownKind
from fieldbox.wire.frame import batch_of

log = structlog.get_logger()

OLDEST: Final = datetime(2026, 12, 1, tzinfo=UTC)
"""This release was made after."""
BELIEVABLE: Final = timedelta(days=20 * 365)
"""After the floor: no clock is believed that says more."""
CLOSE: Final = timedelta(minutes=2)
"""A clock that differs by less is left alone: the hub's word is as old as it was on its way."""
SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES: Final = 1024
"""More than struct timex has (adjtimex(2))."""
_TIME_ERROR: Final = 5


LOOK_S: Final = 1.0
"""Between two looks at whether to stop."""


class SystemTime(Protocol):
    """The system's clocks."""

    def now(self) -> datetime:
        """The time of day, UTC, right or wrong."""

    def elapsed(self) -> float:
        """Seconds since the system was started, those asleep among them."""

    def synchronised(self) -> bool:
        """Whether something keeps the time of day right (NTP)."""

    def put(self, to: datetime) -> bool:
        """Set the time of day; False: this process may not."""


class NetworkTime(Protocol):
    """What a mobile network says."""

    def network_time(self) -> datetime | None:
        """The time; None: it does not say, or there is none."""


class KernelTime:
    """As `SystemTime`: Linux's."""

    def __init__(self, synchronised: Path = SYNCHRONISED) -> None:
        self._synchronised = synchronised

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds since the system was started."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def synchronised(self) -> bool:
        """As systemd-timesyncd says, or the kernel, which chrony and ntpd tell."""
        return self._synchronised.exists() or _kernel_is_synchronised()

    def put(self, to: datetime) -> bool:
        """Set the time of day (CAP_SYS_TIME)."""
        try:
            time.clock_settime(time.CLOCK_REALTIME, to.timestamp())
        except OSError as error:
            log.info("the system's clock cannot be set", reason=error.strerror)
            return False
        return True


def _kernel_is_synchronised() -> bool:
    try:
        return bool(
            ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) not in (-1, _TIME_ERROR)
        )
    except (OSError, AttributeError):
        return False


@dataclass(slots=True)
class TrustedClock:
    """The time that the box goes by. Where it cannot set the system's clock, it goes by its own."""

    system: SystemTime
    floor: datetime = OLDEST
    _told: tuple[datetime, float] | None = None
    _hub_told: bool = False
    _mistaken: datetime = OLDEST
    """No floor up to here is recalled: a wrong clock of the hub's had made it."""
    _began: tuple[datetime, float] = field(init=False)

    def __post_init__(self) -> None:
        self.floor = max(self.floor, OLDEST)
        self._began = (self.floor, self.system.elapsed())

    def recall(self, floor: datetime | None, seen: datetime | None) -> None:
        """What was known before a restart, or is certain by other means; a floor beyond belief is passed over."""
        if floor is not None and max(self.floor, self._mistaken) < floor <= self._latest():
            self.floor = floor
        start = max(self._counted(), self.floor)
        if seen is not None and start < seen <= self._latest():
            start = seen
        self._began = (start, self.system.elapsed())

    def now(self) -> datetime:
        """The time, never before the floor."""
        system = self.system.now()
        return max(self.floor, system if self._is_right(system) else self._counted())

    def elapsed(self) -> float:
        """Seconds that never jump."""
        return self.system.elapsed()

    def known(self) -> bool:
        """Whether the time is told by somebody, or by a clock that may be right; else it is only no earlier than `now`."""
        return self._told is not None or self._is_right(self.system.now())

    def judged(self) -> datetime | None:
        """By which time certificates are judged where the system's clock is wrong; None: it is right (`tls.TrustedNow`)."""
        system = self.system.now()
        return None if self._is_right(system) and system >= self.floor else self.now()

    def hear_hub(self, issued: datetime, *, fresh: bool) -> None:
        """The hub has signed something at a time. `fresh`: just now, in answer to what was sent in this connection; else it is
        only not earlier than that, as on a courier's stick or after weeks at the broker."""
        if fresh and self._shows_a_mistake(issued):
            log.warning("the hub's clock was wrong", floor=self.floor.isoformat(), now=issued.isoformat())
            self._mistaken, self.floor = self.floor, issued
        if not self.floor <= issued <= self._latest():
            return
        before = self.now()
        self.floor = issued
        if fresh or before < issued:
            self._hub_told = True
            self._tell(issued)

    def _shows_a_mistake(self, issued: datetime) -> bool:
        """Whether what the hub signs now and NTP agree on a time before the floor. Neither is believed alone: a hub's clock may
        be late, and NTP signs nothing."""
        agree = self.system.synchronised() and abs(self.system.now() - issued) <= CLOSE
        return agree and OLDEST <= issued < self.floor - CLOSE

    def hear_network(self, at: datetime | None) -> None:
        """The mobile network has said what time it is. It signs nothing: the hub's word and NTP go before, and no floor rises."""
        if at is None or self._hub_told or self.system.synchronised():
            return
        if self.floor <= at <= self._latest():
            self._tell(at)

    def _tell(self, at: datetime) -> None:
        self._told = (at, self.system.elapsed())
        system = self.system.now()
        if abs(system - at) <= CLOSE or self.system.synchronised():
            return
        if self.system.put(at):
            log.warning("the system's clock was set", before=system.isoformat(), now=at.isoformat())

    def _is_right(self, system: datetime) -> bool:
        if not self.floor <= system <= self._latest():
            return False
        if self.system.synchronised():
            return True
        if self._told is not None:
            return abs(system - self._counted()) <= CLOSE
        return system >= self._counted() - CLOSE

    def _counted(self) -> datetime:
        """What was told, or else seen, and the time since."""
        start, at = self._told or self._began
        return start + timedelta(seconds=self.system.elapsed() - at)

    def _latest(self) -> datetime:
        return self.floor + BELIEVABLE


def _never() -> bool:
    return False


@dataclass(slots=True)
class ListeningSession:
    """A connection whose clock listens: what the hub signs tells the time, before anything else of it is heard. It ends early
    where the process is to stop."""

    inner: Session
    clock: TrustedClock
    hub: Ed25519PublicKey
    box: str
    stopping: Callable[[], bool] = _never
    name: str = ""
    _sent: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = self.inner.name

    def send(self, frame: bytes) -> None:
        """As of the connection."""
        self._sent.add(batch_of(frame))
        self.inner.send(frame)

    def receive(self, seconds: float) -> bytes | None:
        """As of the connection. Raises Unsent too where the process is to stop."""
        while True:
            if self.stopping():
                raise Unsent(N_("The box stops sending for now: what was not acknowledged goes again."))
            word = self.inner.receive(min(seconds, LOOK_S))
            seconds -= LOOK_S
            if word is not None:
                self._hear(word)
            if word is not None or seconds <= 0:
                return word

    def taken(self) -> None:
        """As of the connection."""
        self.inner.taken()

    def round_trip(self) -> float:
        """As of the connection."""
        return self.inner.round_trip()

    def traffic(self) -> Traffic:
        """As of the connection."""
        return self.inner.traffic()

    def close(self) -> None:
        """As of the connection."""
        self.inner.close()

    def _hear(self, word: bytes) -> None:
        """What is not the hub's tells nothing; whoever reads it refuses it."""
        try:
            told = down.read(word, self.hub, self.box)
            answers = told.kind is DownKind.ACKNOWLEDGE and Acknowledgement.of(told.body).batches
        except (down.Unreadable, down.Forged):
            return
        self.clock.hear_hub(told.issued, fresh=bool(answers and self._sent & set(answers)))
