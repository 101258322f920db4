"""Layers of a survey on a box as files: which there are, and that the new ones say what the box knows."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from fieldbox.errors import Rejected
from fieldbox.services.exporting import LAYERS, check_layer
from tests.services.test_deciding import box, run, said

__all__ = ["box"]


@pytest.mark.parametrize(
    ("layer", "kind", "said"),
    [
        ("zones", "cog", "choose one of"),
        ("weeds", "isoxml", "choose one of"),
        ("weeds", "cog", "choose one of"),
        ("health", "geojson", "choose one of"),
        ("yield", "geojson", "no layer yield"),
    ],
)
def test_what_cannot_be_exported_is_said(layer: str, kind: str, said: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_layer(layer, kind)
    assert said in str(caught.value)


def test_the_command_knows_every_layer_and_format() -> None:
    shown = run("export", "--help").output
    assert all(layer in shown for layer in LAYERS)
    assert all(kind in shown for kinds in LAYERS.values() for kind in kinds)


@pytest.mark.parametrize("kind", LAYERS["prescription"])
def test_a_prescription_in_every_format(box: Path, tmp_path: Path, kind: str) -> None:
    run("spraying", "North", "--product", "x=1.5")
    needs = said("prescribe", "abc")["needs"]
    out = tmp_path / {"shp": "p.zip", "dji": "p.zip", "isoxml": "p.zip", "cog": "p.tif"}.get(
        kind, f"p.{kind}"
    )
    done = run("export", "abc", "--layer", "prescription", "--format", kind, "-o", out)
    assert done.exit_code == 0, done.output
    assert out.stat().st_size > 100
    assert ("The mission wets whole swaths" in done.output) is (kind in {"plan", "waypoints"})
    if kind in {"geojson", "gpkg", "shp", "kml"}:
        source = f"/vsizip/{out}" if kind == "shp" else out
        meta, _ids, geometry, columns = pyogrio.raw.read(source)
        names = [name.lower()[:8] for name in meta["fields"].tolist()]
        litres = np.asarray(columns[names.index("litres")], float)
        assert litres.sum() == pytest.approx(needs["spray_l"], rel=1e-3)
        assert shapely.from_wkb(geometry)[0].is_valid
    if kind == "cog":
        with rasterio.open(out) as raster:
            rates = raster.read(1)
            cell = abs(raster.transform.a * raster.transform.e)
        assert np.nansum(rates) * cell / 1e4 == pytest.approx(needs["spray_l"], rel=3e-3)
    if kind == "isoxml":
        assert "TASKDATA/TASKDATA.XML" in zipfile.ZipFile(out).namelist()


def test_zones_are_all_ground_with_weeds(box: Path, tmp_path: Path) -> None:
    run("spraying", "North", "--from-per-m2", 0.5)
    found = said("prescribe", "abc")
    out = tmp_path / "zones.geojson"
    assert run("export", "abc", "--layer", "zones", "--format", "geojson", "-o", out).exit_code == 0
    zones = [
        one["properties"]
        for one in json.loads(out.read_text())["features"]
        if one["properties"]["kind"] == "weeds"
    ]
    assert len(zones) == len(found["treated"]) + len(found["left"])
    assert sum(one["weeds"] for one in zones) == 63
    assert {one["id"] for one in zones} == set(range(1, len(zones) + 1))
    kml = tmp_path / "zones.kml"
    assert run("export", "abc", "--layer", "zones", "--format", "kml", "-o", kml).exit_code == 0
    assert len(pyogrio.raw.read(kml)[2]) == len(zones)
