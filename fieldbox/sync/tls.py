"""TLS to the hub: version 1.3, a certificate for each side, tickets that spare a full handshake, and a clock that may be wrong.

A ticket lives in the memory of the process that sends: Python's `ssl` can use a session again, and cannot write one to disk. The
process runs as long as the box does, so that a restart costs one full handshake.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from cryptography import x509

from fieldbox.errors import Distrusted, Unwelcome
from fieldbox.i18n import N_
from fieldbox.sync.tcp import Wire

NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h)."""
_PADDING: Final = 0x10
"""OpenSSL's SSL_OP_TLSEXT_PADDING, which fills up the first message to 512 bytes for a server long gone."""
_HOSTNAME_MISMATCH: Final = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH."""
_OUT_OF_TIME: Final = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED."""
_OURS_IS_WRONG: Final = (
    "ALERT_UNKNOWN_CA",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_CERTIFICATE_REQUIRED",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_ACCESS_DENIED",
    "ALERT_DECRYPT_ERROR",
)

TrustedNow = Callable[[], datetime | None]
"""The time by which a certificate is judged where the system's clock is known to be wrong; None: that clock is right."""


def by_the_clock() -> datetime | None:
    """The system's clock is right."""
    return None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the box shows, and whom it believes."""

    certificate: Path
    """PEM; its name is the box's id."""
    key: Path
    """PEM."""
    authority: str
    """PEM of the hub's own certificate authority; no other is believed."""


class Context(ssl.SSLContext):
    """TLS 1.3 to one hub. It remembers the ticket of the last connection, and the socket of the present one."""

    trusted_now: TrustedNow
    host: str
    ticket: ssl.SSLSession | None
    wire: Wire

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """As of `ssl`, with the last ticket; the connection is watched from here on."""
        self.wire.watch(sock)
        judged = self.trusted_now()
        flags = self.verify_flags & ~NO_CHECK_TIME
        self.verify_flags = ssl.VerifyFlags(flags if judged is None else flags | NO_CHECK_TIME)
        return super().wrap_socket(
            sock,
            server_side,
            do_handshake_on_connect,
            suppress_ragged_eofs,
            server_hostname,
            session or self.ticket,
        )


class Socket(ssl.SSLSocket):
    """Judges the hub's certificate by the trusted time, and keeps what went wrong in TLS, which paho tells nobody."""

    fault: ssl.SSLError | None = None

    def do_handshake(self, block: bool = False) -> None:  # noqa: ARG002  of ssl
        """As of `ssl`, but its last words wait for the first of MQTT: they share a segment.

        Raises TimeoutError, and Distrusted where the hub's certificate is not valid at the trusted time.
        """
        ours, patience = cast(Context, self.context), self.gettimeout()
        deadline = None if patience is None else time.monotonic() + patience
        self.settimeout(0.0)
        while not self._shook_hands(deadline):
            ours.wire.hold(True)
        self.settimeout(patience)
        judged = ours.trusted_now()
        shown = self.getpeercert(binary_form=True)
        if judged is not None and shown is not None and not is_valid(shown, judged):
            raise out_of_time(str(self.server_hostname))

    def _shook_hands(self, deadline: float | None) -> bool:
        """A step of it; False: the other end has to say something, and has said something."""
        try:
            super().do_handshake()
        except ssl.SSLWantReadError:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self], [], [], left)[0]:
                raise TimeoutError("timed out") from None
            return False
        return True

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As of `ssl`."""
        try:
            return super().recv(buflen, flags)
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            self.fault = error
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        """As of `ssl`. Where the other end is gone, its last word is read first."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            with contextlib.suppress(OSError):
                self.recv()
            raise


def context(credentials: Credentials, trusted_now: TrustedNow) -> Context:
    """A context for connections to the hub of these credentials. Raises OSError and ssl.SSLError for unreadable files."""
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.sslsocket_class = Socket
    made.trusted_now = trusted_now
    made.ticket = None
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = True
    made.options &= ~_PADDING
    made.set_ecdh_curve("X25519")
    made.load_verify_locations(cadata=credentials.authority)
    made.load_cert_chain(credentials.certificate, credentials.key)
    return made


def is_valid(der: bytes, at: datetime) -> bool:
    """Whether a certificate is valid at a time."""
    shown = x509.load_der_x509_certificate(der)
    return shown.not_valid_before_utc <= at <= shown.not_valid_after_utc


def out_of_time(host: str) -> Distrusted:
    """The hub's certificate is not valid now."""
    return Distrusted(
        N_(
            "The certificate of the hub {host} is not valid at this time: set the box's clock, or renew the hub's certificate."
        ),
        host=host,
    )


def distrusted(error: ssl.SSLError, host: str) -> Distrusted | None:
    """What a person must do about a failure of TLS; None: it is the link's, and goes by."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _hub_is_wrong(error, host)
    reason = error.reason or ""
    if any(reason.endswith(alert) for alert in _OURS_IS_WRONG):
        return Unwelcome(
            N_(
                "The hub {host} does not accept this box's certificate ({why}): have the hub give it a new one."
            ),
            host=host,
            why=reason.rpartition("ALERT_")[2].lower().replace("_", " "),
        )
    return None


def _hub_is_wrong(error: ssl.SSLCertVerificationError, host: str) -> Distrusted:
    if error.verify_code in _OUT_OF_TIME:
        return out_of_time(host)
    if error.verify_code in _HOSTNAME_MISMATCH:
        return Distrusted(
            N_(
                "What answers at {host} shows a certificate for another name: check the hub's address in hub.json."
            ),
            host=host,
        )
    return Distrusted(
        N_(
            "What answers at {host} is not this box's hub ({why}): check the hub's address, or join the hub again."
        ),
        host=host,
        why=error.verify_message,
    )
