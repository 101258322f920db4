"""Which captures belong to one flight, and the flight's name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blake3 import blake3

from fieldbox.domain import Capture

MAX_GAP = timedelta(minutes=20)
MAX_JUMP_M = 1000.0
_METRES_PER_DEGREE = 111_320.0

_CameraKey = tuple[str, str, float, float]


def group_flights(
    captures: Iterable[Capture], *, gap: timedelta = MAX_GAP, jump_m: float = MAX_JUMP_M
) -> list[tuple[Capture, ...]]:
    """Part `captures` into flights: by camera, then at each pause longer than `gap` on the camera's
    clock and at each jump of more than `jump_m` metres. Captures without a time, or of an unknown camera,
    go with their neighbours in the order of names. The order of `captures` does not matter.
    """
    ordered = sorted(captures, key=lambda capture: (capture.name, capture.digest))
    flights: list[list[Capture]] = []
    for members in _by_camera(ordered):
        flights += _split(_in_time(members), gap, jump_m)
    flights.sort(key=_start)
    return [tuple(flight) for flight in flights]


def flight_id(captures: Iterable[Capture]) -> str:
    """16 hexadecimal digits that depend on the digests of the captures alone, not on their order."""
    digests = sorted({capture.digest for capture in captures})
    return blake3("\n".join(digests).encode()).hexdigest()[:16]


def _by_camera(ordered: Sequence[Capture]) -> list[list[Capture]]:
    keys = [_camera_key(capture) for capture in ordered]
    first = next((key for key in keys if key is not None), None)
    found: dict[_CameraKey | None, list[Capture]] = {}
    last = first
    for capture, key in zip(ordered, keys, strict=True):
        last = key or last
        found.setdefault(last, []).append(capture)
    return list(found.values())


def _camera_key(capture: Capture) -> _CameraKey | None:
    """The same for photos that were made smaller afterwards: proportions, not pixels.

    None if the photo does not name its camera (its EXIF part is damaged, say).
    """
    camera = capture.camera
    if camera is None or not (camera.make or camera.model):
        return None
    proportions = round(camera.width / camera.height, 1)
    return camera.make, camera.model, proportions, round(camera.focal_px / camera.width, 1)


def _in_time(members: Sequence[Capture]) -> list[Capture]:
    """By the camera's clock; one without a time takes that of the one before it (else after it)."""
    known = [capture.taken_at for capture in members]
    earlier: datetime | None = next((time for time in known if time is not None), None)
    timed = []
    for capture, time in zip(members, known, strict=True):
        earlier = time or earlier
        timed.append((earlier or datetime.min, capture))
    return [capture for _, capture in sorted(timed, key=lambda pair: pair[0])]


@dataclass
class _Open:
    """A flight that may still go on: its captures, and the last time and place known of it."""

    captures: list[Capture]
    time: datetime | None = None
    place: tuple[float, float] | None = None

    def goes_on(self, capture: Capture, gap: timedelta, jump_m: float) -> bool:
        return not _paused(self.time, capture.taken_at, gap) and not _jumped(
            self.place, _place(capture), jump_m
        )

    def add(self, capture: Capture) -> None:
        self.captures.append(capture)
        self.time, self.place = capture.taken_at or self.time, _place(capture) or self.place


def _split(members: Sequence[Capture], gap: timedelta, jump_m: float) -> list[list[Capture]]:
    """Each capture goes on with the flight that was added to last and that it fits: two drones may
    have flown at the same time."""
    flights: list[_Open] = []
    recent: list[_Open] = []
    for capture in members:
        flight = next((one for one in reversed(recent) if one.goes_on(capture, gap, jump_m)), None)
        if flight is None:
            flight = _Open([])
            flights.append(flight)
        else:
            recent.remove(flight)
        flight.add(capture)
        recent.append(flight)
    return [flight.captures for flight in flights]


def _paused(before: datetime | None, now: datetime | None, gap: timedelta) -> bool:
    return before is not None and now is not None and now - before > gap


def _jumped(before: tuple[float, float] | None, now: tuple[float, float] | None, jump_m: float) -> bool:
    return before is not None and now is not None and _metres(before, now) > jump_m


def _place(capture: Capture) -> tuple[float, float] | None:
    return None if capture.lat is None or capture.lon is None else (capture.lat, capture.lon)


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    east = ((a[1] - b[1] + 180.0) % 360.0 - 180.0) * math.cos(math.radians((a[0] + b[0]) / 2))
    return math.hypot(a[0] - b[0], east) * _METRES_PER_DEGREE


def _start(flight: Sequence[Capture]) -> tuple[datetime, str]:
    times = [capture.taken_at for capture in flight if capture.taken_at is not None]
    return min(times, default=datetime.min), flight[0].name
