"""The web process: the dashboard behind waitress."""

from __future__ import annotations

import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from types import FrameType

import structlog
from flask import Flask

from fieldbox.config import Config
from fieldbox.dashboard.admitting import largest_body
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.hosts import call
from fieldbox.dashboard.metrics import open_to_the_box
from fieldbox.dashboard.ports import Beyond, Intake
from fieldbox.i18n import N_
from fieldbox.ingest.status import read_status
from fieldbox.ingest.uploads import Uploads
from fieldbox.memory import MB, spare_memory
from fieldbox.modelops.files import configured, pinned
from fieldbox.services.box import open_store
from fieldbox.services.chosen import Choices
from fieldbox.services.examples import Examples
from fieldbox.services.hubdesk import HubDesk
from fieldbox.services.listening import listening
from fieldbox.services.offering import Offering
from fieldbox.services.running import beside, running_as
from fieldbox.services.sendingdesk import SendingDesk
from fieldbox.services.starting import first_code
from fieldbox.services.support import Support
from fieldbox.services.testflight import TestFlights
from fieldbox.services.watching import Watch
from fieldbox.storage.store import Store

log = structlog.get_logger()

THREADS = 6
"""Four of them may wait for what the box works out (offering.py)."""
LEAVE_S = 5.0
SECRET = "web.secret_key"  # noqa: S105  the name of the setting, not the secret


def serve(config: Config) -> None:
    """Answer on `web.host`:`web.port` until SIGTERM or SIGINT. Raises Misconfigured if the port is taken."""
    signal.signal(signal.SIGTERM, _leave)
    spare_memory(mapped_from=MB // 4)
    with (
        open_store(config) as store,
        running_as(config, "web"),
        closing(Offering(config, store)) as offering,
        watching(config, store) as watch,
    ):
        app = app_of(config, store, beyond_of(config, store, offering, watch))
        taken = N_("Nothing can listen on {host}:{port} ({why}): stop what does, or set FIELDBOX_WEB__PORT.")
        host, port = config.web.host, config.web.port
        server = listening(
            app, host, port, threads=THREADS, ident="fieldbox", taken=taken, largest=largest_body(app)
        )
        first_code(config, store)
        log.info("dashboard answers", url=f"http://{host}:{port}")
        try:
            server.run()
        except (KeyboardInterrupt, SystemExit):
            server.close()


def app_of(config: Config, store: Store, beyond: Beyond) -> Flask:
    """The dashboard of a box by its settings."""
    app = create_app(
        store,
        config.storage.root,
        secret_key=secret_key(store),
        language=config.locale.language,
        area_unit=config.locale.area_unit,
        beyond=beyond,
    )
    if config.web.metrics_open:
        open_to_the_box(app)
    call(app, (*config.web.known, socket.gethostname()))
    return app


@contextmanager
def watching(config: Config, store: Store) -> Iterator[Watch]:
    """Somebody who looks after the box meanwhile."""
    watch = Watch(config, store)
    with beside(watch.run, "watching", LEAVE_S):
        try:
            yield watch
        finally:
            watch.stop()


def beyond_of(config: Config, store: Store, offering: Offering, watch: Watch) -> Beyond:
    """What this box can do beside its store."""
    return Beyond(
        intake=intake_of(config),
        decisions=offering,
        views=offering.views,
        settings=Choices(config, store),
        examples=Examples(config, store),
        hub=HubDesk(config),
        sending=SendingDesk(config, store),
        test_flights=TestFlights(store),
        machine=watch,
        support=Support(config, store, watch),
        release=release_of(config, offering),
    )


def intake_of(config: Config) -> Intake:
    """Where uploads go, and what the intake is doing."""
    root = config.storage.root
    uploads = Uploads(root / "uploads", reserve_bytes=config.storage.reserve_mb * 2**20)
    return Intake(uploads, partial(read_status, root))


def release_of(config: Config, offering: Offering) -> Callable[[], str]:
    """What tells the SHA-256 of the weed model. A file from outside is asked for once, in the child: it takes the runtime."""
    if configured(config, "weeds") is None:
        return partial(pinned, "weeds.onnx")
    return cache(offering.release)


def secret_key(store: Store) -> bytes:
    """The key that signs session cookies: made once, kept in the database."""
    kept = store.setting(SECRET)
    if kept is None:
        kept = secrets.token_hex(32)
        store.set_setting(SECRET, kept)
    return bytes.fromhex(kept)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
