"""How a box and a hub come to know each other: the box's request, and the hub's welcome.

Both are text that can be mailed or put on a stick: CBOR with the sender's signature, in base64 between two lines. The request is
`["request", version, box, key, certificate request]`, signed by the box's own key, from which its id is made; the certificate
request (PKCS 10, DER) is signed by the key that the box has for TLS.
The welcome is `["welcome", version, box, hub, certificate]`, signed by the hub's key, which is in it: that it is the right hub's,
people see by its fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Final

import cbor2
from blake3 import blake3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from fieldbox.wire import strict
from fieldbox.wire.seal import Forged, Purpose, content_of, seal, unseal

VERSION: Final = 1
MOST_BYTES: Final = 64 * 1024
BOX_ID: Final = re.compile(r"b[a-z2-7]{8}")
_LINE: Final = 64


class Unreadable(ValueError):
    """It is no request or welcome, was altered, or is of a version that is not known."""


@dataclass(frozen=True, slots=True)
class Request:
    """A box that asks to be known."""

    box: str
    key: bytes
    """Its Ed25519 public key."""
    certificate_request: bytes
    """PKCS 10, DER; its name is the box's id."""


@dataclass(frozen=True, slots=True)
class Hub:
    """What a box needs to know of its hub."""

    id: str
    host: str
    port: int
    key: bytes
    """Its Ed25519 public key."""
    authority: str
    """The certificate of its own authority, PEM."""
    sms: str | None = None
    """The number of its SIM."""

    @property
    def fingerprint(self) -> str:
        """What people compare: 20 hexadecimal digits of the digest of its key and its authority's certificate, in fours."""
        digits = blake3(self.key + self.authority.encode()).hexdigest()[:20]
        return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


@dataclass(frozen=True, slots=True)
class Welcome:
    """The hub's answer to a request."""

    box: str
    hub: Hub
    certificate: str
    """The box's certificate for TLS, PEM."""


def box_id(key: bytes) -> str:
    """The id of the box with this Ed25519 public key."""
    return "b" + _short(key)


def hub_id(key: bytes) -> str:
    """The id of the hub with this Ed25519 public key."""
    return "h" + _short(key)


def _short(key: bytes) -> str:
    return base64.b32encode(blake3(key).digest())[:8].decode().lower()


def pack_request(request: Request, key: Ed25519PrivateKey) -> str:
    """A request as text."""
    told = ["request", VERSION, request.box, request.key, request.certificate_request]
    return _armoured("REQUEST", seal(key, Purpose.JOIN, cbor2.dumps(told)))


def read_request(text: str | bytes) -> Request:
    """Read a request: its id is its key's, and both of its keys have signed it. Raises Unreadable."""
    sealed = _plain("REQUEST", text)
    word, version, box, key, wanted = _parts(sealed, 5)
    if (word, version) != ("request", VERSION) or not isinstance(key, bytes) or not isinstance(wanted, bytes):
        raise Unreadable("version")
    _check(sealed, key)
    if box != box_id(key):
        raise Unreadable("box")
    _check_wanted(wanted, box)
    return Request(box, key, wanted)


def pack_welcome(welcome: Welcome, key: Ed25519PrivateKey) -> str:
    """A welcome as text."""
    hub = welcome.hub
    told = {
        "id": hub.id,
        "host": hub.host,
        "port": hub.port,
        "key": hub.key,
        "ca": hub.authority,
        "sms": hub.sms,
    }
    content = ["welcome", VERSION, welcome.box, told, welcome.certificate]
    return _armoured("WELCOME", seal(key, Purpose.JOIN, cbor2.dumps(content)))


def read_welcome(text: str | bytes) -> Welcome:
    """Read a welcome. Whether its hub is the right one is not known then. Raises Unreadable."""
    sealed = _plain("WELCOME", text)
    word, version, box, told, certificate = _parts(sealed, 5)
    if (
        (word, version) != ("welcome", VERSION)
        or not isinstance(box, str)
        or not isinstance(certificate, str)
    ):
        raise Unreadable("version")
    hub = _hub(told)
    _check(sealed, hub.key)
    if hub.id != hub_id(hub.key):
        raise Unreadable("hub")
    return Welcome(box, hub, certificate)


def _hub(told: Any) -> Hub:
    try:
        hub = Hub(told["id"], told["host"], told["port"], told["key"], told["ca"], told.get("sms"))
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise Unreadable("hub") from error
    texts = all(isinstance(one, str) for one in (hub.id, hub.host, hub.authority, hub.sms or ""))
    if not texts or type(hub.port) is not int or not isinstance(hub.key, bytes):
        raise Unreadable("hub")
    return hub


def _check_wanted(wanted: bytes, box: str) -> None:
    try:
        found = x509.load_der_x509_csr(wanted)
        names = found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        sound = found.is_signature_valid and isinstance(found.public_key(), EllipticCurvePublicKey)
    except Exception as error:  # DER of a stranger fails in many ways
        raise Unreadable("certificate request") from error
    if not sound or [one.value for one in names] != [box]:
        raise Unreadable("certificate request")


def _check(sealed: bytes, key: bytes) -> None:
    try:
        unseal(Ed25519PublicKey.from_public_bytes(key), Purpose.JOIN, sealed)
    except (Forged, ValueError) as error:
        raise Unreadable("signature") from error


def _parts(sealed: bytes, count: int) -> list[Any]:
    try:
        found = strict.loads(content_of(sealed))
    except (Forged, ValueError) as error:
        raise Unreadable("content") from error
    if not isinstance(found, list) or len(found) != count:
        raise Unreadable("content")
    return found


def _armoured(what: str, sealed: bytes) -> str:
    text = base64.b64encode(sealed).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return "\n".join([f"-----BEGIN FIELDBOX {what}-----", *lines, f"-----END FIELDBOX {what}-----", ""])


def _plain(what: str, text: str | bytes) -> bytes:
    """The bytes between the two lines; mail may have put words around them and spaces among them."""
    if len(text) > MOST_BYTES:
        raise Unreadable("size")
    told = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    found = re.search(
        rf"-----BEGIN FIELDBOX {what}-----([A-Za-z0-9+/=\s>]*)-----END FIELDBOX {what}-----", told
    )
    if found is None:
        raise Unreadable("content")
    try:
        return base64.b64decode(re.sub(r"[\s>]", "", found[1]), validate=True)
    except binascii.Error as error:
        raise Unreadable("content") from error


def certificate_of(pem: str) -> x509.Certificate:
    """The one certificate in `pem`. Raises Unreadable."""
    try:
        (found,) = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise Unreadable("certificate") from error
    return found


def check_certificate(pem: str, authority: str, box: str, key: EllipticCurvePublicKey) -> x509.Certificate:
    """The certificate in `pem`: for this box and its key for TLS, by this authority. Raises Unreadable."""
    found, issuer = certificate_of(pem), certificate_of(authority)
    names = [one.value for one in found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if names != [box]:
        raise Unreadable("box")
    if found.public_key() != key:
        raise Unreadable("key")
    try:
        found.verify_directly_issued_by(issuer)
    except Exception as error:  # of a wrong issuer it says so in several ways
        raise Unreadable("authority") from error
    return found


def pem_of(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()
