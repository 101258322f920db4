"""What the pages say of photos that are kept, and of those that were removed to make room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.domain import FileKind, FileState, Original
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import SURVEY, DemoBox, make_box


@pytest.fixture
def fresh(tmp_path: Path, password_hash: str) -> Iterator[DemoBox]:
    """A box whose flight is done and whose first photo is noted as a file."""
    made = make_box(tmp_path / "box")
    made.store.add_user("asha", password_hash, "owner")
    ingest = made.store.begin_ingest("card")
    made.store.add_given(ingest, [Original(made.photo, "DCIM/a.JPG", 2_500_000, FileKind.JPEG)])
    made.store.end_ingest(ingest, duplicates=0)
    made.store.settle_files([made.photo], FileState.TAKEN)
    for job in made.store.jobs():
        made.store.finish(job.id)
    for message in made.store.messages():
        made.store.acknowledge(datetime.now(UTC), ids=[message.id])
    yield made
    made.store.close()


@pytest.fixture
def visitor(fresh: DemoBox) -> FlaskClient:
    app = create_app(fresh.store, fresh.root, secret_key=KEY)
    app.testing = True
    return log_in(app.test_client())


def page_of(client: FlaskClient, page: str) -> str:
    return client.get(page).get_data(as_text=True)


def pin(client: FlaskClient, box: DemoBox, wanted: str) -> int:
    page = f"/flights/{box.flight_id}"
    form = {"csrf_token": token_of(client, page), "pinned": wanted}
    return client.post(f"{page}/pin", data=form).status_code


def test_the_photos_of_a_flight_are_pinned_and_let_go(visitor: FlaskClient, fresh: DemoBox) -> None:
    page = f"/flights/{fresh.flight_id}"
    shown = page_of(visitor, page)
    assert "Photos still on the box: 1 of 1 (2.5 MB)." in shown
    assert "Keep these photos" in shown
    assert pin(visitor, fresh, "1") == 302
    kept = fresh.store.kept(fresh.flight_id)
    assert kept
    assert kept.pinned
    assert fresh.store.let_go(lambda held: [one.flight_id for one in held if not one.holds]) == []
    entry = fresh.store.audits()[0]
    assert (entry.actor, entry.action, entry.detail) == ("asha", "flight pinned", fresh.flight_id)
    assert "Let these photos go" in page_of(visitor, page)
    assert pin(visitor, fresh, "0") == 302
    assert "Keep these photos" in page_of(visitor, page)


def test_pinning_needs_a_flight_and_a_token(visitor: FlaskClient, fresh: DemoBox) -> None:
    form = {"csrf_token": token_of(visitor, f"/flights/{fresh.flight_id}"), "pinned": "1"}
    assert visitor.post("/flights/none/pin", data=form).status_code == 404
    visitor.post(f"/flights/{fresh.flight_id}/pin", data={"pinned": "1"})
    kept = fresh.store.kept(fresh.flight_id)
    assert kept
    assert not kept.pinned


def test_a_photo_that_was_removed_is_told_of_in_words(visitor: FlaskClient, fresh: DemoBox) -> None:
    spot = f"/surveys/{SURVEY}/hotspots/1"
    assert "<img" in page_of(visitor, spot)
    assert fresh.store.let_go(lambda held: [one.flight_id for one in held]) == [fresh.flight_id]
    (fresh.root / "originals" / fresh.photo[:2] / f"{fresh.photo}.jpg").unlink()
    for page in (spot, f"{spot}?part=1", f"/surveys/{SURVEY}/look/{fresh.photo}?x=7&y=8"):
        answer = visitor.get(page)
        assert answer.status_code == 200
        shown = answer.get_data(as_text=True)
        assert "to make room; its results stay: give the card again to look at it." in shown
        assert "/crop" not in shown
    for page in (
        f"/photo/{fresh.photo}",
        f"/photo/{fresh.photo}/original",
        f"/photo/{fresh.photo}/crop?x=1&y=1",
    ):
        answer = visitor.get(page)
        assert answer.status_code == 410
        assert answer.headers["Cache-Control"] == "no-store"
        assert "The photo was removed on " in answer.get_data(as_text=True)
        assert "<h1>This photo cannot be shown.</h1>" in answer.get_data(as_text=True)
    shown = page_of(visitor, f"/flights/{fresh.flight_id}")
    assert "Photos still on the box: 0 of 1 (0.0 MB)." in shown
    assert "give the card again to bring the photos back" in shown


def test_a_photo_that_was_never_there_is_told_of_in_words(visitor: FlaskClient) -> None:
    answer = visitor.get("/photo/" + "ab" * 32)
    assert answer.status_code == 404
    assert "This photo is not on the box any more." in answer.get_data(as_text=True)
