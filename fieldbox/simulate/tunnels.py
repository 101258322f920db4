"""Two ends of a link as the kernel sees them: a network namespace each, with a TUN device in it. Needs root and iproute2."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from fieldbox.errors import Unavailable
from fieldbox.i18n import N_

DEVICE: Final = "gprs0"
"""Of both ends."""
MTU: Final = 1400
BOX: Final = IPv4Address("10.98.1.2")
"""The box, as it sees itself."""
CARRIER: Final = IPv4Address("10.98.2.2")
"""The box, as the hub sees it."""
HUB: Final = IPv4Address("10.98.2.1")
CONGESTION_CONTROL: Final = "cubic"
"""What Linux has where nobody chose another, as on a box; set by route, which every kernel allows in a namespace."""
_TUN: Final = Path("/dev/net/tun")
_NAMESPACES: Final = Path("/run/netns")
_SET_INTERFACE: Final = 0x400454CA
_PLAIN_IP: Final = 0x0001 | 0x1000
"""IFF_TUN | IFF_NO_PI: whole IP packets and nothing before them."""
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class End:
    """One end: what is written to `file` arrives in the namespace, what is sent there is read from it."""

    namespace: str
    file: int
    """Non-blocking."""

    def command(self, words: Sequence[str]) -> list[str]:
        """`words` as a command that runs in the namespace."""
        return ["ip", "netns", "exec", self.namespace, *words]

    def counter(self, name: str) -> int:
        """A counter of the kernel's: `rx_bytes`, `tx_packets` and so on, as of the namespace's device."""
        told = _run(*self.command(["cat", f"/sys/class/net/{DEVICE}/statistics/{name}"]))
        return int(told)


def check() -> None:
    """Raises Unavailable where this machine makes no such link."""
    if os.geteuid() != 0:
        raise Unavailable(
            N_("A simulated link makes network devices, which only root may: run it with sudo.")
        )
    if not _TUN.exists():
        raise Unavailable(N_("This machine has no {device}: load the kernel's module tun."), device=str(_TUN))
    if shutil.which("ip") is None:
        raise Unavailable(N_("The command ip is missing: install the package iproute2."))


@contextmanager
def opened() -> Iterator[tuple[End, End]]:
    """The box's end and the hub's; gone with all that was in them at the end of the block. Raises Unavailable."""
    check()
    _sweep()
    name = f"fieldbox-{os.getpid()}-{next(_NUMBERS)}"
    with ExitStack() as kept:
        box = _end(kept, f"{name}-box", BOX)
        hub = _end(kept, f"{name}-hub", HUB)
        yield box, hub


def _sweep() -> None:
    """Remove what a process left that was killed."""
    for file in _NAMESPACES.glob("fieldbox-*-*-*"):
        maker = file.name.split("-")[1]
        if maker.isdecimal() and not Path("/proc", maker).exists():
            subprocess.run(["ip", "netns", "del", file.name], capture_output=True, check=False)  # noqa: S603, S607


def _end(kept: ExitStack, namespace: str, address: IPv4Address) -> End:
    _run("ip", "netns", "add", namespace)
    kept.callback(_run, "ip", "netns", "del", namespace)
    end = End(namespace, _tun(kept, namespace))
    _without_ipv6(end)
    for words in (
        f"address add {address}/32 dev {DEVICE}",
        "link set lo up",
        f"link set {DEVICE} up mtu {MTU}",
        f"route add default dev {DEVICE} congctl {CONGESTION_CONTROL}",
    ):
        _run("ip", "-n", namespace, *words.split())
    return end


def _tun(kept: ExitStack, namespace: str) -> int:
    """A device made here and moved there: its file stays ours."""
    file = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    kept.callback(os.close, file)
    asked = struct.pack("16sH22x", b"fieldbox%d", _PLAIN_IP)
    name = fcntl.ioctl(file, _SET_INTERFACE, asked)[:16].rstrip(b"\0").decode()
    _run("ip", "link", "set", name, "netns", namespace, "name", DEVICE)
    return file


def _without_ipv6(end: End) -> None:
    """Nothing goes over the link but what is asked for."""
    path = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
    _run(*end.command(["sh", "-c", f"[ ! -e {path} ] || echo 1 >{path}"]))


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  ip, and names of ours
    if done.returncode != 0:
        raise Unavailable(
            N_("The network devices of a simulated link could not be made: {why}"),
            why=" ".join(done.stderr.split()) or str(done.returncode),
        )
    return done.stdout
