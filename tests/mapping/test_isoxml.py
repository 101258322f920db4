"""TASKDATA, read back by a library of others: what its schema asks for, references, the ground and litres of each rate."""

from __future__ import annotations

import dataclasses
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import isoxml.models.base.v3 as iso3
import isoxml.models.base.v4 as iso4
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isoxml.converter.np_grid import to_numpy_array
from isoxml.converter.shapely_geom import ShapelyConverterV3
from isoxml.models.ddi_entities import DDEntity
from isoxml.util.isoxml_io import isoxml_from_path
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from fieldbox.domain import Prescription, Product
from fieldbox.mapping.isoxml import write_isoxml
from tests.mapping.prescribed import (
    BOUNDARY,
    FIELD,
    GEOD,
    SPRAYING,
    empty,
    geodesic,
    ground_by_rate,
    ground_of,
    patch_of,
    prescription,
    random_pieces,
    whole,
)

STRICT = XmlParser(ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True))


def read(path: Path) -> tuple[Any, Any]:
    """The task data and its grid, [rows, columns] from the south-west, of a zip."""
    folder = path.parent / f"{path.stem}-read"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    told, binary = isoxml_from_path(folder / "TASKDATA")
    (task,) = told.tasks
    (grid,) = task.grids
    assert len(binary[grid.filename]) == grid.filelength == grid.maximum_column * grid.maximum_row
    return told, to_numpy_array(binary[grid.filename], grid)


def check_schema(told: Any) -> list[Any]:
    """Every element, after all that the schema says of its attributes (xsdata keeps it but does not ask for it)."""
    found = [told]
    for field in dataclasses.fields(told):
        rules, value = field.metadata, getattr(told, field.name)
        where = f"{type(told).__name__}.{field.name}"
        if isinstance(value, list):
            assert len(value) >= rules.get("min_occurs", 0), where
            for one in value:
                found += check_schema(one) if dataclasses.is_dataclass(one) else []
            continue
        assert value is not None or not rules.get("required"), where
        if value is None or hasattr(value, "value"):
            continue
        assert value >= rules.get("min_inclusive", value), where
        assert value <= rules.get("max_inclusive", value), where
        if isinstance(value, str | bytes):
            assert rules.get("min_length", 0) <= len(value) <= rules.get("max_length", len(value)), where
            assert len(value) == rules.get("length", len(value)), where
        if "pattern" in rules:
            assert re.fullmatch(rules["pattern"], value), where
    return found


def check_references(elements: list[Any]) -> None:
    known = [one.id for one in elements if getattr(one, "id", None) is not None]
    assert len(known) == len(set(known))
    asked = [
        getattr(one, field.name)
        for one in elements
        for field in dataclasses.fields(one)
        if field.name.endswith("_id_ref") and getattr(one, field.name) is not None
    ]
    assert asked
    assert set(asked) <= set(known)


def check_grid(told: Any, cells: np.ndarray, made: Prescription) -> None:
    (task,), (grid,) = told.tasks, told.tasks[0].grids
    raw = {zone.code: zone.process_data_variables[0].process_data_value for zone in task.treatment_zones}
    unit = DDEntity.from_bytes(task.treatment_zones[0].process_data_variables[0].process_data_ddi)
    assert unit.name == "Setpoint Volume Per Area Application Rate as [mm³/m²]"
    assert unit.bit_resolution == 0.01
    # 1 L/ha is 1e6 mm3 on 1e4 m2.
    rates = np.array([raw.get(code, np.nan) for code in range(256)])[cells] * unit.bit_resolution / 100
    south, west = float(grid.minimum_north_position), float(grid.minimum_east_position)
    north = south + grid.cell_north_size * grid.maximum_row
    east = west + grid.cell_east_size * grid.maximum_column
    whole_m2 = abs(
        float(GEOD.polygon_area_perimeter([west, east, east, west], [south, south, north, north])[0])
    )
    cell_m2 = whole_m2 / cells.size
    # Within 0.1 %, or half a cell where so little is treated that this is more.
    for rate, ground in ground_by_rate(made).items():
        told_m2 = np.count_nonzero(np.isclose(rates, rate)) * cell_m2
        assert told_m2 == pytest.approx(ground, rel=1e-3, abs=0.51 * cell_m2)
    half_l = 0.51 * cell_m2 * sum(ground_by_rate(made)) / 1e4
    assert rates.sum() * cell_m2 / 1e4 == pytest.approx(made.needs.spray_l, rel=1e-3, abs=half_l)
    for one in made.treated:
        row = int((one.zone.lat - south) / grid.cell_north_size)
        column = int((one.zone.lon - west) / grid.cell_east_size)
        assert rates[row, column] == pytest.approx(one.rate_l_ha)


def test_a_task_reads_back(tmp_path: Path) -> None:
    made = whole()
    write_isoxml(made, BOUNDARY, "North field", tmp_path / "task.zip")
    told, cells = read(tmp_path / "task.zip")
    check_references(check_schema(told))
    check_grid(told, cells, made)
    (task,), (field,), (product,) = told.tasks, told.partfields, told.products
    assert task.designator == field.designator == "North field"
    assert (task.customer_id_ref, task.farm_id_ref, task.partfield_id_ref) == ("CTR1", "FRM1", "PFD1")
    codes = (
        task.default_treatment_zone_code,
        task.position_lost_treatment_zone_code,
        task.out_of_field_treatment_zone_code,
    )
    assert codes == (0, 0, 0)
    values = [zone.process_data_variables[0].process_data_value for zone in task.treatment_zones]
    assert values == [0, 900_000, 1_800_000]
    (shown,) = told.value_presentations
    assert (float(shown.scale) * values[2], shown.unit_designator) == (180, "L/ha")
    assert product.designator.startswith("Herbizid Nº 1")
    assert field.area == round(ground_of(BOUNDARY))
    outline = ShapelyConverterV3().to_shapely_polygon(field.polygons[0])
    assert geodesic(outline) == pytest.approx(ground_of(BOUNDARY), rel=1e-6)
    assert len(outline.interiors) == 1


@pytest.mark.parametrize(("models", "major"), [(iso3, "3"), (iso4, "4")])
def test_nothing_in_it_is_unknown_to_either_version(models: Any, major: str, tmp_path: Path) -> None:
    write_isoxml(whole(), BOUNDARY, "North field", tmp_path)
    text = (tmp_path / "TASKDATA" / "TASKDATA.XML").read_text(encoding="utf-8")
    assert text.count('VersionMajor="3"') == 1
    told = STRICT.from_string(
        text.replace('VersionMajor="3"', f'VersionMajor="{major}"'), models.Iso11783TaskData
    )
    check_references(check_schema(told))


def test_a_folder_is_what_a_zip_holds(tmp_path: Path) -> None:
    for path in (tmp_path / "card", tmp_path / "TASKDATA"):
        write_isoxml(whole(), BOUNDARY, "North field", path)
    write_isoxml(whole(), BOUNDARY, "North field", tmp_path / "task.zip")
    with zipfile.ZipFile(tmp_path / "task.zip") as archive:
        assert set(archive.namelist()) == {"TASKDATA/TASKDATA.XML", "TASKDATA/GRD00000.bin"}
        for name in archive.namelist():
            told = archive.read(name)
            assert (tmp_path / "card" / name).read_bytes() == (tmp_path / name).read_bytes() == told


def test_names_of_any_length_and_letters(tmp_path: Path) -> None:
    spraying = replace(SPRAYING, products=(Product('A very long "name" of <some> product & more', 1.0),))
    made = prescription([(shapely.box(0, 0, 5, 5), 180.0)], spraying=spraying)
    write_isoxml(made, BOUNDARY, "खेत & <field>\x00 with a name that does not end", tmp_path / "task.zip")
    told, cells = read(tmp_path / "task.zip")
    check_schema(told)
    check_grid(told, cells, made)
    assert told.tasks[0].designator.startswith("खेत & <field> with")


def test_nothing_to_treat_is_off_everywhere(tmp_path: Path) -> None:
    write_isoxml(empty(), BOUNDARY, "North field", tmp_path / "task.zip")
    told, cells = read(tmp_path / "task.zip")
    check_references(check_schema(told))
    assert not cells.any()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 25),
    here=st.sampled_from([(77.2, 18.4), (5.9999, 51.0), (-60.0001, -33.5), (-66.0, 0.3), (24.0, 66.0)]),
)
def test_any_pieces_keep_their_litres(
    seed: int, count: int, here: tuple[float, float], tmp_path: Path
) -> None:
    made = prescription(random_pieces(seed, count), here=here)
    write_isoxml(made, patch_of(FIELD, here), "field", tmp_path / "task.zip")
    told, cells = read(tmp_path / "task.zip")
    check_schema(told)
    check_grid(told, cells, made)
