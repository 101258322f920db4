"""What one connection to the web pages may take of the box, whoever is at its other end.

The server reads a request whole before the pages see it: in memory, from 512 KiB on on the disk. Anybody on the farm's Wi-Fi can
send one. So each is judged by its head, before its body is read: what is longer than ANYBODY is asked about (`Largest`), and
what is too much is not kept. The pages are asked at once, with an empty body, and refuse it in their own words, by the length
that its head tells; what still comes is thrown away, so that a browser, which reads no answer before it has sent all, sees it.

Who holds connections open gains little:

- a head that is not whole after HEAD_S is heard no more, nor a body that comes slower than SLOWEST;
- nor who does not take an answer for STUCK_S: it would hold the thread that makes the answer;
- an address has at most OF_ONE connections that only wait: the one that waits longest makes room for a new one;
- at most MOST are open in all: room is made by the address of which most only wait.

So one guest cuts only their own connections off. Somebody with several dozen addresses can slow the pages down.

Waitress has classes of channels and parsers to be taken in place of its own (`channel_class`, `parser_class`), which it does not
describe: `tests/services/test_connections.py` asks a real server whether they do what they shall.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import RequestEntityTooLarge

ANYBODY: Final = 64 * 1024
"""Bytes that anybody may send; who may send more is asked."""
LONGEST_HEAD: Final = 32 * 1024
MOST: Final = 300
OF_ONE: Final = 50
"""A browser opens six; several phones may share an address."""
HEAD_S: Final = 20.0
BODY_S: Final = 30.0
"""For a body, beside what its length takes at SLOWEST."""
SLOWEST: Final = 4096
"""Bytes per second."""
STUCK_S: Final = 60.0
POUR_S: Final = 60.0
"""So long what was refused is thrown away while it comes."""

Largest = Callable[[Mapping[str, Any]], int]
"""Of a request's head, as a WSGI environment without a body: how many bytes may follow. Called by the one thread that serves all
connections, so it must be quick."""


def no_more(_head: Mapping[str, Any]) -> int:
    """Nobody may send more than anybody."""
    return ANYBODY


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request, and no more of it than may be sent."""

    body_rcv: Any
    error: Any

    def __init__(self, channel: Channel, adj: Any) -> None:
        super().__init__(adj)
        self._channel, self._limit = channel, ANYBODY
        self.is_large = False
        """More than anybody may send, from somebody who may."""
        self.late_at = time.monotonic() + HEAD_S

    def received(self, data: bytes) -> int:
        """How many bytes of `data` belong to this request."""
        was_finished = self.headers_finished
        consumed: int = super().received(data)
        if self.error or self.body_rcv is None:
            return consumed
        if not was_finished:
            self.late_at = time.monotonic() + BODY_S + self.content_length / SLOWEST
        if self._size() > self._limit and not self._may_go_on():
            self._refuse(len(data) - consumed)
            return len(data)
        return consumed

    def grant(self) -> None:
        """Its time begins now: the answer to one before was made meanwhile."""
        self.late_at = max(self.late_at, time.monotonic() + HEAD_S)

    def _size(self) -> int:
        return max(int(self.content_length), int(self.body_bytes_received))

    def _may_go_on(self) -> bool:
        self._limit = max(ANYBODY, self._channel.largest(self))
        self.is_large = self._size() <= self._limit
        self.late_at = max(self.late_at, time.monotonic() + self._limit / SLOWEST)
        return self.is_large

    def _refuse(self, here: int) -> None:
        """End it at its head; `here`: bytes behind the head that have come already."""
        self.completed = True
        self.expect_continue = False
        self.headers["CONNECTION"] = "close"
        if self.chunked:  # nobody knows how much it is, and the pages neither
            self.error = RequestEntityTooLarge(f"more than {self._limit} bytes")
            return
        self._channel.pour(self.content_length - here)
        self.close()
        self.body_rcv = None


class Connections:
    """All connections of a server."""

    def __init__(self, sockets: Mapping[int, Any], largest: Largest) -> None:
        """`sockets`: those of the server, as it keeps them."""
        self._sockets = sockets
        self.largest = largest

    def make_room(self, new: Channel) -> None:
        """Close one that only waits where there are too many."""
        open_ones = [one for one in self._sockets.values() if isinstance(one, Channel) and one is not new]
        own = [one for one in open_ones if one.addr[0] == new.addr[0]]
        if len(own) >= OF_ONE:
            _close_oldest(own)
        elif len(open_ones) >= MOST:
            waiting = Counter(one.addr[0] for one in open_ones if one.only_waits)
            most = waiting.most_common(1)
            _close_oldest([one for one in open_ones if most and one.addr[0] == most[0][0]])


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection."""

    _closes = False
    _rest = 0
    _pours_until = 0.0
    _unsent_since: float | None = None
    _went_at = 0.0

    def __init__(
        self,
        connections: Connections,
        server: Any,
        sock: Any,
        addr: Any,
        adj: Any,
        map: Any = None,  # noqa: A002
    ) -> None:
        self._connections = connections
        self.parser_class = partial(Parser, self)
        self.waits_since = time.monotonic()
        super().__init__(server, sock, addr, adj, map=map)
        connections.make_room(self)

    @property
    def only_waits(self) -> bool:
        """Whether nothing is lost with it but a request that may be sent again: it is idle, or its request is not whole."""
        large = self.request is not None and self.request.is_large
        return not (self.requests or self.total_outbufs_len or large or self.will_close)

    @property
    def close_when_flushed(self) -> bool:
        """Set by the server once the last answer is made; what was refused is poured away first."""
        return self._closes and not self._pours()

    @close_when_flushed.setter
    def close_when_flushed(self, closes: bool) -> None:
        self._closes = closes

    def readable(self) -> bool:
        """Whether more is to be read. Asked at least once a second: who is too late is cut off here."""
        if self._is_late():
            self.handle_close()
            return False
        return bool((self._pours() and not self.will_close) or super().readable())

    def handle_read(self) -> None:
        """Read what came."""
        if not self._pours():
            super().handle_read()
            return
        try:
            poured = len(self.recv(self.adj.recv_bytes))
        except OSError:
            self.handle_close()
            return
        self._rest = self._rest - poured if poured else 0

    def service(self) -> None:
        """Answer."""
        super().service()
        self.waits_since = time.monotonic()

    def _pours(self) -> bool:
        return self._rest > 0 and time.monotonic() < self._pours_until

    def largest(self, parser: Parser) -> int:
        """Bytes that may follow the head of a request."""
        return self._connections.largest(_head(parser, str(self.addr[0])))

    def pour(self, rest: int) -> None:
        """Throw away so many bytes as they come; then it is closed."""
        self._rest, self._pours_until = rest, time.monotonic() + POUR_S

    def _is_late(self) -> bool:
        if self._is_stuck():
            return True
        coming = self.request
        if coming is None:
            return False
        if self.requests:
            coming.grant()
        return bool(time.monotonic() > coming.late_at)

    def _is_stuck(self) -> bool:
        """Whether an answer waits for long, and nothing of it has gone."""
        if not self.total_outbufs_len:
            self._unsent_since = None
            return False
        if self._unsent_since is None or self._went_at != self.last_activity:
            self._went_at, self._unsent_since = self.last_activity, time.monotonic()
        return time.monotonic() - self._unsent_since > STUCK_S


def _close_oldest(channels: list[Channel]) -> None:
    waiting = [one for one in channels if one.only_waits]
    if waiting:
        min(waiting, key=lambda one: one.waits_since).will_close = True


def _head(parser: Parser, address: str) -> Mapping[str, Any]:
    """As the server makes it for the pages, without a body."""
    told = {f"HTTP_{name}": value for name, value in parser.headers.items()}
    return {
        **told,
        "REQUEST_METHOD": parser.command,
        "PATH_INFO": "/" + parser.path.lstrip("/"),
        "QUERY_STRING": parser.query,
        "REMOTE_ADDR": address,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": f"HTTP/{parser.version}",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
    }
