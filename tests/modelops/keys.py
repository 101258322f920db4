"""Throw-away keys, and signatures in minisign's format made with them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def _line(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass(frozen=True)
class Signer:
    """A key pair that lives as long as a test."""

    number: bytes = b"\x01\x02\x03\x04\x05\x06\x07\x08"
    secret: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def trust(self, folder: Path, name: str = "farm.pub") -> None:
        """Put the public key into a folder of trusted ones."""
        folder.mkdir(parents=True, exist_ok=True)
        raw = b"Ed" + self.number + self.secret.public_key().public_bytes_raw()
        (folder / name).write_text(f"untrusted comment: minisign public key\n{_line(raw)}\n")

    def sign(self, file: Path, *, comment: str = "a model", hashed: bool = True) -> Path:
        """Write the signature beside `file`."""
        content = file.read_bytes()
        signed = self.secret.sign(hashlib.blake2b(content).digest() if hashed else content)
        whole = self.secret.sign(signed + comment.encode())
        target = file.with_name(file.name + ".minisig")
        lines = [
            "untrusted comment: signature",
            _line((b"ED" if hashed else b"Ed") + self.number + signed),
            f"trusted comment: {comment}",
            _line(whole),
        ]
        target.write_text("\n".join(lines) + "\n")
        return target
