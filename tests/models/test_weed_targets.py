"""What the weed model is taught, on hand-made plants."""

from __future__ import annotations

import numpy as np
import pytest

from fieldbox.simulate.field import FieldOptions, grow_field
from models.weeds.data import CROP, IGNORED, WEED, neighbours
from models.weeds.sampler import targets
from models.weeds.synthetic import labelled

CLASSES = np.array([0, CROP, WEED, WEED], np.uint8)
SINGLE = np.array([False, True, True, False])


@pytest.fixture
def ids() -> np.ndarray:
    """A crop plant, a weed, weeds that were not told apart and something unknown, on 2-pixel cells."""
    made = np.zeros((64, 64), np.int16)
    made[4:24, 4:24] = 1
    made[40:46, 10:16] = 2
    made[4:20, 44:60] = 3
    made[50:60, 50:60] = IGNORED
    return made


def test_offsets_point_at_the_middle_of_the_plant(ids: np.ndarray) -> None:
    *_, heat, offsets, weight = targets(ids, CLASSES, SINGLE)
    for plant, middle in ((1, (27.5, 27.5)), (2, (25.5, 85.5))):
        rows, columns = np.nonzero((ids[::2, ::2] == plant) & (ids[1::2, 1::2] == plant))
        x, y = columns * 4 + 1.5, rows * 4 + 1.5
        assert np.allclose(x + offsets[0, rows, columns], middle[0], atol=0.01)
        assert np.allclose(y + offsets[1, rows, columns], middle[1], atol=0.01)
        assert (weight[rows, columns] > 0).all()
        assert heat[round((middle[1] - 1.5) / 4), round((middle[0] - 1.5) / 4)] == 1


def test_what_is_not_known_teaches_nothing(ids: np.ndarray) -> None:
    plant, _, kinds, _, heat, _, weight = targets(ids, CLASSES, SINGLE)
    assert (plant[50:60, 50:60] == 255).all()
    assert (heat[26:29, 26:29] < 0).all()
    # Weeds that were not told apart are weeds, but where each stands is not taught.
    assert (kinds[3:9, 23:29] == 1).all()
    assert (heat[3:9, 23:29] < 0).all()
    assert (weight[3:9, 23:29] == 0).all()


def test_the_soil_around_a_weed_weighs_as_much_as_the_weed(ids: np.ndarray) -> None:
    plant, emphasis, kinds, share, *_ = targets(ids, CLASSES, SINGLE)
    assert emphasis[42, 12] == emphasis[42, 17] == 3
    assert emphasis[42, 24] == emphasis[10, 10] == 1
    assert (plant[40:46, 10:16] == 1).all()
    assert set(kinds[share == 0].tolist()) == {255}
    # A small plant's cell weighs more than a large one's.
    assert share[21, 6] > share[3, 3]


def test_columns_that_do_not_touch_are_not_pasted_together() -> None:
    assert neighbours([12, 0, 1, 2, 10, 11]) == [[0, 1, 2], [10, 11, 12]]
    assert neighbours([]) == []


def test_a_made_field_labels_its_plants() -> None:
    grown = grow_field(FieldOptions(size_m=(3.0, 3.0), margin_m=0.3, seed=4, weeds_per_m2=4.0))
    field = labelled(grown)
    assert len(field.classes) == len(grown.plants) + 1
    seen = np.bincount(np.maximum(field.ids, 0).ravel(), minlength=len(field.classes))[1:]
    assert (seen > 0).mean() > 0.9
    for number, plant in enumerate(grown.plants, start=1):
        if seen[number - 1]:
            assert seen[number - 1] * grown.gsd_m**2 < 4 * np.pi * plant.radius_m**2


def test_a_cell_on_a_border_belongs_to_the_plant_that_covers_most_of_it() -> None:
    made = np.zeros((8, 8), np.int16)
    made[:, :3], made[:, 3:] = 2, 1  # the weed has the higher id and the smaller part of the second cells
    kinds = targets(made, np.array([0, CROP, WEED], np.uint8), np.array([False, True, True]))[2]
    assert kinds[:, 0].tolist() == [1] * 4
    assert kinds[:, 2].tolist() == [0] * 4
    made[::2, 2] = 1
    kinds = targets(made, np.array([0, CROP, WEED], np.uint8), np.array([False, True, True]))[2]
    assert kinds[:, 1].tolist() == [0] * 4
    made[:, 3:] = 0
    assert targets(made, np.array([0, CROP, WEED], np.uint8), np.array([False, True, True]))[2][0, 1] == 1
