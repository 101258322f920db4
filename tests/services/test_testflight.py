"""A test flight is made, brought and queued in a process of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fieldbox.config import load_config
from fieldbox.domain import Flying
from fieldbox.services import flying, testflight
from fieldbox.services.box import open_store
from fieldbox.services.testflight import TestFlights


def test_a_test_flight_comes_in_like_any_other_and_says_that_it_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flying, "FIELD", replace(flying.FIELD, size_m=(6.0, 5.0)))
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})
    with open_store(config) as store:
        flights = TestFlights(store)
        assert flights.now() is None
        flights.wish()
        flying.fly(config)
        came = flights.now()
        assert came and came.state is Flying.BROUGHT and came.flight_id and not came.under_way
        flight = store.flight(came.flight_id)
        assert flight and flight.simulated and flight.field_id
        field = store.field(flight.field_id)
        job = store.job_for_flight(flight.id)
        assert field and field.name == "Test field" and job and job.state == "waiting"
        flights.wish()  # another one may be flown
    assert not (tmp_path / flying.FOLDER).exists()


def test_the_child_that_flies_is_there_under_the_name_by_which_it_is_called() -> None:
    module, _colon, name = testflight.TASK.partition(":")
    assert getattr(flying, name).__module__ == module
