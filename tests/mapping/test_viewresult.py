"""A view's result in bytes and back."""

from dataclasses import replace

import numpy as np
import pytest

from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured
from fieldbox.mapping.cells import PixelLayers, no_cells, sum_cells
from fieldbox.mapping.viewresult import Plants, ViewResult
from tests.mapping.plants import EAST, NORTH, plant, view


def test_result_comes_back() -> None:
    crop = replace(
        plant(3, 4, cover=Cover.CROP, score=0.5), colour=(90.5, 120.0, 60.25), sure=False, weed_share=0.25
    )
    plants = view("ab", (plant(1, 2), 0.0), (crop, 0.04)).plants
    ground = np.stack(np.meshgrid(EAST + np.arange(9) * 0.2, NORTH - np.arange(7) * 0.2), -1)
    cells = sum_cells(ground, np.ones((7, 9), bool), 1.0, PixelLayers())
    result = ViewResult("ab", cells, plants)
    back = ViewResult.from_bytes(result.to_bytes())
    assert back.to_bytes() == result.to_bytes()
    assert (back.digest, len(back.plants)) == ("ab", 2)
    first, second = back.plants.detections("ab")
    assert (first.cover, first.owned, second.cover, second.owned) == (Cover.WEED, True, Cover.CROP, False)
    assert second.score == pytest.approx(0.5)
    assert first.outline == pytest.approx(plant(1, 2).outline, abs=1e-6)
    assert (second.east, second.north) == (EAST + 3, NORTH + 4)
    assert (first.colour, second.colour) == (None, (90.5, 120.0, 60.25))
    assert (first.sure, first.weed_share, second.sure, second.weed_share) == (True, None, False, 0.25)


def test_empty_result_comes_back() -> None:
    back = ViewResult.from_bytes(view("cd").to_bytes())
    assert len(back.plants) == 0
    assert len(Plants.none().outline) == 0


@pytest.mark.parametrize("length", [0, 10, 60, -1])
def test_damaged_result_is_named(length: int) -> None:
    data = view("ab", (plant(1, 2), 0.0)).to_bytes()
    with pytest.raises(Misconfigured):
        ViewResult.from_bytes(data[:length])


def test_windows_of_one_photo_are_joined() -> None:
    parts = [view("ab", (plant(1, 2), 0.0), (plant(3, 4), 0.0)).plants, view("ab", (plant(5, 6), 0.0)).plants]
    joined = Plants.joined(parts)
    assert len(joined) == 3
    for one, other in zip(
        joined.detections("ab"), [*parts[0].detections("ab"), *parts[1].detections("ab")], strict=True
    ):
        assert (one.east, one.north, one.score) == (other.east, other.north, other.score)
        assert np.array_equal(one.outline, other.outline)
    assert len(Plants.joined([])) == 0


def test_patches_come_back() -> None:
    place = np.array([[EAST, NORTH], [EAST + 1, NORTH]])
    patches = Plants.patches(place, np.array([0.01, 0.002], np.float32), 3)
    back = ViewResult.from_bytes(ViewResult("ab", no_cells(1.0), patches).to_bytes()).plants
    assert np.array_equal(back.place, place)
    assert back.area_m2.tolist() == pytest.approx([0.01, 0.002])
