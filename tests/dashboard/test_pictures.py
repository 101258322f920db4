"""Tiles and photos: the right colour at the right place, nothing where nothing was seen."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from fieldbox.dashboard import tiles
from fieldbox.dashboard.layers import LAYERS, encode_png, index_values, lookup_table
from tests.dashboard.demo_box import (
    CELL_M,
    HEIGHT_M,
    NORTH,
    PHOTO_SIZE,
    PIXEL_M,
    SPOT,
    SURVEY,
    WEST,
    WIDTH_M,
    DemoBox,
    lat_lon,
)

ZOOM = 20


def tile_at(east: float, north: float, zoom: int = ZOOM) -> tuple[int, int, int, int]:
    """Tile x, y and the pixel column, row in it that shows a ground point (the usual slippy-map formula)."""
    lat, lon = lat_lon(east, north)
    across = (lon + 180) / 360 * 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom
    return int(across), int(down), int(across % 1 * 256), int(down % 1 * 256)


def pixel(client: FlaskClient, key: str, east: float, north: float, zoom: int = ZOOM) -> NDArray[np.uint8]:
    """RGBA of a layer at a ground point."""
    x, y, column, row = tile_at(east, north, zoom)
    answer = client.get(f"/tiles/{SURVEY}/{key}/{zoom}/{x}/{y}?v=1")
    assert answer.status_code == 200
    image = Image.open(io.BytesIO(answer.data)).convert("RGBA").resize((256, 256), Image.Resampling.NEAREST)
    return np.asarray(image)[row, column]


def near(colour: NDArray[np.uint8], wanted: tuple[int, int, int], tolerance: int = 25) -> bool:
    return bool(np.all(np.abs(colour[:3].astype(int) - wanted) <= tolerance))


@pytest.mark.parametrize("zoom", [17, 20, 23])
def test_the_mosaic_shows_its_colours_where_they_lie(client: FlaskClient, zoom: int) -> None:
    west, east = (WEST + WIDTH_M * share for share in (0.25, 0.75))
    middle = NORTH - HEIGHT_M / 2
    assert near(pixel(client, "mosaic", west, middle, zoom), (200, 30, 30))
    assert near(pixel(client, "mosaic", east, middle, zoom), (30, 160, 30))
    assert pixel(client, "mosaic", west, middle, zoom)[3] == 255


def test_the_colour_changes_within_a_pixel_of_the_true_border(client: FlaskClient) -> None:
    border, middle = WEST + WIDTH_M / 2, NORTH - HEIGHT_M / 2
    assert near(pixel(client, "mosaic", border - 0.15, middle, 23), (200, 30, 30), 60)
    assert near(pixel(client, "mosaic", border + 0.15, middle, 23), (30, 160, 30), 60)


def test_unseen_ground_is_transparent_in_every_layer_but_its_own(client: FlaskClient) -> None:
    corner = (WEST + WIDTH_M - 3, NORTH - HEIGHT_M + 3)
    assert pixel(client, "mosaic", *corner)[3] == 0
    for key in LAYERS:
        assert (pixel(client, key, *corner)[3] > 0) == (key == "unseen"), key


def test_seen_ground_is_transparent_in_the_unseen_layer(client: FlaskClient) -> None:
    assert pixel(client, "unseen", WEST + 10, NORTH - 10)[3] == 0


def test_a_cell_has_the_colour_of_its_value(client: FlaskClient) -> None:
    layer = LAYERS["weed-cover"]
    east, north = WEST + 8 * CELL_M + 0.5, NORTH - 10 * CELL_M - 0.5
    value = np.float32(0.25 + 0.12 * np.exp(-(49 + 400) / 20))
    wanted = lookup_table(layer)[index_values(np.array([value]), layer)[0]]
    assert np.array_equal(pixel(client, "weed-cover", east, north, 22), wanted)


def test_no_weeds_look_different_from_not_seen() -> None:
    layer = LAYERS["weed-cover"]
    index = index_values(np.array([0.0, np.nan], np.float32), layer)
    assert lookup_table(layer)[index[0], 3] > 60
    assert lookup_table(layer)[index[1], 3] == 0


def test_values_beyond_the_scale_are_drawn_as_its_ends() -> None:
    layer = LAYERS["health"]
    assert index_values(np.array([-9, -3, 3, 9], np.float32), layer).tolist() == [1, 1, 255, 255]
    with Image.open(io.BytesIO(encode_png(np.array([[0, 1, 255]], np.uint8), layer))) as image:
        assert image.size == (3, 1)


@pytest.mark.parametrize("zoom", [15, 18, 20, 21])
def test_a_tile_far_out_reads_an_overview_and_not_the_whole_mosaic(demo: DemoBox, zoom: int) -> None:
    path = demo.root / "rasters" / SURVEY / "mosaic.tif"
    x, y, *_ = tile_at(WEST + WIDTH_M / 2, NORTH - HEIGHT_M / 2, zoom)
    with tiles._under(path, tiles.tile_bounds(zoom, x, y)) as (source, cut):
        assert cut is not None
        assert cut.window.width <= 2 * tiles.SIZE + 3
        assert cut.window.height <= 2 * tiles.SIZE + 3
        assert source.width >= min(WIDTH_M / PIXEL_M, tiles.SIZE / 2)


def test_far_away_tiles_are_one_blank_picture(client: FlaskClient) -> None:
    answer = client.get(f"/tiles/{SURVEY}/mosaic/20/1/1")
    assert (answer.status_code, answer.data) == (200, tiles.BLANK.data)


@pytest.mark.parametrize("where", ["mosaic/3/8/1", "mosaic/26/0/0", "nolayer/3/1/1", "weed-cover/2/0/4"])
def test_tiles_that_do_not_exist_are_not_found(client: FlaskClient, where: str) -> None:
    assert client.get(f"/tiles/{SURVEY}/{where}").status_code == 404


@pytest.mark.parametrize("survey", ["..", "%2e%2e", "..%2f..%2foriginals", ".hidden", "a/../b", "x" * 200])
def test_no_survey_id_leads_out_of_the_rasters(client: FlaskClient, survey: str) -> None:
    for page in (f"/tiles/{survey}/mosaic/3/1/1", f"/surveys/{survey}/picture", f"/api/v1/surveys/{survey}"):
        answer = client.get(page)
        assert answer.status_code in (404, 308, 302), page
        assert not answer.data.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF"))


def test_a_survey_without_pictures_gives_blank_tiles_that_are_not_kept(client: FlaskClient) -> None:
    answer = client.get("/tiles/unknown-survey/mosaic/20/1/1")
    assert answer.data == tiles.BLANK.data
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_tile_is_kept_for_good(client: FlaskClient) -> None:
    x, y, *_ = tile_at(WEST + 10, NORTH - 10)
    page = f"/tiles/{SURVEY}/mosaic/{ZOOM}/{x}/{y}?v=1"
    answer = client.get(page)
    assert "immutable" in answer.headers["Cache-Control"]
    again = client.get(page, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_native_zoom_shows_every_pixel_of_the_mosaic(demo: DemoBox) -> None:
    extent = tiles.extent(demo.root / "rasters" / SURVEY / "mosaic.tif")
    lat = math.radians(extent.bounds.south)
    pixel_m = 40_075_016.686 * math.cos(lat) / 256 / 2**extent.native_zoom
    assert PIXEL_M / 2 < pixel_m <= PIXEL_M
    assert extent.epsg == 32643


def test_the_small_picture_keeps_its_shape(client: FlaskClient) -> None:
    with Image.open(io.BytesIO(client.get(f"/surveys/{SURVEY}/picture").data)) as image:
        assert image.size == (480, 320)


def test_a_crop_shows_the_spot_in_its_middle(client: FlaskClient, demo: DemoBox) -> None:
    x, y = SPOT
    answer = client.get(f"/photo/{demo.photo}/crop?x={x}&y={y}&size=200")
    picture = np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGB"))
    assert picture.shape == (200, 200, 3)
    assert near(picture[100, 100], (20, 60, 200))
    assert near(picture[100, 30], (130, 100, 70), 30)
    assert near(picture[100, 100 + 46], (255, 255, 255), 60)  # the ring


@pytest.mark.parametrize("spot", [(0, 0), (PHOTO_SIZE[0] - 1, PHOTO_SIZE[1] - 1), (-500, 9999)])
def test_a_crop_at_the_edge_slides_inwards(client: FlaskClient, demo: DemoBox, spot: tuple[int, int]) -> None:
    answer = client.get(f"/photo/{demo.photo}/crop?x={spot[0]}&y={spot[1]}&size=200")
    with Image.open(io.BytesIO(answer.data)) as image:
        assert image.size == (200, 200)


def test_a_crop_is_never_larger_than_the_photo(client: FlaskClient, demo: DemoBox) -> None:
    answer = client.get(f"/photo/{demo.photo}/crop?x=10&y=10&size=99999")
    with Image.open(io.BytesIO(answer.data)) as image:
        assert image.size == PHOTO_SIZE


@pytest.mark.parametrize("query", ["", "?x=1", "?x=nan&y=1", "?x=1&y=inf", "?x=a&y=1"])
def test_a_crop_without_a_place_is_refused(client: FlaskClient, demo: DemoBox, query: str) -> None:
    assert client.get(f"/photo/{demo.photo}/crop{query}").status_code == 400


@pytest.mark.parametrize("digest", ["0" * 64, "..", "..%2f..%2ffieldbox", "ZZ" * 16, "ab"])
def test_photos_that_are_not_there_are_not_found(client: FlaskClient, digest: str) -> None:
    for page in (f"/photo/{digest}", f"/photo/{digest}/crop?x=1&y=1", f"/photo/{digest}/original"):
        assert client.get(page).status_code == 404


def test_the_whole_photo_and_the_original(client: FlaskClient, demo: DemoBox) -> None:
    with Image.open(io.BytesIO(client.get(f"/photo/{demo.photo}").data)) as image:
        assert image.size == PHOTO_SIZE
    original = client.get(f"/photo/{demo.photo}/original").data
    assert original == (demo.root / "originals" / demo.photo[:2] / f"{demo.photo}.jpg").read_bytes()


def test_a_damaged_photo_is_no_crash(client: FlaskClient, demo: DemoBox) -> None:
    digest = "dead" * 16
    path = demo.root / "originals" / "de" / f"{digest}.jpg"
    path.parent.mkdir()
    path.write_bytes(b"no photo at all")
    assert client.get(f"/photo/{digest}/crop?x=1&y=1").status_code == 404
    path.write_bytes((demo.root / "originals" / demo.photo[:2] / f"{demo.photo}.jpg").read_bytes()[:9000])
    assert client.get(f"/photo/{digest}").status_code in (200, 404)


def test_every_layer_has_a_legend(client: FlaskClient) -> None:
    for key in LAYERS:
        with Image.open(io.BytesIO(client.get(f"/legend/{key}").data)) as image:
            assert image.size == (255, 16)
    assert client.get("/legend/none").status_code == 404
