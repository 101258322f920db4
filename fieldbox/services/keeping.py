"""Saying which flights keep their photos: behind `pin` and `unpin`."""

from __future__ import annotations

import getpass

from fieldbox.config import Config
from fieldbox.i18n import _
from fieldbox.services.box import open_store
from fieldbox.services.locating import find_flight
from fieldbox.storage.rows import Kept
from fieldbox.storage.store import Store

MB = 1e6


def pin(config: Config, wanted: str, *, pinned: bool) -> str:
    """Keep the photos of a flight, or let them go when room is needed; what is so now. Raises Rejected for no flight."""
    with open_store(config) as store:
        flight, _survey = find_flight(store, wanted)
        before = store.kept(flight.id)
        store.pin(flight.id, pinned)
        if before and before.pinned != pinned:
            store.audit(_who(), "flight pinned" if pinned else "flight unpinned", flight.id)
        return _told(store, flight.id)


def _told(store: Store, flight_id: str) -> str:
    kept = store.kept(flight_id) or Kept(0, 0, 0, pinned=False, gone_at=None)
    template = (
        _("Flight {flight} is pinned: the photos that are there stay ({kept} of {all}, {mb:.1f} MB).")
        if kept.pinned
        else _(
            "Flight {flight} is not pinned: its photos may make room ({kept} of {all}, {mb:.1f} MB are there)."
        )
    )
    return template.format(flight=flight_id, kept=kept.kept, all=kept.captures, mb=kept.bytes / MB)


def _who() -> str:
    """The account on the box's own command line."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "fieldbox"
