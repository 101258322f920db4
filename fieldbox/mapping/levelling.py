"""Photos of one flight brought to one brightness and one colour, for the mosaic's eyes: never for what models see.

Each photo gets a gain for each channel, and all photos share how light falls off within them, chosen so that photos
show the ground they share in the same colour. That is the gain compensation of Brown and Lowe (2007, IJCV 74(1),
section 6), in logarithms as Goldman and Chen do for vignetting (2005, ICCV): corrections are then sums, and the colour
of each patch of ground, unknown too, is eliminated exactly, not pair by pair. With photos i and patches of ground p

    log value[i, p] + gain[i] + shading(i, p) = colour[p] + noise,

so that brightness that belongs to the ground stays there. Values are as they stand in the picture, not light: see
`fieldbox.imagery.glance`.

The shading has three parts. A lens darkens corners (powers of the radius) and may be off its middle (a slope across the
picture). The sun lights what lies away from it, which is a slope across each photo that is the same on the ground for
all of them; left to the gains alone, it would add up, photo by photo, to a slope across the whole field. No overlap can
tell the two apart, so a prior does: gains are near 1, and a slope of a few percent costs little.

What is left then, the edge of a cloud or haze of one photo alone, is evened out place by place: each photo is moved, by a
few percent and smoothly, towards what all that see the same ground agree on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from fieldbox.domain import Camera, Window

VERSION = 1
"""Raise it whenever the same photos would get other gains."""
POWERS = (2, 4, 6)
"""Of the radius, in the logarithm of the falloff (Goldman and Chen 2005)."""
LEAST, MOST = 0.5, 2.0
"""Gains stay within this: beyond it a photo is not dim, but of something else."""
DARKEST, BRIGHTEST, SPOILT = 12, 243, 0.05
"""Cells beyond these means, or with a larger share of burnt out or black pixels, tell no gain."""
COARSER = 3.0
"""Patches of ground are so many times as wide as the (median) cell: photos stand off their places."""
FEWEST = 3
"""A photo that shares fewer patches with others is tied to none."""
NOISE = 0.06
"""Standard deviation, of a logarithm, of a patch in one photo: plants seen from the side, photos a little misplaced."""
ALIKE = 4.0
"""Patches of a photo whose errors are alike, and which so count as one."""
PRIOR, PRIOR_FALLOFF, PRIOR_SLOPE = 0.2, 0.5, 0.2
"""Standard deviations, of a logarithm, of gains about 1, and of the coefficients of falloff and of slopes about 0."""
ROUNDS = 5
"""Of reweighting."""
OUTLIER = 2.5
"""Standard deviations at which a patch counts half (Cauchy's weight)."""
EVEN, EVENINGS, LEAST_EVEN = 6, 3, 4.0
"""Nodes along a side of the grid by which a photo is evened out; how often; and, in patches, what holds a node at 0."""
MOST_EVEN = 0.1
"""Of a logarithm: more is not haze but another thing."""
_NODE, _STRIP = 16, 64
"""Pixels between the nodes at which `Levels.apply` evaluates the gain, and rows that it multiplies at once."""

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Swatch:
    """What levelling needs of a photo: the means of the cells of an even grid over it, and where these lie.

    colours  uint8 [h, w, 3] RGB
    spoilt   uint8 [h, w] share of burnt out or black pixels, in 255ths
    ground   float [h, w, 2] east, north of the cells' middles in metres, NaN where there is none
    camera   the photo's; photos of one make and model share a lens
    """

    colours: Bytes
    spoilt: Bytes
    ground: Array
    camera: Camera


@dataclass(frozen=True, eq=False, slots=True)
class Levels:
    """How the photos of a flight are brought to one level; a photo's `number` is its place in the flight.

    gains    [N, 3] what each photo's red, green and blue are multiplied by; their geometric mean is 1
    tied     [N] photos that share ground with others; the rest have a gain of 1
    lens     [N] number of each photo's lens
    falloff  [lenses, len(POWERS)] with `middle`: the logarithm of a pixel's gain is the sum of falloff (radius^power
             - middle), so that a photo as a whole keeps its mean; the radius is the tangent of the ray's angle over
             the lens's `reach`
    slopes   [N, 2] of the same logarithm, across and down the picture, to a radius of 1
    middle   [lenses, len(POWERS)]
    reach    [lenses] tangent of the angle of the outermost corner
    evened   [N, EVEN, EVEN, 3] what evening out adds to the logarithm, on an even grid down and across the square
             that reaches from -1 to 1 in units of the reach
    """

    gains: Array
    tied: NDArray[np.bool_]
    lens: NDArray[np.intp]
    falloff: Array
    slopes: Array
    middle: Array
    reach: Array
    evened: Floats

    def apply(self, pixels: Bytes, window: Window, camera: Camera, number: int) -> Bytes:
        """Pixels uint8 [h, w, 3] that show a `window` of a photo, at any scale, brought to the flight's level."""
        height, width = pixels.shape[:2]
        # Nodes in the middle of blocks, and one block more all around, as OpenCV enlarges pictures.
        steps = [(np.arange(-(-size // _NODE) + 2) - 0.5) * _NODE for size in (width, height)]
        x = window.x0 + steps[0] * (window.x1 - window.x0) / width - 0.5
        y = window.y0 + steps[1] * (window.y1 - window.y0) / height - 0.5
        nodes = self.gain_at(x, y, camera, number)
        levelled = np.empty_like(pixels)
        for top in range(0, height, _STRIP):
            part = pixels[top : top + _STRIP]
            rows = nodes[top // _NODE : (top + _STRIP) // _NODE + 2]
            size = (rows.shape[1] * _NODE, rows.shape[0] * _NODE)
            gain = cv2.resize(rows, size, interpolation=cv2.INTER_LINEAR)
            cut = gain[_NODE : _NODE + part.shape[0], _NODE : _NODE + width]
            cv2.multiply(part, cut, levelled[top : top + _STRIP], dtype=cv2.CV_8U)
        return levelled

    def gain_at(self, x: Array, y: Array, camera: Camera, number: int) -> Floats:
        """float32 [len(y), len(x), 3] gains at columns x and rows y (pixels of the full photo)."""
        lens = self.lens[number]
        across, down = _rays(x, y, camera, float(self.reach[lens]))
        radius2 = np.minimum(across[None] ** 2 + down[:, None] ** 2, 1.0)
        powers = np.stack([radius2 ** (power // 2) for power in POWERS], axis=-1) - self.middle[lens]
        slope = self.slopes[number, 0] * across[None] + self.slopes[number, 1] * down[:, None]
        shading = powers @ self.falloff[lens] + slope
        at = np.meshgrid(_even_axis(across).astype(np.float32), _even_axis(down).astype(np.float32))
        evened = cv2.remap(self.evened[number], *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.exp(shading[..., None] + evened) * self.gains[number], np.float32)


def level(swatches: Sequence[Swatch]) -> Levels:
    """Levels of a flight's photos, in their order. 2,000 photos take a few seconds."""
    lens, reach = _lenses([one.camera for one in swatches])
    told = _told(swatches, lens, reach)
    found = _solved(told, len(swatches))
    of_lens = found.shading[:-2].reshape(len(reach), _OF_LENS)
    turns = np.array([_turn(one.ground) for one in swatches]).reshape(-1, 2, 2)
    sun = np.einsum("nij,i->nj", turns, found.shading[-2:])
    return Levels(
        gains=np.clip(np.exp(found.gains), LEAST, MOST),
        tied=found.tied,
        lens=lens,
        falloff=of_lens[:, : len(POWERS)],
        slopes=of_lens[lens, len(POWERS) :] + sun,
        middle=told.middle,
        reach=reach,
        evened=_evened(told, found, len(swatches)),
    )


_OF_LENS = len(POWERS) + 2
"""Coefficients of a lens: those of the powers of its radius, then its slopes across and down."""


class _Rows(NamedTuple):
    """What photos tell: a row for each photo and patch of ground that it sees.

    place    int [M, 2] of the patch, in steps to the east and north
    logs     [M, 3] logarithms of the channels
    cells    [M] cells that lie in the patch
    lens     [M, _OF_LENS] by which each coefficient of the photo's lens changes the logarithm
    sun      [M, 2] the same of the sun's slopes to the east and north
    """

    place: NDArray[np.int64]
    logs: Floats
    cells: Floats
    lens: Floats
    sun: Floats

    @classmethod
    def joined(cls, parts: Sequence[_Rows]) -> _Rows:
        """Of several photos."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class _Told(NamedTuple):
    """What photos tell of the patches that two or more of them see.

    photo, patch  [M] numbers
    cells         [M] that lie in the patch
    values        [M, S + 3] by which each coefficient of the shading changes the logarithm: of each lens, then the
                  sun's; and the logarithms of the three channels
    middle        [lenses, len(POWERS)] see `Levels`
    """

    photo: NDArray[np.intp]
    patch: NDArray[np.intp]
    cells: Floats
    values: Floats
    middle: Array


class _Found(NamedTuple):
    """gains [N, 3] and coefficients of the shading [S], logarithms both; which photos are tied to others [N]."""

    gains: Array
    shading: Array
    tied: NDArray[np.bool_]


def _lenses(cameras: Sequence[Camera]) -> tuple[NDArray[np.intp], Array]:
    """[N] number of each photo's lens, and the tangent of the outermost ray of each."""
    names = sorted({(one.make, one.model) for one in cameras})
    lens = np.array([names.index((one.make, one.model)) for one in cameras], np.intp)
    reach = np.zeros(len(names))
    for number, one in zip(lens.tolist(), cameras, strict=True):
        far = math.hypot(max(one.cx, one.width - 1 - one.cx), max(one.cy, one.height - 1 - one.cy))
        reach[number] = max(reach[number], far / one.focal_px)
    return lens, reach


def _rays(x: Array, y: Array, camera: Camera, reach: float) -> tuple[Array, Array]:
    """Tangents, over the reach, of columns x and rows y."""
    unit = camera.focal_px * reach
    return (x - camera.cx) / unit, (y - camera.cy) / unit


def _turn(ground: Array) -> Array:
    """[2, 2] from across and down a picture to east and north on the ground; 0 where it shows no ground."""
    ends = (ground[:, -1] - ground[:, 0], ground[-1] - ground[0])
    return np.stack([_direction(one) for one in ends], axis=1)


def _direction(steps: Array) -> Array:
    total = np.asarray(steps[np.isfinite(steps).all(axis=1)].sum(axis=0))
    return np.asarray(total / max(float(np.hypot(*total)), 1e-9))


def _told(swatches: Sequence[Swatch], lens: NDArray[np.intp], reach: Array) -> _Told:
    step_m = COARSER * _cell_m(swatches)
    parts = [_rows(one, step_m, float(reach[lens[number]])) for number, one in enumerate(swatches)]
    photo = np.repeat(np.arange(len(parts)), [len(one.place) for one in parts])
    rows = _Rows.joined([_no_rows(), *parts])
    middle = _middle(rows, lens[photo], len(reach))
    rows.lens[:, : len(POWERS)] -= middle[lens[photo]].astype(np.float32)
    patch, seen_by = _numbered(rows.place)
    kept = np.flatnonzero(seen_by[patch] > 1)
    values = np.zeros((len(kept), _OF_LENS * len(reach) + 5), np.float32)
    for number in range(len(reach)):
        mine = lens[photo[kept]] == number
        values[mine, _OF_LENS * number : _OF_LENS * (number + 1)] = rows.lens[kept[mine]]
    values[:, -5:-3], values[:, -3:] = rows.sun[kept], rows.logs[kept]
    patch = np.unique(patch[kept], return_inverse=True)[1]
    return _Told(photo[kept], patch, rows.cells[kept], values, middle)


def _middle(rows: _Rows, lens: NDArray[np.intp], lenses: int) -> Array:
    """[lenses, len(POWERS)] means of the powers of the radius over all that a lens has seen."""
    middle = np.zeros((lenses, len(POWERS)))
    for number in range(lenses):
        mine = rows.lens[lens == number, : len(POWERS)]
        if len(mine):
            middle[number] = mine.mean(axis=0, dtype=float)
    return middle


def _cell_m(swatches: Sequence[Swatch]) -> float:
    """Metres of ground to a cell, in the median of all photos."""
    steps = [np.diff(one.ground, axis=axis) for one in swatches for axis in (0, 1)]
    lengths = [np.hypot(one[..., 0], one[..., 1]) for one in steps]
    sizes = [float(np.median(one[np.isfinite(one)])) for one in lengths if np.isfinite(one).any()]
    known = [one for one in sizes if one > 0]
    return float(np.median(known)) if known else 1.0


def _rows(swatch: Swatch, step_m: float, reach: float) -> _Rows:
    """What one photo tells: the means of its good cells over the patches."""
    rows, columns = swatch.spoilt.shape
    camera = swatch.camera
    x = (np.arange(columns) + 0.5) * (camera.width / columns) - 0.5
    y = (np.arange(rows) + 0.5) * (camera.height / rows) - 0.5
    rays = np.stack(np.meshgrid(*_rays(x, y, camera, reach)), axis=-1)
    dark, bright = swatch.colours.min(axis=2), swatch.colours.max(axis=2)
    good = (dark >= DARKEST) & (bright <= BRIGHTEST) & (swatch.spoilt <= 255 * SPOILT)
    good &= np.isfinite(swatch.ground).all(axis=2)
    if not good.any():
        return _no_rows()
    seen = rays[good]
    radius2 = (seen**2).sum(axis=1)
    lens = np.column_stack([*(radius2 ** (power // 2) for power in POWERS), seen])
    sun = seen @ _turn(swatch.ground).T
    place = np.floor(swatch.ground[good] / step_m).astype(np.int64)
    number, count = _numbered(place)
    first = np.zeros(len(count), np.intp)
    first[number[::-1]] = np.arange(len(number))[::-1]
    values = np.column_stack([np.log(swatch.colours[good]), lens, sun])
    means = _sums(number, np.ones(len(number)), values) / count[:, None]
    logs, lens, sun = np.split(means.astype(np.float32), [3, 3 + _OF_LENS], axis=1)
    return _Rows(place[first], logs, count.astype(np.float32), lens, sun)


def _no_rows() -> _Rows:
    widths = (3, _OF_LENS, 2)
    logs, lens, sun = (np.zeros((0, width), np.float32) for width in widths)
    return _Rows(np.zeros((0, 2), np.int64), logs, np.zeros(0, np.float32), lens, sun)


def _numbered(place: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """[M] number of each row's patch, and the rows of each patch."""
    if not len(place):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    low = place.min(axis=0)
    width = int(place[:, 0].max() - low[0]) + 1
    code = (place[:, 1] - low[1]) * width + place[:, 0] - low[0]
    _codes, number, count = np.unique(code, return_inverse=True, return_counts=True)
    return number.astype(np.intp), count.astype(np.intp)


def _sums(number: NDArray[np.intp], weights: Array, values: Array | Floats, groups: int = 0) -> Array:
    """[groups, C] weighted sums of the rows of `values` [M, C] with each number."""
    return np.stack([np.bincount(number, weights * column, groups) for column in values.T], axis=1)


def _solved(told: _Told, photos: int) -> _Found:
    """Iteratively reweighted least squares: what a few photos show otherwise (a car, a shadow) counts little."""
    share = _shares(told)
    weights = share / (NOISE**2 * ALIKE)
    found = _weighted(told, weights, photos)
    for _round in range(ROUNDS):
        rest = np.linalg.norm(_rest(told, weights, found), axis=1) / math.sqrt(3)
        spread = 1.4826 * float(np.median(rest)) if len(rest) else 0.0
        outlying = rest / max(OUTLIER * spread, 1e-4)
        weights = share / (max(NOISE, spread) ** 2 * ALIKE) / (1 + outlying**2)
        found = _weighted(told, weights, photos)
    return found


def _shares(told: _Told) -> Array:
    """[M] weights of rows: a patch that a photo sees in part counts in part."""
    usual = float(np.median(told.cells)) if len(told.cells) else 1.0
    return np.asarray(np.minimum(told.cells / usual, 1.0), float)


def _weighted(told: _Told, weights: Array, photos: int) -> _Found:
    """The least squares: patches eliminated, then photos, then the few coefficients of the shading."""
    patches, count = int(told.patch.max(initial=-1)) + 1, told.values.shape[1] - 3
    seen = csr_array((weights, (told.patch, told.photo)), (patches, photos))
    of_patch, of_photo = np.maximum(seen.sum(axis=1), 1e-12), seen.sum(axis=0)
    shared = seen.T @ diags_array(1 / of_patch) @ seen
    normal = csc_array(diags_array(of_photo + 1 / PRIOR**2) - shared)
    # Less the patch's mean: what is left once its colour is eliminated.
    pulled = told.values.astype(float)
    pulled -= (_sums(told.patch, weights, told.values, patches) / of_patch[:, None])[told.patch]
    right = _sums(told.photo, weights, pulled, photos)
    pulled *= weights[:, None]
    solution = splu(normal, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(right)
    inner = told.values[:, :count].T.astype(float) @ pulled - right[:, :count].T @ solution
    # The shading is that of all three channels.
    left = 3 * inner[:, :count] + np.diag(1 / _priors((count - 2) // _OF_LENS) ** 2)
    coefficients = np.linalg.solve(left, -inner[:, count:].sum(axis=1))
    gains = -solution[:, count:] - (solution[:, :count] @ coefficients)[:, None]
    tied = np.bincount(told.photo, minlength=photos) >= FEWEST
    return _Found(np.where(tied[:, None], gains, 0.0), coefficients, tied)


def _priors(lenses: int) -> Array:
    """[S] standard deviations of the shading's coefficients."""
    of_lens = [PRIOR_FALLOFF] * len(POWERS) + [PRIOR_SLOPE] * 2
    return np.array(of_lens * lenses + [PRIOR_SLOPE] * 2)


def _even_axis(rays: Array) -> Array:
    """Where tangents over the reach lie on the grid of `Levels.evened`, in nodes."""
    return (rays + 1) * (EVEN / 2) - 0.5


def _evened(told: _Told, found: _Found, photos: int) -> Floats:
    """`Levels.evened`: what is left of each photo against its patches, smoothed over the nodes around.

    A few rounds of averaging, not a solution: it takes off what is smooth and leaves the rest.
    """
    evened = np.zeros((photos * EVEN**2, 3))
    nodes = _nodes(told, photos)
    pull = csr_array(nodes.T)
    share = _shares(told)
    left = _rest(told, share, found)
    # What stands out counts here, if it is no more than haze can be.
    share = share / (1 + (np.linalg.norm(left, axis=1) / math.sqrt(3) / MOST_EVEN) ** 2)
    held = pull @ share + LEAST_EVEN
    for _round in range(EVENINGS):
        now = left + nodes @ evened
        total = np.maximum(np.bincount(told.patch, share), 1e-12)
        now -= (_sums(told.patch, share, now) / total[:, None])[told.patch]
        evened -= (pull @ (share[:, None] * now)) / held[:, None]
    limited = np.clip(evened, -MOST_EVEN, MOST_EVEN)
    limited[~np.repeat(found.tied, EVEN**2)] = 0
    return limited.reshape(photos, EVEN, EVEN, 3).astype(np.float32)


def _nodes(told: _Told, photos: int) -> csr_array:
    """[M, photos EVEN^2] what each node of its photo has to do with a row: bilinear."""
    axes = []
    for axis in (-2, -1):  # across, down
        # A row's ray stands in the columns of its own lens; those of the others are 0.
        rays = told.values[:, _OF_LENS + axis : -5 : _OF_LENS].sum(axis=1, dtype=float)
        at = np.clip(_even_axis(rays), 0, EVEN - 1)
        low = np.minimum(at.astype(np.intp), EVEN - 2)
        axes.append((low, at - low))
    (x, right), (y, below) = axes
    rows = np.arange(len(x))
    parts = []
    for step_y, weight_y in ((0, 1 - below), (1, below)):
        for step_x, weight_x in ((0, 1 - right), (1, right)):
            node = (told.photo * EVEN + y + step_y) * EVEN + x + step_x
            parts.append((weight_y * weight_x, rows, node))
    weights, row, node = (np.concatenate(column) for column in zip(*parts, strict=True))
    return csr_array((weights, (row, node)), (len(x), photos * EVEN**2))


def _rest(told: _Told, weights: Array, found: _Found) -> Array:
    """[M, 3] what is left of the logarithms of each row, against the colour of its patch."""
    levelled = told.values[:, -3:] + found.gains[told.photo]
    levelled += (told.values[:, :-3] @ found.shading)[:, None]
    total = np.bincount(told.patch, weights)
    mean = _sums(told.patch, weights, levelled) / np.maximum(total, 1e-12)[:, None]
    return np.asarray(levelled - mean[told.patch], float)
