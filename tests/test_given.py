"""What lists and neighbours make of a flight's photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fieldbox.domain import Camera, Capture, Flight, Pose, SideFile, SideKind, Stated
from fieldbox.given import Given, given_of
from fieldbox.imagery.metadata import NO_FOCAL
from fieldbox.imagery.poses import NO_DIRECTION, NO_POSITION, ONLY_SEA_LEVEL

LAT, LON, LISTED_LON = 18.56, 74.24, 74.240001
STEP = 1e-4
"""11 m to the north."""
CAMERA = Camera("DJI", "FC6310", 5472, 3648, 3650.5, 2735.5, 1823.5)
START = datetime(2026, 6, 1, 10, 0, 0)
STATED = Stated(40.0, 560.0, 10.0, 0.0, 0.0, 1.5, 2.0, 3.0, 1.0)


def photo(number: int) -> Capture:
    """One of a line that goes north, two seconds apart, with a plain GPS."""
    lat = LAT + number * STEP
    pose = Pose(lat, LON, 40.0, 10.0, 0.0, 0.0, 1.5, 2.0, 3.0, 1.0)
    taken = START + timedelta(seconds=2 * number)
    return Capture(f"{number:064x}", f"100MEDIA/DJI_{number:04d}.JPG", 1, taken, lat, LON, CAMERA, pose, None)


def lost(number: int, stated: Stated | None = STATED) -> Capture:
    """The same without its GPS."""
    return replace(photo(number), lat=None, lon=None, pose=None, unplaced=NO_POSITION, stated=stated)


def side(
    text: str,
    captures: Sequence[Capture],
    kind: SideKind = SideKind.POSITIONS,
    name: str = "geo.txt",
    system: str | None = None,
) -> SideFile:
    names = {one.digest: one.name for one in captures}
    return SideFile(name, name, kind, system, text.encode(), names)


def given(captures: Sequence[Capture], *files: SideFile) -> Given:
    return given_of(Flight("flight", 1, None, None, tuple(captures)), files)


def said(found: Given) -> str:
    return "\n".join(str(sentence) for sentence in found.sentences)


def line(number: int, *more: object, lat: float = 0.0) -> str:
    """Of a `geo.txt`, some centimetres beside the photo's own GPS."""
    place = f"{LISTED_LON:.8f} {LAT + number * STEP + lat:.8f}"
    return " ".join([f"DJI_{number:04d}.JPG", place, *map(str, more)])


ACCURATE = (560.0, 0, 0, 0, 0.03, 0.05)
"""Height, no angles, accuracies."""


def odm(*lines: str) -> str:
    return "\n".join(("EPSG:4326", *lines))


def test_nothing_given_changes_nothing() -> None:
    captures = [photo(n) for n in range(3)]
    found = given(captures)
    assert found.flight.captures == tuple(captures)
    assert (found.control, found.sentences, found.poses_key, found.control_key) == (None, (), "", "")
    assert found.poses == {one.digest: one.pose for one in captures}


def test_a_list_gives_the_place_and_leaves_the_rest() -> None:
    captures = [photo(n) for n in range(3)]
    found = given(captures, side(odm(line(0, *ACCURATE), line(2, *ACCURATE)), captures))
    first, second, third = (one.pose for one in found.flight.captures)
    assert first == replace(captures[0].pose, lon=LISTED_LON, error_m=0.03)
    assert second == captures[1].pose
    assert third is not None
    assert third.error_m == 0.03
    assert said(found) == "Photos whose positions the list geo.txt gives: 2."
    again = given(captures, side(odm(line(0, *ACCURATE), line(2, *ACCURATE)), captures))
    assert again.poses_key == found.poses_key != ""


def test_an_unstated_accuracy_is_no_better_than_the_gps() -> None:
    captures = [photo(0), photo(1)]
    found = given(captures, side(odm(line(0)), captures))
    assert found.flight.captures[0].pose == replace(captures[0].pose, lon=LISTED_LON)
    assert "does not say how exact its positions are" in said(found)


def test_an_unstated_accuracy_of_photos_without_gps_is_not_compared_with_what_they_have_not() -> None:
    captures = [lost(0), lost(1)]
    found = given(captures, side(odm(line(0), line(1)), captures))
    assert [one.pose.error_m for one in found.flight.captures if one.pose] == [STATED.error_m] * 2
    assert f"those of photos without GPS count as good to {STATED.error_m} m" in said(found)
    assert "own GPS" not in said(found)
    mixed = [photo(0), lost(1)]
    both = said(given(mixed, side(odm(line(0), line(1)), mixed)))
    assert "the photos' own GPS" in both and "those of photos without GPS" in both


def test_a_list_worse_than_the_gps_is_not_used() -> None:
    captures = [photo(0), photo(1)]
    found = given(captures, side(odm(line(0, 560, 0, 0, 0, 4.0, 4.0), line(1, *ACCURATE)), captures))
    assert found.flight.captures[0].pose == captures[0].pose
    assert "since the list geo.txt is less exact: 1." in said(found)


def test_a_later_list_counts_more() -> None:
    captures = [photo(0), photo(1)]
    later = side(odm(line(0, *ACCURATE, lat=1e-6)), captures, name="new.txt")
    earlier = side(odm(line(0, *ACCURATE), line(1, *ACCURATE)), captures)
    found = given(captures, later, earlier)
    first, second = (one.pose for one in found.flight.captures)
    assert first is not None
    assert first.lat == pytest.approx(LAT + 1e-6, abs=1e-9)
    assert second is not None
    assert second.error_m == 0.03


def test_a_list_that_contradicts_the_gps_is_left_out() -> None:
    captures = [photo(0), photo(1)]
    text = "\n".join(f"DJI_{n:04d}.JPG,{LON},{LAT}" for n in range(2))  # latitude goes first
    found = given(captures, side(text, captures, name="swapped.csv"))
    assert found.flight.captures == tuple(captures)
    assert "from where their own GPS does" in said(found)
    assert "For this reason the list swapped.csv is not used." in said(found)
    assert found.poses_key == ""


def test_directions_of_a_list_are_used_where_they_are_those_of_the_photos() -> None:
    captures = [photo(0), photo(1)]
    turned = side(odm(*(line(n, 560, 13, 1, -1, 0.03, 0.05) for n in range(2))), captures)
    found = given(captures, turned)
    pose = found.flight.captures[0].pose
    assert pose is not None
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx((13, 1, -1))
    assert (pose.yaw_error_deg, pose.tilt_error_deg) == (3.0, 1.0)
    gimbal = side(odm(*(line(n, 560, 10, -90, 0, 0.03, 0.05) for n in range(2))), captures)
    found = given(captures, gimbal)
    assert found.flight.captures[0].pose == replace(captures[0].pose, lon=LISTED_LON, error_m=0.03)
    assert "directions in the list geo.txt are not those" in said(found)


def test_photos_without_gps_are_placed_by_a_list() -> None:
    captures = [lost(n) for n in range(3)]
    found = given(captures, side(odm(*(line(n, *ACCURATE) for n in range(3))), captures))
    pose = found.flight.captures[1].pose
    assert pose == Pose(LAT + STEP, LISTED_LON, 40.0, 10.0, 0.0, 0.0, 0.03, 2.0, 3.0, 1.0)
    assert all(one.unplaced is None for one in found.flight.captures)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        (replace(STATED, height_m=None), ONLY_SEA_LEVEL),
        (replace(STATED, yaw_deg=None, pitch_deg=None, roll_deg=None), NO_DIRECTION),
        (None, NO_POSITION),
    ],
)
def test_what_a_listed_photo_still_lacks_is_said(stated: Stated | None, reason: object) -> None:
    captures = [lost(0, stated), photo(1)]
    found = given(captures, side(odm(line(0, *ACCURATE)), captures)).flight.captures[0]
    assert (found.pose, found.unplaced) == (None, reason)
    cut = [replace(lost(0), camera=None), photo(1)]
    found = given(cut, side(odm(line(0, *ACCURATE)), cut)).flight.captures[0]
    assert (found.pose, found.unplaced) == (None, NO_FOCAL)


def test_a_list_may_give_the_direction_that_the_tags_lack() -> None:
    bare = lost(0, replace(STATED, yaw_deg=None, pitch_deg=None, roll_deg=None))
    found = given([bare], side(odm(line(0, 560, 45, 1, 2, 0.03, 0.05)), [bare])).flight.captures[0]
    assert found.pose is not None
    assert (found.pose.yaw_deg, found.pose.pitch_deg, found.pose.roll_deg) == pytest.approx((45, 1, 2))


def test_a_photo_without_gps_is_placed_between_its_neighbours() -> None:
    captures = [photo(0), photo(1), lost(2), lost(3), photo(4)]
    found = given(captures)
    second, third = found.flight.captures[2].pose, found.flight.captures[3].pose
    assert second is not None
    assert third is not None
    assert (second.lat, third.lat) == pytest.approx((LAT + 2 * STEP, LAT + 3 * STEP), abs=1e-9)
    assert second.error_m == pytest.approx(3 * 11.13 / 2, abs=0.1)  # half of the way between 1 and 4
    assert second.height_m == 40.0
    assert "placed between those taken before and after them: 2." in said(found)
    assert "good to 16.7 m" in said(found)
    assert found.poses_key


@pytest.mark.parametrize(
    "captures",
    [
        [lost(0), photo(1), photo(2)],  # nothing before it
        [photo(0), photo(1), lost(2)],
        [photo(0), replace(lost(1), taken_at=None), photo(2)],
        [photo(0), lost(8), photo(16)],  # 16 s away from both
        [photo(0), lost(1, replace(STATED, yaw_deg=190.0)), photo(2)],  # of the next line
        [photo(0), lost(1, replace(STATED, height_m=0.0)), photo(2)],
        [photo(0), lost(1, None), photo(2)],
        [lost(0), lost(1)],
    ],
)
def test_no_place_is_made_up(captures: list[Capture]) -> None:
    found = given(captures)
    assert found.flight.captures == tuple(captures)
    assert found.sentences == ()


def test_a_photo_whose_gps_is_known_is_not_moved_between_others() -> None:
    """It lacks something else, which no neighbour can tell."""
    flat = replace(photo(1), pose=None, unplaced=NO_DIRECTION, stated=replace(STATED, yaw_deg=None))
    assert given([photo(0), flat, photo(2)]).flight.captures[1] == flat


def test_mrk() -> None:
    captures = [photo(1), photo(2)]
    text = (
        "1\t400373.488877\t[2264]\t  -40,N\t    0,E\t   86,V\t"
        f"{LAT + STEP + 1e-6:.8f},Lat\t{LON:.8f},Lon\t359.494,Ellh\t0.0118, 0.0094, 0.0223\t50,Q\n"
    )
    found = given(captures, side(text, captures, SideKind.MRK, "x_Timestamp.MRK"))
    pose = found.flight.captures[0].pose
    assert pose is not None
    assert (pose.lat, pose.error_m, pose.height_error_m) == (pytest.approx(LAT + STEP + 1e-6), 0.02, 2.0)
    assert said(found) == ""
    ppk = side(odm(line(1, *ACCURATE)), captures)
    both = given(captures, side(text, captures, SideKind.MRK, "x_Timestamp.MRK"), ppk)
    assert (
        both.flight.captures == given(captures, ppk).flight.captures
    )  # somebody's list, though it came earlier


GCP = "\n".join(
    [
        "EPSG:4326",
        f"{LON} {LAT} 548.1 100 200 DJI_0000.JPG a",
        f"{LON} {LAT} 548.1 110 900 DJI_0001.JPG a",
        f"{LON} {LAT + STEP} 548.4 120 220 DJI_0001.JPG b",
        f"{LON} {LAT + STEP} 548.4 120 22000 DJI_0000.JPG b",
        f"{LON} {LAT + STEP} 548.4 120 220 DJI_0002.JPG b",
    ]
)


def test_control_names_photos_by_their_digests() -> None:
    captures = [photo(0), photo(1), lost(2, None)]
    found = given(captures, side(GCP, captures, SideKind.CONTROL, "gcp_list.txt"))
    assert found.control is not None
    assert [point.name for point in found.control.points] == ["a", "b"]
    marks = [(mark.point, mark.image) for mark in found.control.marks]
    assert marks == [("a", captures[0].digest), ("a", captures[1].digest), ("b", captures[1].digest)]
    assert "Control points of the list gcp_list.txt: 2. Photos that they are marked in: 2." in said(found)
    assert "Lines of the list gcp_list.txt that are not used: 1 (the first is line 5)." in said(found)
    assert found.control_key
    assert found.poses_key == ""
    moved = side(GCP.replace("110 900", "110 901"), captures, SideKind.CONTROL)
    assert given(captures, moved).control_key != found.control_key


def test_control_far_away_is_left_out_and_an_earlier_list_used() -> None:
    captures = [photo(0), photo(1)]
    far = side(GCP.replace(f"{LON} {LAT}", f"{LON} {LAT + 1}"), captures, SideKind.CONTROL, "far.txt")
    near = side(GCP, captures, SideKind.CONTROL, "near.txt")
    found = given(captures, replace(far, data=far.data.replace(str(LAT + STEP).encode(), b"19.6")), near)
    assert found.control is not None
    assert "The nearest control point lies" in said(found)
    assert "the list far.txt is not used" in said(found)
    assert "Control points of the list near.txt: " in said(found)


def test_lists_that_cannot_be_read_any_more_are_said() -> None:
    captures = [photo(0)]
    found = given(
        captures,
        side("EPSG:1", captures, SideKind.CONTROL, "gcp_list.txt"),
        side("", captures, name="geo.txt"),
    )
    assert found.flight.captures == tuple(captures)
    assert "the list gcp_list.txt is not used" in said(found)
    assert "the list geo.txt is not used" in said(found)


def test_a_list_that_does_not_say_how_exact_it_is_leaves_rtk_positions() -> None:
    plain = photo(1)
    assert plain.pose
    fixed = replace(photo(2), pose=replace(plain.pose, lat=LAT + 2 * STEP, error_m=0.02))
    file = side("\n".join(["EPSG:4326", line(1), line(2)]), [plain, fixed])
    found = given([plain, fixed], file)
    first, second = (one.pose for one in found.flight.captures)
    assert first
    assert first.lon == LISTED_LON
    assert second == fixed.pose
    assert "less exact: 1" in said(found)


def test_of_two_lists_of_control_points_the_earlier_is_told() -> None:
    photos = [photo(1), photo(2)]
    texts = [
        "\n".join(
            ["EPSG:4326", *(f"{LON} {LAT + STEP} 548 {100 + shift} 200 DJI_000{k}.JPG a" for k in (1, 2))]
        )
        for shift in (0, 5)
    ]
    later, earlier = (
        side(text, photos, SideKind.CONTROL, f"{name}/gcp_list.txt")
        for text, name in zip(texts, "BA", strict=True)
    )
    found = given(photos, later, earlier)
    assert found.control and found.control.marks[0].x == 100
    assert "A/gcp_list.txt are not used: the list B/gcp_list.txt came later" in said(found)


def test_single_wrong_lines_of_a_list_are_not_used() -> None:
    photos = [photo(number) for number in range(1, 7)]
    lines = [
        line(number, 548, 0, 0, 0, 0.02, 0.03, lat=6e-4 if number in (2, 5) else 0.0)
        for number in range(1, 7)
    ]
    found = given(photos, side("\n".join(["EPSG:4326", *lines]), photos))
    poses = [one.pose for one in found.flight.captures]
    assert [bool(pose and pose.lon == LISTED_LON) for pose in poses] == [True, False, True, True, False, True]
    assert poses[1] == photos[1].pose
    assert "far from its own GPS, though the other lines do not: 2 (of 100MEDIA/DJI_0002.JPG" in said(found)
    assert "list geo.txt gives: 4" in said(found)
