from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.path.box import Box, simulated

Flown = tuple[Path, dict[str, Any]]
"""Folder of a flight and its truth."""
Mapped = tuple[Box, dict[str, Any]]
"""A box and the JSON of its ingest."""


@pytest.fixture(scope="session")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    """A small exact flight over a made field; not to be changed."""
    return simulated(tmp_path_factory.mktemp("flown") / "card")


@pytest.fixture(scope="session")
def mapped(flown: Flown, tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    """The small flight on a box; the box is only to be read."""
    box = Box(tmp_path_factory.mktemp("mapped") / "root")
    return box, box.mapped(flown[0])


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A new box."""
    return Box(tmp_path / "root")
