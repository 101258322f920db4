"""The links of the box: the kernel's, and their twin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from fieldbox.domain import Link, LinkKind
from fieldbox.sync.memoryways import MemoryWays
from fieldbox.sync.paths import KernelWays
from fieldbox.sync.ways import Ways
from tests.namespaces import Network, network

Found = TypeVar("Found")
METERED = {"c1": True}
"""What is said of the bytes of interfaces."""


class Ground(Protocol):
    """Where links come and go."""

    ways: Ways

    def run(self, what: Callable[[], Found]) -> Found: ...

    def put(self, name: str, metric: int) -> None:
        """A cable, with a way to everywhere."""

    def cut(self, name: str) -> None:
        """The way is gone."""


class Memory:
    """The twin."""

    def __init__(self) -> None:
        self.ways = self._memory = MemoryWays()

    def run(self, what: Callable[[], Found]) -> Found:
        return what()

    def put(self, name: str, metric: int) -> None:
        self._memory.put(Link(LinkKind.ETHERNET, name, METERED.get(name)), metric)

    def cut(self, name: str) -> None:
        self._memory.take(name)


class Kernel:
    """The real ones, in a network of their own."""

    def __init__(self, net: Network, sysfs: Path) -> None:
        self._net, self._count = net, 0
        self.ways: Ways = net.run(lambda: KernelWays(METERED.get, sysfs / "class" / "net"))

    def run(self, what: Callable[[], Found]) -> Found:
        return self._net.run(what)

    def put(self, name: str, metric: int) -> None:
        self._count += 1
        self._net.cable(name, self._count)
        self._net.ip("route", "add", "default", "via", f"10.{self._count}.0.2", "metric", str(metric))

    def cut(self, name: str) -> None:
        self._net.ip("route", "delete", "default", "dev", name)


@contextmanager
def kernel(tmp_path: Path) -> Iterator[Ground]:
    with network(tmp_path / "sys") as net:
        ground = Kernel(net, tmp_path / "sys")
        yield ground
        net.run(ground.ways.close)


@contextmanager
def memory(_tmp_path: Path) -> Iterator[Ground]:
    yield Memory()


@pytest.fixture(params=[memory, kernel])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    with request.param(tmp_path) as made:
        yield made


def settled(ground: Ground) -> None:
    """Until nothing changes any more: the kernel tells of a cable in several parts."""
    while ground.run(lambda: ground.ways.wait(0.05)):
        pass


def eventually(found: Callable[[], Found], wanted: Found) -> Found:
    """The kernel takes a moment to find out that a cable carries."""
    until = time.monotonic() + 20
    while (last := found()) != wanted and time.monotonic() < until:
        time.sleep(0.02)
    return last


def test_there_may_be_none(ground: Ground) -> None:
    assert list(ground.run(ground.ways.there)) == []
    assert not ground.run(lambda: ground.ways.wait(0.0))


def test_a_link_that_comes_is_noticed_and_one_that_goes(ground: Ground) -> None:
    settled(ground)
    ground.put("c0", 100)
    assert ground.run(lambda: ground.ways.wait(30.0))
    there = [Link(LinkKind.ETHERNET, "c0")]
    assert eventually(lambda: list(ground.run(ground.ways.there)), there) == there
    settled(ground)
    ground.cut("c0")
    assert ground.run(lambda: ground.ways.wait(30.0))
    assert list(ground.run(ground.ways.there)) == []


def test_the_preferred_one_comes_first_with_what_is_said_of_its_bytes(ground: Ground) -> None:
    ground.put("c0", 600)
    ground.put("c1", 100)
    wanted: list[tuple[str, bool | None]] = [("c1", True), ("c0", None)]
    assert (
        eventually(lambda: [(one.name, one.metered) for one in ground.run(ground.ways.there)], wanted)
        == wanted
    )


def test_a_wait_ends_when_somebody_wakes_it(ground: Ground) -> None:
    settled(ground)
    ground.ways.wake()
    ground.ways.wake()
    assert ground.run(lambda: ground.ways.wait(30.0))
    assert not ground.run(lambda: ground.ways.wait(0.0))


def test_another_thread_may_wake_it(tmp_path: Path) -> None:
    with kernel(tmp_path) as real:
        settled(real)
        timer = threading.Timer(0.05, real.ways.wake)
        timer.start()
        assert real.run(lambda: real.ways.wait(30.0))
        timer.join()


def test_what_is_no_way_out_does_not_count(tmp_path: Path) -> None:
    """Routes of other tables and to some place only, routes that are forbidden, cables that are out."""
    with network(tmp_path / "sys") as net:
        ways = net.run(lambda: KernelWays(class_net=tmp_path / "sys/class/net"))
        net.cable("c0", 1)
        net.ip("route", "add", "192.0.2.0/24", "via", "10.1.0.2")
        net.ip("route", "add", "default", "via", "10.1.0.2", "table", "77")
        net.ip("route", "add", "unreachable", "default", "metric", "4000")
        assert list(net.run(ways.there)) == []
        net.ip("route", "add", "default", "via", "10.1.0.2")
        assert eventually(lambda: [one.name for one in net.run(ways.there)], ["c0"]) == ["c0"]
        net.ip("link", "set", "c0far", "down")
        assert eventually(lambda: list(net.run(ways.there)), []) == []
        net.run(ways.close)


def test_ways_of_ipv6_of_several_hops_and_of_bridges(tmp_path: Path) -> None:
    with network(tmp_path / "sys") as net:
        ways = net.run(lambda: KernelWays(class_net=tmp_path / "sys/class/net"))
        net.cable("c0", 1)
        net.cable("c1", 2)
        several = ["nexthop", "via", "10.1.0.2", "nexthop", "via", "10.2.0.2"]
        net.ip("route", "add", "default", "metric", "10", *several)
        net.ip("link", "add", "b0", "type", "bridge")
        net.cable("c2", 3)
        net.ip("link", "set", "c2", "master", "b0")
        net.ip("address", "add", "2001:db8::1/64", "dev", "b0", "nodad")
        net.ip("link", "set", "b0", "up")
        net.ip("-6", "route", "add", "default", "via", "2001:db8::2", "metric", "20")
        wired = dict.fromkeys(("c0", "c1", "b0"), LinkKind.ETHERNET)
        assert eventually(lambda: {one.name: one.kind for one in net.run(ways.there)}, wired) == wired
        net.run(ways.close)
