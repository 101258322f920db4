"""Figures for Prometheus: told quickly, with a key, and of what the box knows alone."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.metrics import open_to_the_box
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Right
from fieldbox.services.watching import Watch
from tests.dashboard.api.asking import Program, give_key
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import SURVEY, DemoBox

Labels = frozenset[tuple[str, str]]


def figures(text: str) -> Mapping[tuple[str, Labels], float]:
    """Every sample by its name and labels."""
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def labels(**told: str) -> Labels:
    return frozenset(told.items())


def read(program: Program) -> Mapping[tuple[str, Labels], float]:
    answer = program.ask("GET", "/metrics")
    assert answer.status_code == 200 and "version=" in answer.content_type
    return figures(answer.get_data(as_text=True))


def test_they_tell_what_the_box_holds(program: Program) -> None:
    told = read(program)
    assert told["fieldbox_flights", labels(state="done")] == 1
    assert told["fieldbox_flights", labels(state="none")] == 0
    assert told["fieldbox_photos", labels()] == 3
    assert told["fieldbox_surveys", labels()] == told["fieldbox_fields", labels()] == 1
    assert told["fieldbox_messages", labels(state="waiting")] == 1
    assert told["process_resident_memory_bytes", labels()] > 0


def test_they_count_what_was_asked_and_tiles_that_browsers_kept(fresh: DemoBox, key: dict[str, str]) -> None:
    app = create_app(fresh.store, fresh.root, secret_key=KEY)
    program = Program(app, app.test_client(), key)
    tile = f"/tiles/{SURVEY}/mosaic/3/5/3"
    made = program.ask("GET", tile)
    kept = program.client.get(tile, headers={**key, "If-None-Match": made.headers["ETag"]})
    assert kept.status_code == 304
    program.client.get("/api/v1/fields")
    told = read(program)
    assert told["fieldbox_pictures_total", labels(**{"from": "made"})] == 1
    assert told["fieldbox_pictures_total", labels(**{"from": "kept"})] == 1
    refused = labels(endpoint="api.fields", method="GET", status="401")
    assert told["fieldbox_http_requests_total", refused] == 1
    assert told["fieldbox_http_request_seconds_count", labels(endpoint="pictures.tile")] == 2


def test_addresses_that_lead_nowhere_make_no_labels_of_their_own(program: Program) -> None:
    for path in ("/api/v1/one", "/api/v1/two"):
        program.client.open(path, method="BREW", headers=program.header)
    names = {dict(one[1]).get("endpoint", "") for one in read(program)}
    assert "none" in names and not [one for one in names if "one/" in one or "/" in one]


def test_with_a_machine_they_tell_of_disk_and_services(fresh: DemoBox, key: dict[str, str]) -> None:
    config = Config(storage=StorageConfig(root=fresh.root, reserve_mb=0))
    watch = Watch(config, fresh.store)
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(machine=watch))
    told = read(Program(app, app.test_client(), key))
    assert 0 < told["fieldbox_disk_free_bytes", labels()] <= told["fieldbox_disk_total_bytes", labels()]
    assert told["fieldbox_service_up", labels(service="worker")] == 0


def test_without_a_key_nobody_reads_them(fresh_app: Flask) -> None:
    answer = fresh_app.test_client().get("/metrics")
    assert answer.status_code == 401 and answer.mimetype == "application/json"


def test_where_the_owner_says_so_the_box_itself_reads_them_without(fresh: DemoBox) -> None:
    app = create_app(fresh.store, fresh.root, secret_key=KEY)
    open_to_the_box(app)
    client = app.test_client()
    assert client.get("/metrics").status_code == 200
    far = {"REMOTE_ADDR": "192.168.1.7"}
    assert client.get("/metrics", environ_base=far).status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.168.1.7"}).status_code == 401
    assert client.get("/api/v1/fields").status_code == 401


def test_a_key_without_the_scope_to_read_reads_nothing(fresh: DemoBox, fresh_app: Flask) -> None:
    header = give_key(fresh.store, Right.WORK, key="fbx_a-key-that-works-alone")
    assert fresh_app.test_client().get("/metrics", headers=header).status_code == 403
