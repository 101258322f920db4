"""Doubtful crop plants off every row become weeds, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.opinion import LEAST_SURE, second_opinion
from fieldbox.mapping.planthealth import crop_rows
from tests.mapping.plants import plant


def field(seed: int = 1, weeds: int = 200) -> list[Detection]:
    """12 rows of 40 sure crop plants, and sure weeds anywhere."""
    rng = np.random.default_rng(seed)
    crop = [
        plant(0.75 * row + rng.normal(0, 0.02), 0.35 * number + rng.normal(0, 0.03), cover=Cover.CROP)
        for row in range(12)
        for number in range(40)
    ]
    return crop + [plant(*rng.uniform((0, 0), (8.25, 14.0))) for _ in range(weeds)]


def doubtful(east: float, cover: Cover, share: float) -> Detection:
    return replace(
        plant(east, 7.1, cover=cover, score=0.9 * (share if cover is Cover.WEED else 1 - share)),
        sure=False,
        weed_share=share,
    )


BETWEEN, ON_ROW = 0.75 * 5 + 0.375, 0.75 * 5


def asked(one: Detection, others: list[Detection]) -> tuple[Detection, int]:
    every = [*others, one]
    found = second_opinion(every, crop_rows(every))
    assert found.detections[:-1] == tuple(others)
    return found.detections[-1], found.changed


def test_a_doubtful_crop_plant_between_the_rows_is_a_weed_and_stays_unsure() -> None:
    told, changed = asked(doubtful(BETWEEN, Cover.CROP, 0.35), field())
    assert changed == 1
    assert told.cover is Cover.WEED
    assert not told.sure
    assert told.weed_share is not None
    assert told.weed_share > 0.9
    assert told.score == pytest.approx(0.9 * told.weed_share)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (doubtful(ON_ROW, Cover.CROP, 0.45), "on the row it may be crop"),
        (doubtful(ON_ROW, Cover.WEED, 0.55), "on the row weeds grow too"),
        (doubtful(BETWEEN, Cover.CROP, 0.02), "its looks are plainer than its place"),
        (doubtful(900.0, Cover.CROP, 0.35), "no rows run there"),
        (replace(doubtful(BETWEEN, Cover.CROP, 0.35), weed_share=None), "nothing is known of its looks"),
        (replace(doubtful(BETWEEN, Cover.CROP, 0.35), sure=True), "the model is sure"),
    ],
)
def test_what_stays_as_it_was(one: Detection, why: str) -> None:
    assert asked(one, field()) == (one, 0), why


def test_where_rows_are_poor_or_little_is_known_nothing_is_said() -> None:
    one = doubtful(BETWEEN, Cover.CROP, 0.35)
    few = field(weeds=LEAST_SURE - 5)
    assert asked(one, few) == (one, 0)
    rng = np.random.default_rng(2)
    anywhere = [plant(*rng.uniform((0, 0), (8.25, 14.0)), cover=Cover.CROP) for _ in range(150)]
    assert asked(one, [*field(), *anywhere]) == (one, 0)
    assert second_opinion([one], None).detections == (one,)


def test_a_field_whose_crop_stands_everywhere_teaches_that() -> None:
    """What is learnt comes from the field: of one with much crop between its rows, that it is crop."""
    rng = np.random.default_rng(3)
    between = [
        plant(0.75 * rng.integers(0, 11) + 0.375 + rng.normal(0, 0.03), rng.uniform(0, 14), cover=Cover.CROP)
        for _ in range(40)
    ]
    one = doubtful(BETWEEN, Cover.CROP, 0.35)
    assert asked(one, [*field(weeds=60), *between]) == (one, 0)
