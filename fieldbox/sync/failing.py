"""What is said of a link that does not carry."""

from __future__ import annotations

from fieldbox.errors import Unsent
from fieldbox.i18n import N_


def unreachable(host: str, why: str) -> Unsent:
    """No connection came about."""
    return Unsent(
        N_("The hub {host} cannot be reached ({why}). Messages wait; it is tried again by itself."),
        host=host,
        why=why,
    )


def broken(why: str) -> Unsent:
    """The connection ended before its work did."""
    return Unsent(
        N_("The connection to the hub broke ({why}). What it did not acknowledge goes again."), why=why
    )
