"""Prescriptions as vectors, read back with GDAL: every piece where it was, as large as it was, with its litres."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fieldbox.domain import Prescription, ZoneKind
from fieldbox.mapping.export import VECTOR_FORMATS, export_vector
from fieldbox.mapping.prescriptionfiles import PRESCRIPTION_WRITERS
from fieldbox.mapping.zonefeatures import prescription_features, zone_features
from tests.mapping.prescribed import (
    BOUNDARY,
    PIECES,
    empty,
    geodesic,
    ground_by_rate,
    prescription,
    random_pieces,
    whole,
)

WITH_SHAPES = ("geojson", "gpkg", "kml", "shp", "zip")
NAME = "North <field> खेत"


def written(made: Prescription, suffix: str, folder: Path) -> str:
    """Where GDAL finds it."""
    path = folder / f"rx.{suffix}"
    PRESCRIPTION_WRITERS["shp" if suffix == "zip" else suffix](made, BOUNDARY, NAME, path)
    return f"/vsizip/{path}" if suffix == "zip" else str(path)


def read(path: str) -> tuple[dict[str, NDArray[np.generic]], list[shapely.Polygon]]:
    meta, _ids, shapes, values = pyogrio.raw.read(path)
    assert "4326" in meta["crs"]
    columns = {name.lower(): column for name, column in zip(meta["fields"], values, strict=True)}
    return columns, list(shapely.from_wkb(shapes))


def areas(shapes: list[shapely.Polygon]) -> NDArray[np.float64]:
    return np.array([geodesic(one) for one in shapes])


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"kind": ZoneKind.VIGOUR}, "crop stands"), ({"never_pays": True}, "costs more"), ({}, "fewer weeds")],
)
def test_zones_that_are_left_say_why(changes: dict[str, Any], words: str) -> None:
    told = prescription_features(replace(whole(), **changes)).columns["why"].tolist()
    assert words in told[-1]
    assert told[0] is None


@pytest.mark.parametrize("suffix", WITH_SHAPES)
def test_every_piece_comes_back(suffix: str, tmp_path: Path) -> None:
    made = whole()
    columns, shapes = read(written(made, suffix, tmp_path))
    pieces = [*(one.zone for one in made.treated), *made.left]
    assert areas(shapes) == pytest.approx([one.area_m2 for one in pieces], rel=1e-3)
    rates = np.asarray(columns["rate_lha" if suffix in {"shp", "zip"} else "rate_l_ha"], float)
    assert rates.tolist() == [180, 180, 180, 180, 90, 0]
    assert columns["treat"].tolist() == [1, 1, 1, 1, 1, 0]
    assert float(areas(shapes) @ rates) / 1e4 == pytest.approx(made.needs.spray_l, rel=1e-3)
    assert float(np.sum(columns["litres"])) == pytest.approx(made.needs.spray_l, rel=1e-3)
    assert columns["area_m2"].astype(float) == pytest.approx([one.area_m2 for one in pieces], rel=1e-4)
    assert columns["causes"][0] == "Look for <rust> & wet ground."
    assert columns["products"][0] == "Herbizid Nº 1 खेत 1.5 L/ha; Wetter 0.25 L/ha"
    assert columns["products"][4] == "Herbizid Nº 1 खेत 0.75 L/ha; Wetter 0.125 L/ha"
    assert "fewer weeds" in columns["why"][5]
    assert not columns["why"][0]
    assert len(shapes[0].interiors) == 1
    assert np.isnan(columns["weeds"].astype(float)).tolist() == [True] + 5 * [False]


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "kml", "csv"])
def test_each_product_has_its_dose_and_litres(suffix: str, tmp_path: Path) -> None:
    made = whole()
    path = written(made, suffix, tmp_path)
    if suffix == "csv":
        with Path(path).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    else:
        columns, _shapes = read(path)
    # By hand: 1.5 L of 180 L, so a 120th of the mixture.
    assert columns["product_1_l_ha"].astype(float).tolist() == [1.5, 1.5, 1.5, 1.5, 0.75, 0]
    assert columns["product_1_litres"].astype(float).sum() == pytest.approx(
        made.needs.spray_l / 120, rel=1e-3
    )
    assert columns["product_2_litres"].astype(float).sum() == pytest.approx(
        made.needs.spray_l / 720, rel=1e-3
    )


def test_a_shapefile_has_short_names_and_one_rate(tmp_path: Path) -> None:
    columns, _shapes = read(written(whole(), "zip", tmp_path))
    assert all(len(name) <= 10 for name in columns)
    assert [name for name in columns if "lha" in name or "l_ha" in name] == ["rate_lha"]
    with zipfile.ZipFile(tmp_path / "rx.zip") as archive:
        assert {"rx.shp", "rx.dbf", "rx.shx", "rx.prj", "rx.cpg"} <= set(archive.namelist())


def test_long_texts_are_cut_for_a_shapefile(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    features = prescription_features(whole(), doses=False)
    features.columns["causes"][0] = "खे" * 200
    export_vector(features, tmp_path / "rx.shp", "shp")
    columns, _shapes = read(str(tmp_path / "rx.shp"))
    assert columns["causes"][0] == "खे" * 42
    assert not recwarn.list


def test_csv_has_area_and_litres(tmp_path: Path) -> None:
    made = whole()
    with Path(written(made, "csv", tmp_path)).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["litres"]) for row in rows) == pytest.approx(made.needs.spray_l, rel=1e-3)
    assert [float(row["area_m2"]) for row in rows[:5]] == pytest.approx(
        [one.zone.area_m2 for one in made.treated], rel=1e-4
    )
    assert rows[0]["cover_pct"] == rows[0]["weeds"] == ""
    for row, one in zip(rows, made.treated, strict=False):
        place = shapely.Point(float(row["lon"]), float(row["lat"]))
        assert shapely.Polygon(one.zone.patch[0], one.zone.patch[1:]).contains(place)


def test_kml_names_and_colours_what_is_done(tmp_path: Path) -> None:
    columns, _shapes = read(written(whole(), "kml", tmp_path))
    assert columns["name"].tolist()[:2] == ["Zone Z1: 180 L/ha", "Zone Z2: 180 L/ha"]
    assert columns["name"][-1] == "Zone Z100: leave"
    told = (tmp_path / "rx.kml").read_text(encoding="utf-8")
    assert told.count("#treat") == 5
    assert told.count("#leave") == 1
    assert "North &lt;field&gt; खेत" in told


def test_zones_have_names_that_are_no_numbers_of_hotspots_and_tell_which_they_hold() -> None:
    zones = [replace(one.zone, spots=(2, 7) if one.zone.rank == 1 else ()) for one in whole().treated]
    columns = zone_features(zones).columns
    assert columns["name"].tolist()[:2] == ["Z1", "Z2"]
    assert columns["spots"].tolist()[:2] == ["2, 7", None]


def test_pieces_of_a_prescription_by_vigour_are_not_called_as_the_zones_of_the_crop() -> None:
    columns = prescription_features(replace(whole(), kind=ZoneKind.VIGOUR)).columns
    assert all(str(one).startswith("R") for one in columns["name"])


def test_zones_by_themselves(tmp_path: Path) -> None:
    zones = [one.zone for one in whole().treated]
    export_vector(zone_features(zones), tmp_path / "zones.geojson", "geojson")
    told = json.loads((tmp_path / "zones.geojson").read_text(encoding="utf-8"))
    first = told["features"][0]["properties"]
    assert first["vigour"] == "poor"
    assert first["vigour_z"] == -2.5
    assert first["density_low_m2"] == 0.75
    assert first["cover_pct"] is None
    assert "rate_l_ha" not in first
    shape = shapely.from_geojson(json.dumps(told["features"][0]["geometry"]))
    assert shape.exterior.is_ccw
    assert not shape.interiors[0].is_ccw


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "kml", "shp", "zip", "csv"])
def test_nothing_to_treat_is_a_valid_file(suffix: str, tmp_path: Path) -> None:
    path = written(prescription([]), suffix, tmp_path)
    if suffix == "csv":
        assert len(Path(path).read_text(encoding="utf-8").splitlines()) == 1
        return
    assert pyogrio.read_info(path)["features"] == 0
    columns, _shapes = read(written(empty(), suffix, tmp_path))
    assert columns["treat"].tolist() == [0]


@pytest.mark.parametrize("fmt", VECTOR_FORMATS)
def test_no_zones_is_a_valid_file(fmt: str, tmp_path: Path) -> None:
    export_vector(zone_features([]), tmp_path / f"z.{fmt}", fmt)
    assert (tmp_path / f"z.{fmt}").stat().st_size > 0


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 25),
    here=st.sampled_from([(77.2, 18.4), (5.9999, 51.0), (-60.0001, -33.5), (179.99, -38.0), (24.0, 66.0)]),
    suffix=st.sampled_from(WITH_SHAPES),
)
def test_any_pieces_keep_their_ground(
    seed: int, count: int, here: tuple[float, float], suffix: str, tmp_path: Path
) -> None:
    made = prescription(random_pieces(seed, count), here=here)
    columns, shapes = read(written(made, suffix, tmp_path))
    assert areas(shapes) == pytest.approx([one.zone.area_m2 for one in made.treated], rel=1e-3)
    rates = np.asarray(columns["rate_lha" if suffix in {"shp", "zip"} else "rate_l_ha"], float)
    for rate, ground in ground_by_rate(made).items():
        assert areas(shapes)[rates == rate].sum() == pytest.approx(ground, rel=1e-3)


def test_pieces_are_what_they_are_called() -> None:
    assert all(shape.is_valid for shape, _rate in PIECES)


@pytest.mark.parametrize("suffix", WITH_SHAPES)
def test_a_very_small_piece_keeps_its_ground(tmp_path: Path, suffix: str) -> None:
    """Of a quarter of a metre across, coordinates to a tenth of a millimetre lost more than a thousandth."""
    made = prescription(random_pieces(23_724, 22), here=(5.9999, 51.0))
    _columns, shapes = read(written(made, suffix, tmp_path))
    assert areas(shapes) == pytest.approx([one.zone.area_m2 for one in made.treated], rel=1e-3)
