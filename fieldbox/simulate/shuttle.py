"""A 2G link under the kernel's own TCP: packets are carried between two TUN devices as the link would carry them.

box | gprs0 → narrow part, air → the carrier's NAT → gprs0 | hub
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fieldbox.simulate.link import Count, Fate, LinkOptions, Outages, Uptime, Way
from fieldbox.simulate.nat import Nat
from fieldbox.simulate.tunnels import BOX, CARRIER, End, opened

_LARGEST: Final = 65_536
_IDLE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Report:
    """What a link has carried so far."""

    up: Count
    """From the box to the hub."""
    down: Count
    seconds: float
    up_seconds: float
    """Of them without outages."""

    @property
    def offered(self) -> int:
        """IP bytes both ways that were given to the link, whether they arrived or not."""
        return self.up.offered + self.down.offered

    def since(self, before: Report) -> Report:
        """What it carried after `before`, an earlier report of the same link."""
        return Report(
            self.up.since(before.up),
            self.down.since(before.down),
            self.seconds - before.seconds,
            self.up_seconds - before.up_seconds,
        )

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "up": self.up.to_json(),
            "down": self.down.to_json(),
            "seconds": round(self.seconds, 3),
            "up_seconds": round(self.up_seconds, 3),
        }


class Link:
    """A link that carries; see `running`."""

    def __init__(self, options: LinkOptions, box: End, hub: End) -> None:
        self.box, self.hub = box, hub
        now = time.monotonic()
        self._start, self._seed = now, options.seed
        self._up = Way(options.up_bps, options, options.seed)
        self._down = Way(options.down_bps, options, options.seed + 1)
        self._nat = Nat(BOX.packed, CARRIER.packed, options.nat_idle_s, remaps=options.nat_remaps)
        self._uptime = Uptime(options.outages, now, options.seed)
        self._alone = threading.Lock()
        self._flying: list[tuple[float, int, Way, bytes]] = []
        self._numbers = itertools.count()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="link", daemon=True)

    def report(self) -> Report:
        """What it has carried until now."""
        with self._alone:
            now = time.monotonic()
            return Report(
                self._up.count.since(Count()),
                self._down.count.since(Count()),
                now - self._start,
                self._uptime.up_s(now),
            )

    def schedule(self, outages: Outages | None) -> None:
        """Let outages come from now on as told, in place of those that were to come."""
        with self._alone:
            self._uptime.schedule(outages, time.monotonic(), self._seed)

    def cut(self) -> None:
        """Begin an outage that lasts until `mend`."""
        with self._alone:
            self._uptime.cut(time.monotonic())

    def mend(self) -> None:
        """End the outage that `cut` began."""
        with self._alone:
            self._uptime.mend(time.monotonic())

    def start(self) -> None:
        """Carry from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Carry no more."""
        self._stopped.set()
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        os.close(self._bell)

    def _carry(self) -> None:
        files = select.poll()
        for file in (self.box.file, self.hub.file, self._bell):
            files.register(file, select.POLLIN)
        while not self._stopped.is_set():
            ready = [file for file, _event in files.poll(self._pause_s() * 1000)]
            with self._alone:
                for file in ready:
                    self._take(file)
                self._land(time.monotonic())

    def _pause_s(self) -> float:
        due = self._flying[0][0] - time.monotonic() if self._flying else _IDLE_S
        return max(0.0, min(due, _IDLE_S))

    def _take(self, file: int) -> None:
        """Let what an end sends onto the link."""
        if file == self._bell:
            return
        for packet in _read(file):
            now = time.monotonic()
            way = self._up if file == self.box.file else self._down
            way.count.offer(len(packet))
            if way is self._down:
                inward = self._nat.inward(packet, now)
                self._fly(way, inward, len(packet), now)
            else:
                self._fly(way, packet, len(packet), now)

    def _fly(self, way: Way, packet: bytes | None, size: int, now: float) -> None:
        if packet is None:
            return way.count.lose(size, Fate.NAT)
        if not self._uptime.is_up(now):
            return way.count.lose(size, Fate.OUTAGE)
        found = way.offer(size, now)
        if isinstance(found, Fate):
            return way.count.lose(size, found)
        heapq.heappush(self._flying, (found, next(self._numbers), way, packet))
        return None

    def _land(self, now: float) -> None:
        """Let what has come to the end of its way out of the link."""
        up = self._uptime.is_up(now)
        while self._flying and self._flying[0][0] <= now:
            _at, _number, way, packet = heapq.heappop(self._flying)
            if not up:
                way.count.lose(len(packet), Fate.OUTAGE)
            else:
                self._arrive(way, packet, now)

    def _arrive(self, way: Way, packet: bytes, now: float) -> None:
        told = self._nat.outward(packet, now) if way is self._up else packet
        if told is None:
            return way.count.lose(len(packet), Fate.NAT)
        os.write(self.hub.file if way is self._up else self.box.file, told)
        return way.count.deliver(len(told))


@contextmanager
def running(options: LinkOptions) -> Iterator[Link]:
    """A link that carries until the end of the block. Raises Unavailable without root or TUN."""
    with opened() as (box, hub):
        link = Link(options, box, hub)
        link.start()
        try:
            yield link
        finally:
            link.stop()


def _read(file: int) -> Iterator[bytes]:
    """All packets that wait in a device."""
    while True:
        try:
            yield os.read(file, _LARGEST)
        except BlockingIOError:
            return
