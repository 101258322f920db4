"""All weeds of a survey: one array in a file, and tiles that show them as they are."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from fieldbox.dashboard import plants, planttiles
from fieldbox.dashboard.tiles import BLANK
from tests.dashboard.demo_box import NORTH, SURVEY, WEST, DemoBox
from tests.dashboard.test_pictures import pixel, tile_at

LON, LAT = 73.85, 18.52
DEGREE_M = 111_320.0


def field_of(count: int, side_m: float, *, sure: bool = True, seed: int = 1) -> NDArray[np.float64]:
    """So many weeds of 6 cm strewn over a square whose south-west corner is at LON, LAT."""
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(0, side_m, (2, count))
    lon = LON + east / (DEGREE_M * math.cos(math.radians(LAT)))
    return np.column_stack([lon, LAT + north / DEGREE_M, np.full(count, 0.06), np.full(count, float(sure))])


def tile_over(z: int) -> tuple[int, int]:
    """The tile a few metres north-east of LON, LAT."""
    x, y = plants.to_world(np.array([LON + 1e-4]), np.array([LAT + 1e-4]))
    return int(x[0] * 2**z), int(y[0] * 2**z)


def middle_of(z: int, x: int, y: int) -> tuple[float, float]:
    """Longitude and latitude of the middle of a tile."""
    north = math.pi * (1 - 2 * (y + 0.5) / 2**z)
    return (x + 0.5) / 2**z * 360 - 180, math.degrees(math.atan(math.sinh(north)))


def alpha_of(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[..., 3]


def test_the_array_is_kept_and_read_again(tmp_path: Path) -> None:
    points = field_of(50, 20)
    made = plants.weeds_of(tmp_path, lambda: points)
    again = plants.weeds_of(tmp_path, lambda: pytest.fail("read anew"))
    assert np.array_equal(made, again) and len(again) == 50
    assert np.all(np.diff(again["y"]) >= 0)


@pytest.mark.parametrize("harm", ["gone", "short", "long", "changed", "other"])
def test_a_damaged_array_is_made_anew(tmp_path: Path, harm: str) -> None:
    points = field_of(50, 20)
    made = np.array(plants.weeds_of(tmp_path, lambda: points))
    file = tmp_path / plants.FILE
    data = file.read_bytes()
    harmed = {
        "gone": None,
        "short": data[:-7],
        "long": data + b"more",
        "changed": data[:200] + bytes([data[200] ^ 1]) + data[201:],
        "other": b"\x00" * 10,
    }[harm]
    if harmed is None:
        file.unlink()
    else:
        file.write_bytes(harmed)
    assert np.array_equal(plants.weeds_of(tmp_path, lambda: points), made)
    assert file.read_bytes() == data


def test_where_no_file_can_be_written_the_array_is_there_all_the_same(tmp_path: Path) -> None:
    assert len(plants.weeds_of(tmp_path / "not there", lambda: field_of(5, 20))) == 5


def test_no_weeds_are_no_weeds(tmp_path: Path) -> None:
    none = np.empty((0, 4))
    for _twice in range(2):
        weeds = plants.weeds_of(tmp_path, lambda: none)
        assert planttiles.plant_tile(weeds, 20, *tile_over(20)) == BLANK


def test_a_dot_is_to_scale_from_near_and_still_seen_from_far() -> None:
    for zoom in (22, 20):
        weeds = plants.packed(np.array([[*middle_of(zoom, *tile_over(zoom)), 0.5, 1.0]]))
        alpha = alpha_of(planttiles.plant_tile(weeds, zoom, *tile_over(zoom)).data)
        pixel_m = 2 * math.pi * 6378137 * math.cos(math.radians(LAT)) / 256 / 2**zoom
        assert alpha.sum() / alpha.max() == pytest.approx(math.pi * (0.5 / pixel_m) ** 2, rel=0.1)
    small = plants.packed(np.array([[*middle_of(20, *tile_over(20)), 0.01, 1.0]]))
    assert alpha_of(planttiles.plant_tile(small, 20, *tile_over(20)).data).max() > 100


def test_an_unsure_weed_is_hollow() -> None:
    for radius_m in (0.2, 1.0):
        place = np.array([[*middle_of(22, *tile_over(22)), radius_m, 0.0]])
        unsure, sure = plants.packed(place), plants.packed(place + np.array([0, 0, 0, 1]))
        tile = tile_over(22)
        hollow, full = (alpha_of(planttiles.plant_tile(one, 22, *tile).data) for one in (unsure, sure))
        middle = np.argwhere(full > 100).mean(axis=0).round().astype(int)
        assert full[tuple(middle)] > 200 and hollow[tuple(middle)] == 0 and hollow.max() > 100


def test_from_far_a_clean_field_does_not_look_full_of_weeds() -> None:
    """A weed on every 20 m², and 10 on each square metre: the one is a breath of colour, the other strong."""
    clean, foul = (plants.packed(field_of(count, 200)) for count in (2_000, 400_000))
    tile = tile_over(18)
    pale, strong = (alpha_of(planttiles.plant_tile(one, 18, *tile).data).max() for one in (clean, foul))
    assert 0 < pale < 40 and strong > 150


def test_tiles_from_far_meet_without_a_seam() -> None:
    weeds = plants.packed(field_of(60_000, 400))
    x, y = tile_over(18)
    left, right = (alpha_of(planttiles.plant_tile(weeds, 18, x + i, y - 1).data).astype(int) for i in (0, 1))
    step = np.abs(left[:, -1] - right[:, 0]).max()
    assert step <= max(np.abs(np.diff(left, axis=1)).max(), np.abs(np.diff(right, axis=1)).max())


def test_the_tiles_of_a_survey_show_its_weeds_where_they_stand(client: FlaskClient, demo: DemoBox) -> None:
    weed, bare = (WEST + 5.0, NORTH - 11.0), (WEST + 6.0, NORTH - 12.0)
    assert pixel(client, "plants", *weed, 22).tolist()[:3] == [255, 20, 147]
    assert pixel(client, "plants", *weed, 22)[3] > 150
    assert pixel(client, "plants", *bare, 22)[3] == 0
    assert (demo.root / "rasters" / SURVEY / plants.FILE).is_file()


def test_a_survey_that_is_gone_has_blank_tiles_of_weeds(client: FlaskClient, demo: DemoBox) -> None:
    answer = client.get("/tiles/none/plants/20/1/1")
    assert (answer.data, answer.headers["Cache-Control"]) == (BLANK.data, "no-store")
    assert not (demo.root / "rasters" / "none").exists()


def test_a_tile_is_made_once_and_then_at_hand(client: FlaskClient, demo: DemoBox) -> None:
    x, y, *_ = tile_at(WEST + 10, NORTH - 10)
    first = client.get(f"/tiles/{SURVEY}/mosaic/20/{x}/{y}?v=1").data
    path = demo.root / "rasters" / SURVEY / "mosaic.tif"
    path.rename(path.with_suffix(".away"))
    try:
        assert client.get(f"/tiles/{SURVEY}/mosaic/20/{x}/{y}?v=1").data == first
    finally:
        path.with_suffix(".away").rename(path)


@pytest.mark.parametrize("zoom", [15, 17, 19, 20, 21])
def test_a_hundred_thousand_weeds_are_all_in_the_tiles(zoom: int) -> None:
    points = field_of(100_000, 1000)
    weeds = plants.packed(points)
    x, y = tile_over(zoom)
    tile = alpha_of(planttiles.plant_tile(weeds, zoom, x, y).data)
    there = plants.within(weeds, x / 2**zoom, y / 2**zoom, (x + 1) / 2**zoom, (y + 1) / 2**zoom)
    assert len(there) > 5
    column, row = ((part * 2**zoom % 1 * 256).astype(int) for part in (there["x"], there["y"]))
    assert (tile[row, column] > 0).all()
