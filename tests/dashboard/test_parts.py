"""Every part of every message is named for a person."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from fieldbox.dashboard.sending import PARTS


@pytest.mark.parametrize("kind", ["summary", "alert", "box"])
def test_no_part_is_shown_by_its_key(kind: str) -> None:
    schema = json.loads((files("fieldbox.summary") / f"{kind}-v1.schema.json").read_text("utf-8"))
    assert schema["properties"].keys() <= PARTS.keys()
