"""What the API tells and does, subject by subject; every answer is held against the description."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fieldbox.config import Config, StorageConfig
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Brought, Came, Way
from fieldbox.i18n import Sentence
from fieldbox.ingest.status import Board
from fieldbox.services.sendingdesk import SendingDesk
from tests.dashboard.api.asking import Program
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import SURVEY, DemoBox


def test_a_field_is_renamed_and_its_crop_named(program: Program, fresh: DemoBox) -> None:
    path = f"/api/v1/fields/{fresh.field_id}"
    answer = program.ask("PATCH", path, json={"name": "  South   plot ", "crop": "maize"})
    assert answer.json is not None and (answer.json["name"], answer.json["crop"]) == ("South plot", "maize")
    assert program.ask("PATCH", path, json={"crop": None}).json["crop"] is None  # type: ignore[index]
    assert program.get(path)["name"] == "South plot"
    assert program.get("/api/v1/fields")["fields"][0]["surveys"] == [SURVEY]


def test_the_name_of_another_field_is_refused_in_a_sentence(program: Program, fresh: DemoBox) -> None:
    other = fresh.store.add_field("East plot", fresh.store.fields()[0].boundary, drawn=True)
    answer = program.ask("PATCH", f"/api/v1/fields/{fresh.field_id}", json={"name": other.name})
    assert answer.status_code == 422
    assert answer.json is not None and answer.json["code"] == "refused"


def test_a_flight_tells_its_work_and_what_was_not_taken(program: Program, fresh: DemoBox) -> None:
    told = program.get(f"/api/v1/flights/{fresh.flight_id}")
    assert told["surveys"] == [SURVEY] and told["captures"] == 3
    assert [one["reason"] for one in told["rejected"]][:1] == ["It is no photo."]
    listed = program.get(f"/api/v1/flights?field={fresh.field_id}")["flights"]
    assert [one["id"] for one in listed] == [fresh.flight_id]
    assert program.get("/api/v1/flights?field=99")["flights"] == []


def test_a_flight_is_pinned(program: Program, fresh: DemoBox) -> None:
    path = f"/api/v1/flights/{fresh.flight_id}"
    for pinned in (True, False):
        assert program.ask("PATCH", path, json={"pinned": pinned}).json["kept"]["pinned"] is pinned  # type: ignore[index]


def test_a_survey_has_its_numbers_with_their_intervals(program: Program, fresh: DemoBox) -> None:
    told = program.get(f"/api/v1/surveys/{SURVEY}")
    assert told["weed_cover_pct_interval95"] == [2.1, 4.4] and told["layer_label"] == "RGB-only"
    assert [one["id"] for one in program.get(f"/api/v1/surveys?flight={fresh.flight_id}")["surveys"]] == [
        SURVEY
    ]


@pytest.mark.parametrize("kind", ["weeds", "poor", "gaps", "hotspots", "footprints", "holes", "thin"])
def test_features_are_geojson_as_described(program: Program, kind: str) -> None:
    told = program.get(f"/api/v1/surveys/{SURVEY}/{kind}")
    assert told["type"] == "FeatureCollection" and told["features"]


@pytest.mark.parametrize("kind", ["weeds", "gaps"])
def test_pages_of_features_hold_each_of_them_once(program: Program, kind: str) -> None:
    whole = program.get(f"/api/v1/surveys/{SURVEY}/{kind}")["features"]
    path, found = f"/api/v1/surveys/{SURVEY}/{kind}?limit=2", []
    while path:
        told = program.get(path)
        assert told["truncated"] is (told["next"] is not None)
        found += told["features"]
        path = told["next"]
    assert found == whole


def test_layers_tell_their_tiles_legends_and_how_far_they_can_be_trusted(program: Program) -> None:
    layers = program.get(f"/api/v1/surveys/{SURVEY}/layers")["layers"]
    assert [one["key"] for one in layers][:2] == ["mosaic", "weed-cover"]
    labels = {one["key"]: one["label"] for one in layers}
    assert (labels["weed-cover"], labels["green"], labels["health"]) == ("estimated", "RGB-only", "relative")
    assert all((one["label"] is None) == (one["label_words"] is None) for one in layers)
    weeds = layers[1]
    assert weeds["unit"] == "% of the ground" and weeds["tiles"].startswith("http://localhost/tiles/")
    told = program.get(weeds["tilejson"].removeprefix("http://localhost"))
    assert told["tilejson"] == "3.0.0" and told["tiles"] == [weeds["tiles"]]
    west, south, east, north = told["bounds"]
    assert west < told["center"][0] < east and south < told["center"][1] < north
    program.get(f"/api/v1/surveys/{SURVEY}/layers/ndvi", 404)


def test_a_tile_and_a_legend_come_with_the_key(program: Program) -> None:
    layers = program.get(f"/api/v1/surveys/{SURVEY}/layers")["layers"]
    for one in layers:
        address = one["tiles"].removeprefix("http://localhost")
        tile = address.replace("{z}", "3").replace("{x}", "5").replace("{y}", "3")
        assert program.ask("GET", tile).status_code == 200
    assert program.ask("GET", layers[1]["legend"].removeprefix("http://localhost")).mimetype == "image/png"


def test_messages_come_in_pages_with_all_that_leaves(program: Program) -> None:
    told = program.get("/api/v1/messages")
    assert told["next"] is None and told["messages"][0]["body"] == {}
    one = told["messages"][0]["id"]
    assert program.get(f"/api/v1/messages/{one}")["id"] == one
    program.get("/api/v1/messages/none", 404)
    assert program.get("/api/v1/link") == {"link": None, "joined": None, "asked": None}


def test_what_the_box_cannot_do_is_not_there(program: Program, fresh: DemoBox) -> None:
    for path in ("prescription", "vigour", "files", f"change?before={SURVEY}"):
        program.get(f"/api/v1/surveys/{SURVEY}/{path}", 404)
    assert program.get(f"/api/v1/fields/{fresh.field_id}/spraying")["swath_m"] == 2.0


def test_photos_are_sent_in_parts(program: Program) -> None:
    data = bytes(1000)
    upload = program.ask("POST", "/api/v1/uploads", json={"field": "North"}).json
    assert upload is not None and upload["state"] == "open"
    path = f"/api/v1/uploads/{upload['id']}"
    offered = program.ask("POST", f"{path}/files", json={"files": [["a.jpg", len(data), 5]]}).json
    assert offered == {"files": [{"number": 0, "offset": 0, "refused": None}]}
    header = {
        "Upload-Offset": "0",
        "Upload-Crc32": str(zlib.crc32(data)),
        "Content-Type": "application/offset+octet-stream",
    }
    assert program.ask("PATCH", f"{path}/files/0", data=data, headers=header).json == {"offset": 1000}
    again = program.ask("PATCH", f"{path}/files/0", data=data, headers=header)
    assert again.status_code == 409
    assert program.get(f"{path}/files/0") == {"offset": 1000, "size": 1000}
    assert program.ask("POST", f"{path}/finish").json == {"files": 1}
    assert program.ask("DELETE", path).status_code == 409
    assert [one["state"] for one in program.get("/api/v1/uploads")["uploads"]] == ["sent"]


def test_a_part_of_another_media_type_is_not_read(program: Program) -> None:
    upload = program.ask("POST", "/api/v1/uploads", json={}).json
    assert upload is not None
    header = {"Upload-Offset": "0", "Upload-Crc32": "0", "Content-Type": "text/plain"}
    assert (
        program.ask("PATCH", f"/api/v1/uploads/{upload['id']}/files/0", data=b"x", headers=header).status_code
        == 415
    )
    assert program.ask("DELETE", f"/api/v1/uploads/{upload['id']}").status_code == 204


def test_how_a_field_is_treated_is_set_as_a_whole(program: Program, fresh: DemoBox) -> None:
    path = f"/api/v1/fields/{fresh.field_id}/spraying"
    pond = {"name": "pond", "patch": [[[73.8, 18.5], [73.9, 18.5], [73.9, 18.6]]], "strip_m": 3}
    body = {"swath_m": 3, "products": [{"name": "X", "dose_l_ha": 2}], "keep_off": [pond]}
    told = program.ask("PUT", path, json=body).json
    assert told is not None and (told["swath_m"], told["tank_l"]) == (3, 15)
    assert program.get(path) == told
    assert program.ask("PUT", path, json={"swath_m": 0}).status_code == 400
    crossed = {**pond, "patch": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}
    for wrong in ({**pond, "patch": []}, {**pond, "patch": [[[0, 0], [1, 1]]]}, crossed):
        assert program.ask("PUT", path, json={"keep_off": [wrong]}).status_code == 422
    assert program.get(path) == told


def test_the_work_on_a_flight_is_stopped_and_the_flight_deleted(fresh: DemoBox, key: dict[str, str]) -> None:
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(release=lambda: "cd" * 32))
    program = Program(app, app.test_client(), key)
    lone = replace(fresh.store.flight(fresh.flight_id), id="fl-lone", field_id=None)  # type: ignore[type-var]
    fresh.store.save_flight(lone)
    path = "/api/v1/flights/fl-lone"
    assert program.ask("POST", f"{path}/stop").status_code == 422
    again = program.ask("POST", f"{path}/again?anew=true")
    assert again.status_code == 422 and "nothing to map" in again.json["error"]  # type: ignore[index]
    fresh.store.enqueue("fl-lone", release_sha="cd" * 32)
    assert program.get(path)["state"] == "waiting"
    assert program.ask("POST", f"{path}/stop").json["state"] != "waiting"  # type: ignore[index]
    gone = program.ask("DELETE", path).json
    assert gone is not None and (gone["flight"], gone["surveys"], gone["shared"]) == ("fl-lone", [], 3)
    program.get(path, 404)


def test_flights_come_in_pages(program: Program, fresh: DemoBox) -> None:
    found = fresh.store.flight(fresh.flight_id)
    assert found
    for number in range(3):
        fresh.store.save_flight(replace(found, id=f"fl-page-{number}", field_id=None))
    whole = [one["id"] for one in program.get("/api/v1/flights")["flights"]]
    path, ids = "/api/v1/flights?limit=2", []
    while path:
        told = program.get(path)
        assert told["total"] == len(whole) and len(told["flights"]) <= 2
        ids += [one["id"] for one in told["flights"]]
        path = told["next"]
    assert ids == whole and len(whole) >= 4


def test_what_is_being_brought_is_told(program: Program, fresh: DemoBox) -> None:
    told = program.get("/api/v1/intake")
    assert told == {"at": None, "now": [], "last": []}
    brought = Brought(
        Way.CARD,
        "SD card",
        "c1",
        datetime(2026, 6, 3, 10, tzinfo=UTC),
        Came.PARTLY,
        Sentence("It is no photo."),
        accepted=3,
        flights=(fresh.flight_id,),
    )
    Board(fresh.root).add(brought)
    told = program.get("/api/v1/intake")
    [last] = told["last"]
    assert (last["outcome"], last["sentence"], last["flights"]) == (
        "partly",
        "It is no photo.",
        [fresh.flight_id],
    )


def test_a_box_without_a_hub_neither_sends_nor_packs(fresh: DemoBox, key: dict[str, str]) -> None:
    config = Config(storage=StorageConfig(root=fresh.root, reserve_mb=0))
    app = create_app(
        fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(sending=SendingDesk(config, fresh.store))
    )
    program = Program(app, app.test_client(), key)
    assert program.get("/api/v1/link") == {"link": None, "joined": False, "asked": None}
    for path in ("/api/v1/link/send-now", "/api/v1/messages/pack"):
        answer = program.ask("POST", path)
        assert answer.status_code == 422 and "join one" in answer.json["error"]  # type: ignore[index]
    file = {"data": b"no file of a hub", "headers": {"Content-Type": "application/octet-stream"}}
    assert program.ask("POST", "/api/v1/messages/unpack", **file).status_code == 422


def test_a_box_that_cannot_be_asked_to_send_says_so(program: Program) -> None:
    assert program.ask("POST", "/api/v1/link/send-now").status_code == 404
