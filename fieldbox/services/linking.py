"""Joining a hub: the box's request, the hub's welcome, and what the box knows of its hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fieldbox.config import Config
from fieldbox.i18n import _
from fieldbox.services import carried
from fieldbox.sync import identity
from fieldbox.sync.identity import Identity, Joined
from fieldbox.wire.join import Welcome


def request(config: Config, file: Path) -> str:
    """Write what a hub is asked with to `file`; the box's id. Raises Rejected where it cannot be written."""
    mine = identity.own(config.identity)
    carried.write(file, mine.request())
    return mine.box


def read_welcome(config: Config, file: Path) -> tuple[Identity, Welcome]:
    """Read a hub's welcome for this box; nothing is changed yet. Raises Rejected."""
    text = carried.read(file)
    mine = identity.own(config.identity)
    return mine, identity.welcomed(mine, text)


def join(mine: Identity, welcome: Welcome) -> Joined:
    """Take the hub of a welcome as this box's."""
    return identity.join_hub(mine, welcome)


@dataclass(frozen=True, slots=True)
class Link:
    """What the box knows of itself and its hub."""

    joined: Joined

    def to_json(self) -> str:
        """For machines."""
        hub = self.joined.hub
        return json.dumps(
            {
                "box": self.joined.identity.box,
                "hub": hub.id,
                "host": hub.host,
                "port": hub.port,
                "fingerprint": hub.fingerprint,
                "sms": hub.sms,
                "certificate_expires_at": self.joined.expires_at.isoformat(),
            }
        )

    def to_text(self) -> str:
        """For people."""
        hub = self.joined.hub
        lines = [
            _("This box: {box}").format(box=self.joined.identity.box),
            _("Its hub: {hub} at {host}:{port}").format(hub=hub.id, host=hub.host, port=hub.port),
            _("The hub's fingerprint: {fingerprint}").format(fingerprint=hub.fingerprint),
            _("Certificate until {day}").format(day=self.joined.expires_at.date()),
        ]
        return "\n".join(lines)


def show(config: Config) -> Link:
    """The box and its hub. Raises Misconfigured where it joined none."""
    return Link(identity.joined(config.identity))
