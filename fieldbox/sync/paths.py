"""The links of the box as its kernel has them: default routes of IPv4 and IPv6, and what their interfaces are.

The kernel tells at once when something changes; whoever waits looks again every now and then all the same.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from fieldbox.domain import Link, LinkKind
from fieldbox.sync.interfaces import CLASS_NET, is_up, kind_of
from fieldbox.sync.rtnetlink import FAMILIES, GROUPS, DefaultRoute, default_routes, request

log = structlog.get_logger()

_PART: Final = 1 << 16
"""The kernel answers in parts of 32 kB at most."""
_ANSWER_S: Final = 5.0

Metered = Callable[[str], bool | None]
"""Whether the bytes of an interface cost; None: nobody says."""


def _unsaid(_interface: str) -> bool | None:
    return None


class KernelWays:
    """As `fieldbox.sync.ways.Ways`. Use it in one thread; only `wake` may be called from others."""

    def __init__(self, metered: Metered = _unsaid, class_net: Path = CLASS_NET) -> None:
        self._metered, self._class_net = metered, class_net
        self._changes = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._changes.bind((0, GROUPS))
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def there(self) -> Sequence[Link]:
        """Links over which the rest of the world may be reached now."""
        try:
            routes = sorted(_routes())
        except OSError as error:
            log.warning("the kernel does not tell its routes", reason=str(error))
            return []
        names = dict.fromkeys(filter(None, (_name_of(one.interface) for one in routes)))
        return [self._link(name) for name in names if is_up(name, self._class_net)]

    def wait(self, seconds: float) -> bool:
        """Wait until links changed, or somebody woke it."""
        changes = self._changes.fileno()
        ready, _w, _x = select.select([changes, self._woken], [], [], max(0.0, seconds))
        if changes in ready:
            self._drain()
        if self._woken in ready:
            os.read(self._woken, _PART)
        return bool(ready)

    def wake(self) -> None:
        """End a `wait`."""
        with suppress(BlockingIOError):  # full of calls to wake up already
            os.write(self._waker, b"w")

    def close(self) -> None:
        """Give back the sockets."""
        self._changes.close()
        os.close(self._woken)
        os.close(self._waker)

    def _drain(self) -> None:
        """What changed does not matter, only that it did; more changes than the socket holds are changes too."""
        while True:
            try:
                self._changes.recv(_PART)
            except BlockingIOError:
                return
            except OSError as error:
                log.info("changes of links were lost; they are looked at anyway", reason=error.strerror)
                return

    def _link(self, name: str) -> Link:
        kind, metered = kind_of(name, self._class_net), self._metered(name)
        if kind is LinkKind.WIFI and metered:
            kind = LinkKind.PHONE  # a network whose bytes cost is somebody's hotspot
        return Link(kind, name, metered)


def _routes() -> Iterator[DefaultRoute]:
    for family in FAMILIES:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
            asking.settimeout(_ANSWER_S)
            asking.bind((0, 0))
            asking.send(request(family))
            last = False
            while not last:
                routes, last = default_routes(asking.recv(_PART))
                yield from routes


def _name_of(index: int) -> str | None:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return None  # gone meanwhile
