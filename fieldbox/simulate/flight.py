"""Fly a simulated drone over a field: JPEGs named like a DJI drone's, and `truth.json`.

The picture is rendered from the true pose; the metadata tell the pose with the errors of the drone's
GPS, barometer, compass and gimbal. With all errors set to 0 both are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from pyproj import Proj, Transformer

from fieldbox.domain import Camera, Pose
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_
from fieldbox.simulate import truth
from fieldbox.simulate.camera import PRESETS, Pyramid, Shot, make_camera, render, shot_of
from fieldbox.simulate.metadata import Written, with_metadata
from fieldbox.simulate.scene import Anchor, Bytes, SimField
from fieldbox.simulate.sensor import Look, Sensor

Doubles = NDArray[np.float64]
Progress = Callable[[int, int], None]

MAX_PHOTOS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightOptions:
    """How it is flown. Metres, degrees and seconds; sigmas are standard deviations; 0 is exact."""

    altitude_m: float = 10.0
    """Above the field's mean ground."""
    forward_overlap: float = 0.75
    side_overlap: float = 0.65
    overhang: float | None = None
    """Share of a footprint that reaches beyond the field's edges; None: 0.15 over an own field, 0.04 over
    an orthomosaic."""
    camera: str = "m2p"
    width: int | None = None
    """Replace the preset's, as do `height` and `focal_px`."""
    height: int | None = None
    focal_px: float | None = None
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """k1, k2, p1, p2, k3 (OpenCV)."""
    heading_deg: float = 0.0
    """Of the flight lines, from grid north."""
    nose_deg: float | None = None
    """Where the nose points all the time, from grid north: sideways and backwards is flown, too; None: along the lines."""
    mount_deg: float = 0.0
    """By which the camera is turned in its mount, clockwise from the nose."""
    gimbal_pitch_deg: float = -90.0
    """Straight down; -80 looks 10 degrees ahead."""
    extent_m: tuple[float, float] | None = None
    """Ground to cover, east and north, around the field's centre; None: the field."""
    repeat: bool = False
    """Let the canvas repeat beyond its edges. What repeats within reach of a photo's position error can be matched one
    canvas off: fly so over a canvas wider than that."""
    max_photos: int | None = None
    gps_sigma_m: float = 0.5
    """Horizontal, per axis and photo."""
    gps_drift_m: float = 0.5
    """Horizontal error that the whole flight shares and that wanders slowly."""
    height_sigma_m: float = 0.3
    """Shared by the whole flight, with a tenth of it from photo to photo."""
    yaw_sigma_deg: float = 1.0
    tilt_sigma_deg: float = 0.4
    """Of the true tilt that the metadata do not know, each of pitch and roll."""
    rtk: bool = False
    """Mark positions as RTK-fixed, with the sigmas above as their standard deviations."""
    wind_m_s: float = 0.0
    """Makes the drone crab and sway."""
    wind_from_deg: float = 270.0
    speed_m_s: float = 2.5
    exposure_s: float = 1 / 1600
    """With the speed it gives the motion blur."""
    motion_blur: bool = True
    brightness: float = 1.0
    exposure_drift: float = 0.03
    """Relative, from photo to photo."""
    white_balance_drift: float = 0.0
    """Of red and of blue against green: relative, from photo to photo."""
    cloud_shadows: float = 0.0
    """Depth of passing cloud shadows, 0 to 0.8."""
    vignetting: float = 0.12
    """Loss of light in the corners."""
    noise: float = 2.0
    """Of the sensor, in grey levels."""
    jpeg_quality: int = 92
    lat: float = 18.5612
    """Of the field's centre, where the ground has no place of its own: a farm-like place in Maharashtra."""
    lon: float = 74.2405
    ground_altitude_m: float = 560.0
    """Of the field above sea level."""
    start: datetime = datetime(2026, 7, 1, 9, 30)
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise Misconfigured for values that make no flight."""
        _check_options(self)

    def make_camera(self) -> Camera:
        """The camera that the options describe."""
        return make_camera(self.camera, self.width, self.height, self.focal_px, self.distortion)


def exact(options: FlightOptions) -> FlightOptions:
    """The same flight with exact poses, marked as RTK-fixed."""
    return replace(
        options,
        gps_sigma_m=0.0,
        gps_drift_m=0.0,
        height_sigma_m=0.0,
        yaw_sigma_deg=0.0,
        tilt_sigma_deg=0.0,
        rtk=True,
    )


def _check_options(options: FlightOptions) -> None:
    ranges = {
        "altitude_m": (options.altitude_m, 0.5, 500.0),
        "forward_overlap": (options.forward_overlap, 0.0, 0.95),
        "side_overlap": (options.side_overlap, 0.0, 0.95),
        "overhang": (options.overhang or 0.0, 0.0, 1.0),
        "gimbal_pitch_deg": (options.gimbal_pitch_deg, -90.0, -50.0),
        "max_photos": (1 if options.max_photos is None else options.max_photos, 1, MAX_PHOTOS),
        "gps_sigma_m": (options.gps_sigma_m, 0.0, 100.0),
        "gps_drift_m": (options.gps_drift_m, 0.0, 100.0),
        "height_sigma_m": (options.height_sigma_m, 0.0, 50.0),
        "yaw_sigma_deg": (options.yaw_sigma_deg, 0.0, 90.0),
        "tilt_sigma_deg": (options.tilt_sigma_deg, 0.0, 10.0),
        "wind_m_s": (options.wind_m_s, 0.0, 15.0),
        "speed_m_s": (options.speed_m_s, 0.1, 25.0),
        "exposure_s": (options.exposure_s, 1e-5, 0.1),
        "brightness": (options.brightness, 0.1, 3.0),
        "exposure_drift": (options.exposure_drift, 0.0, 0.5),
        "white_balance_drift": (options.white_balance_drift, 0.0, 0.5),
        "cloud_shadows": (options.cloud_shadows, 0.0, 0.8),
        "vignetting": (options.vignetting, 0.0, 0.9),
        "noise": (options.noise, 0.0, 40.0),
        "jpeg_quality": (options.jpeg_quality, 30, 100),
        "lat": (options.lat, -79.0, 79.0),
        "lon": (options.lon, -180.0, 180.0),
    }
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise Misconfigured(
                N_("The simulated flight's {name} is {value}; give a number from {low} to {high}."),
                name=name,
                value=value,
                low=low,
                high=high,
            )
    options.make_camera()


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A planned exposure: local metres, the line's heading from grid north, and the line's number."""

    x: float
    y: float
    heading_deg: float
    line: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """One photo: where it was truly taken from, and what is written in it."""

    name: str
    pose: Pose
    """True."""
    shot: Shot
    told: Pose
    """As the metadata's pose reads."""
    written: Written
    """None of its values knows the truth better than the drone would."""
    speed_axis_deg: float
    """Direction of flight from grid north, for the motion blur."""


def plan(field: SimField, options: FlightOptions) -> list[Waypoint]:
    """A boustrophedon of parallel lines whose photos overlap at least as asked.

    The footprints (of level ground at the mean height) reach beyond the ground to be covered by the
    overhang; where the ground is smaller than a footprint, one photo or line is put in its middle.
    Raises Rejected if that takes more photos than MAX_PHOTOS (and no `max_photos` is given).
    """
    camera = options.make_camera()
    per_px = options.altitude_m / camera.focal_px
    across, ahead = camera.width * per_px, camera.height * per_px
    overhang = (
        options.overhang if options.overhang is not None else (0.04 if field.surround is None else 0.15)
    )
    heading = math.radians(options.heading_deg)
    east, north = options.extent_m or field.planted_m
    extent_along = abs(east * math.sin(heading)) + abs(north * math.cos(heading))
    extent_across = abs(east * math.cos(heading)) + abs(north * math.sin(heading))
    aside = _stations(extent_across + 2 * overhang * across, across, 1 - options.side_overlap)
    along = _stations(extent_along + 2 * overhang * ahead, ahead, 1 - options.forward_overlap)
    if options.max_photos is None and len(aside) * len(along) > MAX_PHOTOS:
        raise Rejected(
            N_("The simulated flight would take {count} photos; fly higher, or give the number of photos."),
            count=len(aside) * len(along),
        )
    found = []
    for line, sideways in enumerate(aside):
        back = line % 2 == 1
        found += [
            Waypoint(
                float(forward * math.sin(heading) + sideways * math.cos(heading)),
                float(forward * math.cos(heading) - sideways * math.sin(heading)),
                (options.heading_deg + (180.0 if back else 0.0)) % 360.0,
                line,
            )
            for forward in (along[::-1] if back else along)
        ]
    return found[: options.max_photos]


def _stations(extent: float, footprint: float, step_share: float) -> Doubles:
    """Centres of footprints along an extent around 0, their steps no longer than asked."""
    free = extent - footprint
    if free <= 1e-6:
        return np.zeros(1)
    count = math.ceil(free / (footprint * step_share) - 1e-9) + 1
    return np.linspace(-free / 2, free / 2, count)


def fly(field: SimField, options: FlightOptions, out: Path, progress: Progress | None = None) -> Path:
    """Write the flight's photos and `truth.json` into `out` (made if need be); returns `out`.

    The same field and options give the same bytes. `progress(done, total)` is called after each photo.
    """
    waypoints = plan(field, options)
    camera = options.make_camera()
    anchor = field.anchor or anchor_of(options.lat, options.lon)
    exposures = list(expose(options, waypoints, anchor))
    out.mkdir(parents=True, exist_ok=True)
    pyramid = Pyramid(field)
    sensor = Sensor(look_of(options), camera, options.seed)
    for number, exposure in enumerate(exposures):
        picture, ground = render(exposure.shot, camera, pyramid, repeat=options.repeat)
        jpeg = _develop(picture, ground, exposure, options, sensor, number)
        (out / exposure.name).write_bytes(with_metadata(jpeg, exposure.written, camera))
        if progress is not None:
            progress(number + 1, len(exposures))
    document = truth.describe(
        field=field,
        anchor=anchor,
        camera=camera,
        options=asdict(options),
        repeat=options.repeat,
        photos=[(item.name, item.pose, item.told, item.shot) for item in exposures],
    )
    truth.write(out / truth.FILE_NAME, document)
    return out


def exposed(
    picture: Bytes, ground: Doubles, exposure: Exposure, options: FlightOptions, sensor: Sensor, number: int
) -> Bytes:
    """What the sensor makes of a rendered picture: blurred, in its light, with its noise."""
    blur = (0.0, 0.0)
    if options.motion_blur:
        gsd = options.altitude_m / sensor.camera.focal_px
        length = options.speed_m_s * options.exposure_s / gsd
        turn = math.radians(exposure.speed_axis_deg) - math.atan2(
            exposure.shot.axes[1, 0], exposure.shot.axes[0, 0]
        )
        blur = (length * math.sin(turn), -length * math.cos(turn))
    return np.ascontiguousarray(sensor.expose(picture, ground, blur, number))


def _develop(
    picture: Bytes, ground: Doubles, exposure: Exposure, options: FlightOptions, sensor: Sensor, number: int
) -> bytes:
    seen = exposed(picture, ground, exposure, options, sensor, number)
    encoded: bytes = simplejpeg.encode_jpeg(
        seen, quality=options.jpeg_quality, colorspace="RGB", colorsubsampling="420"
    )
    return encoded


def look_of(options: FlightOptions) -> Look:
    """The light and the camera's faults."""
    return Look(
        brightness=options.brightness,
        drift=options.exposure_drift,
        tint=options.white_balance_drift,
        clouds=options.cloud_shadows,
        vignetting=options.vignetting,
        noise=options.noise,
    )


def anchor_of(lat: float, lon: float) -> Anchor:
    """The place of the canvas's centre on its UTM grid (plain six-degree zones)."""
    epsg = (32600 if lat >= 0 else 32700) + int((lon + 180.0) // 6.0) % 60 + 1
    east, north = Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
    return Anchor(epsg, float(east), float(north))


class _Place:
    """Local metres to degrees, with the grid's scale and the direction of its north."""

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor
        self._back = Transformer.from_crs(anchor.epsg, 4326, always_xy=True)
        self._factors = Proj(f"EPSG:{anchor.epsg}")

    def degrees(self, x: float, y: float) -> tuple[float, float]:
        lon, lat = self._back.transform(self.anchor.east + x, self.anchor.north + y)
        return float(lat), float(lon)

    def scale(self, lat: float, lon: float) -> float:
        return float(self._factors.get_factors(lon, lat).meridional_scale)

    def grid_from_true(self, lat: float, lon: float) -> float:
        """Degrees to add to an azimuth from true north, measured along a metre of meridian."""
        east, north = self._factors([lon, lon], [lat - 5e-6, lat + 5e-6])
        return math.degrees(math.atan2(east[1] - east[0], north[1] - north[0]))


def expose(options: FlightOptions, waypoints: list[Waypoint], anchor: Anchor) -> Iterator[Exposure]:
    """The true and the written pose of each photo."""
    rng = np.random.default_rng([options.seed, 11])
    place = _Place(anchor)
    count = len(waypoints)
    sway = _wander(rng, count, 3.0, 3) * (0.02 * options.wind_m_s)
    drift = (_wander(rng, count, 60.0, 2) * 0.5 + rng.normal(0, 0.87, 2)) * options.gps_drift_m
    shared_height = float(rng.normal(0, options.height_sigma_m))
    preset = PRESETS[options.camera]
    clock = options.start
    for number, waypoint in enumerate(waypoints):
        if number:
            last = waypoints[number - 1]
            clock += timedelta(
                seconds=max(0.5, math.hypot(waypoint.x - last.x, waypoint.y - last.y) / options.speed_m_s)
            )
        jitter = rng.normal(0, 1, 8)
        x, y = waypoint.x + float(sway[number, 0]), waypoint.y + float(sway[number, 1])
        height = options.altitude_m + 0.5 * float(sway[number, 2])
        lat, lon = place.degrees(x, y)
        to_grid = place.grid_from_true(lat, lon)
        nose = waypoint.heading_deg if options.nose_deg is None else options.nose_deg
        yaw = (nose - to_grid + _crab(options, waypoint.heading_deg) + options.mount_deg) % 360
        commanded = 90.0 + options.gimbal_pitch_deg
        pitch = commanded + options.tilt_sigma_deg * float(jitter[0])
        roll = options.tilt_sigma_deg * float(jitter[1])
        true = Pose(lat, lon, height, yaw, pitch, roll, 0.0, 0.0, 0.0, 0.0)
        said = place.degrees(
            x + options.gps_sigma_m * float(jitter[2]) + float(drift[number, 0]),
            y + options.gps_sigma_m * float(jitter[3]) + float(drift[number, 1]),
        )
        told = Pose(
            said[0],
            said[1],
            max(0.1, round(height + shared_height + 0.1 * options.height_sigma_m * float(jitter[4]), 3)),
            round((yaw + options.yaw_sigma_deg * float(jitter[5])) % 360, 2),
            round(commanded, 2),
            0.0,
            math.hypot(options.gps_sigma_m, options.gps_drift_m),
            options.height_sigma_m,
            options.yaw_sigma_deg,
            options.tilt_sigma_deg,
        )
        yield Exposure(
            name=f"DJI_{number + 1:04d}.JPG",
            pose=true,
            shot=shot_of(true, (x, y), yaw + to_grid, place.scale(lat, lon)),
            told=told,
            written=_written(options, told, waypoint, clock, preset.f_number, preset.pixel_mm),
            speed_axis_deg=waypoint.heading_deg,
        )


def _written(
    options: FlightOptions, told: Pose, waypoint: Waypoint, clock: datetime, f_number: float, pixel_mm: float
) -> Written:
    yaw = (told.yaw_deg + 180) % 360 - 180
    lean = 1.5 * options.wind_m_s
    std = max(0.01, options.gps_sigma_m)
    return Written(
        taken_at=clock,
        lat=told.lat,
        lon=told.lon,
        absolute_m=options.ground_altitude_m + told.height_m,
        relative_m=told.height_m,
        gimbal=(yaw, told.pitch_deg - 90.0, 0.0),
        flight=(
            round((yaw - options.mount_deg + 180) % 360 - 180, 2),
            round(-1.0 * options.speed_m_s, 2),
            round(lean * math.sin(math.radians(waypoint.heading_deg)), 2),
        ),
        rtk_std_m=(std, std, max(0.01, options.height_sigma_m)) if options.rtk else None,
        errors=_least_errors(options) if options.rtk else None,
        exposure_s=options.exposure_s,
        f_number=f_number,
        pixel_mm=pixel_mm,
        serial=f"SIM{options.seed:08d}",
    )


def _least_errors(options: FlightOptions) -> tuple[float, float, float]:
    """What a flight marked as exact states of height (m), yaw and tilt (degrees): its sigmas, and never nothing."""
    return (
        max(0.02, options.height_sigma_m),
        max(1.0, options.yaw_sigma_deg),
        max(0.2, options.tilt_sigma_deg),
    )


def _crab(options: FlightOptions, heading_deg: float) -> float:
    """How far the nose turns into the wind. A copter mostly leans instead: a fifth of a plane's angle."""
    from_side = options.wind_m_s * math.sin(math.radians(options.wind_from_deg - heading_deg))
    return 0.2 * math.degrees(math.atan2(from_side, max(options.speed_m_s, 1.0)))


def _wander(rng: np.random.Generator, count: int, steps: float, axes: int) -> Doubles:
    """[count, axes] of a first-order autoregression with unit variance and a memory of `steps` photos."""
    keep = math.exp(-1.0 / steps)
    out = np.empty((count, axes))
    state = rng.normal(0, 1, axes)
    for number in range(count):
        state = keep * state + math.sqrt(1 - keep * keep) * rng.normal(0, 1, axes)
        out[number] = state
    return out
