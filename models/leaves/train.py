"""Train the leaf model: `python -m models.leaves.train --data DIR --out leaves-run`.

DIR holds `leaves/beans`, `weeds` and `flights`. Makes five folds over all photos (`fold0.pt` ... `fold4.pt`) and
the model that is shipped, from the authors' training split alone (`ship.pt`). Seeded; a run that was stopped
goes on with the parts that are missing.

The first blocks keep their ImageNet weights, so what they make of a number of variations of each photo is
computed once and shared by all six trainings.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.depthwise import adopt
from models.leaves.data import (
    FOLDS,
    HELD_OUT,
    NOT_A_LEAF,
    Leaves,
    group,
    load_leaves,
    others,
    same_leaf,
    split,
    varied,
)
from models.leaves.model import FRONT_CHANNELS, MOMENTS, Back, Front
from models.weeds.model import normalised

TRAIN_SIDE = 256
SMOOTHING = 0.06
"""Some labels are wrong: no photo is held to be more certain than this leaves it."""
LAST = torch.channels_last
RunFront = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def pairs_of(leaves: Leaves, out: Path) -> list[tuple[int, int, int]]:
    """As `data.same_leaf`, kept in `pairs.json`."""
    place = out / "pairs.json"
    if not place.exists():
        place.write_text(json.dumps(same_leaf(leaves.images)))
    return [tuple(pair) for pair in json.loads(place.read_text())]


def folds_of(leaves: Leaves, out: Path) -> np.ndarray:
    """The fold of each photo; photos of the same leaf share one."""
    return split(leaves.labels, group(len(leaves.labels), pairs_of(leaves, out)))


def others_of(data: Path, out: Path) -> dict[str, list[np.ndarray]]:
    """As `data.others`, kept in `others.npz`."""
    place = out / "others.npz"
    if not place.exists():
        np.savez(place, **{kind: np.stack(found) for kind, found in others(data).items()})
    with np.load(place) as kept:
        return {kind: list(kept[kind]) for kind in kept.files}


def front_on(device: torch.device, out: Path) -> RunFront:
    """The front for bytes [n, h, w, 3]: by ONNX Runtime on a CPU, which is faster there than torch."""
    front = Front()
    if device.type != "cpu":
        front.to(device, memory_format=LAST)

        @torch.no_grad()
        def by_torch(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            maps, found = front(normalised(torch.from_numpy(batch).to(device)))
            return maps.cpu().numpy(), found.cpu().numpy()

        return by_torch
    place = str(out / "front.onnx")
    torch.onnx.export(
        front, (torch.zeros(2, 3, 64, 64),), place, input_names=["x"], output_names=["maps", "moments"],
        dynamic_axes={name: {0: "batch", 2: "height", 3: "width"} for name in ("x", "maps")}
        | {"moments": {0: "batch"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])

    def by_runtime(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        maps, found = session.run(None, {"x": normalised(torch.from_numpy(batch)).contiguous().numpy()})
        return maps, found

    return by_runtime


class Seen:
    """What the front made of every variation: maps float16 [v, n, 112, 16, 16], moments float32 [v, n, 696]."""

    def __init__(self, images: list[np.ndarray], variants: int, run: RunFront, out: Path) -> None:
        side = TRAIN_SIDE // 16
        self.maps = np.empty((variants, len(images), FRONT_CHANNELS, side, side), np.float16)
        self.moments = np.empty((variants, len(images), MOMENTS), np.float32)
        for variant in range(variants):
            place = out / f"front{variant}.npz"
            if place.exists():
                with np.load(place) as kept:
                    self.maps[variant], self.moments[variant] = kept["maps"], kept["moments"]
                continue
            rng = np.random.default_rng(1000 + variant)
            for first in range(0, len(images), 16):
                batch = np.stack([varied(image, rng, TRAIN_SIDE) for image in images[first : first + 16]])
                here = np.s_[variant, first : first + len(batch)]
                self.maps[here], self.moments[here] = run(batch)
            np.savez(place, maps=self.maps[variant], moments=self.moments[variant])
            print(f"front: variation {variant + 1} of {variants}, {time.process_time():.0f} s", flush=True)


class Training:
    """One network, its running average and its optimiser."""

    def __init__(self, steps: int, rate: float, device: torch.device) -> None:
        self.back = Back().to(device, memory_format=LAST)
        self.average = copy.deepcopy(self.back).eval()
        if device.type == "cpu":
            adopt(self.back)
        self.steps, self.step, self.device = steps, 0, device
        new = [*self.back.head.parameters(), *self.back.last.parameters()]
        parts = [(list(self.back.layers.parameters()), rate), (new, 3 * rate)]
        self.optimiser = torch.optim.AdamW(
            [{"params": found, "lr": base, "base": base} for found, base in parts], weight_decay=0.05
        )

    def learn(self, maps: Tensor, found: Tensor, labels: Tensor) -> float:
        """One step on one batch; returns the loss."""
        warm = min(1.0, (self.step + 1) / 20)
        for part in self.optimiser.param_groups:
            part["lr"] = part["base"] * warm * (0.5 + 0.5 * math.cos(math.pi * self.step / self.steps))
        self.back.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            raw = self.back(maps, found)
        loss = fn.cross_entropy(raw.float(), labels, label_smoothing=SMOOTHING)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.back.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._follow()
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(0.98, self.step / (self.step + 5))
        for mean, now in zip(
            self.average.state_dict().values(), self.back.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def train(
    seen: Seen, labels: np.ndarray, chosen: np.ndarray, args: argparse.Namespace, seed: int
) -> dict[str, Tensor]:
    """Train on the pictures `chosen` (indices into `labels`); returns the averaged weights."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    per_pass = len(chosen) // args.batch
    run = Training(args.passes * per_pass, args.rate, torch.device(args.device))
    for number in range(args.passes):
        order, begun, losses = rng.permutation(chosen), time.process_time(), []
        for first in range(0, per_pass * args.batch, args.batch):
            part = order[first : first + args.batch]
            variant = (number + part) % len(seen.maps)
            maps, found = (
                torch.from_numpy(kept[variant, part].astype(np.float32)).to(run.device)
                for kept in (seen.maps, seen.moments)
            )
            loss = run.learn(
                maps.contiguous(memory_format=LAST), found, torch.from_numpy(labels[part]).to(run.device)
            )
            losses.append(loss)
        print(
            f"pass {number + 1}: loss {np.mean(losses):.4f}, {time.process_time() - begun:.0f} s", flush=True
        )
    return run.average.state_dict()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("leaves-run"))
    parser.add_argument("--variants", type=int, default=3, help="variations of each photo")
    parser.add_argument("--passes", type=int, default=5, help="passes over the photos")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="train just these parts, such as fold0 or ship")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def parts_of(leaves: Leaves, folds: np.ndarray, kinds: np.ndarray) -> dict[str, np.ndarray]:
    """Which pictures each part trains on, bool [leaves and then others]."""
    parts = {f"fold{n}": np.concatenate([folds != n, ~np.isin(kinds, HELD_OUT[n])]) for n in range(FOLDS)}
    return parts | {"ship": np.concatenate([leaves.authors, np.ones(len(kinds), bool)])}


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    leaves, made = load_leaves(args.data), others_of(args.data, args.out)
    folds = folds_of(leaves, args.out)
    print(f"photos a fold: {np.bincount(folds).tolist()}, {time.process_time():.0f} s", flush=True)
    images = [*leaves.images, *(picture for kind in made.values() for picture in kind)]
    kinds = np.array([kind for kind, found in made.items() for _ in found])
    labels = np.concatenate([leaves.labels, np.full(len(kinds), NOT_A_LEAF)])
    seen = Seen(images, args.variants, front_on(torch.device(args.device), args.out), args.out)
    for number, (name, chosen) in enumerate(parts_of(leaves, folds, kinds).items()):
        place = args.out / f"{name}.pt"
        if place.exists() or (args.only and name not in args.only):
            continue
        print(f"{name}: {int(chosen.sum())} pictures", flush=True)
        torch.save(train(seen, labels, np.flatnonzero(chosen), args, number), place)


if __name__ == "__main__":
    main()
