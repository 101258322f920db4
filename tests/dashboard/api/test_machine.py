"""The box and its settings, for programs."""

from __future__ import annotations

import pytest

from fieldbox.config import load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.services.chosen import Choices
from fieldbox.services.logbook import LogFile
from fieldbox.services.watching import Watch
from tests.dashboard.api.asking import Program
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import DemoBox


@pytest.fixture
def keeper(fresh: DemoBox, key: dict[str, str]) -> Program:
    """A program on a box that somebody looks after."""
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(fresh.root), "FIELDBOX_SMS__CURRENCY": "INR"})
    beyond = Beyond(machine=Watch(config, fresh.store), settings=Choices(config, fresh.store))
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=beyond)
    return Program(app, app.test_client(), key)


def test_the_box_tells_how_it_does(keeper: Program) -> None:
    told = keeper.get("/api/v1/box")
    assert told["known"]["photos"] == 3 and told["machine"]["disk_total"] > 0
    assert {one["name"] for one in told["services"]} >= {"web", "worker", "intake", "sync"}
    assert [one["what"] for one in told["concerns"] if "worker" in one["what"]]


def test_without_anybody_who_looks_after_it_the_rest_is_told(program: Program) -> None:
    told = program.get("/api/v1/box")
    assert told["machine"] is None and told["services"] == [] and told["known"]["surveys"] == 1
    for path in ("/api/v1/box/check", "/api/v1/box/make-room"):
        assert program.ask("POST", path).status_code == 404
    program.get("/api/v1/settings", 404)


def test_readings_are_told(keeper: Program, fresh: DemoBox) -> None:
    assert keeper.get("/api/v1/box/readings?days=2") == {"readings": []}
    keeper.get("/api/v1/box/readings?days=99", 400)


def test_the_disk_is_looked_through_and_room_made_when_asked_for(keeper: Program) -> None:
    for path, name in (("check", "checking"), ("make-room", "making_room")):
        assert keeper.ask("POST", f"/api/v1/box/{path}").status_code == 204
        assert keeper.get("/api/v1/box")[name] is True


def test_a_setting_is_chosen_and_taken_back(keeper: Program) -> None:
    def of(name: str) -> dict[str, object]:
        return next(one for one in keeper.get("/api/v1/settings")["settings"] if one["name"] == name)

    before = of("storage.keep_days")
    assert (
        keeper.ask("PATCH", "/api/v1/settings", json={"values": {"storage.keep_days": 90}}).status_code == 200
    )
    assert of("storage.keep_days")["value"] == 90 and of("storage.keep_days")["source"] == "page"
    assert keeper.ask("DELETE", "/api/v1/settings/storage.keep_days").status_code == 200
    assert of("storage.keep_days") == before


def test_what_is_no_setting_or_cannot_be_so_is_refused(keeper: Program) -> None:
    path = "/api/v1/settings"
    unknown = keeper.ask("PATCH", path, json={"values": {"web.port": 80}})
    assert unknown.status_code == 400 and unknown.json["parameter"] == "values.web.port"  # type: ignore[index]
    wrong = keeper.ask("PATCH", path, json={"values": {"sms.quiet_hours": "at night"}})
    assert wrong.status_code == 422 and "21:00" in wrong.json["error"]  # type: ignore[index]
    assert keeper.ask("DELETE", f"{path}/web.port").status_code == 404


def test_what_the_services_said_is_told_page_by_page(keeper: Program, fresh: DemoBox) -> None:
    for number in range(3):
        LogFile(fresh.root / "logs", "worker").add("warning", f"line {number}", {"number": number})
    path, found = "/api/v1/box/log?service=worker&level=warnings&limit=2", []
    while path:
        told = keeper.get(path)
        found += [one["event"] for one in told["lines"]]
        path = told["next"]
    assert found == ["line 2", "line 1", "line 0"]
    keeper.get("/api/v1/box/log?before=yesterday", 400)


def test_models_are_told_with_their_cards(keeper: Program) -> None:
    told = keeper.get("/api/v1/box/models")["models"]
    assert {one["kind"] for one in told} >= {"weeds"} and all(len(one["sha256"]) == 64 for one in told)
