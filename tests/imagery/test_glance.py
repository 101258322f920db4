"""What a photo tells at a glance: means, what is burnt out, texture, sharpness, and which photos are worse."""

import math
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fieldbox.domain import HOPELESS
from fieldbox.imagery.glance import (
    FINER,
    LONG,
    SHORT,
    TEXTURE_UNIT,
    Glance,
    glance_at,
    worth_of,
)
from fieldbox.simulate.sensor import _streak


def ground(seed: int = 0, width: int = 960, height: int = 720, contrast: float = 40.0) -> np.ndarray:
    """Texture at all scales about a brown, as soil and plants have it."""
    draw = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for octave in range(7):
        size = (max(width >> octave, 2), max(height >> octave, 2))
        noise = draw.normal(0, 1, size[::-1]).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * 1.5**octave / 10
    shade = np.array([120.0, 95.0, 70.0]) + contrast * total[..., None] / total.std() / 2
    return np.clip(shade, 0, 255).astype(np.uint8)


def smeared(picture: np.ndarray, pixels: float, degrees: float = 90.0) -> np.ndarray:
    turn = math.radians(degrees)
    return cv2.filter2D(picture, -1, _streak(pixels * math.cos(turn), pixels * math.sin(turn)))


@pytest.mark.parametrize(("width", "height"), [(960, 720), (721, 963), (1401, 935)])
def test_cells_are_means_of_their_part_of_the_photo(width: int, height: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    x, y = np.meshgrid(np.linspace(20, 220, width), np.linspace(40, 180, height))
    picture[..., 0], picture[..., 1], picture[..., 2] = x, y, 77
    seen = glance_at(picture)
    assert seen.colours.shape == ((SHORT, LONG, 3) if width >= height else (LONG, SHORT, 3))
    places = seen.places(4 * width, 4 * height)
    expected_x = np.interp((places[..., 0] + 0.5) / 4 - 0.5, np.arange(width), x[0])
    expected_y = np.interp((places[..., 1] + 0.5) / 4 - 0.5, np.arange(height), y[:, 0])
    assert np.abs(seen.colours[..., 0] - expected_x).max() < 1.5
    assert np.abs(seen.colours[..., 1] - expected_y).max() < 1.5
    assert (seen.colours[..., 2] == 77).all()
    assert places[0, 0, 0] + 0.5 == pytest.approx(4 * width - 0.5 - places[0, -1, 0])


def test_what_is_burnt_out_or_black_is_told_where_it_is() -> None:
    picture = ground()
    picture[:360, :480] = 255
    picture[360:, 480:] = 1
    seen = glance_at(picture)
    assert seen.over == pytest.approx(0.25, abs=0.003)
    assert seen.under == pytest.approx(0.25, abs=0.003)
    assert (seen.spoilt[: SHORT // 2, : LONG // 2] == 255).all()
    assert (seen.spoilt[SHORT // 2 :, LONG // 2 :] == 255).all()
    assert (seen.spoilt[SHORT // 2 :, : LONG // 2] < 10).all()
    # Soil whose blue is 0 is not black, a red that is burnt out is.
    assert glance_at(np.full((600, 800, 3), (90, 60, 0), np.uint8)).under == 0
    assert glance_at(np.full((600, 800, 3), (255, 60, 0), np.uint8)).over == 1


def test_texture_is_high_where_plants_are() -> None:
    picture = np.full((720, 960, 3), 100, np.uint8)
    for y in range(60, 720, 120):
        for x in range(8, 960, 32):
            cv2.circle(picture, (x, y), 6, (40, 130, 40), -1)
    texture = glance_at(picture).texture.astype(float) / TEXTURE_UNIT
    assert texture.shape == (FINER * SHORT, FINER * LONG)
    rows = texture.mean(axis=1)
    on = np.zeros(len(rows), bool)
    for y in range(60, 720, 120):
        on[y // 10 - 1 : y // 10 + 1] = True
    assert rows[on].min() > 4
    assert rows[~on].max() < 1


def test_sharpness_falls_with_blur_of_any_direction_and_not_with_light() -> None:
    sharp = ground(1)
    told = glance_at(sharp).sharpness
    assert glance_at((sharp * 0.7).astype(np.uint8)).sharpness == pytest.approx(told, abs=0.03)
    for degrees in (0.0, 90.0, 45.0):
        by_length = [glance_at(smeared(sharp, pixels, degrees)).sharpness for pixels in (1.5, 2.5, 4)]
        assert told - 0.05 > by_length[0] > by_length[1] > by_length[2]


def test_ground_without_texture_is_not_blurred() -> None:
    draw = np.random.default_rng(4)
    plain = np.clip(draw.normal(110, 5, (720, 960, 3)), 0, 255).astype(np.uint8)
    flight = {str(number): glance_at(ground(number)) for number in range(9)}
    assert worth_of(flight | {"plain": glance_at(plain)})["plain"] == 0
    flat = glance_at(np.full((720, 960, 3), 99, np.uint8))
    assert math.isnan(flat.sharpness)
    assert worth_of(flight | {"flat": flat})["flat"] == 0


def test_worse_photos_of_a_flight_are_told_and_the_usual_are_not() -> None:
    photos = {str(number): ground(number) for number in range(12)}
    photos["soft"], photos["blurred"] = smeared(ground(20), 1.2), smeared(ground(21), 8)
    burnt = ground(22)
    burnt[:200] = 255
    photos["burnt"] = burnt
    worth = worth_of({digest: glance_at(photo) for digest, photo in photos.items()})
    assert all(worth[str(number)] == 0 for number in range(12))
    assert 0 < worth["soft"] < HOPELESS <= worth["blurred"]
    assert 0.3 < worth["burnt"] < HOPELESS


def test_a_flight_that_is_blurred_as_a_whole_has_no_worse_photos() -> None:
    flight = {str(number): glance_at(smeared(ground(number), 6)) for number in range(8)}
    assert set(worth_of(flight).values()) == {0.0}
    assert worth_of({}) == {}
    one = glance_at(ground())
    assert worth_of({"a": one, "b": replace(one, sharpness=one.sharpness - 2)}) == {"a": 0.0, "b": 0.0}


@pytest.mark.parametrize("shape", [(720, 960, 3), (963, 721, 3)])
def test_glances_come_back_from_the_store(shape: tuple[int, int, int]) -> None:
    seen = glance_at(ground(3, shape[1], shape[0]))
    data = seen.to_bytes()
    again = Glance.from_bytes(data)
    assert len(data) < 10_000
    for name in ("colours", "spoilt", "texture"):
        assert (getattr(again, name) == getattr(seen, name)).all()
    for name in ("over", "under", "sharpness"):
        assert getattr(again, name) == getattr(seen, name)
    assert again.to_bytes() == data
    for wrong in (b"", b"x" * 40, data[:-9], data[:40]):
        with pytest.raises(ValueError, match="no stored glance"):
            Glance.from_bytes(wrong)


def test_a_glance_takes_milliseconds() -> None:
    picture = ground(5, 1400, 1050)
    seconds = []
    for _turn in range(9):
        begun = time.thread_time()
        glance_at(picture)
        seconds.append(time.thread_time() - begun)
    assert min(seconds) < 0.02  # 4 ms on a core of today; a Pi's takes thrice that
