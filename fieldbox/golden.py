"""Golden tiles: drawn here from fixed seeds, shown to a model, and what it says of them.

The tiles are of a field of the simulator's own, whatever the model is for: they prove that a model still says
what it said, not that it is right. A leaf model that calls a field "not a leaf" is as good a proof as any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fieldbox.inference.health import HealthModel
from fieldbox.inference.leaves import LeafModel
from fieldbox.inference.plants import CROP, WEED
from fieldbox.inference.weeds import WeedModel
from fieldbox.modelops.files import Trusted
from fieldbox.modelops.golden import Answer
from fieldbox.simulate.field import FieldOptions, grow_field

SIDE = 448
HEALTH_PLANTS = 12
_PLOT = FieldOptions(size_m=(1.3, 1.3), margin_m=0.0, emergence=0.95)
_PLOTS = (
    replace(_PLOT, seed=1, weeds_per_m2=8.0),
    replace(_PLOT, seed=2, weeds_per_m2=5.0, soil="red", crops=("cabbage",)),
    replace(_PLOT, seed=3, weeds_per_m2=0.0, emergence=0.0),
)
"""Potatoes and weeds; another crop on other soil; bare soil."""
GSD_MM = 1000 * _PLOT.gsd_m

Pixels = NDArray[np.uint8]


@lru_cache(maxsize=1)
def tiles() -> tuple[Pixels, ...]:
    """The golden tiles, uint8 [448, 448, 3] RGB each. About two seconds for all."""
    drawn = (grow_field(plot).canvas for plot in _PLOTS)
    return tuple(np.ascontiguousarray(canvas[:SIDE, :SIDE]) for canvas in drawn)


def weed_answer(model: WeedModel, tile: Pixels) -> Answer:
    """What a weed model says of one tile."""
    seen = model.look(tile, GSD_MM)
    plants = seen.plants
    return Answer(
        level=float(tile.mean()),
        shares={
            "crop cover": float((seen.classes == CROP).mean()),
            "weed cover": float((seen.classes == WEED).mean()),
        },
        plants=tuple(
            (int(kind), float(x), float(y))
            for kind, (x, y) in zip(plants.classes, plants.centres, strict=True)
        ),
    )


def ask_weeds(file: Trusted) -> tuple[Answer, ...]:
    """Load a weed model and ask it about all golden tiles. Raises Misconfigured."""
    model = WeedModel.load(file.path, expected_sha256=file.sha256)
    return tuple(weed_answer(model, tile) for tile in tiles())


def ask_leaves(file: Trusted) -> tuple[Answer, ...]:
    """Load a leaf model and ask it about all golden tiles. Raises Misconfigured."""
    model = LeafModel.load(file.path, expected_sha256=file.sha256)
    return tuple(leaf_answer(model, tile) for tile in tiles())


def leaf_answer(model: LeafModel, tile: Pixels) -> Answer:
    """What a leaf model says of one tile."""
    verdict = model.judge(tile)
    shares = {leaf.value: share for leaf, share in verdict.probabilities.items()}
    return Answer(level=float(tile.mean()), shares={**shares, "not a leaf": verdict.no_leaf})


def ask_health(file: Trusted) -> tuple[Answer, ...]:
    """Load a health model and ask it about drawn features: it looks at no picture. Raises Misconfigured."""
    model = HealthModel.load(file.path, expected_sha256=file.sha256)
    features = np.random.default_rng(4).normal(0, 1.5, (HEALTH_PLANTS, len(model.features)))
    probabilities = model.judge(features.astype(np.float32)).probabilities
    shares = {
        f"plant {plant + 1}, class {kind + 1}": float(share)
        for plant, row in enumerate(probabilities)
        for kind, share in enumerate(row)
    }
    return (Answer(level=float(features.mean()), shares=shares),)


ASK: dict[str, Callable[[Trusted], tuple[Answer, ...]]] = {
    "weeds": ask_weeds,
    "leaves": ask_leaves,
    "health": ask_health,
}
"""By kind of model: load it and ask it."""
