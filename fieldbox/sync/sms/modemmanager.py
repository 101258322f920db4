"""The modem that ModemManager looks after, over D-Bus (https://www.freedesktop.org/software/ModemManager/doc/latest/ModemManager/).

Seen with ModemManager 1.20 on a simulated modem: where the modem never confirms a part, `Send` takes minutes to come back and
the modem's port takes no other command meanwhile, so this waits no longer than it has patience; delivery reports still come
through. A text whose sending failed looks like one that was never sent. Of a text of several parts a delivery report is asked for
the last one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jeepney import DBusAddress, DBusErrorResponse, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.low_level import Message
from jeepney.wrappers import unwrap_msg

from fieldbox.domain import Receipt, TextIn
from fieldbox.errors import Unsent
from fieldbox.i18n import N_
from fieldbox.sync.sms.modem import (
    PERMANENT,
    Barred,
    Came,
    Fate,
    Handed,
    NoModem,
    Reception,
    Report,
    Unconfirmed,
)

SYSTEM_BUS: Final = "SYSTEM"
SEND_S: Final = 60.0
"""A network takes seconds for a part; a minute for one is long."""
_ASK_S: Final = 10.0
_NAME: Final = "org.freedesktop.ModemManager1"
_ROOT: Final = "/org/freedesktop/ModemManager1"
_SMS: Final = f"{_NAME}.Sms"
_MODEM: Final = f"{_NAME}.Modem"
_MESSAGING: Final = f"{_NAME}.Modem.Messaging"
_DISABLED, _REGISTERED = 3, 8
"""MMModemState; 9 to 11 are registered too, with data."""
_RECEIVED, _SENT = 3, 5
"""MMSmsState."""
_DELIVER, _STATUS_REPORT = 1, 3
"""MMSmsPduType."""
_STILL_TRYING: Final = range(0x20, 0x40)
"""MMSmsDeliveryState, as TP-Status of 3GPP TS 23.040 section 9.2.3.15: below it has arrived, above it was given up."""
_GONE: Final = N_(
    "ModemManager does not answer ({why}): it is not installed, does not run, or has lost its modem."
)
_NO_BUS: Final = N_(
    "There is no D-Bus on this machine ({why}): texts need it and ModemManager; on Debian install modemmanager."
)
_NOT_ALLOWED: Final = N_(
    "ModemManager does not let this user text: install the rule for it with systemd/install.sh."
)
_REFUSED: Final = (
    f"{_NAME}.Error.Message.",
    f"{_NAME}.Error.MobileEquipment.",
    f"{_NAME}.Error.Core.WrongState",
    f"{_NAME}.Error.Core.Unauthorized",
)


class ModemManager:
    """The first modem that can text; one object for each thread."""

    def __init__(self, bus: str = SYSTEM_BUS, *, patience_s: float = SEND_S) -> None:
        """`bus`: SYSTEM, or the address of another one; `patience_s`: for the confirmation of a text."""
        self._bus, self._patience_s = bus, patience_s
        self._connection: DBusConnection | None = None
        self._owner = ""

    def prepare(self, number: str, text: str) -> str:
        """See `Modem`."""
        told = {
            "number": ("s", number),
            "text": ("s", text),
            "delivery-report-request": ("b", True),
        }
        try:
            (path,) = self._call(self._modem(), _MESSAGING, "Create", "a{sv}", (told,))
        except DBusErrorResponse as error:
            raise _unmade(error) from error
        except TimeoutError as error:
            raise NoModem(_GONE, why=str(error)) from error
        return f"{self._owner}{path}"

    def send(self, handle: str) -> int | None:
        """See `Modem`."""
        try:
            self._call(self._path(handle), _SMS, "Send", seconds=self._patience_s)
        except DBusErrorResponse as error:
            raise _refusal(error) from error
        except (NoModem, TimeoutError) as error:
            raise Unconfirmed(N_("Nobody said whether the network has taken the text.")) from error
        return self.handed(handle).reference

    def handed(self, handle: str) -> Handed:
        """See `Modem`."""
        self._modem()
        try:
            told = self._properties(self._path(handle), _SMS) if self._is_ours(handle) else None
        except DBusErrorResponse:
            told = None
        if told is None:
            return Handed(Fate.FORGOTTEN)
        return (
            Handed(Fate.SENT, told["MessageReference"]) if told["State"] == _SENT else Handed(Fate.NOT_SENT)
        )

    def came(self) -> Sequence[Came]:
        """See `Modem`."""
        return [
            Came(handle, TextIn(told["Number"], told["Text"], _instant(told["Timestamp"])))
            for handle, told in self._kept()
            if told["PduType"] == _DELIVER and told["State"] == _RECEIVED
        ]

    def reports(self) -> Sequence[Report]:
        """See `Modem`."""
        return [
            Report(handle, told["Number"], told["MessageReference"], _receipt(told["DeliveryState"]))
            for handle, told in self._kept()
            if told["PduType"] == _STATUS_REPORT
        ]

    def delete(self, handle: str) -> None:
        """See `Modem`."""
        modem = self._modem()
        if not self._is_ours(handle):
            return
        try:
            self._call(modem, _MESSAGING, "Delete", "o", (self._path(handle),))
        except (DBusErrorResponse, TimeoutError):
            return  # it is gone, or is listed again and deleted then

    def network_time(self) -> datetime | None:
        """See `Modem`."""
        try:
            (told,) = self._call(self._modem(), f"{_MODEM}.Time", "GetNetworkTime")
        except (DBusErrorResponse, TimeoutError):
            return None
        return _instant(told)

    def reception(self) -> Reception:
        """See `Modem`."""
        told = self._properties(self._modem(), _MODEM)
        percent, _recent = told["SignalQuality"]
        return Reception(told["State"] >= _REGISTERED, percent)

    def close(self) -> None:
        """See `Modem`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _kept(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Handles and properties of all texts that ModemManager has, in the order of coming."""
        (paths,) = self._asked(self._modem(), _MESSAGING, "List")
        for path in sorted(paths, key=lambda one: int(one.rsplit("/", 1)[1])):
            try:
                yield f"{self._owner}{path}", self._properties(path, _SMS)
            except DBusErrorResponse:
                continue  # it was deleted meanwhile

    def _modem(self) -> str:
        """The path of the modem, switched on. Raises NoModem."""
        objects = self._objects()
        usable = sorted(path for path, interfaces in objects.items() if _MESSAGING in interfaces)
        if not usable:
            raise NoModem(N_("There is no modem: plug one in that has a SIM."))
        _kind, state = objects[usable[0]][_MODEM]["State"]
        if state < _DISABLED:
            raise NoModem(
                N_("The modem is not ready: see `mmcli -m any` for what it lacks, like the PIN of its SIM.")
            )
        if state == _DISABLED:
            self._asked(usable[0], _MODEM, "Enable", "b", (True,))
        return usable[0]

    def _objects(self) -> dict[str, dict[str, dict[str, Any]]]:
        found: dict[str, dict[str, dict[str, Any]]]
        (found,) = self._asked(_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        self._owner = self._who()
        return found

    def _who(self) -> str:
        """Who ModemManager is on this bus: another after each of its starts."""
        bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
        asked = new_method_call(bus, "GetNameOwner", "s", (_NAME,))
        try:
            (owner,) = self._answered(self._connected(), asked, _ASK_S)
        except (DBusErrorResponse, TimeoutError) as error:
            raise NoModem(_GONE, why=str(error)) from error
        return str(owner)

    def _asked(self, path: str, interface: str, method: str, signature: str = "", body: Any = ()) -> Any:
        """The answer to what fails only where there is no modem."""
        try:
            return self._call(path, interface, method, signature, body)
        except (DBusErrorResponse, TimeoutError) as error:
            raise NoModem(_GONE, why=str(error)) from error

    def _call(
        self,
        path: str,
        interface: str,
        method: str,
        signature: str = "",
        body: Any = (),
        seconds: float = _ASK_S,
    ) -> Any:
        address = DBusAddress(path, _NAME, interface)
        return self._answered(
            self._connected(), new_method_call(address, method, signature or None, body), seconds
        )

    def _properties(self, path: str, interface: str) -> dict[str, Any]:
        asked = Properties(DBusAddress(path, _NAME, interface)).get_all()
        try:
            (told,) = self._answered(self._connected(), asked, _ASK_S)
        except TimeoutError as error:
            raise NoModem(_GONE, why=str(error)) from error
        return {name: value for name, (_kind, value) in told.items()}

    def _answered(self, connection: DBusConnection, asked: Message, seconds: float) -> Any:
        try:
            return unwrap_msg(connection.send_and_get_reply(asked, timeout=seconds))
        except TimeoutError:
            raise
        except OSError as error:
            self.close()
            raise NoModem(_GONE, why=str(error)) from error

    def _connected(self) -> DBusConnection:
        if self._connection is None:
            try:
                self._connection = open_dbus_connection(self._bus)
            except (OSError, KeyError) as error:
                raise NoModem(_NO_BUS, why=getattr(error, "strerror", None) or str(error)) from error
        return self._connection

    def _is_ours(self, handle: str) -> bool:
        """Whether a handle is of the ModemManager that runs now."""
        return handle.partition("/")[0] == self._owner

    @staticmethod
    def _path(handle: str) -> str:
        return handle[handle.index("/") :]


def _unmade(error: DBusErrorResponse) -> Unsent | NoModem:
    """Why a text could not be made: nothing of it has left."""
    if error.name.endswith(".Unauthorized"):
        return NoModem(_NOT_ALLOWED)
    if error.name.endswith(".InvalidArgs"):
        return Barred(N_("The modem does not take such a text ({why})."), why=_why(error))
    return Unsent(N_("The modem does not take a text just now ({why})."), why=_why(error))


def _refusal(error: DBusErrorResponse) -> Unsent:
    why = _why(error)
    if not error.name.startswith(_REFUSED):
        return Unconfirmed(N_("Nobody said whether the network has taken the text."))
    cause = re.search(r"error: (\d+)", why)
    if error.name.endswith("PduParameter") or (cause and int(cause.group(1)) in PERMANENT):
        return Barred(N_("The network does not take texts to this number ({why})."), why=why)
    return Unsent(N_("The network did not take the text ({why})."), why=why)


def _why(error: DBusErrorResponse) -> str:
    return str(error.data[0]) if error.data else error.name.rsplit(".", 1)[-1]


def _receipt(state: int) -> Receipt | None:
    if state in _STILL_TRYING:
        return None
    return Receipt.DELIVERED if state < _STILL_TRYING.start else Receipt.UNDELIVERED


def _instant(told: str) -> datetime | None:
    """A time as ModemManager tells it: ISO 8601; without a zone it is taken for UTC."""
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
