"""Which photos look again at which spots."""

from __future__ import annotations

import numpy as np

from fieldbox.georef.again import Asking, SecondLook, Spots, plan_second_looks
from fieldbox.georef.projection import PhotoGeometry
from tests.georef.scene import flight

ASKING = Asking(side_px=192.0, looks=2, budget=1e9, max_error_m=50.0)


def line() -> list[PhotoGeometry]:
    """Photos two metres apart along a line to the north."""
    return sorted(flight(1, 5), key=lambda one: one.centre[1])


def spots(*north: float) -> Spots:
    """Metres north of the first photo, which found them all."""
    first = line()[0]
    places = np.array([(first.centre[0], first.centre[1] + each) for each in north]).reshape(-1, 2)
    count = len(places)
    return Spots(places, (first.digest,) * count, np.zeros(count), np.ones(count))


def test_each_spot_is_asked_of_other_photos_that_show_it() -> None:
    photos, asked = line(), spots(0.5, 1.0, 3.0)
    looks = plan_second_looks(photos, asked, ASKING)
    assert looks == tuple(sorted(looks, key=lambda one: one.digest))
    times = np.bincount([spot for look in looks for spot in look.spots], minlength=3)
    assert times.max() == 2
    by_digest = {one.digest: one for one in photos}
    for look in looks:
        assert look.digest not in asked.found_in
        for x, y in by_digest[look.digest].ground_to_pixel(asked.places[list(look.spots)]):
            assert any(w.x0 <= x < w.x1 and w.y0 <= y < w.y1 for w in look.windows)


def test_the_order_of_photos_does_not_matter() -> None:
    photos, asked = line(), spots(0.5, 1.0, 3.0, 3.1)
    assert plan_second_looks(photos, asked, ASKING) == plan_second_looks(photos[::-1], asked, ASKING)


def test_the_budget_is_kept() -> None:
    photos, asked = line(), spots(*np.linspace(0, 4, 12))
    ample = plan_second_looks(photos, asked, ASKING)
    for share in (0.0, 0.3, 0.7):
        budget = share * sum(one.cost for one in ample)
        some = plan_second_looks(photos, asked, replace_budget(budget))
        assert sum(one.cost for one in some) <= budget
    assert looked(some) < looked(ample)


def test_photos_that_are_badly_placed_are_not_asked() -> None:
    photos, asked = line(), spots(0.5)
    error = float(photos[1].error95_m([[600.0, 400.0]])[0])
    assert plan_second_looks(photos, asked, Asking(192.0, 2, 1e9, error / 2)) == ()


def replace_budget(budget: float) -> Asking:
    return Asking(ASKING.side_px, ASKING.looks, budget, ASKING.max_error_m)


def looked(looks: tuple[SecondLook, ...]) -> int:
    return sum(len(one.spots) for one in looks)


def test_no_spots_no_looks() -> None:
    assert plan_second_looks(line(), spots(), ASKING) == ()
