"""A prescription as rasters of rates: a GeoTIFF, and an archive as DJI's spray drones are said to read it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from rasterio.io import MemoryFile

from fieldbox.domain import Patch, Prescription
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.band import write_cog
from fieldbox.mapping.export import Features, export_vector, words
from fieldbox.mapping.files import write_zip
from fieldbox.mapping.patches import polygon
from fieldbox.mapping.ratecells import RateCells, degree_cells, metric_cells

MOST_CELLS = 16_000_000
"""Of a GeoTIFF: what a small box has the memory for."""
DJI_CELLS = 2_300_000
"""Of four bytes each: DJI takes no more than 10 MB."""


def write_rates(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:
    """L/ha of the mixture as float32 in the field's UTM zone: 0 is not sprayed, NaN lies outside the field."""
    cells = metric_cells(prescription, boundary, MOST_CELLS)
    lattice = cells.lattice
    tags = {
        "field": name,
        "survey": prescription.survey_id,
        "unit": "L/ha of the mixture",
        "ground_m2_per_cell": f"{lattice.cell_m2:.9g}",
        "litres": f"{cells.litres:.6g}",
    }
    write_cog(cells.l_ha(np.nan), "rate_l_ha", lattice.epsg, lattice.transform, path, tags)


def write_dji(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:
    """`DJI/Shapefile/boundary.*` and `DJI/Rx/rates.tiff` with its world file, zipped. Tried on no drone."""
    cells = degree_cells(prescription, boundary, DJI_CELLS)
    members = {
        "UNTESTED.txt": _told(name).encode(),
        **{f"DJI/Shapefile/{file}": told for file, told in _boundary(boundary, name).items()},
        "DJI/Rx/rates.tiff": _plain_tiff(cells),
        "DJI/Rx/rates.tfw": _world_file(cells).encode(),
    }
    write_zip(path, members)


def _told(name: str) -> str:
    sentence = Sentence(
        N_(
            "{name}: these files follow what is known of DJI's format and have been tried on no drone; rates are in litres "
            "of the mixture per hectare, which has to be chosen on import, and 0 where nothing is sprayed."
        ),
        {"name": name},
    )
    return f"{sentence}\n"


def _boundary(boundary: Patch, name: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        shape = Features([polygon(boundary)], {"name": words([name])})
        export_vector(shape, Path(folder) / "boundary.shp", "shp")
        return {one.name: one.read_bytes() for one in sorted(Path(folder).iterdir())}


def _plain_tiff(cells: RateCells) -> bytes:
    """Neither tiles, compression nor a value for what is missing: what the oldest reader takes."""
    lattice = cells.lattice
    profile = {
        "driver": "GTiff",
        "width": lattice.columns,
        "height": lattice.rows,
        "count": 1,
        "dtype": "float32",
        "crs": f"EPSG:{lattice.epsg}",
        "transform": lattice.transform,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(cells.l_ha(0.0), 1)
        return bytes(memory.getbuffer())


def _world_file(cells: RateCells) -> str:
    """Six lines: sides of a cell and turns, then the centre of the north-western cell."""
    at = cells.lattice.transform
    told = (at.a, at.d, at.b, at.e, at.c + at.a / 2, at.f + at.e / 2)
    return "".join(f"{one:.15f}\n" for one in told)
