"""Symptoms drawn into a simulated field come out as verdicts, through the whole path."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from fieldbox.simulate.field import FieldOptions
from tests.path.box import Box, simulated

Row = dict[str, Any]


@pytest.fixture(scope="module")
def judged(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], dict[str, Any], list[Row], list[Row]]:
    """The survey, the truth, and the exported crop plants and gaps of a flight over a field with symptoms."""
    folder = tmp_path_factory.mktemp("ill")
    # An even stand, so that the symptoms stand out of what grows by itself.
    field = FieldOptions(size_m=(9.0, 7.0), symptoms=0.3, emergence=0.95, weeds_per_m2=0.5, seed=8)
    card, truth = simulated(folder / "card", field, camera="2mp")
    box = Box(folder / "root")
    (survey,) = box.mapped(card)["surveys"]
    rows = []
    for layer in ("crop", "gaps"):
        out = folder / f"{layer}.geojson"
        said = box.run("export", survey["id"], "--layer", layer, "--format", "geojson", "-o", out)
        assert said.code == 0, said.err
        rows.append([one["properties"] for one in json.loads(out.read_text())["features"]])
    return survey, truth, rows[0], rows[1]


def test_yellow_plants_are_called_far_more_often_than_others(
    judged: tuple[dict[str, Any], dict[str, Any], list[Row], list[Row]],
) -> None:
    _survey, truth, crop, _gaps = judged
    ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    found = np.column_stack(ground.transform([one["lon"] for one in crop], [one["lat"] for one in crop]))
    plants = [one for one in truth["plants"] if one["class"] == "crop"]
    stands = np.array([(one["east"], one["north"]) for one in plants])
    away = np.hypot(*(found[:, None] - stands[None]).transpose(2, 0, 1))
    called: dict[str | None, list[bool]] = {None: [], "stunted": [], "yellowing": []}
    for one, nearest, far in zip(crop, away.argmin(1), away.min(1), strict=True):
        if far < 0.12:
            called[plants[nearest]["symptom"]].append(one["health"] == "yellowing")
    assert np.mean(called["yellowing"]) > 0.4
    assert np.mean(called[None]) < 0.05


def test_gaps_and_what_they_are_is_said(
    judged: tuple[dict[str, Any], dict[str, Any], list[Row], list[Row]],
) -> None:
    survey, truth, crop, gaps = judged
    assert {one["health"] for one in crop} <= {"healthy", "stunted", "yellowing", None}
    missing = sum(one["missing"] for one in gaps)
    assert 0.5 * len(truth["missing"]) <= missing <= 2.5 * len(truth["missing"])
    (said,) = [one for one in survey["warnings"] if "painted" in one]
    assert f"{missing} are missing" in said
    assert "no diagnosis" in said
