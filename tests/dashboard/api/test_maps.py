"""Map programs read the box as they come: GDAL, which is what QGIS reads with, over a real server, with a key as the password."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import numpy as np
import pyogrio
import pytest
import rasterio
from flask import Flask
from rasterio.enums import Resampling
from rasterio.warp import transform_bounds
from waitress.server import create_server

from fieldbox.domain import FlightCheck, MarkedPoint
from tests.dashboard.api.asking import KEY_TEXT, Program
from tests.dashboard.demo_box import EPSG, HEIGHT_M, NORTH, SURVEY, WEST, WIDTH_M, DemoBox, lat_lon

FLIGHT = "fl-demo-1"
LOG_IN = {"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": f"anybody:{KEY_TEXT}"}
XYZ = """<GDAL_WMS><Service name="TMS"><ServerUrl>{url}</ServerUrl></Service>
<DataWindow><UpperLeftX>-20037508.34</UpperLeftX><UpperLeftY>20037508.34</UpperLeftY>
<LowerRightX>20037508.34</LowerRightX><LowerRightY>-20037508.34</LowerRightY>
<TileLevel>22</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin></DataWindow>
<Projection>EPSG:3857</Projection><BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY><BandsCount>4</BandsCount>
<UserPwd>anybody:{key}</UserPwd><ZeroBlockHttpCodes>404</ZeroBlockHttpCodes></GDAL_WMS>"""


@pytest.fixture(scope="module")
def server(fresh_app: Flask, key: dict[str, str]) -> Iterator[str]:
    """The dashboard behind waitress; its address."""
    made = create_server(fresh_app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.effective_port}"
    made.close()
    thread.join(10)


@pytest.fixture
def gdal() -> Iterator[None]:
    """GDAL with the key."""
    pyogrio.set_gdal_config_options(LOG_IN)
    yield
    pyogrio.set_gdal_config_options(dict.fromkeys(LOG_IN))


@pytest.mark.parametrize(
    ("kind", "count", "shape"),
    [
        ("weeds", 200, "Polygon"),
        ("weeds.geojson", 200, "Polygon"),
        ("poor.geojson", 2, "Polygon"),
        ("gaps", 3, "LineString"),
        ("hotspots", 2, "Point"),
        ("footprints", 2, "Polygon"),
        ("holes", 1, "Polygon"),
        ("thin", 2, "Polygon"),
    ],
)
def test_gdal_reads_features_by_their_address(
    server: str, gdal: None, kind: str, count: int, shape: str
) -> None:
    address = f"/vsicurl/{server}/api/v1/surveys/{SURVEY}/{kind}"
    told, _ids, geometry, _values = pyogrio.raw.read(address)
    assert (len(geometry), told["geometry_type"], told["crs"]) == (count, shape, "EPSG:4326")
    west, south, east, north = pyogrio.read_info(address, force_total_bounds=True)["total_bounds"]
    field = transform_bounds(EPSG, 4326, WEST - 1, NORTH - HEIGHT_M - 1, WEST + WIDTH_M + 1, NORTH + 1)
    assert field[0] < west <= east < field[2] and field[1] < south <= north < field[3]


def check() -> FlightCheck:
    """One that found ground on no photo, and some on few."""

    def square(side_m: float) -> tuple[tuple[float, float], ...]:
        corners = ((0.0, 0.0), (side_m, 0.0), (side_m, side_m), (0.0, side_m))
        return tuple(lat_lon(WEST + 5 + east, NORTH - 5 - south)[::-1] for east, south in corners)

    return FlightCheck(
        mosaic=False,
        photos=3,
        placed=2,
        started_at=None,
        gsd_mm=2.8,
        smallest_weed_mm=15.0,
        overlap=5.0,
        thin_pct=12.0,
        bare_pct=0.8,
        holes=((square(4),),),
        thin=((square(20), square(6)),),
        blurred=0,
        badly_exposed=0,
        findings=(),
    )


@pytest.mark.parametrize(
    ("path", "count", "shape"),
    [
        ("fields.geojson", 1, "Polygon"),
        ("fields/1/boundary", 1, "Polygon"),
        ("fields/1/points", 1, "Point"),
        (f"flights/{FLIGHT}/photos", 3, "Point"),
        (f"flights/{FLIGHT}/missed", 2, "Polygon"),
    ],
)
def test_gdal_reads_fields_and_flights(
    server: str, gdal: None, fresh: DemoBox, path: str, count: int, shape: str
) -> None:
    if not fresh.store.control_points(fresh.field_id):
        lat, lon = lat_lon(WEST + 30, NORTH - 20)
        fresh.store.add_control_point(MarkedPoint(0, fresh.field_id, "gate", lat, lon, None, 0.03, "asha"))
    fresh.store.keep_check(FLIGHT, check())
    told, _ids, geometry, _values = pyogrio.raw.read(f"/vsicurl/{server}/api/v1/{path}")
    assert (len(geometry), told["geometry_type"], told["crs"]) == (count, shape, "EPSG:4326")


def test_without_the_key_gdal_reads_nothing(server: str) -> None:
    with pytest.raises(pyogrio.errors.DataSourceError):
        pyogrio.read_info(f"/vsicurl/{server}/api/v1/surveys/{SURVEY}/poor?limit=7")


def test_gdal_reads_the_mosaic_by_its_tiles(server: str, program: Program) -> None:
    layers = program.get(f"/api/v1/surveys/{SURVEY}/layers")["layers"]
    path = layers[0]["tiles"].removeprefix("http://localhost")
    url = (server + path).replace("{z}", "${z}").replace("{x}", "${x}").replace("{y}", "${y}")
    bounds = transform_bounds(EPSG, 3857, WEST + 5, NORTH - 25, WEST + 55, NORTH - 5)
    with rasterio.open(XYZ.format(url=url, key=KEY_TEXT)) as source:
        window = source.window(*bounds)
        pixels = source.read(window=window, out_shape=(4, 20, 50), resampling=Resampling.nearest)
    red, green = pixels[:3, 10, 10].astype(int), pixels[:3, 10, 40].astype(int)
    assert red[0] > 150 > red[1] and green[1] > 120 > green[0]
    assert np.all(pixels[3, 10] == 255)


def test_the_whole_file_is_sent_in_the_parts_that_are_asked_for(server: str, program: Program) -> None:
    path = f"/api/v1/surveys/{SURVEY}/weeds.geojson"
    whole = program.ask("GET", path)
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.content_length == len(whole.data)
    password = base64.b64encode(f"qgis:{KEY_TEXT}".encode()).decode()
    connection = HTTPConnection(server.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Basic {password}", "Range": "bytes=100-299"})
    with closing(connection):
        answer = connection.getresponse()
        assert answer.status == 206 and answer.read() == whole.data[100:300]
    header = {**program.header, "If-None-Match": whole.headers["ETag"]}
    assert program.client.get(path, headers=header).status_code == 304


def test_the_whole_file_holds_what_the_pages_hold(program: Program) -> None:
    file = program.ask("GET", f"/api/v1/surveys/{SURVEY}/weeds.geojson").json
    pages = program.get(f"/api/v1/surveys/{SURVEY}/weeds")
    assert file is not None

    def by_id(some: list[dict[str, dict[str, int]]]) -> list[object]:
        return sorted(some, key=lambda one: one["properties"]["id"])

    assert by_id(file["features"]) == by_id(pages["features"])
