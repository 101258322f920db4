"""Which way the photos of a flight were turned, from what consecutive ones show and from where their cameras were.

Two photos that show the same points tell how one lies in the other: with points as complex numbers, to the right + i
to the top of their picture, from the point below the camera and in heights of the camera,

    z_i = r z_j + t

where r says how much larger and how far turned the second shows things, and t where the second camera was in the
first's picture. A photo's height above the ground times the turn of its picture is one complex number w (the top of its
picture points to arg(i w)), and the equations of a whole flight are linear in all w and in the places m (east + i
north) of the points that the photos show as below them:

    m_j - m_i = w_i t            what two photos show
    w_j = w_i r
    p_i = m_i + b_i              GPS, of white noise (and the camera's tilt, which puts m beside the camera)
    b_i+1 = k b_i                and of a slow drift (Gauss and Markov's process)
    w_i = given                  of photos that state their height and direction

Least squares over all of them; those out of line are counted little (Cauchy's weights). A flight may curve as its links'
turns add up, and GPS straightens it; a drone that hovers keeps w through the turns alone. The standard error of arg w is
that of w, from the inverse of the normal matrix, over its length. So a w that is no larger than its error, of a drone that
did not move, has no direction.

A camera that leans shows what is further away smaller. With the lean l (complex tangents, the same for all photos) a step
t takes a point from z to z + t + t Re(l* z) + z Re(l* t) (`imagery.lean`). In z_i = r z_j + s conj(z_j) + t this is
s = t l / 2 and |r| = 1 + 1.5 Re(l* t), from which l is found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, diags_array, eye_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
from scipy.sparse.linalg import splu

from fieldbox.georef.flightheight import (
    DRIFT,
    HIGHEST_M,
    LEAST_PHOTOS,
    LEAST_SHARE,
    LEAST_SHARED,
    LOWEST_M,
    MEMORY_S,
    MOST_ZOOM,
    PHOTO_S,
    WHITE,
    Shot,
    alike,
)
from fieldbox.i18n import N_, Sentence

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

WORST_DEG = 12.0
"""Standard error with which a direction is still worth having: the alignment mends the rest."""
LEAST_DEG = 1.0
"""No direction of a single photo is better: its own tilt turns what it shows."""
WITHIN_PX = 3.0
"""Of the searched picture: a point that far off the common plane disagrees."""
MOST_STRETCH = 0.25
"""By which a link may stretch the picture one way against the other: more is chance."""
OBLIQUE_DEG = 10.0
"""A camera that leans more does not look straight down."""
UNLIKE = 1.6
"""Times a flight's stated heights may be what its photos and GPS tell."""
WORST_FIT = 3.0
"""Standard errors by which half of the GPS positions may be off what the photos show."""
TURN = 0.01
"""Error of r in one link, relative; a tilt turns and scales what two photos share the more, the further they lie apart."""
POINT_PX = 2.0
"""Error of t in pixels of the searched picture: lens, relief, rounding; a tilt shifts it, too."""
_CAUCHY, _LINKS_ALIKE = 3.0, 3
_ROUNDS = 12
_REACH = 4
"""Photos by which two of one link may lie apart from a third."""
_AROUND = 0.15
"""By which two ways to a photo may differ: relative, and in heights."""
_COLUMNS = 256

NO_OVERLAP = Sentence(
    N_(
        "The photo does not say which way the camera was turned, and has too little in common with those taken before and"
        " after it to find it: fly with more overlap, or give the drone's original files."
    )
)
NO_MOVEMENT = Sentence(
    N_(
        "The photo does not say which way the camera was turned, and the drone moved too little around it to find it: fly"
        " in lines over the field, or give the drone's original files."
    )
)
NO_AGREEMENT = Sentence(
    N_(
        "The photo does not say which way the camera was turned, and what the flight's photos show does not fit their GPS"
        " positions, so that it cannot be found: give the drone's original files."
    )
)
OBLIQUE = Sentence(
    N_(
        "The photo does not say which way the camera was turned, and by what the flight's photos show it did not look"
        " straight down: point it at the ground, or give the drone's original files."
    )
)


@dataclass(frozen=True, slots=True)
class Seen:
    """How photo `second` lies in photo `first` (see the module): relative turn and size, shift and stretch, in heights."""

    first: int
    second: int
    turn: complex
    shift: complex
    stretch: complex
    error: float
    """Of the shift, each axis."""


@dataclass(frozen=True, slots=True)
class Station:
    """What is known of a photo beside what it shows.

    place     east + i north in metres on the ground
    error_m   of the place, each axis
    tilt      its standard error, tangent
    at_s      seconds since the first photo; NaN: not known
    height_m  as stated; None: not stated
    turned    the photo's height times its turn, w of the module, where it states both; None: it does not
    turned_m  standard error of that
    """

    place: complex
    error_m: float
    tilt: float
    at_s: float
    height_m: float | None
    turned: complex | None = None
    turned_m: float = math.inf


@dataclass(frozen=True, slots=True)
class Direction:
    """Of the top of a photo's picture, clockwise from grid north, and its standard error; degrees."""

    yaw_deg: float
    error_deg: float


def seen(first: int, one: Shot, second: int, other: Shot) -> Seen | None:
    """What two photos, either north up, have in common; None: too little."""
    pairs = alike(one.likeness, other.likeness)
    here, there = one.offsets()[pairs[:, 0]], other.offsets()[pairs[:, 1]]
    real = np.isfinite(here).all(axis=1) & np.isfinite(there).all(axis=1)
    here, there = here[real], there[real]
    if len(here) < LEAST_SHARED:
        return None
    per_px = max(one.per_px, other.per_px)
    _model, agree = cv2.findHomography(
        there / per_px, here / per_px, cv2.USAC_MAGSAC, WITHIN_PX, maxIters=2000, confidence=0.999
    )
    good = np.ravel(agree) > 0 if agree is not None else np.zeros(len(here), np.bool_)
    if good.sum() < max(LEAST_SHARED, LEAST_SHARE * len(here)):
        return None
    found = _similar(_complex(here[good]), _complex(there[good]))
    turn, stretch, shift = found.tolist()
    if not 1 / MOST_ZOOM < abs(turn) < MOST_ZOOM or abs(stretch) > MOST_STRETCH:
        return None
    return Seen(first, second, turn, shift, stretch, POINT_PX * per_px)


def _complex(points: Array) -> Complex:
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def _similar(here: Complex, there: Complex) -> Complex:
    """r, s and t of here = r there + s conj(there) + t."""
    rows = np.column_stack([there, there.conj(), np.ones(len(there))])
    return np.asarray(np.linalg.lstsq(rows, here, rcond=None)[0], complex)


def directions(stations: Sequence[Station], links: Sequence[Seen]) -> list[Direction | Sentence]:
    """Of each photo its direction, or why it cannot be told."""
    found: list[Direction | Sentence] = [NO_OVERLAP] * len(stations)
    if not links:
        return found
    if _lean_deg(links) > OBLIQUE_DEG:
        return [OBLIQUE] * len(stations)
    believed = list(_turned_alike(len(stations), links))
    for members, inside in _runs(len(stations), believed):
        told = _run([stations[photo] for photo in members], _Links.of(inside, members))
        for photo, one in zip(members, told, strict=True):
            found[photo] = one
    return found


def _runs(count: int, links: Sequence[Seen]) -> Iterator[tuple[list[int], list[Seen]]]:
    """Photos that hang together, and the links between them."""
    ends = [one.first for one in links], [one.second for one in links]
    graph = coo_array((np.ones(len(links)), ends), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    for run in range(number):
        members = np.flatnonzero(label == run).tolist()
        if len(members) >= LEAST_PHOTOS:
            yield members, [one for one in links if label[one.first] == run]


def _turned_alike(count: int, links: Sequence[Seen]) -> Iterator[Seen]:
    """Links whose turns agree with the others'."""
    for members, inside in _runs(count, links):
        kept = _turn_alike(len(members), _Links.of(inside, members))
        yield from (one for one, agrees in zip(inside, kept, strict=True) if agrees)


def _lean_deg(links: Sequence[Seen]) -> float:
    """How far the camera leans by all links, less twice the error of that."""
    turn, stretch, shift = (
        np.array([getattr(one, name) for one in links]) for name in ("turn", "stretch", "shift")
    )
    step, bent, larger = shift / turn, 2 * stretch / turn, (np.abs(turn) - 1) / 1.5
    rows = np.concatenate(
        [
            np.column_stack([step.real, -step.imag]),
            np.column_stack([step.imag, step.real]),
            np.column_stack([step.real, step.imag]),
        ]
    )
    right = np.concatenate([bent.real, bent.imag, larger])
    weight = np.ones(len(right))
    for _round in range(_ROUNDS):
        normal = rows.T @ (rows * weight[:, None]) + 1e-9 * np.eye(2)
        lean = np.linalg.solve(normal, rows.T @ (weight * right))
        off = right - rows @ lean
        usual = max(1.4826 * float(np.median(np.abs(off))), 1e-6)
        weight = 1 / (1 + (off / (_CAUCHY * usual)) ** 2)
    # Each photo's own tilt is in all of its links.
    error = usual * math.sqrt(_LINKS_ALIKE * float(np.trace(np.linalg.inv(normal))))
    return math.degrees(math.atan(max(0.0, float(np.hypot(*lean)) - 2 * error)))


# -- one run -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Links:
    """The links of a run as arrays, by its own numbers of photos."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    turn: Complex
    shift: Complex
    error: Array

    @classmethod
    def of(cls, links: Sequence[Seen], members: Sequence[int]) -> _Links:
        number = {photo: index for index, photo in enumerate(members)}
        return cls(
            np.array([number[one.first] for one in links]),
            np.array([number[one.second] for one in links]),
            np.array([one.turn for one in links]),
            np.array([one.shift for one in links]),
            np.array([one.error for one in links]),
        )


def _run(stations: Sequence[Station], links: _Links) -> list[Direction | Sentence]:
    """Of the photos of one run."""
    solved = _Solved.of(stations, links)
    heights = np.abs(solved.turned)
    errors = np.hypot(np.degrees(solved.error / np.maximum(heights, 1e-9)), LEAST_DEG)
    yaws = -np.degrees(np.angle(solved.turned))
    if not (errors <= WORST_DEG).any():
        return [NO_MOVEMENT] * len(stations)
    if solved.off > WORST_FIT or not _is_likely(heights[errors <= WORST_DEG], stations):
        return [NO_AGREEMENT] * len(stations)
    return [
        Direction(yaw % 360.0, error) if error <= WORST_DEG else NO_MOVEMENT
        for yaw, error in zip(yaws.tolist(), errors.tolist(), strict=True)
    ]


def _is_likely(heights: Array, stations: Sequence[Station]) -> bool:
    """Whether the heights that come out are those of flights, and those that the photos state."""
    usual = float(np.median(heights))
    stated = [one.height_m for one in stations if one.height_m is not None]
    told = float(np.median(stated)) if stated else usual
    return LOWEST_M < usual < HIGHEST_M and 1 / UNLIKE < usual / told < UNLIKE


@dataclass(frozen=True)
class _Solved:
    """turned [n] w of each photo, error [n] its standard error (each axis); off: how far most GPS positions are off, in
    standard errors."""

    turned: Complex
    error: Array
    off: float

    @classmethod
    def of(cls, stations: Sequence[Station], links: _Links) -> _Solved:
        count = len(stations)
        known = np.flatnonzero([one.turned is not None for one in stations])
        rows, right = _equations(stations, links, known)
        height = _rough(stations, links)
        weight = np.ones(rows.shape[0])
        # Photos that lie one on the other tell nothing of w: it is that of a flight, at most.
        anywhere = diags_array(np.repeat([0.0, HIGHEST_M**-2, 0.0], count))
        found = np.zeros(3 * count, complex)
        for _round in range(_ROUNDS):
            sigma = _sigmas(stations, links, known, height)
            scaled = csc_array(rows.conj().T.multiply((weight / sigma**2)[None]))
            solver = splu(csc_array(scaled @ rows + anywhere))
            found = np.asarray(solver.solve(scaled @ right))
            off = np.abs(rows @ found - right) / sigma
            weight = _weights(off, count, len(links.first))
            height = float(np.clip(np.median(np.abs(found[count : 2 * count])), LOWEST_M, HIGHEST_M))
        spread = _spread(off, weight, count)
        error = spread * np.sqrt(_variances(solver, np.arange(count, 2 * count), 3 * count))
        usual = float(np.median(off[:count])) / math.sqrt(2 * math.log(2))  # of a Rayleigh distribution
        return cls(found[count : 2 * count], error, usual)


def _turn_alike(count: int, links: _Links) -> NDArray[np.bool_]:
    """[L] links whose turns agree with the others', by angles [n] of least absolute residuals. One that is plainly wrong
    would make all w as good as 0, with which nothing is at odds."""
    turn, angle, rows = np.angle(links.turn), _angles_by_tree(count, links), _differences(count, links)
    off = _wrapped(turn - rows @ angle)
    for _round in range(_ROUNDS):
        scaled = csc_array(rows.T.multiply(1 / np.maximum(np.abs(off), TURN)[None]))
        angle += splu(csc_array(scaled @ rows + 1e-6 * eye_array(count))).solve(scaled @ off)
        off = _wrapped(turn - rows @ angle)
    return np.asarray(np.abs(off) < _AROUND)


def _angles_by_tree(count: int, links: _Links) -> Array:
    """[n] radians against the first photo, by the way over the links that most others bear out."""
    ends = (links.first, links.second)
    cost = 1.0 / (1.0 + _borne_out(links))
    tree = minimum_spanning_tree(coo_array((cost, ends), shape=(count, count)))
    order, before = breadth_first_order(tree, 0, directed=False)
    step: dict[tuple[int, int], float] = {}
    for i, j, turn in zip(*(one.tolist() for one in (*ends, np.angle(links.turn))), strict=True):
        step[i, j], step[j, i] = turn, -turn
    angle = np.zeros(count)
    for photo in order[1:].tolist():
        other = int(before[photo])
        angle[photo] = angle[other] + step[other, photo]
    return angle


def _differences(count: int, links: _Links) -> csc_array:
    """[L, n] what is told of the second of each link less what is of its first."""
    ones, number = np.ones(len(links.first)), np.arange(len(links.first))
    ends = np.tile(number, 2), np.concatenate([links.second, links.first])
    return csc_array(coo_array((np.concatenate([ones, -ones]), ends), shape=(len(number), count)))


def _wrapped(angle: Array) -> Array:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _borne_out(links: _Links) -> Array:
    """[L] over how many third photos the way leads to the same."""
    ends = list(zip(links.first.tolist(), links.second.tolist(), strict=True))
    lies = {}
    for (i, j), turn, shift in zip(ends, links.turn.tolist(), links.shift.tolist(), strict=True):
        lies[i, j], lies[j, i] = (turn, shift), (1 / turn, -shift / turn)

    def count(i: int, j: int) -> int:
        around = range(i - _REACH, j + _REACH + 1)
        ways = ((i, one) for one in around if (i, one) in lies and (one, j) in lies)
        return sum(_agree(lies[i, j], lies[way], lies[way[1], j]) for way in ways)

    return np.array([count(*pair) for pair in ends], float)


def _agree(
    whole: tuple[complex, complex], one: tuple[complex, complex], other: tuple[complex, complex]
) -> bool:
    """Whether two steps lead to where one leads: turns and shifts of each."""
    turn, shift = one[0] * other[0], one[1] + one[0] * other[1]
    return abs(turn / whole[0] - 1) < _AROUND and abs(shift - whole[1]) < _AROUND


def _rough(stations: Sequence[Station], links: _Links) -> float:
    place = np.array([one.place for one in stations])
    metres = np.abs(place[links.second] - place[links.first])
    return float(np.clip(np.median(metres / np.maximum(np.abs(links.shift), 1e-6)), LOWEST_M, HIGHEST_M))


def _equations(
    stations: Sequence[Station], links: _Links, known: NDArray[np.intp]
) -> tuple[csc_array, Complex]:
    """The equations of the module for the unknowns m, w and b: [n] GPS, [n] drift, [L] shifts, [L] turns, [K] given."""
    n, total = len(stations), len(links.first)
    photo, link, ones = np.arange(n), np.arange(total), np.ones(total)
    keep = _memory(stations)
    blocks = [
        (photo, photo, np.ones(n)),
        (photo, 2 * n + photo, np.ones(n)),
        (n + photo, 2 * n + photo, np.ones(n)),
        (n + photo[1:], 2 * n + photo[:-1], -keep[1:]),
        (2 * n + link, links.second, ones),
        (2 * n + link, links.first, -ones),
        (2 * n + link, n + links.first, -links.shift),
        (2 * n + total + link, n + links.second, ones),
        (2 * n + total + link, n + links.first, -links.turn),
        (2 * n + 2 * total + np.arange(len(known)), n + known, np.ones(len(known))),
    ]
    row, column, value = (np.concatenate(each) for each in zip(*blocks, strict=True))
    size = (2 * n + 2 * total + len(known), 3 * n)
    right = np.zeros(size[0], complex)
    places = np.array([one.place for one in stations])
    right[:n] = places - places.mean()
    right[2 * n + 2 * total :] = [stations[one].turned or 0 for one in known.tolist()]
    return csc_array(coo_array((value.astype(complex), (row, column)), shape=size)), right


def _memory(stations: Sequence[Station]) -> Array:
    """[n] the share of its drift that GPS has kept since the photo before."""
    times = np.array([one.at_s for one in stations])
    if not np.isfinite(times).all():
        times = PHOTO_S * np.arange(len(stations))
    return np.concatenate([[0.0], np.exp(-np.abs(np.diff(times)) / MEMORY_S)])


def _sigmas(stations: Sequence[Station], links: _Links, known: NDArray[np.intp], height: float) -> Array:
    """Standard error of each equation, each axis."""
    error = np.array([one.error_m for one in stations])
    tilt = np.array([one.tilt for one in stations])
    drift = math.sqrt(DRIFT) * error * np.sqrt(np.maximum(1 - _memory(stations) ** 2, 1e-4))
    bent = np.hypot(tilt[links.first], tilt[links.second]) * np.abs(links.shift)
    given = np.array([stations[one].turned_m for one in known.tolist()], float)
    return np.concatenate(
        [
            np.hypot(math.sqrt(WHITE) * error, height * tilt),
            drift,
            height * np.hypot(links.error, bent * np.abs(links.shift) / 2),
            height * np.hypot(TURN, bent),
            given,
        ]
    )


def _weights(off: Array, count: int, links: int) -> Array:
    """Of GPS each by itself, of a link its shift and its turn together."""
    weight = np.ones(len(off))
    scale = np.maximum(1.0, np.median(off[:count]))
    weight[:count] = 1 / (1 + (off[:count] / (_CAUCHY * scale)) ** 2)
    both = np.hypot(off[2 * count : 2 * count + links], off[2 * count + links : 2 * count + 2 * links])
    both = 1 / (1 + (both / (_CAUCHY * np.maximum(1.0, np.median(both)))) ** 2)
    weight[2 * count : 2 * count + 2 * links] = np.tile(both, 2)
    return weight


def _spread(off: Array, weight: Array, count: int) -> float:
    """By which the equations are off, in their standard errors: 1, or more."""
    free = max(1, len(off) - 3 * count)
    return math.sqrt(max(1.0, float((weight * off**2).sum()) / (2 * free)))


def _variances(solver: object, wanted: NDArray[np.intp], size: int) -> Array:
    """Of these unknowns, each axis: the inverse's diagonal."""
    found = []
    for start in range(0, len(wanted), _COLUMNS):
        some = wanted[start : start + _COLUMNS]
        unit = np.zeros((size, len(some)), complex)
        unit[some, np.arange(len(some))] = 1.0
        found.append(np.real(solver.solve(unit)[some, np.arange(len(some))]))  # type: ignore[attr-defined]
    return np.asarray(np.maximum(np.concatenate(found), 0.0))
