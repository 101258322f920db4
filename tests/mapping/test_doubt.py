"""Doubtful plants and what second looks make of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.cells import AREA_UNIT_M2, WIDTH, CellSums, Sum, add_cells
from fieldbox.mapping.doubt import Again, cover_moved, doubtful_of, parts, pooled, settle
from fieldbox.mapping.viewresult import Plants
from tests.mapping.plants import plant

APART = 0.07
"""Metres by which two looks may put the same plant apart."""
SURE = {Cover.CROP: 0.75, Cover.WEED: 0.75}


def doubtful(east: float, score: float = 0.6, share: float | None = 0.9) -> Detection:
    return replace(plant(east, 0.0, score=score), sure=False, weed_share=share, position_error_m=0.05)


def seen(*plants: Detection) -> Plants:
    return Plants.from_detections(list(plants), [0.0] * len(plants))


def test_a_plant_that_others_see_becomes_sure() -> None:
    again = doubtful(1.03, score=0.95, share=0.98)
    (one,), ladder = settle(
        [doubtful(1.0, 0.7)], [Again((0,), seen(again), (APART,)), Again((0,), seen(again), (APART,))], SURE
    )
    assert one.sure
    assert one.score > 0.75
    assert (ladder.doubtful, ladder.looked_again, ladder.settled_sure, ladder.dropped) == (1, 1, 1, 0)
    assert ladder.still_unsure == 0


def test_a_plant_that_no_other_photo_finds_is_dropped() -> None:
    sure = plant(5.0, 0.0)
    kept, ladder = settle(
        [doubtful(1.0, 0.3), sure], [Again((0,), seen(), (APART,)), Again((0,), seen(), (APART,))], SURE
    )
    assert kept == (sure,)
    assert (ladder.dropped, ladder.settled_sure, ladder.still_unsure) == (1, 0, 0)


def cells_under(*plants: Detection) -> CellSums:
    """Cells of 1 m seen whole, 10 000 pixels each, with the pixels of the plants in the middle of theirs."""
    east = sorted({math.floor(one.east) for one in plants})
    values = np.zeros((len(east), WIDTH), np.int64)
    values[:, Sum.PIXELS], values[:, Sum.AREA] = 10_000, round(1 / AREA_UNIT_M2)
    for one in plants:
        column = Sum.WEED if one.cover is Cover.WEED else Sum.CROP
        values[east.index(math.floor(one.east)), column] += round(one.area_m2 * 10_000)
    rows = np.full(len(east), math.floor(-plants[0].north), np.int64)
    return CellSums(1.0, rows, np.array(east, np.int64), values)


def after_moving(cells: CellSums, before: list[Detection], after: tuple[Detection, ...]) -> CellSums:
    moved = cover_moved([cells], before, after)
    assert moved is not None
    total = add_cells([cells, moved])
    assert total is not None
    return total


def test_a_dropped_plant_leaves_the_cover() -> None:
    gone, stays = replace(plant(1.5, 0.5, score=0.3), sure=False, weed_share=0.9), plant(5.5, 0.5)
    cells = cells_under(gone, stays)
    assert cells.values[:, Sum.WEED].tolist() == [100, 100]
    kept, _ladder = settle(
        [gone, stays], [Again((0,), seen(), (APART,)), Again((0,), seen(), (APART,))], SURE
    )
    assert kept == (stays,)
    total = after_moving(cells, [gone, stays], kept)
    assert total.values[:, Sum.WEED].tolist() == [0, 100]
    assert total.values[:, Sum.PIXELS].tolist() == [10_000, 10_000]


def test_a_plant_of_another_class_now_takes_its_cover_along() -> None:
    weed = plant(1.5, 0.5)
    total = after_moving(cells_under(weed), [weed], (replace(weed, cover=Cover.CROP),))
    assert total.values[0, [Sum.CROP, Sum.WEED]].tolist() == [100, 0]


def test_a_plant_on_the_border_of_two_cells_leaves_both() -> None:
    border, west, east = plant(2.0, 0.5, area=0.04), plant(1.5, 0.5, area=0.04), plant(2.5, 0.5, area=0.04)
    total = after_moving(cells_under(west, east), [border, west, east], (west, east))
    assert total.values[:, Sum.WEED].tolist() == [200, 200]


def test_no_more_cover_is_taken_than_there_is() -> None:
    large = plant(1.5, 0.5, area=0.04)
    total = after_moving(cells_under(plant(1.5, 0.5, area=0.01)), [large], ())
    assert total.values[0, Sum.WEED] == 0
    assert cover_moved([], [large], ()) is None


def test_a_plant_whose_outline_is_a_line_leaves_the_cell_of_its_centre() -> None:
    thin = plant(1.5, 0.5)
    thin = replace(thin, outline=np.repeat(thin.outline[:1], 4, axis=0))
    assert after_moving(cells_under(thin), [thin], ()).values[0, Sum.WEED] == 0


def test_a_likely_plant_that_others_miss_stays_unsure() -> None:
    (one,), ladder = settle([doubtful(1.0, 0.65)], [Again((0,), seen(), (APART,))], SURE)
    assert not one.sure
    assert one.score < 0.65
    assert (ladder.dropped, ladder.still_unsure) == (0, 1)


def test_a_plant_that_was_not_looked_at_again_keeps_its_doubt() -> None:
    plants = (doubtful(1.0), doubtful(2.0))
    kept, ladder = settle(plants, [], SURE, 0.1)
    assert kept == plants
    assert (ladder.looked_again, ladder.still_unsure, ladder.pixels_share) == (0, 2, 0.1)


def test_the_neighbour_does_not_answer_for_the_doubtful_plant() -> None:
    """A sure crop plant beside it is found again: that says nothing for the doubtful weed."""
    crop = replace(plant(1.1, 0.0, cover=Cover.CROP, score=0.99), position_error_m=0.05)
    doubt = doubtful(1.0)
    kept, ladder = settle(
        [doubt, crop], [Again((0,), seen(replace(crop, east=crop.east - 0.02)), (APART,))], SURE
    )
    assert ladder.settled_sure == 0
    assert all(one.sure or one.score < doubt.score for one in kept)


def test_looks_that_disagree_on_the_class_settle_nothing() -> None:
    crop = replace(plant(1.0, 0.0, cover=Cover.CROP, score=0.95), weed_share=0.02, position_error_m=0.05)
    (one,), ladder = settle([doubtful(1.0, 0.7, 0.8)], [Again((0,), seen(crop), (APART,))], SURE)
    assert one.cover is Cover.CROP
    assert not one.sure
    assert ladder.still_unsure == 1


def test_the_order_of_looks_does_not_matter() -> None:
    looks = [Again((0,), seen(doubtful(1.0, score, 0.9)), (APART,)) for score in (0.5, 0.8, 0.95)]
    (one,), (other,) = (settle([doubtful(1.0)], given, SURE)[0] for given in (looks, looks[::-1]))
    assert (one.score, one.weed_share, one.sure) == (other.score, other.weed_share, other.sure)


def test_pooled_looks_are_not_taken_for_independent() -> None:
    assert pooled([0.8]) == pytest.approx(0.8)
    assert 0.8 < pooled([0.8, 0.8, 0.8]) < 0.85
    assert pooled([0.3, 0.7]) == pytest.approx(0.5)


def test_parts_multiply_to_the_score() -> None:
    for weed, share in ((True, 0.9), (False, 0.2), (True, float("nan"))):
        probability, told = parts(0.6, weed, share)
        assert probability * (told if weed else 1 - told) == pytest.approx(0.6)


def test_sure_plants_are_not_doubtful() -> None:
    assert doubtful_of([plant(1, 1), doubtful(2.0)]) == [1]
