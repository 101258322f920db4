"""Every form of a prescription is written the same way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fieldbox.domain import KeepOff
from fieldbox.errors import Misconfigured
from fieldbox.mapping.prescriptionfiles import PRESCRIPTION_WRITERS
from tests.mapping.prescribed import BOUNDARY, whole

SUFFIXES = {"cog": "tif", "dji": "zip", "isoxml": "zip"}


def test_the_formats() -> None:
    assert sorted(PRESCRIPTION_WRITERS) == [
        "cog",
        "csv",
        "dji",
        "geojson",
        "gpkg",
        "isoxml",
        "kml",
        "plan",
        "shp",
        "waypoints",
    ]


@pytest.mark.parametrize("fmt", sorted(PRESCRIPTION_WRITERS))
def test_what_cannot_be_written_leaves_nothing_and_says_so(fmt: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Misconfigured, match="cannot be written"):
        PRESCRIPTION_WRITERS[fmt](
            whole(), BOUNDARY, "field", tmp_path / "file" / f"rx.{SUFFIXES.get(fmt, fmt)}"
        )
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("fmt", sorted(PRESCRIPTION_WRITERS))
def test_a_file_that_is_there_is_replaced(fmt: str, tmp_path: Path) -> None:
    path = tmp_path / f"rx.{SUFFIXES.get(fmt, fmt)}"
    path.write_text("from before")
    PRESCRIPTION_WRITERS[fmt](whole(), BOUNDARY, "field", path)
    assert path.read_bytes() != b"from before"


@pytest.mark.parametrize("fmt", sorted(PRESCRIPTION_WRITERS))
def test_ground_whose_outline_crosses_itself(fmt: str, tmp_path: Path) -> None:
    """As somebody draws it on a phone."""
    bow = ((77.2, 18.4), (77.201, 18.401), (77.201, 18.4), (77.2, 18.401))
    made = whole()
    piece = replace(made.treated[0].zone, patch=(bow,))
    water = KeepOff("water", (tuple((lon + 0.0005, lat) for lon, lat in bow),), 1.0)
    crossed = replace(
        made,
        treated=(replace(made.treated[0], zone=piece), *made.treated[1:]),
        spraying=replace(made.spraying, keep_off=(water,)),
    )
    path = tmp_path / f"rx.{SUFFIXES.get(fmt, fmt)}"
    PRESCRIPTION_WRITERS[fmt](crossed, (bow,), "field", path)
    assert path.stat().st_size > 0
