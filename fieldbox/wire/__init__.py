"""What goes between a box and a hub, as bytes: both ends read these files, and nothing here knows how the bytes travel."""

from typing import Final

MAX_BYTES: Final = 1024
"""Of a message's JSON as UTF-8, but for pictures."""
