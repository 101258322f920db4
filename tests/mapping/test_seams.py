"""Plants at seams are counted once: none doubled, none lost."""

import random
import time
from dataclasses import replace

import numpy as np

from fieldbox.domain import Cover
from fieldbox.mapping.seams import reconcile, without_doubtful_twins
from fieldbox.mapping.viewresult import Plants, ViewResult
from tests.mapping.plants import EAST, NO_CELLS, NORTH, plant, view


def places(found) -> list[tuple[float, float]]:  # type: ignore[no-untyped-def]
    return sorted((round(one.east - EAST, 3), round(one.north - NORTH, 3)) for one in found)


def test_owned_one_is_kept_even_if_the_other_scores_higher() -> None:
    (found,) = reconcile(
        [view("aa", (plant(0, 0, score=0.5), 0.0)), view("bb", (plant(0.02, 0, score=0.9), 0.03))]
    )
    assert (found.digest, found.owned) == ("aa", True)


def test_plant_that_each_thinks_its_own_is_counted_once() -> None:
    (found,) = reconcile(
        [view("aa", (plant(0, 0, score=0.5), 0.0)), view("bb", (plant(0.02, 0, score=0.9), 0.0))]
    )
    assert found.score == np.float32(0.9)


def test_plant_that_each_thinks_the_others_is_not_lost() -> None:
    (found,) = reconcile([view("aa", (plant(0, 0), 0.05)), view("bb", (plant(0.02, 0), 0.05))])
    assert found.owned


def test_stray_in_the_band_is_dropped_unless_at_the_seam() -> None:
    assert reconcile([view("aa", (plant(0, 0), 0.08)), view("bb", (plant(1, 0), 0.0))])[0].digest == "bb"
    assert len(reconcile([view("aa", (plant(0, 0), 0.01)), view("bb", (plant(1, 0), 0.0))])) == 2


def test_neighbours_in_one_view_are_two_plants() -> None:
    one, two = plant(0, 0), plant(0.05, 0)
    assert len(reconcile([view("aa", (one, 0.0), (two, 0.0))])) == 2
    both = [view("aa", (one, 0.0), (two, 0.0)), view("bb", (one, 0.02), (two, 0.02))]
    assert places(reconcile(both)) == [(0.0, 0.0), (0.05, 0.0)]


def test_small_weed_at_a_large_crop_plant_stays_a_plant() -> None:
    crop = plant(0, 0, cover=Cover.CROP, area=0.2)
    weed = plant(0.15, 0, area=0.002)
    found = reconcile([view("aa", (crop, 0.0)), view("bb", (weed, 0.0))])
    assert {one.cover for one in found} == {Cover.CROP, Cover.WEED}


def test_one_plant_under_two_classes_is_one() -> None:
    found = reconcile(
        [view("aa", (plant(0, 0, cover=Cover.CROP), 0.0)), view("bb", (plant(0.01, 0, score=0.9), 0.02))]
    )
    assert [one.cover for one in found] == [Cover.CROP]


def test_large_plants_may_be_placed_further_apart() -> None:
    big = {"cover": Cover.CROP, "area": 0.25}
    assert (
        len(reconcile([view("aa", (plant(0, 0, **big), 0.0)), view("bb", (plant(0.2, 0, **big), 0.1))])) == 1
    )


def test_four_views_at_a_corner() -> None:
    views = [
        view(name, (plant(0.01 * i, 0), 0.0 if name == "cc" else 0.02))
        for i, name in enumerate(["aa", "bb", "cc", "dd"])
    ]
    (found,) = reconcile(views)
    assert found.digest == "cc"


def test_exact_poses_double_and_lose_nothing() -> None:
    """A row of strips, each view reporting its own plants and those in the band, with a little noise."""
    draw = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(np.arange(0, 20, 0.25), np.arange(0, 10, 0.25)), -1).reshape(-1, 2)
    truth = grid + draw.uniform(-0.05, 0.05, grid.shape)
    views = []
    for number in range(10):
        seen = truth + draw.normal(0, 0.004, truth.shape)
        beyond = np.maximum(np.maximum(2 * number - seen[:, 0], seen[:, 0] - 2 * (number + 1)), 0)
        if number in {0, 9}:
            beyond[(seen[:, 0] < 1) | (seen[:, 0] > 19)] = 0
        chosen = np.flatnonzero(beyond <= 0.15)
        views.append(
            view(f"v{number}", *((plant(*seen[one], area=0.004), float(beyond[one])) for one in chosen))
        )
    found = reconcile(views)
    assert len(found) == len(truth)
    random.Random(3).shuffle(views)  # noqa: S311
    assert [one.digest for one in reconcile(views)] == [one.digest for one in found]
    assert places(reconcile(views)) == places(found)


def test_no_plants() -> None:
    assert reconcile([]) == ()
    assert reconcile([view("aa")]) == ()


def test_many_plants_are_quick() -> None:
    draw = np.random.default_rng(6)
    count = 1000
    views = []
    for number in range(50):
        place = draw.uniform(0, 10, (count, 2)) + np.array([EAST + 9.9 * number, NORTH])
        views.append(
            ViewResult(
                f"{number:02d}",
                NO_CELLS,
                Plants(
                    np.full(count, 2, np.uint8),
                    draw.random(count).astype(np.float32),
                    place,
                    np.full(count, 0.01, np.float32),
                    np.full(count, 1.0, np.float32),
                    place.astype(np.float32),
                    np.zeros(count, np.float32),
                    np.full((count, 3), np.nan, np.float32),
                    np.ones(count, np.bool_),
                    np.full(count, np.nan, np.float32),
                    np.arange(1, count + 1, dtype=np.int32) * 4,
                    np.tile(np.float32([[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]]), (count, 1)),
                ),
            )
        )
    start = time.process_time()
    assert 48_000 < len(reconcile(views)) < 50_000
    assert time.process_time() - start < 4


def test_a_doubtful_weed_beside_a_surer_one_is_left_out() -> None:
    sure, doubtful = plant(0, 0, score=0.9), replace(plant(0.1, 0, score=0.6), sure=False)
    assert without_doubtful_twins((sure, doubtful)) == (sure,)


def test_sure_neighbours_lonely_doubts_and_crop_stay() -> None:
    kept = (
        plant(0, 0, score=0.9),
        plant(0.1, 0, score=0.7),
        replace(plant(1, 0, score=0.55), sure=False),
        plant(2, 0, score=0.9),
        replace(plant(2.05, 0, score=0.5, cover=Cover.CROP), sure=False),
    )
    assert without_doubtful_twins(kept) == kept
    assert without_doubtful_twins(()) == ()
