"""How often the model is right, by what people said."""

from __future__ import annotations

import numpy as np
import pytest

from fieldbox.dashboard.precision import Stratum, estimate, tally
from fieldbox.dashboard.reviewqueue import ENOUGH
from fieldbox.domain import LabelVerdict, Opinion

RIGHT, WRONG, CROP, UNSURE = LabelVerdict.RIGHT, LabelVerdict.WRONG, LabelVerdict.CROP, LabelVerdict.UNSURE


def opinion(
    plant: int, verdict: LabelVerdict, who: str = "asha", *, sure: bool = True, by_chance: bool = True
) -> Opinion:
    return Opinion(plant, who, verdict, sure, by_chance)


def test_strata_count_by_how_many_plants_they_have() -> None:
    found = estimate([Stratum(900, right=19, wrong=1), Stratum(100, right=10, wrong=10)])
    assert found.share == pytest.approx(0.9 * 0.95 + 0.1 * 0.5)
    assert found.judged == 40 and found.population == 1000
    assert found.interval95 is not None
    assert 0.7 < found.interval95.low < found.share < found.interval95.high < 0.98


def test_one_stratum_has_wilsons_interval() -> None:
    found = estimate([Stratum(10**9, right=45, wrong=5), Stratum(0)])
    assert found.interval95 is not None
    # Wilson's interval of 45 of 50.
    assert found.interval95.low == pytest.approx(0.7864, abs=1e-4)
    assert found.interval95.high == pytest.approx(0.9565, abs=1e-4)


def test_too_few_checks_give_no_number_but_tell_how_many_are_wanted() -> None:
    found = estimate([Stratum(900, right=7), Stratum(4, right=1, untold=1)])
    assert found.share is None and found.interval95 is None
    assert found.lacking == (ENOUGH - 7) + 2


def test_when_every_plant_was_checked_nothing_is_left_open() -> None:
    found = estimate([Stratum(12, right=9, wrong=3), Stratum(3, right=1, wrong=2)])
    assert found.share == pytest.approx(10 / 15)
    assert found.interval95 is not None and found.interval95.low == found.interval95.high == found.share


@pytest.mark.parametrize(
    ("sizes", "truth", "checks"),
    [
        ((4000, 800), (0.93, 0.5), (32, 32)),
        ((300, 60), (0.9, 0.4), (40, 30)),
        ((2000, 2000), (0.98, 0.7), (20, 40)),
        ((500, 20), (0.8, 0.6), (60, 12)),
    ],
)
def test_the_interval_holds_the_truth_19_times_in_20(
    sizes: tuple[int, int], truth: tuple[float, float], checks: tuple[int, int]
) -> None:
    rng = np.random.default_rng(7)
    right = [round(size * share) for size, share in zip(sizes, truth, strict=True)]
    share = sum(right) / sum(sizes)
    rounds, held = 4000, 0
    for _ in range(rounds):
        drawn = [
            int(rng.hypergeometric(good, size - good, n))
            for good, size, n in zip(right, sizes, checks, strict=True)
        ]
        found = estimate(
            Stratum(size, hits, n - hits) for size, hits, n in zip(sizes, drawn, checks, strict=True)
        )
        assert found.interval95 is not None
        held += found.interval95.low <= share <= found.interval95.high
    assert 0.935 < held / rounds < 0.985


def test_only_plants_that_chance_chose_tell_how_often_the_model_is_right() -> None:
    given = [opinion(1, RIGHT), opinion(2, WRONG, sure=False), opinion(3, WRONG, by_chance=False)]
    found = tally(given, (10, 5))
    assert found.strata == (Stratum(10, 1, 0, 0), Stratum(5, 0, 1, 0))
    assert found.checked == 3


def test_what_cannot_be_told_and_what_is_contested_is_counted_apart() -> None:
    given = [opinion(1, UNSURE), opinion(2, RIGHT), opinion(2, CROP, "ravi"), opinion(3, CROP)]
    found = tally(given, (10, 0))
    assert found.strata[0] == Stratum(10, right=0, wrong=1, untold=2)
    assert (found.untold, found.contested) == (1, 1)
    assert found.by_person == {"asha": 3, "ravi": 1}


def test_agreement_is_told_over_pairs_that_tell_something() -> None:
    given = [opinion(plant, RIGHT) for plant in (1, 2, 3)]
    given += [opinion(1, RIGHT, "ravi"), opinion(2, CROP, "ravi"), opinion(3, UNSURE, "ravi")]
    found = tally(given, (10, 0))
    assert (found.compared, found.agreed) == (2, 1)
