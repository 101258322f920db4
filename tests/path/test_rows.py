"""Rows of a made field through the whole path: what a survey and its exports say of them, against what was sown.

All shapes and a larger field: `python -m tests.path.rows_proof`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from fieldbox.simulate.field import grow_field
from fieldbox.simulate.flight import fly
from fieldbox.simulate.sowing import RowShape
from tests.path.box import Box
from tests.path.rows_proof import FLIGHT, field_of, holds
from tests.path.rows_truth import row_errors

Mapped = tuple[Box, dict[str, Any], dict[str, Any]]
"""A box, the survey's JSON, and the truth."""


@pytest.fixture(scope="module")
def curved(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    """A small field with bent rows, mapped; only to be read."""
    folder = tmp_path_factory.mktemp("curved")
    options = field_of(RowShape.CURVED, (9.0, 7.0), seed=9)
    flight = replace(FLIGHT, forward_overlap=0.6, side_overlap=0.5, overhang=0.1)
    card = fly(grow_field(options), flight, folder / "card")
    box = Box(folder / "root")
    (survey,) = box.mapped(card)["surveys"]
    return box, survey, json.loads((card / "truth.json").read_text())


def exported(mapped: Mapped, layer: str, folder: Path) -> list[dict[str, Any]]:
    """The features of a layer as GeoJSON."""
    out = folder / f"{layer}.geojson"
    said = mapped[0].run("export", mapped[1]["id"], "--layer", layer, "--format", "geojson", "-o", out)
    assert said.code == 0, said.err
    features: list[dict[str, Any]] = json.loads(out.read_text())["features"]
    return features


@pytest.mark.long
def test_bent_rows_are_found_as_they_were_sown(curved: Mapped) -> None:
    box, survey, truth = curved
    errors = row_errors(box, survey["id"], truth, 0.75)
    print(errors)  # noqa: T201
    assert holds(errors), errors
    assert errors.weeds_right > 0.95


def test_the_truth_tells_where_rows_run(curved: Mapped) -> None:
    _box, _survey, truth = curved
    for one in truth["plants"]:
        if one["class"] == "weed":
            assert one["row"] is None
            continue
        middle = np.concatenate([np.array(piece) for piece in truth["rows"][one["row"]]["east_north"]])
        assert np.hypot(*(middle - [one["east"], one["north"]]).T).min() < 0.25
    assert {one["row"] for one in truth["missing"]} <= set(range(len(truth["rows"])))


def test_a_survey_tells_its_stand(curved: Mapped) -> None:
    _box, survey, _truth = curved
    stand = survey["stand"]
    assert stand["plots"] == 1
    assert stand["bend_deg"] > 3
    low, high = stand["per_ha_interval95"]
    assert low < stand["per_ha"] < high
    weeds = stand["weeds_in_rows"] + stand["weeds_between"] + stand["weeds_off_plots"]
    assert weeds == survey["weed_count"]
    said = [one for one in survey["warnings"] if f"{stand['missing']} are missing" in one]
    assert len(said) == 1


def test_weeds_say_where_they_stand(curved: Mapped, tmp_path: Path) -> None:
    stand = curved[1]["stand"]
    told = Counter(one["properties"]["row"] for one in exported(curved, "weeds", tmp_path))
    assert told["in row"] == pytest.approx(stand["weeds_in_rows"], abs=1)
    assert told["between rows"] == pytest.approx(stand["weeds_between"], abs=1)
    crop = Counter(one["properties"]["row"] for one in exported(curved, "crop", tmp_path))
    assert crop["in row"] > 0.95 * crop.total()


def test_missing_plants_and_rows_are_layers(curved: Mapped, tmp_path: Path) -> None:
    _box, survey, truth = curved
    missing = exported(curved, "missing", tmp_path)
    assert len(missing) == survey["stand"]["missing"]
    assert {one["geometry"]["type"] for one in missing} == {"Point"}
    rows = exported(curved, "rows", tmp_path)
    assert len({one["properties"]["row"] for one in rows}) == pytest.approx(len(truth["rows"]), abs=2)
    assert {one["properties"]["row"] for one in missing} <= {one["properties"]["row"] for one in rows}
    per_degree = np.array([111_320 * np.cos(np.radians(18.56)), 110_690])
    sown = cKDTree(
        np.concatenate([np.array(piece) for row in truth["rows"] for piece in row["lines"]]) * per_degree
    )
    found = np.concatenate([np.array(one["geometry"]["coordinates"]) for one in rows]) * per_degree
    away = sown.query(found)[0]
    assert np.median(away) < 0.14  # the truth is drawn in steps of 25 cm
    assert np.quantile(away, 0.95) < 0.2
