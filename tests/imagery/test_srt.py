"""DJI's subtitles: every dialect that was seen, cut-off ones, and ones that nobody has seen yet."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.errors import Rejected
from fieldbox.imagery.srt import Sample, read_srt
from tests.imagery.photos import real_data

BRACKETS = """1
00:00:00,000 --> 00:00:00,020
<font size="28">FrameCnt: 1, DiffTime: 20ms
2021-12-25 12:27:52.373
[iso: 220] [shutter: 1/8000.0] [fnum: 3.2] [ev: 0] [ct: 5115] [focal_len: 24.00]
[latitude: 3.41531] [longitude: -3.37440] [rel_alt: -2.400 abs_alt: 0.401] </font>
"""
TENTHS = """\ufeff1
00:00:01,500 --> 00:00:01,540
<font size="36">SrtCnt : 1, DiffTime : 33ms
2022-08-07 13:40:40,774,808
[iso : 100] [shutter : 1/80.0] [fnum : 280] [ev : 0] [ct : 5744] [focal_len : 240]
[latitude : 41.424724] [longtitude : 2.234156] [altitude: 117.000000] </font>
"""
HOME = """1
00:00:01,000 --> 00:00:02,000
HOME(149.0251,-20.2532) 2017.8.5 14:11:51
GPS(149.0251,-20.2533,16) BAROMETER:1.9
ISO:100 Shutter:60 EV:-1/3 Fnum:F2.2
"""
PRY = """1
00:15:04,904 --> 00:15:05,905
F/5.6, SS 400, ISO 100, EV +0.7, GPS (-59.409424, -34.650200, 16), HOME (-59.407880, -34.650736, 7.60m),
D 153.32m, H 17.39m, H.S 1.84m/s, V.S 0.00m/s,
F.PRY (-8.9°, 2.9°, -75.0°), G.PRY (-27.3°, 0.0°, -76.0°)
"""


def test_brackets() -> None:
    assert read_srt(BRACKETS.encode()) == (
        Sample(
            time_s=0.0, clock=datetime(2021, 12, 25, 12, 27, 52, 373000), lat=3.41531, lon=-3.3744, step_deg=1e-5,
            height_m=-2.4, altitude_m=0.401, iso=220, shutter_s=1 / 8000, f_number=3.2, ev=0, focal_35mm=24.0,
        ),
    )  # fmt: skip


def test_tenths_and_a_misspelt_longitude() -> None:
    assert read_srt(TENTHS.encode()) == (
        Sample(
            time_s=1.5, clock=datetime(2022, 8, 7, 13, 40, 40, 774808), lat=41.424724, lon=2.234156, step_deg=1e-6,
            altitude_m=117.0, iso=100, shutter_s=1 / 80, f_number=2.8, ev=0, focal_35mm=24.0,
        ),
    )  # fmt: skip


def test_home_and_barometer() -> None:
    assert read_srt(HOME.replace("\n", "\r\n").encode()) == (
        Sample(
            time_s=1.0, clock=datetime(2017, 8, 5, 14, 11, 51), lat=-20.2533, lon=149.0251, step_deg=1e-4, height_m=1.9,
            satellites=16, iso=100, shutter_s=1 / 60, f_number=2.2, ev=-1 / 3, home=(-20.2532, 149.0251),
        ),
    )  # fmt: skip


def test_angles() -> None:
    assert read_srt(PRY.encode()) == (
        Sample(
            time_s=904.904, clock=None, lat=-34.6502, lon=-59.409424, step_deg=1e-6, height_m=17.39, satellites=16,
            flight=(-75.0, -8.9, 2.9), gimbal=(-76.0, -27.3, 0.0), iso=100, shutter_s=1 / 400, f_number=5.6, ev=0.7,
            home=(-34.650736, -59.40788), away_m=153.32,
        ),
    )  # fmt: skip


AUTEL = """1
00:00:00,000 --> 00:00:01,000
HOME(W: 104.0634, S: 30.5385) 2021-06-01 12:00:00
GPS(W: 104.0634, S: 30.5386, 512.3m)
ISO:100 SHUTTER:1000 EV:0.0 F-NUM:2.8
F.PRY (1.0°, 2.0°, 33.0°), G.PRY (-90.0°, 0.0°, 34.0°)
"""
ENTERPRISE = """1
00:00:00,000 --> 00:00:00,033
FrameCnt: 0 2025-11-26 10:58:25.417
[iso: 170] [shutter: 1/3200.0] [fnum: 1.7] [focal_len: 240.70] [dzoom_ratio: 1.00], [latitude: 28.941126]
[longitude: 106.921302] [rel_alt: 134.974 abs_alt: 428.593] [gb_yaw: 4.5 gb_pitch: -89.9 gb_roll: 0.0]
"""


def test_named_hemispheres() -> None:
    assert read_srt(AUTEL.encode()) == (
        Sample(
            time_s=0.0, clock=datetime(2021, 6, 1, 12), lat=-30.5386, lon=-104.0634, step_deg=1e-4, altitude_m=512.3,
            flight=(33.0, 1.0, 2.0), gimbal=(34.0, -90.0, 0.0), iso=100, shutter_s=1 / 1000, f_number=2.8, ev=0,
            home=(-30.5385, -104.0634),
        ),
    )  # fmt: skip


def test_two_words_in_a_bracket_and_a_long_lens() -> None:
    assert read_srt(ENTERPRISE.encode()) == (
        Sample(
            time_s=0.0, clock=datetime(2025, 11, 26, 10, 58, 25, 417000), lat=28.941126, lon=106.921302, step_deg=1e-6,
            height_m=134.974, altitude_m=428.593, gimbal=(4.5, -89.9, 0.0), iso=170, shutter_s=1 / 3200, f_number=1.7,
            focal_35mm=240.7,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_forms_of_text(form: str) -> None:
    assert read_srt(BRACKETS.encode(form)) == read_srt(BRACKETS.encode())


@pytest.mark.parametrize(
    "words",
    [
        "[latitude: 12,345678] [longitude: -77,654321] [rel_alt: 55,2 abs_alt: 283,9] [gb_yaw: -0,2 gb_pitch: -90 gb_roll: 0]",
        "lat: 12.345678N, lon: 77.654321 W, rel_alt: 55.2, abs_alt: 283.9, gimbal_yaw: -0.2, gimbal_pitch: -90, gimbal_roll: 0",
        "[lng: 77.654321W] [lat: N12.345678] [rel_alt : 55.2m abs_alt : 283.9m] [gb_yaw: -0.2] [gb_pitch: -90] [gb_roll: 0]",
    ],
)
def test_the_same_in_other_words(words: str) -> None:
    (one,) = read_srt(f"1\n00:00:00,000 --> 00:00:01,000\n{words}\n".encode())
    assert (one.lat, one.lon, one.step_deg) == (12.345678, -77.654321, 1e-6)
    assert (one.height_m, one.altitude_m, one.gimbal) == (55.2, 283.9, (-0.2, -90.0, 0.0))


@pytest.mark.parametrize(
    ("zoom", "focal"), [("1.00", 24), ("10000, delta:0", 24), ("2.00", None), ("20000, delta:0", None)]
)
def test_a_digital_zoom_leaves_the_focal_length_unknown(zoom: str, focal: float | None) -> None:
    (one,) = read_srt(
        f"1\n00:00:00,000 --> 00:00:01,000\n[focal_len: 24.00] [dzoom_ratio: {zoom}] [iso: 100]\n".encode()
    )
    assert one.focal_35mm == focal


def test_latitude_first_where_the_third_has_a_unit() -> None:
    text = (
        "1\n00:00:00,000 --> 00:00:01,000\n2022.06.21 16:06:17\nGPS(36.6146,-6.1120,12.5M) BAROMETER:0.3M\n"
    )
    (one,) = read_srt(text.encode())
    assert (one.lat, one.lon, one.altitude_m, one.height_m, one.satellites) == (
        36.6146,
        -6.112,
        12.5,
        0.3,
        None,
    )


@pytest.mark.parametrize(
    "words", ["GPS(N/A,N/A,3)", "GPS(0.0,0.0,0)", "GPS(500.1,95.2,7)", "[latitude : -34.86] [lon"]
)
def test_no_position_is_none(words: str) -> None:
    (one,) = read_srt(f"1\n00:00:00,000 --> 00:00:01,000\n2022.06.21 16:06:17\n{words}\n".encode())
    assert (one.lat, one.lon, one.step_deg) == (None, None, None)
    assert one.clock == datetime(2022, 6, 21, 16, 6, 17)


def test_a_dialect_that_nobody_has_seen() -> None:
    text = "1\n00:00:00,000 --> 00:00:01,000\nPOS{12.5;77.1} ALT=33\n2031-01-01 10:00:00.500\n[warp : 9] [iso : 200]\n"
    (one,) = read_srt(text.encode())
    assert (one.lat, one.iso, one.clock) == (None, 200, datetime(2031, 1, 1, 10, 0, 0, 500000))


@pytest.mark.parametrize(
    "data", [b"", b"1\n", b"1\n00:00:00,000 --> 00:00:01,000\nHello there!\n", b"\xff\xfe\x00" * 50]
)
def test_what_holds_no_telemetry(data: bytes) -> None:
    with pytest.raises(Rejected, match="no telemetry"):
        read_srt(data)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([BRACKETS, TENTHS, HOME, PRY]),
    st.lists(
        st.tuples(st.integers(0, 600), st.sampled_from(list("0123456789:,.-/()[]<>\n\x00 GPSH°"))),
        max_size=20,
    ),
    st.integers(0, 700),
)
def test_damaged_ones_are_samples_or_a_sentence(text: str, changes: list[tuple[int, str]], end: int) -> None:
    raw = list(text)
    for place, letter in changes:
        raw[place % len(raw)] = letter
    try:
        samples = read_srt("".join(raw)[:end].encode())
    except Rejected:
        return
    for one in samples:
        assert one.lat is None or (abs(one.lat) <= 90 and one.lon is not None and one.step_deg is not None)


# name: (samples, with a position, first and last time, first place, last height or altitude)
REAL = {
    "MAVIC3.srt": (12318, 12318, 0.0, (3.41531, -3.3744), "height_m"),
    "air2s.srt": (17, 17, 0.0, (41.424724, 2.234156), "altitude_m"),
    "broken_incomplete.SRT": (20, 19, 1.0, (-34.7383, -58.4563), "height_m"),
    "broken_incomplete2.SRT": (6, 4, 0.0, (-34.86995, -57.823395), "altitude_m"),
    "matrice_300.srt": (381, 381, 0.0, (36.6146, -6.112), "height_m"),
    "mavic_2_style.SRT": (468, 468, None, (-20.2533, 149.0251), None),
    "mavic_2pro_new.SRT": (8952, 8952, 0.0, (-35.080155, -60.286702), None),
    "mavic_air.SRT": (2, 0, 0.0, None, None),
    "mavic_air2.srt": (25, 25, 0.0, (41.420684, 2.162162), "altitude_m"),
    "mavic_mini.SRT": (117, 117, 0.0, (48.0771, -121.7458), "height_m"),
    "mavic_pro.SRT": (468, 468, 1.0, (-20.2533, 149.0251), "height_m"),
    "mavic_pro_buggy.SRT": (546, 530, 1.0, (42.4668, -1.2218), "height_m"),
    "mix_p4rtk_mavic2pro.srt": (12, 12, 904.904, (-34.6502, -59.409424), None),
    "old_format.SRT": (468, 468, 1.0, (-20.2533, 149.0251), "height_m"),
    "p4_rtk.SRT": (55, 55, 0.0, (-34.237922, -58.851745), "height_m"),
    "p4p_sample.SRT": (5, 5, 0.0, (47.4692, 8.209), "height_m"),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_ones(name: str) -> None:
    count, placed, begin, place, tall = REAL[name]
    samples = read_srt((real_data() / "telemetry" / "dji-srt" / name).read_bytes())
    assert len(samples) == count
    assert sum(one.lat is not None for one in samples) == placed
    assert samples[0].time_s == begin
    if place:
        assert (samples[0].lat, samples[0].lon) == place
    if tall:
        assert getattr(samples[0], tall) is not None
    if name != "matrice_300.srt":
        assert sum(one.iso is None for one in samples) <= 1  # the last block may be cut off


@pytest.mark.shared
@pytest.mark.parametrize("name", ["broken_empty.SRT", "broken_empty2.SRT"])
def test_real_broken_ones(name: str) -> None:
    with pytest.raises(Rejected, match="no telemetry"):
        read_srt((real_data() / "telemetry" / "dji-srt" / name).read_bytes())
