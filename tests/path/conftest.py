from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.flown import once
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
    """The small flight on a box; the box is only to be read.

    Its processes were new interpreters: what other boxes say of the same flight comes of other seeds for hashes.
    """

    def make(folder: Path) -> None:
        document = Box(folder / "root", fresh=True).mapped(flown[0])
        (folder / "said.json").write_text(json.dumps(document))

    made = once("the small flight on a box", make)
    root = shutil.copytree(made / "root", tmp_path_factory.mktemp("mapped") / "root")
    return Box(root), json.loads((made / "said.json").read_text())


@pytest.fixture
def box_mapped(mapped: Mapped, tmp_path: Path) -> Box:
    """A box of its own with the small flight, mapped."""
    return Box(Path(shutil.copytree(mapped[0].root, tmp_path / "root")))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A new box."""
    return Box(tmp_path / "root")
