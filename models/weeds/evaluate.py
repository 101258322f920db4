"""Measure a model file, tune its decoding and write both into it.

`python -m models.weeds.evaluate --data DIR --model models/weeds.onnx --columns 11 12`  measures;
`... --tune --gsd 1.5 2.0 2.8 4.0 5.6 8.0 --write` first chooses the decoding on those columns and stores it,
and what was measured, in both model files and in `weeds.json`. Columns 13 and 14 are the report's: measure
there, never tune there.

The columns are pasted into one picture and looked at as the box does. Plants torn at a tile border, where
the labels do not agree, are left out: neither they nor what is found on them counts.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from scipy.optimize import linear_sum_assignment

from fieldbox.inference.plants import CROP, WEED, Decoding, Plants, find_plants, segment
from fieldbox.inference.runtime import Session
from fieldbox.inference.weeds import WeedModel
from models.weeds.data import POTATO_GSD_MM, ROWS, TILE, Field, load_potato
from models.weeds.files import write

MATCH_MM = 150.0
KINDS = {"crop": CROP, "weed": WEED}
Array = np.ndarray


@dataclass(frozen=True)
class Truth:
    """Labelled plants of a pasted picture: class, centre (x, y), whether torn; and the ids of each pixel."""

    classes: Array
    centres: Array
    torn: Array
    ids: Array


def truth_of(field: Field, torn: Array, scale: float = 1.0) -> Truth:
    """Centres and ids of a field, at `scale` times its resolution."""
    size = (round(field.ids.shape[1] * scale), round(field.ids.shape[0] * scale))
    ids = cv2.resize(field.ids, size, interpolation=cv2.INTER_NEAREST)
    count = len(field.classes)
    rows, columns = np.nonzero(field.ids > 0)
    own = field.ids[rows, columns]
    area = np.maximum(np.bincount(own, minlength=count), 1)
    centres = np.stack([np.bincount(own, columns, count) / area, np.bincount(own, rows, count) / area], 1)
    seen = np.bincount(own, minlength=count) > 0
    return Truth(field.classes * seen, (centres + 0.5) * scale - 0.5, torn | ~seen, ids)


@dataclass(frozen=True)
class Match:
    """Of one class: which labelled plants were found by which findings, one to one.

    pairs     int [n, 2]: finding, label
    extra     int [m]: findings that match no label and lie on no torn plant
    missed    int [k]: labels without a finding
    """

    pairs: Array
    extra: Array
    missed: Array


def match(found: Plants, truth: Truth, kind: int, reach: float) -> Match:
    """Hungarian, centres within `reach` pixels; torn labels soak up what lies on them."""
    mine, theirs = (
        np.flatnonzero(found.classes == kind),
        np.flatnonzero((truth.classes == kind) & ~truth.torn),
    )
    distance = np.linalg.norm(found.centres[mine, None] - truth.centres[None, theirs], axis=2)
    rows, columns = linear_sum_assignment(np.where(distance <= reach, distance, 1e6))
    good = distance[rows, columns] <= reach
    pairs = np.stack([mine[rows[good]], theirs[columns[good]]], 1)
    spare = np.setdiff1d(mine, pairs[:, 0])
    torn = np.flatnonzero(truth.torn & (truth.classes > 0))
    soaked = np.linalg.norm(found.centres[spare, None] - truth.centres[None, torn], axis=2) <= reach
    x, y = np.rint(found.centres[spare]).astype(int).T
    on_torn = truth.torn[np.maximum(truth.ids[y, x], 0)] & (truth.ids[y, x] > 0)
    return Match(pairs, spare[~(soaked.any(1) | on_torn)], np.setdiff1d(theirs, pairs[:, 1]))


def scores(found: Plants, truth: Truth, reach: float) -> dict[str, dict[str, float]]:
    """Per class: precision, recall, F1, and duplicates (extra findings near a found plant) per finding."""
    out = {}
    for name, kind in KINDS.items():
        result = match(found, truth, kind, reach)
        hits, extra, missed = len(result.pairs), len(result.extra), len(result.missed)
        near = (
            np.linalg.norm(
                found.centres[result.extra, None] - found.centres[None, result.pairs[:, 0]], axis=2
            )
            <= reach
        )
        x, y = np.rint(found.centres[result.extra]).astype(int).T
        same = np.isin(truth.ids[y, x], result.pairs[:, 1]) & (truth.ids[y, x] > 0)
        out[name] = {
            "precision": hits / max(1, hits + extra), "recall": hits / max(1, hits + missed),
            "f1": 2 * hits / max(1, 2 * hits + extra + missed), "found": hits, "extra": extra, "missed": missed,
            "duplicates": float(near.any(1).sum()) / max(1, hits + extra), "split": float(same.sum()) / max(1, hits + extra),
        }  # fmt: skip
    return out


def tiles_of(points: Array, side: float) -> Array:
    """Number of the tile each point lies in."""
    cells = np.floor((points + 0.5) / side).astype(int)
    return cells[:, 0] * 1000 + cells[:, 1] if len(points) else np.zeros(0, int)


def bootstrap(
    found: Plants, truth: Truth, reach: float, side: float, rounds: int = 1000
) -> dict[str, dict[str, list[float]]]:
    """95 % intervals by drawing tiles with replacement: F1 and the ratio of true to found count."""
    rng = np.random.default_rng(0)
    out: dict[str, dict[str, list[float]]] = {}
    for name, kind in KINDS.items():
        result = match(found, truth, kind, reach)
        hits = tiles_of(truth.centres[result.pairs[:, 1]], side)
        finds = tiles_of(found.centres[np.concatenate([result.pairs[:, 0], result.extra])], side)
        labels = tiles_of(truth.centres[np.concatenate([result.pairs[:, 1], result.missed])], side)
        tiles = np.unique(np.concatenate([finds, labels]))
        table = np.array([[(of == tile).sum() for of in (hits, finds, labels)] for tile in tiles], np.float64)
        drawn = table[rng.integers(len(table), size=(rounds, len(table)))].sum(1)
        total = table.sum(0)
        out[name] = {
            "f1_95": _spread(2 * drawn[:, 0] / np.maximum(drawn[:, 1] + drawn[:, 2], 1)),
            "count_ratio": [round(float(total[2] / max(total[1], 1)), 3)],
            "count_ratio95": _spread(drawn[:, 2] / np.maximum(drawn[:, 1], 1)),
        }
    return out


def _spread(values: Array) -> list[float]:
    return [round(float(v), 3) for v in np.percentile(values, [2.5, 97.5])]


def cover_ratios(classes: Array, truth: Truth, rounds: int = 1000) -> dict[str, dict[str, list[float]]]:
    """Ratio of labelled to seen cover (cells of that class), with its 95 % interval by drawing tiles."""
    rng = np.random.default_rng(0)
    rows, columns = classes.shape
    labels = truth.classes[cv2.resize(truth.ids, (columns, rows), interpolation=cv2.INTER_NEAREST)]
    down, across = ((np.arange(n) * ROWS // rows) for n in (rows, columns))
    _, tile = np.unique((down[:, None] * 1000 + across[None]).ravel(), return_inverse=True)
    out = {}
    for name, kind in KINDS.items():
        seen, real = (np.bincount(tile, (of == kind).ravel()) for of in (classes, labels))
        drawn = rng.integers(len(seen), size=(rounds, len(seen)))
        out[name] = {
            "cover_ratio": [round(float(real.sum() / max(seen.sum(), 1)), 3)],
            "cover_ratio95": _spread(real[drawn].sum(1) / np.maximum(seen[drawn].sum(1), 1)),
        }
    return out


def average_precision(found: Plants, truth: Truth, kind: int) -> float:
    """Mask AP at IoU 0.5, from the findings' outlines, 101 recall points."""
    labels = int(((truth.classes == kind) & ~truth.torn).sum())
    sizes = np.bincount(np.maximum(truth.ids, 0).ravel(), minlength=len(truth.classes))
    taken: set[int] = set()
    hits = []
    mine = np.flatnonzero(found.classes == kind)
    for one in mine[np.argsort(-found.scores[mine], kind="stable")]:
        outline = np.rint(found.outlines[one]).astype(np.int32)
        left, top = outline.min(0)
        right, bottom = outline.max(0) + 1
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(mask, [outline - [left, top]], 1)
        below = truth.ids[top:bottom, left:right][mask > 0]
        shared = np.bincount(below[below > 0], minlength=len(truth.classes))
        overlap = shared / (sizes + mask.sum() - shared)
        best = [i for i in np.argsort(-overlap)[:3] if overlap[i] >= 0.5]
        if any(truth.torn[i] for i in best):
            continue
        best = [i for i in best if truth.classes[i] == kind and i not in taken]
        taken.update(best[:1])
        hits.append(bool(best))
    return _area_under(np.array(hits, float), labels)


def _area_under(hits: Array, labels: int) -> float:
    if not len(hits):
        return 0.0
    right = np.cumsum(hits)
    recall, precision = right / max(1, labels), right / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(
        np.mean(
            [precision[recall >= r].max() if (recall >= r).any() else 0.0 for r in np.linspace(0, 1, 101)]
        )
    )


@dataclass(frozen=True)
class Ground:
    """A pasted strip of the field at some zoom, with its truth."""

    image: Array
    truth: Truth
    reach: float
    side: float

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]


def ground(data: Path, columns: list[int], gsd_mm: float = POTATO_GSD_MM) -> Ground:
    """Columns of the potato field, resampled to `gsd_mm` by averaging, as a camera higher up would see it."""
    field, torn = load_potato(data, columns, keep_torn=True)
    scale = POTATO_GSD_MM / gsd_mm
    image = field.image
    if scale != 1:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return Ground(image, truth_of(field, torn, scale), MATCH_MM / gsd_mm, TILE * scale)


@dataclass(frozen=True)
class View:
    """A strip at one resolution and the model's maps of it."""

    maps: Array
    place: Ground

    def found(self, decoding: Decoding) -> Plants:
        """What a decoding makes of the maps."""
        return find_plants(self.maps, decoding, self.place.size)


def worth(view: View, decoding: Decoding) -> float:
    """What tuning looks for: F1, a weed's twice; duplicates beyond one in a hundred cost."""
    result = scores(view.found(decoding), view.place.truth, view.place.reach)
    doubles = sum(max(0.0, result[name]["duplicates"] - 0.01) for name in KINDS)
    return 2 * result["weed"]["f1"] + result["crop"]["f1"] - 2 * doubles


def tune(views: list[View], start: Decoding) -> Decoding:
    """Coordinate search over several resolutions at once: outlines, what is called a plant, calibration.

    The first view, the field's own resolution, counts twice."""

    def value(decoding: Decoding) -> float:
        return worth(views[0], decoding) + sum(worth(view, decoding) for view in views)

    levels = [round(0.3 + 0.05 * n, 2) for n in range(9)]
    choices: dict[str, list[object]] = {
        "peak": [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4], "window": [3, 5, 7, 9],
        "split": [0.5, 0.6, 0.7, 0.8, 0.9], "crop_bias": [0.6, 0.75, 0.9, 1.0, 1.15, 1.3],
        "least": list(itertools.product(levels, levels)),
        "reach": [4.0, 6.0, 9.0], "smallest": [2.0, 3.0, 4.0],
    }  # fmt: skip
    best = outlined(views[0], start)
    now = value(best)
    for _ in range(2):
        for key, options in choices.items():
            for option in options:
                tried = dataclasses.replace(best, **{key: option})
                got = value(tried)
                if got > now + 4e-3:
                    best, now = tried, got
    return calibrated(views[0], best)


def outlined(view: View, decoding: Decoding) -> Decoding:
    """Choose for each class where outlines lie, by mask AP."""
    for place, kind in enumerate(KINDS.values()):
        tried = []
        for edge in (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9):
            edges = list(decoding.edge)
            edges[place] = edge
            other = dataclasses.replace(decoding, edge=tuple(edges))
            tried.append((average_precision(view.found(other), view.place.truth, kind), other))
        decoding = max(tried, key=lambda pair: pair[0])[1]
    return decoding


def calibrated(view: View, decoding: Decoding) -> Decoding:
    """Fit, per class, the logistic curve that turns raw scores into the share of findings that are right."""
    plain = dataclasses.replace(
        decoding, slope=(1.0, 1.0), shift=(0.0, 0.0), least=tuple(0.8 * v for v in decoding.least)
    )
    found = view.found(plain)
    raw = np.log(found.scores / (1 - found.scores))
    slopes, shifts = [], []
    for kind in KINDS.values():
        result = match(found, view.place.truth, kind, view.place.reach)
        x = np.concatenate([raw[result.pairs[:, 0]], raw[result.extra]]).astype(np.float64)
        y = np.concatenate([np.ones(len(result.pairs)), np.zeros(len(result.extra))])
        slope, shift = 4.0, -2.0
        for _ in range(50):  # Newton's method, with a weak pull to a slope of 4
            guess = 1 / (1 + np.exp(-(slope * x + shift)))
            weight = guess * (1 - guess)
            gradient = np.array([((guess - y) * x).sum() + 0.1 * (slope - 4), (guess - y).sum()])
            curve = np.array(
                [
                    [(weight * x * x).sum() + 0.1, (weight * x).sum()],
                    [(weight * x).sum(), weight.sum() + 1e-3],
                ]
            )
            slope, shift = np.array([slope, shift]) - np.linalg.solve(curve, gradient)
        slopes.append(round(float(slope), 3))
        shifts.append(round(float(shift), 3))
    return dataclasses.replace(decoding, slope=tuple(slopes), shift=tuple(shifts))


def report(model: WeedModel, decoding: Decoding, place: Ground) -> dict[str, dict[str, Any]]:
    """Everything measured on one strip."""
    maps = model.maps(place.image)
    seen = segment(maps, decoding, place.size)
    floor = dataclasses.replace(decoding, least=(0.05, 0.05), peak=0.05)
    all_found = find_plants(maps, floor, place.size)
    result = scores(seen.plants, place.truth, place.reach)
    spread = bootstrap(seen.plants, place.truth, place.reach, place.side)
    cover = cover_ratios(seen.classes, place.truth)
    return {
        name: {key: round(v, 4) for key, v in result[name].items()}
        | spread[name] | cover[name] | {"ap50": round(average_precision(all_found, place.truth, kind), 4)}
        for name, kind in KINDS.items()
    }  # fmt: skip


def tile_ms(session: Session, runs: int = 16) -> float:
    """Median milliseconds of this thread for one tile of 640x640 pixels."""
    tile = np.random.default_rng(0).integers(0, 256, (1, TILE, TILE, 3), np.uint8)
    session.run(tile)
    taken = []
    for _ in range(runs):
        # The session has no threads but ours, so this counts its work and no other process's.
        begun = time.thread_time()
        session.run(tile)
        taken.append(1000 * (time.thread_time() - begun))
    return float(np.median(taken))


def properties_of(
    by_gsd: dict[float, dict[str, dict[str, Any]]], decoding: Decoding, gsd_mm: list[float]
) -> dict[str, str]:
    """The measured part of a model's metadata, from the reports at several resolutions (mm a pixel).

    The plain ratios' intervals span all resolutions that the model may be used at; `ratios95_by_gsd` has each.
    """
    inside = {gsd: of for gsd, of in by_gsd.items() if gsd_mm[0] <= gsd <= gsd_mm[1]}
    at_home = by_gsd[POTATO_GSD_MM]
    out: dict[str, Any] = {"decoding": dataclasses.asdict(decoding), "gsd_mm": gsd_mm}
    for key in ("precision", "recall"):
        out[key] = {kind: at_home[kind][key] for kind in KINDS}
    for key in ("count_ratio", "cover_ratio"):
        out[key] = {kind: at_home[kind][key][0] for kind in KINDS}
        ends = {kind: [of[kind][key + "95"] for of in inside.values()] for kind in KINDS}
        out[key + "95"] = {
            k: [min(low for low, _ in of), max(high for _, high in of)] for k, of in ends.items()
        }
    out["ratios95_by_gsd"] = {
        str(gsd): {key: {kind: of[kind][key + "_ratio95"] for kind in KINDS} for key in ("count", "cover")}
        for gsd, of in sorted(inside.items())
    }
    return {key: json.dumps(value) for key, value in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/weeds.onnx"))
    parser.add_argument("--columns", type=int, nargs="+", default=[11, 12])
    parser.add_argument(
        "--gsd", type=float, nargs="+", default=[POTATO_GSD_MM], help="mm a pixel, one or more"
    )
    parser.add_argument(
        "--tune", action="store_true", help="choose the decoding anew (not on columns 13, 14)"
    )
    parser.add_argument("--set", type=json.loads, default={}, help="parts of the decoding to set, as JSON")
    parser.add_argument("--write", action="store_true", help="store what is measured in the model files")
    parser.add_argument("--gsd-range", type=float, nargs=2, default=[1.5, 5.6], help="stored with --write")
    args = parser.parse_args()
    if (args.tune or args.write) and set(args.columns) & {13, 14}:
        raise SystemExit("Columns 13 and 14 are for the report; tune on others.")
    cv2.setNumThreads(1)
    session = Session.load(args.model)
    decoding = Decoding.from_json(json.loads(session.metadata["decoding"]))
    model = WeedModel.load(args.model)
    if args.tune:
        places = [ground(args.data, args.columns, gsd) for gsd in (POTATO_GSD_MM, 2.0, 4.0)]
        decoding = tune([View(model.maps(place.image), place) for place in places], decoding)
    if args.set:
        # The scores' calibration belongs to the columns that tune, whatever is measured after.
        place = ground(args.data, [11, 12])
        stored = dataclasses.asdict(decoding) | args.set
        decoding = calibrated(View(model.maps(place.image), place), Decoding.from_json(stored))
    print(json.dumps(dataclasses.asdict(decoding)))
    print(f"{tile_ms(session):.1f} ms a tile of {TILE} px, one thread")
    by_gsd = {}
    for gsd in args.gsd:
        by_gsd[gsd] = report(model, decoding, ground(args.data, args.columns, gsd))
        for name, row in by_gsd[gsd].items():
            print(f"{gsd} mm {name}: {json.dumps(row)}", flush=True)
    if args.write:
        properties = dict(session.metadata) | properties_of(by_gsd, decoding, args.gsd_range)
        names = ("weeds.onnx", "weeds-fp32.onnx")
        write({name: onnx.load(args.model.parent / name) for name in names}, properties, args.model.parent)


if __name__ == "__main__":
    main()
