"""How the web pages of fieldbox are served."""

from __future__ import annotations

from typing import Any

import waitress

from fieldbox.errors import Misconfigured

LARGEST = 50 << 20
"""Bytes of a request. What is larger is refused before it is read: the server would keep it on the disk until it is whole."""


def listening(app: Any, host: str, port: int, *, threads: int, ident: str, taken: str) -> Any:
    """A web server that answers once its `run` is called.

    Raises:
        Misconfigured: the port cannot be had, in the words of `taken`, which tell of {host}, {port} and {why}.
    """
    try:
        return waitress.create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            ident=ident,
            max_request_body_size=LARGEST,
            channel_request_lookahead=1,  # so that it is noticed when a browser waits no more
        )
    except OSError as error:
        raise Misconfigured(taken, host=host, port=port, why=error.strerror or "?") from error
