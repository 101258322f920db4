"""What follows when photos have come in, whichever way: their flights are checked, and wait for the worker."""

from __future__ import annotations

from fieldbox.arrivals import Arrival
from fieldbox.config import Config
from fieldbox.domain import Flight, FlightCheck
from fieldbox.models import release_sha
from fieldbox.services.checking import keep_checks
from fieldbox.storage.store import Store


def queue(config: Config, store: Store, arrival: Arrival) -> tuple[list[Flight], dict[str, FlightCheck]]:
    """Check the flights that came in and queue those that can be mapped; these, and what was found of each."""
    mappable = [flight for flight in arrival.flights if flight.field_id is not None]
    for flight in mappable:
        store.enqueue(flight.id, release_sha=release_sha(config))
    return mappable, keep_checks(config, store, arrival.flights)
