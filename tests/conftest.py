"""For all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fieldbox.storage.store import Store
from tests import flown
from tests.madeonce import made_once

# How long an example takes, or making one, says how busy the machine is, and nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

SLOW = ("durability", "path", "journeys", "browser", "services", "bench", "models")
"""Folders whose tests wait for whole processes: they go first, so that none of them is left to one process at the end."""


FLOWN = (
    "test_hard_flights.py",
    "test_heights.py",
    "test_headings.py",
    "test_aligning.py",
    "test_orthomosaics.py",
)
"""Files beside the folders whose tests fly and align whole flights: likewise."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow folders and files first; else in the order in which they stand."""

    def rank(item: pytest.Item) -> int:
        if item.path.name in FLOWN:
            return 0
        folder = item.path.parent.name
        return SLOW.index(folder) if folder in SLOW else len(SLOW)

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What many tests want alike lies beside the folders of all processes that share the tests."""
    base = tmp_path_factory.getbasetemp()
    flown.keep_in((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once")
    with made_once():
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box's database with nothing in it, made once and to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "fieldbox.db"
    Store.open(path).close()
    return path
