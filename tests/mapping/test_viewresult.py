"""A view's result in bytes and back."""

import numpy as np
import pytest

from fieldbox.domain import Cover
from fieldbox.errors import Misconfigured
from fieldbox.mapping.cells import PixelLayers, sum_cells
from fieldbox.mapping.viewresult import Plants, ViewResult
from tests.mapping.plants import EAST, NORTH, plant, view


def test_result_comes_back() -> None:
    plants = view("ab", (plant(1, 2), 0.0), (plant(3, 4, cover=Cover.CROP, score=0.5), 0.04)).plants
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


def test_empty_result_comes_back() -> None:
    back = ViewResult.from_bytes(view("cd").to_bytes())
    assert len(back.plants) == 0
    assert len(Plants.none().outline) == 0


@pytest.mark.parametrize("length", [0, 10, 60, -1])
def test_damaged_result_is_named(length: int) -> None:
    data = view("ab", (plant(1, 2), 0.0)).to_bytes()
    with pytest.raises(Misconfigured):
        ViewResult.from_bytes(data[:length])
