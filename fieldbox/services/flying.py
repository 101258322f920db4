"""Carrying out a test flight (`fieldbox.services.testflight`), in a process of its own."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from datetime import datetime
from typing import Final

from fieldbox.arrivals import take_in
from fieldbox.config import Config
from fieldbox.domain import Flying, TestFlight
from fieldbox.i18n import N_, translator
from fieldbox.services.box import open_store
from fieldbox.services.queueing import queue
from fieldbox.services.simulation import DEMO_FIELD, DEMO_FLIGHT, simulate_flight
from fieldbox.services.testflight import keep, language_of
from fieldbox.storage.store import Store, utc_now

FIELD_NAME: Final = N_("Test field")
FIELD: Final = replace(DEMO_FIELD, size_m=(20.0, 14.0))
"""So small that two cores have it on the map within a minute."""
FOLDER: Final = "test-flight"
"""Below the data folder, while it is under way."""
_NOTE_S: Final = 0.5


def fly(config: Config) -> None:
    """Make the photos, bring them and queue the flight: in the child. Raises Rejected, Unavailable, Misconfigured."""
    folder = config.storage.root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    with open_store(config) as store:
        try:
            flight = replace(
                DEMO_FLIGHT, start=datetime.now().replace(microsecond=0)
            )  # a camera's clock is local
            simulate_flight(folder, flight, FIELD, _Notes(store, Flying.FLYING))
            name = translator(language_of(store))(FIELD_NAME)
            arrival = take_in(folder, config, store, _Notes(store, Flying.BRINGING), field_name=name)
            queue(config, store, arrival)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        flights = [one.id for one in arrival.flights]
        keep(store, TestFlight(Flying.BROUGHT, utc_now(), flight_id=flights[0] if flights else None))


class _Notes:
    """Writes down how far it is, at most twice a second."""

    def __init__(self, store: Store, state: Flying) -> None:
        self._store, self._state, self._at = store, state, 0.0
        keep(store, TestFlight(state, utc_now()))

    def __call__(self, _step: str, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._at >= _NOTE_S:
            self._at = time.monotonic()
            keep(self._store, TestFlight(self._state, utc_now(), done, total))
