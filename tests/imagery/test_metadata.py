from __future__ import annotations

import struct
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldbox.domain import Pose, Stated
from fieldbox.errors import Rejected
from fieldbox.imagery.captures import capture_of
from fieldbox.imagery.metadata import CUT, NO_FOCAL, Metadata, read_metadata
from fieldbox.imagery.poses import NO_DIRECTION, NO_HEIGHT, NO_POSITION, ONLY_SEA_LEVEL
from tests.imagery.photos import (
    DJI_NS,
    FIELDBOX_NS,
    PIX4D_NS,
    SENSEFLY_NS,
    dji_xmp,
    exif_bytes,
    gps_tags,
    jpeg,
    real_data,
    xmp,
)

SENSEFLY = {
    "Heading": "70.06",
    "Height": "66.1",
    "Latitude": "12.5",
    "Longitude": "77.25",
    "PitchAngle": "2.56",
    "RollAngle": "-2.93",
    "AltitudeWGS84": "281.7",
}
PIX4D = {"Yaw": "15.0", "Pitch": "4.0", "Roll": "-3.0", "AboveGroundAltitude": "45.5"}


@pytest.fixture
def read(tmp_path: Path):  # type: ignore[no-untyped-def]
    def reader(data: bytes) -> Metadata:
        path = tmp_path / "photo.jpg"
        path.write_bytes(data)
        return read_metadata(path)

    return reader


def pose_of(metadata: Metadata) -> Pose:
    assert metadata.pose is not None, str(metadata.unplaced)
    assert metadata.unplaced is None
    return metadata.pose


@pytest.mark.parametrize("elements", [False, True])
def test_dji_in_both_forms(read, elements: bool) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(packet=dji_xmp(elements=elements, RelativeAltitude="+39.80")))
    pose = pose_of(metadata)
    assert (pose.lat, pose.lon) == pytest.approx((12.5, 77.25), abs=1e-7)
    assert pose.height_m == 39.8
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx((30, 0, 0), abs=1e-6)
    assert (pose.error_m, pose.height_error_m, pose.yaw_error_deg, pose.tilt_error_deg) == (1.5, 2, 3, 1)
    assert (metadata.make, metadata.model) == ("DJI", "FC6310")
    assert metadata.taken_at == datetime(2026, 6, 1, 10, 0, 0)
    assert not metadata.simulated


def test_a_gimbal_past_its_pole_turns_the_yaw(read) -> None:  # type: ignore[no-untyped-def]
    pose = pose_of(read(jpeg(packet=dji_xmp(GimbalRollDegree="+180.00", GimbalYawDegree="-150.00"))))
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx((30, 0, 0), abs=1e-6)


RTK = {"RtkFlag": "50", "RtkStdLat": "0.03", "RtkStdLon": "0.04", "RtkStdHgt": "0.001"}


def test_rtk_makes_places_better_and_nothing_else(read) -> None:  # type: ignore[no-untyped-def]
    """RtkStdHgt belongs to AbsoluteAltitude, and no receiver mends a gimbal."""
    pose = pose_of(read(jpeg(packet=dji_xmp(**RTK))))
    assert pose.error_m == pytest.approx(0.03536, abs=1e-4)
    assert (pose.height_error_m, pose.yaw_error_deg, pose.tilt_error_deg) == (2.0, 3.0, 1.0)
    exact = {**RTK, "RtkStdLat": "0.001", "RtkStdLon": "0.001"}
    assert pose_of(read(jpeg(packet=dji_xmp(**exact)))).error_m == 0.02
    silent = {"RtkFlag": "50"}
    assert pose_of(read(jpeg(packet=dji_xmp(**silent)))).error_m == 0.05


@pytest.mark.parametrize(("stated", "error"), [("0.03", 0.4), ("0.9", 0.9)])
def test_a_float_solution_is_never_better_than_its_floor(read, stated: str, error: float) -> None:  # type: ignore[no-untyped-def]
    tags = {"RtkFlag": "34", "RtkStdLat": stated, "RtkStdLon": stated}
    assert pose_of(read(jpeg(packet=dji_xmp(**tags)))).error_m == pytest.approx(error)
    assert pose_of(read(jpeg(packet=dji_xmp(**{**tags, "RtkFlag": "16"})))).error_m == 1.5


@pytest.mark.parametrize("longitude", ["GpsLongitude", "GpsLongtitude", "GPSLongitude"])
def test_xmp_position_is_finer(read, longitude: str) -> None:  # type: ignore[no-untyped-def]
    packet = dji_xmp(**{"GpsLatitude": "+12.50000789", longitude: "+77.25000123"})
    assert (pose_of(read(jpeg(packet=packet))).lat) == 12.50000789


def test_a_position_far_from_exifs_is_not_believed(read) -> None:  # type: ignore[no-untyped-def]
    packet = dji_xmp(GpsLatitude="12.6", GpsLongitude="77.25")
    assert pose_of(read(jpeg(packet=packet))).lat == pytest.approx(12.5)


def test_sensefly_attitude_is_that_of_the_aircraft(read) -> None:  # type: ignore[no-untyped-def]
    pose = pose_of(
        read(
            jpeg(
                exif=exif_bytes(shot={0x920A: 4.3, 0xA20E: 1600.0, 0xA210: 3}),
                packet=xmp(SENSEFLY_NS, "sensefly", SENSEFLY, elements=True),
            )
        )
    )
    assert (pose.height_m, pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == (66.1, 70.06, 2.56, -2.93)
    assert (pose.error_m, pose.height_error_m, pose.yaw_error_deg, pose.tilt_error_deg) == (3, 5, 8, 5)


def test_pix4d_tags(read) -> None:  # type: ignore[no-untyped-def]
    exif = exif_bytes(base={0x010F: "Parrot"}, shot={0xA405: 30})
    pose = pose_of(read(jpeg(exif=exif, packet=xmp(PIX4D_NS, "Camera", PIX4D, elements=True))))
    assert (pose.height_m, pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == (45.5, 15, 4, -3)
    accurate = {**PIX4D, "GPSXYAccuracy": "0.03", "GPSZAccuracy": "0.05"}
    pose = pose_of(read(jpeg(exif=exif, packet=xmp(PIX4D_NS, "Camera", accurate))))
    assert (pose.error_m, pose.height_error_m) == (0.03, 0.05)


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (dji_xmp(without=("RelativeAltitude",)), ONLY_SEA_LEVEL),
        (dji_xmp(RelativeAltitude="nan"), ONLY_SEA_LEVEL),
        (dji_xmp(without=("RelativeAltitude", "AbsoluteAltitude")), NO_HEIGHT),
        (dji_xmp(without=("GimbalYawDegree",)), NO_DIRECTION),
        (dji_xmp(GimbalPitchDegree="down"), NO_DIRECTION),
        (dji_xmp(without=("GimbalRollDegree",), FlightYawDegree="10"), NO_DIRECTION),
        (xmp(PIX4D_NS, "Camera", {"AboveGroundAltitude": "40"}), NO_DIRECTION),
        (None, NO_HEIGHT),
        (b"<not xml", NO_HEIGHT),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', NO_HEIGHT),
    ],
)
def test_nothing_is_guessed(read, packet: bytes | None, reason: object) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(packet=packet, exif=exif_bytes(gps={16: "T", 17: 45.0})))
    assert metadata.pose is None
    assert metadata.unplaced == reason
    assert metadata.lat == pytest.approx(12.5)


def test_a_height_above_the_sea_is_none_above_the_ground(read) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(exif=exif_bytes(gps={5: b"\x01", 6: 12.5})))
    assert metadata.unplaced == ONLY_SEA_LEVEL
    assert metadata.stated == Stated(None, -12.5, None, None, None, 3.0, 5.0, 8.0, 5.0)


def test_what_is_stated_is_kept_whether_the_pose_is_whole_or_not(read) -> None:  # type: ignore[no-untyped-def]
    whole = read(jpeg(packet=dji_xmp())).stated
    assert (whole.height_m, whole.altitude_m) == (10.0, 210.0)
    lost = read(jpeg(exif=exif_bytes(place=None), packet=dji_xmp())).stated
    assert (lost.height_m, lost.altitude_m) == (10.0, 210.0)
    assert (lost.yaw_deg, lost.pitch_deg, lost.roll_deg) == pytest.approx((30, 0, 0), abs=1e-6)
    assert (lost.error_m, lost.height_error_m, lost.yaw_error_deg, lost.tilt_error_deg) == (1.5, 2, 3, 1)
    turned = read(jpeg(packet=dji_xmp(without=("GimbalYawDegree",)))).stated
    assert (turned.height_m, turned.yaw_deg, turned.pitch_deg, turned.roll_deg) == (10.0, None, None, None)
    assert read(jpeg(packet=dji_xmp(RelativeAltitude="-3.2"))).stated.height_m == -3.2


@pytest.mark.parametrize(
    ("exif", "packet"),
    [
        (exif_bytes(), dji_xmp(GimbalPitchDegree="-10")),
        (exif_bytes(place=None), dji_xmp(GimbalPitchDegree="-10")),
        (exif_bytes(place=None, base={0x0131: "Picasa"}), dji_xmp()),
        (exif_bytes(), dji_xmp(without=("CalibratedFocalLength",))),
    ],
)
def test_nothing_is_kept_of_what_cannot_be_mapped(read, exif: bytes, packet: bytes) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(exif=exif, packet=packet))
    assert (metadata.pose, metadata.stated) == (None, None)
    assert metadata.unplaced is not None


@pytest.mark.parametrize("height", ["0.00", "-3.20", "+9000"])
def test_heights_that_cannot_be_right(read, height: str) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(packet=dji_xmp(RelativeAltitude=height)))
    assert metadata.pose is None
    assert "cannot be right: take off from the field's own level" in str(metadata.unplaced)


@pytest.mark.parametrize("pitch", ["-20.0", "+0.00", "+30"])
def test_a_camera_that_looks_at_the_horizon_has_no_pose(read, pitch: str) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(packet=dji_xmp(GimbalPitchDegree=pitch)))
    assert metadata.pose is None
    assert "horizon" in str(metadata.unplaced)


@pytest.mark.parametrize(
    "exif",
    [
        exif_bytes(place=None),
        exif_bytes(place=(0.0, 0.0)),
        exif_bytes(place=None, gps={2: (12.0, 30.0, 0.0), 4: (77.0, 15.0, 0.0)}),  # no hemisphere
        exif_bytes(place=(12.0, 77.0)).replace(struct.pack("<2L", 12, 1), struct.pack("<2L", 12, 0)),
        exif_bytes(place=None, gps={**gps_tags(12, 77), 2: (12.0, 99.0, 0.0)}),
        exif_bytes(place=None, gps={**gps_tags(12, 77), 4: (181.0, 0.0, 0.0)}),
        exif_bytes(place=None, gps={**gps_tags(12, 77), 4: (12.0,)}),
        None,
        b"Exif\x00\x00II*\x00\xff\xff\xff\xff",
        b"Exif\x00\x00" + b"\xff" * 400,
    ],
)
def test_without_a_position_there_is_no_pose(read, exif: bytes | None) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(exif=exif, packet=dji_xmp()))
    assert (metadata.pose, metadata.lat, metadata.lon) == (None, None, None)
    assert metadata.unplaced == NO_POSITION


def test_southern_and_western_positions(read) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(exif=exif_bytes(place=(-33.25, -70.125)), packet=dji_xmp()))
    assert (metadata.lat, metadata.lon) == pytest.approx((-33.25, -70.125), abs=1e-7)


def test_without_a_focal_length_there_is_no_pose(read) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(packet=dji_xmp(without=("CalibratedFocalLength",))))
    assert (metadata.pose, metadata.camera, metadata.unplaced) == (None, None, NO_FOCAL)


def test_a_photo_turned_or_cut_afterwards_has_no_pose(read) -> None:  # type: ignore[no-untyped-def]
    viewer = exif_bytes(base={0x0131: "Microsoft Windows Photo Viewer 10.0.10240.16384"})
    assert "turned with Microsoft" in str(read(jpeg(exif=viewer, packet=dji_xmp())).unplaced)
    turned = exif_bytes(shot={0xA002: 256, 0xA003: 320})
    assert read(jpeg(exif=turned, packet=dji_xmp())).unplaced == CUT


def test_time_with_fractions_and_without_sense(read) -> None:  # type: ignore[no-untyped-def]
    assert read(jpeg(exif=exif_bytes(shot={0x9291: "25"}))).taken_at == datetime(
        2026, 6, 1, 10, 0, 0, 250_000
    )
    assert read(jpeg(exif=exif_bytes(taken="0000:00:00 00:00:00"))).taken_at is None
    assert read(jpeg(exif=exif_bytes(taken=None))).taken_at is None


def test_a_simulated_photo_says_so(read) -> None:  # type: ignore[no-untyped-def]
    assert read(jpeg(packet=xmp(FIELDBOX_NS, "fieldbox", {"Simulated": "true"}))).simulated
    assert read(jpeg(exif=exif_bytes(base={0x0131: "fieldbox simulate 0.1"}))).simulated


@pytest.mark.parametrize(
    ("namespace", "prefix", "tags", "height"),
    [
        ("http://www.autelrobotics.com/drone/1.0/", "drone", "Gimbal{}Degree", 40.1),
        ("http://www.parrot.com/drone-parrot/1.0/", "drone-parrot", "Camera{}Degree", None),
    ],
)
def test_other_makers_gimbals(  # type: ignore[no-untyped-def]
    read, namespace: str, prefix: str, tags: str, height: float | None
) -> None:
    told = {tags.format("Yaw"): "12.0", tags.format("Pitch"): "-85.0", tags.format("Roll"): "0.0"}
    told |= {} if height is None else {"RelativeAltitude": f"+{height}"}
    packet = xmp(namespace, prefix, told, elements=height is None)
    stated = read(jpeg(exif=exif_bytes(shot={0xA405: 24}), packet=packet)).stated
    assert (stated.height_m, stated.yaw_deg) == (height, pytest.approx(12.0))
    assert (stated.pitch_deg, stated.roll_deg) == pytest.approx((5.0, 0.0), abs=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        "<s:O rdf:parseType='Resource'><s:Roll>0</s:Roll><s:Pitch>-84.0</s:Pitch><s:Yaw>146.5</s:Yaw></s:O>",
        "<s:O><rdf:Description s:Roll='0' s:Pitch='-84.0' s:Yaw='146.5'/></s:O>",
        "<s:O s:Roll='0' s:Pitch='-84.0' s:Yaw='146.5'/>",
    ],
)
def test_structures(read, form: str) -> None:  # type: ignore[no-untyped-def]
    other = form.replace("O", "CameraOrientationFLU").replace("-84.0", "84.0")
    told = (
        other
        + form.replace("s:O", "s:CameraOrientationNED")
        + "<s:RelativeAltitude>40.1</s:RelativeAltitude>"
    )
    packet = (
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description"
        f" xmlns:s='https://www.skydio.com/drone-skydio/1.0/'>{told}</rdf:Description></rdf:RDF>"
    )
    stated = read(jpeg(exif=exif_bytes(shot={0xA405: 24}), packet=packet.encode())).stated
    assert (stated.height_m, stated.yaw_deg, stated.pitch_deg) == pytest.approx((40.1, 146.5, 6.0))


@pytest.mark.parametrize(
    "segments", [[(0xE1, b"FLIR\x00\x01\x00\x01" + bytes(100))], [(0xE3, bytes(60_000))] * 4]
)
def test_the_numbers_of_a_thermal_camera_are_told(read, segments: list[tuple[int, bytes]]) -> None:  # type: ignore[no-untyped-def]
    def with_segments(parts: list[tuple[int, bytes]]) -> bytes:
        data = jpeg(packet=dji_xmp())
        inner = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in parts)
        return data[:2] + inner + data[2:]

    with pytest.raises(Rejected, match="thermal"):
        read(with_segments(segments))
    preview = [(0xE3, b"\xff\xd8" + bytes(60_000)), *segments[1:2]]
    assert read(with_segments(preview)).pose is not None


@pytest.mark.parametrize("taken", ["2026-06-01 10:00:00", "2026:06:01T10:00:00", "2026:06:01 10:00:00+05:30"])
def test_other_forms_of_a_time(read, taken: str) -> None:  # type: ignore[no-untyped-def]
    assert read(jpeg(exif=exif_bytes(taken=taken))).taken_at == datetime(2026, 6, 1, 10)


def test_a_thermal_picture_is_rejected(read) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Rejected, match="thermal"):
        read(jpeg(packet=xmp(DJI_NS, "drone-dji", {"ImageSource": "InfraredCamera"})))


def test_a_capture_carries_it_all(read) -> None:  # type: ignore[no-untyped-def]
    metadata = read(jpeg(packet=dji_xmp()))
    capture = capture_of("ab" * 32, "100MEDIA/a.jpg", 1234, metadata)
    assert (capture.pose, capture.camera) == (metadata.pose, metadata.camera)
    assert (capture.name, capture.size, capture.unplaced) == ("100MEDIA/a.jpg", 1234, None)
    lost = read(jpeg(exif=exif_bytes(place=None), packet=dji_xmp()))
    assert capture_of("cd" * 32, "b.jpg", 1, lost).stated == lost.stated is not None


PHOTO = jpeg(exif=exif_bytes(shot={0x920A: 4.3, 0xA20E: 1600.0, 0xA210: 3}), packet=dji_xmp())
METADATA_END = PHOTO.index(b"\xff\xdb")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(2, METADATA_END), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_metadata_is_never_a_traceback(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(PHOTO)
    for place, value in changes:
        damaged[place] = value
    path = tmp_path / "damaged.jpg"
    path.write_bytes(damaged)
    try:
        metadata = read_metadata(path)
    except Rejected as refusal:
        assert str(refusal)
    else:
        assert (metadata.pose is None) == (metadata.unplaced is not None)
        assert metadata.pose is None or metadata.stated is not None


@pytest.mark.shared
def test_the_real_flights_are_placed() -> None:
    flights = real_data() / "flights"
    seneca = [read_metadata(path) for path in sorted((flights / "seneca").glob("*.jpg"))]
    brighton = [read_metadata(path) for path in sorted((flights / "brighton").glob("*.JPG"))]
    assert len(seneca) == 24
    assert len(brighton) == 8
    assert all(60 < pose_of(metadata).height_m < 80 for metadata in seneca)
    assert {pose_of(metadata).height_error_m for metadata in seneca} == {5.0}
    assert all(39 < pose_of(metadata).height_m < 41 for metadata in brighton[:6])
    assert [round(pose_of(metadata).yaw_deg) for metadata in brighton[:6]] == [45, 43, 44, 45, 45, 44]
    assert all("turned with Microsoft Windows" in str(metadata.unplaced) for metadata in brighton[6:])
    widths = {(m.width, round(m.camera.focal_px / m.width, 3)) for m in seneca if m.camera}
    assert widths == {(3240, 0.694), (3600, 0.694)}  # made smaller, the same lens


@pytest.mark.shared
def test_real_bad_files_give_one_sentence_each() -> None:
    for path in sorted((real_data() / "badfiles").iterdir()):
        try:
            assert read_metadata(path).unplaced == NO_POSITION, path.name
        except Rejected as refusal:
            assert str(refusal).endswith("."), path.name
