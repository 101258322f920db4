"""From a video to the frames that are worth a photo: picked by how far the ground has moved, with the heading that this
movement has against the way flown.

Between two looks the picture moves by a shift (phase correlation; Kuglin and Hines 1975, with a Hann window). Seen from above,
the camera moved the other way. Where the drone's positions say in which direction that was, the difference is the camera's
heading: no tag is needed, and a copter may fly sideways. How far a picture moved for each metre tells the focal length.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Camera, Pose, Stated
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.glance import glance_at
from fieldbox.imagery.lean import Lean, lean_of
from fieldbox.imagery.numbers import turn
from fieldbox.imagery.poses import MAX_TILT_DEG, Place, pose_from
from fieldbox.imagery.srt import Sample, sample_of
from fieldbox.imagery.video import Video, probe, reduced, skim, subtitles

OVERLAP = 0.75
"""Of a frame with the one picked before it."""
SURE = 0.08
"""Response of the phase correlation from which on a shift is believed."""
MOST_SHIFT = 0.45
"""Of a side: beyond it two pictures have too little in common for their shift to be right."""
MOST_PICKED = 5000
WITHOUT_TELEMETRY = 12
"""Frames that are kept of a video about whose place nothing is known."""
GLANCED_PX = 600
GPS_M = 1.5
"""Of a position, per axis; GPS_BETWEEN_M of one against those a few seconds before and after it."""
GPS_BETWEEN_M = 0.35
HEIGHT_M = 2.0
HEADING_DEG, GIMBAL_TILT_DEG, SEEN_TILT_DEG, TOLD_TILT_DEG = 3.0, 1.0, 3.0, 5.0
"""Of a stated heading; of a stated gimbal; of a tilt that is seen in the picture's movement, which a slope of the land changes
too; of a gimbal of which it is only known that it does not look far from straight down."""
LEVEL_DEG = 5.0
"""Up to which a tilt that is seen counts as the land's, and the camera as looking straight down."""
LEAST_LEANS = 5
"""Looks that tell a tilt, at least."""
SHIFT_DEG = 1.5
WORST_HEADING_DEG = 12.0
STRAIGHT_DEG = 12.0
"""By which the picture's way may differ from its neighbours' on a straight line."""
LONGEST_RUN_S = 12.0
FOCAL_ERROR = 0.05
LEAST_RUNS = 3
"""Straight runs that tell a focal length, at least."""
FOCAL_SIDES = (0.5, 2.5)
"""Focal lengths that a camera may have, in widths of its picture; less is what a camera that looks ahead seems to have."""
_FILM_WIDTH_MM = 36.0
_METRES_PER_DEGREE = 111_320.0

NO_TELEMETRY = Sentence(
    N_("Nothing says where the video was taken: give the .SRT file that the drone wrote beside it.")
)
NO_FIX = Sentence(N_("The subtitles beside the video hold no position for this frame."))
NO_HEIGHT = Sentence(
    N_("The subtitles beside the video do not say how high above the take-off this frame was taken.")
)
NO_HEADING = Sentence(N_("The drone hovered or turned here: nothing tells which way this frame looks."))
OBLIQUE = Sentence(
    N_(
        "The video does not look straight down, so its frames cannot be put on the map: film with the camera down."
    )
)
NO_FOCAL = Sentence(
    N_(
        "Neither the video nor its subtitles tell the camera's focal length, and it flew too short a way to find it."
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """How the picture moved to a look from the one before."""

    seconds: float
    """Of the look."""
    shift: tuple[float, float] | None
    """Of what is seen, right and down, in widths of the picture; None: it cannot be told, and for the first one."""
    lean: Lean | None = None
    """Of the camera, by which parts of the picture moved less; None: it cannot be told."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A frame worth a photo."""

    at: int
    """Its presentation time, in the units of its stream."""
    step: int
    """Its look's number."""
    glance: bytes


@dataclass(frozen=True, slots=True)
class Film:
    """A video at a look."""

    video: Video
    steps: tuple[Step, ...]
    picked: tuple[Picked, ...]
    samples: tuple[Sample, ...] = ()
    """Written into the video itself."""


def read_film(path: Path) -> Film:
    """Look through the video at `path`. Raises Rejected if it cannot be used."""
    video = probe(path)
    steps: list[Step] = []
    picked: list[Picked] = []
    before: NDArray[np.float32] | None = None
    window: NDArray[np.float32] | None = None
    gone, height = np.zeros(2), video.height / video.width
    for number, look in enumerate(skim(path)):
        if window is None:
            window = np.asarray(cv2.createHanningWindow(look.grey.shape[::-1], cv2.CV_32F), np.float32)
        shift = None if before is None else _shift(before, look.grey, window)
        lean = None if before is None or shift is None else lean_of(before, look.grey, shift)
        steps.append(Step(look.seconds, shift, lean))
        gone = gone + shift if shift is not None else np.full(2, np.inf)
        before = look.grey
        if np.abs(gone / (1.0, height)).max() >= 1 - OVERLAP - 0.02 and len(picked) < MOST_PICKED:
            picked.append(Picked(look.at, number, glance_at(reduced(look.frame, GLANCED_PX)).to_bytes()))
            gone = np.zeros(2)
    return Film(video, tuple(steps), tuple(picked), tuple(_written(path)))


def _written(path: Path) -> Iterator[Sample]:
    """What the subtitles inside a video say."""
    for seconds, text in subtitles(path):
        sample = sample_of(text, seconds)
        if sample is not None:
            yield sample


def _shift(
    before: NDArray[np.float32], after: NDArray[np.float32], window: NDArray[np.float32]
) -> tuple[float, float] | None:
    """In widths of the picture; None: they have too little in common."""
    # OpenCV 5 lays the window onto the pictures that it is given: without the copies the next shift would be of edges.
    (right, down), response = cv2.phaseCorrelate(before.copy(), after.copy(), window)
    height, width = before.shape
    if response < SURE or abs(right) > MOST_SHIFT * width or abs(down) > MOST_SHIFT * height:
        return None
    return float(right / width), float(down / width)


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a drone was, at a time of its video."""

    seconds: float
    east: float
    north: float
    """Metres from the first one."""


class Track:
    """The telemetry of a video, in its order."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        timed = [(seconds, one) for one in samples if (seconds := _seconds(one, samples)) is not None]
        self._timed = sorted(timed, key=lambda pair: pair[0])
        self._times = [seconds for seconds, _one in self._timed]
        placed = _changes(self._timed)
        self._origin = (placed[0][1].lat or 0.0, placed[0][1].lon or 0.0) if placed else None
        self._fixes = [self._fix(seconds, one) for seconds, one in placed]
        self._fixed = [one.seconds for one in self._fixes]
        self.step_m = max((one.step_deg or 0.0 for one in samples), default=0.0) * _METRES_PER_DEGREE

    def sample(self, seconds: float) -> Sample | None:
        """What was said last at a time of the video; None before and long after all of it."""
        number = bisect.bisect_right(self._times, seconds + 1e-6) - 1
        if number < 0 or seconds - self._times[number] > 2.0:
            return None
        return self._timed[number][1]

    def place(self, seconds: float) -> tuple[float, float, float] | None:
        """East and north in metres from the first position, between the two around a time, and the standard error along the
        way of reading between them; None: there are none near."""
        number = bisect.bisect_right(self._fixed, seconds)
        around = self._fixes[max(0, number - 1) : number + 1]
        if not around or not self._times or not self._times[0] - 0.5 <= seconds <= self._times[-1] + 2.0:
            return None
        if len(around) == 1:
            return around[0].east, around[0].north, 0.0
        before, after = around
        share = min(1.0, max(0.0, (seconds - before.seconds) / max(1e-9, after.seconds - before.seconds)))
        apart = math.hypot(after.east - before.east, after.north - before.north)
        # A position is written some time after it was right, by up to as long as it stands.
        error = apart / math.sqrt(12)
        return (
            before.east + share * (after.east - before.east),
            before.north + share * (after.north - before.north),
            error,
        )

    def degrees(self, east: float, north: float) -> Place:
        """Latitude and longitude of metres from the first position."""
        lat0, lon0 = self._origin or (0.0, 0.0)
        lon = lon0 + east / (_METRES_PER_DEGREE * math.cos(math.radians(lat0)))
        return Place(lat0 + north / _METRES_PER_DEGREE, math.remainder(lon, 360.0))

    def _fix(self, seconds: float, one: Sample) -> Fix:
        lat0, lon0 = self._origin or (0.0, 0.0)
        # The short way round: at the date line longitudes jump by 360 degrees.
        turned = math.remainder((one.lon or 0.0) - lon0, 360.0)
        east = turned * _METRES_PER_DEGREE * math.cos(math.radians(lat0))
        return Fix(seconds, east, ((one.lat or 0.0) - lat0) * _METRES_PER_DEGREE)


def _seconds(one: Sample, samples: Sequence[Sample]) -> float | None:
    """In the video; dialects without times tell by their clock, from the first block on."""
    if one.time_s is not None:
        return one.time_s
    first = samples[0].clock
    return (one.clock - first).total_seconds() if one.clock and first else None


def _changes(timed: Sequence[tuple[float, Sample]]) -> list[tuple[float, Sample]]:
    """The first of each run of samples with the same position, and the last of all: between them the drone flew on."""
    found: list[tuple[float, Sample]] = []
    for seconds, one in timed:
        if one.lat is None or one.lon is None:
            continue
        if not found or (one.lat, one.lon) != (found[-1][1].lat, found[-1][1].lon):
            found.append((seconds, one))
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """A straight piece of the way around a look."""

    yaw_deg: float
    """Of the camera, from true north."""
    error_deg: float
    focal: float | None
    """That its shift tells, in widths of the picture; None: it was too short, or no height is known."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picked frame with all that is known of where it was taken."""

    picked: Picked
    seconds: float
    taken_at: datetime | None
    lat: float | None
    lon: float | None
    camera: Camera | None
    pose: Pose | None
    unplaced: Sentence | None
    stated: Stated | None


def frames_of(film: Film, samples: Sequence[Sample]) -> list[Frame]:
    """The picked frames of a film with their poses, by what was written beside it (`samples` may be empty), else in it."""
    samples = _from_the_beginning(samples or film.samples, film.video.seconds)
    if not samples:
        kept = film.picked[:: max(1, math.ceil(len(film.picked) / WITHOUT_TELEMETRY))]
        return [_frame(film, one, None, None, NO_TELEMETRY) for one in kept]
    track = Track(samples)
    runs = {one.step: run_around(film.steps, one.step, track) for one in film.picked}
    camera = camera_of(film, samples, [run for run in runs.values() if run])
    tilt = tilt_of(film, camera) if isinstance(camera, Camera) else None
    return [_placed(film, one, track, runs[one.step], camera, tilt) for one in film.picked]


def _from_the_beginning(samples: Sequence[Sample], length_s: float) -> Sequence[Sample]:
    """Telemetry with the times of its own video: those of the later parts of a long recording may go on where the part before
    ended."""
    first = next((one.time_s for one in samples if one.time_s is not None), 0.0)
    if first <= length_s:
        return samples
    return [one if one.time_s is None else replace(one, time_s=one.time_s - first) for one in samples]


@dataclass(frozen=True, slots=True)
class Tilt:
    """Of a camera, seen in its film; degrees, as those of a pose."""

    pitch_deg: float
    roll_deg: float
    error_deg: float


def tilt_of(film: Film, camera: Camera) -> Tilt:
    """How far the camera of a film looked from straight down: most of its looks decide, since a gimbal is set and kept."""
    leans = [one.lean for one in film.steps if one.lean]
    if len(leans) < LEAST_LEANS:
        return Tilt(0.0, 0.0, TOLD_TILT_DEG)
    ahead, left = np.degrees(np.arctan(np.median(leans, axis=0) * camera.focal_px / camera.width)).tolist()
    if math.hypot(ahead, left) <= LEVEL_DEG:
        return Tilt(0.0, 0.0, SEEN_TILT_DEG)
    return Tilt(ahead, left, SEEN_TILT_DEG)


def run_around(steps: Sequence[Step], number: int, track: Track) -> Run | None:
    """The straight piece of the way around a look; None: it hovered or turned, or nothing tells where it was."""
    first, last = _straight(steps, number)
    if last <= first:
        return None
    start, end = track.place(steps[first].seconds), track.place(steps[last].seconds)
    shifts = [one.shift for one in steps[first + 1 : last + 1] if one.shift]
    if start is None or end is None or not shifts:
        return None
    east, north = end[0] - start[0], end[1] - start[1]
    metres = math.hypot(east, north)
    right, down = np.sum(shifts, axis=0).tolist()
    moved = math.hypot(right, down)
    # Errors of both ends: of the fix itself, of its last digit, and of the time at which it was right.
    uncertain = math.sqrt(2) * math.hypot(
        GPS_BETWEEN_M, track.step_m / math.sqrt(12), 0.5 * max(start[2], end[2])
    )
    if metres < 3 * uncertain or moved <= 0:
        return None
    course = math.degrees(math.atan2(east, north))
    ahead = math.degrees(
        math.atan2(-right, down)
    )  # of the camera's own way, clockwise from the top of its picture
    error = math.hypot(math.degrees(uncertain / metres), SHIFT_DEG)
    heights = [
        one.height_m for one in (track.sample(step.seconds) for step in steps[first : last + 1]) if one
    ]
    known = [one for one in heights if one is not None and one > 0]
    focal = moved * float(np.median(known)) / metres if known and uncertain < 0.1 * metres else None
    return Run(turn(course - ahead), error, focal)


def _straight(steps: Sequence[Step], number: int) -> tuple[int, int]:
    """Numbers of the looks from which and to which the picture moved in the same direction as around this one."""
    near = [steps[one].shift for one in (number, number + 1) if one < len(steps)]
    known = [one for one in near if one is not None and math.hypot(*one) > 0.002]
    if not known:
        return number, number
    way = math.atan2(*np.sum(known, axis=0).tolist())

    def same(one: int) -> bool:
        shift = steps[one].shift
        if shift is None or abs(steps[one].seconds - steps[number].seconds) > LONGEST_RUN_S / 2:
            return False
        turned = math.remainder(math.atan2(*shift) - way, math.tau)
        return math.hypot(*shift) > 0.002 and abs(math.degrees(turned)) <= STRAIGHT_DEG

    first = last = number
    while first > 0 and same(first):
        first -= 1
    while last + 1 < len(steps) and same(last + 1):
        last += 1
    return first, last


def camera_of(film: Film, samples: Sequence[Sample], runs: Sequence[Run]) -> Camera | Sentence:
    """The camera of a film, or why it is not known: by the focal length that is written, else by that which its movement
    tells. A camera of which both are known and that seems to have half of its focal length looks ahead, not down."""
    written = [one.focal_35mm for one in samples if one.focal_35mm]
    seen = [one.focal for one in runs if one.focal is not None]
    found = float(np.median(seen)) if len(seen) >= LEAST_RUNS else None
    pitches = [one.gimbal[1] for one in samples if one.gimbal]
    if written:
        focal, error = float(np.median(written)) / _FILM_WIDTH_MM, FOCAL_ERROR
        if found is not None and not pitches and not 0.7 <= found / focal <= 1.4:
            return OBLIQUE
    elif found is not None:
        spread = float(np.median(np.abs(np.asarray(seen) / found - 1))) * 1.48
        focal, error = found, max(0.03, spread / math.sqrt(len(seen)))
        if not FOCAL_SIDES[0] <= focal <= FOCAL_SIDES[1]:
            return OBLIQUE
    else:
        return NO_FOCAL
    video = film.video
    middle = ((video.width - 1) / 2, (video.height - 1) / 2)
    return Camera(
        video.make, video.model, video.width, video.height, focal * video.width, *middle, focal_error=error
    )


def _placed(
    film: Film, picked: Picked, track: Track, run: Run | None, camera: Camera | Sentence, tilt: Tilt | None
) -> Frame:
    seconds = film.steps[picked.step].seconds
    sample, place = track.sample(seconds), track.place(seconds)
    if sample is None or place is None:
        return _frame(film, picked, sample, None, NO_FIX)
    at = track.degrees(place[0], place[1])
    stated = _stated(sample, run, tilt, math.hypot(GPS_M, track.step_m / math.sqrt(12), place[2]))
    told = camera if isinstance(camera, Sentence) else _pose(at, stated)
    if isinstance(told, Sentence):
        return _frame(
            film, picked, sample, at, told, stated, None if isinstance(camera, Sentence) else camera
        )
    return _frame(
        film, picked, sample, at, None, stated, camera if isinstance(camera, Camera) else None, told
    )


def _pose(at: Place, stated: Stated) -> Pose | Sentence:
    if stated.height_m is None:
        return NO_HEIGHT
    if stated.yaw_deg is None:
        return NO_HEADING
    if stated.pitch_deg is not None and abs(stated.pitch_deg) > MAX_TILT_DEG:
        return OBLIQUE
    return pose_from(at, stated)


def _stated(sample: Sample, run: Run | None, tilt: Tilt | None, error_m: float) -> Stated:
    yaw, error = _heading(sample, run)
    if sample.gimbal:
        tilt = Tilt(90 + sample.gimbal[1], 0.0, GIMBAL_TILT_DEG)
    tilt = tilt or Tilt(0.0, 0.0, TOLD_TILT_DEG)
    return Stated(
        height_m=sample.height_m,
        altitude_m=sample.altitude_m,
        yaw_deg=yaw,
        pitch_deg=None if yaw is None else tilt.pitch_deg,
        roll_deg=None if yaw is None else tilt.roll_deg,
        error_m=error_m,
        height_error_m=HEIGHT_M,
        yaw_error_deg=error,
        tilt_error_deg=tilt.error_deg,
    )


def _heading(sample: Sample, run: Run | None) -> tuple[float | None, float]:
    """Degrees from true north, and its standard error: of the gimbal, of the drone, else by the way that was flown."""
    written = sample.gimbal or sample.flight
    if written and (written[0] or run is None):
        return turn(written[0]), HEADING_DEG
    if run is not None and run.error_deg <= WORST_HEADING_DEG:
        return run.yaw_deg, run.error_deg
    return None, 180.0


def _frame(
    film: Film,
    picked: Picked,
    sample: Sample | None,
    at: Place | None,
    unplaced: Sentence | None,
    stated: Stated | None = None,
    camera: Camera | None = None,
    pose: Pose | None = None,
) -> Frame:
    seconds = film.steps[picked.step].seconds
    started = film.video.started_at
    clock = sample.clock if sample and sample.clock else started and started + timedelta(seconds=seconds)
    lat, lon = (at.lat, at.lon) if at else (None, None)
    return Frame(picked, seconds, clock, lat, lon, camera, pose, unplaced, stated)
