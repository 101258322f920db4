"""Signatures in the format of minisign (https://jedisct1.github.io/minisign/): Ed25519, text files.

A public key file is a comment line and base64 of "Ed", 8 bytes of key id, 32 bytes of key. A signature file
is four lines: an untrusted comment; base64 of the algorithm, the key id and 64 bytes of signature; a trusted
comment; base64 of a signature over the 64 bytes and the trusted comment. Algorithm "ED" signs the BLAKE2b-512
digest of the file, the older "Ed" the file itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

SUFFIX = ".minisig"
_UNTRUSTED, _TRUSTED = "untrusted comment: ", "trusted comment: "
_KEY, _WHOLE, _HASHED = b"Ed", b"Ed", b"ED"
_LONGEST = 16_384
"""Of a key or signature file, in bytes: a comment may be long, but not a book."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with. `id` is shown as minisign shows it: hexadecimal, last byte first."""

    number: bytes
    key: bytes

    @property
    def id(self) -> str:
        """As minisign prints it."""
        return self.number[::-1].hex().upper()


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature file says; nothing of it is trusted before `verify`."""

    prehashed: bool
    number: bytes
    signed: bytes
    comment: str
    comment_signed: bytes

    @property
    def key_id(self) -> str:
        """Of the key that is said to have made it."""
        return self.number[::-1].hex().upper()


class Malformed(ValueError):
    """A text is no key or signature in this format."""


def parse_key(text: str) -> PublicKey:
    """A public key file, or the one line of base64 alone. Raises `Malformed`."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(_UNTRUSTED)]
    raw = _decoded(lines[0] if len(lines) == 1 else "", 42)
    if raw[:2] != _KEY:
        raise Malformed
    return PublicKey(raw[2:10], raw[10:])


def parse_signature(text: str) -> Signature:
    """A signature file. Raises `Malformed`."""
    # Only line feeds end a line here: a comment may hold what Python takes for one.
    lines = text.removesuffix("\n").replace("\r\n", "\n").split("\n")
    if len(lines) != 4 or not (lines[0].startswith(_UNTRUSTED) and lines[2].startswith(_TRUSTED)):
        raise Malformed
    raw = _decoded(lines[1], 74)
    if raw[:2] not in (_WHOLE, _HASHED):
        raise Malformed
    return Signature(
        raw[:2] == _HASHED, raw[2:10], raw[10:], lines[2].removeprefix(_TRUSTED), _decoded(lines[3], 64)
    )


def _decoded(line: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(line.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed from error
    if len(raw) != length:
        raise Malformed
    return raw


def read_keys(folder: Path) -> list[PublicKey]:
    """The keys in the `*.pub` files of a folder, none where there is no folder.

    Raises `Misconfigured` for a file there that cannot be read or is no public key.
    """
    return [_read_key(file) for file in sorted(folder.glob("*.pub"))]


def _read_key(file: Path) -> PublicKey:
    try:
        return parse_key(_text(file))
    except (OSError, ValueError) as error:
        raise Misconfigured(
            N_("The key file {file} cannot be read as a minisign public key: correct or remove it."),
            file=str(file),
        ) from error


def _text(file: Path) -> str:
    """The text of a short file. Raises OSError, ValueError."""
    with file.open("rb") as opened:
        raw = opened.read(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise Malformed
    return raw.decode("utf-8")


def verify(content: bytes, signature_file: Path, keys: Iterable[PublicKey], *, name: str) -> str:
    """Check that one of `keys` signed `content` and the signature's comment; returns the trusted comment.

    `name` is what the signed file is called in what is said. Raises `Misconfigured`.
    """
    try:
        signature = parse_signature(_text(signature_file))
    except FileNotFoundError as error:
        raise Misconfigured(
            N_("The model file {file} has no signature: it comes from outside, so {signature} must lie beside it."),
            file=name, signature=signature_file.name,
        ) from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise Misconfigured(
            N_("The signature {signature} of the model file {file} is damaged or no minisign signature: get it again."),
            file=name, signature=signature_file.name,
        ) from error  # fmt: skip
    known = {key.number: key for key in keys}.get(signature.number)
    if known is None:
        raise Misconfigured(
            N_(
                "The model file {file} is signed with the key {key}, which this box does not trust: "
                "put the public key among the box's keys if you trust it."
            ),
            file=name, key=signature.key_id,
        )  # fmt: skip
    _check(content, signature, known, name)
    return signature.comment


def _check(content: bytes, signature: Signature, key: PublicKey, name: str) -> None:
    public = Ed25519PublicKey.from_public_bytes(key.key)
    message = hashlib.blake2b(content).digest() if signature.prehashed else content
    try:
        public.verify(signature.signed, message)
    except InvalidSignature as error:
        raise Misconfigured(
            N_("The model file {file} is not the one that was signed: it was damaged or changed; get it again."),
            file=name,
        ) from error  # fmt: skip
    try:
        public.verify(signature.comment_signed, signature.signed + signature.comment.encode())
    except InvalidSignature as error:
        raise Misconfigured(
            N_("The comment in the signature of the model file {file} was changed after signing; get the signature again."),
            file=name,
        ) from error  # fmt: skip
