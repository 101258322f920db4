"""Outlines and directions that people draw: what is kept, what is refused, and what follows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.outlines import corners_in, outline_in, require_outline, written
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import AuditFilter
from fieldbox.errors import Rejected
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import NORTH, WEST, DemoBox, lat_lon, make_box

Ring = tuple[tuple[float, float], ...]


def ring(*places: tuple[float, float]) -> Ring:
    """(lon, lat) of places so many metres east and south of the field's corner."""
    found = (lat_lon(WEST + east, NORTH - south) for east, south in places)
    return tuple((round(lon, 7), round(lat, 7)) for lat, lon in found)


SQUARE = ring((5, 5), (55, 5), (55, 35), (5, 35))
BOW = ring((5, 5), (55, 35), (55, 5), (5, 35))


@pytest.fixture
def own(tmp_path: Path, password_hash: str) -> Iterator[tuple[DemoBox, FlaskClient, Flask]]:
    """A box of one's own, with asha in front of it."""
    made = make_box(tmp_path)
    made.store.add_user("asha", password_hash, "owner")
    app = create_app(made.store, made.root, secret_key=KEY, beyond=Beyond(release=lambda: "ab" * 32))
    app.testing = True
    yield made, log_in(app.test_client()), app
    made.store.close()


def send(client: FlaskClient, path: str, **told: object) -> tuple[int, str]:
    """Send a form of the drawing page; the status, and the page that comes of it."""
    token = token_of(client, "/fields/1/draw")
    answer = client.post(path, data={"csrf_token": token, **told}, follow_redirects=True)
    return answer.status_code, answer.get_data(as_text=True)


def test_typed_corners_become_the_outline(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    status, page = send(client, "/fields/1/boundary", corners=written(SQUARE))
    field = demo.store.field(1)
    assert (status, field.drawn, field.boundary) == (200, True, SQUARE)
    assert "The outline is kept: 0.15\u00a0ha." in page
    assert "from the next flight on" in page
    (deed,) = demo.store.audits(1, AuditFilter())
    assert (deed.actor, deed.action, deed.detail) == ("asha", "boundary drawn", "1: 4 corners")


def test_the_same_outline_again_changes_nothing(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    send(client, "/fields/1/boundary", corners=written(SQUARE))
    _status, page = send(client, "/fields/1/boundary", corners=written(SQUARE))
    assert "Nothing was changed." in page
    assert [one.action for one in demo.store.audits(9, AuditFilter())].count("boundary drawn") == 1


def test_an_outline_that_is_refused_keeps_what_was_typed(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    before = demo.store.field(1)
    status, page = send(client, "/fields/1/boundary", corners=written(BOW))
    assert status == 422
    assert "crosses itself" in page
    assert written(BOW) in page
    assert demo.store.field(1) == before


def test_a_file_goes_before_typed_corners(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    told = json.dumps({"type": "Polygon", "coordinates": [[list(one) for one in (*SQUARE, SQUARE[0])]]})
    file = (io.BytesIO(told.encode()), "field.geojson")
    send(client, "/fields/1/boundary", corners=written(BOW), file=file)
    assert demo.store.field(1).boundary == SQUARE


def test_the_outline_follows_the_photos_again(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    send(client, "/fields/1/boundary", corners=written(SQUARE))
    _status, page = send(client, "/fields/1/boundary", follow="1")
    field = demo.store.field(1)
    assert not field.drawn
    assert field.boundary != SQUARE
    assert "Nobody drew an outline" in page


def test_a_direction_is_told_and_taken_back(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    _status, page = send(client, "/fields/1/rows", degrees="214,5")
    assert demo.store.field(1).row_deg == 34.5
    assert "The rows run at 34.5°." in page
    _status, page = send(client, "/fields/1/rows", found="1", degrees="34.5")
    assert demo.store.field(1).row_deg is None
    assert "found from the photos" in page


@pytest.mark.parametrize("typed", ["north", "nan", "1e9", "-400"])
def test_what_is_no_direction_is_refused(own: tuple[DemoBox, FlaskClient, Flask], typed: str) -> None:
    demo, client, _app = own
    _status, page = send(client, "/fields/1/rows", degrees=typed)
    assert "A direction is a number of degrees" in page
    assert demo.store.field(1).row_deg is None


def test_what_follows_can_be_done_at_once(own: tuple[DemoBox, FlaskClient, Flask]) -> None:
    demo, client, _app = own
    demo.store.enqueue(demo.flight_id, release_sha="ab" * 32, anew=True)
    job = demo.store.claim()
    assert job
    demo.store.finish(job.id)
    assert "Map the newest flight again" not in client.get("/fields/1/draw").get_data(as_text=True)
    _status, page = send(client, "/fields/1/rows", degrees="90")
    assert "The direction of its crop rows was told or changed." in page
    assert 'action="/flights/fl-demo-1/again"' in page


def test_a_viewer_sees_and_changes_nothing(
    own: tuple[DemoBox, FlaskClient, Flask], password_hash: str
) -> None:
    demo, _client, app = own
    demo.store.add_user("ravi", password_hash, "viewer")
    viewer = log_in(app.test_client(), "ravi")
    page = viewer.get("/fields/1/draw").get_data(as_text=True)
    assert "Outline" in page
    assert "Save the outline" not in page


# -- corners, files, rules ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "18.5, 73.8\n18.6, 73.8\n\n18.6, 73.9",
        "18,5; 73,8\n18,6; 73,8\n18,6;73,9",
        "18.5 73.8\r\n18.6\t73.8\r\n18.6  73.9",
    ],
)
def test_corners_are_read_as_people_type_them(text: str) -> None:
    assert corners_in(text) == ((73.8, 18.5), (73.8, 18.6), (73.9, 18.6))


@pytest.mark.parametrize("line", ["here", "18.5", "18.5, 73.8, 4", "91, 10", "10, 181", "nan, 3"])
def test_the_line_that_is_no_corner_is_named(line: str) -> None:
    with pytest.raises(Rejected, match="Line 3"):
        corners_in(f"18.5, 73.8\n\n{line}")


KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><Polygon>
<outerBoundaryIs><LinearRing><coordinates>{outer}</coordinates></LinearRing></outerBoundaryIs>
<innerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,0</coordinates></LinearRing></innerBoundaryIs>
</Polygon></Placemark></Document></kml>"""


def test_the_largest_area_of_a_file_is_taken() -> None:
    small = ring((0, 0), (10, 0), (10, 10))
    features = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [list(map(list, one))]},
        }
        for one in (small, SQUARE)
    ]
    assert outline_in(json.dumps({"type": "FeatureCollection", "features": features}).encode()) == SQUARE
    outer = " ".join(f"{lon},{lat},0" for lon, lat in (*SQUARE, SQUARE[0]))
    assert outline_in(KML.format(outer=outer).encode()) == SQUARE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"{}",
        b'{"type": "Point", "coordinates": [1, 2]}',
        b'{"type": "Polygon", "coordinates": []}',
        b'{"type": "Polygon", "coordinates": [[[1e9, 0], [1, 1], [0, 1]]]}',
        b"<kml><coordinates>1,2</coordinates></kml>",
        b"<kml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><kml><coordinates>&a;</coordinates></kml>',
        b"[" * 5000,
    ],
)
def test_a_file_without_an_area_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected):
        outline_in(data)


PHOTOS = [lat_lon(WEST + 30, NORTH - 20)[::-1]]
REFUSED = {
    "three corners": SQUARE[:2],
    "crosses itself": BOW,
    "less than 25 m²": ring((0, 0), (4, 0), (4, 4)),
    "more than 1000 ha": ring((-2000, -2000), (2000, -2000), (2000, 2000), (-2000, 2000)),
    "km from the photos": ring((0, 0), (7000, 0), (7000, 100)),
    "at most 500 corners": tuple((73.8 + one / 1e6, 18.5 + one * one / 1e9) for one in range(501)),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_no_field_can_be_is_refused_with_the_reason(why: str) -> None:
    with pytest.raises(Rejected, match=why):
        require_outline(REFUSED[why], PHOTOS)


def test_a_side_that_touches_another_crosses_it() -> None:
    touching = ring((0, 0), (40, 0), (40, 30), (20, -5), (0, 30))
    with pytest.raises(Rejected, match="crosses itself"):
        require_outline(touching, PHOTOS)
    assert require_outline(SQUARE, ()) == SQUARE
