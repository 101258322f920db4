"""A renewed certificate for TLS. The one that works stays until the new one has worked."""

from __future__ import annotations

import errno
from datetime import datetime
from pathlib import Path

import structlog

from fieldbox.errors import Misconfigured, Rejected, Unavailable
from fieldbox.i18n import N_
from fieldbox.sync.identity import NEXT, Joined, joined
from fieldbox.sync.tls import Credentials
from fieldbox.wholefile import put, sync_folder
from fieldbox.wire import join

log = structlog.get_logger()


def offer(folder: Path, pem: str, now: datetime) -> bool:
    """Keep a new certificate to be tried; False: the one in use is as good.

    Raises:
        Rejected: it is none of this box's hub for its key, or not valid now.
        Misconfigured, Unavailable: it cannot be written, or this box has joined no hub.
    """
    mine = joined(folder)
    try:
        key = mine.identity.tls.public_key()
        offered = join.check_certificate(pem, mine.hub.authority, mine.identity.box, key)
    except join.Unreadable as error:
        raise Rejected(
            N_("The hub sent a certificate that is not for this box ({why})."), why=str(error)
        ) from error
    if offered.not_valid_after_utc <= now:
        raise Rejected(
            N_("The hub sent a certificate that ended on {date}."),
            date=f"{offered.not_valid_after_utc:%Y-%m-%d}",
        )
    if offered.not_valid_after_utc <= mine.expires_at:
        return False
    _written(folder / NEXT, join.pem_of(offered).encode())
    return True


def credentials(mine: Joined) -> tuple[Credentials, bool]:
    """What to show the hub, and whether it is a certificate that has not worked yet; one that is damaged goes."""
    new = mine.identity.folder / NEXT
    trying = new.exists() and _may_work(new, mine)
    shown = new if trying else mine.identity.certificate
    return Credentials(shown, mine.identity.tls_key, mine.hub.authority), trying


def _may_work(file: Path, mine: Joined) -> bool:
    """Whether it is there, whole, and of this box's hub: the disk may have failed since it was put there."""
    try:
        pem = file.read_text("ascii")
        join.check_certificate(pem, mine.hub.authority, mine.identity.box, mine.identity.tls.public_key())
    except (OSError, ValueError):
        refused(mine.identity.folder)
        return False
    return True


def worked(folder: Path) -> None:
    """The new certificate was accepted: it takes the place of the old one, or is tried again where it cannot just now."""
    try:
        (folder / NEXT).replace(folder / "tls.crt")
        sync_folder(folder)
    except OSError as error:  # also where the box joined a hub meanwhile
        log.warning("the box's new certificate works, and cannot be put in place", why=error.strerror)
    else:
        log.info("the box's new certificate is in use")


def refused(folder: Path) -> None:
    """The new certificate was not accepted: the old one goes on."""
    (folder / NEXT).unlink(missing_ok=True)
    log.warning("the box's new certificate was not accepted; the old one goes on")


def _written(file: Path, content: bytes) -> None:
    try:
        put(file, content)
    except OSError as error:
        told = N_("The file {file} cannot be written ({why}).")
        kind = Unavailable if error.errno in (errno.ENOSPC, errno.EDQUOT) else Misconfigured
        raise kind(told, file=str(file), why=error.strerror or "?") from error
