"""The field map: shares, density, NaN for what was not seen; hotspots, health and estimates on it."""

import dataclasses

import numpy as np
import pytest

from fieldbox.domain import Cover, FieldMap
from fieldbox.mapping.cells import PixelLayers, sum_cells
from fieldbox.mapping.grid import Known, build_map, cells_of
from fieldbox.mapping.health import MIN_CELLS, health_index, score_health, wilson95
from fieldbox.mapping.hotspots import find_hotspots
from tests.mapping.plants import EAST, NORTH, plant

STEP = 0.05
BOX = np.array([[0, 0], [4, 0], [4, 3], [0, 3]], float) + np.array([EAST, NORTH])


def ground(west: float, south: float, east: float, north: float) -> np.ndarray:
    xs = EAST + np.arange(west + STEP / 2, east, STEP)
    ys = NORTH + np.arange(north - STEP / 2, south, -STEP)
    return np.stack(np.meshgrid(xs, ys), axis=-1)


def seen_map(classes_at=None, box=BOX, detections=(), **known: bool) -> FieldMap:  # type: ignore[no-untyped-def]
    """A map of 4 x 3 cells of which the western 2.5 columns were looked at."""
    points = ground(0, 0, 2.5, 3)
    shape = points.shape[:2]
    classes = np.zeros(shape, np.uint8) if classes_at is None else classes_at(points)
    green = np.ones(shape, bool)
    index = np.full(shape, 0.25, np.float32)
    layers = PixelLayers(classes, np.zeros(shape, bool), green, index, index, index)
    sums = sum_cells(points, np.ones(shape, bool), 1.0, layers)
    return build_map([sums], detections, epsg=32644, cell_m=1.0, boundary=box, known=Known(**known))


def test_shares_of_what_was_seen_and_nan_elsewhere() -> None:
    grid = seen_map(lambda at: np.where(at[..., 0] - EAST < 0.5, 2, 1).astype(np.uint8))
    assert (grid.west, grid.north, grid.seen.shape) == (EAST, NORTH + 3, (3, 4))
    assert grid.seen[0] == pytest.approx([1, 1, 0.5, 0])
    assert grid.weed_cover[1, :3] == pytest.approx([0.5, 0, 0])
    assert grid.crop_cover[1, :3] == pytest.approx([0.5, 1, 1])
    assert grid.exg[2, :3] == pytest.approx([0.25] * 3)
    for name in ("weed_cover", "crop_cover", "weed_density", "unsure", "exg", "gli", "vari", "health_z"):
        assert np.isnan(getattr(grid, name)[:, 3]).all(), name


def test_density_is_per_seen_square_metre() -> None:
    weeds = [plant(0.5, 0.5), plant(0.6, 0.5), plant(2.2, 2.5), plant(1.5, 1.5, cover=Cover.CROP)]
    grid = seen_map(detections=weeds)
    assert grid.weed_density[2, 0] == pytest.approx(2)
    assert grid.weed_density[0, 2] == pytest.approx(2)
    assert grid.weed_density[1, 1] == 0
    assert np.isnan(grid.weed_density[0, 3])


def test_what_was_not_looked_for_is_nan() -> None:
    assert np.isnan(seen_map(single_weeds=False).weed_density).all()
    blind = seen_map(classes=False, colours=False)
    assert np.isnan(blind.weed_cover).all()
    assert np.isnan(blind.exg).all()
    assert blind.seen[0, 0] == 1


def test_ground_outside_the_boundary_is_unseen() -> None:
    grid = seen_map(box=BOX[[0, 1, 2]])  # the half below the diagonal
    assert grid.seen[0, 0] == 0
    assert np.isnan(grid.weed_cover[0, 0])
    assert grid.seen[2, 1] == 1


def test_map_without_boundary_spans_what_was_seen() -> None:
    assert seen_map(box=None).seen.shape == (3, 3)
    empty = build_map([], [], epsg=32644, cell_m=1.0)
    assert empty.seen.shape == (0, 0)


def test_cells_of_points() -> None:
    row, column, inside = cells_of(
        seen_map(), [(EAST + 0.1, NORTH + 2.9), (EAST + 3.9, NORTH + 0.1), (EAST - 1, NORTH)]
    )
    assert row.tolist() == [0, 2, 0]
    assert column.tolist() == [0, 3, 0]
    assert inside.tolist() == [True, True, False]


def wide_map(layer: np.ndarray, name: str) -> FieldMap:
    nothing = np.full(layer.shape, np.nan, np.float32)
    names = [one.name for one in dataclasses.fields(FieldMap)][4:]
    layers = dict.fromkeys(names, nothing) | {"seen": np.ones(layer.shape, np.float32)}
    layers["weed_cover"] = np.zeros(layer.shape, np.float32)
    return FieldMap(32644, EAST, NORTH + layer.shape[0], 1.0, **(layers | {name: layer.astype(np.float32)}))


def patch_of_weeds() -> tuple[FieldMap, list]:  # type: ignore[type-arg]
    density = np.zeros((40, 40))
    density[5:8, 10:13] = 5
    density[30, 30:33] = 3
    weeds = [plant(c + 0.5, 40 - r - 0.5, digest=f"{r:02d}{c:02d}") for r, c in np.argwhere(density > 0)]
    return wide_map(density, "weed_density"), weeds


def test_hotspots_are_ranked_by_weeds_and_show_one() -> None:
    grid, weeds = patch_of_weeds()
    first, second = find_hotspots(grid, weeds)
    assert (first.rank, first.weed_count, first.area_m2) == (1, 9, 9)
    assert (second.rank, second.weed_count) == (2, 3)
    assert first.digest in {one.digest for one in weeds}
    assert 10 < first.east - EAST < 13
    assert first.lat == pytest.approx(20.0, abs=0.05)
    assert find_hotspots(grid, weeds, limit=1) == (first,)


def test_even_field_has_no_hotspot() -> None:
    assert find_hotspots(wide_map(np.full((20, 20), 3.0), "weed_density"), []) == ()
    assert find_hotspots(wide_map(np.zeros((20, 20)), "weed_density"), []) == ()
    assert find_hotspots(wide_map(np.full((20, 20), np.nan), "weed_density"), []) == ()


def test_hotspots_of_cover_where_weeds_were_not_counted() -> None:
    cover = np.zeros((40, 40))
    cover[5:8, 10:13] = 0.2
    grid = wide_map(cover, "weed_cover")
    assert find_hotspots(grid, []) == ()
    (spot,) = find_hotspots(grid, [], shown=lambda _east, _north: ("ff", 10.0, 20.0))
    assert (spot.weed_count, spot.digest, spot.pixel_x) == (None, "ff", 10.0)
    assert spot.weed_cover == pytest.approx(0.2)


def test_health_is_relative_to_the_field() -> None:
    index = np.random.default_rng(2).normal(0.2, 0.02, (30, 30)).astype(np.float32)
    pixels = np.full((30, 30), 200)
    even = health_index(score_health(index, pixels))
    index[:6, :15] -= 0.2
    scores = score_health(index, pixels)
    assert (scores[:6, :15] < -2.5).mean() > 0.95
    spotted = health_index(scores)
    assert even.value == pytest.approx(100, abs=1.5)
    assert spotted.value == pytest.approx(90, abs=1.5)
    assert spotted.interval95 is not None
    assert spotted.interval95.low < spotted.value < spotted.interval95.high <= 100


def test_health_needs_crop_and_cells() -> None:
    index = np.random.default_rng(2).normal(0.2, 0.02, (5, 8)).astype(np.float32)
    pixels = np.full((5, 8), 200)
    pixels[0, 0] = 3
    assert np.isnan(score_health(index, pixels)[0, 0])
    assert np.isfinite(score_health(index, pixels)).sum() == 39
    few = score_health(index[:3], pixels[:3])
    assert np.isnan(few).all()
    assert health_index(few) == (None, None)
    assert np.isnan(score_health(np.full((8, 8), 0.2, np.float32), np.full((8, 8), 99))).all()
    assert index[:3].size < MIN_CELLS


def test_wilson_interval() -> None:
    assert wilson95(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert wilson95(0.0, 50).low == 0
