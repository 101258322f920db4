"""The mosaic and the map as GeoTIFFs: right place, no holes, valid layout."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio

from fieldbox.domain import Camera, FieldMap, Pose, Window
from fieldbox.errors import Misconfigured
from fieldbox.georef.coverage import plan_coverage
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.seamlines import seamlines
from fieldbox.mapping.mosaic import (
    MAP_BANDS,
    MosaicInfo,
    Patch,
    assemble,
    choose_mosaic_gsd,
    paint_patch,
    read_map,
    read_patch,
    save_patch,
    write_map,
)

PLANE = GroundPlane.for_point(20.0, 81.0)
EAST, NORTH = (float(value) for value in PLANE.to_ground(20.0, 81.0))
GSD = 0.05


def colour_of(en: np.ndarray) -> np.ndarray:
    """The scene: a smooth colour for each ground point, so that a shift shows."""
    east, north = en[..., 0] - EAST, en[..., 1] - NORTH
    waves = [np.sin(east / 3), np.sin(north / 3), np.sin((east + north) / 4)]
    return np.stack([127 + 100 * wave for wave in waves], axis=-1)


def photo(
    digest: str, east: float, north: float, *, pitch: float = 0.0, yaw: float = 0.0, k1: float = 0.0
) -> PhotoGeometry:
    lat, lon = PLANE.to_geographic(EAST + east, NORTH + north)
    pose = Pose(float(lat), float(lon), 20.0, yaw, pitch, 0.0, 1.0, 1.0, 1.0, 1.0)
    camera = Camera("Test", "T1", 600, 400, 800.0, 299.5, 199.5, (k1, 0.0, 0.0, 0.0, 0.0))
    return PhotoGeometry(digest, pose, camera, PLANE)


def picture(geometry: PhotoGeometry, window: Window) -> np.ndarray:
    ground = geometry.ground_grid(window.x0, window.y0, 1, window.x1 - window.x0, window.y1 - window.y0)
    return np.clip(colour_of(ground), 0, 255).astype(np.uint8)


def fly(
    folder: Path, photos: list[PhotoGeometry], textures: dict[str, np.ndarray] | None = None
) -> tuple[MosaicInfo, Path]:
    plan = plan_coverage(photos, max_radius=None, margin_px=16)
    by_digest = {one.digest: one for one in photos}
    owners = seamlines(plan, by_digest, textures) if textures else plan
    for number, view in enumerate(plan.views):
        geometry = by_digest[view.digest]
        patch = paint_patch(
            picture(geometry, view.window),
            view.window,
            owners.owned_bounds(number),
            geometry.ground_to_pixel,
            lambda *place, number=number: owners.owned_mask(number, *place),
            GSD,
        )
        assert patch is not None
        save_patch(patch, folder / f"{view.digest}.patch")
    info = assemble(folder.glob("*.patch"), folder / "mosaic.tif", epsg=PLANE.epsg, gsd_m=GSD)
    assert info is not None
    return info, folder / "mosaic.tif"


def tilted() -> list[PhotoGeometry]:
    return [
        photo(f"{line}{number}", 7 * line, 4 * number, pitch=3.0 * (-1) ** number, yaw=10.0 * line, k1=-0.05)
        for line in range(4)
        for number in range(6)
    ]


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> tuple[MosaicInfo, Path]:
    return fly(tmp_path_factory.mktemp("mosaic"), tilted())


def test_mosaic_shows_the_ground_in_its_place(mosaic: tuple[MosaicInfo, Path]) -> None:
    info, path = mosaic
    assert info.damaged == ()
    with rasterio.open(path) as raster:
        pixels, mask = np.moveaxis(raster.read(), 0, 2).astype(float), raster.dataset_mask() > 0
        assert (raster.width, raster.height) == (info.width, info.height)
        assert raster.crs.to_epsg() == PLANE.epsg
    east = info.west + (np.arange(info.width) + 0.5) * GSD
    north = info.north - (np.arange(info.height) + 0.5) * GSD
    expected = colour_of(np.stack(np.meshgrid(east, north), -1))
    assert np.abs(pixels - expected)[mask].mean() < 2
    assert np.percentile(np.abs(pixels - expected)[mask], 99) < 8


def test_mosaic_has_no_holes(mosaic: tuple[MosaicInfo, Path]) -> None:
    with rasterio.open(mosaic[1]) as raster:
        mask = (raster.dataset_mask() > 0).astype(np.uint8)
    gaps = np.pad(1 - mask, 1, constant_values=1)
    count, _label = cv2.connectedComponents(gaps, connectivity=4)
    assert count == 2  # painted, and one outside
    assert mask.mean() > 0.6


def test_moving_the_seams_leaves_no_holes(mosaic: tuple[MosaicInfo, Path], tmp_path: Path) -> None:
    """Any texture will do to send them here and there."""
    photos, draw = tilted(), np.random.default_rng(8)
    textures = {one.digest: draw.integers(0, 200, (48, 72), np.uint8) for one in photos}
    info, path = fly(tmp_path, photos, textures)
    with rasterio.open(path) as raster, rasterio.open(mosaic[1]) as planned:
        mask, pixels = raster.dataset_mask() > 0, np.moveaxis(raster.read(), 0, 2).astype(float)
        assert mask.sum() == pytest.approx((planned.dataset_mask() > 0).sum(), rel=0.01)
    count, _label = cv2.connectedComponents(
        np.pad((~mask).astype(np.uint8), 1, constant_values=1), connectivity=4
    )
    assert count == 2  # painted, and one outside
    east = info.west + (np.arange(info.width) + 0.5) * GSD
    north = info.north - (np.arange(info.height) + 0.5) * GSD
    expected = colour_of(np.stack(np.meshgrid(east, north), -1))
    assert np.percentile(np.abs(pixels - expected)[mask], 99) < 8


def test_mosaic_is_a_cloud_optimised_geotiff(mosaic: tuple[MosaicInfo, Path]) -> None:
    with rasterio.open(mosaic[1]) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.block_shapes == [(512, 512)] * 3
        assert raster.compression.name == "jpeg"
        assert raster.photometric.name == "ycbcr"
        assert raster.overviews(1)
        assert raster.mask_flag_enums[0][0].name == "per_dataset"
    assert list(mosaic[1].parent.glob(".*")) == []
    assert not (mosaic[1].parent / "strips.tif").exists()
    assert not list(mosaic[1].parent.glob("*.msk"))


def test_patch_comes_back_and_damage_is_found(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pixels = cv2.resize(draw.integers(0, 255, (4, 5, 3), np.uint8), (50, 40))
    patch = Patch(GSD, -7, 12, pixels, draw.random((40, 50)) < 0.5)
    path = tmp_path / "a.patch"
    save_patch(patch, path)
    back = read_patch(path)
    assert back is not None
    assert (back.gsd_m, back.row, back.column) == (GSD, -7, 12)
    assert (back.mask == patch.mask).all()
    assert np.abs(back.pixels.astype(int) - pixels).mean() < 4
    path.write_bytes(path.read_bytes()[:-5])
    assert read_patch(path) is None
    assert read_patch(tmp_path / "none.patch") is None


def test_damaged_patches_are_told_and_the_rest_is_painted(tmp_path: Path) -> None:
    mask = np.ones((40, 50), bool)
    for number in range(3):
        save_patch(
            Patch(GSD, 0, 40 * number, np.full((40, 50, 3), 90, np.uint8), mask), tmp_path / f"{number}.patch"
        )
    broken = tmp_path / "1.patch"
    broken.write_bytes(broken.read_bytes()[:-9])
    (tmp_path / "3.patch").write_bytes(b"")
    files = list(tmp_path.glob("*.patch"))
    info = assemble(files, tmp_path / "m.tif", epsg=32644, gsd_m=GSD)
    assert info is not None
    assert info.damaged == (broken, tmp_path / "3.patch")
    with rasterio.open(tmp_path / "m.tif") as raster:
        shown = raster.dataset_mask()[20] > 0
    assert shown[:50].all()
    assert not shown[52:78].any()
    assert assemble([], tmp_path / "n.tif", epsg=32644, gsd_m=GSD) is None


def test_later_digests_are_painted_over_earlier_ones(tmp_path: Path) -> None:
    for name, value in (("bb", 200), ("aa", 50)):
        patch = Patch(GSD, 0, 0, np.full((64, 64, 3), value, np.uint8), np.ones((64, 64), bool))
        save_patch(patch, tmp_path / f"{name}.patch")
    assemble(sorted(tmp_path.iterdir(), reverse=True), tmp_path / "m.tif", epsg=32644, gsd_m=GSD)
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.read(1)[32, 32] == pytest.approx(200, abs=3)


def test_photo_that_shows_nothing_of_the_ground_gives_no_patch() -> None:
    geometry = photo("aa", 0, 0)
    window = Window(0, 0, 64, 64)
    far = (EAST + 100, NORTH + 100, EAST + 101, NORTH + 101)
    everywhere = lambda _w, _n, _c, shape: np.full(shape, 255, np.uint8)  # noqa: E731
    assert (
        paint_patch(picture(geometry, window), window, far, geometry.ground_to_pixel, everywhere, GSD) is None
    )


@pytest.mark.parametrize(
    ("gsd", "area", "expected"), [(0.002, 100, 0.005), (0.01, 1e4, 0.02), (0.01, 6.4e6 * 4, 0.6325)]
)
def test_mosaic_gsd(gsd: float, area: float, expected: float) -> None:
    assert choose_mosaic_gsd(gsd, area) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(40, 30), (300, 700), (0, 0)])
def test_map_comes_back(shape: tuple[int, int], tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    layers = {name: draw.random(shape).astype(np.float32) for name in MAP_BANDS}
    for name in MAP_BANDS[1:]:
        layers[name][draw.random(shape) < 0.3] = np.nan
    grid = FieldMap(epsg=32644, west=500_000.0, north=2_211_500.0, cell_m=1.0, **layers)
    write_map(grid, tmp_path / "map.tif")
    back = read_map(tmp_path / "map.tif")
    assert (back.epsg, back.west, back.north, back.cell_m) == (32644, 500_000.0, 2_211_500.0, 1.0)
    for name in MAP_BANDS:
        np.testing.assert_array_equal(getattr(back, name), layers[name])
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.descriptions == MAP_BANDS
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.isnan(raster.nodata)


def test_what_is_no_map_is_named(tmp_path: Path, mosaic: tuple[MosaicInfo, Path]) -> None:
    (tmp_path / "map.tif").write_bytes(b"no")
    for path in (tmp_path / "map.tif", tmp_path / "none.tif", mosaic[1]):
        with pytest.raises(Misconfigured, match="field map"):
            read_map(path)
