"""On which topics of a hub's broker a box and its hub speak."""

from __future__ import annotations

from typing import Final

ANY: Final = "+"
"""In the place of a box where something is subscribed to or allowed: every box (MQTT 5, section 4.7.1.3)."""
EACH: Final = "%u"
"""In the place of a box in a pattern of Mosquitto's rights: the one that is connected (mosquitto.conf(5))."""


def up(box: str) -> str:
    """The topic of a box's frames."""
    return f"fieldbox/1/{box}/up"


def down(box: str) -> str:
    """The topic of what the hub says to a box."""
    return f"fieldbox/1/{box}/down"
