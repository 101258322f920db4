"""What is sprayed where: it reaches the weeds, on the least ground, where that pays and where it may."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from fieldbox.deciding import Known, prescribe, prescribe_by_vigour, weed_zones
from fieldbox.domain import (
    Economics,
    Field,
    FieldMap,
    Flight,
    Hotspot,
    Interval,
    KeepOff,
    Patch,
    Prescription,
    Product,
    Spraying,
    Strategy,
    Vigour,
    WeedBasis,
    Zone,
    ZoneKind,
)
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.mapping.geo import easting_northing, lon_lat
from fieldbox.mapping.intervals import count_interval
from fieldbox.services.deciding import prescription_text
from tests.storage.samples import capture, survey

EPSG = 32643
HERE = np.array([586_000.0, 2_051_000.0])
SIZE = np.array([60.0, 40.0])
PLANE = GroundPlane(EPSG)
FLIGHT = Flight("flight", 1, None, None, (capture(1),))


@dataclass(frozen=True)
class Weed:
    """A stored weed."""

    lat: float
    lon: float
    score: float = 0.8
    area_cm2: float = 78.5


def degrees(points: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((lon, lat) for lon, lat in lon_lat(EPSG, points).tolist())


def ring(west: float, south: float, east: float, north: float) -> tuple[tuple[float, float], ...]:
    """A rectangle in metres from HERE."""
    return degrees(HERE + np.array([(west, south), (east, south), (east, north), (west, north)]))


def grown(seed: int, *, patches: int = 8, scattered: int = 60) -> NDArray[np.float64]:
    """Weeds in patches and between them, all in the field."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 1, (patches, 2)) * SIZE
    clumped = centres[rng.integers(patches, size=30 * patches)] + rng.normal(0, 1.0, (30 * patches, 2))
    every = np.concatenate([clumped, rng.uniform(0, 1, (scattered, 2)) * SIZE])
    return HERE + every[((every > 0) & (every < SIZE)).all(axis=1)]


def seen(truth: NDArray[np.float64], seed: int, recall: float) -> NDArray[np.float64]:
    """Those that are found, on a map that is off by 10 cm as a whole and by 8 cm from weed to weed."""
    rng = np.random.default_rng(seed)
    found = truth[rng.random(len(truth)) < recall]
    return found + rng.normal(0, 0.1, 2) + rng.normal(0, 0.08, found.shape)


def known(places: NDArray[np.float64], spraying: Spraying, *, recall: float | None = 0.85) -> Known:
    """A surveyed field with weeds."""
    count = len(places)
    told = replace(
        survey(FLIGHT),
        area_ha=0.24,
        area_ha_interval95=Interval(0.228, 0.252),
        weed_count=count,
        weed_count_interval95=count_interval(count, Interval(0.937, 1.094)),
        position_error_m=0.3,
        weed_recall=recall,
        stand=None,
    )
    field = Field(1, "F01", "North", ring(0, 0, *SIZE), True)
    weeds = [Weed(lat, lon) for lon, lat in lon_lat(EPSG, places).tolist()]
    return Known(told, field, None, weeds, spraying)


def shape(patch: Patch) -> shapely.Polygon:
    rings = [easting_northing(EPSG, one) for one in patch]
    return shapely.Polygon(rings[0], rings[1:])


def ground(zones: list[Zone]) -> shapely.Geometry:
    return shapely.union_all([shape(one.patch) for one in zones])


def treated(found: Prescription) -> list[Zone]:
    return [one.zone for one in found.treated]


@pytest.mark.parametrize("recall", [0.95, 0.8])
def test_it_reaches_the_weeds_on_the_least_ground_of_three_ways(recall: float) -> None:
    reached, promised = [], []
    for seed in range(6):
        truth = grown(seed)
        found = prescribe(known(seen(truth, 50 + seed, recall), Spraying(), recall=recall))
        assert found.assured is not None
        promised.append(found.assured)
        reached.append(shapely.contains_xy(ground(treated(found)), *truth.T).mean())
        assert {one.strategy for one in found.laid} == set(Strategy)
        assert min(one.area_m2 for one in found.laid) == pytest.approx(found.needs.area_ha * 1e4, rel=1e-3)
    assert min(promised) >= 0.95
    assert min(reached) >= 0.95


def test_litres_and_savings_by_hand() -> None:
    how = Spraying(spray_l_ha=300, tank_l=15, products=(Product("x", 1.5),), strategy=Strategy.SWATHS)
    found = prescribe(known(seen(grown(1), 2, 0.85), how))
    geod = Geod(ellps="WGS84")
    area = sum(
        abs(geod.geometry_area_perimeter(shapely.Polygon(*_rings(one.patch)))[0]) for one in treated(found)
    )
    field = abs(geod.geometry_area_perimeter(shapely.Polygon(ring(0, 0, *SIZE)))[0])
    assert found.field_m2 == pytest.approx(field, rel=1e-6)
    assert found.needs.area_ha == pytest.approx(area / 1e4, rel=1e-5)
    assert found.needs.spray_l == pytest.approx(area / 1e4 * 300, rel=1e-5)
    assert found.needs.tanks == int(np.ceil(area / 1e4 * 300 / 15))
    (need,) = found.needs.products
    assert need.litres == pytest.approx(area / 1e4 * 1.5, rel=1e-5)
    assert need.ml_tank == pytest.approx(75)
    assert found.needs.saved_pct == pytest.approx(100 * (1 - area / field), rel=1e-5)
    # Swaths are what the sprayer wets, but for those that the edge of the field cuts.
    low, high = found.needs.spray_l_interval95
    assert low == pytest.approx(0.95 * found.needs.spray_l)
    assert 1.05 * found.needs.spray_l <= high < 1.15 * found.needs.spray_l


def _rings(patch: Patch) -> tuple[object, list[object]]:
    return patch[0], list(patch[1:])


def test_nothing_is_sprayed_near_water() -> None:
    pond = ring(20, 10, 30, 20)
    how = Spraying(keep_off=(KeepOff("pond", (pond,), 4.0),))
    found = prescribe(known(seen(grown(3), 4, 0.9), how))
    near = shapely.Polygon(easting_northing(EPSG, pond)).buffer(3.95)
    assert ground(treated(found)).intersection(near).area == pytest.approx(0.0, abs=1e-6)
    assert found.field_m2 == pytest.approx(
        2400 - shapely.Polygon(easting_northing(EPSG, pond)).buffer(4).area, rel=2e-3
    )


def test_where_it_does_not_pay_weeds_are_left() -> None:
    rng = np.random.default_rng(8)
    dense = HERE + 10 + rng.uniform(0, 6, (300, 2))
    thin = HERE + (30, 2) + rng.uniform(0, 1, (12, 2)) * (28, 36)
    how = Spraying(
        economics=Economics(price_per_t=20_000, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=1_080),
        strategy=Strategy.SWATHS,
        swath_m=3.0,
        step_m=3.0,
    )
    found = prescribe(known(np.concatenate([dense, thin]), how))
    assert found.threshold == pytest.approx(1.02, abs=0.03)
    assert not found.never_pays
    assert shapely.contains_xy(ground(treated(found)), *dense.T).mean() > 0.95
    assert not shapely.contains_xy(ground(treated(found)), *thin.T).any()
    assert shapely.contains_xy(ground(list(found.left)), *thin.T).mean() > 0.9
    assert all(one.density is not None and one.density < 1.05 for one in found.left)
    assert found.coverage is not None
    assert found.coverage < 0.97
    # Somebody's own threshold goes before what the economics say.
    assert not prescribe(known(np.concatenate([dense, thin]), replace(how, from_per_m2=0.01))).left
    never = replace(how, economics=Economics(price_per_t=1, yield_t_ha=1, loss_pct_per_weed=1, cost_per_ha=2))
    found = prescribe(known(dense, never))
    assert found.never_pays
    assert not found.treated
    assert found.needs.spray_l == 0
    assert found.needs.saved_pct == 100


def test_zones_tell_which_hotspots_they_hold() -> None:
    places = HERE + np.array([(10.0, 10.0), (10.3, 10.0), (10.0, 10.4), (40.0, 30.0)])
    told = known(places, Spraying(strategy=Strategy.SPOTS), recall=None)
    first, second = weed_zones(told)
    spots = tuple(
        Hotspot(rank, 0, 0, lat, lon, 4.0, 0.3, 3, "", 0, 0)
        for rank, lat, lon in ((5, second.lat, second.lon), (3, 0.0, 0.0), (2, first.lat, first.lon))
    )
    found = prescribe(replace(told, survey=replace(told.survey, hotspots=spots)))
    assert {one.zone.name: one.zone.spots for one in found.treated} == {"Z1": (2,), "Z2": (5,)}


def test_zones_tell_what_is_in_them() -> None:
    places = HERE + np.array([(10.0, 10.0), (10.3, 10.0), (10.0, 10.4), (40.0, 30.0)])
    zones = weed_zones(known(places, Spraying(strategy=Strategy.SPOTS), recall=None))
    assert [one.rank for one in zones] == [1, 2]
    assert [one.count for one in zones] == [3, 1]
    first = zones[0]
    assert first.certainty == pytest.approx(0.8)
    assert first.density == pytest.approx(3 * 1.0155 / first.area_m2, rel=0.2)
    assert first.density_interval95 is not None
    assert first.density_interval95.low <= 3 / first.area_m2 <= first.density_interval95.high
    assert first.cover_pct == pytest.approx(100 * 3 * 0.00785 / first.area_m2)
    assert shapely.contains_xy(shape(first.patch), *easting_northing(EPSG, [(first.lon, first.lat)]).T).all()


def test_how_many_are_missed_is_not_known() -> None:
    found = prescribe(known(seen(grown(1), 2, 0.85), Spraying(), recall=None))
    assert found.coverage is None
    assert all(one.coverage is None for one in found.laid)


def test_no_weeds_no_ground() -> None:
    found = prescribe(known(np.zeros((0, 2)), Spraying()))
    assert not found.treated
    assert found.coverage is None
    assert found.needs.saved_pct == 100


def covered(spraying: Spraying) -> Known:
    """A surveyed field of which only the cover of weeds is known."""
    base = known(np.zeros((0, 2)), spraying)
    cover = np.full((40, 60), 0.001, np.float32)
    cover[5:10, 20:30] = 0.3
    zero = np.zeros_like(cover)
    grid = FieldMap(EPSG, HERE[0], HERE[1] + 40, 1.0, np.ones_like(cover), cover, *([zero] * 7))
    told = replace(base.survey, weed_count=None, weed_count_interval95=None, weed_basis=WeedBasis.ROWS)
    return replace(base, survey=told, grid=grid)


def test_what_never_pays_is_left_where_only_cover_is_known() -> None:
    never = Economics(price_per_t=1, yield_t_ha=1, loss_pct_per_weed=1, cost_per_ha=2)
    found = prescribe(covered(Spraying(economics=never)))
    assert found.never_pays
    assert not found.treated
    assert found.left


def test_limit_in_counts_is_not_claimed_where_only_cover_is_known() -> None:
    found = prescribe(covered(Spraying(from_per_m2=50.0)))
    assert found.treated
    assert found.threshold is None
    assert "not counted one by one" in prescription_text(covered(Spraying()).field, found)


def test_no_share_is_claimed_where_nothing_may_be_treated() -> None:
    everywhere = KeepOff("all", (ring(-5, -5, 65, 45),), 1.0)
    found = prescribe(known(seen(grown(1), 2, 0.85), Spraying(keep_off=(everywhere,))))
    assert not found.treated
    assert found.coverage is None


def test_a_field_that_crosses_itself_and_one_without_area() -> None:
    here = known(seen(grown(1), 2, 0.85), Spraying())
    west_south, east_south, east_north, west_north = ring(0, 0, *SIZE)
    crossed = replace(here.field, boundary=(west_south, east_north, east_south, west_north))
    assert prescribe(replace(here, field=crossed)).field_m2 == pytest.approx(1200, rel=0.01)
    for flat in (ring(0, 0, 60, 0), ring(0, 0, 0, 0)):
        with pytest.raises(Rejected, match="has no area"):
            prescribe(replace(here, field=replace(here.field, boundary=flat)))


def test_weeds_beside_the_field_are_not_said_to_be_reached() -> None:
    found = prescribe(known(HERE + np.array([(300.0, 200.0)]), Spraying()))
    assert not found.treated
    assert found.coverage is None


def test_without_drift_and_error_and_with_nothing_found_out() -> None:
    exact = Spraying(drift_m=0.0, least_m2=0.0, aim_m=0.0)
    here = known(seen(grown(1), 2, 0.85), exact)
    assert prescribe(here).treated
    dots = [replace(one, area_cm2=0.0) for one in here.weeds if isinstance(one, Weed)]
    for strategy in Strategy:
        assert (
            prescribe(replace(here, weeds=dots, spraying=replace(exact, strategy=strategy))).needs.area_ha
            >= 0
        )
    assert prescribe(known(seen(grown(1), 2, 0.85), Spraying(), recall=0.0)).coverage is None


def test_weeds_on_ground_kept_off_are_told_apart() -> None:
    half = KeepOff("half", (ring(-5, -5, 30, 45),), 0.0)
    here = known(seen(grown(1), 2, 0.85), Spraying(keep_off=(half,)))
    assert "of all weeds that may be treated" in prescription_text(here.field, prescribe(here))


def test_cover_is_laid_out_where_single_weeds_are_not_called() -> None:
    base = known(np.zeros((0, 2)), Spraying(strategy=Strategy.SWATHS))
    cover = np.full((40, 60), 0.001, np.float32)
    cover[5:10, 20:30] = 0.3
    cover[0, 0] = np.nan
    zero = np.zeros_like(cover)
    grid = FieldMap(EPSG, HERE[0], HERE[1] + 40, 1.0, np.ones_like(cover), cover, *([zero] * 7))
    told = replace(base.survey, weed_count=None, weed_count_interval95=None, weed_basis=WeedBasis.ROWS)
    found = prescribe(replace(base, survey=told, grid=grid))
    (zone,) = treated(found)
    patch = shapely.box(HERE[0] + 20, HERE[1] + 30, HERE[0] + 30, HERE[1] + 35)
    assert shape(zone.patch).contains(patch)
    assert zone.area_m2 < 14 * 9
    assert zone.count is None
    assert zone.density is None
    assert zone.cover_pct == pytest.approx(100 * 0.3 * 50 / zone.area_m2)
    assert found.coverage is None
    with pytest.raises(Rejected, match="gone"):
        prescribe(replace(base, survey=told))
    with pytest.raises(Rejected, match="not called"):
        prescribe(replace(base, survey=replace(told, weed_cover_pct=None)))


def test_swaths_run_as_told_or_along_the_field() -> None:
    here = known(seen(grown(1), 2, 0.85), Spraying())
    north = PLANE.convergence_deg(*reversed(here.field.boundary[0]))
    assert prescribe(here).direction_deg == pytest.approx(90 + north, abs=0.1)
    assert prescribe(replace(here, spraying=Spraying(direction_deg=30.0))).direction_deg == pytest.approx(
        30.0
    )


def vigour(rank: int, kind: Vigour, *corners: tuple[float, float]) -> Zone:
    patch = (degrees(HERE + np.array(corners)),)
    return Zone(
        rank=rank, kind=ZoneKind.VIGOUR, patch=patch, area_m2=1.0, lat=0.0, lon=0.0, certainty=1.0, vigour=kind, z=0.0
    )  # fmt: skip


def test_rates_by_how_the_crop_stands() -> None:
    zones = (
        vigour(1, Vigour.POOR, (0, 0), (20, 0), (20, 40), (0, 40)),
        vigour(2, Vigour.USUAL, (20, 0), (60, 0), (60, 40), (20, 40)),
    )
    pond = KeepOff("pond", (ring(30, -5, 40, 45),), 0.0)
    how = Spraying(vigour_rates=(300.0, 200.0, 0.0), keep_off=(pond,))
    found = prescribe_by_vigour(known(np.zeros((0, 2)), how), zones)
    assert [(one.zone.rank, one.rate_l_ha) for one in found.treated] == [(1, 300.0), (2, 200.0), (3, 200.0)]
    assert [one.zone.area_m2 for one in found.treated] == pytest.approx([800, 400, 800], rel=2e-3)
    assert found.needs.spray_l == pytest.approx(0.08 * 300 + 0.12 * 200, rel=2e-3)
    assert found.kind is ZoneKind.VIGOUR
    assert found.coverage is None
    bare = replace(how, vigour_rates=(0.0, 200.0, 0.0))
    assert [one.vigour for one in prescribe_by_vigour(known(np.zeros((0, 2)), bare), zones).left] == [
        Vigour.POOR
    ]
    dosed = replace(how, products=(Product("x", 1.0),))
    with pytest.raises(Rejected, match="that were told"):
        prescribe_by_vigour(known(np.zeros((0, 2)), dosed), zones)
    with pytest.raises(Rejected, match="vigour-rates"):
        prescribe_by_vigour(known(np.zeros((0, 2)), Spraying()), zones)
    with pytest.raises(Rejected, match="how the crop stands"):
        prescribe_by_vigour(known(np.zeros((0, 2)), how), ())


def test_a_crew_that_goes_by_rows_needs_no_satellite() -> None:
    here = known(seen(grown(1), 2, 0.85), Spraying())
    far = replace(here, survey=replace(here.survey, position_error_m=3.0))
    assert prescribe(far).needs.area_ha > 1.5 * prescribe(here).needs.area_ha
    near = prescribe(far.sprayed(Spraying(aim_m=0.3)))
    assert near.needs.area_ha == pytest.approx(prescribe(here).needs.area_ha)


def test_all_of_the_field_reaches_all() -> None:
    here = known(seen(grown(1), 2, 0.85), Spraying())
    found = prescribe(replace(here, survey=replace(here.survey, position_error_m=30.0)))
    assert found.needs.area_ha == pytest.approx(found.field_m2 / 1e4)
    assert found.assured == found.coverage == 1.0
