"""Directions from drawn flights: what photos show of each other is worked out, not rendered."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldbox.georef.flightheading import (
    NO_AGREEMENT,
    NO_MOVEMENT,
    NO_OVERLAP,
    OBLIQUE,
    WORST_DEG,
    Direction,
    Seen,
    Station,
    directions,
)
from fieldbox.i18n import Sentence

Complex = NDArray[np.complex128]

HEIGHT_M, GPS_M, TILT_DEG, SECONDS = 15.0, 1.5, 3.0, 2.0


@dataclass(frozen=True)
class Drawn:
    """A flight and its truth: yaws clockwise from north in degrees."""

    stations: list[Station]
    links: list[Seen]
    yaws: NDArray[np.float64]


def serpentine(lines: int = 4, photos: int = 8, step_m: float = 2.5, apart_m: float = 3.5) -> Complex:
    """[lines * photos] places, east + i north."""
    there = [complex(line * apart_m, along * step_m) for line in range(lines) for along in range(photos)]
    back = np.array(there).reshape(lines, photos)
    back[1::2] = back[1::2, ::-1]
    return back.ravel()


def nose(places: Complex) -> NDArray[np.float64]:
    """Yaws of a drone that looks where it goes."""
    way = np.diff(places, append=2 * places[-1] - places[-2])
    return np.degrees(np.arctan2(way.real, way.imag))


def drawn(
    places: Complex, yaws: NDArray[np.float64], rng: np.random.Generator, *, height_m: float = HEIGHT_M
) -> Drawn:
    """GPS with white noise and a drift, tilts that are not known, links between each photo and the next three."""
    count = len(places)

    def noise(sigma: float) -> Complex:
        return np.asarray(sigma * (rng.normal(size=count) + 1j * rng.normal(size=count)))

    drift = noise(math.sqrt(0.25) * GPS_M)
    keep = math.exp(-SECONDS / 60)
    for number in range(1, count):
        drift[number] = keep * drift[number - 1] + math.sqrt(1 - keep**2) * drift[number]
    gps = places + drift + noise(math.sqrt(0.5) * GPS_M)
    heights = height_m * np.exp(rng.normal(0, 0.02, count))
    turned = heights * np.exp(-1j * np.radians(yaws))
    tilts = noise(math.tan(math.radians(TILT_DEG)))
    below = places + turned * tilts
    links = []
    for i in range(count):
        for j in range(i + 1, min(i + 4, count)):
            shift = (below[j] - below[i]) / turned[i]
            turn = turned[j] / turned[i] * (1 + 0.5 * (tilts[j] - tilts[i]) * abs(shift))
            if abs(shift) < 0.5:
                links.append(Seen(i, j, turn, shift + 0.002 * complex(*rng.normal(size=2)), 0j, 0.002))
    tilt = math.tan(math.radians(TILT_DEG))
    stations = [Station(one, GPS_M, tilt, SECONDS * i, None) for i, one in enumerate(gps.tolist())]
    return Drawn(stations, links, yaws)


def off(told: list[Direction | Sentence], yaws: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Errors and stated errors of those that have a direction, degrees."""
    known = [(one, yaw) for one, yaw in zip(told, yaws, strict=True) if isinstance(one, Direction)]
    away = np.array([(one.yaw_deg - yaw + 180) % 360 - 180 for one, yaw in known])
    return away, np.array([one.error_deg for one, _yaw in known])


def why(told: list[Direction | Sentence]) -> set[str]:
    """What is said of each; of a direction nothing."""
    return {str(one) if isinstance(one, Sentence) else "" for one in told}


def leant(link: Seen, lean: complex) -> Seen:
    """As a camera shows it that leans by so much (the module's formula; `step` in the second photo)."""
    step = link.shift / link.turn
    larger = 1 + 1.5 * (lean.conjugate() * step).real
    return replace(link, turn=larger * link.turn, stretch=link.shift * lean / 2)


@pytest.mark.parametrize("fixed", [False, True])
def test_stated_errors_are_those_that_are_made(fixed: bool) -> None:
    """Of forty flights, nose ahead or always to the east with the camera turned by a quarter."""
    rng = np.random.default_rng(3)
    places = serpentine()
    yaws = np.full(len(places), 180.0) if fixed else nose(places)
    each = []
    for _flight in range(40):
        flight = drawn(places, yaws + rng.normal(0, 2, len(places)), rng)
        away, error = off(directions(flight.stations, flight.links), flight.yaws)
        assert len(away) == len(places)
        assert np.median(error) < 6
        each.append(math.sqrt(float(((away / error) ** 2).mean())))
    assert 0.6 < math.sqrt(float(np.square(each).mean())) < 1.3
    assert np.mean(np.array(each) < 2) > 0.9


def test_hovering_in_between_takes_the_turns_from_before_and_after() -> None:
    rng = np.random.default_rng(5)
    places = serpentine(lines=2, photos=10)
    places = np.concatenate([places[:10], np.full(4, places[9]), places[10:]])
    yaws = np.concatenate([np.zeros(10), [45.0, 90.0, 135.0, 180.0], np.full(10, 180.0)])
    flight = drawn(places, yaws, rng)
    away, error = off(directions(flight.stations, flight.links), yaws)
    assert len(away) == len(places)
    assert (np.abs(away) < 3 * error).all()


def test_wrong_links_are_left_out() -> None:
    """Rows that repeat themselves put some pairs one row off, and turned the other way round."""
    rng = np.random.default_rng(6)
    places = serpentine()
    flight = drawn(places, nose(places), rng)
    links = [
        replace(one, turn=-one.turn, shift=one.shift + 0.15j) if number % 9 == 4 else one
        for number, one in enumerate(flight.links)
    ]
    away, error = off(directions(flight.stations, links), flight.yaws)
    assert len(away) == len(places)
    assert (np.abs(away) < 3 * error).all()


def test_a_drone_that_hovers_has_no_direction() -> None:
    rng = np.random.default_rng(7)
    flight = drawn(np.full(20, 0j), np.zeros(20), rng)
    assert why(directions(flight.stations, flight.links)) == {str(NO_MOVEMENT)}
    same = [replace(one, turn=1 + 0j, shift=0j) for one in flight.links]  # on a stand
    assert why(directions(flight.stations, same)) == {str(NO_MOVEMENT)}
    stuck = serpentine()
    flight = drawn(stuck, nose(stuck), rng)
    fixed = [replace(one, place=0j) for one in flight.stations]  # a GPS that stands still
    assert why(directions(fixed, flight.links)) == {str(NO_MOVEMENT)}


def test_places_in_another_order_do_not_fit() -> None:
    rng = np.random.default_rng(8)
    places = serpentine(photos=12)
    flight = drawn(places, nose(places), rng)
    order = rng.permutation(len(places)).tolist()
    mixed = [
        replace(one, place=flight.stations[other].place)
        for one, other in zip(flight.stations, order, strict=True)
    ]
    assert not off(directions(mixed, flight.links), flight.yaws)[0].size


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_height_that_contradicts_gps_is_told(factor: float) -> None:
    """As where the positions are those of another flight."""
    rng = np.random.default_rng(9)
    places = serpentine(lines=6, photos=12)
    flight = drawn(places, nose(places), rng)
    stated = [replace(one, height_m=factor * HEIGHT_M) for one in flight.stations]
    assert why(directions(stated, flight.links)) == {str(NO_AGREEMENT)}
    right = [replace(one, height_m=HEIGHT_M) for one in flight.stations]
    assert len(off(directions(right, flight.links), flight.yaws)[0]) == len(places)


def test_photos_that_no_other_shows_have_none() -> None:
    rng = np.random.default_rng(10)
    places = serpentine()
    flight = drawn(places, nose(places), rng)
    links = [one for one in flight.links if 5 not in (one.first, one.second)]
    told = directions(flight.stations, links)
    assert told[5] == NO_OVERLAP
    assert sum(isinstance(one, Direction) for one in told) == len(places) - 1
    assert why(directions(flight.stations, [])) == {str(NO_OVERLAP)}
    assert why(directions(flight.stations, flight.links[:2])) == {str(NO_OVERLAP)}


def test_neighbours_that_state_their_direction_tell_those_of_the_others() -> None:
    """Too short a way for GPS alone."""
    rng = np.random.default_rng(11)
    places = serpentine(lines=1, photos=5, step_m=1.0)
    flight = drawn(places, np.full(5, 250.0), rng)
    assert not off(directions(flight.stations, flight.links), flight.yaws)[0].size
    turned = HEIGHT_M * complex(math.cos(math.radians(250)), -math.sin(math.radians(250)))
    stations = [replace(one, turned=turned, turned_m=0.05 * HEIGHT_M) for one in flight.stations]
    stations[2] = flight.stations[2]
    told = directions(stations, flight.links)[2]
    assert isinstance(told, Direction)
    assert abs(told.yaw_deg - 250) < 3 * told.error_deg < WORST_DEG


def test_a_camera_that_looks_ahead_is_told_by_what_it_shows() -> None:
    rng = np.random.default_rng(12)
    places = serpentine()
    flight = drawn(places, nose(places), rng)
    for degrees, oblique in ((5.0, False), (25.0, True)):
        lean = 1j * math.tan(math.radians(degrees))
        links = [leant(one, lean) for one in flight.links]
        assert (why(directions(flight.stations, links)) == {str(OBLIQUE)}) == oblique
