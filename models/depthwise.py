"""Depthwise convolutions that train fast in bfloat16 on a CPU.

On processors with bfloat16 matrix units (AMX) everything in these networks gets two to ten times faster in
bfloat16, except that oneDNN has no fast backward pass for depthwise 5x5 kernels and strides of 2: those
alone would take twice the time of all else. Both can be put together from what is fast, stride-1 passes of
3x3 kernels. `adopt` swaps the layers of a network in place; on a GPU nothing needs to be swapped.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

_LAST = torch.channels_last


def _weight_gradient(grown: Tensor, x: Tensor, padding: int) -> Tensor:
    """Gradient of 3x3 depthwise weights, stride 1: [c, 1, 3, 3]."""
    channels = x.shape[1]
    like = torch.empty(channels, 1, 3, 3, dtype=x.dtype)
    step, pad = (1, 1), (padding, padding)
    made: Tensor = torch.ops.aten.convolution_backward(
        grown, x, like, None, step, pad, step, False, (0, 0), channels, (False, True, False)
    )[1]
    return made


def _weights_of_five(grown: Tensor, x: Tensor) -> Tensor:
    """Of a 5x5 kernel at stride 1: four overlapping 3x3 kernels over the padded input."""
    height, width = x.shape[2:]
    padded = fn.pad(x, (2, 2, 2, 2)).contiguous(memory_format=_LAST)
    made = x.new_empty(x.shape[1], 1, 5, 5)
    for top in (0, 2):
        for left in (0, 2):
            part = padded[:, :, top : top + height + 2, left : left + width + 2]
            made[:, :, top : top + 3, left : left + 3] = _weight_gradient(
                grown, part.contiguous(memory_format=_LAST), 0
            )
    return made


def _phases(kernel: int, phase: int) -> list[tuple[int, int]]:
    """Of a stride-2 kernel and the input pixels of one parity: (index in a 3-tap kernel, index in ours)."""
    taps = [(tap, 2 * (tap - 1) + phase + kernel // 2) for tap in range(3)]
    return [(tap, ours) for tap, ours in taps if 0 <= ours < kernel]


def _weights_at_stride_two(grown: Tensor, x: Tensor, kernel: int) -> Tensor:
    """The input taken apart into its four parities: each is a stride-1 convolution with 3x3 weights."""
    made = x.new_zeros(x.shape[1], 1, kernel, kernel)
    for row in (0, 1):
        for column in (0, 1):
            part = x[:, :, row::2, column::2].contiguous(memory_format=_LAST)
            weights = _weight_gradient(grown, part, 1)
            for i, y in _phases(kernel, row):
                for j, z in _phases(kernel, column):
                    made[:, :, y, z] = weights[:, :, i, j]
    return made


def _input_at_stride_two(grown: Tensor, weight: Tensor, height: int, width: int) -> Tensor:
    """The same the other way round: each parity of the input's gradient is a convolution of the output's."""
    channels, kernel = weight.shape[0], weight.shape[-1]
    made = torch.empty((grown.shape[0], height, width, channels), dtype=grown.dtype).permute(0, 3, 1, 2)
    for row in (0, 1):
        for column in (0, 1):
            part = weight.new_zeros(channels, 1, 3, 3)
            for i, y in _phases(kernel, row):
                for j, z in _phases(kernel, column):
                    part[:, :, 2 - i, 2 - j] = weight[:, :, y, z]
            made[:, :, row::2, column::2] = fn.conv2d(grown, part, None, 1, 1, 1, channels)
    return made


class _Depthwise(torch.autograd.Function):
    """3x3 and 5x5 kernels, strides 1 and 2, padding half the kernel, even sides at stride 2."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, stride: int) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return fn.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, weight.shape[0])

    @staticmethod
    def backward(ctx, grown: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[no-untyped-def, override]
        x, weight = ctx.saved_tensors
        kernel = weight.shape[-1]
        grown = grown.contiguous(memory_format=_LAST)
        if ctx.stride == 2:
            back = _input_at_stride_two(grown, weight, *x.shape[2:])
            return back, _weights_at_stride_two(grown, x, kernel), None
        back = fn.conv2d(grown, weight.flip(2, 3), None, 1, kernel // 2, 1, weight.shape[0])
        if kernel == 5:
            return back, _weights_of_five(grown, x), None
        return back, _weight_gradient(grown, x, 1), None


class FastDepthwise(nn.Conv2d):
    """A depthwise layer, fast in bfloat16 on a CPU; anywhere else an ordinary `Conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        """As `Conv2d`."""
        if not (self.training and torch.is_autocast_enabled("cpu") and x.device.type == "cpu"):
            return super().forward(x)
        made: Tensor = _Depthwise.apply(x.to(torch.bfloat16), self.weight.to(torch.bfloat16), self.stride[0])  # type: ignore[no-untyped-call]
        return made


def adopt(net: nn.Module) -> None:
    """Make the 3x3 and 5x5 depthwise layers of `net` fast; weights and names stay as they are."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1:
            layer.__class__ = FastDepthwise
