"""Doubtful plants and what second looks make of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.doubt import Again, doubtful_of, parts, pooled, settle
from fieldbox.mapping.viewresult import Plants
from tests.mapping.plants import plant

SURE = {Cover.CROP: 0.75, Cover.WEED: 0.75}


def doubtful(east: float, score: float = 0.6, share: float | None = 0.9) -> Detection:
    return replace(plant(east, 0.0, score=score), sure=False, weed_share=share, position_error_m=0.05)


def seen(*plants: Detection) -> Plants:
    return Plants.from_detections(list(plants), [0.0] * len(plants))


def test_a_plant_that_others_see_becomes_sure() -> None:
    again = doubtful(1.03, score=0.95, share=0.98)
    (one,), ladder = settle([doubtful(1.0, 0.7)], [Again((0,), seen(again)), Again((0,), seen(again))], SURE)
    assert one.sure
    assert one.score > 0.75
    assert (ladder.doubtful, ladder.looked_again, ladder.settled_sure, ladder.dropped) == (1, 1, 1, 0)
    assert ladder.still_unsure == 0


def test_a_plant_that_no_other_photo_finds_is_dropped() -> None:
    sure = plant(5.0, 0.0)
    kept, ladder = settle([doubtful(1.0, 0.3), sure], [Again((0,), seen()), Again((0,), seen())], SURE)
    assert kept == (sure,)
    assert (ladder.dropped, ladder.settled_sure, ladder.still_unsure) == (1, 0, 0)


def test_a_likely_plant_that_others_miss_stays_unsure() -> None:
    (one,), ladder = settle([doubtful(1.0, 0.65)], [Again((0,), seen())], SURE)
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
    kept, ladder = settle([doubt, crop], [Again((0,), seen(replace(crop, east=crop.east - 0.02)))], SURE)
    assert ladder.settled_sure == 0
    assert all(one.sure or one.score < doubt.score for one in kept)


def test_looks_that_disagree_on_the_class_settle_nothing() -> None:
    crop = replace(plant(1.0, 0.0, cover=Cover.CROP, score=0.95), weed_share=0.02, position_error_m=0.05)
    (one,), ladder = settle([doubtful(1.0, 0.7, 0.8)], [Again((0,), seen(crop))], SURE)
    assert one.cover is Cover.CROP
    assert not one.sure
    assert ladder.still_unsure == 1


def test_the_order_of_looks_does_not_matter() -> None:
    looks = [Again((0,), seen(doubtful(1.0, score, 0.9))) for score in (0.5, 0.8, 0.95)]
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
