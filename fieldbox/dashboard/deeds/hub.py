"""The hub that the box belongs to."""

from __future__ import annotations

from fieldbox.dashboard.ports import HubDesk, box
from fieldbox.domain import HubNow
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_


def desk() -> HubDesk:
    """What a person can do about the hub. Raises Misconfigured where this box can do nothing."""
    found = box().beyond.hub
    if found is None:
        raise Misconfigured(N_("This box cannot join a hub from its pages: ask whoever installed it."))
    return found


def join(actor: str, welcome: str) -> HubNow:
    """Join the hub of a welcome. Raises Rejected, Misconfigured."""
    hub = desk().join(welcome)
    box().store.audit(actor, "hub joined", f"{hub.hub} at {hub.host}:{hub.port}")
    return hub


def join_compared(actor: str, welcome: str, fingerprint: str) -> HubNow:
    """Join the hub of a welcome whose fingerprint was compared. Raises Rejected where it is another one, and Misconfigured."""
    if desk().read(welcome).fingerprint != fingerprint.strip():
        raise Rejected(
            N_("This welcome has another fingerprint: ask whoever keeps the hub to read it out again.")
        )
    return join(actor, welcome)


def leave(actor: str) -> None:
    """Forget the hub. Raises Misconfigured."""
    before = desk().now()
    desk().leave()
    box().store.audit(actor, "hub left", before.hub if before else "")
