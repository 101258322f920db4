"""Signatures under what a box and a hub send each other (Ed25519, RFC 8032).

What is signed begins with what it is for, so that nothing signed for one purpose passes for another.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES: Final = 64


class Purpose(Enum):
    """What a signature is for."""

    FRAME = b"fieldbox frame 1\0"
    """Messages of a box."""
    DOWN = b"fieldbox down 1\0"
    """Acknowledgements and commands of a hub."""
    COURIER = b"fieldbox courier 1\0"
    """The list of what lies on a courier's stick."""
    JOIN = b"fieldbox join 1\0"
    """A box that asks to be known, and the hub's answer."""


class Forged(ValueError):
    """The signature is not of this key, or what it stands under was changed."""


def seal(key: Ed25519PrivateKey, purpose: Purpose, content: bytes) -> bytes:
    """`content` with its signature behind it."""
    return content + key.sign(purpose.value + content)


def unseal(key: Ed25519PublicKey, purpose: Purpose, sealed: bytes) -> bytes:
    """The content. Raises Forged."""
    content = content_of(sealed)
    try:
        key.verify(sealed[-SIGNATURE_BYTES:], purpose.value + content)
    except InvalidSignature as error:
        raise Forged from error
    return content


def content_of(sealed: bytes) -> bytes:
    """The content, to learn whose signature it should bear; nothing of it is to be trusted. Raises Forged."""
    if len(sealed) < SIGNATURE_BYTES:
        raise Forged
    return sealed[:-SIGNATURE_BYTES]
