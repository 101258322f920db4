"""The list of flights, the page of one, and what a person can do about it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.domain import Flight, Role
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import JobState
from fieldbox.storage.store import Store
from tests.dashboard.conftest import KEY, log_in, token_of
from tests.dashboard.demo_box import SHA, SURVEY, DemoBox, make_box


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Iterator[DemoBox]:
    made = make_box(tmp_path_factory.mktemp("filled"))
    for name, role in (("asha", Role.OWNER), ("ravi", Role.OPERATOR), ("visitor", Role.VIEWER)):
        made.store.add_user(name, password_hash, role)
    made.store.close()
    yield made


@pytest.fixture
def fresh(filled: DemoBox, tmp_path: Path) -> Iterator[DemoBox]:
    """A box of its own for a test that changes it."""
    shutil.copytree(filled.root, tmp_path / "box")
    with Store.open(tmp_path / "box" / "fieldbox.db") as store:
        yield replace(filled, store=store, root=tmp_path / "box")


@pytest.fixture
def app_of(fresh: DemoBox) -> Flask:
    return create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(release=lambda: SHA))


@pytest.fixture
def owner(app_of: Flask) -> FlaskClient:
    return log_in(app_of.test_client())


def text(client: FlaskClient, page: str, status: int = 200) -> str:
    answer = client.get(page)
    assert answer.status_code == status, page
    return answer.get_data(as_text=True)


def act(client: FlaskClient, page: str, **told: str) -> str:
    """Send a form, and read the page that follows."""
    answer = client.post(
        page, data={"csrf_token": token_of(client, "/settings"), **told}, follow_redirects=True
    )
    return f"{answer.status_code} {answer.get_data(as_text=True)}"


def more_flights(box: DemoBox, count: int) -> list[Flight]:
    flight = box.store.flight(box.flight_id)
    assert flight is not None
    made = [replace(flight, id=f"other-{number}") for number in range(count)]
    for one in made:
        box.store.save_flight(one)
    return made


# -- the list --------------------------------------------------------------------------------------


def test_the_list_tells_field_verdict_and_numbers(owner: FlaskClient, fresh: DemoBox) -> None:
    shown = text(owner, "/flights")
    assert "1 flight" in shown
    assert f"/flights/{fresh.flight_id}" in shown
    assert "Weeds cover 3.2 %" in shown and "3 photos" in shown
    assert f"/surveys/{SURVEY}/picture" in shown
    assert 'class="verdict warn">Usable' in shown


def test_the_list_goes_by_the_day_flown_and_says_so(owner: FlaskClient, fresh: DemoBox) -> None:
    flight = fresh.store.flight(fresh.flight_id)
    assert flight is not None
    for key, at in (("late", datetime(2026, 6, 20, 9)), ("early", datetime(2026, 5, 1, 9)), ("never", None)):
        fresh.store.save_flight(replace(flight, id=key, started_at=at, ended_at=at))
    shown = text(owner, "/flights")
    assert "The one flown last is first." in shown
    days = ["20 June 2026", "3 June 2026", "1 May 2026"]
    places = [shown.index(f'<h2 class="day">{day}</h2>') for day in days]
    assert places == sorted(places)
    (row,) = fresh.store.flight_rows(["late"])
    came = row.saved_at.astimezone()
    assert shown.count(f"Came in on {came.day} {came:%B %Y}</") == 3, "of one that is told by the heading"
    assert f"Flown at an unknown time, came in on {came.day} {came:%B %Y}</h2>" in shown


def test_the_list_is_paged_newest_first(owner: FlaskClient, fresh: DemoBox) -> None:
    more_flights(fresh, 24)
    first, second = text(owner, "/flights"), text(owner, "/flights?page=2")
    assert "1 of 2" in first and "Older" in first and "Newer" not in first
    assert "Newer" in second and "Older" not in second
    found = [set(re.findall(r'href="/flights/([\w-]+)"', one)) for one in (first, second)]
    assert [len(one) for one in found] == [20, 5]
    assert fresh.flight_id in found[1] and not found[0] & found[1]


def test_the_list_is_narrowed_by_field_and_by_work(owner: FlaskClient, fresh: DemoBox) -> None:
    (waits,) = more_flights(fresh, 1)
    fresh.store.save_flight(replace(waits, id="nowhere", field_id=None))
    fresh.store.enqueue(waits.id, release_sha=SHA)
    assert "1 flight<" in text(owner, "/flights?state=work").replace("1 flight</p>", "1 flight<")
    assert waits.id in text(owner, "/flights?state=work")
    assert fresh.flight_id in text(owner, "/flights?state=done")
    assert "nowhere" in text(owner, "/flights?field=none")
    assert "nowhere" not in text(owner, f"/flights?field={fresh.field_id}")
    assert "No flight is like this" in text(owner, "/flights?state=failed")
    for wrong in ("field=99", "field=x", "state=x"):
        text(owner, f"/flights?{wrong}", status=404)


def test_an_empty_list_says_how_to_begin(password_hash: str, tmp_path: Path) -> None:
    with Store.open(tmp_path / "fieldbox.db") as store:
        store.add_user("asha", password_hash, Role.OWNER)
        client = log_in(create_app(store, tmp_path, secret_key=KEY).test_client())
        shown = text(client, "/flights")
    assert "Plug in the drone" in shown and "ask its owner for a test flight" in shown


# -- the page of a flight --------------------------------------------------------------------------


def test_a_flight_tells_where_its_photos_came_from(owner: FlaskClient, fresh: DemoBox) -> None:
    shown = text(owner, f"/flights/{fresh.flight_id}")
    assert "/media/card" in shown and "3 new photos" in shown
    assert "Made 3 Jun 2026" in shown and "weeds 1.0" in shown


def test_the_photos_are_on_a_map_with_what_became_of_them(owner: FlaskClient, fresh: DemoBox) -> None:
    answer = owner.get(f"/flights/{fresh.flight_id}/photos.geojson").json
    assert answer is not None
    became = [one["properties"]["became"] for one in answer["features"]]
    assert became == ["used", "loose", "unplaced"]
    assert "GPS" in answer["features"][2]["properties"]["why"]
    assert owner.get("/flights/nothing/photos.geojson").status_code == 404
    shown = text(owner, f"/flights/{fresh.flight_id}")
    assert "data-flight" in shown and "photo: fits no other photo" in shown


def test_where_nothing_has_changed_it_is_said_and_not_offered(owner: FlaskClient, fresh: DemoBox) -> None:
    _mapped_under_present_conditions(fresh)
    shown = text(owner, f"/flights/{fresh.flight_id}")
    assert "Nothing that the map depends on has changed" in shown
    assert "Map again" not in shown and "Look anew" in shown
    assert "same photos give the same map" in act(owner, f"/flights/{fresh.flight_id}/again")
    assert fresh.store.jobs([JobState.WAITING]) == []


def test_what_has_changed_is_said_and_the_flight_mapped_again(owner: FlaskClient, fresh: DemoBox) -> None:
    _mapped_under_present_conditions(fresh)
    fresh.store.update_field(fresh.field_id, crop="maize")
    shown = text(owner, f"/flights/{fresh.flight_id}")
    assert "The crop of its field was named or changed." in shown and "Map again" in shown
    assert "it waits for its turn" in act(owner, f"/flights/{fresh.flight_id}/again")
    (job,) = fresh.store.jobs([JobState.WAITING])
    assert (job.flight_id, job.anew) == (fresh.flight_id, None)
    assert fresh.store.audits(1)[0].action == "flight mapped again"
    assert "is being mapped already" not in act(owner, f"/flights/{fresh.flight_id}/again")
    fresh.store.claim()
    assert "is being mapped already" in act(owner, f"/flights/{fresh.flight_id}/again")


def test_every_photo_is_looked_at_anew_on_wish(owner: FlaskClient, fresh: DemoBox) -> None:
    _mapped_under_present_conditions(fresh)
    act(owner, f"/flights/{fresh.flight_id}/again", anew="1")
    (job,) = fresh.store.jobs([JobState.WAITING])
    assert job.anew == "wanted"


def test_a_failed_flight_is_offered_again(owner: FlaskClient, fresh: DemoBox) -> None:
    job = fresh.store.enqueue(fresh.flight_id, release_sha="other")
    fresh.store.claim()
    fresh.store.fail(job, Sentence("The disk is full."), retry_at=None)
    assert "Map again" in text(owner, f"/flights/{fresh.flight_id}")
    act(owner, f"/flights/{fresh.flight_id}/again")
    assert [one.release_sha for one in fresh.store.jobs([JobState.WAITING])] == [SHA]


def test_work_is_stopped_by_name(owner: FlaskClient, fresh: DemoBox) -> None:
    assert "no work on this flight" in act(owner, f"/flights/{fresh.flight_id}/stop")
    job = fresh.store.enqueue(fresh.flight_id, release_sha=SHA)
    fresh.store.claim()
    assert "Stop</button>" in text(owner, f"/flights/{fresh.flight_id}/now")
    assert "asha wants it to stop" in act(owner, f"/flights/{fresh.flight_id}/stop")
    assert fresh.store.wanted_to_stop(job)
    fresh.store.stop(job)
    assert "asha stopped the work" in text(owner, f"/flights/{fresh.flight_id}")


def test_the_time_left_is_told(owner: FlaskClient, fresh: DemoBox) -> None:
    job = fresh.store.enqueue(fresh.flight_id, release_sha=SHA)
    fresh.store.claim()
    fresh.store.progress(job, "look", 20, 40, spent={"look": 360.0}, worked={"look": 20})
    for page in (f"/flights/{fresh.flight_id}", "/flights", "/"):
        assert "About 6 minutes left for this step." in text(owner, page), page


# -- deleting --------------------------------------------------------------------------------------


def test_deleting_is_told_of_exactly_before(owner: FlaskClient, fresh: DemoBox) -> None:
    shown = text(owner, f"/flights/{fresh.flight_id}/delete")
    size = sum(path.stat().st_size for path in (fresh.root / "rasters" / SURVEY).iterdir())
    assert f"{size / 1e6:.1f} <span" in shown
    assert "1 message about it still waits and will not be sent" in shown
    assert "203 plants" in shown and "3 photos" in shown


def test_a_flight_is_deleted_by_its_owner_who_is_sure(owner: FlaskClient, fresh: DemoBox) -> None:
    page = f"/flights/{fresh.flight_id}/delete"
    assert "Nothing was deleted" in act(owner, page)
    assert fresh.store.flight(fresh.flight_id) is not None
    assert "The flight is deleted" in act(owner, page, sure="1")
    assert fresh.store.flight(fresh.flight_id) is None
    assert (fresh.store.audits(1)[0].actor, fresh.store.audits(1)[0].action) == ("asha", "flight deleted")
    for gone in (f"/flights/{fresh.flight_id}", page):
        text(owner, gone, status=404)
    assert fresh.store.check() == []


def test_a_flight_that_is_being_mapped_is_not_deleted(owner: FlaskClient, fresh: DemoBox) -> None:
    fresh.store.enqueue(fresh.flight_id, release_sha=SHA)
    fresh.store.claim()
    assert "being mapped" in text(owner, f"/flights/{fresh.flight_id}/delete")
    assert "being mapped" in act(owner, f"/flights/{fresh.flight_id}/delete", sure="1")
    assert fresh.store.flight(fresh.flight_id) is not None


def test_nothing_is_deleted_while_photos_are_sorted_into_flights(owner: FlaskClient, fresh: DemoBox) -> None:
    with fresh.store.grouping_lock():
        assert "being sorted" in act(owner, f"/flights/{fresh.flight_id}/delete", sure="1")
    assert fresh.store.flight(fresh.flight_id) is not None


@pytest.mark.parametrize(("name", "may"), [("ravi", {"again", "stop", "pin"}), ("visitor", set())])
def test_who_may_do_what(app_of: Flask, fresh: DemoBox, name: str, may: set[str]) -> None:
    client = log_in(app_of.test_client(), name)
    for deed in ("again", "stop", "pin", "delete"):
        answer = act(client, f"/flights/{fresh.flight_id}/{deed}", sure="1")
        assert answer.startswith("200" if deed in may else "403"), deed
    shown = text(client, f"/flights/{fresh.flight_id}")
    assert "Delete this flight" not in shown
    assert (f"/flights/{fresh.flight_id}/again" in shown) == ("again" in may)


def _mapped_under_present_conditions(box: DemoBox) -> None:
    job = box.store.enqueue(box.flight_id, release_sha=SHA)
    box.store.claim()
    box.store.finish(job)
