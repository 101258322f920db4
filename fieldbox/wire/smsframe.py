"""Bytes as a text: what goes between a box and a hub where nothing but SMS does.

`FB1` and the bytes in base64 (RFC 4648, without the padding at its end): letters that all alphabets of phones and gateways have
alike, a septet each. A part of several carries 114 bytes so, a single one 117.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

PREFIX: Final = "FB1"
"""With the version of this form."""
MOST_PARTS: Final = 4
"""A frame that takes more waits for data, or for a courier."""


class Unreadable(ValueError):
    """A text that begins like one of these, and is none."""


def to_text(frame: bytes) -> str:
    """`frame` as a text of the GSM alphabet."""
    return PREFIX + base64.b64encode(frame).decode("ascii").rstrip("=")


def is_one(text: str) -> bool:
    """Whether a text begins like one of these."""
    return text.startswith(PREFIX)


def from_text(text: str) -> bytes:
    """The bytes of a text; blanks and line breaks, which gateways add, are passed over. Raises Unreadable."""
    told = "".join(text.split()).removeprefix(PREFIX)
    try:
        return base64.b64decode(told + "=" * (-len(told) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("text") from error
