"""How the web pages of fieldbox are served."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import waitress
from waitress.server import BaseWSGIServer

from fieldbox.errors import Misconfigured
from fieldbox.services.connections import LONGEST_HEAD, MOST, Channel, Connections, Largest, no_more

LARGEST: Final = 50 << 20
"""Bytes of a request, whoever sends it; `connections` tells what most may send."""
IDLE_S: Final = 60
"""A connection on which nothing happens is closed then."""
_LOOK_S: Final = 15
_BESIDE: Final = 50
"""Beyond the MOST that are let in: connections that are all busy, or are being closed."""


def listening(
    app: Any, host: str, port: int, *, threads: int, ident: str, taken: str, largest: Largest = no_more
) -> Any:
    """A web server that answers once its `run` is called; `largest` tells how much somebody may send.

    Raises:
        Misconfigured: the port cannot be had, in the words of `taken`, which tell of {host}, {port} and {why}.
    """
    sockets: dict[int, Any] = {}
    try:
        server = waitress.create_server(
            app,
            sockets,
            host=host,
            port=port,
            threads=threads,
            ident=ident,
            max_request_body_size=LARGEST,
            max_request_header_size=LONGEST_HEAD,
            connection_limit=MOST + _BESIDE,
            channel_timeout=IDLE_S,
            cleanup_interval=_LOOK_S,
            asyncore_use_poll=True,  # select() knows no descriptor beyond 1023
            channel_request_lookahead=1,  # so that it is noticed when a browser waits no more
        )
    except OSError as error:
        raise Misconfigured(taken, host=host, port=port, why=error.strerror or "?") from error
    connections = Connections(sockets, largest)
    for one in sockets.values():
        if isinstance(one, BaseWSGIServer):
            one.channel_class = partial(Channel, connections)
    return server
