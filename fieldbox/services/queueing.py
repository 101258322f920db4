"""What follows when photos have come in, whichever way: their flights are checked, and wait for the worker."""

from __future__ import annotations

import structlog

from fieldbox.arrivals import Arrival, resume
from fieldbox.config import Config
from fieldbox.domain import Flight, FlightCheck
from fieldbox.errors import FieldboxError
from fieldbox.models import release_sha
from fieldbox.services.checking import keep_checks
from fieldbox.storage.store import Store

log = structlog.get_logger()


def queue(config: Config, store: Store, arrival: Arrival) -> tuple[list[Flight], dict[str, FlightCheck]]:
    """Check the flights that came in and queue those that can be mapped; these, and what was found of each."""
    mappable = [flight for flight in arrival.flights if flight.field_id is not None]
    for flight in mappable:
        store.enqueue(flight.id, release_sha=release_sha(config))
    return mappable, keep_checks(config, store, arrival.flights)


def go_on(config: Config, store: Store, *, only_gone: bool = False) -> None:
    """What was copied when a process ended or the plug was pulled is read and queued (`arrivals.resume`)."""
    try:
        for arrival in resume(config, store, lambda *_: None, only_gone=only_gone):
            queue(config, store, arrival)
            log.info("went on with what was copied", ingest=arrival.ingest_id, accepted=arrival.accepted)
    except FieldboxError as error:
        log.warning("could not go on with what was copied", reason=str(error))
