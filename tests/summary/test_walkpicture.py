"""A walk as a picture: small, as wide as a phone, and the way drawn where it is walked."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fieldbox.summary.walkpicture import MOST_BYTES, WIDTH, Backdrop, draw
from tests.summary.walks import LAT, LON, spot, walk


def backdrop(height: int = 600, width: int = 800, *, rough: bool = True) -> Backdrop:
    """Green ground whose north-west corner is somewhat off the walk; 5 cm a pixel."""
    rng = np.random.default_rng(1)
    pixels = np.full((height, width, 3), (70, 110, 50), np.uint8)
    if rough:
        pixels = (pixels + rng.integers(-40, 40, pixels.shape)).astype(np.uint8)
    seen = np.ones((height, width), np.bool_)
    seen[: height // 6] = False

    def at(lat: float, lon: float) -> tuple[float, float]:
        return (lon - LON) * 105_000 / 0.05 + 100, height - 100 - (lat - LAT) * 111_000 / 0.05

    return Backdrop(pixels, seen, 0.05, at)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize(
    ("spots", "checks", "size"), [(1, 0, (600, 800)), (8, 3, (2400, 500)), (20, 3, (200, 1600))]
)
def test_it_is_small_whatever_is_in_it(spots: int, checks: int, size: tuple[int, int]) -> None:
    made = draw(walk(*(spot(one, checks=checks) for one in range(1, spots + 1))), "North", backdrop(*size))
    assert len(made) <= MOST_BYTES
    picture = opened(made)
    assert picture.format == "JPEG"
    assert picture.mode == "RGB"
    assert picture.width == WIDTH if spots <= 12 else picture.width >= 0.5 * WIDTH
    assert picture.height > picture.width


def test_spots_are_drawn_in_their_colours() -> None:
    made = np.asarray(opened(draw(walk(spot(1), spot(2), spot(3)), "North", backdrop(rough=False)))).astype(
        int
    )
    red, green, blue = made[..., 0], made[..., 1], made[..., 2]
    legend, chart = made.shape[0] // 2, slice(150, 700)
    for found in (
        (red > 170) & (green < 110) & (blue < 110),
        (blue > 150) & (red < 80),
        (green > 120) & (red < 90) & (blue < 120),
    ):
        assert found[chart].sum() > 500
        assert found[legend:].sum() > 500
    assert ((red > 200) & (green > 180) & (blue < 90))[chart].sum() > 1000  # the way


def test_no_ground_is_no_picture() -> None:
    nothing = Backdrop(
        np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.bool_), 1.0, lambda lat, lon: (lon, lat)
    )
    with pytest.raises(ValueError, match="no picture"):
        draw(walk(spot(1)), "North", nothing)


def test_a_walk_without_spots_is_drawn() -> None:
    assert opened(draw(walk(), "North", backdrop())).width == WIDTH
