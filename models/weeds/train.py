"""Train the weed model: `python -m models.weeds.train --data DIR --minutes N`.

DIR holds `potato-uav/` and `cauliflower/`. The run is seeded, writes a checkpoint every minute or so and
goes on from it with `--resume`. Speed decides how many steps fit in the minutes, so two machines give
two slightly different models from one seed; `--steps` ends a run by count instead.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.weeds.data import Sampler
from models.weeds.model import OFFSET_UNIT, STRIDE, WeedNet, normalised

CLASS_WEIGHTS = (1.0, 1.5, 4.0)


def loss_of(
    out: Tensor, classes: Tensor, heat: Tensor, offsets: Tensor, weight: Tensor
) -> tuple[Tensor, list[float]]:
    """Focal cross-entropy and squared Dice of the classes, focal loss of the centres, L1 of the offsets."""
    known = classes != 255
    plain = fn.cross_entropy(out[:, :3], classes, ignore_index=255, reduction="none")
    factor = torch.tensor(CLASS_WEIGHTS, device=out.device)[classes.clamp(max=2)]
    entropy = (plain * factor * (1 - torch.exp(-plain)).clamp(min=1e-4))[known].mean()
    shares = out[:, :3].softmax(1)
    dice = torch.zeros((), device=out.device)
    for kind in (1, 2):
        guess, truth = shares[:, kind][known], (classes == kind)[known].float()
        dice = dice + 1 - (2 * (guess * truth).sum() + 20) / ((guess * guess).sum() + truth.sum() + 20)
    centre = out[:, 3].sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = heat > 0.98
    rest = (heat >= 0) & ~peak & known
    hits = (-((1 - centre) ** 2) * centre.log())[peak].sum()
    misses = (-((1 - heat) ** 4) * centre**2 * (1 - centre).log())[rest].sum()
    centres = (hits + misses) / peak.sum().clamp(min=1)
    cells = OFFSET_UNIT / STRIDE
    error = fn.smooth_l1_loss(out[:, 4:], offsets / cells, reduction="none", beta=0.1).sum(1)
    apart = (error * weight).sum() / weight.sum().clamp(min=1)
    total = 4 * entropy + dice + 0.3 * centres + apart
    return total, [v.item() for v in (entropy, dice, centres, apart)]


def optimiser(net: WeedNet, rate: float) -> torch.optim.AdamW:
    """AdamW; the encoder learns at 0.4 of the rate, norms and biases are not decayed."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        groups.setdefault((name.startswith("encoder"), parameter.ndim < 2), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": found,
                "lr": rate * (0.4 if encoder else 1),
                "base": rate * (0.4 if encoder else 1),
                "weight_decay": 0 if flat else 0.02,
            }
            for (encoder, flat), found in groups.items()
        ]
    )


class Run:
    """One training run: network, its running average, optimiser and clock."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.args, self.device = args, torch.device(args.device)
        self.net = WeedNet(args.channels)
        self.net.encoder.load_imagenet()
        self.net.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        self.optimiser = optimiser(self.net, args.rate)
        self.step, self.spent = 0, 0.0

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the run is over."""
        by_time = self.spent / (60 * self.args.minutes)
        return max(by_time, self.step / self.args.steps if self.args.steps else 0.0)

    def save(self, path: Path) -> None:
        """Write the checkpoint beside its place, then move it there: a torn file is never found."""
        state = {
            "net": self.net.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "step": self.step, "spent": self.spent, "args": vars(self.args) | {"data": "", "out": ""},
        }  # fmt: skip
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, map_location=self.device)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.spent = state["step"], state["spent"]

    def learn(self, sampler: Sampler) -> list[float]:
        """One step on one batch; returns the four parts of the loss."""
        begun = time.monotonic()
        warm = min(1.0, (self.step + 1) / 30)
        rate = warm * (0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress))) + 0.02)
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * rate
        batch = [sampler.draw() for _ in range(self.args.batch)]
        images = normalised(torch.from_numpy(np.stack([s.image for s in batch])).to(self.device))
        classes = torch.from_numpy(np.stack([s.classes for s in batch])).long().to(self.device)
        heat, offsets, weight = (
            torch.from_numpy(np.stack([getattr(s, name) for s in batch])).to(self.device)
            for name in ("heat", "offsets", "weight")
        )
        self.net.train()
        total, parts = loss_of(self.net(images), classes, heat, offsets, weight)
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self._follow()
        self.step += 1
        self.spent += time.monotonic() - begun
        return parts

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(0.995, (self.step + 1) / (self.step + 10))
        for mean, now in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds potato-uav/ and cauliflower/"
    )
    parser.add_argument("--out", type=Path, default=Path("weeds-run"), help="folder for checkpoints")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=0, help="end after so many steps, if sooner")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    place = args.out / "last.pt"
    run = Run(args)
    if args.resume and place.exists():
        run.load(place)
    sampler = Sampler(args.data, args.size, args.seed + run.step)
    recent: list[list[float]] = []
    while run.progress < 1:
        recent.append(run.learn(sampler))
        if run.step % 20 == 0:
            parts = " ".join(f"{v:.4f}" for v in np.mean(recent[-40:], 0))
            print(
                f"step {run.step}  {run.spent / 60:.1f} min  {run.spent / run.step:.2f} s/step  {parts}",
                flush=True,
            )
        if run.step % 50 == 0:
            run.save(place)
    run.save(place)


if __name__ == "__main__":
    main()
