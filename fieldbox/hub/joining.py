"""Making boxes known, giving them certificates again, and hearing them no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from fieldbox.errors import Rejected
from fieldbox.hub import authority
from fieldbox.hub.home import Home
from fieldbox.hub.receiving import command
from fieldbox.hub.rows import Certificate, Command, KnownBox
from fieldbox.hub.store import HubStore
from fieldbox.i18n import N_
from fieldbox.wire import commands, join
from fieldbox.wire.down import DownKind

RENEW_BEFORE: Final = timedelta(days=365)
"""In the last year of its certificate a box is given another."""
MOST_NAME: Final = 60


def enrol(home: Home, store: HubStore, text: str | bytes, name: str, now: datetime) -> tuple[KnownBox, str]:
    """Make the box of a request known; the box, and the welcome for it.

    A box that asks again is given another certificate; one that was revoked is heard again. Raises Rejected for what is no
    request, and for another key with the id of a box that is known: an id is short enough to be looked for.
    """
    try:
        asked = join.read_request(text)
    except join.Unreadable as error:
        raise Rejected(
            N_(
                "This is no request of a box that can be used ({why}): have fieldbox link request write it again."
            ),
            why=str(error),
        ) from error
    known = store.box(asked.box)
    if known is not None and known.key != asked.key:
        raise Rejected(
            N_(
                "The hub knows another box {box}: no two may have the same id. Move the folder of this one's keys away, and ask"
                " again."
            ),
            box=asked.box,
        )
    given = _certificate(home, _wanted(asked.certificate_request), asked.box, now)
    called = name.strip()[:MOST_NAME] or (known.name if known else "")
    box = KnownBox(asked.box, called, asked.key, given, now)
    store.add_box(box, now)
    return box, join.pack_welcome(join.Welcome(asked.box, home.told, given.pem), home.key)


def renew(home: Home, store: HubStore, box: str, now: datetime, asked: join.Request | None = None) -> None:
    """Let another certificate wait for a box in the last year of its newest one, for the same key or the one that it asks for.

    A box that asks although it was given one lacks it, as after its disk was restored from a copy: it is told of it again.
    """
    last = store.newest_certificate(box)
    if last is None:
        return
    key = _key_of(last) if asked is None else _wanted(asked.certificate_request)
    if last.expires_at - now < RENEW_BEFORE or key != _key_of(last):
        given = _certificate(home, key, box, now)
        store.certify(box, given, now, _order(home, box, given, now))
    elif asked is not None and not _is_told(store, box, now):
        store.add_command(_order(home, box, last, now))


def _order(home: Home, box: str, given: Certificate, now: datetime) -> Command:
    return command(home.key, box, commands.Certificate(given.pem), now)


def _is_told(store: HubStore, box: str, now: datetime) -> bool:
    kind = DownKind.CERTIFICATE.name.lower()
    return any(one.kind == kind for one in store.waiting_commands(box, now))


def revoke(home: Home, store: HubStore, box: str, now: datetime) -> None:
    """Hear a box no more, and have the broker turn it away. Raises Rejected for a box that is not known."""
    if not store.revoke(box, now):
        raise Rejected(N_("The hub knows no box {box}; see fieldbox hub boxes."), box=box)
    write_revocations(home, store, now)


def write_revocations(home: Home, store: HubStore, now: datetime) -> None:
    """Write the list of certificates that the broker turns away, as the store knows them."""
    home.write_revocations(authority.revocations(home.authority, store.revoked_certificates(), now))


def _certificate(home: Home, key: ec.EllipticCurvePublicKey, box: str, now: datetime) -> Certificate:
    made = authority.certify_box(home.authority, key, box, now)
    return Certificate(authority.serial_of(made), made.not_valid_after_utc, join.pem_of(made))


def _wanted(request: bytes) -> ec.EllipticCurvePublicKey:
    return _for_tls(x509.load_der_x509_csr(request))


def _key_of(certificate: Certificate) -> ec.EllipticCurvePublicKey:
    return _for_tls(join.certificate_of(certificate.pem))


def _for_tls(signed: x509.Certificate | x509.CertificateSigningRequest) -> ec.EllipticCurvePublicKey:
    key = signed.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("not a key for TLS")
    return key
