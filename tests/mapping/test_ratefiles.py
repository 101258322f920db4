"""Rates as rasters, read back with rasterio: the ground of each rate and the litres are those of the polygons."""

from __future__ import annotations

import itertools
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.warp import transform as warped
from scipy import ndimage

from fieldbox.domain import Prescription
from fieldbox.errors import Rejected
from fieldbox.mapping.ratecells import metric_cells
from fieldbox.mapping.ratefiles import write_dji, write_rates
from tests.mapping.prescribed import (
    BOUNDARY,
    FIELD,
    GEOD,
    empty,
    geodesic,
    ground_by_rate,
    ground_of,
    patch_of,
    prescription,
    random_pieces,
    whole,
)


def ground_per_cell(raster: rasterio.DatasetReader) -> float:
    """Geodesic, of a cell in the middle of a raster."""
    at, side = raster.transform, 40
    column, row = raster.width // 2, raster.height // 2
    corners = [at @ (column + x, row + y) for x, y in ((0, 0), (side, 0), (side, side), (0, side))]
    lon, lat = warped(raster.crs, "EPSG:4326", *zip(*corners, strict=True))
    return abs(float(GEOD.polygon_area_perimeter(lon, lat)[0])) / side**2


def check(raster: rasterio.DatasetReader, made: Prescription) -> None:
    rates, cell = raster.read(1), ground_per_cell(raster)
    # Within 0.1 %, or half a cell where so little is treated that this is more.
    for rate, ground in ground_by_rate(made).items():
        told = np.count_nonzero(rates == np.float32(rate)) * cell
        assert told == pytest.approx(ground, rel=1e-3, abs=0.51 * cell)
    half_l = 0.51 * cell * sum(ground_by_rate(made)) / 1e4
    litres = float(np.nansum(rates, dtype=float)) * cell / 1e4
    assert litres == pytest.approx(made.needs.spray_l, rel=1e-3, abs=half_l)
    for one in made.treated:
        (x,), (y,) = warped("EPSG:4326", raster.crs, [one.zone.lon], [one.zone.lat])
        assert rates[raster.index(x, y)] == np.float32(one.rate_l_ha)


def test_a_geotiff_of_rates(tmp_path: Path) -> None:
    made = whole()
    write_rates(made, BOUNDARY, "North field", tmp_path / "rates.tif")
    with rasterio.open(tmp_path / "rates.tif") as raster:
        assert raster.crs.to_epsg() == 32643
        assert raster.dtypes == ("float32",)
        assert np.isnan(raster.nodata)
        assert raster.tags()["field"] == "North field"
        assert float(raster.tags()["ground_m2_per_cell"]) == pytest.approx(ground_per_cell(raster), rel=1e-4)
        assert float(raster.tags()["litres"]) == pytest.approx(made.needs.spray_l, rel=1e-3)
        check(raster, made)
        known = np.count_nonzero(np.isfinite(raster.read(1))) * ground_per_cell(raster)
        assert known == pytest.approx(ground_of(BOUNDARY), rel=2e-3)
        (x,), (y,) = warped(
            "EPSG:4326", raster.crs, *([one] for one in patch_of(shapely.box(24, 24, 26, 26))[0][0])
        )
        assert np.isnan(raster.read(1)[raster.index(x, y)])  # the pond


def test_an_archive_for_dji(tmp_path: Path) -> None:
    made = whole()
    write_dji(made, BOUNDARY, "North field", tmp_path / "dji.zip")
    with zipfile.ZipFile(tmp_path / "dji.zip") as archive:
        names = archive.namelist()
        assert {
            "DJI/Shapefile/boundary.shp",
            "DJI/Shapefile/boundary.dbf",
            "DJI/Shapefile/boundary.prj",
        } <= set(names)
        assert "tried on no drone" in archive.read("UNTESTED.txt").decode()
        world = [float(one) for one in archive.read("DJI/Rx/rates.tfw").split()]
    with rasterio.open(f"/vsizip/{tmp_path}/dji.zip/DJI/Rx/rates.tiff") as raster:
        assert raster.crs.to_epsg() == 4326
        assert raster.count == 1
        assert raster.nodata is None
        assert np.isfinite(raster.read(1)).all()
        at = raster.transform
        centre = at @ (0.5, 0.5)
        assert world == pytest.approx([at.a, 0, 0, at.e, *centre], abs=1e-12)
        check(raster, made)
    _meta, _ids, shapes, _values = pyogrio.raw.read(f"/vsizip/{tmp_path}/dji.zip/DJI/Shapefile/boundary.shp")
    (field,) = shapely.from_wkb(shapes)
    assert geodesic(field) == pytest.approx(ground_of(BOUNDARY), rel=1e-6)


def test_dji_gets_no_more_than_10_mb(tmp_path: Path) -> None:
    large = shapely.affinity.scale(FIELD, 8, 8)
    write_dji(whole(), patch_of(large), "Large field", tmp_path / "dji.zip")
    with zipfile.ZipFile(tmp_path / "dji.zip") as archive:
        assert archive.getinfo("DJI/Rx/rates.tiff").file_size <= 10_000_000


def test_the_same_prescription_is_the_same_archive(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_dji(empty(), BOUNDARY, "North field", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_nothing_to_treat_is_all_zeros(tmp_path: Path) -> None:
    write_rates(empty(), BOUNDARY, "North field", tmp_path / "rates.tif")
    with rasterio.open(tmp_path / "rates.tif") as raster:
        assert np.nanmax(raster.read(1)) == 0
    write_dji(empty(), BOUNDARY, "North field", tmp_path / "dji.zip")
    with rasterio.open(f"/vsizip/{tmp_path}/dji.zip/DJI/Rx/rates.tiff") as raster:
        assert not raster.read(1).any()


def test_rates_that_lie_beside_each_other(tmp_path: Path) -> None:
    """As those by vigour do: they share their edges and leave nothing between."""
    edges = np.array(
        [
            [(-50, -30), (-50, 30)],
            [(-21.3, -30), (-14.2, 30)],
            [(12.2, -30), (7.4, 30)],
            [(50, -30), (50, 30)],
        ]
    )
    strips = [shapely.Polygon(np.concatenate([one, other[::-1]])) for one, other in itertools.pairwise(edges)]
    made = prescription(list(zip(strips, (120.0, 180.0, 220.0), strict=True)))
    write_rates(made, BOUNDARY, "North field", tmp_path / "rates.tif")
    with rasterio.open(tmp_path / "rates.tif") as raster:
        check(raster, made)
        sprayed = raster.read(1) > 0
        assert (ndimage.binary_fill_holes(sprayed) == sprayed).all()


def test_a_narrow_swath_along_the_cells_is_as_wide_as_it_is() -> None:
    """What sampling at centres alone gets wrong by the same amount at every row."""
    made = prescription(
        [(shapely.box(-40, y, 40, y + 1.03), 180.0) for y in range(-30, 30, 6)], here=(75.0, 0.5)
    )
    cells = metric_cells(made, BOUNDARY_AT_75, 400_000)
    assert cells.litres == pytest.approx(made.needs.spray_l, rel=1e-3)


BOUNDARY_AT_75 = patch_of(FIELD, (75.0, 0.5))


def test_a_spot_smaller_than_a_cell_is_not_lost() -> None:
    made = prescription([(shapely.box(0.3, 0.3, 0.6, 0.6), 180.0)])
    cells = metric_cells(made, BOUNDARY, 400)
    assert np.count_nonzero(cells.codes) == 1


def test_more_rates_than_cells_can_hold() -> None:
    made = prescription([(shapely.box(0, 0, 1, 1), 1.0)])
    many = replace(made, treated=tuple(replace(made.treated[0], rate_l_ha=1.0 + one) for one in range(255)))
    with pytest.raises(Rejected, match="254 different rates"):
        metric_cells(many, BOUNDARY, 10_000)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 25),
    here=st.sampled_from([(77.2, 18.4), (5.9999, 51.0), (-60.0001, -33.5), (-66.0, 0.3), (24.0, 66.0)]),
    dji=st.booleans(),
)
def test_any_pieces_keep_their_litres(
    seed: int, count: int, here: tuple[float, float], dji: bool, tmp_path: Path
) -> None:
    made = prescription(random_pieces(seed, count), here=here)
    path = tmp_path / ("rates.zip" if dji else "rates.tif")
    (write_dji if dji else write_rates)(made, patch_of(FIELD, here), "field", path)
    with rasterio.open(f"/vsizip/{path}/DJI/Rx/rates.tiff" if dji else path) as raster:
        check(raster, made)
