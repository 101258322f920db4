"""NetworkManager over D-Bus: whether an interface's bytes cost, and profiles that are up for a burst only.

Its interfaces are those of its D-Bus API 1.x (`org.freedesktop.NetworkManager`); where it does not run, nothing is known and
nothing can be dialled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import structlog
from jeepney import DBusAddress, DBusErrorResponse, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

from fieldbox.sync.memoryways import not_dialled

log = structlog.get_logger()

_NAME = "org.freedesktop.NetworkManager"
_ROOT = "/org/freedesktop/NetworkManager"
_MANAGER = DBusAddress(_ROOT, _NAME, _NAME)
_SETTINGS = DBusAddress(f"{_ROOT}/Settings", _NAME, f"{_NAME}.Settings")
_METERED: Final = {1: True, 2: False, 3: True}
"""NMMetered: yes, no, guessed yes. A guessed no says nothing of a modem."""
_ACTIVATED, _DEACTIVATED = 2, 4
"""NMActiveConnectionState."""
_ANSWER_S = 10.0
DIAL_S: Final = 120.0
"""A modem that looks for its network and asks for an address takes a minute and more."""
_LOOK_S = 0.3

_GONE = (OSError, TimeoutError, KeyError, ValueError, DBusErrorResponse)
"""No bus, nobody on it, or nothing there of what is asked for."""


class NetworkManager:
    """As `fieldbox.sync.ways.Dialler`, and what `fieldbox.sync.paths.KernelWays` asks. `bus`: SYSTEM, or an address."""

    def __init__(
        self, bus: str = "SYSTEM", dial_s: float = DIAL_S, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._bus, self._dial_s, self._sleep = bus, dial_s, sleep
        self._dialled: dict[str, str] = {}
        """Active connections that `dial` made, by profile."""

    def metered(self, interface: str) -> bool | None:
        """Whether the bytes of an interface cost, as a person or the network said; None: nobody did."""
        with suppress(*_GONE), self._connected() as bus:
            (device,) = _call(bus, _MANAGER, "GetDeviceByIpIface", "s", interface)
            return _METERED.get(_property(bus, device, f"{_NAME}.Device", "Metered"))
        return None

    def can(self, profile: str) -> bool:
        """Whether there is a profile of this name."""
        with suppress(*_GONE), self._connected() as bus:
            return _profile(bus, profile) is not None
        return False

    def dial(self, profile: str) -> str:
        """Bring a profile up; the name of its interface. Raises Unsent."""
        try:
            with self._connected() as bus:
                active = _active(bus, profile)
                if active is None:
                    active = self._dialled[profile] = _activate(bus, profile)
                self._await(bus, active)
                return _interface(bus, active)
        except _GONE as error:
            self.hang_up(profile)
            raise not_dialled(profile, _why(error)) from error

    def hang_up(self, profile: str) -> None:
        """Take down what `dial` brought up."""
        if profile in self._dialled:
            self.end(profile)

    def end(self, profile: str) -> None:
        """Take it down, whoever brought it up."""
        dialled = self._dialled.pop(profile, None)
        try:
            with self._connected() as bus:
                active = dialled or _active(bus, profile)
                if active is not None:
                    _call(bus, _MANAGER, "DeactivateConnection", "o", active)
        except _GONE as error:
            log.info("the connection was down already", profile=profile, reason=_why(error))

    def _await(self, bus: DBusConnection, active: str) -> None:
        """Until it is up. Raises TimeoutError, and DBusErrorResponse where it is gone."""
        until = time.monotonic() + self._dial_s
        while True:
            state = _property(bus, active, f"{_NAME}.Connection.Active", "State")
            if state == _ACTIVATED:
                return
            if state == _DEACTIVATED or time.monotonic() >= until:
                raise TimeoutError("it did not come up")
            self._sleep(_LOOK_S)

    @contextmanager
    def _connected(self) -> Iterator[DBusConnection]:
        with open_dbus_connection(self._bus) as bus:
            yield bus


def _call(
    bus: DBusConnection, to: DBusAddress, method: str, signature: str = "", *arguments: Any
) -> tuple[Any, ...]:
    message = new_method_call(to, method, signature or None, arguments)
    return tuple(unwrap_msg(bus.send_and_get_reply(message, timeout=_ANSWER_S)))


def _property(bus: DBusConnection, path: str, interface: str, name: str) -> Any:
    message = Properties(DBusAddress(path, _NAME, interface)).get(name)
    ((_signature, value),) = unwrap_msg(bus.send_and_get_reply(message, timeout=_ANSWER_S))
    return value


def _profile(bus: DBusConnection, profile: str) -> str | None:
    """The path of the settings with this name or UUID."""
    (paths,) = _call(bus, _SETTINGS, "ListConnections")
    for path in paths:
        told = DBusAddress(path, _NAME, f"{_NAME}.Settings.Connection")
        (settings,) = _call(bus, told, "GetSettings")
        named = {settings["connection"][key][1] for key in ("id", "uuid")}
        if profile in named:
            return str(path)
    return None


def _active(bus: DBusConnection, profile: str) -> str | None:
    """The path of an active connection of this profile."""
    for path in _property(bus, _ROOT, _NAME, "ActiveConnections"):
        with suppress(DBusErrorResponse):  # gone meanwhile
            named = {_property(bus, path, f"{_NAME}.Connection.Active", key) for key in ("Id", "Uuid")}
            if profile in named:
                return str(path)
    return None


def _activate(bus: DBusConnection, profile: str) -> str:
    path = _profile(bus, profile)
    if path is None:
        raise KeyError("NetworkManager knows no such connection")
    (active,) = _call(bus, _MANAGER, "ActivateConnection", "ooo", path, "/", "/")
    return str(active)


def _interface(bus: DBusConnection, active: str) -> str:
    """Over which an active connection's packets go: of a modem that is another one than its control port."""
    (device, *_others) = _property(bus, active, f"{_NAME}.Connection.Active", "Devices")
    names = [_property(bus, device, f"{_NAME}.Device", key) for key in ("IpInterface", "Interface")]
    name = next(filter(None, map(str, names)), None)
    if name is None:
        raise KeyError("it has no interface")
    return name


def _why(error: Exception) -> str:
    if isinstance(error, DBusErrorResponse):
        return str(error.data[0]) if error.data else error.name
    return str(error.args[-1]) if error.args else type(error).__name__
