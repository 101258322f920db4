"""By which names the box answers.

A page on the internet can let its own name lead to the box's address (DNS rebinding); the browser of whoever reads that page
then takes the box for a part of it, and would let it read what an open page of the box, or one without log-in, tells. What it
cannot do is change the name that stands in the request. So the box answers to names alone that no stranger can own:

- addresses in numbers, to which no name leads,
- `localhost`, and names that end in `.local`, which the network's own multicast answers and no name server does,
- the machine's own name, and those that `web.names` tells, for a farm with a name server of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Flask

_NAMES: Final = "fieldbox.names"


def call(app: Flask, names: Iterable[str]) -> None:
    """Let `app` answer to these names too."""
    app.extensions[_NAMES] = frozenset(name.casefold() for name in names)


def names_of(app: Flask) -> frozenset[str]:
    """The names that `app` answers to beside those that every box does, in small letters."""
    found: frozenset[str] = app.extensions.get(_NAMES, frozenset())
    return found


def host_of(header: str) -> str | None:
    """The name or address in a Host header, in small letters and without its port; None: it cannot be read."""
    try:
        parts = urlsplit(f"//{header}")
        name, _port = parts.hostname, parts.port
    except ValueError:
        return None
    plain = not parts.path and not parts.query and not parts.fragment and "@" not in header
    return name.removesuffix(".") if name and plain else None


def answers_to(header: str, names: Collection[str]) -> bool:
    """Whether the box answers to what stands in a Host header; `names` in small letters."""
    name = host_of(header)
    if name is None:
        return False
    return _is_address(name) or name == "localhost" or name.endswith(".local") or name in names


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
