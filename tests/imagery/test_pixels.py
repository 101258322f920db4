from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fieldbox.imagery.colour import FALSE_COLOUR, NO_COLOUR, ColourVerdict, judge_colour, judge_flight
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.imagery.indices import vegetation_indices
from tests.imagery.photos import real_data


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_indices_follow_their_formulas(rgb: np.ndarray) -> None:
    found = vegetation_indices(rgb)
    r, g, b = (rgb[..., i].astype(float) for i in range(3))
    total = r + g + b
    with np.errstate(divide="ignore", invalid="ignore"):
        exg = np.where(total > 0, (2 * g - r - b) / total, 0)
        gli = np.where(2 * g + r + b > 0, (2 * g - r - b) / (2 * g + r + b), 0)
        vari = np.where(g + r - b > 0, np.clip((g - r) / (g + r - b), -1, 1), 0)
    for plane, truth in ((found.exg, exg), (found.gli, gli), (found.vari, vari)):
        assert plane.dtype == np.float32
        np.testing.assert_allclose(plane, truth, atol=1e-6)
    assert not found.vegetation[total <= 60].any()


def test_vegetation_is_green_and_not_dark() -> None:
    colours = [(60, 110, 50), (150, 130, 100), (10, 20, 8), (0, 0, 0), (255, 255, 255), (90, 100, 200)]
    found = vegetation_indices(np.array([colours], dtype=np.uint8))
    assert found.vegetation.tolist() == [[True, False, False, False, False, False]]


def test_strips_meet_without_a_seam() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    whole, row = vegetation_indices(rgb), vegetation_indices(rgb[170:171])
    np.testing.assert_array_equal(whole.exg[170], row.exg[0])


def scene(*colours: tuple[int, int, int]) -> np.ndarray:
    rng = np.random.default_rng(0)
    base = np.array(colours)[rng.integers(0, len(colours), (120, 160))]
    return np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "rgb",
    [
        scene((150, 130, 100), (70, 110, 50)),  # soil and crop
        scene((160, 90, 60)),  # red soil
        scene((190, 180, 140)),  # dry grass
        scene((60, 60, 58), (75, 74, 70)),  # under dark clouds
        scene((40, 90, 30)),
        np.zeros((50, 50, 3), np.uint8),
        np.full((50, 50, 3), 255, np.uint8),
    ],
)
def test_natural_colours(rgb: np.ndarray) -> None:
    assert judge_colour(rgb) == ColourVerdict(True, None)


def test_near_infrared_and_grey_are_told() -> None:
    assert judge_colour(scene((140, 60, 80), (170, 150, 200))) == ColourVerdict(False, FALSE_COLOUR)
    grey = np.repeat(np.random.default_rng(0).integers(70, 200, (60, 60, 1), dtype=np.uint8), 3, axis=2)
    assert judge_colour(grey) == ColourVerdict(False, NO_COLOUR)


def test_a_flight_goes_by_most_of_its_photos() -> None:
    good, bad = ColourVerdict(True, None), ColourVerdict(False, FALSE_COLOUR)
    assert judge_flight([bad, bad, good]) == bad
    assert judge_flight([bad, good]).natural
    assert judge_flight([]).natural


@pytest.mark.shared
@pytest.mark.parametrize(
    ("pattern", "natural"),
    [
        ("flights/seneca/*.jpg", False),
        ("flights/brighton/*.JPG", True),
        ("weeds/potato-uav/*_3.jpg", True),
    ],
)
def test_real_colours(pattern: str, natural: bool) -> None:
    paths = sorted(real_data().glob(pattern))[:12]
    assert paths
    assert {judge_colour(decode_jpeg(path.read_bytes(), reduction=8)).natural for path in paths} == {natural}
