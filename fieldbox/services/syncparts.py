"""What sending needs of the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from fieldbox.sync.identity import Joined
from fieldbox.sync.ports import Carrier
from fieldbox.sync.timekeeping import NetworkTime, TrustedClock
from fieldbox.sync.ways import Dialler, Ways

LOOK_S: Final = 30.0
"""At least so often it looks whether an alert waits; links are told by the kernel."""


def local_zone() -> tzinfo:
    """The box's own, as of now."""
    return datetime.now().astimezone().tzinfo or UTC


def _no_report() -> None:
    """The outbox gets none."""


def goes_on() -> bool:
    """Nothing stops it."""
    return False


@dataclass(frozen=True, slots=True)
class Parts:
    """What sending needs of the world."""

    ways: Ways
    dialler: Dialler
    clock: TrustedClock
    carrier: Callable[[Joined], tuple[Carrier, bool]]
    """A way to the hub, and whether it shows a certificate that has not worked yet."""
    network: NetworkTime | None = None
    zone: Callable[[], tzinfo] = local_zone
    """Of quiet hours."""
    stopping: Callable[[], bool] = goes_on
    look_s: float = LOOK_S
    """At least so often it looks whether something waits."""
    report: Callable[[], None] = _no_report
    """Puts a health report into the outbox when it is time for one."""
