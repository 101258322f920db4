"""Counts the IP bytes that really pass on the loopback (root, Linux)."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections import Counter
from typing import Final

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to see packets")
_ALL_PROTOCOLS: Final = 3
_IPV4: Final = 0x0800
_OUTGOING: Final = 4
_TCP: Final = 6


class Capture:
    """IP bytes to and from a port, by the port of the other end: `sent` and `received` are those of the client."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sent: Counter[int] = Counter()
        self.received: Counter[int] = Counter()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS))
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0.2)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """What has come is counted."""
        self._ends.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                packet, (_, protocol, kind, *_) = self._socket.recvfrom(70_000)
            except TimeoutError:
                if self._ends.is_set():
                    return
                continue
            if protocol == _IPV4 and kind == _OUTGOING and packet[9] == _TCP:
                self._count(packet)

    def _count(self, packet: bytes) -> None:
        size = struct.unpack("!H", packet[2:4])[0]
        start = (packet[0] & 15) * 4
        source, target = struct.unpack("!HH", packet[start : start + 4])
        if target == self.port:
            self.sent[source] += size
        elif source == self.port:
            self.received[target] += size
