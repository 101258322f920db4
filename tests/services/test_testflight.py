"""A test flight is made, brought and queued in a process of its own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from fieldbox.config import Config, load_config
from fieldbox.domain import Flying, TestFlight
from fieldbox.errors import Unavailable
from fieldbox.services import flying, testflight
from fieldbox.services.box import open_store
from fieldbox.services.testflight import MAX_BEGUN, REST_S, Pilot, TestFlights, keep
from fieldbox.storage.store import utc_now
from tests.storage.faulty import unwritable


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


def test_the_language_of_who_asked_stays_while_the_flight_goes_on(tmp_path: Path) -> None:
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})
    with open_store(config) as store:
        TestFlights(store).wish("mr")
        Pilot(config, store, lambda _config: keep(store, TestFlight(Flying.FLYING, utc_now(), 1, 16))).look()
        assert testflight.language_of(store) == "mr"


def test_the_child_that_flies_is_there_under_the_name_by_which_it_is_called() -> None:
    module, _colon, name = testflight.TASK.partition(":")
    assert getattr(flying, name).__module__ == module


def test_a_test_flight_that_takes_the_machine_down_each_time_is_given_up(tmp_path: Path) -> None:
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})
    flown = []

    def cut_off(config: Config) -> None:
        flown.append(config)
        keep(store, TestFlight(Flying.FLYING, utc_now(), 1, 16))

    def boot() -> bool:
        pilot = Pilot(config, store, cut_off)
        begins = pilot.look()
        pilot.wait()
        return begins

    with open_store(config) as store:
        flights = TestFlights(store)
        for _wish in range(2):
            flights.wish()
            assert [boot() for _boot in range(MAX_BEGUN + 2)] == [True] * MAX_BEGUN + [False] * 2
            came = flights.now()
            assert came and came.state is Flying.FAILED
            assert str(came.reason) == "The test flight failed (3 ×). Try again."
    assert len(flown) == 2 * MAX_BEGUN


def test_where_its_end_cannot_be_written_down_a_test_flight_rests_for_minutes(tmp_path: Path) -> None:
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(tmp_path)})
    passed, flown = [0.0], []

    def fails(config: Config) -> None:
        flown.append(config)
        disk.enter_context(unwritable(store))
        raise Unavailable("The disk is full.")

    with open_store(config) as store, ExitStack() as disk:
        TestFlights(store).wish()
        pilot = Pilot(config, store, fails, lambda: passed[-1])
        for now in (0.0, 2.0, REST_S - 1, REST_S + 1, REST_S + 3):
            passed.append(now)
            pilot.look()
            pilot.wait()
        assert len(flown) == 1, "what cannot be counted is not begun"
        came = testflight.told(store)
        assert came and came.under_way
        disk.close()  # it is mended
        passed.append(3 * REST_S)
        assert pilot.look()
        pilot.wait()
        assert len(flown) == 2
