"""Which plant is asked for next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fieldbox.dashboard.reviewqueue import (
    HANDED_S,
    LEASE_S,
    PLAN_S,
    Look,
    Plan,
    Reviewing,
    hashed,
    is_wanted,
    outcome,
    plan,
    teaching,
)
from fieldbox.domain import Called, LabelVerdict, Opinion

RIGHT, WRONG, CROP, UNSURE = LabelVerdict.RIGHT, LabelVerdict.WRONG, LabelVerdict.CROP, LabelVerdict.UNSURE


def called(count: int = 400, unsure_each: int = 2, **other: Any) -> Called:
    """Plants of which every second one is unsure, on two photos."""
    rng = np.random.default_rng(1)
    numbers = np.arange(1, count + 1)
    sure = numbers % unsure_each != 0
    values: dict[str, Any] = {
        "plants": numbers,
        "sure": sure,
        "score": np.where(sure, 0.8 + 0.2 * rng.random(count), 0.3 + 0.5 * rng.random(count)),
        "area_cm2": 100 * rng.random(count),
        "lat": np.full(count, 12.0),
        "lon": np.full(count, 77.0),
        "photo": numbers % 2,
        "digests": ("odd", "even"),
        "hotspots": np.zeros((0, 2)),
    }
    return Called(**{**values, **other})


def order(*plants: int, again: bool = False) -> Plan:
    some = np.array(plants, np.int64)
    return Plan(some, np.ones(len(some), bool), np.full(len(some), again), 0, np.zeros(len(some), bool))


def said(*opinions: tuple[int, str, LabelVerdict]) -> Look:
    """What people made of plants, as it is looked up."""
    there = [Opinion(plant, who, verdict, True, True) for plant, who, verdict in opinions]
    return lambda plants: [one for one in there if one.plant in plants]


def given(*opinions: tuple[int, str, LabelVerdict]) -> list[Opinion]:
    return list(said(*opinions)([plant for plant, _, _ in opinions]))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_plant_in_four_is_a_sure_one_and_all_come_once() -> None:
    there = called()
    made = plan(there, lambda _digest: True)
    assert sorted(made.order.tolist()) == there.plants.tolist()
    assert int(there.sure[made.order[20:140] - 1].sum()) == 30


def test_the_first_plants_are_those_that_a_number_needs() -> None:
    there = called()
    made = plan(there, lambda _digest: True)
    assert made.by_chance[:20].all()
    assert there.sure[made.order[:20] - 1].tolist() == [False, True] * 10


def test_the_order_is_the_same_after_a_restart() -> None:
    assert plan(called(), lambda _: True).order.tolist() == plan(called(), lambda _: True).order.tolist()


def test_what_chance_chose_looks_like_the_rest() -> None:
    there = called(4000)
    made = plan(there, lambda _digest: True)
    drawn = made.order[made.by_chance] - 1
    for kind in (there.sure, ~there.sure):
        first = [one for one in drawn if kind[one]][:300]
        spread = there.score[kind].std() / np.sqrt(300)
        assert abs(there.score[first].mean() - there.score[kind].mean()) < 3.5 * spread
    assert 0.4 < np.mean(made.by_chance[~there.sure[made.order - 1]]) < 0.6


def test_chosen_plants_come_by_how_much_their_verdict_teaches() -> None:
    there = called()
    made = plan(there, lambda _digest: True)
    worth = teaching(there)[made.order[~made.by_chance] - 1]
    assert len(worth) > 50 and (np.diff(worth) <= 0).all()


def test_a_doubtful_plant_near_the_threshold_in_a_hotspot_teaches_more() -> None:
    places = {"score": np.array([0.9, 0.3, 0.79, 0.79]), "sure": np.array([True, False, False, False])}
    lon = np.array([77.0, 77.0, 77.01, 77.0])
    there = called(4, **places, area_cm2=np.full(4, 9.0), lon=lon, hotspots=np.array([[12.0, 77.0]]))
    worth = teaching(there)
    assert worth[3] > worth[2] > worth[1]


def test_where_few_plants_are_unsure_chance_chooses_all() -> None:
    made = plan(called(40), lambda _digest: True)
    assert made.by_chance.all()


def test_a_plant_whose_photo_is_gone_is_not_asked_for() -> None:
    made = plan(called(), lambda digest: digest == "even")
    assert made.without_photo == 200
    assert (made.order % 2 == 1).all()


def test_no_plants_make_an_empty_order() -> None:
    none = {name: np.zeros(0) for name in ("score", "area_cm2", "lat", "lon")}
    made = plan(called(0, **none, sure=np.zeros(0, bool)), lambda _digest: True)
    assert made.order.tolist() == []


def test_the_hash_is_splitmix64() -> None:
    # The first number of the reference implementation for the seed 0 and its third.
    gamma = 0x9E3779B97F4A7C15
    found = hashed(np.array([0, 2 * gamma % 2**64], np.int64))
    assert [int(one) for one in found] == [0xE220A8397B1DCDAF, 0x06C45D188009454F]


def test_the_same_person_never_gets_a_plant_twice() -> None:
    made = Reviewing()
    assert made.take(order(1, 2), said((1, "asha", RIGHT)), "asha", 5, frozenset()) == [2]
    assert made.take(order(1, 2, again=True), said((1, "asha", RIGHT)), "asha", 5, frozenset()) == [2]


def test_one_verdict_is_enough_but_some_plants_go_to_a_second_person() -> None:
    assert Reviewing().take(order(1), said((1, "asha", RIGHT)), "ravi", 5, frozenset()) == []
    twice = order(1, again=True)
    assert Reviewing().take(twice, said((1, "asha", RIGHT)), "ravi", 5, frozenset()) == [1]
    both = said((1, "asha", RIGHT), (1, "ravi", RIGHT))
    assert Reviewing().take(twice, both, "mina", 5, frozenset()) == []


def test_a_plant_that_two_judge_otherwise_goes_to_a_third_and_to_no_fourth() -> None:
    apart = said((1, "asha", RIGHT), (1, "ravi", CROP))
    assert Reviewing().take(order(1), apart, "mina", 5, frozenset()) == [1]
    three = said((1, "asha", RIGHT), (1, "ravi", CROP), (1, "mina", WRONG))
    assert Reviewing().take(order(1), three, "lee", 5, frozenset()) == []


def test_what_one_cannot_tell_is_shown_to_one_other() -> None:
    assert is_wanted(given((1, "asha", UNSURE)), again=False)
    assert not is_wanted(given((1, "asha", UNSURE), (1, "ravi", UNSURE)), again=False)


def test_most_of_those_who_can_tell_decide() -> None:
    assert outcome([RIGHT, CROP, RIGHT]) is RIGHT
    assert outcome([UNSURE, WRONG]) is WRONG
    assert outcome([UNSURE]) is UNSURE
    assert outcome([RIGHT, CROP]) is None


def test_two_people_are_shown_different_plants_for_two_minutes() -> None:
    clock = Clock()
    made = Reviewing(clock)
    assert made.take(order(1, 2, 3), said(), "asha", 2, frozenset()) == [1, 2]
    assert made.take(order(1, 2, 3), said(), "ravi", 2, frozenset()) == [3]
    assert made.take(order(1, 2, 3), said(), "asha", 2, frozenset()) == [1, 2]
    clock.now = LEASE_S + 1
    assert made.take(order(1, 2, 3), said(), "ravi", 2, frozenset()) == [1, 2]


def test_what_somebody_was_asked_for_is_known_for_hours() -> None:
    clock = Clock()
    made = Reviewing(clock)
    assert made.take(order(1, 2), said(), "asha", 1, frozenset()) == [1]
    made.release(1)
    assert made.was_asked("asha", 1)
    assert not made.was_asked("asha", 2) and not made.was_asked("ravi", 1)
    clock.now = HANDED_S + 1
    assert not made.was_asked("asha", 1)


def test_what_somebody_was_asked_for_is_kept_within_bounds() -> None:
    made, many = Reviewing(), order(*range(1, 6001))
    made.take(order(9999), said(), "ravi", 1, frozenset())
    assert len(made.take(many, said(), "asha", 6000, frozenset())) == 6000
    assert [made.was_asked("asha", plant) for plant in (1, 1000, 1001, 6000)] == [False, False, True, True]
    assert made.was_asked("ravi", 9999), "nobody crowds out another"


def test_what_is_in_hand_or_skipped_is_not_given_again() -> None:
    made = Reviewing()
    made.skip("asha", 1)
    assert made.take(order(1, 2, 3), said(), "asha", 5, frozenset({2})) == [3]
    assert made.unskip("asha") == 1
    assert made.take(order(1, 2, 3), said(), "asha", 5, frozenset({2})) == [1, 3]


def test_the_order_of_a_survey_is_made_anew_after_a_while() -> None:
    clock = Clock()
    made = Reviewing(clock)
    assert made.plan("survey", lambda: order(1)).order.tolist() == [1]
    assert made.plan("survey", lambda: order(2)).order.tolist() == [1]
    clock.now = PLAN_S + 1
    assert made.plan("survey", lambda: order(2)).order.tolist() == [2]


def test_what_needs_no_more_verdicts_is_looked_up_once() -> None:
    looked: list[int] = []

    def look(plants: Sequence[int]) -> list[Opinion]:
        looked.extend(plants)
        return given((1, "asha", RIGHT))

    made, there = Reviewing(), order(1, 2)
    for _ in range(2):
        assert made.take(there, look, "ravi", 1, frozenset()) == [2]
    assert looked == [1, 2, 2]


def test_a_plant_whose_verdict_was_taken_back_is_asked_for_again() -> None:
    made, there = Reviewing(), order(1)
    made.plan("survey", lambda: there)
    assert made.take(there, said((1, "asha", RIGHT)), "ravi", 1, frozenset()) == []
    made.reopen("survey", 1)
    assert made.take(there, said(), "ravi", 1, frozenset()) == [1]


def test_a_long_order_is_looked_up_in_parts() -> None:
    all_said = said(*[(plant, "asha", RIGHT) for plant in range(1, 1000)])
    assert Reviewing().take(order(*range(1, 1001)), all_said, "ravi", 3, frozenset()) == [1000]
