"""What the box knows of the time: kept over restarts, told by its certificates and by the mobile network."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import datetime
from typing import Final

from fieldbox.errors import FieldboxError
from fieldbox.storage.store import Store
from fieldbox.sync.identity import Joined
from fieldbox.sync.sms.modemmanager import SYSTEM_BUS, ModemManager
from fieldbox.sync.timekeeping import TrustedClock
from fieldbox.wire.join import certificate_of

_FLOOR: Final = "clock.floor"
_SEEN: Final = "clock.seen"
"""Keys of settings."""


def remember(store: Store, clock: TrustedClock) -> None:
    """Keep what the clock knows for the next start, and for others who ask the time."""
    kept = store.setting(_FLOOR)
    clock.recall(
        None if kept is None else datetime.fromisoformat(kept), None
    )  # a stick may have told another process
    store.set_setting(_FLOOR, clock.floor.isoformat())
    store.set_setting(_SEEN, clock.now().isoformat())


def is_remembered(store: Store, clock: TrustedClock) -> bool:
    """Whether what the clock is certain of is kept already."""
    return clock.floor.isoformat() == store.setting(_FLOOR)


def recalled(store: Store, clock: TrustedClock) -> None:
    """What the clock knew before the restart."""
    kept = [store.setting(key) for key in (_FLOOR, _SEEN)]
    floor, seen = (None if one is None else datetime.fromisoformat(one) for one in kept)
    clock.recall(floor, seen)


def certain(mine: Joined) -> datetime:
    """The time is no earlier than its certificates were made."""
    shown = [mine.hub.authority]
    with suppress(OSError):
        shown.append(mine.identity.certificate.read_text("ascii"))
    return max(certificate_of(one).not_valid_before_utc for one in shown)


class FirstModem:
    """Asks the box's modem for the time, if there is one. `bus`: SYSTEM, or an address."""

    def __init__(self, bus: str = SYSTEM_BUS) -> None:
        self._bus = bus

    def network_time(self) -> datetime | None:
        """As its network says."""
        with closing(ModemManager(self._bus)) as modem:
            try:
                return modem.network_time()
            except FieldboxError:
                return None  # there is no modem, or nobody who looks after one
