"""What the kernel knows of a TCP connection (Linux, `TCP_INFO`), and what it is told of one."""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fieldbox.sync.ports import Traffic

DEAD_AFTER: Final = 15
"""Seconds after which data that nobody acknowledged end a connection (RFC 5482). A NAT that forgot the connection was noticed
after 23 seconds with it and after 105 without."""
ASK_AFTER, ASK_EVERY = 10, 4
"""Seconds of silence after which the far end is asked whether it is there, 104 bytes with the answer, and then asked again. It is
not when the next question would come and `DEAD_AFTER` is over: after 18 seconds and two questions. A connection that waits for
the hub's word sends nothing, and would not notice that a NAT forgot it."""
REACH_SECONDS: Final = 45.0
"""In which TCP comes about, or does not."""
TRY_SECONDS: Final = 15.0
"""Of one try. The kernel asks again after some seconds, and then waits twice as long each time (RFC 6298): another try asks often
again, so that the end of an outage is not slept through."""
_INFO: Final = "8B24I4Q6I4Q2I2Q"
"""linux/tcp.h, `struct tcp_info`, up to `tcpi_bytes_retrans` (Linux 4.19)."""
_OPTIONS, _RTT, _BYTES_RECEIVED, _SEGS_OUT, _SEGS_IN, _BYTES_SENT = 5, 23, 35, 36, 37, 48
_TIMESTAMPS = 1
_IP_AND_TCP = {socket.AF_INET: 40, socket.AF_INET6: 60}
_TIMESTAMP_BYTES = 12
_FIRST_BYTES: Final = 20
"""Options of the first segment."""
_SYN_BYTES: Final = 8
"""What the first segment has on top, each way: its options are 20 bytes with time stamps (RFC 7323) and without."""
_ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one connection so far."""

    traffic: Traffic
    """IP bytes, headers and retransmissions among them. Not seen: what came twice, and the options that tell of holes
    (SACK, 8 bytes for each)."""
    round_trip: float
    """Seconds, smoothed."""


class Wire:
    """A TCP connection, beside whoever speaks over it: it outlives their closing, to hear and to count the end."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._last = Counts(Traffic(), 0.0)
        self._tries = Traffic()
        """That came to nothing."""

    def reach(self, address: tuple[str, int], seconds: float, interface: str | None) -> socket.socket:
        """A connection, tried for as long as `REACH_SECONDS`; `seconds` is its time-out from then on. Raises OSError."""
        deadline = time.monotonic() + min(seconds, REACH_SECONDS)
        while True:
            left = max(0.1, deadline - time.monotonic())
            try:
                made = connected(address, min(TRY_SECONDS, left), interface, self._tried)
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise
            else:
                made.settimeout(seconds)
                return made

    def _tried(self, failed: socket.socket) -> None:
        info = _info(failed)
        header = _IP_AND_TCP.get(failed.family, 60)
        sent, received = (header + _FIRST_BYTES) * info[_SEGS_OUT], header * info[_SEGS_IN]
        self._tries += Traffic(sent, received)
        self._last = Counts(self._tries, 0.0)

    def watch(self, connected: socket.socket) -> None:
        """This connection came about."""
        self._socket = socket.socket(fileno=os.dup(connected.fileno()))
        self._tell(socket.TCP_USER_TIMEOUT, DEAD_AFTER * 1000)
        self._tell(socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._tell(socket.TCP_KEEPIDLE, ASK_AFTER)
        self._tell(socket.TCP_KEEPINTVL, ASK_EVERY)
        self.spare_answers()

    def counts(self) -> Counts:
        """As of now, or of its end."""
        if self._socket is not None:
            found = _counts(self._socket)
            self._last = Counts(self._tries + found.traffic, found.round_trip)
        return self._last

    def spare_answers(self) -> None:
        """Let what is received be acknowledged by the next thing that is sent, where one follows soon (TCP_QUICKACK off)."""
        self._tell(socket.TCP_QUICKACK, 0)

    def hold(self, on: bool) -> None:
        """Let what is written wait (TCP_CORK), so that small writes share a segment; or let it go."""
        self._tell(socket.TCP_CORK, int(on))

    def end(self, seconds: float) -> None:
        """Say that nothing more comes and wait for the other end to say so, at most so long; then it is gone."""
        if self._socket is None:
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
            heard = _drain(self._socket, seconds)
        except OSError:
            heard = False
        self.counts()
        if not heard:  # no segments after the last that was counted
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._socket.close()
        self._socket = None

    def _tell(self, option: int, value: int) -> None:
        if self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, option, value)


def connected(
    address: tuple[str, int],
    seconds: float,
    interface: str | None,
    failed: Callable[[socket.socket], None] = lambda _socket: None,
) -> socket.socket:
    """A connection over an interface (SO_BINDTODEVICE), whatever the routes prefer; None: as they do. Raises OSError.

    A hub on the same machine, as when somebody tries things out, is behind no link: no interface is chosen there. Names are
    looked up as the system does it. `failed` is given each socket that came to nothing, before it is closed.
    """
    failure = OSError("no address")
    for family, kind, protocol, _name, to in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            if interface is not None and not ipaddress.ip_address(to[0]).is_loopback:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            made.settimeout(seconds)
            made.connect(to)
        except OSError as error:
            failed(made)
            made.close()
            failure = error
        else:
            return made
    raise failure


def _drain(sock: socket.socket, seconds: float) -> bool:
    """Read until the other end has closed; whether it has."""
    sock.setblocking(False)
    deadline = time.monotonic() + seconds
    while select.select([sock], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not sock.recv(65536):
            return True
    return False


def _info(sock: socket.socket) -> tuple[int, ...]:
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, struct.calcsize(_INFO))
    return struct.unpack(_INFO, raw)


def _counts(sock: socket.socket) -> Counts:
    info = _info(sock)
    header = _IP_AND_TCP.get(sock.family, 60) + (_TIMESTAMP_BYTES if info[_OPTIONS] & _TIMESTAMPS else 0)
    sent = info[_BYTES_SENT] + header * info[_SEGS_OUT] + _SYN_BYTES
    received = info[_BYTES_RECEIVED] + header * info[_SEGS_IN] + _SYN_BYTES
    return Counts(Traffic(sent, received), info[_RTT] / 1e6)
