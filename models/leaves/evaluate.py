"""Measure the leaf model: `python -m models.leaves.evaluate --data DIR --run leaves-run [--write models]`.

Every fold's network is made 8-bit as the shipped one is, and asked about the photos and the kinds of other
pictures that it was not trained on; float and 8-bit side by side, each photo with its mirror image. The rule
for "sure" is chosen on four folds and measured on the fifth, in turn; the shipped rule is chosen on all five.
The shipped model is asked about the authors' validation split. `--everyday DIR` adds a folder of other
pictures (sub-folders are searched) that no network was trained on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
from scipy.optimize import minimize

from models.leaves.data import CLASSES, FOLDS, HELD_OUT, SIDE, Leaves, load_leaves, rgb
from models.leaves.export import basic_properties, calibration_images, load_net, save, small_and_full
from models.leaves.train import folds_of, others_of, pairs_of

SURE_RIGHT = 0.985
"""So many of the sure answers shall be right, on the folds that the rule is chosen on."""
LEAVES_PASSED = 0.99
"""So many bean leaves shall not be doubted to be one, on the same folds."""
CALLED_NOT_A_LEAF = 0.5
FORMS = ("int8", "float")

Array = np.ndarray


@dataclass(frozen=True)
class Rule:
    """As `fieldbox.inference.leaves.Rule`."""

    temperature: float
    not_a_leaf: float
    leaf: float
    sure: float
    shift: tuple[float, float, float]


def session_of(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    """A session of one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = model.read_bytes() if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def ask(session: onnxruntime.InferenceSession, images: Array | list[Array]) -> Array:
    """Logits of each picture and its mirror image, float32 [n, 2, 4]."""
    made = [
        session.run(None, {"image": np.ascontiguousarray(np.stack([image, image[:, ::-1]]))})[0]
        for image in images
    ]
    return np.stack(made) if made else np.zeros((0, 2, len(CLASSES) + 1), np.float32)


def everyday(folder: Path | None) -> list[Array]:
    """The middle square of every colour or grey picture in a folder, 288 px."""
    found = []
    for path in sorted(folder.rglob("*")) if folder else []:
        image = rgb(path) if path.suffix.lower() in {".png", ".jpg", ".jpeg"} else None
        if image is None or min(image.shape[:2]) < 128:
            continue
        side = min(image.shape[:2])
        top, left = ((length - side) // 2 for length in image.shape[:2])
        cut = image[top : top + side, left : left + side]
        found.append(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return found


def ask_fold(args: argparse.Namespace, leaves: Leaves, folds: Array, fold: int) -> dict[str, Array]:
    """Logits of what fold `fold` left out; kept in `foldN.npz` of the run.

    `leaves_FORM` [photos of the fold, 2, 4]; `other_KIND_FORM`; `everyday_FORM`.
    """
    place = args.run / f"fold{fold}.npz"
    if place.exists():
        with np.load(place) as kept:
            return dict(kept)
    kinds, strange = others_of(args.data, args.run), everyday(args.everyday)
    trained = folds != fold
    other = [p for kind, found in kinds.items() if kind not in HELD_OUT[fold] for p in found]
    chosen = calibration_images(leaves.images[trained], leaves.labels[trained], other)
    graphs = small_and_full(load_net(args.run / f"fold{fold}.pt"), chosen, args.method)
    made = {}
    for form, graph in zip(FORMS, graphs, strict=True):
        session = session_of(graph)
        made[f"leaves_{form}"] = ask(session, leaves.images[~trained])
        made |= {f"other_{kind}_{form}": ask(session, kinds[kind]) for kind in HELD_OUT[fold]}
        made[f"everyday_{form}"] = ask(session, strange)
        right = made[f"leaves_{form}"].mean(1)[:, :3].argmax(1) == leaves.labels[~trained]
        print(f"fold {fold}, {form}: {right.mean():.4f}, {int((~right).sum())} wrong", flush=True)
    np.savez(place, **made)
    return made


def collect(args: argparse.Namespace, leaves: Leaves, folds: Array) -> dict[str, Array]:
    """All that is asked: `leaves_FORM` [n, 2, 4] in the order of the photos, `other_KIND_FORM`, each by the fold
    that left it out; `everyday_FORM` [5 folds and the shipped network, n, 2, 4]; `val_FORM` by the shipped one.
    """
    kept = {f"leaves_{form}": np.zeros((len(folds), 2, len(CLASSES) + 1), np.float32) for form in FORMS}
    asked: dict[str, list[Array]] = {form: [] for form in FORMS}
    for fold in range(FOLDS):
        made = ask_fold(args, leaves, folds, fold)
        for form in FORMS:
            kept[f"leaves_{form}"][folds == fold] = made[f"leaves_{form}"]
            asked[form].append(made[f"everyday_{form}"])
        kept |= {name: found for name, found in made.items() if name.startswith("other_")}
    made = ask_shipped(args, leaves)
    for form in FORMS:
        kept[f"val_{form}"] = made[f"val_{form}"]
        asked[form].append(made[f"everyday_{form}"])
    return kept | {f"everyday_{form}": np.stack(found) for form, found in asked.items()}


def ask_shipped(args: argparse.Namespace, leaves: Leaves) -> dict[str, Array]:
    """Logits of the shipped files: `val_FORM` of the authors' validation split, `everyday_FORM`; in `ship.npz`."""
    place = args.run / "ship.npz"
    if place.exists():
        with np.load(place) as kept:
            return dict(kept)
    made = {}
    for form, file in zip(FORMS, ("leaves.onnx", "leaves-fp32.onnx"), strict=True):
        session = session_of(args.models / file)
        made[f"val_{form}"] = ask(session, leaves.images[~leaves.authors])
        made[f"everyday_{form}"] = ask(session, everyday(args.everyday))
    np.savez(place, **made)
    return made


def shares(logits: Array, rule: Rule) -> tuple[Array, Array]:
    """From the mean logits [n, 4]: probabilities of the classes among leaves [n, 3], and of "no leaf" [n]."""
    scaled = logits.astype(np.float64) / rule.temperature + (*rule.shift, 0.0)
    whole = np.exp(scaled - scaled.max(1, keepdims=True))
    among = np.exp(scaled[:, :-1] - scaled[:, :-1].max(1, keepdims=True))
    return among / among.sum(1, keepdims=True), (whole / whole.sum(1, keepdims=True))[:, -1]


def calibrated(logits: Array, labels: Array) -> Rule:
    """Temperature and the shifts of rust and spots that make the labels likeliest; thresholds left open."""

    def rule(numbers: Array) -> Rule:
        return Rule(float(np.exp(numbers[0])), 1.0, 1.0, 0.0, (0.0, float(numbers[1]), float(numbers[2])))

    def loss(numbers: Array) -> float:
        return float(-np.log(shares(logits, rule(numbers))[0][np.arange(len(labels)), labels] + 1e-12).mean())

    found = rule(minimize(loss, np.zeros(3), method="Nelder-Mead").x)
    shift = (0.0, round(found.shift[1], 3), round(found.shift[2], 3))
    return replace(found, temperature=round(found.temperature, 3), shift=shift)


def rule_for(logits: Array, labels: Array) -> Rule:
    """Calibration by likelihood, the least probability by `SURE_RIGHT`, the doubt of a leaf by `LEAVES_PASSED`."""
    rule = calibrated(logits, labels)
    among, no_leaf = shares(logits, rule)
    leaf = float(min(CALLED_NOT_A_LEAF, max(0.02, np.quantile(no_leaf, LEAVES_PASSED))))
    best, right = among.max(1), among.argmax(1) == labels
    for sure in np.arange(0.40, 1.0, 0.01):
        answered = (best >= sure) & (no_leaf <= leaf)
        if answered.any() and right[answered].mean() >= SURE_RIGHT:
            break
    return replace(rule, not_a_leaf=CALLED_NOT_A_LEAF, leaf=round(leaf, 4), sure=round(float(sure), 2))


def expected_calibration_error(best: Array, right: Array, bins: int = 10) -> float:
    """Mean gap of confidence and share right over equally wide bins, weighted by their photos."""
    where = np.minimum((best * bins).astype(int), bins - 1)
    gaps = [
        abs(best[where == b].mean() - right[where == b].mean()) * (where == b).sum()
        for b in set(where.tolist())
    ]
    return float(sum(gaps) / len(best))


def interval(right: Array, seed: int = 0) -> tuple[float, float]:
    """95 % by drawing photos with replacement."""
    rng = np.random.default_rng(seed)
    means = [right[rng.integers(0, len(right), len(right))].mean() for _ in range(2000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def outcomes(logits: Array, rule: Rule) -> dict[str, float]:
    """Of pictures that are no bean leaf: share called that, unsure, and taken for a leaf (named a class)."""
    among, no_leaf = shares(logits, rule)
    named = (no_leaf <= rule.leaf) & (among.max(1) >= rule.sure)
    called = (no_leaf >= rule.not_a_leaf) & ~named
    parts = (called, ~called & ~named, named)
    return dict(zip(("not_a_leaf", "unsure", "named"), (float(p.mean()) for p in parts), strict=True))


def crossed(logits: Array, labels: Array, folds: Array) -> dict[str, object]:
    """Rule chosen on four folds, measured on the fifth: calibration, and what is sure, unsure and not a leaf."""
    best, right, sure, called = (np.zeros(len(labels)) for _ in range(4))
    brier, guesses = np.zeros(len(labels)), np.zeros(len(labels), int)
    for fold in range(FOLDS):
        here = folds == fold
        rule = rule_for(logits[~here], labels[~here])
        among, no_leaf = shares(logits[here], rule)
        guesses[here] = among.argmax(1)
        best[here], right[here] = among.max(1), among.argmax(1) == labels[here]
        sure[here] = (no_leaf <= rule.leaf) & (among.max(1) >= rule.sure)
        called[here] = (no_leaf >= rule.not_a_leaf) & ~sure[here].astype(bool)
        brier[here] = ((among - np.eye(3)[labels[here]]) ** 2).sum(1)
    answered = sure.astype(bool)
    return {
        "accuracy": float(right.mean()), "interval95": interval(right), "wrong": int((1 - right).sum()),
        "confusion": confusion(labels, guesses),
        "by_fold": [float(right[folds == fold].mean()) for fold in range(FOLDS)],
        "ece": expected_calibration_error(best, right), "brier": float(brier.mean()),
        "sure": float(sure.mean()), "sure_right": float(right[answered].mean()),
        "unsure": float(1 - sure.mean() - called.mean()), "not_a_leaf": float(called.mean()),
    }  # fmt: skip


def confusion(labels: Array, guesses: Array) -> list[list[int]]:
    """Rows: label; columns: guess."""
    table = np.zeros((len(CLASSES), len(CLASSES) + 1), int)
    np.add.at(table, (labels, guesses), 1)
    return [[int(value) for value in row] for row in table]


def milliseconds(session: onnxruntime.InferenceSession, runs: int = 60) -> list[float]:
    """p50, p90 and p99 of one photo with its mirror image, one thread."""
    pair = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        session.run(None, {"image": pair})
        times.append(1000 * (time.perf_counter() - begun))
    return [round(float(q), 1) for q in np.quantile(times[5:], [0.5, 0.9, 0.99])]


def report(
    args: argparse.Namespace, leaves: Leaves, folds: Array, kept: dict[str, Array]
) -> tuple[Rule, dict[str, object]]:
    """All that the card says."""
    labels = leaves.labels
    # The validation split shapes no number of the shipped file, its rule included.
    rule = rule_for(kept["leaves_int8"].mean(1)[leaves.authors], labels[leaves.authors])
    found: dict[str, object] = {"photos_a_fold": np.bincount(folds).tolist(), "rule": asdict(rule)}
    for form, file in zip(FORMS, ("leaves.onnx", "leaves-fp32.onnx"), strict=True):
        logits = kept[f"leaves_{form}"].mean(1)
        right = logits[:, :3].argmax(1) == labels
        val = kept[f"val_{form}"].mean(1)
        held = labels[~leaves.authors]
        guesses = shares(val, rule)[0].argmax(1)
        found[form] = {
            "accuracy_unshifted": float(right.mean()), "wrong_unshifted": int((~right).sum()),
            "with_not_a_leaf_wrong": float((logits.argmax(1) == labels).mean()),
            "without_mirror": float((kept[f"leaves_{form}"][:, 0, :3].argmax(1) == labels).mean()),
            "crossed": crossed(logits, labels, folds),
            "val_accuracy": float((guesses == held).mean()), "val_wrong": int((guesses != held).sum()),
            "val_accuracy_unshifted": float((val[:, :3].argmax(1) == held).mean()),
            "val_confusion": confusion(held, guesses), "val_outcomes": outcomes(val, rule),
            "bytes": (args.models / file).stat().st_size, "ms_p50_p90_p99": milliseconds(session_of(args.models / file)),
        }  # fmt: skip
    val = kept["val_int8"].mean(1)
    among, no_leaf = shares(val, rule)
    sure = (no_leaf <= rule.leaf) & (among.max(1) >= rule.sure)
    held = labels[~leaves.authors]
    found["val_sure"] = {"share": float(sure.mean()), "right": float((among.argmax(1) == held)[sure].mean()),
                         "ece": expected_calibration_error(among.max(1), among.argmax(1) == held)}  # fmt: skip
    twins = {
        n for a, b, _ in pairs_of(leaves, args.run) if leaves.authors[a] != leaves.authors[b] for n in (a, b)
    }
    alone = ~np.isin(np.flatnonzero(~leaves.authors), sorted(twins))
    found["val_without_twins"] = {
        "photos": int(alone.sum()),
        "right": int((among.argmax(1) == held)[alone].sum()),
    }
    same = kept["leaves_int8"].mean(1)[:, :3].argmax(1) == kept["leaves_float"].mean(1)[:, :3].argmax(1)
    found["int8_agrees_with_float"] = float(same.mean())
    found["other_kinds"] = {
        kind: outcomes(kept[f"other_{kind}_int8"].mean(1), rule) for fold in HELD_OUT for kind in fold
    }
    if kept["everyday_int8"].shape[1]:
        found["everyday_shipped"] = outcomes(kept["everyday_int8"][-1].mean(1), rule)
        found["everyday_folds"] = [outcomes(one.mean(1), rule) for one in kept["everyday_int8"][:-1]]
        found["everyday_pictures"] = int(kept["everyday_int8"].shape[1])
    return rule, found


def write(args: argparse.Namespace, rule: Rule, found: dict[str, object]) -> None:
    """Put rule and accuracy into the metadata of the model files, and all of it into `leaves.json`."""
    for form, file in zip(FORMS, ("leaves.onnx", "leaves-fp32.onnx"), strict=True):
        measured = found[form]
        assert isinstance(measured, dict)
        accuracy = {"folds": measured["crossed"]["accuracy"], "val": measured["val_accuracy"]}
        properties = basic_properties(args.data) | {
            "rule": json.dumps(asdict(rule)),
            "accuracy": json.dumps(accuracy),
        }
        save(onnx.load(args.models / file), properties, args.models / file)
    hashes = {
        file: hashlib.sha256((args.models / file).read_bytes()).hexdigest()
        for file in ("leaves.onnx", "leaves-fp32.onnx")
    }
    listing = {"sha256": hashes, **basic_properties(args.data), **found}
    (args.models / "leaves.json").write_text(json.dumps(listing, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("leaves-run"))
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--everyday", type=Path)
    parser.add_argument("--method", default="percentile")
    parser.add_argument("--only", type=int, help="ask just this fold, and keep what it says")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    leaves = load_leaves(args.data)
    folds = folds_of(leaves, args.run)
    if args.only is not None:
        ask_fold(args, leaves, folds, args.only)
        return
    rule, found = report(args, leaves, folds, collect(args, leaves, folds))
    print(json.dumps(found, indent=2))
    if args.write:
        write(args, rule, found)


if __name__ == "__main__":
    main()
