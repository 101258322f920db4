"""Points marked on the dashboard go the way of every list: two flights over one field, whose photos have the same names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.passwords import hash_password
from fieldbox.dashboard.ports import Beyond, Intake
from fieldbox.domain import ControlMark, MarkedPoint
from fieldbox.ingest.uploads import Uploads
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.test_lists import LAT, LON, STEP, Box, box, fly

__all__ = ["box"]


@pytest.fixture
def client(box: Box) -> Iterator[FlaskClient]:
    """Somebody at the pages of the box."""
    box.store.add_user("asha", hash_password("correct horse"), "owner")
    uploads = Uploads(box.config.storage.root / "uploads", reserve_bytes=0)
    beyond = Beyond(intake=Intake(uploads, lambda: None))
    yield log_in(create_app(box.store, box.config.storage.root, secret_key=KEY, beyond=beyond).test_client())


def handed_over(client: FlaskClient, box: Box, field_id: int) -> Path:
    """Hand the marks over; where the intake finds what was."""
    page = f"/fields/{field_id}/points"
    answer = client.post(f"{page}/list", data={"csrf_token": token_of(client, page)})
    assert answer.status_code == 303
    uploads = Uploads(box.config.storage.root / "uploads", reserve_bytes=0)
    (session,) = uploads.sessions()
    return uploads.files(session)


def test_marks_reach_the_flight_that_they_were_made_on(box: Box, tmp_path: Path, client: FlaskClient) -> None:
    first = box.take(fly(tmp_path / "first"))
    second = box.take(fly(tmp_path / "second", day=2))
    (flight,), (other,) = first.flights, second.flights
    assert flight.field_id is not None
    assert other.field_id == flight.field_id
    for number in range(3):
        place = (LAT + STEP * (1 + number), LON + 1e-5 * number)
        point = box.store.add_control_point(
            MarkedPoint(0, flight.field_id, f"point {number}", *place, None, 0.2, "asha")
        )
        for capture in flight.captures[number : number + 2]:
            box.store.mark_point(point.id, ControlMark(capture.digest, 100.5 + number, 120.0))

    arrival = box.take(handed_over(client, box, flight.field_id))
    assert arrival.rejected == ()
    assert [one.id for one in arrival.flights] == [flight.id]
    control = box.given(first).control
    assert control is not None
    assert {(one.name, one.error95_m) for one in control.points} == {(f"point {n}", 0.2) for n in range(3)}
    assert {one.image for one in control.marks} == {one.digest for one in flight.captures}
    assert box.given(second).control is None
