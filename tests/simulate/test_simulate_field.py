"""Growing fields, and taking orthomosaics."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin

from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, exact, fly
from fieldbox.simulate.ortho import over_orthomosaic
from fieldbox.simulate.scene import SimField

SMALL = FieldOptions(size_m=(2.4, 2.0), margin_m=0.3, weeds_per_m2=4.0, gsd_m=0.004, seed=7)


@pytest.fixture(scope="module")
def field() -> SimField:
    return grow_field(SMALL)


def test_the_same_seed_grows_the_same_field(field: SimField) -> None:
    again = grow_field(SMALL)
    assert np.array_equal(field.canvas, again.canvas)
    assert np.array_equal(field.heights, again.heights)
    assert field.plants == again.plants
    other = grow_field(replace(SMALL, seed=8, size_m=(1.0, 1.0)))
    assert not np.array_equal(field.canvas[:200, :200], other.canvas[:200, :200])


def test_plants_are_where_and_as_large_as_the_truth_says(field: SimField) -> None:
    rgb = field.canvas.astype(int)
    green = (2 * rgb[..., 1] - rgb[..., 0] - rgb[..., 2]) > 18
    assert {plant.cover for plant in field.plants} == {Cover.CROP, Cover.WEED}
    found = np.zeros_like(green)
    for plant in field.plants:
        x, y = field.to_pixels(np.array([plant.east, plant.north]))
        disc = np.zeros(green.shape, np.uint8)
        cv2.circle(disc, (round(float(x)), round(float(y))), round(plant.radius_m / field.gsd_m) + 2, 1, -1)
        found |= disc.astype(bool)
        share = green[disc > 0].sum() * field.gsd_m**2 / plant.area_m2
        assert share > 0.3
    assert (green & ~found).mean() < 0.002
    total = sum(plant.area_m2 for plant in field.plants)
    assert green.sum() * field.gsd_m**2 == pytest.approx(total, rel=0.35)


def test_crop_stands_in_rows_and_higher_than_the_soil(field: SimField) -> None:
    crop = [plant for plant in field.plants if plant.cover is Cover.CROP]
    off = [abs((plant.east + 0.375) % 0.75 - 0.375) for plant in crop]
    assert max(off) < 0.1
    assert float((field.heights - field.ground).max()) > 0.05
    assert abs(float(field.ground.mean())) < 1e-3


def test_weeds_cluster_as_asked() -> None:
    from scipy.spatial import cKDTree  # noqa: PLC0415

    def nearest(patchiness: float) -> float:
        options = FieldOptions(
            size_m=(12.0, 10.0),
            margin_m=0.0,
            weeds_per_m2=3.0,
            weed_patchiness=patchiness,
            gsd_m=0.03,
            straw_per_m2=0,
        )
        weeds = np.array([(p.east, p.north) for p in grow_field(options).plants if p.cover is Cover.WEED])
        assert 250 < len(weeds) < 480
        return float(np.median(cKDTree(weeds).query(weeds, 2)[0][:, 1]))

    assert nearest(0.9) < 0.75 * nearest(0.0)


@pytest.mark.parametrize("kind", ["potato", "maize", "cabbage"])
def test_other_crops_and_soils_grow(kind: str) -> None:
    options = FieldOptions(
        size_m=(1.5, 1.5), margin_m=0.2, gsd_m=0.006, crops=(kind,), soil="red", row_heading_deg=25.0
    )
    assert any(plant.kind == kind for plant in grow_field(options).plants)


@pytest.mark.parametrize(
    "wrong", [{"crops": ("rose",)}, {"soil": "blue"}, {"size_m": (0.0, 3.0)}, {"gsd_m": 0.0}]
)
def test_wrong_fields_are_refused(wrong: dict) -> None:
    with pytest.raises(Misconfigured, match="simul"):
        FieldOptions(**wrong)


def picture(path: Path, shape: tuple[int, int] = (480, 640)) -> Path:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (shape[0] // 8, shape[1] // 8, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC))
    return path


def test_a_flight_over_an_orthomosaic_shows_it_all(tmp_path: Path) -> None:
    path = picture(tmp_path / "ortho.png")
    ortho = over_orthomosaic(path, 0.0028)
    options = exact(
        FlightOptions(camera="tiny", width=240, height=180, noise=0.0, exposure_drift=0.0, vignetting=0.0)
    )
    fly(ortho, options, tmp_path / "flight")
    document = json.loads((tmp_path / "flight" / "truth.json").read_text())
    west, south = np.min(document["extent"], axis=0)
    east, north = np.max(document["extent"], axis=0)
    rings = [np.array(photo["footprint"]) for photo in document["photos"]]
    for lon, lat in ((west, south), (west, north), (east, south), (east, north)):
        assert any(
            ring[:, 0].min() <= lon <= ring[:, 0].max() and ring[:, 1].min() <= lat <= ring[:, 1].max()
            for ring in rings
        )
    seen = cv2.cvtColor(cv2.imread(str(tmp_path / "flight" / "DJI_0001.JPG")), cv2.COLOR_BGR2RGB)
    score = cv2.matchTemplate(ortho.canvas, np.ascontiguousarray(seen[20:-20, 20:-20]), cv2.TM_CCOEFF_NORMED)
    assert score.max() > 0.9


def test_a_geotiff_lies_where_it_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    bands = rng.integers(0, 255, (3, 200, 300), np.uint8)
    path = tmp_path / "ortho.tif"
    profile = {
        "driver": "GTiff",
        "width": 300,
        "height": 200,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:32643",
    }
    with rasterio.open(
        path, "w", transform=from_origin(420000.0, 2052000.0, 0.01, 0.01), **profile
    ) as target:
        target.write(bands)
    ortho = over_orthomosaic(path)
    assert ortho.anchor is not None
    assert (ortho.anchor.epsg, ortho.anchor.east, ortho.anchor.north) == (32643, 420001.5, 2051999.0)
    assert ortho.gsd_m == pytest.approx(0.01)
    assert np.array_equal(ortho.canvas[5, 7], bands[:, 5, 7])


def test_a_geotiff_in_degrees_is_warped_to_its_zone(tmp_path: Path) -> None:
    bands = np.full((3, 400, 400), 90, np.uint8)
    path = tmp_path / "ortho.tif"
    profile = {
        "driver": "GTiff",
        "width": 400,
        "height": 400,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:4326",
    }
    with rasterio.open(path, "w", transform=from_origin(74.24, 18.57, 1e-7, 1e-7), **profile) as target:
        target.write(bands)
    ortho = over_orthomosaic(path)
    assert ortho.anchor is not None
    assert ortho.anchor.epsg == 32643
    east, north = Transformer.from_crs(4326, 32643, always_xy=True).transform(74.24 + 2e-5, 18.57 - 2e-5)
    assert (ortho.anchor.east, ortho.anchor.north) == pytest.approx((east, north), abs=0.03)
    assert ortho.size_m == pytest.approx((4.22, 4.43), rel=0.03)


def test_labels_become_plants(tmp_path: Path) -> None:
    path = picture(tmp_path / "ortho.png", (400, 800))
    labels = tmp_path / "labels"
    labels.mkdir()
    square = [[100, 50], [120, 50], [120, 70], [100, 70]]
    for name, label in (("tile_3_0.json", "potato"), ("tile_4_0.json", "weed")):
        shape = {"label": label, "points": square, "shape_type": "polygon"}
        raw = {"imageWidth": 400, "imageHeight": 400, "shapes": [shape]}
        (labels / name).write_text(json.dumps(raw))
    crop, weed = over_orthomosaic(path, 0.01, labels).plants
    assert (crop.cover, weed.cover) == (Cover.CROP, Cover.WEED)
    assert (crop.east, crop.north) == pytest.approx(((110 - 400) * 0.01, (200 - 60) * 0.01))
    assert weed.east - crop.east == pytest.approx(4.0)
    assert weed.area_m2 == pytest.approx(0.04)


def test_what_is_no_orthomosaic_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    for path, gsd in ((tmp_path / "absent.png", 0.01), (broken, 0.01), (picture(tmp_path / "a.png"), None)):
        with pytest.raises(Rejected):
            over_orthomosaic(path, gsd)
