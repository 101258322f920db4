"""Make the features: `python -m models.health.collect --data DIR --out FILE.npz` (about ten minutes on one core).

DIR holds `potato-uav`. Columns 0-10 are for training, 11-14 are held out; each is painted several times anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fieldbox.inference.weeds import WeedModel
from fieldbox.mapping.planthealth import FEATURES
from models.health.data import HELD_OUT, TRAIN, Seen, judge, load, look, painted, varied
from models.health.paint import HEALTHY, MISSING, Array

SEED = 20
PARTS = {"held-out": (HELD_OUT, ("", "l", "g", "lg"), 5), "train": (TRAIN, ("", "lg"), 6)}
"""Columns, how the ground is varied (see `data.varied`), how often each is painted anew."""
NEAR_M = 0.2


def collect(data: Path, model: WeedModel) -> dict[str, Array]:
    """Arrays by name: `PART/…` of the painted pictures and `PART-plain/…` of the same without symptoms."""
    found: dict[str, Array] = {}
    for name, (columns, ways, count) in PARTS.items():
        ground = load(data, columns)
        pictures: dict[str, list[Seen]] = {name: [], f"{name}-plain": []}
        for number, way in enumerate(ways):
            rng = np.random.default_rng([SEED, len(name), number])
            one = varied(ground, way, rng)
            base = look(one.image, model)
            nothing = np.full(int(ground.ids.max()) + 1, HEALTHY, object)
            pictures[f"{name}-plain"].append(judge(one, base, nothing))
            for _time in range(count):
                pictures[name].append(judge(one, *painted(one, base, model, rng)))
                last = pictures[name][-1]
                print(name, repr(way), len(last.labels), np.bincount(last.labels, minlength=3), flush=True)
        for part, seen in pictures.items():
            found |= {f"{part}/{key}": value for key, value in _together(seen, len(ground.plants)).items()}
    return found


def _together(pictures: list[Seen], plants: int) -> dict[str, Array]:
    counts: dict[str, int] = {"crop plants": plants, "pictures": len(pictures)}
    for seen in pictures:
        for symptom, ids in seen.painted.items():
            counts[symptom] = counts.get(symptom, 0) + len(ids)
        _count_gaps(seen.gaps, seen.middles, counts)
    return {
        "features": np.concatenate([seen.features for seen in pictures]),
        "labels": np.concatenate([seen.labels for seen in pictures]),
        "plants": np.concatenate([seen.plant for seen in pictures]),
        "pictures": np.repeat(np.arange(len(pictures)), [len(seen.labels) for seen in pictures]),
        "counts": np.array(json.dumps(counts)),
    }


def _count_gaps(gaps: Array | None, middles: dict[int, Array], counts: dict[str, int]) -> None:
    """How many plants that were taken out are called missing (within NEAR_M), and how many are called in all."""
    if gaps is None:
        counts["pictures without a step"] = counts.get("pictures without a step", 0) + 1
        return
    counts["called missing"] = counts.get("called missing", 0) + len(gaps)
    for middle in middles.values():
        near = len(gaps) and float(np.hypot(*(gaps - middle).T).min()) <= NEAR_M
        counts["found " + MISSING] = counts.get("found " + MISSING, 0) + int(near)


def main(arguments: list[str] | None = None) -> None:
    parser: Any = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weeds", type=Path, default=Path(__file__).parent.parent / "weeds.onnx")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    found = collect(given.data, WeedModel.load(given.weeds))
    np.savez_compressed(given.out, names=np.array(FEATURES), **found)


if __name__ == "__main__":
    main()
