"""Each parser of files that nobody vouches for: what is given to it, and what has to hold of what it makes of that.

A target takes any bytes. It may raise our own errors, and MemoryError where it runs in a process with a limit; whatever else
it raises is a bug, and so is a result that is not `sound`.
"""

from __future__ import annotations

import json
import math
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import msgspec
import numpy as np
from rasterio.transform import Affine

from fieldbox.apart import MEMORY_MB
from fieldbox.dashboard.api.uploads import FilesOffered
from fieldbox.domain import FileKind, Offer, Original
from fieldbox.errors import Rejected
from fieldbox.georef.control import Size, read_control
from fieldbox.georef.crs import map_system
from fieldbox.georef.mrk import read_mrk
from fieldbox.georef.photonames import PhotoNames
from fieldbox.georef.positions import AngleKind, looks_like_list, read_positions
from fieldbox.imagery.captures import capture_of, exposure_of, frame_of, tiles_of
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.imagery.exif import Exif, read_exif
from fieldbox.imagery.film import Film, Picked, Step, frames_of
from fieldbox.imagery.glance import glance_at
from fieldbox.imagery.jpeg import EXIF_HEADER, XMP_HEADER, header_of
from fieldbox.imagery.kinds import SNIFFED, kind_of
from fieldbox.imagery.metadata import metadata_of
from fieldbox.imagery.multispectral.dji import dji_band
from fieldbox.imagery.multispectral.lookup import Source, with_plain_camera
from fieldbox.imagery.multispectral.micasense import micasense_band
from fieldbox.imagery.multispectral.panelcode import albedo_of, find_panel
from fieldbox.imagery.multispectral.radiometry import radiance
from fieldbox.imagery.multispectral.sequoia import irradiance_list, sequoia_band
from fieldbox.imagery.multispectral.tags import read_band
from fieldbox.imagery.multispectral.tiff import Tiff, read_pixels, read_tiff
from fieldbox.imagery.phone import read_phone_photo
from fieldbox.imagery.raster import is_georeferenced, read_raster, read_tile
from fieldbox.imagery.srt import read_srt
from fieldbox.imagery.video import Video
from fieldbox.imagery.xmp import read_xmp
from fieldbox.inference.labelme import read_folder
from fieldbox.ingest.paths import Names
from fieldbox.ingest.scan import as_text
from fieldbox.ingest.uploads import _Offering
from fieldbox.mapping.areas import in_zone, read_areas
from fieldbox.modelops import minisign
from tests.fuzz.sound import check
from tests.imagery.multispectral import bandfiles
from tests.imagery.photos import dji_xmp, exif_bytes, jpeg, real_data, xmp
from tests.imagery.test_raster import ground, write

NAMES = ("DJI_0001.JPG", "100/DJI_20260309024757_0007_D.JPG", "100_0001_0002.JPG", "b/DJI_0001.JPG")
SIZES = dict.fromkeys(NAMES, Size(4000, 3000)) | {"unsized.jpg": None}
_WIDEST = 2_000_000
"""Pixels that a target computes on: its own time is not the parser's."""

Read = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A parser under test."""

    read: Read
    seeds: Callable[[], Iterator[bytes]]
    longest: int = 4096
    """Bytes that the fuzzer goes up to."""
    memory_mb: int = MEMORY_MB
    words: tuple[str, ...] = ()
    """Which the fuzzer is told of."""
    share: float = 1.0
    """Of the time, against the others'."""


# -- tags of photos -------------------------------------------------------------------------------


def photo(exif: bytes, packet: bytes) -> bytes:
    """A JPEG header with these metadata, cut where they are too long for a segment; there are no pixels in it."""
    segments = [(0xE1, EXIF_HEADER + exif), (0xE1, XMP_HEADER + packet)]
    frame = struct.pack(">BHHB", 8, 3000, 4000, 3) + bytes(9)
    segments += [(0xC0, frame), (0xDA, bytes(10))]
    parts = [
        struct.pack(">BBH", 0xFF, kind, len(body[:65_000]) + 2) + body[:65_000] for kind, body in segments
    ]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def _photo(exif: bytes, packet: bytes) -> None:
    data = photo(exif, packet)
    check(capture_of("0" * 64, "a.jpg", len(data), metadata_of(data)))


def read_exif_tags(data: bytes) -> None:
    check(read_exif(data))
    _photo(data, dji_xmp())


def read_xmp_packet(data: bytes) -> None:
    _photo(exif_bytes(), data)


def exif_seeds() -> Iterator[bytes]:
    yield exif_bytes()
    yield exif_bytes(
        place=(-33.5, -70.25),
        base={0x0131: "windows photo viewer", 0x0112: 6},
        shot={
            0x9291: "123",
            0x920A: 8.8,
            0xA405: 24,
            0xA431: "S1",
            0xA002: 4000,
            0xA003: 3000,
            0xA20E: 400.0,
            0xA210: 3,
        },
        gps={5: b"\x01", 6: 12.5},
    )
    yield from _real("badfiles", "*.jpg", lambda data: header_of(data).exif)
    yield from _real("flights/seneca", "IMG_044*.jpg", lambda data: header_of(data).exif)


def xmp_seeds() -> Iterator[bytes]:
    yield dji_xmp()
    yield dji_xmp(
        elements=True,
        DewarpData="2020-01-01;3666.6,3666.5,-20.8,8.1,-0.26,0.11,-0.0002,-0.0001,-0.03",
        DewarpFlag="0",
        RtkFlag="50",
        RtkStdLat="0.01",
        RtkStdLon="0.02",
        GpsLatitude="12.5",
        GpsLongitude="77.25",
        CalibratedOpticalCenterX="2000",
        CalibratedOpticalCenterY="1500",
        ImageSource="WideCamera",
    )
    sensefly = {
        "Height": "71.5",
        "Heading": "12",
        "PitchAngle": "2",
        "RollAngle": "-1",
        "Latitude": "1",
        "Longitude": "2",
    }
    yield xmp("http://ns.sensefly.com/sensefly/1.0/", "sensefly", sensefly)
    camera = {
        "AboveGroundAltitude": "50",
        "Yaw": "1",
        "Pitch": "2",
        "Roll": "3",
        "GPSXYAccuracy": "1",
        "GPSZAccuracy": "2",
    }
    yield xmp("http://pix4d.com/camera/1.0/", "Camera", camera)
    yield (
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description><a:b xmlns:a='c'><rdf:Seq>"
        + (b"<rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Seq></a:b></rdf:Description></rdf:RDF>")
    )
    yield from _real("flights/brighton", "DJI_0018.JPG", lambda data: header_of(data).xmp)


# -- bands ----------------------------------------------------------------------------------------


def read_band_file(data: bytes) -> None:
    tiff = read_tiff(data)
    assert tiff.width > 0 < tiff.height
    with suppress(Rejected):
        pixels = read_pixels(data)
        assert pixels.shape == (tiff.height, tiff.width)
    band = read_band(data)
    check(band)
    check(exposure_of([(_original(FileKind.TIFF), band)], panel=False))


def read_band_tags(data: bytes) -> None:
    """The tags alone, as each maker's: the first byte says how the numbers of the TIFF are."""
    number = data[0] if data else 0
    tags = {
        50714: (number * 40, "x", 2**70)[number % 3],
        33434: 1 / (number + 1),
        33437: float(number),
        34855: number,
    }
    tiff = Tiff(400, 320, 16, tags, data[1:])
    exif = Exif(make="DJI", model="M3M", pixels_per_mm=200.0, lat=1.0, lon=2.0, software="v5.1.7")
    source = Source(tiff, exif, with_plain_camera(read_xmp(data[1:])))
    for reader in (micasense_band, dji_band, sequoia_band):
        band = reader(source)
        check(band)
        check(exposure_of([(_original(FileKind.TIFF), band)], panel=False))
        if number % 16 == 0:
            with suppress(Rejected):
                radiance(band, np.full((320, 400), 9000, np.uint16))


def read_readings(data: bytes) -> None:
    for one in irradiance_list(data.decode("latin-1")):
        assert one.time_us >= 0 <= one.ch0 <= 65_535


def read_panel(data: bytes) -> None:
    """A small grey picture, and the words of a code."""
    for text in (data.decode("latin-1"), data.decode("utf-8", "replace")):
        albedo = albedo_of(text, 668.0)
        assert albedo is None or 0.01 <= albedo <= 1
    side = math.isqrt(len(data))
    if side >= 21:
        grey = np.frombuffer(data[: side * side], np.uint8).reshape(side, side).astype(np.float32)
        found = find_panel(cv2.resize(grey, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST))
        check(found and found.serial)


@cache
def _small_bands() -> tuple[bytes, ...]:
    full = bandfiles.WIDTH, bandfiles.HEIGHT
    bandfiles.WIDTH, bandfiles.HEIGHT = 80, 64
    try:
        truth = bandfiles.truth("Red")
        makers = (bandfiles.micasense, bandfiles.dji, bandfiles.sequoia)
        return tuple(maker("Red", truth) for maker in makers)
    finally:
        bandfiles.WIDTH, bandfiles.HEIGHT = full


def band_seeds() -> Iterator[bytes]:
    yield from _small_bands()
    yield from (data for data in _real("badfiles", "*.tif", bytes) if len(data) < 100_000)


def band_tag_seeds() -> Iterator[bytes]:
    for data in _small_bands():
        yield b"\x10" + read_tiff(data).xmp
    more = {
        "Sequoia:IrradianceCalibrationMeasurement": "1,100,5000,20,2,100,9000,20",
        "Camera:RigRelatives": "0.1,0.2,0.3",
        "Camera:FisheyeAffineMatrix": "400,0,0,400",
        "Camera:FisheyePolynomial": "0,1,0.1,-0.2",
        "Camera:PrincipalPoint": "1,0.8",
        "Camera:Albedo": "0.6",
        "Camera:ReflectArea": "1,1,9,1,9,9,1,9",
        "Camera:CalibrationPicture": "2",
        "drone-dji:RelativeOpticalCenterX": "1",
        "drone-dji:RelativeOpticalCenterY": "1",
        "drone-dji:CalibratedHMatrix": "1,0,0,0,1,0,0,0,1",
        "drone-dji:UTCAtExposure": "2024:06:01 19:00:00.123",
        "drone-dji:DewarpData": "2020-01-01;3666.6,3666.5,-20.8,8.1,-0.26,0.11,-0.0002,-0.0001,-0.03",
        "Camera:PerspectiveDistortion": "-0.1,0.1,0.01,0,0",
        "Camera:PerspectiveFocalLength": "5.4",
        "Camera:PerspectiveFocalLengthUnits": "mm",
        "Camera:BandName": "Red edge-705",
        "Sequoia:IrradianceList": "AQAAAAAAAACIE2QAAgBkAAAAAAAAAAAAAAAAAA==",
        "drone-dji:VignettingData": "0.1,0.2",
        "drone-dji:CalibratedOpticalCenterX": "40",
        "drone-dji:CalibratedOpticalCenterY": "32",
    }
    pixels = np.zeros((64, 80), np.uint16)
    yield b"\x20" + read_tiff(bandfiles.tiff(pixels, more, make="Parrot", model="Sequoia")).xmp


def reading_seeds() -> Iterator[bytes]:
    yield b"AQAAAAAAAACIE2QAAgBkAAAAAAAAAAAAAAAAAA=="


def panel_seeds() -> Iterator[bytes]:
    for text in ("RP02-1603036-SC", "RP06-2051037-OB04750530084005"):
        yield text.encode()
        yield np.ascontiguousarray(_code(text)).tobytes()


def _code(text: str) -> Any:
    return cv2.copyMakeBorder(
        cv2.QRCodeEncoder.create().encode(text), 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=255
    )


# -- pictures -------------------------------------------------------------------------------------


def read_picture(data: bytes) -> None:
    header = header_of(data)
    if header.width * header.height > _WIDEST:
        return
    pixels = decode_jpeg(data, reduction=2)
    assert pixels.shape == (-(-header.height // 2), -(-header.width // 2), 3)
    glance_at(pixels).to_bytes()
    check(capture_of("0" * 64, "a.jpg", len(data), metadata_of(data)))


def read_phone(data: bytes) -> None:
    with _file("leaf.jpg", data) as path:
        pixels = read_phone_photo(path)
        assert pixels.ndim == 3 and pixels.shape[2] == 3


def read_orthomosaic(data: bytes) -> None:
    with _file("o.tif", data) as path:
        if not is_georeferenced(path):
            return
        raster = read_raster(path)
        check(raster)
        for capture, _number in zip(tiles_of(_original(FileKind.TIFF), raster), range(8), strict=False):
            check(capture)
        window = raster.tiles[0].window
        if (window.x1 - window.x0) * (window.y1 - window.y0) <= _WIDEST:
            picture, valid = read_tile(path, window)
            assert picture.shape[:2] == valid.shape


def read_kind(data: bytes) -> None:
    kind_of(data[:SNIFFED], len(data), data[SNIFFED:].decode("utf-8", "replace"))


def picture_seeds() -> Iterator[bytes]:
    yield jpeg(packet=dji_xmp())
    yield jpeg(packet=dji_xmp(), progressive=True)
    yield jpeg(mode="L")
    yield from (data for data in _real("badfiles", "*.jpg", bytes) if len(data) < 40_000)


def phone_seeds() -> Iterator[bytes]:
    from PIL import Image  # noqa: PLC0415  for these files alone

    yield jpeg(size=(160, 140), exif=exif_bytes(base={0x0112: 6, 0x010F: "phone"}))
    with tempfile.TemporaryDirectory() as folder:
        for name, mode in (("a.png", "RGBA"), ("b.png", "I;16"), ("c.png", "P"), ("d.webp", "RGB")):
            path = Path(folder) / name
            Image.new(mode, (160, 140), 7).save(path)
            yield path.read_bytes()


def raster_seeds() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "o.tif"
        soil = ground(64, 64)
        wide = (soil * 200.0).astype(np.uint16)
        yield write(
            path, soil, compress="deflate", tags={"TIFFTAG_DATETIME": "2026:06:01 10:00:00"}
        ).read_bytes()
        yield write(path, wide, compress="lzw", tiled=True, blockxsize=32, blockysize=32).read_bytes()
        degrees = Affine(2e-7, 0, 77.25, 0, -2e-7, 12.5)
        named = {"nodata": 0, "descriptions": ("red", "green", "blue")}
        yield write(path, soil, crs="EPSG:4326", transform=degrees, **named).read_bytes()
        yield write(path, np.vstack([soil, soil[:1]]).astype(np.float32), BIGTIFF="YES").read_bytes()
    yield from _real("rasters", "gray.tif", bytes)


def kind_seeds() -> Iterator[bytes]:
    for head in (
        b"\xff\xd8\xff",
        b"II*\0",
        b"MM\0*",
        b"\0\0\0\x18ftypmp42",
        b"\0\0\0\x18ftypheic",
        b"%PDF",
        b"\x89PNG",
    ):
        for name in (b"a.jpg", b"b.srt", b"c.dng", b"d/e.TXT"):
            yield head.ljust(SNIFFED, b"\0") + name


# -- words and lists ------------------------------------------------------------------------------

_VIDEO = Video(1280, 720, 60.0, None, "DJI", "Mavic", simulated=False)
_FILM = Film(
    _VIDEO,
    tuple(Step(0.5 * number, (0.0, 0.05) if number else None) for number in range(60)),
    tuple(Picked(1000 * number, number, b"") for number in range(2, 60, 6)),
)


def read_subtitles(data: bytes) -> None:
    samples = read_srt(data)
    check(samples)
    for frame in frames_of(_FILM, samples):
        check(frame_of(_original(FileKind.VIDEO), None, frame, simulated=False))


def read_position_list(data: bytes) -> None:
    looks_like_list(data)
    for system, angles in ((None, None), ("EPSG:32643", AngleKind.OMEGA_PHI_KAPPA)):
        with suppress(Rejected):
            check(read_positions(data, NAMES, system=system, angles=angles))
    read_positions(data, NAMES)


def read_control_list(data: bytes) -> None:
    check(read_control(data, SIZES))


def read_exposures(data: bytes) -> None:
    check(read_mrk(data, NAMES))


def read_system(data: bytes) -> None:
    system = map_system(data.decode("utf-8", "replace"))
    check(system.text)
    for x, y in ((0.0, 0.0), (77.2, 12.5), (500_000.0, 1_400_000.0)):
        where = system.locate(x, y)
        if where is not None:
            assert abs(where.lat) <= 90 and abs(where.lon) <= 180
            assert math.isfinite(where.shift_error_m)
            assert math.isfinite(system.convergence_deg(where.lat, where.lon))


def read_names(data: bytes) -> None:
    """Names as the kernel gives them, as browsers send them, and as lists write them."""
    for raw in data.split(b"\0"):
        if raw:
            check(as_text(os.fsdecode(raw)))
    names = Names()
    for text in data.decode("utf-8", "replace").split("\0"):
        PhotoNames(NAMES).find(text)
        try:
            names.add(text)
        except Rejected as refusal:
            check(refusal.sentence)
            continue
        check(text)
        parts = PurePosixPath(text).parts
        assert ".." not in parts and not PurePosixPath(text).is_absolute()
        assert all(len(part.encode()) <= 255 for part in parts)


def read_offers(data: bytes) -> None:
    """What a browser says that it has."""
    try:
        told = msgspec.json.decode(b'{"files": ' + data + b"}", type=FilesOffered)
    except (msgspec.MsgspecError, RecursionError):
        return
    offering = _Offering([])
    for row in told.files:
        answer = offering.answer(Offer(*row))
        check((answer.number, answer.refused))
    assert all(0 < one.size < 2**63 for one in offering.new)


def read_signature(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for parse in (minisign.parse_key, minisign.parse_signature):
        with suppress(minisign.Malformed):
            parse(text)


def read_labels(data: bytes) -> None:
    with _file("a.png", b"no picture"), _file("a.json", data) as path:
        tiles, rejected = read_folder(path.parent)
        check([(one.name, one.reason) for one in rejected])
        assert len(tiles) + len(rejected) == 1


def srt_seeds() -> Iterator[bytes]:
    block = "{n}\n00:00:{s:02d},000 --> 00:00:{s:02d},500\n{words}\n\n"
    dialects = (
        '<font size="36">SrtCnt : 1, DiffTime : 33ms\n2026-06-01 10:00:{s:02d}.123\n[iso : 100] [shutter : 1/400.0] [fnum : 280]'
        " [ev : 0] [focal_len : 240] [latitude: 12.5{s:04d}] [longitude: 77.25] [rel_alt: 20.000 abs_alt: 910.1]"
        " [gb_yaw: 10.0 gb_pitch: -90.0 gb_roll: 0.0]</font>",
        "HOME(77.25,12.5) 2026.06.01 10:00:{s:02d}\nGPS(77.25{s:02d},12.5,19) BAROMETER:20.1\nISO:100 Shutter:400 EV:-1/3",
        "F/5.6, SS 400, ISO 100, EV 0, GPS (77.2{s:02d}, 12.5, 19), D 12.3m, H 20.0m, F.PRY (1.0, 2.0, 3.0), G.PRY (-90, 0, 4)",
        "GPS(12.5{s:02d},77.25,910.0M) BAROMETER:20.0M",
    )
    for words in dialects:
        yield "".join(
            block.format(
                n=n + 1, s=n, words=words.replace("{s:02d}", f"{n:02d}").replace("{s:04d}", f"{n:04d}")
            )
            for n in range(6)
        ).encode()
    for data in _real("telemetry/dji-srt", "*.*", bytes):
        yield data[:3000]


def position_seeds() -> Iterator[bytes]:
    yield b"EPSG:32643\nDJI_0001.JPG 500300.0 1400200.0 910.5 1 2 3 0.02 0.03\n"
    yield b"WGS84 UTM 43N\n# c\n100/DJI_20260309024757_0007_D.JPG\t500300,5\t1400200\n"
    yield b"filename,lat,lon,alt,yaw,pitch,roll,accuracy_horz,accuracy_vert\nDJI_0001.JPG,12.5,77.25,900,1,2,3,0.1,0.2\n"
    yield b"label;x/east;y/north;z;omega;phi;kappa\nDJI_0001.JPG;500300,1;1400200,2;900;1;2;3\n"
    yield b"DJI_0001.JPG,12.5,77.25,900,0.1,0.2,1,2,3\n"
    yield "DJI_0001.JPG 12,5 77,25 900\n".encode("utf-16")


def control_seeds() -> Iterator[bytes]:
    yield b"EPSG:32643\n500300 1400200 910 100 200 DJI_0001.JPG gcp1\n500310 1400210 NaN 10.5 20 100_0001_0002.JPG\n"
    yield b"+proj=utm +zone=43 +datum=WGS84 +units=m +no_defs\n500300\t1400200\t910\t1\t2\tunsized.jpg\tA b\n"


def mrk_seeds() -> Iterator[bytes]:
    line = "{n}\t400373.488877\t[2264]\t  -40,N\t   0,E\t  86,V\t12.5,Lat\t77.25,Lon\t359.494,Ellh\t0.01, 0.009, 0.02\t50,Q\n"
    yield "".join(line.replace("{n}", str(n)) for n in (1, 2, 7)).encode()


def system_seeds() -> Iterator[bytes]:
    yield from (
        b"EPSG:32643",
        b"EPSG:4326",
        b"EPSG:27700",
        b"EPSG:2264",
        b"WGS84 UTM 43N",
        b"EPSG:24378",
        b"EPSG:5514",
    )
    yield b"+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=500000 +y_0=0 +ellps=bessel +towgs84=598.1,73.7,418.2,0.2,0.04,-2.4,6.7"
    yield b"+proj=lcc +lat_1=30 +lat_2=50 +lat_0=40 +lon_0=10 +a=6378137 +rf=298.2 +units=us-ft +no_defs +type=crs"


def name_seeds() -> Iterator[bytes]:
    yield "DCIM/100/DJI_0001.JPG\0a/../b\0a\\b\0C:\0caf\u00e9.jpg\0\u202egpj.exe\0CON\0a\nb".encode()
    yield b"caf\xe9.jpg\0" + b"x" * 256


def offer_seeds() -> Iterator[bytes]:
    yield b'[["a/b.jpg", 123, 1748772000000], ["A/B.jpg", 1, -5], ["a", 9007199254740991, 0]]'


def read_area_file(data: bytes) -> None:
    with _file("area.geojson", data) as path:
        areas = read_areas(path)
        check(areas.bounds)
        assert areas.area > 0
        check(in_zone(areas, 32643).area)


def signature_seeds() -> Iterator[bytes]:
    key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
    yield f"untrusted comment: minisign public key\n{key}\n".encode()
    line = "RU" + "A" * 98
    yield f"untrusted comment: s\n{line}\ntrusted comment: t\n{'A' * 86}==\n".encode()


def label_seeds() -> Iterator[bytes]:
    shape = {"label": "weed", "points": [[1, 1], [5, 1], [5, 5]], "shape_type": "polygon"}
    raw = {
        "imageHeight": 64,
        "imageWidth": 64,
        "imagePath": "a.png",
        "shapes": [shape, {**shape, "label": "crop"}],
    }
    yield json.dumps(raw).encode()
    yield json.dumps(
        {**raw, "shapes": [{"label": "weed", "points": [[1, 1], [5, 1]], "shape_type": "circle"}]}
    ).encode()


def area_seeds() -> Iterator[bytes]:
    ring = [[74.0, 18.0], [74.1, 18.0], [74.1, 18.1], [74.0, 18.0]]
    shape = {"type": "MultiPolygon", "coordinates": [[ring], [ring[::-1]]]}
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    yield json.dumps(shape).encode()
    yield json.dumps({"type": "FeatureCollection", "features": [feature, feature]}).encode()
    yield json.dumps({"type": "GeometryCollection", "geometries": [shape]}).encode()


# -- what they share ------------------------------------------------------------------------------


def _original(kind: FileKind) -> Original:
    return Original("0" * 64, f"a.{kind.value}", 1, kind)


@cache
def _memory() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one."""
    shm = Path("/dev/shm")  # noqa: S108  files of a test
    return tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)


@contextmanager
def _file(name: str, data: bytes) -> Iterator[Path]:
    path = Path(_memory().name) / name
    path.write_bytes(data)
    yield path


def _real(folder: str, pattern: str, part: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Parts of the real files, where these are here and can be read."""
    try:
        found = sorted((real_data() / folder).glob(pattern))
    except BaseException:  # noqa: BLE001  pytest's skip is none of Exception
        return
    for path in found:
        with suppress(Rejected):
            if path.is_file() and not path.name.startswith("LICENSE"):
                yield part(path.read_bytes())


_NUMBERS = ("1e308", "-1e308", "1e-320", "nan", "inf", "99999999999", "-0.0", "0")
_RDF = (
    "rdf:Description",
    "rdf:li",
    "rdf:RDF",
    "xmlns:",
    "drone-dji:",
    "Camera:",
    "<![CDATA[",
    "&#x",
    "1/0",
    *_NUMBERS,
)
_SRT = ("GPS(", "HOME(", "F.PRY (", "G.PRY (", " --> ", "[rel_alt: ", *_NUMBERS)
_LIST = ("EPSG:", "+proj=", "yaw", "omega", "geo_x", "DJI_0001.JPG", *_NUMBERS)
_PROJ = ("EPSG:", "+proj=", "+lat_0=", "+to_meter=", "+towgs84=", "+units=", *_NUMBERS)
_JSON = ("Infinity", "NaN", "1e999", "\\ud800", "rectangle", "circle", "null", "true")
TARGETS: dict[str, Target] = {
    "exif": Target(read_exif_tags, exif_seeds, 8192, share=2),
    "xmp": Target(read_xmp_packet, xmp_seeds, 8192, words=_RDF, share=2),
    "band file": Target(read_band_file, band_seeds, 32_768, share=2),
    "band tags": Target(read_band_tags, band_tag_seeds, 8192, words=_RDF, share=2),
    "irradiance list": Target(read_readings, reading_seeds, 512, share=0.2),
    "panel code": Target(read_panel, panel_seeds, 2048),
    "jpeg": Target(read_picture, picture_seeds, 65_536),
    "phone photo": Target(read_phone, phone_seeds, 32_768),
    "geotiff": Target(read_orthomosaic, raster_seeds, 65_536, share=2),
    "kind": Target(read_kind, kind_seeds, 256, share=0.2),
    "srt": Target(read_subtitles, srt_seeds, 8192, words=_SRT, share=2),
    "positions": Target(read_position_list, position_seeds, words=_LIST, share=2),
    "control": Target(read_control_list, control_seeds, words=_LIST),
    "mrk": Target(read_exposures, mrk_seeds, words=(",Lat", ",Lon", ",Ellh", ",Q", *_NUMBERS)),
    "projection": Target(read_system, system_seeds, 310, words=_PROJ),
    "names": Target(
        read_names, name_seeds, 1200, words=("../", "..", "/", "\\", "C:", "\u202e", "\u0130"), share=0.5
    ),
    "offers": Target(read_offers, offer_seeds, 2048, words=_JSON, share=0.5),
    "signature": Target(read_signature, signature_seeds, 1024, share=0.3),
    "labels": Target(read_labels, label_seeds, 4096, words=_JSON, share=0.5),
    "areas": Target(read_area_file, area_seeds, 2048, words=_JSON, share=0.5),
}
