"""Reading `gcp_list.txt`: its forms, its mistakes, and bytes of any kind."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldbox.errors import Rejected
from fieldbox.georef.control import Control, Mark, Size, read_control
from fieldbox.georef.textfile import MAX_BYTES, MAX_LINES

PHOTOS: dict[str, Size | None] = {
    "DCIM/100MEDIA/DJI_0001.JPG": Size(5472, 3648),
    "DCIM/100MEDIA/DJI_0002.JPG": Size(5472, 3648),
    "DCIM/101MEDIA/DJI_0002.JPG": None,
    "field photo 3.jpg": None,
}
GOOD = "500000.0 3000000.0 210.5 1000 2000 DJI_0001.JPG gcp01"
"""27.12247 N, 75 E in zone 43N."""


def read(*lines: str, end: str = "\n") -> Control:
    return read_control(end.join(("EPSG:32643", *lines)).encode(), PHOTOS)


def sentences(control: Control) -> str:
    return "\n".join(str(sentence) for sentence in (*control.problems, *control.notes))


def test_a_point_in_two_photos() -> None:
    control = read(
        GOOD,
        "500000.0 3000000.0 210.5 30.5 40.25 100media/dji_0002.jpg gcp01 extra words",
    )
    (point,) = control.points
    assert (point.name, point.system, point.x, point.y) == ("gcp01", "EPSG:32643", 500_000.0, 3_000_000.0)
    assert (point.lat, point.lon) == pytest.approx((27.12246965, 75.0), abs=1e-7)
    assert (point.up_m, point.shift_error_m) == (210.5, 0.0)
    assert control.marks == (
        Mark("gcp01", "DCIM/100MEDIA/DJI_0001.JPG", 1000.0, 2000.0),
        Mark("gcp01", "DCIM/100MEDIA/DJI_0002.JPG", 30.5, 40.25),
    )
    assert control.problems == ()
    assert "use at least 3" in sentences(control)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_what_editors_make_of_it(end: str, encoding: str) -> None:
    text = end.join(
        ("# Größe: gemessen am 3.", "WGS84 UTM 43N", "", "  " + GOOD.replace(" ", "\t") + " ", "")
    )
    control = read_control(text.encode(encoding), PHOTOS)
    assert [point.name for point in control.points] == ["gcp01"]
    assert control.problems == ()


def test_heights_may_be_missing() -> None:
    control = read(GOOD.replace("210.5", "NaN"))
    assert control.points[0].up_m is None
    assert len(control.marks) == 1


def test_tabs_keep_names_with_spaces_and_names_need_no_extension() -> None:
    control = read("500000\t3000000\t1\t2\t3\tfield photo 3.jpg\tfar corner", "500000 3000000 1 2 3 dji_0001")
    assert [mark.image for mark in control.marks] == ["field photo 3.jpg", "DCIM/100MEDIA/DJI_0001.JPG"]
    assert [mark.point for mark in control.marks] == ["far corner", "far corner"]


def test_points_without_names_are_those_with_the_same_coordinates() -> None:
    control = read(
        "500000 3000000 1 10 20 DJI_0001.JPG",
        "500010 3000000 1 10 20 DJI_0001.JPG",
        "500000 3000000 1 30 40 100MEDIA/DJI_0002.JPG",
        "500010 3000000 1 50 60 101MEDIA/DJI_0002.JPG #1",
    )
    assert [point.name for point in control.points] == ["#2", "#1"]
    assert [mark.point for mark in control.marks] == ["#2", "#1", "#2", "#1"]


def test_each_mistake_has_its_line_and_the_others_go_on() -> None:
    control = read(
        "gcp02 500000 3000000 1",  # 2: the form without pixels
        "3000000 500000 1 10 20 DJI_0001.JPG swapped",  # 3
        "500000 3000000 1 10 20 DJI_0009.JPG gcp03",  # 4
        "500000 3000000 1 10 20 DJI_0002.JPG gcp04",  # 5: in two folders
        "500000 3000000 1 5472 20 DJI_0001.JPG gcp05",  # 6: outside
        "500000 3000000 1 -3 20 field_photo_3.jpg gcp05",  # 7: no such photo
        "500000 3000000 1 inf 20 DJI_0001.JPG gcp06",  # 8
        GOOD,  # 9
        GOOD,  # 10: twice
        GOOD.replace("500000.0", "500001.0"),  # 11: elsewhere
        "500000 3000000 x 10 20 DJI_0001.JPG gcp07",  # 12
    )
    assert [problem.params["line"] for problem in control.problems] == [2, 3, 4, 5, 6, 7, 8, 10, 11, 12]
    assert [mark.point for mark in control.marks] == ["gcp01"]
    text = sentences(control)
    assert "Line 3: 3000000.0, 500000.0 is no place where EPSG:32643 is used" in text
    assert "this flight has no photo DJI_0009.JPG" in text
    assert "several photos of this flight are called DJI_0002.JPG" in text
    assert "outside photo DCIM/100MEDIA/DJI_0001.JPG" in text
    assert "has other coordinates than in line 9" in text


def test_three_points_in_two_photos_each_are_no_weakness() -> None:
    lines = [
        f"{500_000 + 10 * n} 3000000 1 10 20 {photo} p{n}"
        for n in range(3)
        for photo in ("DJI_0001.JPG", "100MEDIA\\DJI_0002.JPG")
    ]
    control = read(*lines)
    assert (control.problems, control.notes) == ((), ())
    assert len(control.marks) == 6
    weaker = read(*lines[:-1])
    assert "marked in fewer than 2 photos: 1 (the first is p2)" in sentences(weaker)


def test_what_the_system_costs_is_said() -> None:
    old = read_control(b"EPSG:24343\n500000 3000000 1 2 3 DJI_0001.JPG a", PHOTOS)
    assert old.points[0].shift_error_m == 22.0
    assert "only to within 22.0 m" in sentences(old)
    feet = read_control(b"EPSG:2263\n984250 196850 100 2 3 DJI_0001.JPG a", PHOTOS)
    assert feet.points[0].up_m is None
    assert "does not count in metres" in sentences(feet)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "is empty"),
        (b"# only\n#comments\n\n", "is empty"),
        (GOOD.encode(), "but must name the projection, such as EPSG:32643"),
        (b"EPSG:5773\n" + GOOD.encode(), "says nothing about places"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "no plain text"),
        (b"\xff\xfe\x00\xd8\x00", "no plain text"),
        (b"x" * (MAX_BYTES + 1), "larger than"),
        (b"EPSG:32643\n" + b"a\n" * MAX_LINES, "more than 5000 lines"),
    ],
)
def test_files_that_are_refused(data: bytes, part: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_control(data, PHOTOS)
    assert part in str(caught.value)


def test_lines_made_to_be_slow_are_read_in_good_time() -> None:
    for text in ("(" * 900_000, "+a=" * 300_000, ",Ellh 1,1" * 100_000, "1 " * 450_000, "a/" * 450_000):
        with pytest.raises(Rejected):
            read_control(text.encode(), PHOTOS)
        assert len(read(text).problems) == 1


def test_a_long_list_is_read_in_good_time() -> None:
    lines = [f"{500_000 + n} 3000000 1 2 3 DJI_0001.JPG p{n}" for n in range(MAX_LINES - 1)]
    assert len(read(*lines).marks) == MAX_LINES - 1


WORDS = st.lists(
    st.sampled_from(
        ["500000", "3000000", "NaN", "-1", "1e308", "1e999", ".", "", "DJI_0001.JPG", '"', "#", "٣"]
    )
    | st.text(max_size=5),
    max_size=9,
)


@settings(deadline=None)
@given(st.binary(max_size=300))
@example(b"EPSG:32643\n\x00")
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_read_or_rejected(data: bytes) -> None:
    for prefix in (b"", b"EPSG:32643\n"):
        try:
            control = read_control(prefix + data, PHOTOS)
        except Rejected as error:
            assert str(error)
        else:
            sentences(control)


@settings(deadline=None)
@given(st.lists(WORDS.map(" ".join), max_size=8), st.integers(0, 8))
def test_a_good_line_among_any_others_counts(others: list[str], place: int) -> None:
    """Unless they say the same point or photo first, which the good line's own name rules out here."""
    clean = [
        line.replace("\r", " ").replace("\n", " ").replace("\0", " ").replace("only", "") for line in others
    ]
    lines = [*clean[:place], GOOD.replace("gcp01", "only"), *clean[place:]]
    control = read_control("\n".join(("EPSG:32643", *lines)).encode("utf-8", "replace"), PHOTOS)
    assert Mark("only", "DCIM/100MEDIA/DJI_0001.JPG", 1000.0, 2000.0) in control.marks
    assert sentences(control)


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ("error=0.05", 0.05),
        ("x error=2", 2.0),
        ("error=", None),
        ("error=-1", None),
        ("error=1e9", None),
        ("0.05", None),
    ],
)
def test_a_line_may_state_the_error_of_its_point(extra: str, error: float | None) -> None:
    (point,) = read(f"{GOOD} {extra}").points
    assert point.error95_m == error
