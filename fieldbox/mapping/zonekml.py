"""Zones as KML for globes and phones: each with a name that can be read, and green or red by what is done with it.

OGC KML 2.2, written here because GDAL's writer gives shapes no colour. Attributes are typed ExtendedData, which GDAL, QGIS and
Google Earth read.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import shapely

from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.export import Features
from fieldbox.mapping.files import printable, replacing

_NAMESPACE = "http://www.opengis.net/kml/2.2"
_TYPES = {"i": "int", "f": "double", "O": "string"}
_COLOURS = {"treat": "ff2b2bd6", "leave": "ff4aa02c"}
"""Alpha, blue, green, red."""
_FILL = "66"
"""Alpha of what lies inside the outline."""


def write_zone_kml(features: Features, name: str, path: Path) -> None:
    """Features with `name` and, of a prescription, `treat` and `rate_l_ha`."""
    kml = ET.Element("kml", xmlns=_NAMESPACE)
    document = ET.SubElement(kml, "Document", id="document")
    ET.SubElement(document, "name").text = printable(name)
    for style, colour in _COLOURS.items():
        _style(document, style, colour)
    schema = ET.SubElement(document, "Schema", name="zones", id="zones")
    # A field "name" would take the place of the name that is shown.
    told = {column: values for column, values in features.columns.items() if column != "name"}
    for column, values in told.items():
        ET.SubElement(schema, "SimpleField", name=column, type=_TYPES[values.dtype.kind])
    columns = {column: values.tolist() for column, values in features.columns.items()}
    folder = ET.SubElement(document, "Folder")
    ET.SubElement(folder, "name").text = "zones"
    for number, shape in enumerate(features.shapes):
        _placemark(folder, shape, {column: values[number] for column, values in columns.items()})
    with replacing(path) as target:
        ET.ElementTree(kml).write(target, encoding="utf-8", xml_declaration=True)


def _style(document: ET.Element, name: str, colour: str) -> None:
    style = ET.SubElement(document, "Style", id=name)
    line = ET.SubElement(style, "LineStyle")
    ET.SubElement(line, "color").text = colour
    ET.SubElement(line, "width").text = "2"
    ET.SubElement(ET.SubElement(style, "PolyStyle"), "color").text = _FILL + colour[2:]


def _placemark(folder: ET.Element, shape: shapely.Polygon, row: dict[str, object]) -> None:
    mark = ET.SubElement(folder, "Placemark")
    ET.SubElement(mark, "name").text = _name(row)
    ET.SubElement(mark, "styleUrl").text = "#leave" if row.get("treat") == 0 else "#treat"
    extended = ET.SubElement(mark, "ExtendedData")
    data = ET.SubElement(extended, "SchemaData", schemaUrl="#zones")
    for column, value in row.items():
        if column != "name" and value is not None and value == value:  # noqa: PLR0124  NaN
            ET.SubElement(data, "SimpleData", name=column).text = printable(str(value))
    polygon = ET.SubElement(mark, "Polygon")
    _ring(polygon, "outerBoundaryIs", shape.exterior)
    for opening in shape.interiors:
        _ring(polygon, "innerBoundaryIs", opening)


def _name(row: dict[str, object]) -> str:
    name, rate = str(row["name"]), row.get("rate_l_ha")
    if rate is None:
        return str(Sentence(N_("Zone {number}"), {"number": name}))
    if not row["treat"]:
        return str(Sentence(N_("Zone {number}: leave"), {"number": name}))
    return str(Sentence(N_("Zone {number}: {rate} L/ha"), {"number": name, "rate": f"{rate:g}"}))


def _ring(polygon: ET.Element, what: str, ring: shapely.LinearRing) -> None:
    line = ET.SubElement(ET.SubElement(polygon, what), "LinearRing")
    told = (f"{lon:.10f},{lat:.10f}" for lon, lat in shapely.get_coordinates(ring))
    ET.SubElement(line, "coordinates").text = " ".join(told)
