"""The hub of the box, for the dashboard: joined, left and shown without a terminal.

What it needs of cryptography is loaded when somebody opens the page of the hub, which is seldom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldbox.config import Config
from fieldbox.domain import HubNow
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

if TYPE_CHECKING:
    from datetime import datetime

    from fieldbox.wire.join import Hub

_LARGEST = 64 * 1024
"""Bytes of a welcome; one has some 3,000."""


class HubDesk:
    """What a person does about the hub of one box."""

    def __init__(self, config: Config) -> None:
        self._folder = config.identity

    def now(self) -> HubNow | None:
        """The hub that the box has joined; None: none. Raises Misconfigured where it cannot be read."""
        from fieldbox.sync import identity  # noqa: PLC0415

        if not identity.has_joined(self._folder):
            return None
        found = identity.joined(self._folder)
        return _shown(found.identity.box, found.hub, found.expires_at)

    def request(self) -> tuple[str, str]:
        """The box's id, and what a hub is asked with. Raises Misconfigured, Unavailable."""
        from fieldbox.sync import identity  # noqa: PLC0415

        mine = identity.own(self._folder)
        return mine.box, mine.request()

    def read(self, welcome: str) -> HubNow:
        """The hub of a welcome for this box; nothing is changed. Raises Rejected."""
        from fieldbox.sync import identity  # noqa: PLC0415

        if not welcome.strip():
            raise Rejected(N_("Choose the file first that came from the hub; its name ends with .welcome."))
        if len(welcome) > _LARGEST:
            raise Rejected(N_("This file is too large for a welcome: choose the one that came from the hub."))
        mine = identity.own(self._folder)
        return _shown(mine.box, identity.welcomed(mine, welcome).hub, None)

    def join(self, welcome: str) -> HubNow:
        """Take the hub of a welcome as this box's. Raises Rejected, Misconfigured, Unavailable."""
        from fieldbox.sync import identity  # noqa: PLC0415

        self.read(welcome)
        mine = identity.own(self._folder)
        found = identity.join_hub(mine, identity.welcomed(mine, welcome))
        return _shown(mine.box, found.hub, found.expires_at)

    def leave(self) -> None:
        """Forget the hub; the box's keys stay, so that it is the same box to whichever hub it joins next."""
        from fieldbox.sync import identity  # noqa: PLC0415

        identity.leave_hub(self._folder)


def _shown(box: str, hub: Hub, expires_at: datetime | None) -> HubNow:
    return HubNow(box, hub.id, hub.host, hub.port, hub.fingerprint, expires_at)
