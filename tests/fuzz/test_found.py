"""What fuzzing and reading found, each with the smallest input that shows it."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from rasterio._env import get_gdal_config
from rasterio.transform import Affine

from fieldbox.apart import _LARGEST_ANSWER, SECONDS
from fieldbox.domain import FileKind
from fieldbox.errors import Rejected
from fieldbox.georef.control import read_control
from fieldbox.georef.mrk import read_mrk
from fieldbox.imagery.attitude import Angles
from fieldbox.imagery.exif import Exif, read_exif
from fieldbox.imagery.film import frames_of, read_film
from fieldbox.imagery.multispectral.lookup import Source, with_plain_camera
from fieldbox.imagery.multispectral.panelcode import find_panel
from fieldbox.imagery.multispectral.sequoia import sequoia_band
from fieldbox.imagery.multispectral.tiff import Tiff
from fieldbox.imagery.numbers import turn
from fieldbox.imagery.poses import told_of
from fieldbox.imagery.raster import _opened, read_raster
from fieldbox.imagery.srt import MAX_SAMPLES, Sample, read_srt
from fieldbox.imagery.video import _clock, frame_at
from fieldbox.imagery.xmp import read_xmp
from fieldbox.inference.labelme import read_folder
from fieldbox.inspecting import seconds_for
from tests.fuzz.sound import check
from tests.imagery.multispectral.bandfiles import _NS
from tests.imagery.photos import dji_xmp, exif_bytes, xmp
from tests.imagery.test_film import flown
from tests.imagery.test_raster import GSD, NORTH, WEST, ground, write

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def sequoia(**tags: str) -> Source:
    return Source(
        Tiff(400, 320, 16, {}, b""), Exif(), with_plain_camera(read_xmp(xmp(_NS["Sequoia"], "Sequoia", tags)))
    )


@pytest.mark.parametrize("year", ["0001", "1899", "2834", "9999"])
def test_a_clock_that_no_camera_has_is_unknown(year: str) -> None:
    assert read_exif(exif_bytes(taken=f"{year}:06:01 10:00:00")).taken_at is None
    assert _clock(f"{year}-12-31T23:59:59.000000Z") is None
    (sample,) = read_srt(f"1\n{year}-06-01 10:00:00\n[rel_alt: 20.0]\n".encode())
    assert sample.clock is None


def test_a_heading_a_hair_below_north_is_north() -> None:
    assert -1e-20 % 360.0 == 360.0
    assert turn(-1e-20) == 0.0
    camera = xmp("http://pix4d.com/camera/1.0/", "Camera", {"Yaw": "-1e-20", "Pitch": "0", "Roll": "0"})
    stated = told_of(Exif(), read_xmp(camera)).stated
    assert stated is not None and Angles(stated.yaw_deg, 0, 0).yaw == 0.0  # type: ignore[arg-type]


def test_a_height_that_is_no_number_of_metres_is_unknown() -> None:
    stated = told_of(Exif(), read_xmp(dji_xmp(RelativeAltitude="1e308"))).stated
    assert stated is not None and stated.height_m is None


def test_a_list_in_xmp_holds_its_own_items_alone() -> None:
    """Items of lists within it were read again for each list around them: a packet of 1 MB took 11 s."""
    inner = "<a:deep><rdf:Seq><rdf:li>2</rdf:li></rdf:Seq></a:deep>"
    packet = (
        f"<rdf:RDF xmlns:rdf='{RDF}' xmlns:a='maker'><rdf:Description><a:list><rdf:Seq><rdf:li>1<rdf:Description>{inner}"
        "</rdf:Description></rdf:li></rdf:Seq></a:list></rdf:Description></rdf:RDF>"
    )
    found = read_xmp(packet.encode())
    assert (found.text("maker", "list"), found.text("maker", "deep")) == ("1", "2")


def test_entities_are_not_opened_and_depth_does_no_harm() -> None:
    bomb = f"<!DOCTYPE a [<!ENTITY b 'x'>]><rdf:RDF xmlns:rdf='{RDF}'><rdf:Description a='&b;'/></rdf:RDF>"
    assert not read_xmp(bomb.encode()).properties
    assert not read_xmp(b"<a>" * 140_000 + b"</a>" * 140_000).properties


@pytest.mark.parametrize("table", ["2,1e308,1e-300,1,1,100,5000,1", "2,1e-308,6e4,1,1,1e-308,6e4,1"])
def test_a_table_of_gains_that_cannot_be_right_is_not_used(table: str) -> None:
    """Rates of 0 and infinity: a division by zero, and light that was no number."""
    reading = "AQAAAAAAAACIE2QAAgBkAAAAAAAAAAAAAAAAAA=="  # of gain index 2
    band = sequoia_band(sequoia(IrradianceList=reading, IrradianceCalibrationMeasurement=table))
    assert band.sun is not None and band.sun.spectral == 5000 / (2 * 0.1)


def test_a_code_in_another_alphabet_is_no_panel() -> None:
    settings = cv2.QRCodeEncoder_Params()
    settings.mode = cv2.QRCodeEncoder_MODE_KANJI
    code = cv2.QRCodeEncoder.create(settings).encode(b"\xe4\xaa\x89\xd7")  # type: ignore[call-overload]
    picture = np.kron(np.pad(code, 3, constant_values=255), np.ones((6, 6), np.uint8))
    with pytest.raises(UnicodeDecodeError):
        cv2.QRCodeDetector().detectAndDecode(picture)
    assert find_panel(picture.astype(np.float32)) is None


def test_bands_named_in_another_alphabet_are_not_named(tmp_path: Path) -> None:
    path = write(tmp_path / "o.tif", ground(64, 64), descriptions=("abcdefgh", "", ""))
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"rouge \xe9\xe9"))
    assert read_raster(path).bands == ("red", "green", "blue")


def test_pixels_that_show_no_ground_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "o.tif", ground(64, 64), transform=Affine(1e-9, 0, WEST, 0, -1e-9, NORTH))
    with pytest.raises(Rejected, match="less than a tenth of a millimetre"):
        read_raster(path)


def test_the_ring_around_a_tile_holds_all_of_it(tmp_path: Path) -> None:
    """It was found from every pixel: 4000 x 4000 took a minute of one core."""
    soil = np.zeros((3, 64, 64), np.uint8)
    soil[:, 10:50, 20] = soil[:, 30, 5:60] = 90
    (tile,) = read_raster(
        write(tmp_path / "o.tif", soil, transform=Affine(GSD, 0, WEST, 0, -GSD, NORTH))
    ).tiles
    corners = {(round(x + 0.5), round(y + 0.5)) for x, y in tile.outline}
    assert corners == {(20, 10), (21, 10), (60, 30), (60, 31), (21, 50), (20, 50), (5, 31), (5, 30)}


def test_heights_of_lists_that_cannot_be_right_are_unknown() -> None:
    point = b"EPSG:32643\n500300 1400200 1e300 10 20 a.jpg gcp\x80\n"
    control = read_control(point, {"a.jpg": None})
    assert (control.points[0].up_m, control.points[0].name) == (None, "gcp?")
    for height in (b"99999.0", b"1e300", b"9" * 30 + b"300"):
        line = b"1\t4\t[2]\t12.5,Lat\t77.2,Lon\t" + height + b",Ellh\t50,Q\n"
        (position,) = read_mrk(line, ["100_0001_0001.JPG"]).stated
        assert position.altitude_m is None


def test_subtitles_on_their_way_between_processes_are_not_too_many() -> None:
    def sample(n: int) -> Sample:
        turned, clock = (
            (0.1 * n, -90.0 - 0.01 * n, 0.3 * n),
            datetime(2026, 6, 1, 12) + timedelta(milliseconds=33 * n),
        )
        place, seen = (
            (12 + 1e-6 * n, 77 + 1e-6 * n, 1e-6),
            (100.0 + n, 1 / (400 + n), 2.8 + n, 0.3 * n, 24.5 + n),
        )
        return Sample(
            0.033 * n,
            clock,
            *place,
            20 + 0.1 * n,
            910 + 0.1 * n,
            19,
            turned,
            turned[::-1],
            *seen,
            place[:2],
            0.7 * n,
        )

    some = tuple(sample(number) for number in range(1000))
    assert len(pickle.dumps(some)) * MAX_SAMPLES / 1000 < _LARGEST_ANSWER


def test_a_film_across_the_date_line_is_not_round_the_earth() -> None:
    film, samples = flown(90.0, 0.0)
    moved = [replace(one, lon=(one.lon or 0) + 105.7995) for one in samples]  # 74.2 becomes 179.9995
    wrapped = [replace(one, lon=one.lon - 360 if one.lon and one.lon > 180 else one.lon) for one in moved]
    frames = frames_of(film, wrapped)
    check(frames)
    here, there = (frames_of(film, one) for one in (samples, wrapped))
    assert [one.pose is None for one in here] == [one.pose is None for one in there]
    assert any(one.lon is not None and one.lon < 0 for one in frames)


@pytest.mark.parametrize(
    "broken", [{"imageHeight": float("inf")}, {"shape_type": "p\ud800olygon"}, {"label": "\ud800"}]
)
def test_labels_with_odd_words_get_a_sentence_that_can_be_said(
    tmp_path: Path, broken: dict[str, object]
) -> None:
    shape = {"label": "weed", "points": [[1, 1], [5, 1], [5, 5]], **broken}
    (tmp_path / "a.json").write_text(
        json.dumps({"imageHeight": 64, "imageWidth": 64, **broken, "shapes": [shape]})
    )
    (tmp_path / "a.png").write_bytes(b"")
    _tiles, (rejection,) = read_folder(tmp_path)
    check(rejection.reason)


def test_the_cache_of_pixels_is_counted_in_bytes(tmp_path: Path) -> None:
    """It held 32 bytes: every row of an orthomosaic unpacked its tiles anew, and 36 million pixels were not read in 4 minutes."""
    with _opened(write(tmp_path / "o.tif", ground(64, 64))):
        assert get_gdal_config("GDAL_CACHEMAX") == 64 << 20


def test_what_is_large_on_the_disk_has_more_time() -> None:
    assert seconds_for(Path("any"), FileKind.JPEG, 10**8) == SECONDS
    assert (
        seconds_for(Path("any"), FileKind.TELEMETRY, 10**7)
        == seconds_for(Path("any"), FileKind.TIFF, 4 * 10**7)
        == SECONDS + 10
    )


def _film_that_shrinks(path: Path) -> None:
    """Eight pictures of 1280 x 720, and eight of 640 x 480 in the same stream, their size told in the stream alone."""
    picture = cv2.resize(ground(45, 80)[:1].transpose(1, 2, 0), (1280, 720)).repeat(3).reshape(720, 1280, 3)
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=2, options={"preset": "ultrafast", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        second = av.CodecContext.create("libx264", "w")
        second.width, second.height, second.pix_fmt, second.framerate = 640, 480, "yuv420p", Fraction(2)
        second.time_base, second.options = (
            Fraction(1, 2),
            {"preset": "ultrafast", "x264-params": "repeat-headers=1"},
        )
        for number in range(16):
            coder, (width, height) = (stream, (1280, 720)) if number < 8 else (second, (640, 480))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 2)
            for packet in (*coder.encode(frame), *(coder.encode() if number % 8 == 7 else ())):
                packet.stream = stream
                out.mux(packet)


def test_a_film_whose_pictures_change_their_size_counts_up_to_there(tmp_path: Path) -> None:
    _film_that_shrinks(tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as film:
        sizes = [frame.width for frame in film.decode(video=0)]
    assert sizes == [1280] * 8 + [640] * 8
    assert len(read_film(tmp_path / "a.mp4").steps) == 8
    with pytest.raises(Rejected, match="damaged"):
        frame_at(tmp_path / "a.mp4", 8192 * 9)
