"""Train the weed model: `python -m models.weeds.train --data DIR`, on a CPU or a GPU.

DIR holds `potato-uav/` and `cauliflower/`. The run is seeded, ends after `--steps`, writes a checkpoint every
minute or so and goes on from it with `--resume`. Arithmetic is bfloat16 where the processor has units for
it; `--no-bfloat16` on others.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.depthwise import adopt
from models.weeds.model import OFFSET_UNIT, WeedNet, normalised
from models.weeds.sampler import LAST_SHARES, SHARES, Sample, Sampler

STAGES = ((SHARES, 1.0), (LAST_SHARES, 0.6))
"""Where the crops of a stage come from, and its highest learning rate, as a share of `--rate`. Stages are equally long;
in each the rate falls as a cosine from its highest almost to nothing."""
WEED_WEIGHT = 1.5
"""Of a weed's class beside a crop plant's."""


def loss_of(out: Tensor, batch: Batch) -> tuple[Tensor, list[float]]:
    """Cross-entropy and squared Dice of plant or soil, cross-entropy of the class on plants, focal loss of the
    centres, L1 of the offsets. Each plant weighs by the root of its size in the class and the offsets."""
    green = fn.pixel_shuffle(out[:, :4], 2)[:, 0]
    known = batch.plant != 255
    truth = (batch.plant == 1).float()
    plain = fn.binary_cross_entropy_with_logits(green, truth, reduction="none")
    weight = batch.emphasis * known
    outline = (plain * weight).sum() / weight.sum().clamp(min=1)
    guess = green.sigmoid()
    dice = 1 - (2 * (guess * truth * weight).sum() + 20) / (
        ((guess * guess + truth) * weight).sum().clamp(min=1) + 20
    )
    is_weed = (batch.kinds == 1).float()
    share = batch.share * (1 + (WEED_WEIGHT - 1) * is_weed)
    kind = fn.binary_cross_entropy_with_logits(out[:, 4], is_weed, reduction="none")
    kinds = (kind * share).sum() / share.sum().clamp(min=1)
    centres = _centre_loss(out[:, 5], batch.heat)
    error = fn.smooth_l1_loss(out[:, 6:], batch.offsets / OFFSET_UNIT, reduction="none", beta=0.1).sum(1)
    apart = (error * batch.weight).sum() / batch.weight.sum().clamp(min=1)
    total = 4 * outline + dice + kinds + 0.3 * centres + apart
    return total, [v.item() for v in (outline, dice, kinds, centres, apart)]


def _centre_loss(raw: Tensor, heat: Tensor) -> Tensor:
    """Focal loss of CenterNet (Zhou et al. 2019, arXiv 1904.07850); negative heat is unknown."""
    centre = raw.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = heat > 0.98
    rest = (heat >= 0) & ~peak
    hits = (-((1 - centre) ** 2) * centre.log())[peak].sum()
    misses = (-((1 - heat) ** 4) * centre**2 * (1 - centre).log())[rest].sum()
    return (hits + misses) / peak.sum().clamp(min=1)


@dataclass(frozen=True)
class Batch:
    """Samples stacked, on the device (see `Sample`)."""

    image: Tensor
    plant: Tensor
    emphasis: Tensor
    kinds: Tensor
    share: Tensor
    heat: Tensor
    offsets: Tensor
    weight: Tensor

    @classmethod
    def of(cls, samples: list[Sample], device: torch.device) -> Batch:
        """Stack them."""
        return cls(
            *(
                torch.from_numpy(np.stack([getattr(one, each.name) for one in samples])).to(device)
                for each in fields(Sample)
            )
        )


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
        adopt(self.net)
        self.net.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        self.optimiser = optimiser(self.net, args.rate)
        self.step, self.spent = 0, 0.0

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the run is over."""
        by_time = self.spent / (60 * self.args.minutes)
        return max(by_time, self.step / self.args.steps)

    @property
    def stage(self) -> int:
        """Which of `STAGES` this step belongs to."""
        return min(len(STAGES) - 1, int(self.progress * len(STAGES)))

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
        """One step on one batch; returns the five parts of the loss."""
        begun = time.monotonic()
        shares, highest = STAGES[self.stage]
        sampler.mix(shares)
        warm = min(1.0, (self.step + 1) / 30)
        within = min(1.0, self.progress) * len(STAGES) - self.stage
        rate = warm * highest * (0.98 * 0.5 * (1 + math.cos(math.pi * within)) + 0.02)
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * rate
        batch = Batch.of([sampler.draw() for _ in range(self.args.batch)], self.device)
        self.net.train()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.args.bfloat16):
            out = self.net(normalised(batch.image))
        total, parts = loss_of(out.float(), batch)
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
    parser.add_argument("--columns", type=int, nargs="+", default=list(range(11)), help="of the potato field")
    parser.add_argument("--sources", nargs="+", choices=sorted(SHARES), default=sorted(SHARES))
    parser.add_argument("--minutes", type=float, default=600, help="end then, if sooner than by steps")
    parser.add_argument("--steps", type=int, default=3200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bfloat16", action=argparse.BooleanOptionalAction, default=True)
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
    sampler = Sampler(args.data, args.size, args.seed + run.step, columns=args.columns, sources=args.sources)
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
