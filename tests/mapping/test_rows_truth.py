"""Rows, stand and gaps of fields as a detector sees them, against what was sown.

A fifth of the plants is missing, three of ten plants are weeds; the detector misses some of the crop, takes some weeds for crop
and places all of them a little off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial import cKDTree

from fieldbox.mapping.inrows import Place, places_by_row
from fieldbox.mapping.rows import Rows, find_rows
from fieldbox.mapping.stand import missing_places, stand_of
from tests.mapping.sown import HERE, Floats, Sown, circles, sow, straight, strewn, terraces
from tests.mapping.test_stand import inner
from tests.path.rows_truth import f1, turned

MISSED, MISTAKEN, OFF_M = 0.02, 0.05, 0.02
"""Shares of the crop not found and of the weeds taken for crop, and how far places are off (on each axis)."""
LINES: dict[str, Callable[[], list[Floats]]] = {
    "straight": lambda: straight(25.0, 0.75),
    "curved": lambda: circles(10.0, 22.0, 0.75),
    "terraced": lambda: terraces(1),
}


@dataclass(frozen=True)
class Seen:
    """A field, and what a detector makes of it."""

    lines: list[Floats]
    sown: Sown
    crop: Floats
    weeds: Floats
    rows: Rows


@pytest.fixture(scope="module", params=LINES)
def seen(request: pytest.FixtureRequest) -> Seen:
    lines = LINES[request.param]()
    sown = sow(lines, 7)
    weeds = strewn(sown, 0.3, 8)
    rng = np.random.default_rng(9)
    taken = rng.random(len(weeds)) < MISTAKEN
    crop = np.concatenate([sown.places[rng.random(len(sown.places)) >= MISSED], weeds[taken]])
    crop = crop + rng.normal(0, OFF_M, crop.shape)
    rows = find_rows(crop)
    assert rows is not None
    return Seen([line + HERE for line in lines], sown, crop, weeds[~taken], rows)


def test_direction_within_half_a_degree(seen: Seen) -> None:
    off = turned(seen.sown.places, seen.rows.at(seen.sown.places).along, seen.lines)
    known = np.isfinite(off)
    assert known.mean() > 0.95
    assert np.median(np.abs(off[known])) < 0.5
    assert abs(np.median(off[known])) < 0.1


def test_spacing_within_three_percent(seen: Seen) -> None:
    assert seen.rows.spacing_m == pytest.approx(spacing_of(seen.lines), rel=0.03)


def spacing_of(lines: list[Floats]) -> float:
    """Median distance from a row to the next: terraces are sown closer where their contour runs aslant."""
    places = np.concatenate(lines)
    label = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    away, other = cKDTree(places).query(places, k=80)
    return float(np.median(np.where(label[other] == label[:, None], np.inf, away).min(axis=1)))


def test_stand_within_three_percent(seen: Seen) -> None:
    told = places_by_row(seen.crop, seen.rows, seen.crop)
    assert told.count(Place.IN_ROW) == pytest.approx(len(seen.sown.places), rel=0.03)


def test_gaps_are_found(seen: Seen) -> None:
    stand = stand_of(seen.crop, seen.rows)
    assert stand is not None
    assert stand.step_m == pytest.approx(0.35, rel=0.03)
    assert f1(missing_places(stand.gaps, seen.rows), inner(seen.sown), 0.17) >= 0.9


def test_weeds_between_the_rows_are_told_from_those_in_them(seen: Seen) -> None:
    told = places_by_row(seen.weeds, seen.rows, seen.crop)
    away = cKDTree(np.concatenate(seen.lines)).query(seen.weeds)[0]
    plain = (away < 0.08) | ((away > 0.15) & (away < 0.4))
    right = [
        one is (Place.IN_ROW if near else Place.BETWEEN) for one, near in zip(told, away < 0.1, strict=True)
    ]
    assert np.mean(np.array(right)[plain]) > 0.97
    assert np.mean([one is None for one, off in zip(told, away, strict=True) if off > 3.0] or [1.0]) > 0.8
