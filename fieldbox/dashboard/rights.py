"""Every route of the dashboard and what one must be allowed to do for it, in one table.

An app whose routes and this table differ does not start (`hold_together`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from fieldbox.domain import Right

OPEN: Final = None
"""Nobody needs to be logged in."""
READ, JUDGE, WORK, OWN = Right.READ, Right.JUDGE, Right.WORK, Right.OWN

RIGHTS: Final[Mapping[str, Right | None]] = {
    "static": OPEN,
    "health": OPEN,
    "people.sign_in": OPEN,
    "people.check_in": OPEN,
    "people.offer_entry": OPEN,
    "people.enter": OPEN,
    "people.choose_language": OPEN,
    # About oneself.
    "people.leave": READ,
    "people.choose_password": READ,
    "people.change_password": READ,
    "people.settings": READ,
    # Home.
    "home.show": READ,
    "home.part": READ,
    # Flights.
    "flights.show": READ,
    "flights.part": READ,
    "flights.pin": WORK,
    "flown.show": READ,
    # Bringing photos.
    "uploading.page": WORK,
    "uploading.listed": WORK,
    "uploading.create": WORK,
    "uploading.offer": WORK,
    "uploading.offset": WORK,
    "uploading.write": WORK,
    "uploading.finish": WORK,
    "uploading.cancel": WORK,
    # Fields.
    "fields.show": READ,
    "fields.rename": WORK,
    "fields.name_crop": WORK,
    "evidence.hotspot": READ,
    "evidence.look": READ,
    "evidence.here": READ,
    "evidence.views": READ,
    # Pictures.
    "pictures.tile": READ,
    "pictures.survey_picture": READ,
    "pictures.still": READ,
    "pictures.quality_picture": READ,
    "pictures.check_picture": READ,
    "pictures.legend": READ,
    "pictures.photo_crop": READ,
    "pictures.photo": READ,
    "pictures.photo_original": READ,
    # What to do, what changed.
    "deciding.decide": READ,
    "deciding.file": READ,
    "deciding.prescription": READ,
    "deciding.vigour": READ,
    "deciding.spray": WORK,
    "changing.changed": READ,
    "changing.change": READ,
    # Sending.
    "sending.outbox": READ,
    "sending.message": READ,
    "sending.messages": READ,
    # For programs.
    "api.flights": READ,
    "api.fields": READ,
    "api.survey": READ,
    "api.hotspots": READ,
    "api.weeds": READ,
    "api.poor": READ,
    "api.gaps": READ,
    "api.footprints": READ,
    "api.holes": READ,
    "api.thin": READ,
}


def hold_together(endpoints: Iterable[str]) -> None:
    """Raise LookupError unless each endpoint has its line and each line its endpoint."""
    there = set(endpoints)
    without, gone = sorted(there - RIGHTS.keys()), sorted(RIGHTS.keys() - there)
    if without or gone:
        raise LookupError(f"routes without a line in rights.py: {without}; lines without a route: {gone}")
