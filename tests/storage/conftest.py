from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldbox.storage.store import Store
from tests.storage.samples import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path, empty_database: Path) -> Path:
    """An empty database file."""
    return Path(shutil.copy(empty_database, tmp_path / "fieldbox.db"))


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(path, clock=clock) as opened:
        yield opened
        assert opened.check() == []
