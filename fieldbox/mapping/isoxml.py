"""A prescription as a task for ISOBUS terminals: TASKDATA of ISO 11783-10, version 3.3.

One task, of one mixture: a sprayer has one tank, and the rate is that of what is in it. What is mixed into it stands in the
designator of its product. The form is that which the oldest terminals read:

version 3.3   what is written here is the same in version 4, whose terminals read version 3, too
grid type 1   a byte for each cell, the code of a treatment zone, whose rate stands readable in the XML; with a handful of
              rates that is a quarter of the size of type 2 (a 32-bit rate for each cell) and leaves no doubt which process
              data a value belongs to

Zone 0 is off, also before the first position, where it is lost, and outside the field. Rates are DDI 1 ("Setpoint Volume Per
Area Application Rate", 0.01 mm3/m2): 1 L/ha = 100 mm3/m2 = 10,000. The grid is in degrees, its first row in the south, its
first cell in the west.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from fieldbox import __version__
from fieldbox.domain import Patch, Prescription
from fieldbox.mapping.files import printable, replacing, write_zip
from fieldbox.mapping.patches import area_m2, polygon
from fieldbox.mapping.ratecells import RateCells, degree_cells

MOST_CELLS = 100_000
"""Terminals are made for some thousands of cells of some metres."""
RAW_PER_L_HA = 10_000
_SETPOINT = "0001"
"""DDI of a volume per area."""
_FIELD, _OUTER, _OPENING, _OTHER = "1", "1", "2", "2"
"""PLN: a field's boundary. LSG: the outer ring, a ring inside it. PNT: no kind of its own."""
_PLANNED = "1"
_DESIGNATOR = 32
"""Characters of a name."""
_COLOURS = (7, 10, 14, 12, 13)
"""Of the palette of ISO 11783-6: silver for off, then green, yellow, red, magenta."""


def write_isoxml(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:
    """The folder TASKDATA, in a zip if `path` ends in .zip, else in (or as) the folder `path`.

    Raises Rejected for more rates than a grid can hold.
    """
    cells = degree_cells(prescription, boundary, MOST_CELLS)
    grid = np.flipud(cells.codes).tobytes()
    members = {"TASKDATA.XML": _told(prescription, boundary, name, cells, len(grid)), "GRD00000.bin": grid}
    if path.suffix.lower() == ".zip":
        write_zip(path, {f"TASKDATA/{member}": told for member, told in members.items()})
        return
    folder = path if path.name == "TASKDATA" else path / "TASKDATA"
    # The grid first: there is no task without the cells that it names.
    for member in reversed(members):
        with replacing(folder / member) as target:
            target.write_bytes(members[member])


def _told(prescription: Prescription, boundary: Patch, name: str, cells: RateCells, size: int) -> bytes:
    root = ET.Element(
        "ISO11783_TaskData",
        VersionMajor="3",
        VersionMinor="3",
        ManagementSoftwareManufacturer="fieldbox",
        ManagementSoftwareVersion=__version__[:_DESIGNATOR],
        DataTransferOrigin="1",
    )
    # Some terminals list tasks by customer and farm, and do not show one that has none.
    _add(root, "CTR", A="CTR1", B="fieldbox")
    _add(root, "FRM", A="FRM1", B="fieldbox", I="CTR1")
    _add_field(root, boundary, name)
    per_raw = f"{1 / RAW_PER_L_HA:.4f}"
    _add(root, "VPN", A="VPN1", B="0", C=per_raw, D="1", E="L/ha")
    _add(root, "PDT", A="PDT1", B=_designator(_mixture(prescription)))
    links = {"C": "CTR1", "D": "FRM1", "E": "PFD1"}
    task = _add(root, "TSK", A="TSK1", B=_designator(name), **links, G=_PLANNED, H="0", I="0", J="0")
    for code, rate in enumerate((0.0, *cells.rates)):
        told = f"{rate:g} L/ha" if code else "off"
        zone = _add(task, "TZN", A=str(code), B=told, C=str(_COLOURS[min(code, len(_COLOURS) - 1)]))
        _add(zone, "PDV", A=_SETPOINT, B=str(round(rate * RAW_PER_L_HA)), C="PDT1", E="VPN1")
    _add_grid(task, cells, size)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_field(root: ET.Element, boundary: Patch, name: str) -> None:
    ground = round(area_m2(polygon(boundary)))
    field = _add(root, "PFD", A="PFD1", C=_designator(name), D=str(ground), E="CTR1", F="FRM1")
    outline = _add(field, "PLN", A=_FIELD)
    for number, ring in enumerate(boundary):
        line = _add(outline, "LSG", A=_OPENING if number else _OUTER)
        for lon, lat in _closed(ring):
            _add(line, "PNT", A=_OTHER, C=f"{lat:.9f}", D=f"{lon:.9f}")


def _closed(ring: Sequence[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    return (*ring, ring[0])


def _add_grid(task: ET.Element, cells: RateCells, size: int) -> None:
    lattice = cells.lattice
    south = lattice.north - lattice.rows * lattice.step_north
    _add(
        task,
        "GRD",
        A=f"{south:.9f}",
        B=f"{lattice.west:.9f}",
        C=f"{lattice.step_north:.15f}",
        D=f"{lattice.step_east:.15f}",
        E=str(lattice.columns),
        F=str(lattice.rows),
        G="GRD00000",
        H=str(size),
        I="1",
    )


def _mixture(prescription: Prescription) -> str:
    spraying = prescription.spraying
    doses = (f"{one.name} {one.dose_l_ha:g}" for one in spraying.products)
    return " + ".join(doses) or "Spray"


def _designator(text: str) -> str:
    return printable(text)[:_DESIGNATOR]


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, attributes)
