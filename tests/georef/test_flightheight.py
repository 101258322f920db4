"""The height of a flight from made points, seen with one pose and told with another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from fieldbox.domain import Camera, Pose
from fieldbox.georef.flightheight import (
    HIGHEST_M,
    NO_AGREEMENT,
    NO_MOVEMENT,
    NO_OVERLAP,
    WORST_ERROR,
    Estimate,
    Shot,
    at_one_metre,
    flight_height,
)
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import Sentence

CAMERA = Camera("DJI", "FC6310", 5472, 3648, 3650.5, 2735.5, 1823.5, focal_error=0.005)
PLANE = GroundPlane(32643)
EAST, NORTH, GROUND_M = 420_000.0, 2_052_000.0, 560.0
STEP_PX = 5472 / 800


@dataclass(frozen=True)
class Flown:
    """How a flight over level ground is flown and told. Metres, degrees; errors as `domain.Pose` means them."""

    height_m: float = 40.0
    photos: int = 30
    line: int = 10
    """Photos."""
    step: float = 0.2
    """Between photos, in heights."""
    told_m: float = 1.5
    """Stated error of a position."""
    gps_m: float = 1.5
    """True error."""
    tilt_deg: float = 1.0
    yaw_deg: float = 3.0
    bias_deg: float = 4.0
    """Of all yaws."""
    level_m: float | None = 0.3
    """Error of the stated altitudes; None: none stated."""
    sway_m: float = 0.0
    """By which photos are truly higher or lower than others."""
    wrong: float = 0.1
    """Of the points look like others."""

    def shots(self, seed: int) -> list[Shot]:
        rng = np.random.default_rng(seed)
        high = self.height_m + self.sway_m * rng.normal(size=self.photos)
        places, yaws = self._flown()
        points = _points(rng, places, self.height_m)
        alike = rng.normal(size=(len(points), 128)).astype(np.float32)
        slow = np.sqrt(0.5) * _drift(rng, self.photos)
        off = self.gps_m * (math.sqrt(0.5) * rng.normal(size=(self.photos, 2)) + slow)
        made = []
        for number in range(self.photos):
            pose = _pose(
                places[number], high[number], yaws[number], *(self.tilt_deg * rng.normal(size=2)).tolist()
            )
            true = PhotoGeometry("", pose, CAMERA, PLANE)
            xy = true.ground_to_pixel(points)
            inside = np.flatnonzero((xy > 0).all(1) & (xy < (CAMERA.width, CAMERA.height)).all(1))
            inside = rng.choice(inside, min(200, len(inside)), replace=False)
            look = alike[inside] + 0.3 * rng.normal(size=(len(inside), 128)).astype(np.float32)
            mixed = rng.random(len(inside)) < self.wrong
            look[mixed] = rng.permutation(look[mixed])
            told = _pose(
                places[number] + off[number],
                1.0,
                yaws[number] + self.bias_deg + self.yaw_deg * float(rng.normal()),
                0.0,
                0.0,
                self.told_m,
            )
            level = None if self.level_m is None else GROUND_M + high[number] + self.level_m * rng.normal()
            made.append(
                Shot(
                    at_one_metre(PhotoGeometry("", told, CAMERA, PLANE)),
                    3.0 * number,
                    level,
                    (xy[inside] + rng.normal(0, 2, (len(inside), 2))).astype(np.float32),
                    look / np.linalg.norm(look, axis=1, keepdims=True),
                    STEP_PX,
                )
            )
        return made

    def _flown(self) -> tuple[np.ndarray, np.ndarray]:
        """[photos, 2] places and [photos] yaws of lines to and fro."""
        line, along = np.divmod(np.arange(self.photos), self.line)
        back = line % 2 == 1
        along = np.where(back, self.line - 1 - along, along) * self.step * self.height_m
        places = np.stack([EAST + 0.5 * line * self.height_m, NORTH + along], axis=1)
        return places, np.where(back, 180.0, 0.0)

    def found(self, seed: int) -> Estimate | Sentence:
        shots = self.shots(seed)
        return flight_height(shots, consecutive(len(shots)))


def consecutive(count: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(count) for j in range(i + 1, min(i + 4, count))]


def _points(rng: np.random.Generator, places: np.ndarray, height_m: float) -> np.ndarray:
    """Things on the ground: about 200 in a photo."""
    low, high = places.min(axis=0) - height_m, places.max(axis=0) + height_m
    count = int(200 * np.prod(high - low) / (1.5 * height_m**2))
    return np.asarray(low + (high - low) * rng.random((count, 2)))


def _drift(rng: np.random.Generator, count: int) -> np.ndarray:
    """[count, 2] half of it the whole flight's, half wandering in a minute (unit variance)."""
    keep, state, out = math.exp(-3.0 / 60.0), rng.normal(size=2), []
    for _photo in range(count):
        state = keep * state + math.sqrt(1 - keep**2) * rng.normal(size=2)
        out.append(state)
    return np.asarray(math.sqrt(0.5) * (np.array(out) + rng.normal(size=2)))


def _pose(
    place: np.ndarray, height_m: float, yaw: float, pitch: float, roll: float, error_m: float = 1.5
) -> Pose:
    lat, lon = PLANE.to_geographic(place[0], place[1])
    return Pose(float(lat), float(lon), float(height_m), yaw, pitch, roll, error_m, 2.0, 3.0, 1.0)


def good(found: Estimate | Sentence) -> Estimate:
    assert isinstance(found, Estimate), str(found)
    return found


def test_it_is_exact_where_all_is() -> None:
    flown = Flown(told_m=0.02, gps_m=0.0, tilt_deg=0.0, yaw_deg=0.0, bias_deg=0.0, level_m=0.0, wrong=0.0)
    found = good(flown.found(1))
    assert found.height_m == pytest.approx(40.0, rel=2e-3)
    assert found.ground_m == pytest.approx(GROUND_M, abs=0.1)
    assert found.error_m < 0.02 * 40.0


@pytest.mark.parametrize(
    "flown",
    [
        Flown(),
        Flown(height_m=100.0),
        Flown(height_m=25.0, photos=60, line=20),
        Flown(photos=20, line=20, level_m=None),
        Flown(told_m=0.02, gps_m=0.02, wrong=0.3),
    ],
    ids=["40 m", "100 m", "25 m", "one line", "RTK"],
)
def test_its_error_is_what_is_said(flown: Flown) -> None:
    found = [good(flown.found(seed)) for seed in range(12)]
    off = np.array([one.height_m - flown.height_m for one in found])
    said = np.array([one.error_m for one in found])
    assert np.sqrt(np.mean((off / said) ** 2)) < 1.4
    assert (said <= WORST_ERROR * flown.height_m).all()
    assert np.abs(off).max() < 0.15 * flown.height_m


def test_a_gps_worse_than_it_says_shows() -> None:
    found = good(Flown(height_m=60.0, gps_m=5.0).found(2))
    assert found.error_m > 1.5 * good(Flown(height_m=60.0).found(2)).error_m


def test_the_photos_own_altitudes_count_where_what_they_show_agrees() -> None:
    flown = Flown(told_m=0.1, gps_m=0.1, sway_m=3.0, level_m=0.2)
    assert good(flown.found(3)).ground_m == pytest.approx(GROUND_M, abs=1.0)
    wild = good(replace(flown, sway_m=0.0, level_m=6.0).found(3))
    assert wild.ground_m is None  # a GPS's altitude that jumps about
    assert wild.height_m == pytest.approx(40.0, rel=0.05)
    assert good(replace(flown, level_m=None).found(3)).ground_m is None


def test_a_hovering_drone_tells_nothing() -> None:
    assert Flown(height_m=40.0, photos=12, line=12, step=0.005).found(4) == NO_MOVEMENT


def test_photos_with_nothing_in_common_tell_nothing() -> None:
    assert Flown(step=2.0, photos=9, line=9).found(5) == NO_OVERLAP
    shots = Flown().shots(5)
    assert flight_height(shots[:3], consecutive(3)) == NO_OVERLAP
    assert flight_height([], []) == NO_OVERLAP
    blank = [replace(one, xy=one.xy[:0], likeness=one.likeness[:0]) for one in shots]
    assert flight_height(blank, consecutive(len(blank))) == NO_OVERLAP


def test_positions_of_another_flight_tell_nothing() -> None:
    shots, rng = Flown().shots(6), np.random.default_rng(6)
    others = [shots[number].geometry for number in rng.permutation(len(shots))]
    mixed = [replace(one, geometry=geometry) for one, geometry in zip(shots, others, strict=True)]
    assert flight_height(mixed, consecutive(len(mixed))) == NO_AGREEMENT


def test_heights_that_no_drone_flies_at_are_not_believed() -> None:
    assert Flown(height_m=3 * HIGHEST_M).found(7) == NO_AGREEMENT
