"""The hub's folder: its keys, its certificates, its broker's settings. Made once by `found`, read by `Home.open`."""

from __future__ import annotations

import json
import os
import pwd
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from fieldbox.errors import Misconfigured, Rejected
from fieldbox.hub import authority, brokerfile
from fieldbox.hub.authority import Authority
from fieldbox.i18n import N_
from fieldbox.wholefile import PRIVATE, put, sync_folder
from fieldbox.wire import join

HUB: Final = "hub"
"""What the hub itself is called at its broker."""
MODELS: Final = "models"
"""The folder from which model files go to boxes by courier."""
_ABOUT = "hub.json"
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?")

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Home:
    """A hub as its folder has it."""

    folder: Path
    host: str
    """Under which boxes reach its broker."""
    port: int
    key: ed25519.Ed25519PrivateKey
    """Under which everything is that it says to boxes."""
    authority: Authority
    sms: str | None = None

    @property
    def told(self) -> join.Hub:
        """What boxes are told of it."""
        key = self.key.public_key().public_bytes_raw()
        pem = join.pem_of(self.authority.certificate)
        return join.Hub(join.hub_id(key), self.host, self.port, key, pem, self.sms)

    @property
    def database(self) -> Path:
        """Where its tables are unless they are in PostgreSQL."""
        return self.folder / "hub.db"

    @property
    def models(self) -> Path:
        """Model files for boxes."""
        return self.folder / MODELS

    @classmethod
    def open(cls, folder: Path) -> Home:
        """Read the hub in `folder`. Raises Misconfigured where there is none, or it is damaged."""
        about = folder / _ABOUT
        if not about.exists():
            raise Misconfigured(
                N_("There is no hub in {folder}: make one with fieldbox hub init, or set hub.folder."),
                folder=str(folder),
            )
        try:
            told = json.loads(about.read_text("utf-8"))
            key = _signing_key(folder / "hub.key")
            own = _tls_key(folder / "ca.key")
            certificate = join.certificate_of((folder / "ca.crt").read_text("ascii"))
            return cls(folder, told["host"], told["port"], key, Authority(own, certificate), told.get("sms"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Misconfigured(
                N_("The hub in {folder} cannot be read ({why}): restore the folder from a copy."),
                folder=str(folder),
                why=str(error),
            ) from error

    def write_revocations(self, pem: bytes) -> None:
        """Replace the list of certificates that the broker takes no more."""
        put(self.folder / brokerfile.REVOKED, pem)


def _signing_key(file: Path) -> ed25519.Ed25519PrivateKey:
    found = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(found, ed25519.Ed25519PrivateKey):
        raise ValueError(f"{file.name} is a key of another kind")
    return found


def _tls_key(file: Path) -> ec.EllipticCurvePrivateKey:
    found = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{file.name} is a key of another kind")
    return found


def found(folder: Path, *, host: str, port: int, sms: str | None, now: datetime) -> Home:
    """Make a hub in `folder`, which must not exist or be empty: all of it, or nothing.

    Raises:
        Rejected: there is something already, or `host` is no name.
        Misconfigured: the folder cannot be written.
    """
    if not _HOST.fullmatch(host):
        raise Rejected(N_("{host} is no name or address of a machine."), host=host)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Rejected(
            N_("{folder} is there already and not empty; nothing was changed. Choose another folder."),
            folder=str(folder),
        )
    made = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        made.mkdir(parents=True, mode=0o750)
        _fill(made, folder, host=host, port=port, sms=sms, now=now)
        made.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise Misconfigured(
            N_("The folder {folder} cannot be made ({why})."), folder=str(folder), why=error.strerror or "?"
        ) from error
    return Home.open(folder)


def _fill(made: Path, folder: Path, *, host: str, port: int, sms: str | None, now: datetime) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = join.hub_id(key.public_key().public_bytes_raw())
    own = authority.found_authority(name, now)
    server, client = authority.new_key(), authority.new_key()
    _keep_key(made / "hub.key", key)
    _keep_key(made / "ca.key", own.key)
    _keep_key(made / "server.key", server)
    _keep_key(made / "client.key", client)
    public = {
        "ca.crt": own.certificate,
        "server.crt": authority.certify_server(own, server.public_key(), host),
        "client.crt": authority.certify_hub(own, client.public_key(), HUB),
    }
    for file, one in public.items():
        put(made / file, join.pem_of(one).encode())
    put(made / brokerfile.REVOKED, authority.revocations(own, (), now))
    put(made / brokerfile.RIGHTS, brokerfile.rights(HUB).encode(), mode=0o640)
    settings = brokerfile.settings(folder.resolve(), port, pwd.getpwuid(os.geteuid()).pw_name)
    put(made / brokerfile.SETTINGS, settings.encode())
    put(made / brokerfile.TLS, brokerfile.tls().encode())
    (made / brokerfile.KEPT).mkdir(mode=0o750)
    (made / MODELS).mkdir(mode=0o750)
    about = {"v": 1, "id": name, "host": host, "port": port, "sms": sms}
    put(made / _ABOUT, json.dumps(about, indent=1).encode())


def _keep_key(file: Path, key: PrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    put(file, pem, mode=PRIVATE)


def client_certificate(folder: Path) -> tuple[Path, Path]:
    """The files with which the hub speaks to its broker: certificate and key."""
    return folder / "client.crt", folder / "client.key"
