"""The real ModemManager on a simulated modem, on a bus of its own: nothing of the machine's is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

from fieldbox.simulate.modem import AtModem, Network, serve_socket
from fieldbox.sync.sms.modem import NoModem
from fieldbox.sync.sms.modemmanager import ModemManager
from tests.programs import started, until

POLKITD = "/usr/lib/polkit-1/polkitd"
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""


def missing() -> list[str]:
    """Programs that are not on this machine."""
    programs = ("dbus-daemon", "ModemManager", POLKITD)
    lacking = [
        name for name in programs if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None
    ]
    return lacking + ([] if os.geteuid() == 0 else ["root"])


@dataclass(frozen=True, slots=True)
class Managed:
    """A simulated modem that ModemManager looks after."""

    network: Network
    address: str
    """Of the bus on which ModemManager is."""


@contextmanager
def modem_manager(folder: Path) -> Iterator[Managed]:
    """ModemManager with one modem, which it has found. Skips where a part of the machine is missing."""
    if lacking := missing():
        pytest.skip(f"needs {', '.join(lacking)}")
    network, stop = Network(), threading.Event()
    port = f"abstract:fieldbox-{uuid.uuid4().hex}"
    serving = threading.Thread(target=serve_socket, args=(AtModem(network), port, stop))
    serving.start()
    programs: list[subprocess.Popen[bytes]] = []
    path = Path("/tmp") / f"fieldbox-bus-{uuid.uuid4().hex[:12]}"  # noqa: S108  a socket's path may not be long
    try:
        address = _bus(path, folder, programs)
        _started(programs, folder, address, POLKITD, "--no-debug")
        _started(
            programs,
            folder,
            address,
            "ModemManager",
            "--test-session",
            "--test-enable",
            "--no-auto-scan",
            "--test-no-udev",
            "--test-no-suspend-resume",
            "--debug",
        )
        _add(address, port)
        _wait_for(address)
        yield Managed(network, address)
    finally:
        for program in reversed(programs):
            program.kill()  # ModemManager waits 20 s for a modem that does not answer
            program.wait()
        stop.set()
        serving.join()
        path.unlink(missing_ok=True)


def _bus(path: Path, folder: Path, programs: list[subprocess.Popen[bytes]]) -> str:
    config = folder / "bus.conf"
    config.write_text(BUS.format(socket=path))
    programs.append(
        subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL
        )
    )
    until(path.exists, "the bus")
    path.chmod(0o666)
    return f"unix:path={path}"


def _started(programs: list[subprocess.Popen[bytes]], folder: Path, address: str, *command: str) -> None:
    place = {"DBUS_SYSTEM_BUS_ADDRESS": address, "DBUS_SESSION_BUS_ADDRESS": address}
    environ = os.environ | place | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    programs.append(started(command, folder / f"{Path(command[0]).name}.log", environ))


def _add(address: str, port: str) -> None:
    name = "org.freedesktop.ModemManager1"
    tests = DBusAddress("/org/freedesktop/ModemManager1", name, "org.freedesktop.ModemManager1.Test")
    bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    with open_dbus_connection(address) as connection:

        def owned() -> bool:
            return bool(
                connection.send_and_get_reply(new_method_call(bus, "NameHasOwner", "s", (name,))).body[0]
            )

        until(owned, "ModemManager")
        connection.send_and_get_reply(
            new_method_call(tests, "SetProfile", "ssas", ("fieldbox", "generic", [port]))
        )


def _wait_for(address: str) -> None:
    def registered() -> bool:
        try:
            return modem.reception().registered
        except NoModem:
            return False

    with closing(ModemManager(address)) as modem:
        until(registered, "a modem in its network")
