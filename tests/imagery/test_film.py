"""Frames of a video: picked as the ground moves, with the heading that this movement has."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fieldbox.domain import Camera
from fieldbox.errors import Rejected
from fieldbox.imagery.film import (
    NO_FIX,
    NO_FOCAL,
    NO_HEADING,
    NO_HEIGHT,
    NO_TELEMETRY,
    OBLIQUE,
    WITHOUT_TELEMETRY,
    Film,
    Frame,
    Picked,
    Step,
    Track,
    _shift,
    camera_of,
    frames_of,
    read_film,
)
from fieldbox.imagery.lean import Lean
from fieldbox.imagery.srt import Sample
from fieldbox.imagery.video import Video, frame_at, probe, skim, workload

VIDEO = Video(1280, 720, 60.0, datetime(2026, 6, 1, 12), "DJI", "test", simulated=False)
METRES = 111_320.0
FOCAL, HEIGHT_M = 0.8, 20.0
"""Of the camera, in widths of its picture."""


def flown(
    course_deg: float,
    yaw_deg: float,
    *,
    speed_m_s: float = 4.0,
    seconds: float = 40.0,
    step_deg: float = 1e-6,
    hz: float = 1.0,
    **said: object,
) -> tuple[Film, list[Sample]]:
    """A straight flight: what the picture does, and what is written beside it."""
    course, turned = math.radians(course_deg), math.radians(course_deg - yaw_deg)
    moved = speed_m_s * 0.5 / HEIGHT_M * FOCAL
    shift = (-moved * math.sin(turned), moved * math.cos(turned))
    steps = tuple(Step(0.5 * n, shift if n else None) for n in range(round(2 * seconds)))
    samples = []
    for number in range(round(30 * seconds)):
        at = math.floor(number / 30 * hz) / hz * speed_m_s
        lat, lon = (
            18.5 + at * math.cos(course) / METRES,
            74.2 + at * math.sin(course) / METRES / math.cos(math.radians(18.5)),
        )
        told = {"height_m": HEIGHT_M, "focal_35mm": 36 * FOCAL, **said}
        samples.append(
            Sample(
                number / 30,
                datetime(2026, 6, 1, 12) + timedelta(seconds=number / 30),
                lat=round(lat / step_deg) * step_deg,
                lon=round(lon / step_deg) * step_deg,
                step_deg=step_deg,
                **told,  # type: ignore[arg-type]
            )
        )
    picked = tuple(Picked(512 * n, n, b"") for n in range(1, len(steps), 2))
    return Film(VIDEO, steps, picked), samples


def reasons(frames: list[Frame]) -> set[str]:
    return {str(one.unplaced) for one in frames}


def middle(frames: list[Frame]) -> Frame:
    return frames[len(frames) // 2]


@pytest.mark.parametrize("course", [0.0, 77.0, 180.0, 301.0])
@pytest.mark.parametrize("crab", [0.0, 90.0, -135.0])
def test_the_heading_is_that_of_the_picture_against_the_way_flown(course: float, crab: float) -> None:
    film, samples = flown(course, course + crab)
    frame = middle(frames_of(film, samples))
    assert frame.pose
    off = math.remainder(frame.pose.yaw_deg - course - crab, 360)
    assert abs(off) < 1.96 * frame.pose.yaw_error_deg
    assert abs(off) < 2.0
    assert frame.pose.yaw_error_deg < 4.0


def test_positions_are_read_between_those_that_are_told_with_what_that_costs() -> None:
    film, samples = flown(0.0, 0.0)
    for frame in frames_of(film, samples)[2:-4]:
        assert frame.pose
        north = (frame.pose.lat - 18.5) * METRES
        assert north == pytest.approx(4.0 * frame.seconds, abs=0.3)
        # 4 m between two positions, and nothing says when each was right.
        assert frame.pose.error_m == pytest.approx(math.hypot(1.5, 4 / math.sqrt(12)), rel=0.05)


def test_positions_of_four_decimals_are_told_as_that_bad_and_still_give_a_heading_on_a_long_line() -> None:
    film, samples = flown(90.0, 90.0, step_deg=1e-4, seconds=60, speed_m_s=12.0)
    frames = frames_of(film, samples)
    placed = [one for one in frames if one.pose]
    assert placed
    for one in placed:
        assert one.pose
        assert one.pose.error_m > 11.1 / math.sqrt(12)
        assert abs(math.remainder(one.pose.yaw_deg - 90, 360)) < 2 * one.pose.yaw_error_deg
    slow, said = flown(90.0, 90.0, step_deg=1e-4, seconds=20, speed_m_s=0.8)
    assert reasons(frames_of(slow, said)) <= {str(NO_HEADING)}


def test_hovering_gives_no_heading() -> None:
    film, samples = flown(0.0, 0.0, speed_m_s=0.0)
    assert reasons(frames_of(film, samples)) == {str(NO_HEADING)}


def test_a_turn_gives_no_heading_and_the_lines_beside_it_do() -> None:
    film, samples = flown(0.0, 0.0)
    turning = range(30, 40)
    steps = [replace(one, shift=None) if n in turning else one for n, one in enumerate(film.steps)]
    frames = frames_of(replace(film, steps=tuple(steps)), samples)
    for one in frames:
        assert (one.pose is None) == (one.picked.step in turning and one.picked.step + 1 in turning)


@pytest.mark.parametrize("gimbal", [(33.0, -90.0, 0.0), (213.0, -85.0, 0.0)])
def test_a_heading_that_is_written_is_believed(gimbal: tuple[float, float, float]) -> None:
    film, samples = flown(0.0, 0.0, speed_m_s=0.0, gimbal=gimbal)
    frame = middle(frames_of(film, samples))
    assert frame.pose
    assert frame.pose.yaw_deg == gimbal[0]
    assert frame.pose.pitch_deg == 90 + gimbal[1]
    assert frame.pose.tilt_error_deg == 1.0


def test_a_camera_that_looks_ahead_is_not_put_on_the_map() -> None:
    film, samples = flown(0.0, 0.0, gimbal=(0.0, -20.0, 0.0))
    assert reasons(frames_of(film, samples)) == {str(OBLIQUE)}
    # Without a gimbal the picture tells: it moves half as much as ground straight below would.
    half = [Step(one.seconds, one.shift and (one.shift[0] / 2, one.shift[1] / 2)) for one in film.steps]
    slow, said = flown(0.0, 0.0)
    assert reasons(frames_of(replace(slow, steps=tuple(half)), said)) == {str(OBLIQUE)}


def leaning(film: Film, pitch_deg: float, roll_deg: float) -> Film:
    """The film as if its picture told such angles."""
    lean = Lean(*(math.tan(math.radians(angle)) / FOCAL for angle in (pitch_deg, roll_deg)))
    return replace(film, steps=tuple(replace(one, lean=one.shift and lean) for one in film.steps))


def test_a_tilt_that_the_picture_tells_is_believed_and_a_slope_of_the_land_is_no_tilt() -> None:
    film, samples = flown(0.0, 0.0)
    for seen, believed in (((20.0, -8.0), (20.0, -8.0)), ((3.0, 2.0), (0.0, 0.0))):
        frame = middle(frames_of(leaning(film, *seen), samples))
        assert frame.pose
        assert (frame.pose.pitch_deg, frame.pose.roll_deg) == pytest.approx(believed)
        assert frame.pose.tilt_error_deg == 3.0
    # What the gimbal says counts more.
    told, said = flown(0.0, 0.0, gimbal=(0.0, -85.0, 0.0))
    frame = middle(frames_of(leaning(told, 20.0, 0.0), said))
    assert frame.pose
    assert (frame.pose.pitch_deg, frame.pose.tilt_error_deg) == (5.0, 1.0)


def test_the_focal_length_is_found_where_it_is_not_written() -> None:
    film, samples = flown(45.0, 45.0, focal_35mm=None)
    camera = middle(frames_of(film, samples)).camera
    assert camera
    assert camera.focal_px == pytest.approx(FOCAL * 1280, rel=0.03)
    assert 0.02 < camera.focal_error < 0.1
    hover, said = flown(0.0, 0.0, speed_m_s=0.0, focal_35mm=None)
    assert camera_of(hover, said, []) == NO_FOCAL


def test_what_is_not_written_is_told() -> None:
    film, samples = flown(0.0, 0.0)
    assert reasons(frames_of(film, [replace(one, height_m=None) for one in samples])) == {str(NO_HEIGHT)}
    lost = [replace(one, lat=None, lon=None) for one in samples]
    assert reasons(frames_of(film, lost)) == {str(NO_FIX)}
    frames = frames_of(film, [])
    assert reasons(frames) == {str(NO_TELEMETRY)}
    assert 0 < len(frames) <= WITHOUT_TELEMETRY
    assert all(one.pose is None and one.camera is None and one.lat is None for one in frames)


def test_telemetry_that_ends_early_places_no_frame_after_it() -> None:
    film, samples = flown(0.0, 0.0)
    frames = frames_of(film, samples[: 30 * 15])
    assert [one for one in frames if one.pose]
    assert reasons([one for one in frames if one.seconds > 19]) == {str(NO_FIX)}


def test_dialects_without_times_are_read_by_their_clock() -> None:
    _film, samples = flown(0.0, 0.0)
    track = Track([replace(one, time_s=None) for one in samples])
    place = track.place(10.0)
    assert place
    assert place[1] == pytest.approx(40.0, abs=0.3)


# ---- of files


def texture(width: int = 2400, height: int = 1800) -> np.ndarray:
    draw = np.random.default_rng(1)
    total = np.zeros((height, width), np.float32)
    for octave in range(1, 7):
        size = (height >> octave, width >> octave)
        total += cv2.resize(draw.normal(0, 1, size).astype(np.float32), (width, height)) * 1.5**octave / 10
    grey = np.clip(128 + 60 * total / total.std() / 2, 0, 255).astype(np.uint8)
    return np.dstack([grey, grey, grey // 2])


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s at 10 frames a second; the ground moves 12 pixels down and 4 to the left from frame to frame."""
    path = tmp_path_factory.mktemp("video") / "moving.mp4"
    ground = texture()
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = "fieldbox simulate"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.codec_context.gop_size = 5
        stream.options = {"crf": "16"}
        for number in range(40):
            top, left = 800 - 12 * number, 200 + 4 * number
            frame = np.ascontiguousarray(ground[top : top + 480, left : left + 640])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_a_video_says_what_it_is(moving: Path) -> None:
    video = probe(moving)
    assert (video.width, video.height, video.simulated) == (640, 480, True)
    assert video.seconds == pytest.approx(4.0, abs=0.11)


def test_how_far_the_ground_moved_is_measured(moving: Path) -> None:
    film = read_film(moving)
    assert len(film.steps) == 8
    for one in film.steps[1:]:
        assert one.shift == pytest.approx((-20 / 640, 60 / 640), abs=0.002)


def test_measuring_a_shift_leaves_the_pictures_as_they_are() -> None:
    before, after = (texture()[top : top + 270, :480, 0].astype(np.float32) for top in (400, 360))
    kept = before.copy(), after.copy()
    window = np.asarray(cv2.createHanningWindow((480, 270), cv2.CV_32F), np.float32)
    assert _shift(before, after, window) == pytest.approx((0.0, 40 / 480), abs=0.002)
    assert np.array_equal(before, kept[0])
    assert np.array_equal(after, kept[1])


def test_frames_are_picked_as_the_ground_moves(moving: Path) -> None:
    picked = [one.step for one in read_film(moving).picked]
    # 60 of 480 pixels from look to look: each second one is a quarter further.
    assert picked == [0, 2, 4, 6]


def test_a_single_frame_is_found_again(moving: Path) -> None:
    ground = texture()
    for number, look in enumerate(skim(moving)):
        frame = frame_at(moving, look.at)
        top, left = 800 - 60 * number, 200 + 20 * number
        truth = ground[top : top + 480, left : left + 640].astype(int)
        assert np.abs(frame.astype(int) - truth).mean() < 6


@pytest.mark.parametrize("keep", [0, 100, 2_000, 50_000])
def test_a_video_that_was_cut_off_is_told(moving: Path, tmp_path: Path, keep: int) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(moving.read_bytes()[:keep])
    with pytest.raises(Rejected):
        read_film(cut)


def test_a_video_with_damage_in_it_gives_what_can_be_read(moving: Path, tmp_path: Path) -> None:
    data = bytearray(moving.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    hurt = tmp_path / "hurt.mp4"
    hurt.write_bytes(data)
    try:
        film = read_film(hurt)
    except Rejected:
        return
    assert all(one.shift is None or max(map(abs, one.shift)) < 0.5 for one in film.steps)


def test_a_damaged_frame_is_told_and_never_shown(moving: Path, tmp_path: Path) -> None:
    data, hurt = moving.read_bytes(), tmp_path / "hurt.mp4"
    looks = [look.at for look in skim(moving)]
    sound = {at: frame_at(moving, at).astype(int) for at in looks}
    refused = 0
    for share in np.linspace(0.1, 0.9, 9):
        spoilt, start = bytearray(data), round(share * len(data))
        spoilt[start : start + 300] = bytes(300)
        hurt.write_bytes(spoilt)
        for at in looks:
            try:
                assert np.abs(frame_at(hurt, at) - sound[at]).mean() < 1
            except Rejected:
                refused += 1
    assert refused > 0


def test_what_is_written_into_the_video_counts(moving: Path, tmp_path: Path) -> None:
    path = tmp_path / "told.mp4"
    with av.open(str(moving)) as plain, av.open(str(path), "w") as container:
        picture = container.add_stream_from_template(plain.streams.video[0])
        words = container.add_mux_stream("mov_text")
        words.time_base = Fraction(1, 1000)
        for packet in plain.demux(plain.streams.video[0]):
            if packet.dts is not None:
                packet.stream = picture
                container.mux(packet)
        for number in range(4):
            text = f"[latitude: 12.{number}] [longitude: 77.5] [rel_alt: 20.0]".encode()
            packet = av.Packet(len(text).to_bytes(2, "big") + text)
            packet.stream, packet.time_base, packet.pts, packet.dts = (
                words,
                words.time_base,
                500 * number,
                500 * number,
            )
            packet.duration = 500
            container.mux(packet)
    film = read_film(path)
    assert [(one.time_s, one.lat) for one in film.samples] == [
        (0.0, 12.0),
        (0.5, 12.1),
        (1.0, 12.2),
        (1.5, 12.3),
    ]
    assert frames_of(film, ())[0].lat == 12.0
    assert frames_of(film, [Sample(0.0, None, lat=30.0, lon=77.5)])[0].lat == 30.0
    assert read_film(moving).samples == ()


def test_a_later_part_s_telemetry_that_goes_on_from_the_one_before(moving: Path) -> None:
    samples = [
        Sample(300.0 + 0.5 * one, None, lat=12 + one * 1e-5, lon=77.5, step_deg=1e-6) for one in range(9)
    ]
    found = frames_of(read_film(moving), samples)
    assert [one.lat for one in found] == pytest.approx([12 + 2 * one.seconds * 1e-5 for one in found])


def test_how_much_a_look_at_a_video_decodes(moving: Path) -> None:
    assert workload(moving) == pytest.approx((1 + 8) * 640 * 480)


def test_how_long_a_look_takes_is_told_by_the_index_alone(moving: Path) -> None:
    """Of a card, reading twenty seconds of 4K takes longer than a file may."""
    before = _read_so_far()
    workload(moving)
    assert _read_so_far() - before < moving.stat().st_size


def _read_so_far() -> int:
    """Bytes that this process has read."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_sound_without_pictures_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(Rejected, match="no moving picture"):
        probe(path)


def test_a_small_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        container.mux(
            stream.encode(av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), format="rgb24"))
        )
        container.mux(stream.encode(None))
    with pytest.raises(Rejected, match="320 x 240"):
        read_film(path)


def test_a_camera_s_field_of_view_is_its_focal_length() -> None:
    film, samples = flown(0.0, 0.0)
    camera = middle(frames_of(film, samples)).camera
    assert camera == Camera("DJI", "test", 1280, 720, FOCAL * 1280, 639.5, 359.5, focal_error=0.05)
