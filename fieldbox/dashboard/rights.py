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
    "people.choose_area_unit": OPEN,
    "face.choose_theme": OPEN,
    "face.manifest": OPEN,
    "face.worker": OPEN,
    "face.offline": OPEN,
    # About oneself.
    "people.leave": READ,
    "people.choose_password": READ,
    "people.change_password": READ,
    "people.settings": READ,
    "people.end_sessions": READ,
    "keys.show": READ,
    "keys.make": READ,
    "keys.revoke": READ,
    # People, and who did what.
    "folk.show": OWN,
    "folk.add": OWN,
    "folk.person": OWN,
    "folk.link": OWN,
    "folk.change_role": OWN,
    "folk.shut_out": OWN,
    "folk.let_in": OWN,
    "folk.end_sessions": OWN,
    "diary.show": OWN,
    "diary.table": OWN,
    "tongues.show": READ,
    "tongues.template": READ,
    "tongues.add": OWN,
    "tongues.read": OWN,
    # Home.
    "home.show": READ,
    "home.part": READ,
    # Flights.
    "flights.show": READ,
    "flights.part": READ,
    "flights.all": READ,
    "flights.photos": READ,
    "flights.pin": WORK,
    "flights.again": WORK,
    "flights.stop": WORK,
    "flights.ask_delete": OWN,
    "flights.delete": OWN,
    "flown.show": READ,
    # Bringing photos.
    "uploading.page": WORK,
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
    "deciding.spray": WORK,
    "changing.changed": READ,
    # Checking plants.
    "review.queue": READ,
    "review.field_queue": READ,
    "review.survey_queue": READ,
    "review.judge": JUDGE,
    "review.undo": JUDGE,
    "review.unskip": JUDGE,
    "review.judge_survey": JUDGE,
    "review.labels_csv": OWN,
    "review.labels_zip": OWN,
    # Sending.
    "sending.outbox": READ,
    "sending.part": READ,
    "sending.send_now": WORK,
    "sending.pack": WORK,
    "sending.unpack": WORK,
    "sending.message": READ,
    # Settings of the box.
    "settings.show": OWN,
    "settings.save": OWN,
    "settings.try_text": OWN,
    "settings.hub_request": OWN,
    "settings.hub_welcome": OWN,
    "settings.hub_join": OWN,
    "settings.hub_leave": OWN,
    # The box itself.
    "machine.show": READ,
    "machine.check": WORK,
    "machine.make_room": OWN,
    # For programs.
    "manual.show": READ,
    "manual.openapi": READ,
    "metrics.show": READ,
    "api.fields": READ,
    "api.field": READ,
    "api.change_field": WORK,
    "api.flights": READ,
    "api.flight": READ,
    "api.change_flight": WORK,
    "api.surveys": READ,
    "api.survey": READ,
    "api.layers": READ,
    "api.layer": READ,
    "api.hotspots": READ,
    "api.weeds": READ,
    "api.poor": READ,
    "api.weeds_file": READ,
    "api.poor_file": READ,
    "api.gaps": READ,
    "api.footprints": READ,
    "api.holes": READ,
    "api.thin": READ,
    "api.prescription": READ,
    "api.vigour": READ,
    "api.change": READ,
    "api.files": READ,
    "api.file": READ,
    "api.spraying": READ,
    "api.plants_to_check": JUDGE,
    "api.give_verdict": JUDGE,
    "api.take_verdict_back": JUDGE,
    "api.skip_plant": JUDGE,
    "api.survey_checks": READ,
    "api.judge_survey": JUDGE,
    "api.messages": READ,
    "api.message": READ,
    "api.link": READ,
    "api.uploads": WORK,
    "api.new_upload": WORK,
    "api.offer_files": WORK,
    "api.upload_offset": WORK,
    "api.write_upload": WORK,
    "api.finish_upload": WORK,
    "api.cancel_upload": WORK,
}


def hold_together(endpoints: Iterable[str]) -> None:
    """Raise LookupError unless each endpoint has its line and each line its endpoint."""
    there = set(endpoints)
    without, gone = sorted(there - RIGHTS.keys()), sorted(RIGHTS.keys() - there)
    if without or gone:
        raise LookupError(f"routes without a line in rights.py: {without}; lines without a route: {gone}")
