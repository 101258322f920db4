"""What time the mobile network says it is, through ModemManager (`org.freedesktop.ModemManager1.Modem.Time`)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from jeepney import DBusAddress, DBusErrorResponse, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

_NAME: Final = "org.freedesktop.ModemManager1"
_TIME: Final = f"{_NAME}.Modem.Time"
_OBJECTS = DBusAddress("/org/freedesktop/ModemManager1", _NAME, "org.freedesktop.DBus.ObjectManager")
_ANSWER_S = 10.0
_GONE = (OSError, TimeoutError, ValueError, DBusErrorResponse)
"""No bus, nobody on it, no modem, or a network that does not say."""


class ModemTime:
    """As `fieldbox.sync.timekeeping.NetworkTime`. `bus`: SYSTEM, or an address."""

    def __init__(self, bus: str = "SYSTEM") -> None:
        self._bus = bus

    def network_time(self) -> datetime | None:
        """Of the first modem whose network says it."""
        with suppress(*_GONE), open_dbus_connection(self._bus) as bus:
            listed = new_method_call(_OBJECTS, "GetManagedObjects")
            (objects,) = unwrap_msg(bus.send_and_get_reply(listed, timeout=_ANSWER_S))
            for path, interfaces in objects.items():
                if _TIME not in interfaces:
                    continue
                with suppress(ValueError, DBusErrorResponse):
                    asked = new_method_call(DBusAddress(path, _NAME, _TIME), "GetNetworkTime")
                    (said,) = unwrap_msg(bus.send_and_get_reply(asked, timeout=_ANSWER_S))
                    return read(said)
        return None


def read(said: str) -> datetime:
    """ISO 8601 as ModemManager writes it: the offset may have hours alone, or be missing, which means UTC. Raises ValueError."""
    moment = datetime.fromisoformat(said)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
