"""What others rely on: the JSON of an ingest, the exports, and the answers of the other commands."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import Geod, Transformer

from fieldbox.simulate.field import FieldOptions
from tests.path.box import Box, simulated
from tests.path.conftest import Flown, Mapped

ESTIMATES = (
    "area_ha",
    "gsd_cm",
    "weed_cover_pct",
    "weed_count",
    "crop_cover_pct",
    "crop_count",
    "health_index",
    "unsure_pct",
    "unseen_pct",
)
DRIVERS = {"geojson": "GeoJSON", "shp": "ESRI Shapefile", "kml": "KML", "gpkg": "GPKG"}


def survey_of(mapped: Mapped) -> dict[str, Any]:
    (survey,) = mapped[1]["surveys"]
    return survey


def test_every_key_of_an_ingest(mapped: Mapped) -> None:
    document = mapped[1]
    assert set(document) >= {"flight", "captures", "rejected", "surveys", "seconds", "simulated"}
    assert document["captures"] == {"accepted": 15, "rejected": 0, "duplicates": 0}
    assert document["rejected"] == []
    assert document["simulated"] is True
    assert 0 < document["seconds"] < 300
    survey = survey_of(mapped)
    others = {"id", "field", "position_error_m", "layer_label", "release", "warnings"}
    assert set(survey) >= {*ESTIMATES, *(f"{name}_interval95" for name in ESTIMATES), *others}
    assert survey["layer_label"] == "RGB-only"
    assert survey["release"].startswith("fieldbox-weeds@")
    assert any("simulated" in warning for warning in survey["warnings"])


@pytest.mark.parametrize("name", ESTIMATES)
def test_every_estimate_lies_in_its_interval(mapped: Mapped, name: str) -> None:
    survey = survey_of(mapped)
    if survey[name] is None:
        pytest.skip(f"{name} is not known of so small a field")
    low, high = survey[f"{name}_interval95"]
    assert 0 <= low <= survey[name] <= high
    assert low < high


def test_what_is_known_and_its_interval_come_together(mapped: Mapped) -> None:
    survey = survey_of(mapped)
    for name in ESTIMATES:
        assert (survey[name] is None) == (survey[f"{name}_interval95"] is None)


def test_sizes_are_those_of_the_flight(mapped: Mapped, flown: Flown) -> None:
    survey, truth = survey_of(mapped), flown[1]
    camera, heights = truth["camera"], [photo["pose"]["height_m"] for photo in truth["photos"]]
    assert survey["gsd_cm"] == pytest.approx(100 * np.mean(heights) / camera["focal_px"], rel=0.002)
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    rings = [
        shapely.Polygon(np.column_stack(to_ground.transform(*np.array(p["footprint"]).T)))
        for p in truth["photos"]
    ]
    flown_ha = shapely.unary_union(rings).convex_hull.area / 1e4
    assert survey["area_ha"] == pytest.approx(flown_ha * (1 - survey["unseen_pct"] / 100), rel=0.03)
    low, high = survey["area_ha_interval95"]
    assert low <= flown_ha * (1 - survey["unseen_pct"] / 100) <= high


def test_what_is_not_known_is_null(box: Box, tmp_path: Path) -> None:
    """From 40 m up with this camera a pixel is 11 mm: single weeds cannot be told, and no 0 is said."""
    folder, _truth = simulated(
        tmp_path / "high", FieldOptions(size_m=(16.0, 12.0), margin_m=1.0, gsd_m=0.008), altitude_m=40.0
    )
    document = box.mapped(folder)
    (survey,) = document["surveys"]
    for name in ("weed_count", "weed_cover_pct", "crop_count", "crop_cover_pct", "unsure_pct"):
        assert survey[name] is None, name
        assert survey[f"{name}_interval95"] is None, name
    assert any("too coarse" in warning for warning in survey["warnings"])
    said = box.run("export", survey["id"], "--layer", "weeds", "--format", "csv", "-o", tmp_path / "w.csv")
    assert "not called" in said.refused()
    assert not (tmp_path / "w.csv").exists()


# -- exports --------------------------------------------------------------------------------------


def exported(mapped: Mapped, layer: str, kind: str, out: Path) -> None:
    box = mapped[0]
    said = box.run("export", survey_of(mapped)["id"], "--layer", layer, "--format", kind, "-o", out)
    assert said.code == 0, said


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("layer", ["weeds", "crop", "footprints", "poses"])
def test_vector_layers(mapped: Mapped, flown: Flown, tmp_path: Path, layer: str, kind: str) -> None:
    out = tmp_path / f"{layer}.{kind}"
    exported(mapped, layer, kind, out)
    info, _fids, shapes, columns = pyogrio.raw.read(out)
    table = dict(zip(info["fields"], columns, strict=True))
    assert Transformer.from_crs(info["crs"], 4326, always_xy=True).transform(74.0, 18.0) == pytest.approx(
        (74.0, 18.0)
    )
    if layer in ("footprints", "poses"):
        assert len(shapes) == len(flown[1]["photos"])
        assert {"file", "error_m", "aligned"} <= {name.lower() for name in table}
        assert all(len(name) <= 10 for name in table) or kind != "shp"
        return
    assert len(shapes) == survey_of(mapped)["weed_count" if layer == "weeds" else "crop_count"]
    error = "POS_ERR_M" if kind == "shp" else "position_error_m"
    named = {name.lower() if kind == "shp" else name: values for name, values in table.items()}
    assert {"class", "score", "area_cm2", error.lower()} <= {name.lower() for name in named}
    assert error in table
    assert set(named["class"]) == {"weed" if layer == "weeds" else "crop"}
    scores, areas, errors = (
        np.array(named[key], float)
        for key in ("score", "area_cm2", error.lower() if kind == "shp" else error)
    )
    assert ((scores > 0) & (scores <= 1)).all()
    assert ((errors > 0) & (errors < 1)).all()
    assert all(len(name) <= 10 for name in table) or kind != "shp"
    geod = Geod(ellps="WGS84")
    for shape, area in zip(shapely.from_wkb(shapes)[:10], areas, strict=False):
        drawn = abs(geod.geometry_area_perimeter(shape)[0]) * 1e4
        assert area == pytest.approx(drawn, rel=0.6, abs=15)


@pytest.mark.parametrize("layer", ["weeds", "crop", "footprints", "poses"])
def test_tables(mapped: Mapped, tmp_path: Path, layer: str) -> None:
    exported(mapped, layer, "csv", tmp_path / "table.csv")
    info = pyogrio.read_info(tmp_path / "table.csv")
    photos, plants = {"file", "error_m", "aligned"}, {"class", "score", "area_cm2", "position_error_m"}
    assert (photos if layer in ("footprints", "poses") else plants) <= {*info["fields"]}
    assert info["features"] > 0


def test_geojson_is_what_the_standard_wants(mapped: Mapped, flown: Flown, tmp_path: Path) -> None:
    exported(mapped, "weeds", "geojson", tmp_path / "weeds.geojson")
    document = json.loads((tmp_path / "weeds.geojson").read_text("utf-8"))
    assert document["type"] == "FeatureCollection"
    west, south, east, north = shapely.Polygon(flown[1]["extent"]).buffer(1e-4).bounds
    for feature in document["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid or shape.buffer(0).area > 0
        assert shapely.LinearRing(feature["geometry"]["coordinates"][0]).is_ccw
        x, y = shape.centroid.coords[0]
        assert west < x < east
        assert south < y < north


def test_the_mosaic_and_what_cannot_be_exported(mapped: Mapped, tmp_path: Path) -> None:
    box, survey = mapped[0], survey_of(mapped)["id"]
    exported(mapped, "mosaic", "cog", tmp_path / "mosaic.tif")
    with rasterio.open(tmp_path / "mosaic.tif") as raster:
        assert raster.count == 3
        assert raster.dataset_mask().any()
    assert box.run("export", survey, "--layer", "weeds", "--format", "doc", "-o", tmp_path / "x").code == 2
    box.run("export", survey, "--layer", "weeds", "--format", "cog", "-o", tmp_path / "x").refused()
    box.run("export", "nothing", "--layer", "weeds", "--format", "csv", "-o", tmp_path / "x").refused()
    (tmp_path / "file").write_text("in the way")
    for layer, kind in [("weeds", "csv"), ("crop", "shp"), ("mosaic", "cog"), ("health", "cog")]:
        out = tmp_path / "file" / "below"
        box.run("export", survey, "--layer", layer, "--format", kind, "-o", out).refused()
    # The beginning of an id will do.
    said = box.run("export", survey[:6], "--layer", "crop", "--format", "csv", "-o", tmp_path / "crop.csv")
    assert said.code == 0


# -- one thing ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Box, dict[str, Any], dict[str, Any]]:
    """An exact flight with its lines at 37 degrees, over bare flat ground: plants would stand in the way."""
    folder = tmp_path_factory.mktemp("turned")
    field = FieldOptions(
        size_m=(5.0, 4.0), relief_m=0.0, ridge_m=0.0, emergence=0.0, weeds_per_m2=0.0, clods=0.0
    )
    flight, truth = simulated(folder / "card", field, heading_deg=37.0)
    box = Box(folder / "root")
    return box, box.run("ingest", flight, "--json").json, truth


@pytest.mark.parametrize("photo", [0, 4, -1])
def test_locate_agrees_with_the_truth(turned: tuple[Box, dict[str, Any], dict[str, Any]], photo: int) -> None:
    box, document, truth = turned
    shown = truth["photos"][photo]
    camera, geod = truth["camera"], Geod(ellps="WGS84")
    gsd = shown["pose"]["height_m"] / camera["focal_px"]
    yaws = {round(one["pose"]["yaw"]) % 180 for one in truth["photos"]}
    assert yaws <= {36, 37, 38}
    top_left, top_right, low_right, low_left = np.array(shown["footprint"])
    for x, y in [(0, 0), (1279, 0), (1279, 959), (0, 959), (639.5, 479.5), (100, 800)]:
        # Straight down on flat ground a photo is a similar picture of it.
        across, down = (x + 0.5) / camera["width"], (y + 0.5) / camera["height"]
        top = top_left + across * (top_right - top_left)
        lon, lat = top + down * (low_left + across * (low_right - low_left) - top)
        said = box.run("locate", document["flight"], shown["file"], x, y, "--json").json
        assert geod.inv(lon, lat, said["lon"], said["lat"])[2] < 2 * gsd
        assert 0 < said["error_m"] < 1


def test_locate_says_what_is_wrong(mapped: Mapped) -> None:
    box, document = mapped
    flight = document["flight"]
    assert "no flight" in box.run("locate", "nothing", "DJI_0001.JPG", 1, 1).refused()
    assert "has no photo other.JPG" in box.run("locate", flight, "other.JPG", 1, 1).refused()
    for x, y in [(1280, 5), (5, 960), (-1, 3)]:
        assert "1280 pixels wide and 960 high" in box.run("locate", flight, "DJI_0001.JPG", x, y).refused()
    for x, y in [("nan", 5), ("inf", 1)]:
        assert box.run("locate", flight, "DJI_0001.JPG", x, y).code == 2
    assert box.run("locate", flight, "DJI_0001.JPG", "a", "b").code == 2
    text = box.run("locate", flight, "DJI_0001.JPG", 640, 480).out
    assert "(95 %)" in text


def test_detect(mapped: Mapped, flown: Flown, tmp_path: Path) -> None:
    box, photo = mapped[0], flown[0] / "DJI_0008.JPG"
    said = box.run("detect", photo, "--gsd-mm", "2.8", "--json").json
    assert said["detections"]
    for one in said["detections"]:
        assert one["class"] in {"crop", "weed"}
        assert 0 < one["score"] <= 1
        xs, ys = zip(*one["polygon"], strict=True)
        assert len(xs) >= 3
        assert min(xs) >= -4 and max(xs) <= 1284 and min(ys) >= -4 and max(ys) <= 964
    assert 0 < said["weed_cover_pct"] < 50
    assert 0 < said["crop_cover_pct"] < 100
    assert "weeds" in box.run("detect", photo, "--gsd-mm", "2.8").out
    coarse = box.run("detect", photo, "--gsd-mm", "40", "--json").json
    assert (coarse["weed_cover_pct"], coarse["crop_cover_pct"], coarse["detections"]) == (None, None, [])
    assert "too coarse" in coarse["warnings"][0]
    (tmp_path / "text.jpg").write_text("no photo")
    assert "not a photo" in box.run("detect", tmp_path / "text.jpg", "--gsd-mm", "2.8").refused()
    box.run("detect", tmp_path / "gone.jpg", "--gsd-mm", "2.8").refused()
    assert box.run("detect", photo).code == 2
    assert box.run("detect", photo, "--gsd-mm", "0").code == 2


def test_the_summary_and_the_outbox(mapped: Mapped) -> None:
    box, survey = mapped[0], survey_of(mapped)
    printed = box.run("summary", survey["id"]).out.rstrip("\n")
    assert len(printed.encode()) <= 1024
    assert json.loads(printed)
    (message,) = json.loads(box.run("outbox", "list", "--json").out)
    assert (message["state"], message["attempts"], message["kind"]) == ("waiting", 0, "summary")
    assert message["bytes"] == len(printed.encode())
    assert message["id"][:8] in box.run("outbox", "list").out
    box.run("summary", "nothing").refused()
    box.run("summary", "").refused()


def test_status(mapped: Mapped, box: Box) -> None:
    state = mapped[0].run("status", "--json").json
    assert state["disk"]["total_gb"] >= state["disk"]["free_gb"] > 0
    assert state["outbox_waiting"] == 1
    (flight,) = state["flights"]
    assert (flight["captures"], flight["placed"], flight["state"]) == (15, 15, "done")
    (survey,) = state["surveys"]
    assert survey["id"] == survey_of(mapped)["id"]
    assert survey["area_ha"] == survey_of(mapped)["area_ha"]
    empty = box.run("status", "--json").json
    assert (empty["flights"], empty["surveys"], empty["outbox_waiting"]) == ([], [], 0)
    assert box.run("status").code == 0
    assert mapped[0].run("status").code == 0
    assert box.run("outbox", "list").out == "The outbox is empty.\n"


def test_text_for_a_person(mapped: Mapped, flown: Flown) -> None:
    box, survey = mapped[0], survey_of(mapped)
    said = box.run("ingest", flown[0], "--wait")
    assert said.code == 0
    assert "known already: 15" in said.out
    assert survey["id"] in said.out
    assert str(survey["weed_count"]) in said.out
    assert not math.isnan(survey["position_error_m"])


def test_models(mapped: Mapped) -> None:
    box = mapped[0]
    listed = json.loads(box.run("models", "list", "--json").out)
    assert {"weeds", "health", "leaves"} == {model["kind"] for model in listed}
    assert all(len(model["sha256"]) == 64 for model in listed)
    assert "sound" in box.run("models", "verify").out
    verified = box.with_settings(models__weeds="/nowhere.onnx").run("models", "verify")
    assert verified.code == 1
    assert "nowhere.onnx cannot be read" in verified.out
    assert "Traceback" not in verified.err
