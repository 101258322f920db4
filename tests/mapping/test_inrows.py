"""Plants are told in or between the rows, rows become lines and numbers, and a stand points to true north."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fieldbox.domain import Gap, Interval
from fieldbox.mapping.between import half_strip
from fieldbox.mapping.inrows import (
    InRows,
    Place,
    RowNumbers,
    Weeds,
    crop_stand,
    places_by_row,
    row_lines,
    weeds_by_row,
)
from fieldbox.mapping.rows import Rows, find_rows
from fieldbox.mapping.stand import missing_places, stand_of
from tests.mapping.sown import HERE, Sown, circles, sow, straight, terraces


def rows_of(sown: Sown) -> Rows:
    rows = find_rows(sown.places)
    assert rows is not None
    return rows


def test_a_weed_in_the_crops_strip_is_in_the_row() -> None:
    sown = sow(straight(0.0, 0.75), 1)
    rows = rows_of(sown)
    ((middle,),) = [rows.at([HERE]).aside_m.tolist()]
    strip = half_strip(rows)
    east = HERE[0] - middle + np.array([0.0, strip - 0.02, strip + 0.02, 0.375, 500.0])
    places = np.column_stack([east, np.full(5, HERE[1])])
    assert places_by_row(places, rows, sown.places) == [
        Place.IN_ROW,
        Place.IN_ROW,
        Place.BETWEEN,
        Place.BETWEEN,
        None,
    ]
    assert weeds_by_row(places, rows, sown.places) == Weeds(in_rows=2, between=2, off_plots=1)
    assert places_by_row(places, None, sown.places) == [None] * 5
    assert places_by_row(places, rows, np.zeros((0, 2))) == [None] * 5
    assert places_by_row(np.zeros((0, 2)), rows, sown.places) == []


def test_beside_the_crop_no_rows_run() -> None:
    sown = sow(straight(0.0, 0.75, (12.0, 12.0)), 1)
    places = HERE + np.array([[7.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    rows = rows_of(sown)
    assert (rows.at(places).plot >= -1).all()
    assert places_by_row(places, rows, sown.places)[1:] == [None, None]


def test_a_stand_points_to_true_north_and_what_is_not_known_is_none() -> None:
    sown = sow(straight(20.0, 0.75), 2)
    rows = rows_of(sown)
    told = crop_stand(InRows(rows), -1.5, None, None)
    assert told.direction_deg == pytest.approx(18.5, abs=0.2)
    assert (told.step_m, told.missing, told.weeds_between, told.per_ha) == (None, None, None, None)
    found = InRows(rows, stand_of(sown.places, rows), Weeds(1, 2, 3))
    told = crop_stand(found, -25.0, 30_000.0, Interval(28_000.0, 32_000.0))
    assert told.direction_deg == pytest.approx(175.0, abs=0.2)
    assert told.spacing_m == pytest.approx(0.75, rel=0.01)
    assert told.step_m == pytest.approx(0.35, rel=0.03)
    assert told.missing == pytest.approx(len(sown.holes), rel=0.15)
    assert (told.weeds_in_rows, told.weeds_between, told.weeds_off_plots) == (1, 2, 3)


def test_each_straight_row_is_one_line_from_its_first_plant_to_its_last() -> None:
    sown = sow(straight(0.0, 0.75, (9.0, 20.0)), 3)
    lines = row_lines(sown.places, rows_of(sown))
    assert [(one.plot, one.row) for one in lines] == [(1, number + 1) for number in range(len(lines))]
    assert len(lines) == len(np.unique(sown.row))
    for one in lines:
        assert one.length_m == pytest.approx(20.0, abs=3.0)
        assert min(one.direction_deg, 180 - one.direction_deg) < 0.5
        assert one.spacing_m == pytest.approx(0.75, rel=0.02)


def test_a_row_that_closes_is_a_ring() -> None:
    sown = sow(circles(10.0, 18.0, 0.75), 4, emergence=1.0)
    lines = row_lines(sown.places, rows_of(sown))
    radii = [np.hypot(*(one.points - HERE).T) for one in lines]
    assert max(float(np.ptp(one)) for one in radii) < 0.15
    rings = [one for one in lines if np.array_equal(one.points[0], one.points[-1])]
    assert len(rings) >= 9
    for one in rings:
        radius = float(np.hypot(*(one.points[0] - HERE)))
        assert one.length_m == pytest.approx(2 * math.pi * radius, rel=0.02)


def test_plots_and_rows_are_numbered_from_one() -> None:
    sown = sow(terraces(1), 5)
    rows = rows_of(sown)
    numbers = RowNumbers.of(sown.places, rows)
    plot, row = numbers.told(rows.at(sown.places))
    assert set(plot.tolist()) - {0} == set(range(1, len(rows.plots) + 1))
    sizes = [int((plot == number).sum()) for number in range(1, len(rows.plots) + 1)]
    assert sizes == sorted(sizes, reverse=True)
    for number in range(1, len(rows.plots) + 1):
        assert row[plot == number].min() <= 1
    outside = numbers.told(rows.at(HERE + np.array([[900.0, 0.0]])))
    assert [one.tolist() for one in outside] == [[0], [0]]


def test_missing_plants_stand_on_the_bent_row_and_not_on_the_chord() -> None:
    sown = sow(circles(6.0, 14.0, 0.75), 6, emergence=1.0)
    rows = rows_of(sown)
    turn = np.array([-0.3, 0.3])
    start, end = (HERE + 7.5 * np.array([math.cos(one), math.sin(one)]) for one in turn)
    gap = Gap((float(start[0]), float(start[1])), (float(end[0]), float(end[1])), 11)
    chord, row = missing_places([gap]), missing_places([gap], rows)
    middle = 5
    assert np.hypot(*(chord[middle] - HERE)) == pytest.approx(7.5 * math.cos(0.3), abs=0.01)
    assert np.hypot(*(row[middle] - HERE)) == pytest.approx(7.5, abs=0.05)
    assert missing_places([], rows).shape == (0, 2)
