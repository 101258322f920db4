"""`fieldbox plan`, from a name or a file to a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fieldbox.cli import main
from fieldbox.cli_plan import DRONES
from fieldbox.services.planning import DRONES as KNOWN
from fieldbox.storage.store import Store

RING = [[74.0, 18.0], [74.001, 18.0], [74.001, 18.0006], [74.0, 18.0006]]


@pytest.fixture(autouse=True)
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIELDBOX_STORAGE__ROOT", str(tmp_path / "box"))
    return tmp_path / "box"


def area(tmp_path: Path, geometry: Any) -> Path:
    file = tmp_path / "north.geojson"
    file.write_text(json.dumps(geometry))
    return file


def plan(*arguments: object) -> Result:
    told = [str(one) for one in ("plan", *arguments)]
    return CliRunner().invoke(main, told)


def test_the_drones_that_can_be_named_are_those_that_are_known() -> None:
    assert set(DRONES) == set(KNOWN)
    assert all(0.5 < one.focal_px / one.width < 1.2 for one in KNOWN.values())


def test_a_file_becomes_a_plan(tmp_path: Path) -> None:
    file = area(tmp_path, {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[*RING, RING[0]]]}}]})  # fmt: skip
    out = tmp_path / "north.plan"
    done = plan(file, "--drone", "mavic-3e", "--weed-mm", 25, "-o", out, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["area_ha"] == pytest.approx(0.703, rel=0.01)
    assert told["smallest_weed_mm"] <= 25
    assert 8 < told["height_m"] < 20
    assert json.loads(out.read_text())["fileType"] == "Plan"
    finer = json.loads(plan(file, "--drone", "mavic-3e", "--weed-mm", 19, "--json").stdout)
    assert finer["height_m"] < told["height_m"]
    assert finer["photos"] > told["photos"]


def test_a_field_of_the_box_is_known_by_its_name(box: Path) -> None:
    box.mkdir()
    with Store.open(box / "fieldbox.db") as store:
        store.add_field("North", tuple((lon, lat) for lon, lat in RING), drawn=True)
    done = plan("North", "--drone", "air-2s", "--weed-mm", 30)
    assert done.exit_code == 0, done.output
    assert "batteries" in done.stdout


@pytest.mark.parametrize(
    ("geometry", "more", "said"),
    [
        ({"type": "Point", "coordinates": [74, 18]}, (), "cannot be read as a GeoJSON"),
        ({"type": "Polygon", "coordinates": [[[999, 0], [1, 1], [2, 2]]]}, (), "cannot be read as a GeoJSON"),
        ([], (), "cannot be read as a GeoJSON"),
        ({"type": "Polygon", "coordinates": [RING]}, ("--weed-mm", "5"), "counts no plant of less than"),
        ({"type": "Polygon", "coordinates": [RING]}, ("-o", "x.doc"), "ends in .kml or .plan"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(
    tmp_path: Path, geometry: Any, more: tuple[str, ...], said: str
) -> None:
    done = plan(area(tmp_path, geometry), "--drone", "air-2s", "--weed-mm", "30", *more)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_an_unknown_field_says_which_there_are() -> None:
    done = plan("South", "--drone", "air-2s", "--weed-mm", "30")
    assert done.exit_code == 1
    assert "There is no field South" in done.stderr
