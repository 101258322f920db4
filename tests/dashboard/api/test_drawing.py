"""Outlines, rows and control points, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond, Intake
from fieldbox.domain import ControlMark, SeenFrom
from fieldbox.ingest.uploads import Uploads
from tests.dashboard.api.asking import Program
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import NORTH, PHOTO_SIZE, SURVEY, WEST, DemoBox, lat_lon

PATH = "/api/v1/fields/1"
CORNERS = ((5, 5), (50, 5), (50, 35), (5, 35))
"""East and south of the north-west corner, metres."""


def ring(*corners: tuple[float, float]) -> list[list[float]]:
    places = [lat_lon(WEST + east, NORTH - south) for east, south in corners]
    return [[lon, lat] for lat, lon in places]


def square() -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring(*CORNERS, CORNERS[0])]}


def new(**told: Any) -> dict[str, Any]:
    lat, lon = lat_lon(WEST + 30, NORTH - 20)
    return {"name": "gate", "lat": lat, "lon": lon, "error_m": 0.03, **told}


@pytest.fixture
def marking(fresh: DemoBox, key: dict[str, str]) -> Program:
    """A program on a box whose photos show every place, and that takes uploads."""
    flight = fresh.store.flight(fresh.flight_id)
    assert flight

    def views(_survey: str, _lat: float, _lon: float) -> list[SeenFrom]:
        width, height = PHOTO_SIZE
        return [
            SeenFrom(one.digest, one.name, one.taken_at, 600.2, 450.7, width, height, 1.0, 2.0, True)
            for one in flight.captures
        ]

    intake = Intake(Uploads(fresh.root / "uploads", reserve_bytes=0), lambda: None)
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(views=views, intake=intake))
    return Program(app, app.test_client(), key)


def test_an_outline_is_drawn_read_and_let_go(program: Program, fresh: DemoBox) -> None:
    before = program.get(f"{PATH}/boundary")
    answer = program.ask("PUT", f"{PATH}/boundary", json=square())
    assert answer.status_code == 200 and answer.mimetype == "application/geo+json"
    kept = program.get(f"{PATH}/boundary")
    assert kept == answer.json != before
    rounded = [[round(lon, 7), round(lat, 7)] for lon, lat in ring(*CORNERS)]
    assert sorted(kept["coordinates"][0][:-1]) == sorted(rounded)
    assert program.get(PATH)["drawn"] is True
    again = program.ask("PUT", f"{PATH}/boundary", json=kept)
    assert again.json == kept, "what is answered can be sent"
    followed = program.ask("DELETE", f"{PATH}/boundary").json
    assert followed == program.get(f"{PATH}/boundary") != kept
    assert program.get(PATH)["drawn"] is False


def test_it_may_be_sent_as_geojson(program: Program) -> None:
    header = {"Content-Type": "application/geo+json"}
    body = program.client.get(f"{PATH}/boundary", headers=program.header).data
    assert program.ask("PUT", f"{PATH}/boundary", data=body, headers=header).status_code == 200


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        (((5, 5), (50, 35), (50, 5), (5, 35)), "crosses itself"),
        (((5, 5), (6, 5), (6, 6)), "less than"),
        (((5, 5), (9_000, 5), (9_000, 9_000)), "more than"),
    ],
)
def test_an_outline_that_no_field_has_is_refused_in_a_sentence(
    program: Program, corners: tuple[tuple[float, float], ...], said: str
) -> None:
    body = {"type": "Polygon", "coordinates": [ring(*corners)]}
    answer = program.ask("PUT", f"{PATH}/boundary", json=body)
    assert answer.status_code == 422 and said in answer.json["error"]  # type: ignore[index]


def test_an_outline_with_an_opening_or_of_another_kind_is_not_read(program: Program) -> None:
    hole = {**square(), "coordinates": [ring(*CORNERS), ring((10, 10), (12, 10), (12, 12))]}
    for body in (hole, {**square(), "type": "LineString"}, {"coordinates": square()["coordinates"]}):
        assert program.ask("PUT", f"{PATH}/boundary", json=body).status_code == 400


def test_the_direction_of_rows_is_told_and_taken_back(program: Program) -> None:
    assert program.ask("PATCH", PATH, json={"row_deg": 200}).json["row_deg"] == 20  # type: ignore[index]
    assert program.get(PATH)["row_deg"] == 20
    [shown] = [
        one for one in program.get("/api/v1/fields.geojson")["features"] if one["properties"]["id"] == 1
    ]
    assert shown["properties"]["row_deg"] == 20
    assert program.ask("PATCH", PATH, json={"row_deg": None}).json["row_deg"] is None  # type: ignore[index]
    assert program.ask("PATCH", PATH, json={"row_deg": 361}).status_code == 400


def test_a_point_is_added_marked_and_deleted(marking: Program) -> None:
    made = marking.ask("POST", f"{PATH}/points", json=new(height_m=560.5))
    assert made.status_code == 201 and made.json is not None
    point = f"{PATH}/points/{made.json['properties']['id']}"
    views = marking.get(f"/api/v1/surveys/{SURVEY}/views?lat=18.5234&lon=73.8499")["views"]
    assert {one["on_box"] for one in views} == {True, False} or all(one["on_box"] for one in views)
    photo = next(one for one in views if one["on_box"])
    mark = f"{point}/marks/{photo['photo']}"
    marked = marking.ask("PUT", mark, json={"x": photo["x"], "y": photo["y"]}).json
    assert marked is not None
    assert marked["properties"]["marks"] == [{"photo": photo["photo"], "x": 600.2, "y": 450.7}]
    assert marking.get(point) == marked
    assert marking.get(f"{PATH}/points")["features"] == [marked]
    assert marking.ask("PUT", mark, json={"x": 99_999, "y": 1}).status_code == 422
    assert marking.ask("DELETE", mark).json["properties"]["marks"] == []  # type: ignore[index]
    assert marking.ask("DELETE", point).status_code == 204
    marking.get(point, 404)


def test_marks_are_handed_over_once_two_photos_show_a_point(marking: Program, fresh: DemoBox) -> None:
    made = marking.ask("POST", f"{PATH}/points", json=new(name="pump")).json
    assert made is not None
    point = f"{PATH}/points/{made['properties']['id']}"
    refused = marking.ask("POST", f"{PATH}/points/hand-over")
    assert refused.status_code == 422 and "two photos" in refused.json["error"]  # type: ignore[index]
    marking.get(f"{PATH}/points/gcp_list.txt", 404)
    views = marking.get(f"/api/v1/surveys/{SURVEY}/views?lat=18.5234&lon=73.8499")["views"]
    for one in views[:2]:  # of the demonstration's photos a single one is on the box
        fresh.store.mark_point(made["properties"]["id"], ControlMark(one["photo"], 10, 20))
    assert len(marking.get(point)["properties"]["marks"]) == 2
    assert marking.ask("GET", f"{PATH}/points/gcp_list.txt").text.startswith("EPSG:4326\n")
    assert marking.ask("POST", f"{PATH}/points/hand-over").json == {"flights": 1}


def test_a_point_far_from_its_field_is_refused(marking: Program) -> None:
    answer = marking.ask("POST", f"{PATH}/points", json=new(lat=-33.0))
    assert answer.status_code == 422 and "km from the photos" in answer.json["error"]  # type: ignore[index]
    assert marking.ask("POST", f"{PATH}/points", json=new(error_m=0)).status_code == 400


def test_what_the_box_cannot_do_about_points_is_not_there(program: Program) -> None:
    program.get(f"/api/v1/surveys/{SURVEY}/views?lat=18.5&lon=73.8", 404)
