"""The home page: what needs me now, and the same few queries however much the box holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from fieldbox.dashboard import home
from fieldbox.dashboard.app import create_app
from fieldbox.domain import Interval, Role, WeedBasis
from fieldbox.storage.store import Store, utc_now
from tests.dashboard.conftest import KEY, log_in
from tests.storage.samples import add_flight, near_bangalore, survey, told


@pytest.fixture
def store(tmp_path: Path, password_hash: str) -> Iterator[Store]:
    with Store.open(tmp_path / "fieldbox.db") as made:
        made.add_user("asha", password_hash, Role.OWNER)
        made.add_user("visitor", password_hash, Role.VIEWER)
        yield made


@pytest.fixture
def client(store: Store, tmp_path: Path) -> FlaskClient:
    return log_in(create_app(store, tmp_path, secret_key=KEY).test_client())


def text(client: FlaskClient, page: str = "/") -> str:
    answer = client.get(page)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def fly(store: Store, number: int, *, field_id: int | None = None, days: int = 0, cover: float = 4.0) -> int:
    """A mapped flight of three photos; the id of its field."""
    flight = add_flight(store, f"flight-{number}", first=1 + 3 * number)
    start = datetime(2026, 6, 1, 12) + timedelta(days=days)
    flight = replace(flight, started_at=start, field_id=field_id or flight.field_id)
    store.save_flight(flight)
    found = replace(
        survey(flight, f"survey-{number}"),
        made_at=utc_now(),
        weed_cover_pct=cover,
        weed_cover_pct_interval95=Interval(cover * 0.8, cover * 1.2),
        weed_basis=WeedBasis.PLANTS,
        hotspots=survey(flight).hotspots,
    )
    store.save_survey(
        found, [], told(f"{number:04}"), plan_key=f"{number}", release_sha="r", to_geographic=near_bangalore
    )
    assert flight.field_id is not None
    return flight.field_id


@contextmanager
def statements() -> Iterator[list[str]]:
    """SQL that is run meanwhile."""
    seen: list[str] = []

    def see(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", see)


def test_an_empty_box_shows_three_ways_to_begin(client: FlaskClient) -> None:
    shown = text(client)
    assert "Welcome" in shown and "Plug in the drone" in shown and "ask its owner for a test flight" in shown
    assert "What needs you now" not in shown


def test_weeds_that_grew_come_first_and_lead_to_the_map(client: FlaskClient, store: Store) -> None:
    field = fly(store, 1, cover=2.0)
    fly(store, 2, field_id=field, days=10, cover=6.0)
    shown = text(client)
    assert "Field of flight-1: weeds up from 2.0 % to 6.0 % since 1 June 2026, 2 spots." in shown
    assert f'href="/fields/{field}?survey=survey-2">Show me' in shown
    assert "More weeds than on 1 June 2026" in shown


def test_the_date_flown_last_counts_though_an_older_flight_was_mapped_after_it(
    client: FlaskClient, store: Store
) -> None:
    field = fly(store, 1, days=10, cover=6.0)
    fly(store, 2, field_id=field, days=0, cover=2.0)
    assert "weeds up from 2.0 % to 6.0 %" in text(client)


def test_where_nothing_needs_anybody_it_says_so_with_the_last_flight(
    client: FlaskClient, store: Store
) -> None:
    field = fly(store, 1)
    (only,) = store.surveys(field_id=field)
    assert "spots to look at" in text(client)
    store.delete_flight("flight-1", "asha")
    add_flight(store, "other", first=90)
    shown = text(client)
    assert "Nothing needs you now. The last flight was on 1 Jun 2026, 12:00." in shown
    assert only.id not in shown


def test_a_flight_that_failed_needs_somebody_and_one_button(client: FlaskClient, store: Store) -> None:
    flight = add_flight(store, "broken", first=5)
    store.enqueue(flight.id, release_sha="r")
    store.ask_to_stop(flight.id, "Ravi")
    shown = text(client)
    assert "could not be mapped: Ravi stopped the work" in shown
    assert 'href="/flights/broken">What to do' in shown


def test_link_and_box_have_a_line_each(client: FlaskClient, store: Store) -> None:
    fly(store, 1)
    shown = text(client)
    assert "Nothing is sent from this box yet. 1 message waits." in shown
    assert 'href="/flights"' in shown


def test_fields_beyond_the_first_are_a_list(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "CARDS", 2)
    for number in range(4):
        fly(store, number, days=number)
    shown = text(client)
    assert shown.count('class="card field"') == 2
    assert shown.count("weeds 4.0 %") >= 2 and "more-fields" in shown


def test_the_page_costs_the_same_queries_for_one_field_and_for_many(
    client: FlaskClient, store: Store
) -> None:
    fly(store, 0)
    text(client)
    with statements() as few:
        text(client, "/now")
    for number in range(1, 12):
        fly(store, number, days=number)
    with statements() as many:
        text(client, "/now")
    assert len(many) <= len(few)


def test_a_viewer_is_offered_nothing_that_he_may_not_do(store: Store, tmp_path: Path) -> None:
    fly(store, 1)
    visitor = log_in(create_app(store, tmp_path, secret_key=KEY).test_client(), "visitor")
    assert "Add photos" not in text(visitor)
