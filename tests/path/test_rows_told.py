"""Somebody tells in which direction the rows run, and the flight that is mapped again has it."""

from __future__ import annotations

from pathlib import Path

from fieldbox.config import load_config
from fieldbox.services.box import open_store
from tests.path.box import Box, simulated
from tests.path.test_again import Told, work


def off_deg(one: float, other: float) -> float:
    """Between two directions without a front."""
    return abs((one - other + 90) % 180 - 90)


def test_rows_that_are_told_are_mapped_anew_and_taken_back(tmp_path: Path) -> None:
    card = simulated(tmp_path / "card", camera="tiny")[0]
    box = Box(tmp_path / "root")
    box.mapped(card)
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(box.root)})
    with open_store(config) as store:
        (before,) = store.surveys()
        across = ((before.stand.direction_deg if before.stand else 0.0) + 90) % 180
        store.tell_rows(before.field_id, across)
        release = store.mapped_under(before.flight_id)
        assert release is not None
        store.enqueue(before.flight_id, release_sha=release.release_sha)
        work(config, store, Told())
        told = store.surveys()[0]
        assert told.id != before.id
        assert told.stand is None or off_deg(told.stand.direction_deg, across) < 8.5

        store.tell_rows(before.field_id, None)
        store.enqueue(before.flight_id, release_sha=release.release_sha)
        work(config, store, Told())
        assert {one.id for one in store.surveys()} == {before.id, told.id}
