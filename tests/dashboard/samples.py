"""A box with something of everything, and an address for each endpoint of the dashboard.

A new endpoint needs its line in SAMPLES: the tests that walk over all of them (rights, safety) fail without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flask import Flask

from fieldbox.domain import ControlMark, MarkedPoint, Right
from tests.dashboard.demo_box import NASTY, NORTH, SURVEY, WEST, DemoBox, lat_lon, make_box
from tests.dashboard.test_pictures import ZOOM, tile_at

FIELD: Final = "/fields/1"
FLIGHT: Final = "/flights/fl-demo-1"
OF_SURVEY: Final = f"/surveys/{SURVEY}"
API: Final = "/api/v1"
API_SURVEY: Final = f"{API}/surveys/{SURVEY}"
PHOTO: Final = hashlib.sha256(b"demo photo").hexdigest()
POINT = 1
PERSON, KEY_ID = 2, 1
"""A person whom nobody is in these tests, and a key of theirs: walks may do with them what they like."""
_X, _Y, *_ = tile_at(378_610, 2_048_490)
SAMPLES: Final[dict[str, str]] = {
    "static": "/static/app.css",
    "health": "/healthz",
    "face.choose_theme": "/theme",
    "face.manifest": "/manifest.webmanifest",
    "face.offline": "/offline",
    "face.worker": "/worker.js",
    "people.sign_in": "/login",
    "people.check_in": "/login",
    "people.offer_entry": "/enter/made-up",
    "people.enter": "/enter/made-up",
    "people.choose_language": "/language",
    "people.choose_area_unit": "/area-unit",
    "people.leave": "/logout",
    "people.choose_password": "/password",
    "people.change_password": "/password",
    "people.settings": "/settings",
    "people.end_sessions": "/sessions",
    "start.show": "/start",
    "start.give_code": "/start",
    "start.step": "/start/texts",
    "start.save": "/start/texts",
    "start.ready": "/start/ready",
    "start.hub_welcome": "/start/hub/welcome",
    "start.hub_join": "/start/hub/join",
    "trial.fly": "/start/flight/fly",
    "trial.now": "/start/flight/now",
    "trial.forget": "/start/flight/forget",
    "tongues.show": "/languages",
    "tongues.template": "/languages/fieldbox.pot",
    "tongues.add": "/languages",
    "tongues.read": "/languages/hi/read",
    "keys.show": "/keys",
    "keys.make": "/keys",
    "keys.revoke": f"/keys/{KEY_ID}/revoke",
    "folk.show": "/people",
    "folk.add": "/people",
    "folk.person": f"/people/{PERSON}",
    "folk.link": f"/people/{PERSON}/link",
    "folk.change_role": f"/people/{PERSON}/role",
    "folk.shut_out": f"/people/{PERSON}/shut-out",
    "folk.let_in": f"/people/{PERSON}/let-in",
    "folk.end_sessions": f"/people/{PERSON}/sessions",
    "diary.show": "/diary",
    "diary.table": "/diary.csv",
    "home.show": "/",
    "home.part": "/now",
    "flights.show": FLIGHT,
    "flights.part": f"{FLIGHT}/now",
    "flights.pin": f"{FLIGHT}/pin",
    "flights.all": "/flights",
    "flights.photos": f"{FLIGHT}/photos.geojson",
    "flights.again": f"{FLIGHT}/again",
    "flights.stop": f"{FLIGHT}/stop",
    "flights.ask_delete": f"{FLIGHT}/delete",
    "flights.delete": f"{FLIGHT}/delete",
    "review.queue": "/review",
    "review.field_queue": f"{FIELD}/review",
    "review.survey_queue": f"{OF_SURVEY}/review",
    "review.judge": "/review/plants/1",
    "review.judge_survey": f"{OF_SURVEY}/verdict",
    "review.undo": "/review/undo",
    "review.unskip": "/review/skipped",
    "review.labels_csv": "/review/labels.csv",
    "review.labels_zip": "/review/labels.zip",
    "settings.show": "/settings/texts",
    "settings.save": "/settings/texts",
    "settings.try_text": "/settings/texts/try",
    "settings.hub_request": "/settings/hub/request",
    "settings.hub_join": "/settings/hub/join",
    "settings.hub_leave": "/settings/hub/leave",
    "settings.hub_welcome": "/settings/hub/welcome",
    "flown.show": f"{OF_SURVEY}/quality",
    "uploading.page": "/upload",
    "fields.show": FIELD,
    "fields.rename": f"{FIELD}/name",
    "fields.name_crop": f"{FIELD}/crop",
    "drawing.show": f"{FIELD}/draw",
    "drawing.keep_boundary": f"{FIELD}/boundary",
    "drawing.tell_rows": f"{FIELD}/rows",
    "walking.show": f"{OF_SURVEY}/walk",
    "marking.show": f"{FIELD}/points",
    "marking.add": f"{FIELD}/points",
    "marking.list_file": f"{FIELD}/points/gcp_list.txt",
    "marking.hand_over": f"{FIELD}/points/list",
    "marking.point": f"{FIELD}/points/{POINT}",
    "marking.mark": f"{FIELD}/points/{POINT}/mark",
    "marking.remove": f"{FIELD}/points/{POINT + 1}/delete",
    "evidence.hotspot": f"{OF_SURVEY}/hotspots/1",
    "evidence.look": f"{OF_SURVEY}/look/{PHOTO}?x=300&y=200&certainty=unsure",
    "evidence.here": f"{OF_SURVEY}/here?lat=18.523480&lon=73.849950",
    "evidence.views": f"{OF_SURVEY}/views?lat=18.5234&lon=73.8499",
    "pictures.tile": f"/tiles/{SURVEY}/mosaic/{ZOOM}/{_X}/{_Y}",
    "pictures.survey_picture": f"{OF_SURVEY}/picture",
    "pictures.still": f"{OF_SURVEY}/still/health",
    "pictures.quality_picture": f"{OF_SURVEY}/quality.svg",
    "pictures.check_picture": f"{FLIGHT}/check.svg",
    "pictures.legend": "/legend/health",
    "pictures.photo_crop": f"/photo/{PHOTO}/crop?x=9&y=9",
    "pictures.photo": f"/photo/{PHOTO}",
    "pictures.photo_original": f"/photo/{PHOTO}/original",
    "deciding.decide": f"{OF_SURVEY}/decide",
    "deciding.file": f"{OF_SURVEY}/files/walk-gpx",
    "deciding.spray": f"{FIELD}/spraying",
    "deciding.keep_off": f"{FIELD}/keep-off",
    "deciding.give_free": f"{FIELD}/keep-off/none",
    "changing.changed": f"{OF_SURVEY}/change",
    "sending.part": "/sending/now",
    "sending.send_now": "/sending/now",
    "sending.pack": "/sending/pack",
    "sending.unpack": "/sending/unpack",
    "sending.outbox": "/sending",
    "sending.message": "/sending/made-up",
    "manual.show": "/api",
    "metrics.show": "/metrics",
    "manual.openapi": "/api/openapi.json",
    "machine.show": "/box",
    "machine.check": "/box/check",
    "machine.make_room": "/box/room",
    "machine.log": "/box/log",
    "machine.log_file": "/box/log.txt",
    "machine.models": "/box/models",
    "machine.model": f"/box/models/weeds/{'ab' * 32}",
    "machine.support": "/box/support",
    "api.me": f"{API}/me",
    "api.people": f"{API}/people",
    "api.add_person": f"{API}/people",
    "api.person": f"{API}/people/{PERSON}",
    "api.change_person": f"{API}/people/{PERSON}",
    "api.link_person": f"{API}/people/{PERSON}/link",
    "api.end_sessions": f"{API}/people/{PERSON}/end-sessions",
    "api.keys": f"{API}/keys",
    "api.make_key": f"{API}/keys",
    "api.revoke_key": f"{API}/keys/{KEY_ID}",
    "api.audit": f"{API}/audit",
    "api.box_state": f"{API}/box",
    "api.check_box": f"{API}/box/check",
    "api.make_room": f"{API}/box/make-room",
    "api.readings": f"{API}/box/readings",
    "api.intake": f"{API}/intake",
    "api.settings": f"{API}/settings",
    "api.choose_settings": f"{API}/settings",
    "api.reset_setting": f"{API}/settings/sms.language",
    "api.map_again": f"{API}{FLIGHT}/again",
    "api.stop_work": f"{API}{FLIGHT}/stop",
    "api.delete_flight": f"{API}{FLIGHT}",
    "api.set_spraying": f"{API}{FIELD}/spraying",
    "api.flights": f"{API}/flights",
    "api.flight": f"{API}{FLIGHT}",
    "api.change_flight": f"{API}{FLIGHT}",
    "api.flight_photos": f"{API}{FLIGHT}/photos",
    "api.missed_ground": f"{API}{FLIGHT}/missed",
    "api.going": f"{API}{FLIGHT}/going",
    "api.fields": f"{API}/fields",
    "api.field": f"{API}{FIELD}",
    "api.change_field": f"{API}{FIELD}",
    "api.fields_file": f"{API}/fields.geojson",
    "api.boundary": f"{API}{FIELD}/boundary",
    "api.draw_boundary": f"{API}{FIELD}/boundary",
    "api.forget_boundary": f"{API}{FIELD}/boundary",
    "api.control_points": f"{API}{FIELD}/points",
    "api.add_control_point": f"{API}{FIELD}/points",
    "api.control_list": f"{API}{FIELD}/points/gcp_list.txt",
    "api.hand_over_marks": f"{API}{FIELD}/points/hand-over",
    "api.control_point": f"{API}{FIELD}/points/{POINT}",
    "api.remove_control_point": f"{API}{FIELD}/points/{POINT}",
    "api.mark_control_point": f"{API}{FIELD}/points/{POINT}/marks/{PHOTO}",
    "api.unmark_control_point": f"{API}{FIELD}/points/{POINT}/marks/{PHOTO}",
    "api.views": f"{API_SURVEY}/views?lat=18.5234&lon=73.8499",
    "api.spraying": f"{API}{FIELD}/spraying",
    "api.surveys": f"{API}/surveys",
    "api.survey": API_SURVEY,
    "api.hotspots": f"{API_SURVEY}/hotspots",
    "api.weeds": f"{API_SURVEY}/weeds",
    "api.poor": f"{API_SURVEY}/poor",
    "api.gaps": f"{API_SURVEY}/gaps",
    "api.footprints": f"{API_SURVEY}/footprints",
    "api.holes": f"{API_SURVEY}/holes",
    "api.thin": f"{API_SURVEY}/thin",
    "api.poor_file": f"{API_SURVEY}/poor.geojson",
    "api.weeds_file": f"{API_SURVEY}/weeds.geojson",
    "api.survey_checks": f"{API_SURVEY}/checks",
    "api.judge_survey": f"{API_SURVEY}/verdict",
    "api.plants_to_check": f"{API}/review/plants",
    "api.give_verdict": f"{API}/review/verdicts",
    "api.skip_plant": f"{API}/review/skipped",
    "api.unskip_plants": f"{API}/review/skipped",
    "api.labels_table": f"{API}/review/labels.csv",
    "api.labels_files": f"{API}/review/labels.zip",
    "api.take_verdict_back": f"{API}/review/undone",
    "api.prescription": f"{API_SURVEY}/prescription",
    "api.vigour": f"{API_SURVEY}/vigour",
    "api.walk": f"{API_SURVEY}/walk",
    "api.change": f"{API_SURVEY}/change",
    "api.files": f"{API_SURVEY}/files",
    "api.file": f"{API_SURVEY}/files/walk-gpx",
    "api.layers": f"{API_SURVEY}/layers",
    "api.layer": f"{API_SURVEY}/layers/health",
    "api.send_test_text": f"{API}/settings/test-text",
    "api.hub": f"{API}/hub",
    "api.hub_request": f"{API}/hub/request",
    "api.read_welcome": f"{API}/hub/read",
    "api.join_hub": f"{API}/hub",
    "api.leave_hub": f"{API}/hub",
    "api.test_flight": f"{API}/test-flight",
    "api.make_test_flight": f"{API}/test-flight",
    "api.forget_test_flight": f"{API}/test-flight",
    "api.languages": f"{API}/languages",
    "api.language_template": f"{API}/languages/fieldbox.pot",
    "api.add_language": f"{API}/languages",
    "api.note_reader": f"{API}/languages/hi/reader",
    "api.link": f"{API}/link",
    "api.box_log": f"{API}/box/log",
    "api.models": f"{API}/box/models",
    "api.make_support_file": f"{API}/box/support-file",
    "api.send_now": f"{API}/link/send-now",
    "api.pack_messages": f"{API}/messages/pack",
    "api.unpack_messages": f"{API}/messages/unpack",
    "api.messages": f"{API}/messages",
    "api.message": f"{API}/messages/made-up",
    "api.uploads": f"{API}/uploads",
    "api.new_upload": f"{API}/uploads",
    "api.cancel_upload": f"{API}/uploads/made-up",
    "api.offer_files": f"{API}/uploads/made-up/files",
    "api.finish_upload": f"{API}/uploads/made-up/finish",
    "api.upload_offset": f"{API}/uploads/made-up/files/0",
    "api.write_upload": f"{API}/uploads/made-up/files/0",
}

OTHERS: Final = (
    "/start/language",
    "/start/farm",
    "/start/you",
    "/start/hub",
    "/start/leaving",
    "/start/flight",
    "/settings/leaving",
    "/settings/links",
    "/settings/hub",
    f"/people/{PERSON + 1}",
    f"{FIELD}?survey={SURVEY}",
    "/flights?field=1",
    f"/legend/weed-cover?survey={SURVEY}",
)
"""More pages: the same endpoints with something else to show."""


def make_full_box(root: Path, password_hash: str) -> DemoBox:
    """The demonstration box with the owner asha, PERSON with a key, and NASTY wherever somebody can write it."""
    made = make_box(root)
    store = made.store
    store.add_user("asha", password_hash, "owner")
    person = store.add_user(NASTY, password_hash, "viewer")
    key = store.add_token("the hash of a key", NASTY, person.id, [Right.READ])
    assert (person.id, key.id) == (PERSON, KEY_ID)
    store.name_crop(made.field_id, NASTY)
    for name, height in ((NASTY, 560.0), ("to be deleted", None)):
        lat, lon = lat_lon(WEST + 30, NORTH - 20)
        store.add_control_point(MarkedPoint(0, made.field_id, name[:40], lat, lon, height, 0.05, NASTY))
    store.mark_point(POINT, ControlMark(PHOTO, 20.0, 30.0))
    store.audit(NASTY, f"did {NASTY}", NASTY)
    return made


def walk(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Each endpoint with each of its methods and its address. Where two share an address, the one that answers is named."""
    adapter = app.url_map.bind("box")
    for rule in app.url_map.iter_rules():
        path = SAMPLES[rule.endpoint]
        for method in sorted(rule.methods or ()):
            yield str(adapter.match(path.partition("?")[0], method=method)[0]), method, path
