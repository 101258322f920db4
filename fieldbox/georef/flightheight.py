"""How high a flight was above the ground, from what its photos show and where its camera was.

On the ground two cameras lie some metres apart (GPS); in what they show they lie some share of the height apart. The
one over the other is the height. For photos i and j that show the same points,

    c_j - c_i = h_i g_i - h_j g_j,     h = H + d

with c the camera's place (east, north, metres), g the middle of the common points, in heights from the point below the
camera (by the stated direction), H the unknown and d by how much a photo stood above the flight's usual height.

Consecutive photos are joined to runs first. By how much each shows things turned against the next one, their yaws are
brought to one error for all; from the links each photo's place in heights follows then (x, least squares, wrong links
out), where the errors of tilt are those of one photo and no more of a pair. Then all runs are laid on their GPS places
at once, each with its own shift and all with one turn (the compass's error): H minimises

    chi2(H) = sum over runs of  r* C(H)^-1 r,     r = c - y - t - H e^(i phi) x,     C(H) = C_gps + H^2 tilt^2 I

(complex numbers east + i north; y is what the d contribute). That is total least squares, as Deming's regression: both
sides have errors, of known ratio, and a plain regression would give too little height. Its standard error is that of
the curvature, with the GPS's noise as stated or, if larger, as seen. C_gps is partly white, partly a slow drift: half
and a quarter of the stated variance; the last quarter is the whole flight's and does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

LEAST_PHOTOS = 4
"""Fewer tell too little, however clear they are."""
WORST_ERROR = 0.15
"""Relative standard error with which a height is still worth having."""
LOWEST_M, HIGHEST_M = 2.0, 500.0
MOST_TURN_DEG = 25.0
"""Between what the photos show and GPS: more is no error of a compass."""
MOST_ZOOM = 1.3
RATIO = 0.9
"""As in `georef.matching`: Lowe's ratio test, on angles."""
WITHIN_PX = 5.0
"""Of the searched picture: a point that far off a similarity disagrees (a wrong tilt bends it by some pixels)."""
LEAST_SHARED = 15
LEAST_SHARE = 0.25
"""Of the points that are each other's most alike, so many agree where two photos truly meet."""
LEAST_LINKS = 0.5
"""Of the links, so many agree with one height, or none is believed."""
OUTLIER = 4.0
"""Standard errors by which a link may be off."""
WHITE, DRIFT = 0.5, 0.25
"""Shares of the stated variance of a place: each photo's own, and what wanders in `MEMORY_S`."""
MEMORY_S = 60.0
PHOTO_S = 3.0
"""Between photos whose time is not known."""
_POINT_PX = 2.0
"""Error of a link's shift in pixels of the searched picture: lens, relief, rounding."""
TURN = math.radians(0.5)
"""Error of the turn between two photos."""
_STEPS = 240

NO_OVERLAP = Sentence(
    N_(
        "The photos do not state their height above the ground, and show too little in common to find it: fly with"
        " more overlap, or give the drone's original files."
    )
)
NO_MOVEMENT = Sentence(
    N_(
        "The photos do not state their height above the ground, and the drone moved too little between them to find"
        " it: fly in lines over the field, or give the drone's original files."
    )
)
NO_AGREEMENT = Sentence(
    N_(
        "The photos do not state their height above the ground, and what they show does not fit their GPS positions,"
        " so that it cannot be found: give the drone's original files."
    )
)


@dataclass(frozen=True)
class Shot:
    """A photo as the search for the height wants it.

    geometry    with a height of 1 m, so that its ground is in heights
    at_s        seconds since the first; NaN: not known
    level_m     how high the camera stood over any one level; None: not stated
    xy          [N, 2] its points in pixels of the full photo
    likeness    float32 [N, 128], unit length (see `imagery.features`)
    step_px     pixels of the photo to one of the searched picture
    """

    geometry: PhotoGeometry
    at_s: float
    level_m: float | None
    xy: NDArray[np.float32]
    likeness: NDArray[np.float32]
    step_px: float

    @property
    def per_px(self) -> float:
        """Heights to a pixel of the searched picture."""
        return self.step_px / self.geometry.camera.focal_px

    def offsets(self) -> Array:
        """[N, 2] its points east and north of the camera, in heights."""
        one = self.geometry
        return np.asarray((one.pixel_to_ground(self.xy) - one.centre) / one.metres_on_grid)


@dataclass(frozen=True)
class Link:
    """What two photos have in common: its middle in heights east + i north of either camera; by how much the first
    shows it larger than the second does (the second's height over the first's); by how much it shows it turned against
    the second, radians from east to north."""

    first: int
    second: int
    of_first: complex
    of_second: complex
    ratio: float
    turn: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A flight's usual height above the ground and its standard error, metres."""

    height_m: float
    error_m: float
    between_m: float
    """By which single photos are off, beside the common error."""
    ground_m: float | None
    """The ground by the level that the photos state; None: that tells nothing, all count as equally high."""


def flight_height(shots: Sequence[Shot], pairs: Iterable[tuple[int, int]]) -> Estimate | Sentence:
    """The height of a flight from photos of which `pairs` may overlap, or why it cannot be told."""
    offsets = [one.offsets() for one in shots]
    links = [link for i, j in pairs if (link := _link(i, j, shots, offsets))]
    return height_of_links(shots, links)


def height_of_links(shots: Sequence[Shot], links: Sequence[Link]) -> Estimate | Sentence:
    """As `flight_height`, from what is known of the pairs (the photos' points are not needed)."""
    if len({number for link in links for number in (link.first, link.second)}) < LEAST_PHOTOS:
        return NO_OVERLAP
    level, above = _levels(shots)
    tried = [above] if level is None else [above, np.zeros(len(shots))]
    found = [_solved(shots, links, each) for each in tried]
    best = min(found, key=lambda one: (one.why is not None, one.between))
    if best.why is not None:
        return best.why
    by_level = level is not None and best is found[0]
    calm = _solved([_calmer(one) for one in shots], links, tried[found.index(best)])
    height = best.height if calm.why else (best.height + calm.height) / 2
    error = math.hypot(best.error, best.height - height)
    if error > WORST_ERROR * height:
        return NO_MOVEMENT
    focal = max(one.geometry.camera.focal_error for one in shots)
    return Estimate(
        height_m=height,
        error_m=math.hypot(error, focal * height),
        between_m=best.between * height,
        ground_m=level - height if by_level and level is not None else None,
    )


def _calmer(shot: Shot) -> Shot:
    """As if its tilt were known twice as well: on a small field that decides on the height, and no maker states it so
    exactly."""
    geometry = shot.geometry
    pose = replace(geometry.pose, tilt_error_deg=geometry.pose.tilt_error_deg / 2)
    return replace(shot, geometry=replace(geometry, pose=pose))


def _levels(shots: Sequence[Shot]) -> tuple[float | None, Array]:
    """The photos' usual level, and by how much each stood above it; None where one does not state it."""
    stated = [one.level_m for one in shots if one.level_m is not None]
    if len(stated) < len(shots):
        return None, np.zeros(len(shots))
    usual = float(np.median(stated))
    return usual, np.array(stated) - usual


# -- what two photos have in common ------------------------------------------------------------


def _link(first: int, second: int, shots: Sequence[Shot], offsets: Sequence[Array]) -> Link | None:
    """The similarity that most of the points alike agree with."""
    one, other = shots[first], shots[second]
    pairs = alike(one.likeness, other.likeness)
    if len(pairs) < LEAST_SHARED:
        return None
    here, there = offsets[first][pairs[:, 0]], offsets[second][pairs[:, 1]]
    seen = np.isfinite(here).all(axis=1) & np.isfinite(there).all(axis=1)
    here, there = here[seen], there[seen]
    per_px = max(one.per_px, other.per_px)
    if len(here) < LEAST_SHARED:
        return None
    model, agree = cv2.estimateAffinePartial2D(
        there / per_px, here / per_px, method=cv2.RANSAC, ransacReprojThreshold=WITHIN_PX, maxIters=2000
    )
    good = np.ravel(agree) > 0
    if not good.any():  # then there is no model either
        return None
    turn = complex(float(model[0, 0]), float(model[1, 0]))
    ratio = abs(turn)
    if good.sum() < max(LEAST_SHARED, LEAST_SHARE * len(good)) or not 1 / MOST_ZOOM < ratio < MOST_ZOOM:
        return None
    if abs(math.degrees(math.atan2(turn.imag, turn.real))) > MOST_TURN_DEG:
        return None
    near, far = here[good].mean(axis=0), there[good].mean(axis=0)
    return Link(first, second, complex(*near), complex(*far), ratio, math.atan2(turn.imag, turn.real))


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.intp]:
    """[M, 2] points of both that are each other's most alike, and plainly so (wherever they lie)."""
    if len(one) < 2 or len(other) < 2:
        return np.zeros((0, 2), np.intp)
    alike = one @ other.T
    best = alike.argmax(axis=1)
    rows = np.arange(len(best))
    mutual = rows[alike.argmax(axis=0)[best] == rows]
    top = alike[mutual, best[mutual]]
    alike[mutual, best[mutual]] = -1
    second = alike[mutual].max(axis=1)
    clear = np.arccos(np.clip(top, -1, 1)) < RATIO * np.arccos(np.clip(second, -1, 1))
    return np.stack([mutual[clear], best[mutual[clear]]], axis=1)


# -- the height ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Solved:
    """height, error in metres; between: relative, of single photos; why: it is none."""

    height: float
    error: float
    between: float
    why: Sentence | None = None


@dataclass(frozen=True)
class _Run:
    """Photos that hang together, complex [n]: places in metres less what their levels contribute; places in heights.

    noise [n, n] covariance of the former, tilt [n] variance of the latter (each per axis)
    """

    place: Complex
    shape: Complex
    noise: Array
    tilt: Array

    def terms(self, height: float) -> tuple[float, complex, float]:
        """c* P c, x* P c and x* P x, where P is the weight of what the run's own shift leaves."""
        weight = np.linalg.inv(self.noise + np.diag(height**2 * self.tilt))
        ones = weight.sum(axis=1)
        weight -= np.outer(ones, ones) / ones.sum()
        return (
            float(np.real(self.place.conj() @ weight @ self.place)),
            complex(self.shape.conj() @ weight @ self.place),
            float(np.real(self.shape.conj() @ weight @ self.shape)),
        )


@dataclass(frozen=True)
class _Links:
    """The links as arrays: photos; metres between their cameras; heights between them; metres by their levels."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    metres: Complex
    heights: Complex
    levels: Complex
    noise: Array
    """Standard error of `metres`, each axis."""
    tilt: Array
    """Of `heights`."""

    def part(self, kept: NDArray[np.bool_]) -> _Links:
        """Those that are kept."""
        return _Links(
            self.first[kept],
            self.second[kept],
            self.metres[kept],
            self.heights[kept],
            self.levels[kept],
            self.noise[kept],
            self.tilt[kept],
        )


def _solved(shots: Sequence[Shot], links: Sequence[Link], above: Array) -> _Solved:
    told = _told(shots, links, above)
    rough = _rough(told)
    agree = _agrees(told, rough)
    ratios = np.array([link.ratio for link in links])
    if rough <= 0 or agree.mean() < LEAST_LINKS:
        why = NO_MOVEMENT if _hovers(told) else NO_AGREEMENT
        return _Solved(0.0, math.inf, math.inf, why)
    kept = np.flatnonzero(agree)
    runs = list(_runs(shots, told.part(agree)))
    height, error = _fitted(runs)
    between = _between(ratios[kept], above, told.part(agree), height)
    if not LOWEST_M < height < HIGHEST_M or not error <= WORST_ERROR * height:
        return _Solved(height, error, between, NO_MOVEMENT if _hovers(told) else NO_AGREEMENT)
    return _Solved(height, error, between)


def _told(shots: Sequence[Shot], links: Sequence[Link], above: Array) -> _Links:
    """What each link tells."""
    place = _places(shots)
    error = np.array([one.geometry.pose.error_m for one in shots])
    tilt = np.array([_tilt(one) for one in shots])
    i, j = (np.array([getattr(one, name) for one in links], np.intp) for name in ("first", "second"))
    near, far = (np.array([getattr(one, name) for one in links]) for name in ("of_first", "of_second"))
    turned = np.exp(1j * _turned(shots, i, j, np.array([one.turn for one in links])))
    near, far = turned[i] * near, turned[j] * far
    return _Links(
        i,
        j,
        place[j] - place[i],
        near - far,
        above[i] * near - above[j] * far,
        math.sqrt(WHITE) * np.hypot(error[i], error[j]),
        np.hypot(tilt[i], tilt[j]),
    )


def _places(shots: Sequence[Shot]) -> Complex:
    """Metres on the ground from the first."""
    centres = np.array([complex(*one.geometry.centre) for one in shots])
    return np.asarray((centres - centres[0]) / np.mean([one.geometry.metres_on_grid for one in shots]))


def _turned(shots: Sequence[Shot], first: NDArray[np.intp], second: NDArray[np.intp], turn: Array) -> Array:
    """[photos] radians, from east to north, by which what each shows has to be turned: as the links say, and little
    where they say nothing. A common turn of all stays."""
    error = np.radians([one.geometry.pose.yaw_error_deg for one in shots])
    rows = np.zeros((len(first), len(shots)))
    number = np.arange(len(first))
    rows[number, second] = 1.0  # it is shown as the first if it is turned by this more
    rows[number, first] = -1.0
    weight = np.ones(len(rows))
    found = np.zeros(len(shots))
    for _round in range(5):
        scaled = rows * (weight / TURN**2)[:, None]
        normal = rows.T @ scaled + np.diag(1 / np.maximum(error, TURN) ** 2)
        found = np.asarray(np.linalg.solve(normal, scaled.T @ turn), float)
        weight = 1.0 / (1.0 + ((turn - rows @ found) / (3 * TURN)) ** 2)
    return np.asarray(found)


def _tilt(shot: Shot) -> float:
    """Error of what lies below the camera, in heights, each axis."""
    return math.hypot(math.tan(math.radians(shot.geometry.pose.tilt_error_deg)), _POINT_PX * shot.per_px)


def _rough(told: _Links) -> float:
    """The height that half of the links, by their length, are above: wrong ones do not move it much."""
    length = np.abs(told.heights)
    each = np.real((told.metres - told.levels) * told.heights.conj()) / np.maximum(length, 1e-9) ** 2
    order = np.argsort(each)
    total = length[order].cumsum()
    return float(each[order][np.searchsorted(total, total[-1] / 2)])


def _agrees(told: _Links, height: float) -> NDArray[np.bool_]:
    """[links] whether each fits the height within its errors (those of GPS as seen, where they are larger)."""
    off = np.abs(told.metres - told.levels - height * told.heights)
    error = np.hypot(told.noise, height * told.tilt)
    seen = float(np.median(off / error)) / math.sqrt(2 * math.log(2))  # of a Rayleigh distribution
    # The rough height may be some per cent off, and the compass some degrees.
    slack = 0.2 * np.abs(height * told.heights)
    return np.asarray(off < OUTLIER * max(1.0, seen) * error + slack)


def _hovers(told: _Links) -> bool:
    """Whether the cameras lie no further apart than their GPS may be off."""
    apart = np.abs(told.metres)
    return bool(np.median(apart) < 2.0 * np.median(told.noise) * math.sqrt(2))


def _runs(shots: Sequence[Shot], told: _Links) -> Iterator[_Run]:
    """The photos that the links join, in each run by the places that the links give them."""
    count = len(shots)
    ones = np.ones(len(told.first))
    graph = coo_array((ones, (told.first, told.second)), shape=(count, count))
    _number, label = connected_components(graph, directed=False)
    place = _places(shots)
    for run in np.unique(label[told.first]):
        members = np.flatnonzero(label == run)
        joined = [shots[number] for number in members.tolist()]
        mine = told.part(label[told.first] == run)
        shape, levels = _joined(members, mine)
        yield _Run(
            place=place[members] - place[members].mean() - levels,
            shape=shape,
            noise=_noise(joined),
            tilt=np.array([_tilt(one) for one in joined]) ** 2,
        )


def _joined(members: NDArray[np.intp], told: _Links) -> tuple[Complex, Complex]:
    """Places of a run's photos, in heights, and what their levels add in metres: least squares over the links,
    those out of line with the others counted little (Cauchy's weights)."""
    column = {number: index for index, number in enumerate(members.tolist())}
    rows = np.zeros((len(told.first), len(members)))
    for row, (i, j) in enumerate(zip(told.first.tolist(), told.second.tolist(), strict=True)):
        rows[row, column[j]], rows[row, column[i]] = 1.0, -1.0
    rows = rows[:, 1:]  # the first one stands at 0
    weight = np.ones(len(rows))
    for _round in range(8):
        root = np.sqrt(weight)[:, None]
        right = np.column_stack([told.heights, told.levels])
        found = np.linalg.lstsq(root * rows, root * right, rcond=None)[0]
        off = np.abs(told.heights - rows @ found[:, 0])
        usual = max(float(np.median(off)), 0.5 * float(np.median(told.tilt)) / 10, 1e-6)
        weight = 1.0 / (1.0 + (off / (3 * usual)) ** 2)
    zero = np.zeros((1, 2), complex)
    whole = np.concatenate([zero, found])
    return whole[:, 0], whole[:, 1]


def _noise(shots: Sequence[Shot]) -> Array:
    """[n, n] covariance of the photos' places by GPS, each axis: white noise and a drift."""
    error = np.array([one.geometry.pose.error_m for one in shots])
    times = np.array([one.at_s for one in shots])
    if not np.isfinite(times).all():
        times = PHOTO_S * np.arange(len(shots))
    together = np.exp(-np.abs(times[:, None] - times[None]) / MEMORY_S)
    return np.asarray(np.outer(error, error) * (WHITE * np.eye(len(shots)) + DRIFT * together))


def _fitted(runs: Sequence[_Run]) -> tuple[float, float]:
    """The height at which all runs fit best, and its standard error: from the curvature, and from how far single runs
    are off (the ground is not level)."""

    def chi2(log_height: float) -> float:
        height = math.exp(log_height)
        places, cross, shape = (sum(each) for each in zip(*(run.terms(height) for run in runs), strict=True))
        return float(places - 2 * height * abs(cross) + height**2 * shape)

    steps = np.linspace(math.log(LOWEST_M / 2), math.log(2 * HIGHEST_M), _STEPS)
    start = int(np.argmin([chi2(step) for step in steps]))
    if not 0 < start < _STEPS - 1:
        return math.exp(steps[start]), math.inf
    low, high = steps[start - 1], steps[start + 1]
    best = float(minimize_scalar(chi2, bounds=(low, high), method="bounded", options={"xatol": 1e-7}).x)
    height, step = math.exp(best), 0.01
    bend = (chi2(best + step) - 2 * chi2(best) + chi2(best - step)) / step**2
    photos = sum(len(run.shape) for run in runs)
    free = max(1, 2 * photos - 2 * len(runs) - 2)
    if bend <= 0:
        return height, math.inf
    own = math.sqrt(2 * max(1.0, chi2(best) / free) / bend)
    return height, height * math.hypot(own, _unlike(runs, height))


def _unlike(runs: Sequence[_Run], height: float) -> float:
    """Relative standard error of the mean of the runs' heights, as far as their own errors do not explain it."""
    if len(runs) < 2:
        return 0.0
    parts = [run.terms(height) for run in runs]
    known = [(cross, shape) for _places, cross, shape in parts if shape * height**2 > WORST_ERROR**-2]
    if len(known) < 2:
        return 0.0
    each = np.array([abs(cross) / shape / height for cross, shape in known])
    error = np.array([1 / (math.sqrt(shape) * height) for _cross, shape in known])
    return math.sqrt(max(0.0, float(each.var(ddof=1) - (error**2).mean())) / len(known))


def _between(ratios: Array, above: Array, told: _Links, height: float) -> float:
    """By how much single photos' heights are off, relatively: by the scales at which two show the same."""
    high = np.maximum(height + above, 0.1 * height)
    off = np.log(ratios) - np.log(high[told.second] / high[told.first])
    return max(0.005, 1.4826 * float(np.median(np.abs(off))) / math.sqrt(2))


def at_one_metre(photo: PhotoGeometry) -> PhotoGeometry:
    """A photo as `Shot` wants it: its ground in heights."""
    return replace(photo, pose=replace(photo.pose, height_m=1.0))
