"""Lists of camera positions: OpenDroneMap's, Pix4D's, tables with headers, DJI's MRK, and bytes of any kind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.errors import Rejected
from fieldbox.georef.mrk import read_mrk
from fieldbox.georef.orientation import Attitude
from fieldbox.georef.positions import AngleKind, Positions, StatedPosition, looks_like_list, read_positions

PHOTOS = ("DCIM/IMG_3165.JPG", "DCIM/IMG_3166.JPG", "DCIM/IMG 3167.JPG")
PIX4D = "IMG_3165.JPG,46.2345612,6.5611445,539.931"
"""The example of Pix4D's own documentation."""


def read(*lines: str, system: str | None = None, angles: AngleKind | None = None) -> Positions:
    return read_positions("\n".join(lines).encode(), PHOTOS, system=system, angles=angles)


def only(positions: Positions) -> StatedPosition:
    assert positions.problems == ()
    (stated,) = positions.stated
    return stated


def words(positions: Positions) -> str:
    return "\n".join(str(sentence) for sentence in (*positions.problems, *positions.notes))


# OpenDroneMap


def test_odm_as_documented() -> None:
    positions = read(
        "EPSG:4326",
        "img_3165.jpg    -91.9942096111111   46.84252125 198.609",
        "# a comment",
        "IMG_3166.JPG -92 46.5",
    )
    first, second = positions.stated
    assert first == StatedPosition(
        "DCIM/IMG_3165.JPG", 46.84252125, -91.9942096111111, 198.609, None, None, None
    )
    assert (second.lat, second.lon, second.altitude_m) == (46.5, -92.0, None)
    assert (positions.problems, positions.notes) == ((), ())


def test_odm_angles_are_yaw_pitch_roll_since_2022() -> None:
    line = "IMG_3165.JPG 75 28.5 250.0 90 5 -2 0.02 0.04 label"
    stated = only(read("EPSG:4326", line))
    assert stated.angles == Attitude(90.0, 5.0, -2.0)
    assert (stated.error_m, stated.height_error_m) == (0.02, 0.04)
    old = only(read("EPSG:4326", line.replace("90 5 -2", "0 -20 -90"), angles=AngleKind.OMEGA_PHI_KAPPA))
    assert old.angles == pytest.approx((90.0, 20.0, 0.0), abs=1e-9)


@pytest.mark.parametrize("unknown", ["0 0 0", "NaN NaN NaN", "1 2 x", "1 2 1e9"])
def test_angles_that_are_not_known(unknown: str) -> None:
    stated = only(read("EPSG:4326", f"IMG_3165.JPG 75 28.5 250.0 {unknown} 0 -1"))
    assert (stated.angles, stated.error_m, stated.height_error_m) == (None, None, None)


def test_odm_in_a_projection() -> None:
    stated = only(read("WGS84 UTM 43N", "IMG_3165.JPG\t500000\t3000000\t250"))
    assert (stated.lat, stated.lon) == pytest.approx((27.12246965, 75.0), abs=1e-7)


# Pix4D and tables


@pytest.mark.parametrize(
    "line",
    [
        PIX4D,
        PIX4D.replace(",", ";"),
        PIX4D.replace(",", "\t"),
        PIX4D.replace(",", " "),
        "IMG_3165.JPG;46,2345612;6,5611445;539,931",
        "IMG_3165.JPG\t46,2345612\t6,5611445\t539,931",
        "IMG_3165.JPG 46,2345612 6,5611445 539,931",
        '"IMG_3165.JPG", "46.2345612" , 6.5611445, +539.931',
        "C:\\job\\IMG_3165.jpg,46.2345612,6.5611445,5.39931e2",
    ],
)
def test_pix4d_without_a_header(line: str) -> None:
    expected = StatedPosition("DCIM/IMG_3165.JPG", 46.2345612, 6.5611445, 539.931, None, None, None)
    assert only(read(line)) == expected


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize(
    ("first", "words_", "system"),
    [
        (None, "IMG_3165.JPG 18 74 560", None),
        (None, "IMG_3165.JPG 18.0 74.0 560.0 0.02 0.04", None),
        ("filename latitude longitude altitude", "IMG_3165.JPG 18 74 560", None),
        ("filename latitude longitude altitude note", "IMG_3165.JPG 18 74 560 7", None),
        ("#filename latitude longitude", "IMG_3165.JPG 18 74", None),
        ("filename x y z", "IMG_3165.JPG 500000 2200000 560", "EPSG:32643"),
        (None, "IMG_3165.JPG 500000 2200000 560 1 2", "EPSG:32643"),
        ("EPSG:32643", "IMG_3165.JPG 500000 2200000 560", None),
        ("EPSG:32643", "IMG_3165.JPG 500000 2200000 560 90 0 0 1 2", None),
        ("EPSG:4326", "IMG_3165.JPG 74 18 560", None),
        ("+proj=tmerc +lat_0=18 +lon_0=74 +k=1 +datum=WGS84 +units=m", "IMG_3165.JPG 0 0 560", None),
    ],
)
def test_whole_numbers_are_coordinates_too(
    separator: str, first: str | None, words_: str, system: str | None
) -> None:
    """Pix4D's tables, with a header and without, and OpenDroneMap's list: on a local grid, or by chance."""
    head = [] if first is None else [first if first[:1] in "E+" else separator.join(first.split(" "))]
    stated = only(read(*head, separator.join(words_.split(" ")), system=system))
    place = (19.896247, 75.0) if "2200000" in words_ else (18.0, 74.0)
    assert (stated.lat, stated.lon) == pytest.approx(place, abs=1e-6)
    assert stated.altitude_m == (None if words_.endswith(" 74") else 560.0)


@pytest.mark.parametrize(
    "lines",
    [
        ("IMG_3165.JPG,46,23,6,56",),
        ("IMG_3165.JPG,46,23,6,56,540",),
        ("filename,latitude,longitude", "IMG_3165.JPG,46,23,6,56"),
        ("filename,latitude,longitude,altitude", "IMG_3165.JPG,46,23,6,56,540,1"),
    ],
)
def test_decimal_commas_between_commas_are_not_guessed(lines: tuple[str, ...]) -> None:
    positions = read(*lines)
    assert positions.stated == ()
    assert "is no camera position" in words(positions)


def test_names_with_spaces() -> None:
    assert only(read("IMG 3167.JPG,46.2345612,6.5611445")).image == "DCIM/IMG 3167.JPG"


def test_six_columns_end_with_the_accuracies() -> None:
    stated = only(read(PIX4D + ",0.02,0.04"))
    assert (stated.error_m, stated.height_error_m, stated.angles) == (0.02, 0.04, None)


def test_seven_columns_end_with_angles_of_a_kind_that_must_be_said() -> None:
    untold = read(PIX4D + ",38.6,3.5,8.3")
    assert only(untold).angles is None
    assert "does not say what they are" in words(untold)
    told = read(PIX4D + ",38.6,3.5,8.3", angles=AngleKind.YAW_PITCH_ROLL)
    assert only(told).angles == Attitude(38.6, 3.5, 8.3)
    assert told.notes == ()


@pytest.mark.parametrize(
    "tail",
    [
        ",138.6,3.5,8.3,0.02,0.04",
        ",38.6,-3.5,8.3,0.02,0.04",
        ",0.02,0.04,138.6,-3.5,8.3",
        ",0.02,0.04,3,4,-8.3",
    ],
)
def test_nine_columns_where_one_order_makes_sense(tail: str) -> None:
    stated = only(read(PIX4D + tail, angles=AngleKind.YAW_PITCH_ROLL))
    assert (stated.error_m, stated.height_error_m) == (0.02, 0.04)
    assert stated.angles is not None


def test_nine_columns_where_both_orders_make_sense() -> None:
    positions = read(PIX4D + ",38.6,3.5,8.3,0.02,0.04", angles=AngleKind.YAW_PITCH_ROLL)
    assert only(positions) == only(read(PIX4D))
    assert "does not say what they are" in words(positions)
    other = PIX4D.replace("3165", "3166") + ",-38.6,3.5,8.3,0.02,0.04"
    together = read(PIX4D + ",38.6,3.5,8.3,0.02,0.04", other, angles=AngleKind.YAW_PITCH_ROLL)
    assert [stated.error_m for stated in together.stated] == [0.02, 0.02]


def test_a_header_names_the_columns_in_any_order() -> None:
    stated = only(
        read(
            "Accuracy Horz [m];Image name;Longitude [deg];Latitude [deg];Omega;Phi;Kappa;Altitude (m);Note",
            "0,03;IMG_3165.JPG;6,5611445;46,2345612;0;-20;-90;539,931;good",
        )
    )
    assert stated.angles == pytest.approx((90.0, 20.0, 0.0), abs=1e-9)
    assert (stated.lat, stated.lon, stated.altitude_m) == (46.2345612, 6.5611445, 539.931)
    assert (stated.error_m, stated.height_error_m) == (0.03, None)


def test_a_header_may_be_a_comment() -> None:
    header = "#imagename,coordinate1,coordinate2,z,yaw,pitch,roll"
    stated = only(read(header, PIX4D + ",38.6,3.5,8.3"))
    assert stated.angles == Attitude(38.6, 3.5, 8.3)
    assert (stated.lat, stated.lon) == (46.2345612, 6.5611445)


def test_projected_tables_need_their_projection() -> None:
    line = "IMG_3165.JPG,474191.175,5091809.612,539.931"
    stated = only(read(line, system="EPSG:32632"))
    assert (stated.lat, stated.lon) == pytest.approx((45.98, 8.67), abs=0.01)
    assert "Line 1" in words(read(line))
    with pytest.raises(Rejected, match="which projection"):
        read("name,x,y", line)
    with pytest.raises(Rejected, match="leave it out"):
        read("name,lat,lon", line, system="EPSG:32632")
    north_first = "IMG_3165.JPG,1600000,5429228,12"
    with pytest.raises(Rejected, match="north first"):
        read(north_first, system="EPSG:2193")
    assert only(read("name,x,y,z", north_first, system="EPSG:2193")).lon == pytest.approx(173.0, abs=1e-6)


def test_a_table_with_degrees_and_metres() -> None:
    lines = ("name,width,height,lat,lon,east,north", "IMG_3165.JPG,4000,3000,27.1,75.1,500000,3000000")
    assert only(read(*lines)).lat == 27.1
    assert only(read(*lines, system="EPSG:32643")).lat == pytest.approx(27.12246965, abs=1e-7)
    assert only(read(*lines)).altitude_m is None


def test_omega_phi_kappa_count_from_grid_north() -> None:
    """11 E in zone 32: grid north lies 1.532 degrees clockwise of true north at 50 N."""
    stated = only(
        read("name,x,y,omega,phi,kappa", "IMG_3165.JPG,643329,5540546,0,0,1e-9", system="EPSG:32632")
    )
    assert stated.angles is not None
    assert stated.lon == pytest.approx(11.0, abs=1e-3)
    assert stated.angles.yaw_deg == pytest.approx(1.532, abs=5e-3)


def test_an_old_datum_adds_to_the_error() -> None:
    positions = read("EPSG:24343", "IMG_3165.JPG 500000 3000000 200 0 0 0 0.02 0.03")
    stated = only(positions)
    assert stated.total_error_m(1.5) == pytest.approx(22.0, abs=0.01)
    assert "only to within 22.0 m" in words(positions)
    assert only(read(PIX4D)).total_error_m(1.5) == 1.5
    feet = read("EPSG:2263", "IMG_3165.JPG 984250 196850 100")
    assert only(feet).altitude_m is None
    assert "does not count in metres" in words(feet)


def test_each_mistake_has_its_line_and_the_others_go_on() -> None:
    positions = read(
        "name,lat,lon",
        "IMG_3165.JPG",  # 2
        "IMG_3165.JPG,46,23,6,56",  # 3: decimal commas between commas
        "IMG_3165.JPG,146.5,6.5",  # 4
        "IMG_9999.JPG,46.5,6.5",  # 5: of another flight: one note, no problem
        "IMG_9998.JPG,46.5,6.5",
        "IMG_3165.JPG,46.5,6.5",  # 7
        "img_3165.jpg,46.6,6.5",  # 8: twice
    )
    assert [stated.lat for stated in positions.stated] == [46.5]
    assert [problem.params["line"] for problem in positions.problems] == [2, 3, 4, 8]
    assert "Photos of the list that are not in this flight: 2 (the first is IMG_9999.JPG in line 5)" in words(
        positions
    )


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "is empty"),
        (b"# nothing", "is empty"),
        (b"EPSG:4978\nx", "says nothing about places"),
        (b"\0", "no plain text"),
    ],
)
def test_lists_that_are_refused(data: bytes, part: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_positions(data, PHOTOS)
    assert part in str(caught.value)


# DJI


MRK = (
    "7\t400373.488877\t[2264]\t   -40,N\t     0,E\t    86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh"
    "\t0.028, 0.021, 0.055\t50,Q"
)
FLIGHT = ("100_0001/100_0001_0007.JPG", "100_0001/100_0001_0008.JPG", "100_0001/readme.jpg")


def test_mrk() -> None:
    positions = read_mrk((MRK + "\r\n" + MRK + "\r\n8\tno fix\r\n").encode(), FLIGHT)
    (stated,) = positions.stated
    assert (stated.image, stated.lat, stated.lon, stated.altitude_m) == (
        FLIGHT[0],
        44.42824637,
        1.26196331,
        359.494,
    )
    assert stated.error_m == pytest.approx(0.02475, abs=1e-5)
    assert stated.height_error_m == 0.055
    assert [problem.params["line"] for problem in positions.problems] == [2, 3]


def test_mrk_lines_made_to_be_slow() -> None:
    slow = "7 " + ",Ellh ,,," * 200 + "1" * 900
    assert len(read_mrk("\n".join([MRK, *[slow] * 300]).encode(), FLIGHT).stated) == 1
    assert read_positions("\n".join([PIX4D, *["(" * 1_990] * 450]).encode(), PHOTOS).stated


def test_mrk_numbers_in_newer_names_and_of_two_cameras() -> None:
    assert read_mrk(MRK.encode(), ["DJI_20260309024757_0007_D.JPG"]).stated
    several = read_mrk(MRK.encode(), ["DJI_20260309024757_0007_V.JPG", "DJI_20260309024757_0007_T.JPG"])
    assert (several.stated, len(several.problems)) == ((), 1)


@pytest.mark.parametrize("bad", ["", "0,Q", "0.0,Lat"])
def test_mrk_without_a_solution(bad: str) -> None:
    text = {"": "hello", "0,Q": MRK.replace("50,Q", "0,Q"), "0.0,Lat": MRK.replace("44.42824637", "95.0")}[
        bad
    ]
    with pytest.raises(Rejected):
        read_mrk(text.encode(), FLIGHT)


# Anything


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([None, *AngleKind]))
def test_any_bytes_are_read_or_rejected(data: bytes, angles: AngleKind | None) -> None:
    for prefix in (b"", b"EPSG:32643\n", b"name,x,y,yaw,pitch,roll\n", MRK.encode()):
        for system in (None, "EPSG:32643"):
            try:
                assert words(read_positions(prefix + data, PHOTOS, system=system, angles=angles)) is not None
            except Rejected as error:
                assert str(error)
        try:
            words(read_mrk(prefix + data, FLIGHT))
        except Rejected as error:
            assert str(error)


LINES = st.lists(
    st.lists(
        st.sampled_from(
            ["46.5", "6,5", "NaN", "1e999", "-", "", "IMG_3166.JPG", '"', "name", "lat", "٣", "0.02"]
        )
        | st.text(max_size=4),
        max_size=10,
    ).flatmap(
        lambda parts: st.sampled_from([",", ";", "\t", " "]).map(lambda separator: separator.join(parts))
    ),
    max_size=8,
)


@settings(deadline=None)
@given(LINES, st.integers(0, 8), st.sampled_from([PIX4D, PIX4D + ",0.02,0.04", PIX4D.replace(",", "\t")]))
def test_a_good_line_among_any_others_counts(others: list[str], place: int, good: str) -> None:
    """Where the first lines do not change what the columns or coordinates mean."""
    clean = [f"_{line}".replace("\r", " ").replace("\n", " ").replace("\0", " ") for line in others]
    data = "\n".join([PIX4D.replace("3165", "3166"), *clean[:place], good, *clean[place:]]).encode(
        "utf-8", "replace"
    )
    positions = read_positions(data, PHOTOS)
    found = {stated.image: stated for stated in positions.stated}
    assert (found["DCIM/IMG_3165.JPG"].lat, found["DCIM/IMG_3165.JPG"].lon) == (46.2345612, 6.5611445)
    assert words(positions) is not None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"EPSG:32643\nanything", True),
        (b"# made by hand\nfilename;lat;lon\n", True),
        (b"# filename, x, y, z\nDJI_0001.JPG,1,2,3\n", True),
        (b"DJI_0001.JPG,12.5,77.25\n", False),
        (b"wind from the west\n", False),
        (b"# only a comment", False),
        (b"", False),
        (b"\xff\xd8\xff\x00", False),
    ],
)
def test_what_begins_like_a_list(data: bytes, expected: bool) -> None:
    assert looks_like_list(data) is expected
