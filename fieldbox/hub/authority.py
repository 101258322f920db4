"""The hub's own certificate authority: who may speak to its broker.

Certificates are small, because each connection over 2G carries one each way: no extension that says what its absence says too.

Times: the authority's and the hub's own certificates begin in 2020, long before they are made, so that a box whose clock lost its
battery still finds them valid. A box's certificate is judged by the hub's clock; it begins a day before it is made, for a hub
whose clock is late.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
AUTHORITY_FOR: Final = timedelta(days=25 * 365)
BOX_FOR: Final = timedelta(days=5 * 365)
"""Longer than any season: a box renews by air or by courier in the last year."""
EARLIER: Final = timedelta(days=1)
_SERIAL_BITS: Final = 64
LOCAL: Final = ("localhost", "127.0.0.1")
"""Names under which the hub reaches its broker on the same machine."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The key and the certificate under which all others are."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for TLS."""
    return ec.generate_private_key(ec.SECP256R1())


def found_authority(name: str, now: datetime) -> Authority:
    """A new authority."""
    key = new_key()
    who = _named(name)
    builder = (
        _builder(who, who, key.public_key())
        .not_valid_before(BEGINNING)
        .not_valid_after(now + AUTHORITY_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS, critical=True)
    )
    return Authority(key, builder.sign(key, hashes.SHA256()))


def certify_server(authority: Authority, key: ec.EllipticCurvePublicKey, host: str) -> x509.Certificate:
    """A certificate for the hub's broker, as long as the authority's."""
    names = x509.SubjectAlternativeName(_alternatives(dict.fromkeys((host, *LOCAL))))
    return _certified(authority, host, key, ExtendedKeyUsageOID.SERVER_AUTH, *_whole(authority), more=[names])


def certify_hub(authority: Authority, key: ec.EllipticCurvePublicKey, name: str) -> x509.Certificate:
    """A certificate with which the hub itself speaks to its broker."""
    return _certified(authority, name, key, ExtendedKeyUsageOID.CLIENT_AUTH, *_whole(authority))


def certify_box(
    authority: Authority, key: ec.EllipticCurvePublicKey, box: str, now: datetime
) -> x509.Certificate:
    """A certificate for a box."""
    begins = now - EARLIER
    return _certified(authority, box, key, ExtendedKeyUsageOID.CLIENT_AUTH, begins, begins + BOX_FOR)


def serial_of(certificate: x509.Certificate) -> str:
    """A certificate's serial number, hexadecimal."""
    return f"{certificate.serial_number:x}"


def revocations(authority: Authority, revoked: Iterable[tuple[str, datetime]], now: datetime) -> bytes:
    """The list of certificates that are valid no more, PEM; it is good as long as the authority."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(min(now, authority.certificate.not_valid_after_utc) - EARLIER)
        .next_update(authority.certificate.not_valid_after_utc)
    )
    for serial, since in revoked:
        one = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(since)
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _whole(authority: Authority) -> tuple[datetime, datetime]:
    return BEGINNING, authority.certificate.not_valid_after_utc


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _builder(who: x509.Name, by: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(by)
        .public_key(key)
        .serial_number(secrets.randbits(_SERIAL_BITS) | 1)
    )


def _certified(
    authority: Authority,
    name: str,
    key: ec.EllipticCurvePublicKey,
    use: x509.ObjectIdentifier,
    begins: datetime,
    ends: datetime,
    *,
    more: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    builder = (
        _builder(_named(name), authority.certificate.subject, key)
        .not_valid_before(begins)
        .not_valid_after(min(ends, authority.certificate.not_valid_after_utc))
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    )
    for one in more:
        builder = builder.add_extension(one, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


_SIGNS: Final = x509.KeyUsage(
    digital_signature=False,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
