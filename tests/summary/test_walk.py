"""A walk as GPX and KML: what the formats' rules ask for, and what another program reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pyogrio.raw
import pytest
import shapely
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.domain import SpotKind, Walk
from fieldbox.summary.walk import to_gpx, to_kml, told
from tests.summary.walks import LAT, LON, spot, walk

GPX = "{http://www.topografix.com/GPX/1/1}"
POINT = [
    "ele", "time", "magvar", "geoidheight", "name", "cmt", "desc", "src", "link", "sym", "type", "fix", "sat",
    "hdop", "vdop", "pdop", "ageofdgpsdata", "dgpsid", "extensions",
]  # fmt: skip
CHILDREN = {
    "gpx": ["metadata", "wpt", "rte", "trk", "extensions"],
    "metadata": ["name", "desc", "author", "copyright", "link", "time", "keywords", "bounds", "extensions"],
    "wpt": POINT,
    "rtept": POINT,
    "trkpt": POINT,
    "rte": ["name", "cmt", "desc", "src", "link", "number", "type", "extensions", "rtept"],
    "trk": ["name", "cmt", "desc", "src", "link", "number", "type", "extensions", "trkseg"],
    "trkseg": ["trkpt", "extensions"],
}
"""By gpx.xsd of GPX 1.1: each an xs:sequence, so in this order."""
MANY = {"wpt", "rte", "trk", "rtept", "trkpt", "trkseg", "link"}


def follow_the_schema(element: Element) -> None:
    """Raise AssertionError where an element breaks the rules of gpx.xsd."""
    assert element.tag.startswith(GPX)
    name = element.tag.removeprefix(GPX)
    children = [one.tag.removeprefix(GPX) for one in element]
    if name not in CHILDREN:
        assert not children
        return
    places = [CHILDREN[name].index(one) for one in children]
    assert places == sorted(places)
    assert all(one in MANY or children.count(one) == 1 for one in children)
    if CHILDREN[name] is POINT:
        assert set(element.attrib) == {"lat", "lon"}
        assert -90 <= float(element.attrib["lat"]) <= 90
        assert -180 <= float(element.attrib["lon"]) < 180
    for one in element:
        follow_the_schema(one)


@settings(max_examples=60, deadline=None)
@given(name=st.text(), words=st.lists(st.text(), max_size=4))
def test_gpx_follows_its_schema_whatever_is_written(name: str, words: list[str]) -> None:
    made = walk(*(spot(number, one, checks=number % 3) for number, one in enumerate(words, start=1)))
    root = fromstring(to_gpx(made, name).encode())
    assert root.attrib["version"] == "1.1"
    assert root.attrib["creator"]
    follow_the_schema(root)
    assert len(root.findall(f"{GPX}wpt")) == len(words)
    assert len(root.findall(f"{GPX}rte/{GPX}rtept")) == len(words) + 2
    fromstring(to_kml(made, name).encode())


@pytest.fixture
def three() -> Walk:
    return walk(spot(1, "Weeds & more, < 5 m²", checks=1), spot(2), spot(3))


def read(path: Path, layer: str) -> tuple[list[dict[str, object]], list[shapely.Geometry]]:
    meta, _ids, shapes, columns = pyogrio.raw.read(path, layer=layer)
    names = list(meta["fields"])
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return rows, list(shapely.from_wkb(shapes))


def test_gpx_is_read_by_gdal(three: Walk, tmp_path: Path) -> None:
    file = tmp_path / "walk.gpx"
    file.write_text(to_gpx(three, "North & south"), encoding="utf-8")
    rows, shapes = read(file, "waypoints")
    assert [one["name"] for one in rows] == ["P1 poor crop", "D2 unsure", "Spot 3 weeds"]
    assert str(rows[0]["desc"]).startswith("Stop 1 of 3. Weeds & more, < 5 m² Look at")
    for one, shape in zip(three.spots, shapes, strict=True):
        assert (shape.y, shape.x) == pytest.approx((one.lat, one.lon), abs=1e-8)
    for layer in ("routes", "tracks"):
        (row,), (line,) = read(file, layer)
        assert row["name"] == "North & south"
        assert shapely.get_coordinates(line)[:, ::-1].ravel().tolist() == pytest.approx(
            [value for place in three.path for value in place], abs=1e-8
        )


def test_kml_is_read_by_gdal(three: Walk, tmp_path: Path) -> None:
    file = tmp_path / "walk.kml"
    file.write_text(to_kml(three, "North & south"), encoding="utf-8")
    rows, shapes = read(file, "North & south")
    assert [one["Name"] for one in rows] == [
        "start", "P1 poor crop", "D2 unsure", "Spot 3 weeds", "North & south",
    ]  # fmt: skip
    assert (shapes[0].y, shapes[0].x) == pytest.approx((LAT, LON), abs=1e-8)
    assert shapes[-1].geom_type == "LineString"
    assert len(shapes[-1].coords) == 5


def test_files_name_the_other_places_that_a_spot_stands_for() -> None:
    several = walk(replace(spot(3), also=("4", "P2")))
    for written in (to_gpx(several, "x"), to_kml(several, "x")):
        assert "Also here: Spot 4, P2." in written


def test_an_error_is_never_told_as_none() -> None:
    assert "0.1 m" in " ".join(told(walk(spot(1))))
    assert len(told(walk(spot(1), error_m=None))) == 1


def test_each_kind_has_a_name_and_a_colour() -> None:
    made = walk(*(spot(number) for number in range(len(SpotKind))))
    assert to_kml(made, "x").count("<Style id=") == len(SpotKind) + 1
