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


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "fieldbox.db"
    Store.open(path).close()
    return path


@pytest.fixture
def path(tmp_path: Path, template: Path) -> Path:
    """An empty database file."""
    return Path(shutil.copy(template, tmp_path / "fieldbox.db"))


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(path, clock=clock) as opened:
        yield opened
        assert opened.check() == []
