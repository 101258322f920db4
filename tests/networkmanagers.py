"""The real NetworkManager with a virtual cable, on a bus and in namespaces of its own. Needs root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fieldbox.sync.networkmanager import NetworkManager

PROFILES = {
    "burst": "interface-name=v0",
    "nowhere": "interface-name=v9",
}
_SCRIPT = """
set -e
mount -t sysfs -o ro sysfs /sys
for folder in /run /var/lib/NetworkManager /etc/NetworkManager; do mount -t tmpfs -o mode=755 tmpfs $folder; done
mkdir -p /etc/NetworkManager/system-connections
cp "$HOME"/*.nmconnection /etc/NetworkManager/system-connections/
chmod 600 /etc/NetworkManager/system-connections/*
cp "$HOME/NetworkManager.conf" /etc/NetworkManager/
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v1 up
dbus-daemon --config-file="$HOME/bus.conf" --nofork &
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$HOME/bus
while [ ! -S "$HOME/bus" ]; do sleep 0.02; done
exec NetworkManager --no-daemon
"""
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={bus}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""
_CONF = "[main]\nplugins=keyfile\ndns=none\nauth-polkit=false\n[device-v0]\nmatch-device=interface-name:v0\nmanaged=1\n"
_PROFILE = """[connection]
id={name}
type=ethernet
autoconnect=false
metered=1
{where}
[ipv4]
method=manual
address1=10.9.0.1/24,10.9.0.2
[ipv6]
method=disabled
"""


@contextmanager
def network_manager(folder: Path) -> Iterator[str]:
    """The address of a bus on which it answers; it has the connections PROFILES."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("NetworkManager", "dbus-daemon", "unshare"))):
        pytest.skip("needs root, network-manager and dbus")
    (folder / "bus.conf").write_text(_BUS.format(bus=folder / "bus"))
    (folder / "NetworkManager.conf").write_text(_CONF)
    for name, where in PROFILES.items():
        (folder / f"{name}.nmconnection").write_text(_PROFILE.format(name=name, where=where))
    alone = ["unshare", "--net", "--mount"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*alone, "sh", "-c", _SCRIPT],
            env={**os.environ, "HOME": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(process, folder)
        yield f"unix:path={folder / 'bus'}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(process: subprocess.Popen[bytes], folder: Path) -> None:
    asked = NetworkManager(f"unix:path={folder / 'bus'}")
    until = time.monotonic() + 60
    while not asked.can("burst"):
        said = (folder / "log").read_text(errors="replace")
        if process.poll() is not None and "unshare" in said:
            pytest.skip(f"no namespaces here: {said}")
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.05)
