"""Soil that does not repeat, and looks like the tile that it is laid from."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fieldbox.simulate.camera import Pyramid, Shot, make_camera, render, rotation
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.paving import REACH_PX, paved
from fieldbox.simulate.scene import SimField
from fieldbox.simulate.texture import SoilTiles, soil_tiles

LARGE = FieldOptions(
    size_m=(5.2, 4.0), margin_m=0.5, emergence=0.0, weeds_per_m2=0.0, gsd_m=0.0028, straw_per_m2=0.0, seed=5
)
"""Its tile is the large one."""
SMALL = replace(LARGE, size_m=(3.0, 3.0))
GSD_M, SIDE_PX = 0.01, 2000
"""Of the photos: 20 x 20 m of ground."""


@pytest.fixture(scope="module")
def tiles() -> SoilTiles:
    return soil_tiles(np.random.default_rng(3), 0.0028, (0.7, 0.7), 1.0, 5000)


@pytest.fixture(scope="module", params=[LARGE, SMALL], ids=["large tile", "small tile"])
def field(request: pytest.FixtureRequest) -> SimField:
    return grow_field(request.param)


@pytest.fixture(scope="module")
def laid(tiles: SoilTiles) -> np.ndarray:
    """Crumb over 4096 x 4096 px, none of it at the corner where the tile lies as it is."""
    return paved(tiles.crumb, 1).window(-9000, 7000, 4096, 4096)


def photo(field: SimField, east: float, north: float) -> np.ndarray:
    """The grey photo, from 10 m straight down, of 20 x 20 m around a place."""
    camera = make_camera("small", SIDE_PX, SIDE_PX, 10.0 / GSD_M, (0.0, 0.0, 0.0, 0.0, 0.0))
    picture, _ground = render(Shot(east, north, 10.0, rotation(0.0, 0.0, 0.0)), camera, Pyramid(field))
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


def most_alike(grey: np.ndarray, near: int, far: int) -> float:
    """The largest correlation of a picture with itself, shifted by `near` to `far` pixels in any direction."""
    side = grey.shape[0]
    level = grey - grey.mean()
    ones = np.ones_like(level)
    size = (2 * side, 2 * side)
    both, count = (np.fft.irfft2(np.abs(np.fft.rfft2(one, size)) ** 2, size) for one in (level, ones))
    shift = np.minimum(np.arange(2 * side), 2 * side - np.arange(2 * side))
    off = np.hypot(shift[:, None], shift[None, :])
    asked = (off >= near) & (off <= far)
    return float((both[asked] / count[asked]).max() / level.var())


def bands(grey: np.ndarray) -> np.ndarray:
    """[5] standard deviation of luminance in bands of wavelength: 2, 4 ... 64 px."""
    smooth = [grey] + [cv2.GaussianBlur(grey, (0, 0), float(sigma)) for sigma in (1, 2, 4, 8, 16)]
    inner = (slice(64, -64), slice(64, -64))
    return np.array([(one - other)[inner].std() for one, other in itertools.pairwise(smooth)])


def plain(tile: np.ndarray, side: int) -> np.ndarray:
    """The tile laid plainly."""
    times = -(-side // tile.shape[0])
    return np.tile(tile, (times, times))[:side, :side].astype(np.float32)


@pytest.mark.parametrize("place", [(-120.0, 40.0), (600.0, -15.0)])
def test_bare_headland_does_not_repeat(field: SimField, place: tuple[float, float]) -> None:
    assert most_alike(photo(field, *place), round(2.0 / GSD_M), round(12.0 / GSD_M)) < 0.08


def test_a_tile_laid_plainly_would_repeat(tiles: SoilTiles) -> None:
    """What the test above is to find."""
    coarse = cv2.resize(plain(tiles.crumb, 7200), (2000, 2000), interpolation=cv2.INTER_AREA)
    assert most_alike(coarse, 400, 1200) > 0.9


def test_two_photos_far_apart_show_different_soil(field: SimField) -> None:
    one, other = (photo(field, east, 0.0) for east in (100.0, 100.0 + 57.344))
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05


def test_soil_has_the_statistics_of_its_tile(tiles: SoilTiles) -> None:
    for tile in (tiles.crumb, tiles.crust):
        grey, own = paved(tile, 1).window(-9000, 7000, 4096, 4096), tile.astype(np.float32)
        assert grey.mean() == pytest.approx(own.mean(), rel=0.01)
        assert grey.std() == pytest.approx(own.std(), rel=0.03)
        assert bands(grey) == pytest.approx(bands(plain(tile, 4096)), rel=0.04)
        low, high = np.percentile(own, [0.5, 99.5])
        assert np.percentile(grey, [0.5, 99.5]) == pytest.approx([low, high], abs=2.0)
    edge = paved(tiles.edge, 1).window(-9000, 7000, 4096, 4096)
    assert (edge.mean(), edge.std()) == pytest.approx((0.0, 1.0), abs=0.05)


def test_patches_meet_without_a_seam(tiles: SoilTiles) -> None:
    """Gradients on the lines where patches meet are like those elsewhere."""
    for tile in (tiles.crumb, tiles.crust):
        soil = paved(tile, 1)
        grey = soil.window(-9000, 7000, 4096, 4096)
        steep = np.hypot(np.gradient(grey, axis=0), np.gradient(grey, axis=1))
        # A point lies on a line where no patch has it to itself.
        alone = np.full((4096, 4096), False)
        own = soil.share > 0.999
        for row in soil._cells(7000, 4096):
            for column in soil._cells(-9000, 4096):
                top, left = row * soil.cell - soil.overlap - 7000, column * soil.cell - soil.overlap + 9000
                a, b, c, d = max(top, 0), top + len(own), max(left, 0), left + len(own)
                alone[a:b, c:d] |= own[
                    a - top : len(own) - max(b - 4096, 0), c - left : len(own) - max(d - 4096, 0)
                ]
        line = ~alone
        assert 0.05 < line.mean() < 0.20
        assert steep[line].mean() == pytest.approx(steep[~line].mean(), rel=0.07)
        assert np.percentile(steep[line], 99) == pytest.approx(np.percentile(steep[~line], 99), rel=0.12)
        # Nor do the lines' rows and columns show: no one row or column of cells is steeper than the others.
        for axis in (0, 1):
            folded = steep.mean(axis=axis).reshape(-1, soil.cell).mean(axis=0)
            assert np.abs(folded / folded.mean() - 1).max() < 0.06


def test_shares_of_patches_add_to_one(tiles: SoilTiles) -> None:
    for tile in (tiles.crumb, tiles.crust, tiles.crumb[:1024, :1024], tiles.crust[:896, :896]):
        soil = paved(np.full_like(tile, 100), 3)
        for halvings in range(6):
            area = [extent >> halvings for extent in (-700, -900, 1500, 1300)]
            assert np.abs(soil.window(*area) - 100).max() < 1e-3
            soil = soil.halved() if soil.unit > 1 else soil


def test_a_window_is_the_same_however_it_is_cut_and_where_the_tile_lies_whole(
    laid: np.ndarray, tiles: SoilTiles
) -> None:
    soil = paved(tiles.crumb, 1)
    assert np.array_equal(soil.window(-8900, 7100, 700, 900), laid[100:1000, 100:800])
    assert soil.whole == 2048 - 2 * REACH_PX
    whole = soil.window(0, 0, soil.whole, soil.whole)
    assert np.array_equal(whole, tiles.crumb[: soil.whole, : soil.whole])
    beyond = soil.window(-300, -300, 300 + soil.whole + 300, 300 + soil.whole + 300)
    assert np.abs(beyond[300:-300, 300:-300] - whole).max() < 1e-3
    assert not np.array_equal(soil.window(-300, 0, 300, 300), paved(tiles.crumb, 2).window(-300, 0, 300, 300))


def test_halved_soil_is_the_soil_halved(tiles: SoilTiles) -> None:
    fine = paved(tiles.crumb, 1)
    coarse = fine.halved().halved()
    expected = cv2.resize(
        fine.window(-4000, 4000, 2000, 1600), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA
    )
    found = coarse.window(-1000, 1000, 500, 400)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_the_surround_goes_on_where_the_canvas_ends(field: SimField) -> None:
    """Over the canvas's edge rows and columns differ about as within the headland: other soil differs twice as much."""
    height, width = field.canvas.shape[:2]
    seen = field.window(field.canvas, (-200, -200), (width + 400, height + 400), repeat=False)
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY).astype(np.float32)
    for lines, edges in ((grey[:, 200:-200], (200, 200 + height)), (grey.T[:, 200:-200], (200, 200 + width))):
        steps = np.abs(np.diff(lines, axis=0)).mean(axis=1)
        usual = np.r_[steps[:199], steps[-199:]]
        for edge in edges:
            assert steps[edge - 1] < 1.3 * usual.mean()


def test_soil_is_the_same_again_in_another_process() -> None:
    code = (
        "import json, numpy as np\n"
        "from fieldbox.simulate.paving import paved\n"
        "tile = np.arange(256 * 256, dtype=np.float32).reshape(256, 256) % 251\n"
        "print(json.dumps(paved(tile, 7, 5).window(-9000, 123456, 40, 30).tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tile = np.arange(256 * 256, dtype=np.float32).reshape(256, 256) % 251
    assert np.array_equal(
        paved(tile, 7, 5).window(-9000, 123456, 40, 30), np.float32(json.loads(done.stdout))
    )
