"""The network: EfficientNet-Lite0 without its last three blocks, and a head that looks at several depths.

`Front` (to stride 16) keeps its ImageNet weights, so what it makes of a photo can be computed once for all
folds; `Back`, the two blocks to stride 32 and the head, is trained. Four outputs: logits of healthy, rust,
angular leaf spot and not a leaf.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.leaves.data import CLASSES
from models.weeds.model import Encoder, conv

FRONT_BLOCKS, BLOCKS = 11, 13
TAPS = (4, 7, 10)
"""Blocks of the front whose maps the head looks at: 40, 80 and 112 channels."""
FRONT_CHANNELS = 112
MOMENTS = 3 * (40 + 80 + 112)
HEAD = 512


def moments(x: Tensor) -> Tensor:
    """Mean, spread and maximum of each channel: what the leaf is like, how uneven, what its worst spot is like."""
    mean = x.mean((2, 3))
    spread = (x - mean[:, :, None, None]).square().mean((2, 3)).add(1e-6).sqrt()
    return torch.cat([mean, spread, x.amax((2, 3))], 1)


class Front(nn.Module):
    """Normalised pixels [n, 3, h, w] to maps [n, 112, h/16, w/16] and moments [n, 696]."""

    def __init__(self) -> None:
        super().__init__()
        encoder = Encoder()
        encoder.load_imagenet()
        self.stem = encoder.stem
        self.blocks = nn.ModuleList(list(encoder.blocks)[:FRONT_BLOCKS])
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = []
        x = self.stem(x)
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPS:
                found.append(moments(x))
        return x, torch.cat(found, 1)


class Back(nn.Module):
    """What the front makes to logits [n, 4]."""

    def __init__(self) -> None:
        super().__init__()
        encoder = Encoder()
        encoder.load_imagenet()
        self.layers = nn.Sequential(*list(encoder.blocks)[FRONT_BLOCKS:BLOCKS])
        self.head = conv(192, HEAD)
        self.even = nn.BatchNorm1d(MOMENTS + 3 * HEAD, affine=False)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(MOMENTS + 3 * HEAD, len(CLASSES) + 1)
        nn.init.zeros_(self.last.weight)

    def forward(self, maps: Tensor, found: Tensor) -> Tensor:
        deep = moments(self.head(self.layers(maps)).float())
        made: Tensor = self.last(self.drop(self.even(torch.cat([found, deep], 1)).clamp(-5, 5)))
        return made


class LeafNet(nn.Module):
    """Both parts as one network."""

    def __init__(self, back: Back) -> None:
        super().__init__()
        self.front, self.back = Front(), back

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.back(*self.front(x))
        return made
