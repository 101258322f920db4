"""Control points: added, marked on photos, and handed over as a list that the intake understands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond, Intake
from fieldbox.domain import AuditFilter, ControlMark, MarkedPoint, SeenFrom
from fieldbox.georef.control import Size, read_control
from fieldbox.ingest.uploads import Uploads
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import NASTY, NORTH, PHOTO_SIZE, SURVEY, WEST, DemoBox, lat_lon, make_box

PLACE = lat_lon(WEST + 30, NORTH - 20)
Own = tuple[DemoBox, FlaskClient, Uploads]


@pytest.fixture
def own(tmp_path: Path, password_hash: str) -> Iterator[Own]:
    """A box whose photos show every place in their middle, and that takes uploads."""
    made = make_box(tmp_path)
    made.store.add_user("asha", password_hash, "owner")
    uploads = Uploads(made.root / "uploads", reserve_bytes=0)
    flight = made.store.flight(made.flight_id)
    assert flight

    def views(survey_id: str, lat: float, lon: float) -> list[SeenFrom]:
        assert survey_id == SURVEY
        width, height = PHOTO_SIZE
        return [
            SeenFrom(one.digest, one.name, one.taken_at, 600.2, 450.7, width, height, 1.0, 2.0, True)
            for one in flight.captures
        ]

    beyond = Beyond(views=views, intake=Intake(uploads, lambda: None))
    app = create_app(made.store, made.root, secret_key=KEY, beyond=beyond)
    app.testing = True
    yield made, log_in(app.test_client()), uploads
    made.store.close()


def act(client: FlaskClient, path: str, **told: str) -> tuple[int, str]:
    """Send a form; the status, and the page that comes of it."""
    token = token_of(client, "/fields/1/points")
    answer = client.post(path, data={"csrf_token": token, **told}, follow_redirects=True)
    return answer.status_code, answer.get_data(as_text=True)


def new(**told: str) -> dict[str, str]:
    """What somebody types for a point."""
    return {"name": "gate", "lat": f"{PLACE[0]:.8f}", "lon": f"{PLACE[1]:.8f}", "error": "0,03", **told}


def kept(demo: DemoBox, name: str = "gate") -> MarkedPoint:
    """A point of the field."""
    return demo.store.add_control_point(MarkedPoint(0, 1, name, *PLACE, None, 0.03, "asha"))


def test_a_point_is_added_and_looked_for_in_photos(own: Own) -> None:
    demo, client, _uploads = own
    status, page = act(client, "/fields/1/points", **new(height="561.5"))
    (point,) = demo.store.control_points(1)
    assert status == 200
    assert (point.name, point.height_m, point.error_m, point.made_by) == ("gate", 561.5, 0.03, "asha")
    assert (point.lat, point.lon) == pytest.approx(PLACE, abs=1e-8)
    assert "Where is gate?" in page
    assert "Photo 1 of 1" in page  # of three photos one is on the box
    assert "Take this mark back" not in page


WRONG = {
    "A control point needs a name.": {"name": "  "},
    "are numbers": {"lat": "north"},
    "lies nowhere on Earth": {"lat": "98.5"},
    "km from the photos": {"lat": "18.9"},
    "The error of a control point": {"error": "0"},
    "This is no height": {"height": "20000"},
}


@pytest.mark.parametrize("why", WRONG)
def test_what_is_no_point_is_refused_and_what_was_typed_stays(own: Own, why: str) -> None:
    demo, client, _uploads = own
    status, page = act(client, "/fields/1/points", **new(**WRONG[why]))
    assert status == 422
    assert why in page
    assert 'value="0,03"' in page or "error" in WRONG[why]
    assert demo.store.control_points(1) == []


def test_a_point_of_a_phone_is_kept_with_a_warning(own: Own) -> None:
    demo, client, _uploads = own
    _status, page = act(client, "/fields/1/points", **new(error="4.2"))
    assert "hardly mends a map" in page
    assert demo.store.control_points(1)[0].error_m == 4.2


def test_a_mark_is_kept_moved_and_taken_back(own: Own) -> None:
    demo, client, _uploads = own
    point, photo = kept(demo), demo.photo
    path = f"/fields/1/points/{point.id}/mark"
    act(client, path, photo=photo, x="601.5", y="449")
    assert demo.store.control_point(point.id).marks == (ControlMark(photo, 601.5, 449.0),)
    _status, page = act(client, path, photo=photo, x="602", y="449")
    assert "Marked in 1 photo so far." in page
    assert demo.store.control_point(point.id).marks == (ControlMark(photo, 602.0, 449.0),)
    act(client, path, photo=photo, away="1")
    assert demo.store.control_point(point.id).marks == ()
    done = [one.action for one in demo.store.audits(9, AuditFilter())]
    assert done[:3] == ["control point mark taken back", "control point marked", "control point marked"]


@pytest.mark.parametrize(("x", "y"), [("", ""), ("1200", "10"), ("-1", "10"), ("nan", "10")])
def test_what_is_no_place_in_the_photo_is_not_marked(own: Own, x: str, y: str) -> None:
    demo, client, _uploads = own
    point = kept(demo)
    _status, page = act(client, f"/fields/1/points/{point.id}/mark", photo=demo.photo, x=x, y=y)
    assert 'class="note bad"' in page
    assert demo.store.control_point(point.id).marks == ()


def test_a_point_of_another_field_is_none_of_this_one(own: Own) -> None:
    demo, client, _uploads = own
    point = kept(demo)
    demo.store.add_field("South", ((73.0, 18.0), (73.1, 18.0), (73.1, 18.1)), drawn=True)
    assert client.get(f"/fields/2/points/{point.id}").status_code == 404
    assert act(client, f"/fields/2/points/{point.id}/delete")[0] == 404
    assert demo.store.control_point(point.id)


def marked(demo: DemoBox) -> list[str]:
    """A point that is marked in two photos, and one in a single one; the photos."""
    flight = demo.store.flight(demo.flight_id)
    assert flight
    photos = [one.digest for one in flight.captures[:2]]
    first, second = kept(demo, "a b"), kept(demo, "lonely")
    for number, digest in enumerate(photos):
        demo.store.mark_point(first.id, ControlMark(digest, 10.25 + number, 20.0))
    demo.store.mark_point(second.id, ControlMark(photos[0], 1.0, 1.0))
    return photos


def test_marks_are_handed_over_as_a_list_that_can_be_read(own: Own) -> None:
    demo, client, uploads = own
    marked(demo)
    _status, page = act(client, "/fields/1/points/list")
    assert "The marks are handed over" in page
    (session,) = uploads.sessions()
    assert (session.user, session.state) == ("asha", "sent")
    (file,) = uploads.files(session).rglob("gcp_list.txt")
    names = {f"{demo.flight_id}/DCIM/{NASTY}.JPG", f"{demo.flight_id}/DCIM/DJI_0001.JPG"}
    found = read_control(file.read_bytes(), dict.fromkeys(names, Size(*PHOTO_SIZE)))
    assert found.problems == ()
    (point,) = found.points
    assert (point.name, point.up_m, point.error95_m) == ("a b", None, 0.03)
    assert (point.lat, point.lon) == pytest.approx(PLACE, abs=1e-8)
    assert {one.image: one.x for one in found.marks} == {
        f"{demo.flight_id}/DCIM/{NASTY}.JPG": 10.25,
        f"{demo.flight_id}/DCIM/DJI_0001.JPG": 11.25,
    }
    whole = client.get("/fields/1/points/gcp_list.txt").get_data()
    assert whole == file.read_bytes()


def test_without_marks_nothing_is_handed_over(own: Own) -> None:
    demo, client, uploads = own
    kept(demo)
    _status, page = act(client, "/fields/1/points/list")
    assert "Mark a control point in two photos" in page
    assert uploads.sessions() == []
    assert client.get("/fields/1/points/gcp_list.txt").status_code == 404


def test_a_point_is_deleted(own: Own) -> None:
    demo, client, _uploads = own
    point = kept(demo)
    _status, page = act(client, f"/fields/1/points/{point.id}/delete")
    assert "The control point gate is deleted." in page
    assert demo.store.control_points(1) == []


def test_what_came_of_the_points_is_told(own: Own) -> None:
    _demo, client, _uploads = own
    page = client.get("/fields/1/points").get_data(as_text=True)
    assert "The last map used 3 control points." in page
    assert "It misses them by 0.021 m." in page
