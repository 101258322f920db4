"""Every page of the app, with something to show on each: for tests that walk through all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from flask import Flask
from werkzeug.routing import Rule

from fieldbox._pins import SHA256
from fieldbox.config import Config
from fieldbox.dashboard.asked import BY_SLUG
from fieldbox.dashboard.deeds.starting import STEPS
from fieldbox.domain import MarkedPoint, Vital
from fieldbox.services.logbook import LogFile, logs_folder
from tests.dashboard.demo_box import NORTH, WEST, DemoBox, lat_lon

NOT_PAGES = {
    "static": "files",
    "health": "for programs",
    "home.part": "a part of home.show",
    "sending.part": "a part of sending.outbox",
    "flights.part": "a part of flights.show",
    "trial.now": "a part of start.step",
    "flights.photos": "a file",
    "evidence.views": "a part of evidence.look",
    "review.labels_csv": "a file",
    "review.labels_zip": "a file",
    "settings.hub_request": "a file",
    "metrics.show": "for programs",
    "diary.table": "a file",
    "tongues.template": "a file",
    "deciding.file": "files",
    "machine.log_file": "a file",
    "marking.list_file": "a file",
    "face.manifest": "for phones",
    "face.worker": "for phones",
}
"""Endpoints that show no page of their own, with what they are; pictures and what is under /api/ need no line."""
QUERY = {
    "evidence.look": "?x=300&y=200&certainty=unsure",
    "evidence.here": "?lat={:.7f}&lon={:.7f}".format(*lat_lon(WEST + 9, NORTH - 9)),
}
POINT = MarkedPoint(0, 1, "gate post", *lat_lon(WEST + 9, NORTH - 9), None, 0.05, "asha")


def live(demo: DemoBox, config: Config) -> None:
    """The box has lived for a while: it has readings, and something to say."""
    now = datetime.now(UTC)
    for hour in range(24 * 15):
        at, slowed = now - timedelta(hours=hour), hour == 30
        demo.store.keep_vital(
            Vital(at, 50.0 + hour % 24, slowed, False, 10**11 + hour * 10**8, 10**12, 4 * 10**9, 0.5)
        )
    told = LogFile(logs_folder(config), "worker")
    told.add("info", "flight mapped", {"photos": 3})
    told.add("error", "fault while mapping", {"flight": "a" * 40, "trace": "Traceback\n" + "x" * 300})


def samples(demo: DemoBox) -> dict[str, str]:
    """For each name of a part of an address something that the demonstration box has."""
    return {
        "survey_id": demo.survey_id,
        "flight_id": demo.flight_id,
        "field_id": str(demo.field_id),
        "digest": demo.photo,
        "rank": "1",
        "message_id": demo.store.messages()[0].id,
        "token": "no such link",
        "person_id": str(demo.store.users()[0].id),
        "slug": "farm",
        "kind": "weeds",
        "sha256": SHA256["weeds.onnx"],
        "point_id": str(_point(demo).id),
    }


def _point(demo: DemoBox) -> MarkedPoint:
    known = demo.store.control_points(POINT.field_id)
    return next((one for one in known if one.name == POINT.name), None) or demo.store.add_control_point(POINT)


def path_of(rule: Rule, known: dict[str, str]) -> str:
    """An address of a page; LookupError where no sample of a part is known."""
    path = rule.rule
    for name in rule.arguments:
        if name not in known:
            raise LookupError(f"{rule.endpoint}: add a sample of {name!r} to samples() in every_page.py")
        before, _, rest = path.partition("<")
        path = before + quote(known[rest.partition(">")[0].rpartition(":")[2]]) + rest.partition(">")[2]
    return path + QUERY.get(rule.endpoint, "")


def pages_of(app: Flask, demo: DemoBox) -> list[tuple[str, str]]:
    """Every page of the app, endpoint and address, and some that show more than one thing."""
    known = samples(demo)
    more = [("settings.show", f"/settings/{slug}") for slug in BY_SLUG if slug != known["slug"]]
    more += [("start.step", f"/start/{slug}") for slug in STEPS if slug != known["slug"]]
    return more + [
        (rule.endpoint, path_of(rule, known))
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint not in NOT_PAGES
        and not rule.endpoint.startswith("pictures.")
        and not rule.rule.startswith("/api/")
    ]
