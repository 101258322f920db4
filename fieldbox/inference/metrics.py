"""How right a model is on labelled tiles: the figures of the models' cards, each with its 95 % interval.

- Mask AP as COCO defines it (https://cocodataset.org/#detection-eval): findings in order of their score, each
  takes the labelled plant of its tile and class with which it overlaps most, if the overlap (intersection over
  union, on the pixels) is enough and the plant is not taken; precision at 101 recalls, averaged. AP50 is at an
  overlap of 0.5; AP50-95 the mean over 0.5, 0.55 … 0.95. Unlike COCO there is no limit of findings a tile.
  Plants at a tile's border count as they are.
- Counts, precision and recall: a plant is found if the centre of a finding of its class lies within 15 cm,
  matched one to one so that as many as possible are found, and of those ways by the shortest distances (Kuhn
  1955, "The Hungarian method").
- Calibration: a finding is right if it is matched so. Brier (1950): mean squared difference of score and being
  right. Expected calibration error (Naeini et al. 2015) with bins of equally many findings.
- Intervals: the tiles are drawn anew with replacement a thousand times; 2.5 % and 97.5 % quantiles. They hold
  for fields like these tiles' and know nothing of others.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fieldbox.inference.labelme import Labels
from fieldbox.inference.plants import CROP, WEED, Plants, Segmentation, find_plants, segment
from fieldbox.inference.weeds import WeedModel

KINDS = {"crop": CROP, "weed": WEED}
OVERLAPS = np.round(np.arange(0.5, 1.0, 0.05), 2)
RECALLS = np.linspace(0, 1, 101)
MATCH_MM = 150.0
ROUNDS = 1000
BINS = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Figure(NamedTuple):
    """A number and its 95 % interval; None is not known."""

    value: float | None
    low: float | None = None
    high: float | None = None


UNKNOWN = Figure(None)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a model says of one tile.

    seen    as the box would take it
    every   all plants down to very low scores, for average precision
    """

    seen: Segmentation
    every: Plants


def look_at(model: WeedModel, pixels: NDArray[np.uint8], gsd_mm: float) -> Looked:
    """Run a model once on one tile, uint8 [h, w, 3] RGB at `gsd_mm` mm per pixel, and decode its maps twice."""
    size = (pixels.shape[0], pixels.shape[1])
    maps, decoding = model.maps(pixels), model.decoding
    # Average precision asks for what is hardly believed too.
    low = dataclasses.replace(decoding, least=(0.0, 0.0))
    return Looked(segment(maps, decoding, size, gsd_mm), find_plants(maps, low, size, gsd_mm))


def score_as(plants: Plants, kind: int) -> Floats:
    """Probability of each plant, whatever its class, of being a plant of class `kind`, float [N]."""
    return np.where(plants.classes == kind, plants.scores, plants.others).astype(float)


# -- one tile -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """Findings that are scored as one class in one tile, best first: scores [n], whether right [n, overlaps]."""

    scores: Floats
    hits: Bools


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is kept of one tile, by class (crop, weed).

    labels, reported  plants labelled, plants reported
    matched           of them, matched one to one within 15 cm
    once, twice       findings for average precision: each plant under its class, under both
    scores, right, sure   of each reported plant: score, whether matched, whether called sure
    labelled_px, seen_px  area labelled, area seen
    area_m2           of the tile
    """

    labels: tuple[int, int]
    reported: tuple[int, int]
    matched: tuple[int, int]
    once: tuple[_Found, _Found]
    twice: tuple[_Found, _Found]
    scores: Floats
    right: Bools
    sure: Bools
    labelled_px: tuple[float, float]
    seen_px: tuple[float, float]
    area_m2: float


def evidence_of(labels: Labels, looked: Looked, gsd_mm: float) -> Evidence:
    """Hold what was seen in one tile against its labels; `gsd_mm` is millimetres on the ground a pixel."""
    every, plants = looked.every, looked.seen.plants
    overlap = overlaps(every.outlines, labels.outlines, labels.size)
    once, twice = [], []
    for kind in KINDS.values():
        theirs = overlap[:, labels.classes == kind]
        own = every.classes == kind
        once.append(_found(every.scores[own].astype(float), theirs[own]))
        both = score_as(every, kind)
        twice.append(_found(both[both > 0], theirs[both > 0]))
    right = np.zeros(len(plants), bool)
    for kind in KINDS.values():
        pairs = pairs_within(plants, labels, kind, MATCH_MM / gsd_mm)
        right[pairs[:, 0]] = True
    labelled, seen = areas(labels, looked.seen.classes)
    return Evidence(
        labels=_per_class(labels.classes),
        reported=_per_class(plants.classes),
        matched=_per_class(plants.classes[right]),
        once=(once[0], once[1]),
        twice=(twice[0], twice[1]),
        scores=plants.scores.astype(float),
        right=right,
        sure=plants.sure,
        labelled_px=labelled,
        seen_px=seen,
        area_m2=labels.size[0] * labels.size[1] * (gsd_mm / 1000) ** 2,
    )


def _per_class(classes: NDArray[np.uint8]) -> tuple[int, int]:
    return int((classes == CROP).sum()), int((classes == WEED).sum())


def areas(labels: Labels, classes: NDArray[np.uint8]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Pixels labelled and seen as crop and as weed."""
    ground = np.zeros(labels.size, np.uint8)
    # Crops first: a weed drawn inside a crop plant's loose outline stays a weed.
    for n in np.argsort(labels.classes, kind="stable"):
        cv2.fillPoly(ground, [np.rint(labels.outlines[n]).astype(np.int32)], int(labels.classes[n]))
    labelled = np.bincount(ground.ravel(), minlength=3)
    cells = np.bincount(classes.ravel(), minlength=3) * (ground.size / classes.size)
    return (float(labelled[CROP]), float(labelled[WEED])), (float(cells[CROP]), float(cells[WEED]))


def pairs_within(plants: Plants, labels: Labels, kind: int, reach: float) -> NDArray[np.intp]:
    """Findings and labelled plants of one class whose centres lie within `reach` pixels, [n, 2], one to one."""
    mine, theirs = np.flatnonzero(plants.classes == kind), np.flatnonzero(labels.classes == kind)
    centres = np.array([centre_of(labels.outlines[n]) for n in theirs]).reshape(-1, 2)
    away = np.linalg.norm(plants.centres[mine, None].astype(float) - centres[None], axis=2)
    # One pair more is worth any distance.
    rows, columns = linear_sum_assignment(np.where(away <= reach, away, 1e6))
    good = away[rows, columns] <= reach
    return np.stack([mine[rows[good]], theirs[columns[good]]], 1)


def centre_of(outline: NDArray[np.float32]) -> tuple[float, float]:
    moments = cv2.moments(outline)
    if moments["m00"] == 0:
        x, y = outline.mean(0)
        return float(x), float(y)
    return moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]


class _Mask(NamedTuple):
    left: int
    top: int
    pixels: NDArray[np.uint8]
    area: int


def _mask(outline: NDArray[np.float32], size: tuple[int, int]) -> _Mask:
    """The pixels of an outline inside the tile, within the outline's own box."""
    points = np.rint(outline).astype(np.int32)
    left, top = np.maximum(points.min(0), 0).tolist()
    right, bottom = np.minimum(points.max(0) + 1, (size[1], size[0])).tolist()
    pixels = np.zeros((max(0, bottom - top), max(0, right - left)), np.uint8)
    if pixels.size:
        cv2.fillPoly(pixels, [points - [left, top]], 1)
    return _Mask(left, top, pixels, int(pixels.sum()))


def overlaps(
    one: Sequence[NDArray[np.float32]], other: Sequence[NDArray[np.float32]], size: tuple[int, int]
) -> Floats:
    """Intersection over union of each outline of `one` with each of `other` in a tile of (h, w), [n, m]."""
    found = np.zeros((len(one), len(other)))
    masks, others = ([_mask(outline, size) for outline in each] for each in (one, other))
    boxes = np.array([(m.left, m.top, m.left + m.pixels.shape[1], m.top + m.pixels.shape[0]) for m in others])
    for n, mask in enumerate(masks):
        if not len(others):
            break
        right, bottom = mask.left + mask.pixels.shape[1], mask.top + mask.pixels.shape[0]
        meets = (boxes[:, 0] < right) & (boxes[:, 2] > mask.left)
        for m in np.flatnonzero(meets & (boxes[:, 1] < bottom) & (boxes[:, 3] > mask.top)):
            x0, y0 = max(mask.left, others[m].left), max(mask.top, others[m].top)
            x1, y1 = min(right, int(boxes[m, 2])), min(bottom, int(boxes[m, 3]))
            mine = mask.pixels[y0 - mask.top : y1 - mask.top, x0 - mask.left : x1 - mask.left]
            theirs = others[m].pixels[
                y0 - others[m].top : y1 - others[m].top, x0 - others[m].left : x1 - others[m].left
            ]
            shared = cv2.countNonZero(mine & theirs)
            found[n, m] = shared / max(1, mask.area + others[m].area - shared)
    return found


def _found(scores: Floats, overlap: Floats) -> _Found:
    """Greedy matching, best score first, at every overlap asked for."""
    order = np.argsort(-scores, kind="stable")
    hits = np.zeros((len(order), len(OVERLAPS)), bool)
    free = np.ones((overlap.shape[1], len(OVERLAPS)), bool)
    places = np.arange(len(OVERLAPS))
    if overlap.shape[1]:
        for place, one in enumerate(order):
            if overlap[one].max() < OVERLAPS[0]:
                continue
            open_to = np.where(free, overlap[one][:, None], -1.0)
            best = open_to.argmax(0)
            hit = open_to[best, places] >= OVERLAPS - 1e-9
            hits[place] = hit
            free[best[hit], places[hit]] = False
    return _Found(scores[order], hits)


# -- all tiles ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reliability:
    """One bin of the calibration: findings, their mean score, and the share of them that is right."""

    findings: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured. `by_class` has crop and weed; `overall` what is not of one class."""

    tiles: int
    area_m2: float
    labelled: dict[str, int]
    reported: dict[str, int]
    by_class: dict[str, dict[str, Figure]]
    overall: dict[str, Figure]
    reliability: list[Reliability] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Each figure as [value, low, high], null where not known."""
        return dataclasses.asdict(self)


def measure(tiles: Iterable[Evidence], *, rounds: int = ROUNDS, seed: int = 0) -> Report:
    """All figures of a set of tiles. Raises ValueError without any."""
    evidence = list(tiles)
    if not evidence:
        raise ValueError("no tiles")
    draw = _Draw(len(evidence), rounds, seed)
    by_class: dict[str, dict[str, Figure]] = {}
    precisions: dict[str, list[Floats]] = {}
    for place, name in enumerate(KINDS):
        by_class[name], precisions[name] = _of_class(evidence, place, draw)
    overall = _overall(evidence, draw)
    for n, way in enumerate(("ap50", "ap50_95", "ap50_twice", "ap50_95_twice")):
        overall[way] = draw.figure(np.mean([precisions[name][n] for name in KINDS], axis=0))
    scores = np.concatenate([one.scores for one in evidence])
    right = np.concatenate([one.right for one in evidence])
    return Report(
        tiles=len(evidence),
        area_m2=sum(one.area_m2 for one in evidence),
        labelled={name: sum(one.labels[n] for one in evidence) for n, name in enumerate(KINDS)},
        reported={name: sum(one.reported[n] for one in evidence) for n, name in enumerate(KINDS)},
        by_class=by_class,
        overall=overall,
        reliability=reliability(scores, right),
    )


class _Draw:
    """Tiles drawn with replacement: how often each is in each round. The first round is all tiles once."""

    def __init__(self, tiles: int, rounds: int, seed: int) -> None:
        drawn = np.random.default_rng(seed).integers(tiles, size=(rounds, tiles))
        places = drawn + tiles * np.arange(rounds)[:, None]
        counts = np.bincount(places.ravel(), minlength=rounds * tiles).reshape(rounds, tiles)
        self.weights = np.concatenate([np.ones((1, tiles)), counts]).astype(float)

    def sums(self, per_tile: Iterable[float]) -> Floats:
        """A number of each tile, added up in each round."""
        return np.asarray(self.weights @ np.fromiter(per_tile, float), float)

    @staticmethod
    def figure(values: Floats) -> Figure:
        """Of all tiles, with the interval over the rounds; unknown where it cannot be formed."""
        if not np.isfinite(values[0]):
            return UNKNOWN
        known = values[1:][np.isfinite(values[1:])]
        if not len(known):
            return Figure(float(values[0]))
        low, high = np.percentile(known, [2.5, 97.5])
        return Figure(float(values[0]), float(low), float(high))

    def ratio(self, over: Floats, under: Floats) -> Figure:
        """Of two sums; unknown where the lower one is 0."""
        return self.figure(_ratio(over, under))


def _ratio(over: Floats, under: Floats) -> Floats:
    return np.asarray(np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0), float)


def _of_class(evidence: list[Evidence], place: int, draw: _Draw) -> tuple[dict[str, Figure], list[Floats]]:
    labels, found, hits = (
        draw.sums(getattr(one, name)[place] for one in evidence) for name in ("labels", "reported", "matched")
    )
    off = draw.sums(abs(one.reported[place] - one.labels[place]) for one in evidence)
    once, twice = (
        _precisions([getattr(one, way)[place] for one in evidence], labels, draw) for way in ("once", "twice")
    )
    columns = [once[:, 0], once.mean(1), twice[:, 0], twice.mean(1)]
    names = ("ap50", "ap50_95", "ap50_twice", "ap50_95_twice")
    figures = {name: draw.figure(column) for name, column in zip(names, columns, strict=True)}
    labelled, seen = (
        draw.sums(getattr(one, name)[place] for one in evidence) for name in ("labelled_px", "seen_px")
    )
    figures |= {
        "precision": draw.ratio(hits, found),
        "recall": draw.ratio(hits, labels),
        "f1": draw.ratio(2 * hits, found + labels),
        "count_error": draw.ratio(found - labels, labels),
        "count_off_per_tile": draw.ratio(off, draw.sums(1.0 for _ in evidence)),
        "true_over_seen_cover": draw.ratio(labelled, seen),
    }
    return figures, columns


def _overall(evidence: list[Evidence], draw: _Draw) -> dict[str, Figure]:
    labels, found = (
        draw.sums(sum(getattr(one, name)) for one in evidence) for name in ("labels", "reported")
    )
    off = draw.sums(abs(sum(one.reported) - sum(one.labels)) for one in evidence)
    called = draw.sums(one.sure.sum() for one in evidence)
    without = [float(one.labels[1] == 0) for one in evidence]
    alarms = draw.sums(w * one.reported[1] for w, one in zip(without, evidence, strict=True))
    bare = draw.sums(w * one.area_m2 for w, one in zip(without, evidence, strict=True))
    squares = draw.sums(((one.scores - one.right) ** 2).sum() for one in evidence)
    return {
        "count_error": draw.ratio(found - labels, labels),
        "count_off_per_tile": draw.ratio(off, draw.sums(1.0 for _ in evidence)),
        "brier": draw.ratio(squares, found),
        "ece": _calibration_error(evidence, draw),
        "sure_share": draw.ratio(called, found),
        "sure_precision": draw.ratio(draw.sums((one.right & one.sure).sum() for one in evidence), called),
        "false_weeds_per_100_m2": draw.figure(100 * _ratio(alarms, bare)),
    }


def _precisions(found: list[_Found], labels: Floats, draw: _Draw) -> Floats:
    """Average precision in each round at each overlap, [rounds + 1, overlaps]; NaN without labels."""
    scores = np.concatenate([one.scores for one in found])
    tile = np.repeat(np.arange(len(found)), [len(one.scores) for one in found])
    hits = np.concatenate([one.hits for one in found])
    order = np.argsort(-scores, kind="stable")
    tile, hits = tile[order], hits[order]
    result = np.full((len(labels), len(OVERLAPS)), np.nan)
    for n in np.flatnonzero(labels > 0):
        result[n] = _average_precision(hits, draw.weights[n, tile], labels[n])
    return result


def _average_precision(hits: Bools, weight: Floats, labels: float) -> Floats:
    """Of findings in order of their score, [n, overlaps], each of which counts `weight` times."""
    kept = weight > 0
    if not kept.any():
        return np.zeros(hits.shape[1])
    weight = weight[kept]
    right = np.cumsum(hits[kept] * weight[:, None], axis=0)
    precision = right / np.cumsum(weight)[:, None]
    precision = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    recall = right / labels
    at = np.stack([np.searchsorted(column, RECALLS - 1e-9) for column in recall.T], 1)
    reached = at < len(recall)
    values = np.take_along_axis(precision, np.minimum(at, len(recall) - 1), 0)
    return np.asarray(np.where(reached, values, 0.0).mean(0), float)


def _bins(count: int) -> list[slice]:
    """At most `BINS` runs of equally many of `count` sorted findings."""
    ends = np.linspace(0, count, min(BINS, count) + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]


def reliability(scores: Floats, right: Bools) -> list[Reliability]:
    """Bins of equally many findings, from the lowest scores to the highest."""
    order = np.argsort(scores, kind="stable")
    scores, right = scores[order], right[order]
    return [
        Reliability(part.stop - part.start, float(scores[part].mean()), float(right[part].mean()))
        for part in _bins(len(scores))
    ]


def calibration_error(scores: Floats, right: Bools) -> float:
    """Expected calibration error: mean difference of score and share right, over the bins. NaN without findings."""
    bins = reliability(scores, right)
    total = sum(one.findings for one in bins)
    return sum(one.findings * abs(one.score - one.right) for one in bins) / total if total else float("nan")


def _calibration_error(evidence: list[Evidence], draw: _Draw) -> Figure:
    """Bins are formed anew in each round. The error of few findings is biased upwards: it is what it is."""
    scores = np.concatenate([one.scores for one in evidence])
    right = np.concatenate([one.right for one in evidence])
    tile = np.repeat(np.arange(len(evidence)), [len(one.scores) for one in evidence])
    order = np.argsort(scores, kind="stable")
    scores, right, tile = scores[order], right[order], tile[order]
    values = []
    for weights in draw.weights:
        times = weights[tile].astype(int)
        values.append(_sorted_error(np.repeat(scores, times), np.repeat(right, times)))
    return draw.figure(np.array(values))


def _sorted_error(scores: Floats, right: Bools) -> float:
    if not len(scores):
        return float("nan")
    starts = [part.start for part in _bins(len(scores))]
    return float(np.abs(np.add.reduceat(scores - right, starts)).sum() / len(scores))
