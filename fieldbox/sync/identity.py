"""Who this box is: its keys, made when they are first needed, and the hub that it joined.

Files in the folder of `Config.identity`: `box.key` (Ed25519, PKCS 8 PEM), from whose public half the box's id is made; `tls.key`
(EC P-256, PEM) and `tls.crt`, its certificate for TLS; `hub.json`, what it knows of its hub. Each is put in its place whole.
"""

from __future__ import annotations

import base64
import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from fieldbox.errors import Misconfigured, Rejected, Unavailable
from fieldbox.i18n import N_
from fieldbox.wholefile import PRIVATE, PUBLIC, put
from fieldbox.wire import join

RENEW_BEFORE: Final = timedelta(days=365)
"""In the last year of its certificate the box asks for another by every courier."""
_KEY, _TLS, _CERTIFICATE, _HUB = "box.key", "tls.key", "tls.crt", "hub.json"
NEXT: Final = "tls.next.crt"
"""The file of a certificate that has not worked yet."""

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A box with its keys."""

    folder: Path
    box: str
    """Its id."""
    key: ed25519.Ed25519PrivateKey
    """Under which its messages are."""
    tls: ec.EllipticCurvePrivateKey

    @property
    def tls_key(self) -> Path:
        """The file of its key for TLS."""
        return self.folder / _TLS

    @property
    def certificate(self) -> Path:
        """The file of its certificate for TLS; it is there once the box has joined a hub."""
        return self.folder / _CERTIFICATE

    def request(self) -> str:
        """What it asks a hub with."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.box)])
        wanted = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.tls, hashes.SHA256())
        key = self.key.public_key().public_bytes_raw()
        return join.pack_request(join.Request(self.box, key, wanted.public_bytes(Encoding.DER)), self.key)


@dataclass(frozen=True, slots=True)
class Joined:
    """A box that joined a hub."""

    identity: Identity
    hub: join.Hub
    expires_at: datetime
    """When its certificate ends."""

    @property
    def hub_key(self) -> ed25519.Ed25519PublicKey:
        """Under which everything is that its hub says."""
        return ed25519.Ed25519PublicKey.from_public_bytes(self.hub.key)

    def wants_renewal(self, now: datetime) -> bool:
        """Whether it is time to ask for another certificate."""
        return self.expires_at - now < RENEW_BEFORE


def own(folder: Path) -> Identity:
    """The keys in `folder`, made if there are none yet. Several processes may ask at once: all get the same.

    Raises:
        Misconfigured: a key is damaged or cannot be read, or the folder cannot be written.
        Unavailable: the disk is full.
    """
    if (folder / _HUB).exists() and not (folder / _KEY).exists():
        raise Misconfigured(
            N_(
                "The box's key is missing from {folder}: restore the folder from a copy, or move it away and"
                " join the hub as a new box."
            ),
            folder=str(folder),
        )
    key = _signing_key(folder / _KEY)
    box = join.box_id(key.public_key().public_bytes_raw())
    return Identity(folder, box, key, _tls_key(folder / _TLS))


def has_joined(folder: Path) -> bool:
    """Whether the box knows of a hub."""
    return (folder / _HUB).exists()


def joined(folder: Path) -> Joined:
    """The box and the hub that it joined. Raises Misconfigured where it joined none, or a file is damaged."""
    if not has_joined(folder):
        raise Misconfigured(
            N_(
                "This box has joined no hub: give what fieldbox link request writes to whoever keeps the hub,"
                " and what comes back to fieldbox link join."
            )
        )
    identity = own(folder)
    try:
        hub = _read_hub(folder / _HUB)
        pem = (folder / _CERTIFICATE).read_text("ascii")
        shown = join.check_certificate(pem, hub.authority, identity.box, identity.tls.public_key())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from error
    return Joined(identity, hub, shown.not_valid_after_utc)


def _damaged(folder: Path, error: Exception) -> Misconfigured:
    return Misconfigured(
        N_("What the box knows of its hub in {folder} cannot be read ({why}): join the hub again."),
        folder=str(folder),
        why=str(error),
    )


def _read_hub(file: Path) -> join.Hub:
    told = json.loads(file.read_text("utf-8"))
    ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(told["key"], validate=True))
    return join.Hub(
        id=str(told["hub"]),
        host=str(told["host"]),
        port=int(told["port"]),
        key=base64.b64decode(told["key"], validate=True),
        authority=str(told["ca"]),
        sms=None if told.get("sms") is None else str(told["sms"]),
    )


def welcomed(identity: Identity, text: str | bytes) -> join.Welcome:
    """Read a welcome, and see that it is for this box; nothing is changed. Raises Rejected."""
    try:
        told = join.read_welcome(text)
        if told.box != identity.box:
            raise Rejected(
                N_("This welcome is for the box {other}, and this box is {box}."),
                other=told.box,
                box=identity.box,
            )
        join.check_certificate(told.certificate, told.hub.authority, identity.box, identity.tls.public_key())
    except join.Unreadable as error:
        raise Rejected(
            N_("This is no welcome that can be used ({why}): have the hub make it again."), why=str(error)
        ) from error
    return told


def join_hub(identity: Identity, told: join.Welcome) -> Joined:
    """Take the hub of a welcome as this box's. Raises Misconfigured and Unavailable where it cannot be written."""
    hub = told.hub
    about = {
        "v": 1,
        "hub": hub.id,
        "host": hub.host,
        "port": hub.port,
        "key": base64.b64encode(hub.key).decode(),
        "ca": hub.authority,
        "sms": hub.sms,
    }
    for file in (_HUB, NEXT):  # a certificate of one hub never stands beside another hub
        (identity.folder / file).unlink(missing_ok=True)
    _write(identity.certificate, told.certificate.encode())
    _write(identity.folder / _HUB, json.dumps(about, indent=1).encode())
    return joined(identity.folder)


def leave_hub(folder: Path) -> None:
    """Forget the hub and what it signed; the keys stay. Raises Misconfigured where that cannot be written."""
    try:
        for name in (_HUB, NEXT, _CERTIFICATE):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(
            N_("The file {file} cannot be written ({why})."), file=str(folder), why=error.strerror or "?"
        ) from error


def _give(path: Path, *, like: Path) -> None:
    """Let what root made belong to whoever has the folder: the process that sends is not root."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _signing_key(file: Path) -> ed25519.Ed25519PrivateKey:
    found = _kept(file, ed25519.Ed25519PrivateKey.generate)
    if not isinstance(found, ed25519.Ed25519PrivateKey):
        raise _bad_key(file, "another kind of key")
    return found


def _tls_key(file: Path) -> ec.EllipticCurvePrivateKey:
    found = _kept(file, lambda: ec.generate_private_key(ec.SECP256R1()))
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise _bad_key(file, "another kind of key")
    return found


def _kept(file: Path, make: Callable[[], PrivateKey]) -> PrivateKeyTypes:
    if not file.exists():
        pem = make().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(file, pem, mode=PRIVATE, replace=False)
    try:
        return load_pem_private_key(file.read_bytes(), None)
    except PermissionError as error:
        raise Misconfigured(
            N_(
                "The key {file} is another user's: do this as the user of the box's services (sudo -u fieldbox …)."
            ),
            file=str(file),
        ) from error
    except (OSError, ValueError) as error:
        raise _bad_key(file, str(error)) from error


def _bad_key(file: Path, why: str) -> Misconfigured:
    return Misconfigured(
        N_("The key {file} cannot be read ({why}): restore it from a copy."), file=str(file), why=why
    )


def _write(file: Path, content: bytes, *, mode: int = PUBLIC, replace: bool = True) -> None:
    folder = file.parent
    try:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            _give(folder, like=folder.parent)
        put(file, content, mode=mode, replace=replace)
        _give(file, like=folder)
    except OSError as error:
        told = N_("The file {file} cannot be written ({why}).")
        kind = Unavailable if error.errno in (errno.ENOSPC, errno.EDQUOT) else Misconfigured
        raise kind(told, file=str(file), why=error.strerror or "?") from error
