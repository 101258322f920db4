"""What the box does about what its hub says."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from fieldbox.config import Config
from fieldbox.errors import Rejected
from fieldbox.storage.store import Store
from fieldbox.sync import identity
from fieldbox.wire.down import Down, DownKind

log = structlog.get_logger()


def follow(config: Config) -> Callable[[Store, Down], None]:
    """What hears each command that was the hub's and for this box."""

    def hear(_store: Store, told: Down) -> None:
        if told.kind is DownKind.CERTIFICATE:
            renew(config, told)
        else:
            log.warning("a command that nothing here follows", kind=told.kind.name.lower(), id=told.id)

    return hear


def renew(config: Config, told: Down) -> None:
    """Take the certificate that the hub sent, if it is for this box and good for longer."""
    try:
        taken = identity.renew(config.identity, str(told.body.get("pem", "")))
    except Rejected as error:
        log.warning("a certificate was refused", why=str(error))
    else:
        log.info("a certificate came", taken=taken)
