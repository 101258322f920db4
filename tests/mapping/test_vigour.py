"""Vigour zones: known patches are found, noise is not, neighbours meet, and what is told of each is true."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import FieldMap, Vigour, Zone, ZoneKind
from fieldbox.mapping.causes import COMPARE, EDGE, MISSING, PATCH, STRIP_ALONG, STUNTED, WEEDS, YELLOWING
from fieldbox.mapping.cropevidence import CropPlants
from fieldbox.mapping.vigour import (
    Smoothing,
    polygon_of,
    poor_before,
    vigour_zones,
)
from tests.mapping.vigours import EPSG, FIELD, NORTH, PATCHES, WEST, field_map, inside, noise, patchy


def ground(zones: tuple[Zone, ...], vigour: Vigour) -> shapely.Geometry:
    return shapely.union_all([polygon_of(one.patch, EPSG) for one in zones if one.vigour is vigour])


def overlap(one: shapely.Geometry, other: shapely.Geometry) -> float:
    return float((one & other).area / (one | other).area)


@pytest.mark.parametrize("depth", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_poor_patches_are_found(seed: int, depth: float) -> None:
    zones = vigour_zones(patchy(seed, depth), FIELD)
    poor = [one for one in zones if one.vigour is Vigour.POOR]
    assert len(poor) == 2
    assert [one.rank for one in poor] == [1, 2]
    assert overlap(ground(zones, Vigour.POOR), shapely.union_all(PATCHES)) >= 0.8
    for one, patch in zip(poor, reversed(PATCHES), strict=True):
        assert overlap(polygon_of(one.patch, EPSG), patch) >= 0.75
        assert one.area_m2 == pytest.approx(patch.area, rel=0.2)
        assert one.z is not None
        assert -depth * 1.1 < one.z < -depth * 0.5
        assert one.certainty == 1.0
    assert not [one for one in zones if one.vigour is Vigour.BETTER]


def test_noise_is_one_zone() -> None:
    told = [vigour_zones(field_map(noise(seed)), FIELD) for seed in range(40)]
    whole = [zones for zones in told if len(zones) == 1 and zones[0].vigour is Vigour.USUAL]
    assert len(whole) >= 38
    assert whole[0][0].area_m2 == pytest.approx(FIELD.area, rel=0.002)  # the grid's scale is 0.9996 and more
    assert whole[0][0].kind is ZoneKind.VIGOUR
    assert whole[0][0].causes == ()


def test_plants_that_spread_into_the_next_cell_are_no_structure() -> None:
    for seed in range(8):
        index = noise(seed)
        blurred = (index + np.roll(index, 1, axis=0) + np.roll(index, 1, axis=1)) / math.sqrt(3)
        assert len(vigour_zones(field_map(blurred), FIELD)) == 1


def test_better_ground_is_told_from_poor() -> None:
    index = noise(5)
    index[inside(PATCHES[0])] -= 2.5
    index[inside(PATCHES[1])] += 2.5
    zones = vigour_zones(field_map(index), FIELD)
    assert overlap(ground(zones, Vigour.POOR), PATCHES[0]) >= 0.75
    assert overlap(ground(zones, Vigour.BETTER), PATCHES[1]) >= 0.75


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 6),
    hole=st.floats(0, 30),
    corner=st.tuples(st.floats(10, 90), st.floats(10, 70)),
)
def test_zones_meet_without_gap_or_overlap(
    seed: int, count: int, hole: float, corner: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    index = noise(seed)
    for _each in range(count):
        place = shapely.Point(WEST + rng.uniform(0, 100), NORTH - rng.uniform(0, 80))
        index[inside(place.buffer(rng.uniform(4, 20)))] += rng.choice([-3, 3])
    index[inside(shapely.Point(WEST + 50, NORTH - 40).buffer(hole))] = np.nan
    # A field with a dent, whose edges follow no cells.
    field = shapely.Polygon(
        [(WEST + 1.3, NORTH - 78.2), (WEST + 97.1, NORTH - 70.4), (WEST + 99.2, NORTH - 3.3),
         (WEST + corner[0], NORTH - corner[1]), (WEST + 2.2, NORTH - 5.1)]
    ).buffer(0)  # fmt: skip
    if not isinstance(field, shapely.Polygon):
        return
    zones = vigour_zones(field_map(np.where(inside(field), index, np.nan)), field)
    shapes = [polygon_of(one.patch, EPSG) for one in zones]
    whole = shapely.union_all(shapes, grid_size=1e-4)
    assert all(one.is_valid for one in shapes)
    assert sum(one.area for one in shapes) == pytest.approx(whole.area, abs=0.05)
    assert whole.difference(field.buffer(1e-3)).area == pytest.approx(0.0, abs=1e-6)
    # What is far from all that is known belongs to none; all else does.
    unknown = shapely.Point(WEST + 50, NORTH - 40).buffer(hole)
    assert (field - unknown.buffer(1.5)).difference(whole.buffer(1e-3)).area < 0.02 * field.area
    for one, shape in zip(zones, shapes, strict=True):
        lon_lat = shapely.Point(one.lon, one.lat)
        assert shapely.Polygon(one.patch[0], one.patch[1:]).contains(lon_lat)
        assert shape.area == pytest.approx(one.area_m2, rel=0.002)
    least = Smoothing().least_cells(1.0)
    assert all(one.area >= 0.6 * least for one in shapes) or len(shapes) == 1


def test_unseen_ground_is_not_poor_ground() -> None:
    index = noise(3) + 5.0
    index[inside(shapely.box(WEST + 40, NORTH - 80, WEST + 60, NORTH))] = np.nan
    zones = vigour_zones(field_map(index), FIELD)
    assert {one.vigour for one in zones} == {Vigour.USUAL}
    empty = shapely.box(WEST + 48, NORTH - 80, WEST + 52, NORTH)
    assert (ground(zones, Vigour.USUAL) & empty).area == 0.0
    thinned = np.where(np.random.default_rng(4).random(index.shape) < 0.5, np.nan, noise(3))
    (one,) = vigour_zones(field_map(thinned), FIELD)
    assert one.certainty == pytest.approx(0.5, abs=0.03)


def test_nothing_known_is_no_zone() -> None:
    assert vigour_zones(field_map(np.full((80, 100), np.nan)), FIELD) == ()
    assert vigour_zones(patchy(1), shapely.box(0, 0, 10, 10)) == ()


def test_small_patches_join_their_neighbour_and_zones_are_few() -> None:
    index = noise(7)
    for east in range(8, 100, 14):
        for north in range(8, 80, 14):
            index[inside(shapely.Point(WEST + east, NORTH - north).buffer(4))] -= 4
    many = vigour_zones(field_map(index), FIELD, Smoothing(cells=1.0, most=100))
    few = vigour_zones(field_map(index), FIELD, Smoothing(cells=1.0, most=5))
    assert len(many) > 20
    assert len(few) <= 5
    assert len(vigour_zones(field_map(index), FIELD, Smoothing(cells=1.0, least_m2=200))) == 1


def test_ndre_takes_over_where_the_crop_is_dense() -> None:
    ndvi = 0.85 + 0.01 * noise(1)
    ndre = 0.40 + 0.02 * noise(2)
    ndre[inside(PATCHES[1])] -= 0.06
    spectral = {"ndvi": ndvi.astype(np.float32), "ndre": ndre.astype(np.float32)}
    dense = field_map(ndvi, spectral=spectral)
    assert overlap(ground(vigour_zones(dense, FIELD), Vigour.POOR), PATCHES[1]) >= 0.75
    thin = field_map(ndvi, spectral={**spectral, "ndvi": (ndvi - 0.5).astype(np.float32)})
    assert len(vigour_zones(thin, FIELD)) == 1


# -- plants ----------------------------------------------------------------------------------------


def plants(seed: int, *, gone: float = 0.0, stunted: float = 0.0, yellow: float = 0.0) -> CropPlants:
    """In rows that run north, with so much more of each symptom in the second patch."""
    rng = np.random.default_rng(seed)
    east, north = np.meshgrid(WEST + np.arange(0.4, 100, 0.8), NORTH - np.arange(0.2, 80, 0.4))
    places = np.column_stack([east.ravel(), north.ravel()]) + rng.normal(0, 0.03, (east.size, 2))
    there = np.asarray(shapely.contains_xy(PATCHES[1], *places.T))
    chance = rng.random((3, len(places)))
    missing = chance[0] < 0.03 + gone * there
    up = ~missing
    return CropPlants(
        places[up],
        (chance[1] < 0.04 + stunted * there)[up],
        (chance[2] < 0.04 + yellow * there)[up],
        places[missing],
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [({"gone": 0.4}, MISSING), ({"stunted": 0.4}, STUNTED), ({"yellow": 0.4}, YELLOWING)],
)
def test_plants_tell_where_colours_do_not(share: dict[str, float], words: str) -> None:
    zones = vigour_zones(field_map(noise(1)), FIELD, crop=plants(1, **share))
    assert overlap(ground(zones, Vigour.POOR), PATCHES[1]) >= 0.8
    (poor,) = [one for one in zones if one.vigour is Vigour.POOR]
    assert poor.causes[0].template == words
    assert len(poor.causes) <= 3
    assert len(vigour_zones(field_map(noise(1)), FIELD, crop=plants(1))) == 1


def test_small_yellow_plants_are_asked_for_their_leaves_first() -> None:
    zones = vigour_zones(field_map(noise(1)), FIELD, crop=plants(1, yellow=0.4, stunted=0.2))
    assert YELLOWING in [one.template for one in zones[0].causes]
    assert STUNTED not in [one.template for one in zones[0].causes]


def test_patterns_are_told() -> None:
    def causes(shape: shapely.Geometry, weeds: float = 0.0) -> list[str]:
        index = noise(9)
        index[inside(shape)] -= 4
        cover = np.where(inside(shape), 0.01 + weeds, 0.01).astype(np.float32)
        grid = field_map(index, weed_cover=cover)
        return [one.template for one in vigour_zones(grid, FIELD, rows_deg=0.0)[0].causes]

    assert causes(PATCHES[0]) == [PATCH]
    assert causes(PATCHES[0], weeds=0.2) == [WEEDS, PATCH]
    assert causes(shapely.box(WEST, NORTH - 80, WEST + 5, NORTH)) == [EDGE]
    assert causes(shapely.box(WEST + 40, NORTH - 70, WEST + 46, NORTH - 12)) == [STRIP_ALONG]
    assert causes(shapely.box(WEST + 15, NORTH - 40, WEST + 85, NORTH - 34)) == [COMPARE]


# -- earlier surveys ---------------------------------------------------------------------------------


def test_history_counts_surveys_in_a_row() -> None:
    zone = vigour_zones(patchy(1), FIELD)[0]
    poor, fine = patchy(2), field_map(noise(3))

    def before(*earlier: FieldMap, spectral: bool = False) -> int | None:
        return poor_before(zone, earlier, spectral=spectral, error_m=1.0)

    assert before() is None
    assert before(poor) == 1
    assert before(poor, patchy(4), fine, poor) == 2
    assert before(fine, poor) == 0
    unseen = field_map(np.where(inside(PATCHES[1].buffer(5)), np.nan, noise(6)))
    assert before(unseen) is None
    assert before(poor, unseen, poor) == 2
    banded = replace(poor, spectral={"ndvi": poor.health_z})
    assert before(banded) is None
    assert before(poor, banded, spectral=True) == 1
    # A map that is a metre off, on a raster of its own.
    moved = replace(patchy(8), west=WEST + 1.0, north=NORTH - 1.0)
    assert before(moved) == 1
    elsewhere = replace(patchy(8), west=WEST + 5000.0)
    assert before(elsewhere) is None
