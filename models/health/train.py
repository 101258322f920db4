"""Fit, compare, export: `python -m models.health.train --features FILE.npz` (seconds; seeded).

The index baseline (two z-scores, size and colour) and a logistic regression that also corrects colour for
size are compared by cross-validation over the plants of the training columns and then on the held-out
columns; what is better there becomes `models/health.onnx`. Only numpy fits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fieldbox.mapping.planthealth import FEATURES
from models.health.data import CLASSES

Array = np.ndarray[Any, Any]
Predict = Callable[[Array], Array]

NAME, VERSION, SEED = "fieldbox-health", "2", 3
FALSE_VERDICTS = 0.01
"""Share of unpainted training plants that each symptom's threshold may call."""
FOLDS = 5
BOOTSTRAPS = 1000
GSD_MM = (1.0, 5.6)
"""Finer photos are looked at on the weed model's own scale; above, single crop plants have too few pixels."""
SIZE, COLOUR, COLOUR_FOR_SIZE = "size_row_z", "colour_row_z", "colour_size_z"
STEEP = 2.0
STEPS, RATE = 2000, 0.05
BASE_Z = -2.5
MOST_Z = -1.0
"""Verdicts need a z-score against the plant's own row that is as low as this."""
WAYS = ("as photographed", "other light and cloud shadow", "growth gradient", "light, shadow and growth")
"""Of the held-out pictures without symptoms, as in `models.health.collect.PARTS`."""


# -- the learned candidate --------------------------------------------------------------------------
#
# Logistic regression in which a symptom sees one z-score alone. A plant that was shrunk keeps the colours of
# the large plant that it was, which no small plant has: a model that judges size by colours learns this, and
# with it a trick of the paint. And sums of several z-scores scatter differently in each field, so that a
# threshold learnt in one would call far too many plants in another.


def fit(x: Array, y: Array) -> list[Array]:
    """Weights [F, 3] and biases [3] of healthy, stunted, yellowing; those of healthy are 0."""
    sees = np.zeros((x.shape[1], 3))
    sees[FEATURES.index(SIZE), 1] = sees[FEATURES.index(COLOUR_FOR_SIZE), 2] = 1
    return _adam([np.zeros_like(sees), np.zeros(3)], [sees, np.array([0.0, 1, 1])], x, y)


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def _adam(parameters: list[Array], free: list[Array], x: Array, y: Array) -> list[Array]:
    """Minimise the cross-entropy, classes weighted by the root of their rarity."""
    weight = (1 / np.sqrt(np.bincount(y, minlength=3) + 1.0))[y]
    weight /= weight.sum()
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    for step in range(1, STEPS + 1):
        error = _softmax(x @ parameters[0] + parameters[1])
        error[np.arange(len(y)), y] -= 1
        error *= weight[:, None]
        now = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        for i, slope in enumerate((x.T @ error * free[0], error.sum(0) * free[1])):
            first[i] = 0.9 * first[i] + 0.1 * slope
            second[i] = 0.999 * second[i] + 0.001 * slope**2
            root = np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8
            parameters[i] = parameters[i] - now * first[i] / (1 - 0.9**step) / root
    return parameters


def learned(x: Array, y: Array) -> tuple[list[Array], Predict]:
    """The fitted parameters and how to ask them."""
    weights, bias = fit(x, y)
    return [weights, bias], lambda new: _softmax(new @ weights + bias)


def baseline(names: list[str]) -> Predict:
    """The two z-scores alone: a symptom's score is 1 / (1 + exp(2 (z + 2.5))), healthy is what is left."""
    columns = [names.index(SIZE), names.index(COLOUR)]

    def predict(x: Array) -> Array:
        return _softmax(np.concatenate([np.zeros((len(x), 1)), -STEEP * (x[:, columns] - BASE_Z)], axis=1))

    return predict


# -- comparison ---------------------------------------------------------------------------------


def average_precision(score: Array, truth: Array) -> float:
    """Area under precision over recall, without interpolation; nan without a positive."""
    if not truth.any():
        return float("nan")
    right = truth[np.argsort(-score, kind="stable")]
    return float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())


def both(probabilities: Array, labels: Array) -> float:
    """Mean average precision of stunted and yellowing."""
    return float(np.mean([average_precision(probabilities[:, k], labels == k) for k in (1, 2)]))


def out_of_fold(part: dict[str, Array], plain: dict[str, Array]) -> tuple[Array, Array]:
    """Probabilities for the painted and the unpainted training plants by models that never saw the plant."""
    painted, bare = np.zeros((len(part["labels"]), 3)), np.zeros((len(plain["labels"]), 3))
    for fold in range(FOLDS):
        mine, theirs = part["plants"] % FOLDS == fold, plain["plants"] % FOLDS == fold
        predict = learned(part["features"][~mine], part["labels"][~mine])[1]
        painted[mine], bare[theirs] = predict(part["features"][mine]), predict(plain["features"][theirs])
    return painted, bare


def thresholds(plain: Array) -> tuple[float, float]:
    """For each symptom the score that FALSE_VERDICTS of the unpainted plants reach."""
    low, high = (float(np.quantile(plain[:, k], 1 - FALSE_VERDICTS)) for k in (1, 2))
    return low, high


def measured(
    predict: Predict, least: tuple[float, float], part: dict[str, Array], plain: dict[str, Array]
) -> dict[str, Any]:
    """Of held-out plants: average precision, recall and the share of false verdicts at the thresholds."""
    p, bare = predict(part["features"]), predict(plain["features"])
    labels, counts = part["labels"], json.loads(str(part["counts"]))
    columns = [FEATURES.index(SIZE), FEATURES.index(COLOUR_FOR_SIZE)]
    over, bare_over = (
        np.where(one["features"][:, columns] <= MOST_Z, told[:, 1:] - least, -1.0)
        for one, told in ((part, p), (plain, bare))
    )
    code = np.where((over >= 0).any(1), 1 + over.argmax(1), 0)
    told = {}
    for k, name in ((1, "stunted"), (2, "yellowing")):
        hits = int((code[labels == k] == k).sum())
        told[name] = {
            "average precision": round(average_precision(p[:, k], labels == k), 3),
            "painted": counts[name], "found by the weed model as crop": int((labels == k).sum()), "called": hits,
            "recall of all painted": round(hits / counts[name], 3),
            "precision": round(hits / max(1, int((code == k).sum())), 3),
        }  # fmt: skip
    called = (bare_over >= 0).any(1)
    by_way = {way: round(float(called[plain["pictures"] == n].mean()), 4) for n, way in enumerate(WAYS)}
    return {
        **told, "false verdicts by way": by_way, "mean average precision": round(both(p, labels), 3),
        "false verdicts, unpainted held-out plants": round(float((bare_over >= 0).any(1).mean()), 4),
        "unpainted held-out plants": len(bare),
    }  # fmt: skip


def difference(one: Predict, other: Predict, part: dict[str, Array]) -> tuple[float, float, float]:
    """Mean average precision of one minus the other, with a 95 % interval by bootstrap over plants."""
    p, q, labels = one(part["features"]), other(part["features"]), part["labels"]
    groups = [np.flatnonzero(part["plants"] == plant) for plant in np.unique(part["plants"])]
    rng = np.random.default_rng(SEED)
    gains = []
    for _ in range(BOOTSTRAPS):
        rows = np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        gains.append(both(p[rows], labels[rows]) - both(q[rows], labels[rows]))
    low, high = np.nanquantile(gains, [0.025, 0.975])
    return round(both(p, labels) - both(q, labels), 3), round(float(low), 3), round(float(high), 3)


# -- export -------------------------------------------------------------------------------------


def graph_of(parameters: list[Array] | None, names: list[str]) -> onnx.ModelProto:
    """The graph of the learned candidate, or of the baseline (None)."""
    if parameters is None:
        weights = np.zeros((len(names), 3))
        weights[names.index(SIZE), 1] = weights[names.index(COLOUR), 2] = -STEEP
        parameters = [weights, np.array([0.0, STEEP * BASE_Z, STEEP * BASE_Z])]
    nodes = [
        helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "health",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", len(names)])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(value.astype(np.float32), name)
         for name, value in zip(("weights", "bias"), parameters, strict=True)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def describe(
    model: onnx.ModelProto, names: list[str], least: tuple[float, float], kind: str, digest: str
) -> None:
    """Set the metadata."""
    helper.set_model_props(model, {
        "name": NAME, "version": VERSION, "kind": "health", "classes": json.dumps(list(CLASSES)),
        "features": json.dumps(names), "gsd_mm": json.dumps(list(GSD_MM)), "training_digest": digest,
        "least": json.dumps({"stunted": round(least[0], 5), "yellowing": round(least[1], 5)}),
        "most_z": json.dumps(MOST_Z), "made_as": kind,
        "note": "Learnt from symptoms painted on photos: relative verdicts, no diagnosis, no accuracy in the field.",
    })  # fmt: skip
    model.producer_name, model.producer_version, model.doc_string = "fieldbox", VERSION, ""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True, help="Made by models.health.collect.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "health.onnx")
    given = parser.parse_args(arguments)
    stored = np.load(given.features)
    names = [str(one) for one in stored["names"]]
    if names != list(FEATURES):
        raise SystemExit("The features were collected by another version: run models.health.collect again.")
    part, plain, held, bare = ({key.split("/")[1]: stored[key] for key in stored.files if key.startswith(f"{name}/")}
                               for name in ("train", "train-plain", "held-out", "held-out-plain"))  # fmt: skip
    # Training sees the unpainted plants too.
    every = {key: np.concatenate([part[key], plain[key]]) for key in ("features", "labels", "plants")}
    base = baseline(names)
    base_least = thresholds(base(plain["features"]))
    folds = out_of_fold(every, plain)
    parameters, predict = learned(every["features"], every["labels"])
    least = thresholds(folds[1])
    gain = difference(predict, base, held)
    better = gain[1] > 0
    print(json.dumps({
        "training columns, plants left out, mean average precision": {
            "baseline": round(both(base(every["features"]), every["labels"]), 3),
            "learned": round(both(folds[0], every["labels"]), 3)},
        "held-out": {"baseline": measured(base, base_least, held, bare), "learned": measured(predict, least, held, bare)},
        "gain of the learned one (95 % by plant)": gain, "gaps": json.loads(str(held["counts"])),
        "shipped": "learned" if better else "baseline", "weights": parameters[0].round(3).tolist(),
        "biases": parameters[1].round(3).tolist(), "least": least,
    }, indent=1))  # fmt: skip
    model = graph_of(parameters if better else None, names)
    digest = hashlib.sha256(given.features.read_bytes()).hexdigest()
    describe(
        model,
        names,
        least if better else base_least,
        "logistic regression" if better else "index baseline",
        digest,
    )
    partial = given.out.with_suffix(".part")
    onnx.save(model, str(partial))
    partial.replace(given.out)
    print(given.out, given.out.stat().st_size, "bytes", hashlib.sha256(given.out.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
