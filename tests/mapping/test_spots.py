"""Spots worth a visit: the worst of each kind in turn, what lies together told once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import Hotspot, Spot, SpotKind, Vigour, Zone, ZoneKind
from fieldbox.i18n import Sentence
from fieldbox.mapping.spots import (
    APART_M,
    Placed,
    Plants,
    of_crop,
    of_doubts,
    of_weeds,
    pictured,
    worth_visiting,
)


def placed(kind: SpotKind, east: float, north: float = 0.0, words: str = "x", name: str = "9") -> Placed:
    spot = Spot(rank=9, name=name, kind=kind, lat=1.0, lon=2.0, why=Sentence(words))
    return Placed(spot, east, north)


def plants(places: list[tuple[float, float]]) -> Plants:
    place = np.array(places, float).reshape(-1, 2)
    number = np.arange(len(place), dtype=float)
    return Plants(
        place, place / 1e5, [f"{one}" for one in range(len(place))], np.column_stack([number, 2 * number])
    )


def zone(rank: int, vigour: Vigour, again: int | None = None) -> Zone:
    return Zone(
        rank=rank, kind=ZoneKind.VIGOUR, patch=(((0, 0), (1, 0), (1, 1)),), area_m2=99.6, lat=1.0, lon=2.0,
        certainty=1.0, vigour=vigour, z=-1.0, causes=(Sentence("Dig."),), poor_before=again,
    )  # fmt: skip


def test_kinds_take_turns() -> None:
    weeds = [placed(SpotKind.WEEDS, 100.0 * one) for one in range(5)]
    crop = [placed(SpotKind.CROP, 100.0 * one, 50.0) for one in range(2)]
    doubts = [placed(SpotKind.DOUBTFUL, 100.0 * one, 90.0) for one in range(1)]
    found = worth_visiting(weeds, crop, doubts, limit=6)
    assert [one.spot.kind.value for one in found] == ["weeds", "crop", "doubtful", "weeds", "crop", "weeds"]
    assert [one.spot.rank for one in found] == [1, 2, 3, 4, 5, 6]


def test_what_lies_together_is_one_spot_and_told_there() -> None:
    weeds = [placed(SpotKind.WEEDS, 0.0), placed(SpotKind.WEEDS, 3.0, words="never told")]
    crop = [placed(SpotKind.CROP, 4.0, words="poor")]
    doubts = [
        placed(SpotKind.DOUBTFUL, 2.0, words="doubt"),
        placed(SpotKind.DOUBTFUL, 1.0, words="less doubt"),
    ]
    (one,) = worth_visiting(weeds, crop, doubts, limit=8)
    assert [words.template for words in one.spot.checks] == ["poor", "doubt"]
    (one,) = worth_visiting(weeds, crop, [], limit=1)
    assert [words.template for words in one.spot.checks] == ["poor"]


@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), max_size=30),
    st.integers(1, 10),
)
def test_spots_are_few_and_apart(places: list[tuple[float, float]], limit: int) -> None:
    found = worth_visiting([placed(SpotKind.WEEDS, *one) for one in places], [], [], limit=limit)
    assert len(found) <= limit
    assert bool(found) is bool(places)
    for number, one in enumerate(found):
        for other in found[:number]:
            assert np.hypot(one.east - other.east, one.north - other.north) >= APART_M


def test_weeds_are_told_by_number_or_by_cover() -> None:
    counted = Hotspot(1, 0, 0, 1, 2, 12.4, 0.25, 7, "abc", 11, 12)
    covered = Hotspot(2, 50, 0, 1, 2, 8, 0.256, None, "abc", 11, 12)
    first, second = of_weeds([covered, counted])
    assert str(first.spot.why) == "Many weeds: 7 plants on 12 m²."
    assert str(second.spot.why) == "Many weeds: they cover 25.6 % of 8 m²."
    assert (first.spot.digest, first.spot.pixel_x) == ("abc", 11)


def test_only_poor_zones_are_visited_and_their_past_is_told() -> None:
    zones = [zone(3, Vigour.USUAL), zone(2, Vigour.POOR, 2), zone(1, Vigour.POOR, 0), zone(4, Vigour.BETTER)]
    places = np.array([(0, 0), (10, 0), (20, 0), (30, 0)], float)
    first, second = of_crop(zones, places)
    assert (first.east, second.east) == (20, 10)
    assert str(first.spot.why) == "The crop is poorer here than in the rest of the field: 100 m²."
    assert "as in the 2 surveys before" in str(second.spot.why)
    assert [str(one) for one in first.spot.checks] == ["Dig."]


def test_one_survey_before_is_told_without_a_number() -> None:
    (one,) = of_crop([zone(1, Vigour.POOR, 1)], np.array([(0, 0)], float))
    assert "as in the survey before" in str(one.spot.why)


def test_a_spot_has_the_name_that_its_place_has_elsewhere() -> None:
    hotspot = Hotspot(3, 0, 0, 1, 2, 12.4, 0.25, 7, "abc", 11, 12)
    crop = zone(2, Vigour.POOR)
    doubts = plants([(1.0, 41.0), (2.0, 42.0), (3.0, 43.0)])
    found = worth_visiting(
        of_weeds([hotspot]), of_crop([crop], np.array([(50, 0)], float)), of_doubts(doubts), limit=8
    )
    assert [one.spot.name for one in found] == ["3", crop.name, "D1"] == ["3", "P2", "D1"]


def test_every_place_that_is_seen_from_a_spot_is_named_there() -> None:
    weeds = [placed(SpotKind.WEEDS, 0.0, name="1"), placed(SpotKind.WEEDS, 3.0, name="2")]
    (one,) = worth_visiting(weeds, [placed(SpotKind.CROP, 4.0, name="P1")], [], limit=8)
    assert (one.spot.name, one.spot.also) == ("1", ("P1", "2"))


def test_doubtful_plants_are_worth_a_walk_together() -> None:
    together = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    (one,) = of_doubts(plants([*together, (40.0, 40.0)]))
    assert (one.east, one.north, one.spot.digest, one.spot.pixel_y) == (2.0, 2.0, "1", 2.0)
    assert "3 plants" in str(one.spot.why)
    assert list(of_doubts(plants([]))) == []


def test_a_picture_comes_from_a_plant_nearby_and_from_no_other() -> None:
    bare = placed(SpotKind.CROP, 0.0)
    near = pictured(bare, plants([(50.0, 0.0), (3.0, 0.0), (4.0, 0.0)])).spot
    assert (near.digest, near.pixel_x) == ("1", 1.0)
    assert pictured(bare, plants([(50.0, 0.0)])).spot.digest is None
    assert pictured(bare, plants([])).spot.pixel_x is None
    assert pictured(Placed(near, 0, 0), plants([(0.0, 0.0)])).spot.digest == "1"


@pytest.mark.parametrize("kept", [np.array([True, False, True]), np.array([0, 2])])
def test_some_plants(kept: np.ndarray) -> None:
    some = plants([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]).only(kept)
    assert list(some.digest) == ["0", "2"]
    assert some.places[:, 0].tolist() == [0.0, 2.0]
