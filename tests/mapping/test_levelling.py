"""Levelling: true gains and falloff are found again, and nothing is invented."""

import math

import cv2
import numpy as np
import pytest

from fieldbox.domain import Camera, Window
from fieldbox.mapping.levelling import LEAST, MOST, MOST_EVEN, Levels, Swatch, level

CAMERA = Camera("Test", "T1", 4000, 3000, 2900.0, 1999.5, 1499.5)
OTHER = Camera("Test", "T2", 2000, 1500, 1600.0, 999.5, 749.5)
ROWS, COLUMNS = 24, 32
HEIGHT_M = 10.0
REACH = math.hypot(2000, 1500) / 2900


def terrain(seed: int = 0) -> np.ndarray:
    """[600, 600, 3] colours of ground, 0.1 m to a pixel: patchy soil with plants."""
    draw = np.random.default_rng(seed)
    coarse = cv2.resize(
        draw.normal(0, 1, (12, 12)).astype(np.float32), (600, 600), interpolation=cv2.INTER_CUBIC
    )
    fine = draw.normal(0, 1, (600, 600)).astype(np.float32)
    return np.array([110.0, 95.0, 80.0]) * np.exp(0.15 * coarse + 0.08 * fine)[..., None]


def cells(
    east: float, north: float, yaw_deg: float = 0.0, camera: Camera = CAMERA
) -> tuple[np.ndarray, np.ndarray]:
    """Of a photo taken there: [h, w, 2] ground of the cells' middles, and [h, w, 2] tangents over the reach."""
    x = ((np.arange(COLUMNS) + 0.5) * camera.width / COLUMNS - 0.5 - camera.cx) / camera.focal_px
    y = ((np.arange(ROWS) + 0.5) * camera.height / ROWS - 0.5 - camera.cy) / camera.focal_px
    rays = np.stack(np.meshgrid(x, y), axis=-1)
    yaw = math.radians(yaw_deg)
    right, ahead = (math.cos(yaw), -math.sin(yaw)), (math.sin(yaw), math.cos(yaw))
    ground = HEIGHT_M * (rays[..., :1] * np.array(right) - rays[..., 1:] * np.array(ahead))
    return ground + np.array([east, north]), rays / REACH


def swatch(
    ground: np.ndarray, scene: np.ndarray, gain: np.ndarray, camera: Camera = CAMERA, off: float = 0.0
) -> Swatch:
    """What a photo shows of the scene, times a gain [h, w, 3] or [3]; its told places are `off` metres to the east."""
    at = (ground * (10, -10) + 300).astype(np.float32)
    seen = cv2.remap(
        cv2.blur(scene, (4, 4)),
        at[..., 0].copy(),
        at[..., 1].copy(),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    colours = np.clip(seen * gain, 0, 255).astype(np.uint8)
    spoilt = np.where((seen * gain > 255).any(axis=2), 255, 0).astype(np.uint8)
    return Swatch(colours, spoilt, ground + np.array([off, 0.0]), camera)


def places(lines: int, photos: int) -> list[tuple[float, float, float]]:
    """East, north and yaw along lines flown there and back, 75 % forward and 65 % side overlap."""
    step, aside = 0.25 * 3000 / 290, 0.35 * 4000 / 290
    middle = np.array([lines - 1, photos - 1]) / 2 * (aside, step)
    return [
        (line * aside - middle[0], number * step - middle[1], 180.0 * (line % 2))
        for line in range(lines)
        for number in range(photos)
    ]


def unlike(levels: Levels, true: np.ndarray) -> np.ndarray:
    """[N, 3] logarithms that are left of the true gains [N, 3] once levelled, about their mean."""
    left = np.log(levels.gains) + np.log(true)
    return left - left.mean(axis=0)


@pytest.fixture(scope="module")
def varied() -> tuple[Levels, np.ndarray, float]:
    """Levels of a flight whose exposure, white balance and vignetting were known."""
    draw = np.random.default_rng(2)
    scene = terrain()
    true = np.exp(draw.normal(0, 0.1, (48, 1)) + draw.normal(0, 0.05, (48, 3)))
    swatches = []
    for gain, (east, north, yaw) in zip(true, places(6, 8), strict=True):
        ground, rays = cells(east, north, yaw)
        dark = 1 - 0.3 * (rays**2).sum(axis=2) ** 1.2
        swatches.append(swatch(ground, scene, gain * dark[..., None], off=float(draw.normal(0, 0.15))))
    return level(swatches), true, 0.3


def test_gains_of_exposure_and_white_balance_are_found(varied: tuple[Levels, np.ndarray, float]) -> None:
    levels, true, _loss = varied
    assert levels.tied.all()
    assert unlike(levels, np.ones_like(true)).std() > 0.08
    assert unlike(levels, true).std() < 0.02


def test_falloff_of_the_lens_is_found(varied: tuple[Levels, np.ndarray, float]) -> None:
    levels, _true, loss = varied
    x, y = np.array([0.0, 2000.0, 2800.0, 3600.0, 3999.0]), np.array([0.0, 1500.0])
    gain = levels.gain_at(x, y, CAMERA, 5) / levels.gains[5]
    radius = np.hypot(*np.meshgrid((x - 1999.5) / 2900, (y - 1499.5) / 2900)) / REACH
    left = np.log(gain[..., 0]) + np.log(1 - loss * radius**2.4)
    assert np.ptp(left) < 0.03
    assert gain == pytest.approx(np.repeat(gain[..., :1], 3, axis=2), rel=0.01)


def test_mean_level_stays(varied: tuple[Levels, np.ndarray, float]) -> None:
    assert np.log(varied[0].gains).mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)


def test_brightness_of_the_ground_is_not_levelled_away() -> None:
    """Ground three times as bright at one end as at the other, in photos that are all alike."""
    scene = terrain(1)
    scene *= np.exp(np.linspace(-0.5, 0.5, 600))[:, None, None]
    levels = level([swatch(cells(*place)[0], scene, np.ones(3)) for place in places(4, 8)])
    assert np.abs(np.log(levels.gains)).max() < 0.01
    assert np.abs(levels.falloff.sum(axis=1)).max() < 0.01


def test_sun_from_one_side_does_not_add_up_to_a_slope_across_the_field() -> None:
    """Every photo is 10 % darker towards the south: gains that close each seam would differ sixfold end to end."""
    scene, slope = terrain(2), 0.1
    where = places(3, 30)
    swatches = []
    for east, north, yaw in where:
        ground, rays = cells(east, north, yaw)
        swatches.append(swatch(ground, scene, np.exp(slope * -rays[..., 1:] * math.cos(math.radians(yaw)))))
    levels = level(swatches)
    added_up = slope / (HEIGHT_M * REACH)
    gains = np.log(levels.gains).mean(axis=1)
    found = np.polyfit([north for _east, north, _yaw in where], gains, 1)[0]
    assert abs(found) < 0.05 * added_up
    turned = np.array([math.cos(math.radians(yaw)) for *_place, yaw in where])
    assert levels.slopes[:, 1] * turned == pytest.approx(np.full(len(where), slope), abs=0.01)


def test_what_a_few_photos_show_otherwise_counts_little() -> None:
    scene = terrain(3)
    swatches = [swatch(cells(*place)[0], scene, np.ones(3)) for place in places(4, 6)]
    swatches[9].colours[4:12, 6:16] = 235  # a white van
    assert np.abs(np.log(level(swatches).gains)).max() < 0.02


def test_photos_that_share_no_ground_keep_their_brightness() -> None:
    scene = terrain(4)
    near = [swatch(cells(*place)[0], scene, np.full(3, 1.2)) for place in places(4, 6)]
    near[0] = swatch(cells(*places(4, 6)[0])[0], scene, np.full(3, 0.8))
    far = swatch(cells(500, 500)[0], scene, np.full(3, 0.5))
    blind = Swatch(near[0].colours, near[0].spoilt, np.full((ROWS, COLUMNS, 2), np.nan), CAMERA)
    black = Swatch(np.zeros_like(far.colours), np.full_like(far.spoilt, 255), near[0].ground, CAMERA)
    levels = level([*near, far, blind, black])
    assert levels.tied.tolist() == [True] * 24 + [False] * 3
    assert (levels.gains[24:] == 1).all()
    assert levels.gains[0, 0] / levels.gains[1, 0] == pytest.approx(1.5, rel=0.05)


def test_photos_that_see_the_sky_are_levelled_by_the_ground_they_see() -> None:
    scene = terrain(9)
    swatches = [swatch(cells(*place)[0], scene, np.ones(3)) for place in places(4, 6)]
    swatches[9] = swatch(cells(*places(4, 6)[9])[0], scene, np.full(3, 0.8))
    for one in swatches:
        one.ground[:6] = np.nan
        one.colours[:6] = 240
    levels = level(swatches)
    gains = np.log(levels.gains).mean(axis=1)
    assert gains[9] - np.delete(gains, 9).mean() == pytest.approx(-np.log(0.8), abs=0.03)
    assert np.delete(gains, 9).std() < 0.01


def test_gains_are_limited() -> None:
    scene = terrain(5) * 0.9
    swatches = [swatch(cells(*place)[0], scene, np.ones(3)) for place in places(4, 5)]
    swatches[7] = swatch(cells(*places(4, 5)[7])[0], scene, np.full(3, 0.25))
    levels = level(swatches)
    assert levels.gains.max() == MOST
    assert levels.gains.min() >= LEAST


def test_a_shadow_over_a_part_of_one_photo_is_evened_out() -> None:
    """A cloud's, 8 % deep, over the right of a photo: no gain of the whole photo can take it off."""
    scene, where, number = terrain(8), places(5, 7), 17
    shade = np.where(np.arange(COLUMNS) > COLUMNS // 2, 0.92, 1.0)[None, :, None]
    swatches = [swatch(cells(*place)[0], scene, np.ones(3)) for place in where]
    swatches[number] = swatch(cells(*where[number])[0], scene, shade)
    levels = level(swatches)
    x, y = np.array([300.0, 3700.0]), np.array([1499.5])
    left, right = np.log(levels.gain_at(x, y, CAMERA, number)[0, :, 1])
    assert right - left > -np.log(0.92) / 2
    others = [levels.gain_at(x, y, CAMERA, other)[0, :, 1] for other in range(35) if other != number]
    assert np.abs(np.log(others)).max() < 0.03
    assert np.abs(levels.evened).max() <= MOST_EVEN


def test_each_lens_has_its_own_falloff() -> None:
    scene = terrain(6)
    swatches = []
    for number, (east, north, yaw) in enumerate(places(5, 6)):
        camera, loss = (CAMERA, 0.3) if number % 2 else (OTHER, 0.0)
        ground, rays = cells(east, north, yaw, camera)
        dark = 1 - loss * (rays**2).sum(axis=2)
        swatches.append(swatch(ground, scene, dark[..., None], camera))
    levels = level(swatches)
    assert levels.lens.tolist() == [0 if number % 2 else 1 for number in range(30)]
    x = np.array([999.5, 1999.0])
    plain = levels.gain_at(x, x[:1] * 0.75, OTHER, 0)[0, :, 0]
    assert plain[1] / plain[0] == pytest.approx(1, abs=0.02)
    dark = levels.gain_at(2 * x, x[:1] * 1.5, CAMERA, 1)[0, :, 0]
    radius = 1999 / 2900 / REACH
    assert dark[1] / dark[0] == pytest.approx(1 / (1 - 0.3 * radius**2), rel=0.02)


def test_no_photo_and_one_photo() -> None:
    assert level([]).gains.shape == (0, 3)
    alone = level([swatch(cells(0, 0)[0], terrain(), np.ones(3))])
    assert (alone.gains == 1).all()
    assert not alone.tied.any()


def test_the_same_photos_give_the_same_levels() -> None:
    scene = terrain(7)
    swatches = [swatch(cells(*place)[0], scene, np.ones(3)) for place in places(3, 4)]
    one, two = level(swatches), level(list(swatches))
    assert (one.gains == two.gains).all()
    assert (one.slopes == two.slopes).all()


@pytest.mark.parametrize("scale", [1.0, 2.7])
def test_pixels_are_multiplied_by_the_gain_of_their_place(
    varied: tuple[Levels, np.ndarray, float], scale: float
) -> None:
    levels = varied[0]
    window = Window(3072, 1600, 3872, 2912)
    shape = (round(1312 / scale), round(800 / scale))
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (*shape, 3), np.uint8)
    found = levels.apply(pixels, window, CAMERA, 3)
    x = window.x0 + (np.arange(shape[1]) + 0.5) * 800 / shape[1] - 0.5
    y = window.y0 + (np.arange(shape[0]) + 0.5) * 1312 / shape[0] - 0.5
    expected = np.clip(pixels * levels.gain_at(x, y, CAMERA, 3), 0, 255)
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() < 0.75
    assert found is not pixels


def test_one_flight_is_one_colour_across_its_seams(varied: tuple[Levels, np.ndarray, float]) -> None:
    """The same ground in all photos that see it, before and after: the steps that a mosaic would show."""
    levels, true, loss = varied
    scene, spot = terrain(), np.array([1.0, -2.0])
    before, after = [], []
    for number, (east, north, yaw) in enumerate(places(6, 8)):
        turn = math.cos(math.radians(yaw))
        across, down = (spot - (east, north)) / HEIGHT_M * (turn, -turn)
        x, y = np.array([CAMERA.cx + across * 2900]), np.array([CAMERA.cy + down * 2900])
        if 0 <= x[0] < CAMERA.width and 0 <= y[0] < CAMERA.height:
            dark = 1 - loss * (math.hypot(across, down) / REACH) ** 2.4
            shown = scene[320, 310] * true[number] * dark
            before.append(shown)
            after.append(shown * levels.gain_at(x, y, CAMERA, number)[0, 0])
    assert len(before) > 8
    assert np.log(before).std(axis=0).max() > 0.1
    assert np.log(after).std(axis=0).max() < 0.02
