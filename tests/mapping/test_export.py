"""Exports read back with GDAL and as plain text."""

import csv
import json
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely

from fieldbox.domain import Cover, Detection, FieldMap, Placement, PlantHealth, Pose
from fieldbox.errors import Rejected
from fieldbox.georef.positions import read_positions
from fieldbox.mapping.export import (
    VECTOR_FORMATS,
    Features,
    PhotoPlace,
    crop_features,
    export_raster,
    export_vector,
    footprint_features,
    gap_features,
    plant_features,
    pose_features,
)
from fieldbox.mapping.geo import lon_lat
from fieldbox.mapping.inrows import RowLine
from fieldbox.mapping.mosaic import MAP_BANDS
from fieldbox.mapping.rowfeatures import missing_features, row_features
from tests.mapping.plants import EAST, NORTH, plant


@dataclass
class StoredPlant:
    """A plant as the store hands it out."""

    id: int
    cover: Cover
    score: float
    lat: float
    lon: float
    area_cm2: float
    position_error_m: float
    outline: np.ndarray
    digest: str
    sure: bool = True


PLANTS = [plant(1, 2, area=0.04), plant(3, 4, cover=Cover.CROP), plant(5, 6, score=0.123456)]


def stored(one: Detection) -> StoredPlant:
    ring = lon_lat(32644, one.outline)
    ((lon, lat),) = lon_lat(32644, [(one.east, one.north)]).tolist()
    return StoredPlant(
        round(one.east),
        one.cover,
        one.score,
        lat,
        lon,
        one.area_m2 * 1e4,
        one.position_error_m,
        ring,
        one.digest,
    )


@pytest.fixture
def weeds() -> Features:
    return plant_features([stored(one) for one in PLANTS if one.cover is Cover.WEED])


def read(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray, str]:
    meta, _ids, shapes, values = pyogrio.raw.read(path)
    return dict(zip(meta["fields"], values, strict=True)), shapely.from_wkb(shapes), meta["crs"]


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp"])
def test_vector_formats_read_back(fmt: str, weeds: Features, tmp_path: Path) -> None:
    path = tmp_path / f"weeds.{fmt}"
    export_vector(weeds, path, fmt)
    columns, shapes, crs = read(path)
    error = columns["POS_ERR_M" if fmt == "shp" else "position_error_m"]
    assert "4326" in crs
    assert error == pytest.approx([2.0, 2.0])
    assert columns["CLASS" if fmt == "shp" else "class"].tolist() == ["weed", "weed"]
    assert columns["AREA_CM2" if fmt == "shp" else "area_cm2"] == pytest.approx([400, 100])
    assert shapes[0].centroid.x == pytest.approx(81.0, abs=1e-4)
    assert shapes[0].centroid.y == pytest.approx(20.0, abs=1e-3)
    assert all(len(name) <= 10 for name in columns) or fmt != "shp"


def test_geojson_is_plain_rfc7946(weeds: Features, tmp_path: Path) -> None:
    export_vector(weeds, tmp_path / "w.geojson", "geojson")
    told = json.loads((tmp_path / "w.geojson").read_text())
    assert told["features"][1]["properties"]["score"] == pytest.approx(0.1235)
    assert "crs" not in told


def test_kml(weeds: Features, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # GDAL complains of names that XML does not allow
        export_vector(weeds, tmp_path / "2 north-field.kml", "kml")
    told = (tmp_path / "2 north-field.kml").read_text()
    assert "position_error_m" in told
    assert "<name>_2_north_field</name>" in told


def test_csv(weeds: Features, tmp_path: Path) -> None:
    export_vector(weeds, tmp_path / "w.csv", "csv")
    with (tmp_path / "w.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["class"] == "weed"
    assert float(rows[0]["lat"]) == pytest.approx(20.0, abs=1e-3)
    assert float(rows[1]["position_error_m"]) == 2.0


def test_zipped_shapefile_is_flat(weeds: Features, tmp_path: Path) -> None:
    export_vector(weeds, tmp_path / "w.zip", "shp")
    with zipfile.ZipFile(tmp_path / "w.zip") as archive:
        assert {"w.shp", "w.dbf", "w.shx", "w.prj"} <= set(archive.namelist())
    assert [one.name for one in tmp_path.iterdir()] == ["w.zip"]


@pytest.mark.parametrize("fmt", VECTOR_FORMATS)
def test_no_plants_is_a_valid_file(fmt: str, tmp_path: Path) -> None:
    export_vector(plant_features([]), tmp_path / f"c.{fmt}", fmt)
    assert (tmp_path / f"c.{fmt}").stat().st_size > 0


def photo(
    file: str,
    ring: np.ndarray,
    block: int | None = 0,
    residual_px: float | None = 0.7,
    doubts: tuple[str, ...] = (),
) -> PhotoPlace:
    """A photo of 400 x 250 pixels whose ground is a ring [K, 2] east, north."""
    pose = Pose(20.0001, 81.0002, 12.345678, 359.5, -1.25, 0.5, 0.4, 0.2, 0.3, 0.1)
    shown = tuple(map(tuple, lon_lat(32644, ring).tolist()))
    placed = Placement("ab" * 32, pose, block, 1.25, 0.8, residual_px, 120, doubts, shown)
    return PhotoPlace(file, 400, 250, placed)


SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float) + np.array([EAST, NORTH])
PHOTOS = [
    photo("b.jpg", SQUARE),
    photo("a.jpg", SQUARE + 5, None, None, ("yaw", "ties")),
    photo("sky.jpg", np.zeros((0, 2))),
]


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp", "kml"])
def test_footprints(fmt: str, tmp_path: Path) -> None:
    export_vector(footprint_features(PHOTOS), tmp_path / f"f.{fmt}", fmt)
    columns, shapes, _crs = read(tmp_path / f"f.{fmt}")
    columns = {name.lower(): values for name, values in columns.items()}
    assert columns["file"].tolist() == ["a.jpg", "b.jpg"]
    assert columns["aligned"].astype(bool).tolist() == [False, True]
    assert columns["error_m"].astype(float).tolist() == [1.25, 1.25]
    # 100 m2 on the grid, whose scale is 0.9996 in the middle of a zone.
    assert columns["area_m2"].astype(float) == pytest.approx([100.08, 100.08], abs=0.1)
    assert columns["gsd_cm"].astype(float) == pytest.approx(100 * np.sqrt(100 / 1e5), rel=1e-3)
    assert shapes[1].centroid.y == pytest.approx(20.0, abs=1e-3)


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp", "kml"])
def test_poses(fmt: str, tmp_path: Path) -> None:
    export_vector(pose_features(PHOTOS), tmp_path / f"p.{fmt}", fmt)
    columns, shapes, _crs = read(tmp_path / f"p.{fmt}")
    assert all(len(name) <= 10 for name in columns) or fmt != "shp"
    columns = {name.lower(): values for name, values in columns.items()}
    assert columns["file"].tolist() == ["a.jpg", "b.jpg", "sky.jpg"]
    assert [(one.x, one.y) for one in shapes] == [(81.0002, 20.0001)] * 3
    assert columns["height_m"].astype(float).tolist() == [12.346] * 3
    wanted = {"yaw_deg": 359.5, "pitch_deg": -1.25, "roll_deg": 0.5, "error_m": 0.4}
    for name, value in wanted.items():
        assert columns[name].astype(float).tolist() == [value] * 3
    assert columns["aligned"].astype(bool).tolist() == [False, True, True]
    assert columns["ties"].astype(int).tolist() == [120] * 3
    assert columns["doubts"].tolist()[0] == "yaw + ties"


def test_what_an_alignment_alone_knows_is_null_without_one(tmp_path: Path) -> None:
    export_vector(pose_features(PHOTOS), tmp_path / "p.geojson", "geojson")
    loose, aligned, _sky = (
        one["properties"] for one in json.loads((tmp_path / "p.geojson").read_text())["features"]
    )
    assert (loose["moved_m"], loose["residual_px"]) == (None, None)
    assert (aligned["moved_m"], aligned["residual_px"]) == (0.8, 0.7)


def test_the_table_of_poses_is_one_that_other_programs_and_we_read(tmp_path: Path) -> None:
    export_vector(pose_features(PHOTOS), tmp_path / "p.csv", "csv")
    told = (tmp_path / "p.csv").read_text()
    assert told.splitlines()[0] == (
        "file,lat,lon,height_m,yaw_deg,pitch_deg,roll_deg,error_m,height_error_m,yaw_error_deg,tilt_error_deg,"
        "ground_error_m,aligned,moved_m,residual_px,ties,doubts"
    )
    assert told.splitlines()[1].split(",")[-5:] == ["false", "", "", "120", "yaw + ties"]
    stated = read_positions((tmp_path / "p.csv").read_bytes(), ["a.jpg", "b.jpg", "sky.jpg"]).stated
    assert [one.image for one in stated] == ["a.jpg", "b.jpg", "sky.jpg"]


@pytest.mark.parametrize("fmt", VECTOR_FORMATS)
@pytest.mark.parametrize("make", [footprint_features, pose_features])
def test_no_photos_is_a_valid_file(
    make: Callable[[Sequence[PhotoPlace]], Features], fmt: str, tmp_path: Path
) -> None:
    export_vector(make([]), tmp_path / f"c.{fmt}", fmt)
    assert (tmp_path / f"c.{fmt}").stat().st_size > 0


def test_health_layer(tmp_path: Path) -> None:
    layers = dict.fromkeys(MAP_BANDS, np.full((30, 20), np.nan, np.float32))
    layers["health_z"] = np.random.default_rng(0).normal(size=(30, 20)).astype(np.float32)
    grid = FieldMap(epsg=32644, west=EAST, north=NORTH, cell_m=1.0, **layers)
    export_raster(grid, "health", tmp_path / "h.tif")
    with rasterio.open(tmp_path / "h.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), layers["health_z"])
        assert raster.transform.c == EAST
    with pytest.raises(Rejected, match="not a raster"):
        export_raster(grid, "zones", tmp_path / "z.tif")


def test_format_that_vectors_cannot_have(weeds: Features, tmp_path: Path) -> None:
    with pytest.raises(Rejected):
        export_vector(weeds, tmp_path / "w.xyz", "xyz")


@dataclass
class StoredCrop(StoredPlant):
    """A crop plant as the store hands it out."""

    health: PlantHealth | None = None
    size_z: float | None = None
    colour_z: float | None = None


@dataclass
class StoredGap:
    """A gap as the store hands it out."""

    start: tuple[float, float]
    end: tuple[float, float]
    missing: int


def crop_plants() -> Features:
    plain = stored(plant(3, 4, cover=Cover.CROP))
    values = {one.name: getattr(plain, one.name) for one in fields(plain)}
    told = StoredCrop(**values, health=PlantHealth.STUNTED, size_z=-3.25, colour_z=0.5)
    return crop_features([told, StoredCrop(**{**values, "id": told.id + 1})])


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp"])
def test_crop_plants_say_how_they_compare_and_null_where_not_judged(fmt: str, tmp_path: Path) -> None:
    export_vector(crop_plants(), tmp_path / f"c.{fmt}", fmt)
    columns, _shapes, _crs = read(tmp_path / f"c.{fmt}")
    health, size = ("HEALTH", "SIZE_Z") if fmt == "shp" else ("health", "size_z")
    assert columns[health].tolist() == ["stunted", None]
    assert columns[size][0] == -3.25
    assert np.isnan(columns[size][1])


def test_not_judged_is_null_in_geojson_and_empty_in_csv(tmp_path: Path) -> None:
    export_vector(crop_plants(), tmp_path / "c.geojson", "geojson")
    told = json.loads((tmp_path / "c.geojson").read_text())["features"][1]["properties"]
    assert (told["health"], told["size_z"], told["colour_z"]) == (None, None, None)
    export_vector(crop_plants(), tmp_path / "c.csv", "csv")
    with (tmp_path / "c.csv").open() as file:
        first, second = csv.DictReader(file)
    assert (first["health"], first["size_z"]) == ("stunted", "-3.25")
    assert (second["health"], second["size_z"], second["colour_z"]) == ("", "", "")


def test_gaps_are_strips_along_the_row(tmp_path: Path) -> None:
    ends = lon_lat(32644, [(EAST, NORTH), (EAST, NORTH + 1.4)])
    gap = StoredGap(tuple(ends[0].tolist()), tuple(ends[1].tolist()), 3)
    export_vector(gap_features([gap], 32644), tmp_path / "g.geojson", "geojson")
    columns, shapes, _crs = read(tmp_path / "g.geojson")
    assert columns["missing"].tolist() == [3]
    assert columns["length_m"][0] == pytest.approx(1.4)
    assert shapes[0].centroid.y == pytest.approx((ends[0][1] + ends[1][1]) / 2, abs=1e-7)
    export_vector(gap_features([], 32644), tmp_path / "none.geojson", "geojson")
    assert json.loads((tmp_path / "none.geojson").read_text())["features"] == []


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp"])
def test_plants_say_where_they_stand_by_the_rows(fmt: str, tmp_path: Path) -> None:
    weeds = [stored(one) for one in PLANTS]
    export_vector(plant_features(weeds, ["in row", "between rows", None]), tmp_path / f"w.{fmt}", fmt)
    columns, _shapes, _crs = read(tmp_path / f"w.{fmt}")
    assert columns["ROW" if fmt == "shp" else "row"].tolist() == ["in row", "between rows", None]


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp"])
def test_missing_plants_are_points(fmt: str, tmp_path: Path) -> None:
    spots = np.array([(EAST + 1, NORTH + 2), (EAST + 3, NORTH + 4)])
    export_vector(missing_features(spots, [1, 2], [7, 1], 32644), tmp_path / f"m.{fmt}", fmt)
    columns, shapes, _crs = read(tmp_path / f"m.{fmt}")
    told = {name.lower(): values.tolist() for name, values in columns.items()}
    assert (told["class"], told["plot"], told["row"]) == (["missing"] * 2, [1, 2], [7, 1])
    assert shapely.get_coordinates(shapes) == pytest.approx(lon_lat(32644, spots), abs=1e-7)


@pytest.mark.parametrize("fmt", ["geojson", "gpkg", "shp"])
def test_rows_are_lines_with_their_direction_from_true_north(fmt: str, tmp_path: Path) -> None:
    points = np.array([(EAST, NORTH), (EAST, NORTH + 5.0), (EAST + 1.0, NORTH + 10.0)])
    line = RowLine(plot=1, row=12, points=points, direction_deg=179.0, spacing_m=0.7512)
    export_vector(row_features([line], 32644, 1.5), tmp_path / f"r.{fmt}", fmt)
    columns, shapes, _crs = read(tmp_path / f"r.{fmt}")
    told = {name.lower(): values.tolist() for name, values in columns.items()}
    assert (told["plot"], told["row"]) == ([1], [12])
    assert told["spacing_m"] == pytest.approx([0.751])
    assert told["length_m"] == pytest.approx([5 + 26**0.5], abs=0.01)
    assert told["direct_deg" if fmt == "shp" else "direction_deg"] == pytest.approx([0.5])
    assert shapes[0].geom_type == "LineString"
    assert shapely.get_coordinates(shapes[0]) == pytest.approx(lon_lat(32644, points), abs=1e-7)


@pytest.mark.parametrize("fmt", VECTOR_FORMATS)
def test_no_rows_and_none_missing_are_valid_files(fmt: str, tmp_path: Path) -> None:
    export_vector(row_features([], 32644, 0.0), tmp_path / f"r.{fmt}", fmt)
    export_vector(missing_features(np.zeros((0, 2)), [], [], 32644), tmp_path / f"m.{fmt}", fmt)
    assert all((tmp_path / f"{name}.{fmt}").exists() for name in "rm")
