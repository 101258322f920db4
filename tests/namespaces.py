"""A network of one thread's own, with virtual cables: for what speaks with the kernel. Needs root."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from fieldbox.errors import Unavailable
from fieldbox.simulate.tunnels import check

CLONE_NEWNS, CLONE_NEWNET, CLONE_FS = 0x00020000, 0x40000000, 0x00000200
MS_REC, MS_PRIVATE = 0x4000, 0x40000
Found = TypeVar("Found")


def _without_tunnels() -> str:
    try:
        check()
    except Unavailable as error:
        return str(error)
    return ""


needs_tunnels = pytest.mark.skipif(bool(_without_tunnels()), reason=_without_tunnels())
"""Of what sends packets through `fieldbox simulate link`."""


class Network:
    """What is run here sees its own interfaces, routes and sysfs, and so do the processes that it starts."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread

    def run(self, what: Callable[[], Found]) -> Found:
        """What a function gives in here."""
        return self._thread.submit(what).result(timeout=60)

    def ip(self, *arguments: str) -> None:
        """Run ip(8)."""
        self.run(lambda: subprocess.run(["ip", *arguments], check=True, capture_output=True))

    def cable(self, name: str, net: int) -> None:
        """An interface that is up, its far end too, with the address 10.`net`.0.1."""
        self.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}far")
        self.ip("address", "add", f"10.{net}.0.1/24", "dev", name)
        for end in (f"{name}far", name):
            self.ip("link", "set", end, "up")


@contextmanager
def network(sysfs: Path) -> Iterator[Network]:
    """A network; its interfaces are below `sysfs`, which is made."""
    sysfs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as thread:
        if os.geteuid() != 0 or not thread.submit(_enter, sysfs).result():
            pytest.skip("needs root, and a kernel with namespaces and virtual cables")
        yield Network(thread)


def _enter(sysfs: Path) -> bool:
    """Of the calling thread alone, and until it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_FS | CLONE_NEWNS | CLONE_NEWNET):
        return False
    libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
    if libc.mount(b"sysfs", str(sysfs).encode(), b"sysfs", 0, None):
        return False
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    made = subprocess.run(["ip", "link", "add", "try0", "type", "veth", "peer", "name", "try1"], check=False)
    subprocess.run(["ip", "link", "delete", "try0"], check=False)
    return made.returncode == 0
