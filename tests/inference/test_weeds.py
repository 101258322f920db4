"""Windows and tiles, with a stand-in for the network."""

from __future__ import annotations

import numpy as np
import pytest

from fieldbox.domain import Cover, Interval
from fieldbox.inference import weeds
from fieldbox.inference.plants import CROP, WEED, Decoding, find_plants
from fieldbox.inference.weeds import Ratios, WeedModel
from tests.inference.garden import Plant, Reader, maps_of, picture_of

GSD_MM = 2.8


def model(reader: Reader) -> WeedModel:
    return WeedModel(reader, release="stand-in@0", gsd_range_mm=(1.0, 5.0), decoding=Decoding())


def scattered(count: int, rows: int, columns: int) -> list[Plant]:
    rng = np.random.default_rng(3)
    grid = [(x, y) for x in range(8, columns - 8, 17) for y in range(8, rows - 8, 17)]
    chosen = rng.permutation(len(grid))[:count]
    return [
        Plant(grid[n][0], grid[n][1], float(rng.uniform(2, 9)), CROP if n % 3 == 0 else WEED) for n in chosen
    ]


@pytest.mark.parametrize(("rows", "columns"), [(256, 512), (512, 200), (400, 400)])
def test_tiles_give_the_same_plants_as_one_window(rows: int, columns: int) -> None:
    maps = maps_of(scattered(200, rows, columns), rows, columns)
    picture, reader = picture_of(maps), Reader()
    seen = model(reader).look(picture, GSD_MM).plants
    assert len(reader.shapes) > 1
    assert all(shape[1] * shape[2] <= weeds.TILE_PX for shape in reader.shapes)
    assert all(shape[1] % 32 == shape[2] % 32 == 0 for shape in reader.shapes)
    whole = find_plants(Reader().run(picture[None])[0], Decoding(), picture.shape[:2], GSD_MM)
    assert np.array_equal(seen.centres, whole.centres)
    assert np.array_equal(seen.classes, whole.classes)
    assert all(np.array_equal(a, b) for a, b in zip(seen.outlines, whole.outlines, strict=True))


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (3, 700), (31, 33), (640, 641), (1021, 2047), (5000, 40)]
)
def test_any_size_is_looked_at_and_answered_in_its_own_size(height: int, width: int) -> None:
    reader = Reader()
    picture = picture_of(maps_of([], -(-height // 4), -(-width // 4)))[:height, :width]
    seen = model(reader).look(picture, GSD_MM)
    assert seen.classes.shape == (-(-height // 4), -(-width // 4))
    assert len(seen.plants) == 0
    assert all(shape[1] % 32 == shape[2] % 32 == 0 for shape in reader.shapes)


def test_small_windows_are_run_in_one_piece() -> None:
    reader = Reader()
    model(reader).look(np.zeros((1000, 1100, 3), np.uint8), GSD_MM)
    assert reader.shapes == [(1, 1024, 1120, 3)]


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 4), (0, 64, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        model(Reader()).look(np.zeros(shape, np.uint8), GSD_MM)


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        model(Reader()).look(np.zeros((64, 64, 3), np.float32), GSD_MM)


def test_ratios_at_a_resolution_span_its_neighbours() -> None:
    fine, coarse = (
        Ratios(dict.fromkeys(Cover, Interval(*count)), dict.fromkeys(Cover, Interval(*cover)))
        for count, cover in (((0.8, 1.1), (0.6, 0.9)), ((0.9, 1.3), (0.7, 0.8)))
    )
    ratios = Ratios(measured={2.8: fine, 4.0: coarse})
    assert ratios.near(2.8) == ratios.near(1.0) == fine
    assert ratios.near(9.0) == coarse
    assert ratios.near(3.0).count[Cover.WEED] == Interval(0.8, 1.3)
    assert ratios.near(3.0).cover[Cover.WEED] == Interval(0.6, 0.9)
    assert Ratios().near(3.0) == Ratios()
