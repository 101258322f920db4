"""Orthomosaics of any projection and kind of number: where their pixels lie, which of them hold anything, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from fieldbox.developing import make
from fieldbox.domain import MOSAIC_ERROR_TAG, FileKind, Original
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.tile import Tile
from fieldbox.imagery import raster as rasters
from fieldbox.imagery.captures import tiles_of
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.imagery.raster import Raster, read_raster, read_tile
from tests.imagery.photos import real_data

WEST, NORTH, GSD = 500_300.0, 1_400_200.0, 0.02
ZONE = 32643
SPOTS = ((40, 60), (300, 500), (520, 220))
"""Rows and columns of red marks."""


def ground(rows: int = 600, columns: int = 700) -> NDArray[np.uint8]:
    """Brown soil [3, rows, columns] with red marks of 9 x 9 pixels."""
    random = np.random.default_rng(1)
    soil = np.array([120, 95, 70])[:, None, None] + random.integers(-8, 8, (3, rows, columns))
    picture = soil.astype(np.uint8)
    for row, column in SPOTS:
        picture[:, row - 4 : row + 5, column - 4 : column + 5] = np.array([230, 20, 20])[:, None, None]
    return picture


def write(path: Path, bands: NDArray[Any], *, tags: dict[str, str] | None = None, **profile: Any) -> Path:
    given = {"crs": f"EPSG:{ZONE}", "transform": Affine(GSD, 0, WEST, 0, -GSD, NORTH), **profile}
    colours = given.pop("colorinterp", None)
    names = given.pop("descriptions", None)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(bands),
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype,
        **given,
    ) as target:
        target.write(bands)
        if colours:
            target.colorinterp = colours
        if names:
            target.descriptions = names
        if tags:
            target.update_tags(**tags)
    return path


def spots_found(path: Path) -> list[tuple[float, float]]:
    """East, north of the red marks, as the tiles' geometry has them; each of their middles."""
    found: list[tuple[float, float]] = []
    raster = read_raster(path)
    given = Original("ab" * 32, path.name, path.stat().st_size, FileKind.TIFF)
    plane = GroundPlane(ZONE)
    for capture in tiles_of(given, raster):
        assert capture.source and capture.pose and capture.camera
        picture, held = read_tile(path, rasters.Window(*capture.source.at))
        red = (picture[..., 0].astype(int) - picture[..., 1] > 120) & held
        geometry = Tile(capture.digest, capture.pose, capture.camera, plane, capture.source.outline)
        assert geometry.gsd_m * geometry.metres_on_grid == pytest.approx(GSD, rel=0.02)
        rows, columns = np.nonzero(red)
        places = geometry.pixel_to_ground(np.column_stack([columns, rows]))
        for place in places:
            near = [one for one in found if np.hypot(*(place - one)) < 0.3]
            if not near:
                cluster = places[np.hypot(*(places - place).T) < 0.3]
                found.append(tuple(cluster.mean(axis=0)))
    return found


def true_spots() -> NDArray[np.float64]:
    return np.array([(WEST + (c + 0.5) * GSD, NORTH - (r + 0.5) * GSD) for r, c in SPOTS])


def require_spots(path: Path, within_m: float) -> None:
    found = np.array(spots_found(path))
    away = np.hypot(*(found[:, None] - true_spots()[None]).transpose(2, 0, 1)).min(axis=0)
    assert len(found) == len(SPOTS)
    assert away.max() < within_m


def test_pixels_lie_where_the_file_says(tmp_path: Path) -> None:
    require_spots(write(tmp_path / "a.tif", ground()), 1e-3)


def test_tiles_overlap_and_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasters, "TILE_PX", 256)
    path = write(tmp_path / "a.tif", ground())
    assert len(read_raster(path).tiles) > 4
    require_spots(path, 1e-3)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:7781", "EPSG:32644"])
def test_any_projection(tmp_path: Path, crs: str) -> None:
    source = write(tmp_path / "a.tif", ground())
    with rasterio.open(source) as plain:
        place, width, height = rasterio.warp.calculate_default_transform(
            plain.crs, crs, plain.width, plain.height, *plain.bounds
        )
        warped = np.zeros((3, height, width), np.uint8)
        reproject(
            plain.read(), warped, src_transform=plain.transform, src_crs=plain.crs, dst_transform=place, dst_crs=crs,
            resampling=Resampling.bilinear,
        )  # fmt: skip
    path = write(tmp_path / "b.tif", warped, crs=crs, transform=place)
    require_spots(path, GSD)
    tile = read_raster(path).tiles[0]
    corner = Transformer.from_crs(ZONE, 4326, always_xy=True).transform(WEST, NORTH)
    assert abs(tile.lon - corner[0]) < 1e-3


def test_what_holds_nothing_is_masked(tmp_path: Path) -> None:
    picture = ground()
    picture[:, :, 400:] = 0
    by_zeros = write(tmp_path / "a.tif", picture)
    by_nodata = write(tmp_path / "b.tif", np.where(picture == 0, 255, picture).astype(np.uint8), nodata=255)
    alpha = np.concatenate([picture, np.where(picture.max(0) > 0, 255, 0)[None].astype(np.uint8)])
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    by_alpha = write(tmp_path / "c.tif", alpha, colorinterp=colours)
    for path in (by_zeros, by_nodata, by_alpha):
        (tile,) = read_raster(path).tiles
        _picture, held = read_tile(path, tile.window)
        assert held[:, :399].mean() > 0.999, path.name
        assert not held[:, 401:].any(), path.name
        assert max(x for x, _y in tile.outline) == pytest.approx(399.5, abs=2), path.name


@pytest.mark.parametrize(("kind", "scale"), [("uint16", 257.0), ("float32", 1 / 400.0), ("int16", 100.0)])
def test_other_numbers_look_alike(tmp_path: Path, kind: str, scale: float) -> None:
    plain = write(tmp_path / "a.tif", ground())
    path = write(tmp_path / "b.tif", (ground() * scale).astype(kind))
    first, second = (
        read_tile(one, read_raster(one).tiles[0].window)[0].astype(float) for one in (plain, path)
    )
    soil = first.max(axis=2) < 200  # the marks are brighter than what counts as white
    for channel in range(3):
        assert np.corrcoef(first[..., channel][soil], second[..., channel][soil])[0, 1] > 0.95
    assert first.mean() / 2 < second.mean() < 2.5 * first.mean()


def test_bands_go_by_their_names(tmp_path: Path) -> None:
    red, green, blue = ground()
    nir = np.full_like(red, 200)
    path = write(
        tmp_path / "a.tif", np.stack([nir, blue, green, red]), descriptions=("NIR", "Blue", "Green", "Red")
    )
    raster = read_raster(path)
    assert raster.bands == ("nir", "blue", "green", "red")
    picture, _held = read_tile(path, raster.tiles[0].window)
    assert (np.moveaxis(picture, -1, 0) == ground()).all()


def test_unnamed_bands_that_begin_with_blue(tmp_path: Path) -> None:
    red, green, blue = ground().astype(np.float32) / 500
    path = write(tmp_path / "a.tif", np.stack([blue, green, red, red, red]), photometric="RGB")
    raster = read_raster(path)
    assert raster.bands[:3] == ("blue", "green", "red")
    assert any("taken for blue" in str(note) for note in raster.notes)


def test_without_colours_it_says_so(tmp_path: Path) -> None:
    raster = read_raster(write(tmp_path / "a.tif", ground()[:1]))
    assert raster.bands == ("grey",)
    assert not raster.colours
    assert any("natural colours" in str(note) for note in raster.notes)


def test_how_exact_it_is(tmp_path: Path) -> None:
    told = read_raster(write(tmp_path / "a.tif", ground(), tags={MOSAIC_ERROR_TAG: "0.734"}))
    assert told.error_m == pytest.approx(0.3, abs=1e-3)
    assert told.notes == ()
    silent = read_raster(write(tmp_path / "b.tif", ground(), tags={MOSAIC_ERROR_TAG: "exact"}))
    assert silent.error_m is None
    assert any("does not say how exact" in str(note) for note in silent.notes)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"crs": None}, "without a coordinate system"),
        ({"transform": Affine.identity()}, "without a coordinate system"),
        ({"transform": Affine(5.0, 0, WEST, 0, -5.0, NORTH)}, "too coarse"),
        ({"crs": "EPSG:4326"}, "no place on the map"),
        ({"crs": 'LOCAL_CS["plan",UNIT["metre",1]]'}, "without a coordinate system"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_refused(tmp_path: Path, profile: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "a.tif", ground(), **profile)
    with pytest.raises(Rejected, match=said):
        read_raster(path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (ground()[:1] / np.float32(300) - np.float32(0.2), "holds an index"),
        (412 + ground()[:1] / np.float32(50), "holds heights"),
        (412 + ground()[:1].astype(np.int16), "holds heights"),
    ],
)
def test_numbers_that_are_no_picture(tmp_path: Path, values: NDArray[Any], said: str) -> None:
    told = read_raster(write(tmp_path / "a.tif", values, nodata=-10000))
    assert told.bands == ("grey",)
    assert said in str(told.notes[0])


def test_a_palette_is_no_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", (ground()[:1] > 180).astype(np.uint8), photometric="palette")
    with rasterio.open(path, "r+") as target:
        target.write_colormap(1, {0: (120, 95, 70, 255), 1: (230, 20, 20, 255)})
    with pytest.raises(Rejected, match="palette"):
        read_raster(path)


def test_south_up_and_turned_ones(tmp_path: Path) -> None:
    south_up = Affine(GSD, 0, WEST, 0, GSD, NORTH - 600 * GSD)
    require_spots(write(tmp_path / "a.tif", ground()[:, ::-1], transform=south_up), 1e-3)
    turned = Affine.translation(WEST - 5, NORTH) @ Affine.rotation(30) @ Affine.scale(GSD, -GSD)
    picture = np.zeros((3, 1100, 1100), np.uint8)
    with rasterio.open(write(tmp_path / "b.tif", ground())) as plain:
        reproject(
            plain.read(), picture, src_transform=plain.transform, src_crs=plain.crs, dst_transform=turned,
            dst_crs=plain.crs, resampling=Resampling.bilinear,
        )  # fmt: skip
    require_spots(write(tmp_path / "c.tif", picture, transform=turned), GSD)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_points_may_tell_where_it_lies(tmp_path: Path) -> None:
    def placed(name: str, bend_m: float) -> Path:
        corners = [(row, column) for row in (0, 600) for column in (0, 700)]
        points = [GroundControlPoint(r, c, WEST + c * GSD, NORTH - r * GSD) for r, c in corners]
        points.append(GroundControlPoint(300, 350, WEST + 350 * GSD + bend_m, NORTH - 300 * GSD))
        path = write(tmp_path / name, ground(), crs=None, transform=None)
        with rasterio.open(path, "r+") as target:
            target.gcps = (points, rasterio.CRS.from_epsg(ZONE))
        return path

    require_spots(placed("a.tif", 0.0), 1e-3)
    with pytest.raises(Rejected, match="do not agree"):
        read_raster(placed("b.tif", 0.5))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_files_beside_it_may_tell_where_it_lies(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", ground(), crs=None, transform=Affine.identity())
    world, projection = tmp_path / "a.tfw", tmp_path / "a.prj"
    world.write_text(f"{GSD}\r\n0.0\r\n0.0\r\n-{GSD}\r\n{WEST + GSD / 2:.4f}\r\n{NORTH - GSD / 2:.4f}\r\n")
    projection.write_text(rasterio.CRS.from_epsg(ZONE).to_wkt(version="WKT1_ESRI"))
    assert not rasters.is_georeferenced(path)
    raster = read_raster(path, [projection, world])
    assert (raster.tiles[0].window.x1, raster.tiles[0].window.y1) == (700, 600)
    corner = Transformer.from_crs(ZONE, 4326, always_xy=True).transform(WEST + 350 * GSD, NORTH - 300 * GSD)
    assert (raster.tiles[0].lon, raster.tiles[0].lat) == pytest.approx(corner, abs=1e-9)
    picture, held = read_tile(path, raster.tiles[0].window, [world, projection])
    assert held.all()
    assert (np.moveaxis(picture, -1, 0) == ground()).all()
    for half in ([world], [projection]):
        with pytest.raises(Rejected, match="without a coordinate system"):
            read_raster(path, half)


@pytest.mark.parametrize(("kind", "scale", "nothing"), [
    ("uint8", 1.0, 255), ("uint16", 100.0, 65535), ("int16", 100.0, -10000), ("float32", 1 / 400.0, -32767.0),
])  # fmt: skip
def test_a_number_that_stands_for_nothing_and_is_not_told(
    tmp_path: Path, kind: str, scale: float, nothing: float
) -> None:
    values = (ground() * scale).astype(kind)
    values[:, :, 400:] = nothing
    path = write(tmp_path / "a.tif", values)
    (tile,) = read_raster(path).tiles
    picture, held = read_tile(path, tile.window)
    assert held[:, :400].mean() > 0.999
    assert not held[:, 400:].any()
    assert picture[held].max() > 200


def test_white_beside_a_mask_that_is_not_told(tmp_path: Path) -> None:
    picture = np.concatenate([ground(), np.full((1, 600, 700), 255, np.uint8)])
    picture[:3, :, 400:], picture[3, :, 400:] = 255, 0
    path = write(tmp_path / "a.tif", picture, photometric="RGB", alpha="UNSPECIFIED")
    (tile,) = read_raster(path).tiles
    _picture, held = read_tile(path, tile.window)
    assert held[:, :400].mean() > 0.999
    assert not held[:, 400:].any()


@pytest.mark.parametrize(("told", "bands"), [
    ("Blue(444) Green-560 Red_668_nm NIR-842 RedEdge", ("blue", "green", "red", "nir", "rededge")),
    ("475 560 668 840 717", ("blue", "green", "red", "nir", "rededge")),
    ("Red:650nm Green:560nm Blue:450nm Near-IR Red_edge:730nm", ("red", "green", "blue", "nir", "rededge")),
])  # fmt: skip
def test_bands_go_by_whatever_form_of_their_names(tmp_path: Path, told: str, bands: tuple[str, ...]) -> None:
    path = write(tmp_path / "a.tif", np.concatenate([ground(), ground()[:2]]), descriptions=told.split())
    assert read_raster(path).bands == bands


def test_bands_go_by_what_somebody_said(tmp_path: Path) -> None:
    red, green, blue = ground()
    path = write(tmp_path / "a.tif", np.stack([green, red, np.full_like(red, 200), blue, red]))
    told = ("green", "red", "nir", "blue")
    raster = read_raster(path, bands=told)
    assert raster.bands == (*told, "")
    assert not any("name its bands" in str(note) for note in raster.notes)
    picture, _held = read_tile(path, raster.tiles[0].window, bands=told)
    assert (np.moveaxis(picture, -1, 0) == ground()).all()
    assert not read_raster(path, bands=("green", "red", "nir")).colours
    with pytest.raises(Rejected, match="5 bands, fewer than the 6"):
        read_raster(path, bands=(*told, "other", "other"))


def test_floating_point_bytes_stay_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", ground().astype(np.float32))
    picture, _held = read_tile(path, read_raster(path).tiles[0].window)
    assert (np.moveaxis(picture, -1, 0) == ground()).all()


def test_a_huge_one_that_is_nearly_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    profile = {"width": 40_000, "height": 40_000, "count": 3, "dtype": "uint8", "crs": f"EPSG:{ZONE}"}
    place = Affine(GSD, 0, WEST, 0, -GSD, NORTH)
    with rasterio.open(
        path, "w", driver="GTiff", transform=place, tiled=True, compress="deflate", sparse_ok=True, **profile
    ) as target:
        target.write(ground(512, 512), window=rasterio.windows.Window(20992, 20992, 512, 512))
    (tile,) = read_raster(path).tiles
    assert (tile.window.x0, tile.window.y0) == (20480 - 64, 20480 - 64)


def test_an_empty_one_and_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="empty"):
        read_raster(write(tmp_path / "a.tif", np.zeros((3, 300, 300), np.uint8)))
    whole = write(tmp_path / "b.tif", ground())
    for size in (100, 5000, whole.stat().st_size // 2):
        (tmp_path / "c.tif").write_bytes(whole.read_bytes()[:size])
        with pytest.raises(Rejected):
            raster = read_raster(tmp_path / "c.tif")
            for tile in raster.tiles:
                read_tile(tmp_path / "c.tif", tile.window)


def test_a_made_picture_is_large_enough_and_knows_where_it_holds_anything(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", ground(100, 180))
    (capture,) = tiles_of(Original("ab" * 32, "a.tif", 1, FileKind.TIFF), read_raster(path))
    assert capture.source and capture.camera
    made = make([str(path)], capture.source, None)
    assert decode_jpeg(made.picture).shape == (256, 256, 3)
    assert (capture.camera.width, capture.camera.height) == (256, 256)
    assert made.mask


def test_the_plotted_ones() -> None:
    folder = real_data() / "rasters"
    known: dict[str, Raster] = {}
    for name in ("615", "gray", "rgb"):
        known[name] = read_raster(folder / f"{name}.tif")
        assert len(known[name].tiles) == 1
    assert known["615"].tiles[0].gsd_m == pytest.approx(0.0356, abs=2e-4)
    assert known["rgb"].bands[:3] == ("red", "green", "blue")
    assert "heights" in str(known["gray"].notes[0])
    with pytest.raises(Rejected, match="without a coordinate system"):
        read_raster(folder / "rgb_uint16.tif")
