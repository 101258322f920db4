"""Film a simulated flight: one video as a DJI drone writes it, its telemetry as subtitles beside it, and `truth.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from fieldbox.domain import Camera
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.simulate import truth
from fieldbox.simulate.camera import Pyramid, render
from fieldbox.simulate.flight import (
    Exposure,
    FlightOptions,
    Waypoint,
    anchor_of,
    expose,
    exposed,
    look_of,
    plan,
)
from fieldbox.simulate.metadata import SOFTWARE
from fieldbox.simulate.scene import Bytes, SimField
from fieldbox.simulate.sensor import Sensor

Progress = Callable[[int, int], None]

NAME = "DJI_0001"
TURN_S = 2.0
"""In which the drone turns round at the end of a line."""
POSITIONS_HZ = 5
"""How often the drone tells its position anew."""
KEY_FRAMES_S = 0.5
QUALITY = "17"
"""x264's constant rate factor."""
MOST_FRAMES = 20_000
_FILM_WIDTH_MM = 36.0


def film(
    field: SimField, options: FlightOptions, out: Path, fps: int = 30, progress: Progress | None = None
) -> Path:
    """Write the film into `out` (made if need be); returns `out`. `progress(done, total)` counts frames.

    Raises Rejected if it would have more than MOST_FRAMES.
    """
    way = list(_way(plan(field, options), options.speed_m_s / fps, round(TURN_S * fps)))
    if len(way) > MOST_FRAMES:
        raise Rejected(
            N_("The simulated film would have {count} frames; fly higher or faster, or over less ground."),
            count=len(way),
        )
    anchor, camera = field.anchor or anchor_of(options.lat, options.lon), options.make_camera()
    exposures = list(expose(options, way, anchor))
    out.mkdir(parents=True, exist_ok=True)
    _write_video(out / f"{NAME}.MP4", field, options, exposures, fps, progress)
    (out / f"{NAME}.SRT").write_text(_subtitles(exposures, options, camera, fps))
    seconds = exposures[::fps]
    document = truth.describe(
        field=field,
        anchor=anchor,
        camera=camera,
        options=asdict(options),
        repeat=options.repeat,
        photos=[(f"{NAME}.MP4", item.pose, item.told, item.shot) for item in seconds],
    )
    truth.write(out / truth.FILE_NAME, document)
    return out


def _way(stations: Sequence[Waypoint], step_m: float, turn: int) -> Iterator[Waypoint]:
    """Where each frame is taken: along the lines at one speed, and round at their ends, standing."""
    lines: dict[int, list[Waypoint]] = {}
    for one in stations:
        lines.setdefault(one.line, []).append(one)
    before: Waypoint | None = None
    for line in lines.values():
        if before is not None:
            yield from _between(before, line[0], turn)
        steps = max(1, round(math.hypot(line[-1].x - line[0].x, line[-1].y - line[0].y) / step_m))
        for number in range(steps + 1):
            yield _mixed(line[0], line[-1], number / steps, line[0].heading_deg)
        before = line[-1]


def _between(last: Waypoint, first: Waypoint, frames: int) -> Iterator[Waypoint]:
    turned = math.remainder(first.heading_deg - last.heading_deg, 360.0)
    for number in range(1, frames):
        share = number / frames
        yield _mixed(last, first, share, (last.heading_deg + share * turned) % 360.0)


def _mixed(start: Waypoint, end: Waypoint, share: float, heading_deg: float) -> Waypoint:
    x, y = start.x + share * (end.x - start.x), start.y + share * (end.y - start.y)
    return Waypoint(x, y, heading_deg, start.line)


def _write_video(
    path: Path,
    field: SimField,
    options: FlightOptions,
    exposures: Sequence[Exposure],
    fps: int,
    progress: Progress | None,
) -> None:
    camera, pyramid = options.make_camera(), Pyramid(field)
    sensor = Sensor(look_of(options), camera, options.seed)
    with av.open(str(path), "w", format="mp4") as container:
        container.metadata["comment"] = SOFTWARE
        container.metadata["creation_time"] = options.start.isoformat() + "Z"
        stream = container.add_stream("libx264", rate=Fraction(fps))
        _set_up(stream, camera, fps)
        for number, exposure in enumerate(exposures):
            picture, ground = render(exposure.shot, camera, pyramid, repeat=options.repeat)
            seen: Bytes = exposed(picture, ground, exposure, options, sensor, number)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(seen, format="rgb24")))
            if progress is not None:
                progress(number + 1, len(exposures))
        container.mux(stream.encode(None))


def _set_up(stream: VideoStream, camera: Camera, fps: int) -> None:
    stream.width, stream.height, stream.pix_fmt = camera.width, camera.height, "yuv420p"
    stream.codec_context.gop_size = max(1, round(KEY_FRAMES_S * fps))
    stream.options = {"crf": QUALITY, "preset": "veryfast"}


def _subtitles(exposures: Sequence[Exposure], options: FlightOptions, camera: Camera, fps: int) -> str:
    """In the dialect of a Mavic 3."""
    focal = camera.focal_px / camera.width * _FILM_WIDTH_MM
    blocks = []
    for number in range(len(exposures)):
        told = exposures[number - number % max(1, fps // POSITIONS_HZ)].told
        start, clock = number / fps, options.start + timedelta(seconds=number / fps)
        place = f"[latitude: {told.lat:.6f}] [longitude: {told.lon:.6f}]"
        height = f"[rel_alt: {told.height_m:.3f} abs_alt: {options.ground_altitude_m + told.height_m:.3f}]"
        blocks.append(
            f"{number + 1}\n{_time(start)} --> {_time((number + 1) / fps)}\n"
            f'<font size="28">FrameCnt: {number + 1}, DiffTime: {round(1000 / fps)}ms\n'
            f"{clock:%Y-%m-%d %H:%M:%S}.{clock.microsecond // 1000:03d}\n"
            f"[iso: 100] [shutter: 1/{1 / options.exposure_s:.1f}] [fnum: 2.8] [ev: 0] [focal_len: {focal:.2f}] "
            f"{place} {height} </font>\n"
        )
    return "\n".join(blocks)


def _time(seconds: float) -> str:
    whole, milli = divmod(round(1000 * seconds), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milli:03d}"
