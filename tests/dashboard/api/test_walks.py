"""The walk and the zones as GeoJSON that GDAL reads, as the other process works them out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyogrio
import pytest

from fieldbox.config import load_config
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.ports import Beyond
from fieldbox.services.offering import Offering
from tests.dashboard.api.asking import Program
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import SURVEY, DemoBox

PATH = f"/api/v1/surveys/{SURVEY}"


@pytest.fixture(scope="module")
def offering(fresh: DemoBox) -> Iterator[Offering]:
    made = Offering(load_config({"FIELDBOX_STORAGE__ROOT": str(fresh.root)}), fresh.store)
    yield made
    made.close()


@pytest.fixture
def decider(fresh: DemoBox, offering: Offering, key: dict[str, str]) -> Program:
    """A program on a box that works out what is to be done."""
    app = create_app(fresh.store, fresh.root, secret_key=KEY, beyond=Beyond(decisions=offering))
    return Program(app, app.test_client(), key)


def test_the_walk_tells_its_spots_in_their_order_and_the_way(decider: Program) -> None:
    told = decider.get(f"{PATH}/walk")
    stops = [one["properties"] for one in told["features"]]
    assert [one["number"] for one in stops] == list(range(1, len(stops) + 1)) != []
    assert sorted(one["rank"] for one in stops)[0] == 1
    assert told["path"]["coordinates"][0] == told["path"]["coordinates"][-1]
    assert told["length_m"] > 0


@pytest.mark.parametrize(
    ("kind", "shape"), [("walk", "Point"), ("prescription", "Polygon"), ("vigour", "Polygon")]
)
def test_gdal_reads_what_is_to_be_done(decider: Program, tmp_path: Path, kind: str, shape: str) -> None:
    told = decider.get(f"{PATH}/{kind}")
    file = tmp_path / f"{kind}.geojson"
    file.write_text(json.dumps(told), "utf-8")
    read, _ids, geometry, _values = pyogrio.raw.read(file)
    assert (len(geometry), read["geometry_type"], read["crs"]) == (len(told["features"]), shape, "EPSG:4326")


def test_rings_turn_as_geojson_has_it(decider: Program) -> None:
    for one in decider.get(f"{PATH}/prescription")["features"]:
        ring = one["geometry"]["coordinates"][0]
        twice = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
        assert twice > 0, "the outer ring runs counter-clockwise"
