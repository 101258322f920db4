"""What the API tells and does, subject by subject; every answer is held against the description."""

from __future__ import annotations

import zlib

import pytest

from tests.dashboard.api.asking import Program
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
    assert {one["label"] for one in layers} == {"RGB-only"}
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
    assert program.get("/api/v1/link") == {"link": None}


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
