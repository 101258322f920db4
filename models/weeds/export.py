"""Make the files the box loads: `python -m models.weeds.export --data DIR --checkpoint FILE --out models`.

Both files take `image`, uint8 [batch, height, width, 3] RGB with height and width multiples of 32, and give
`plants`, float32 [batch, 8, height/4, width/4]: probability that each quarter of the cell is plant (upper left,
upper right, lower left, lower right), that a plant there is a weed, and that it is a plant's centre; offset x and y
(input pixels) to the centre of the plant the cell belongs to.

The 8-bit file reads the bytes as they are: normalisation is the scale and zero point of the first
convolution's input. `graph.py` rewrites what ONNX Runtime is slow at.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.weeds.data import training_digest
from models.weeds.files import NAME, VERSION, write
from models.weeds.graph import copy_upsampling, halved, integer_head, square_stem, take_bytes
from models.weeds.model import OFFSET_UNIT, STRIDE, WeedNet
from models.weeds.sampler import Sampler

CLASSES = ["soil", "crop", "weed"]
CROPS = ["potato", "cauliflower"]
"""That training showed."""
PROBABILITIES = 6
"""Of the outputs; the other two are offsets."""
CALIBRATION_METHODS = {
    "entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile, "minmax": CalibrationMethod.MinMax,
}  # fmt: skip


class Deployed(nn.Module):
    """The network with probabilities and pixels instead of raw outputs.

    The head is a matrix product with the channels last, as the 8-bit layers before it leave them: that saves
    reordering large float maps.
    """

    def __init__(self, net: WeedNet) -> None:
        super().__init__()
        self.net = net
        scale = torch.tensor([1.0] * PROBABILITIES + [OFFSET_UNIT] * 2)
        self.weight = nn.Parameter(net.head.weight.detach()[:, :, 0, 0].T * scale)
        self.bias = nn.Parameter(net.head.bias.detach() * scale)

    def forward(self, x: Tensor) -> Tensor:
        raw = (self.net.features(x).permute(0, 2, 3, 1) @ self.weight + self.bias).permute(0, 3, 1, 2)
        shares, offsets = raw.split([PROBABILITIES, 2], 1)
        return torch.cat([shares.sigmoid(), offsets], 1)


def fuse(module: nn.Module) -> None:
    """Fold every batch norm into the convolution before it."""
    for name, child in module.named_children():
        if (
            isinstance(child, nn.Sequential)
            and isinstance(child[0], nn.Conv2d)
            and isinstance(child[1], nn.BatchNorm2d)
        ):
            setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child[0], child[1]), child[2]))
        else:
            fuse(child)


def load_net(checkpoint: Path) -> tuple[WeedNet, list[int]]:
    """The running average of a training run, and the columns it was trained on."""
    state = torch.load(checkpoint, map_location="cpu")
    net = WeedNet(state["args"]["channels"])
    net.load_state_dict(state["average"])
    return net.eval(), state["args"]["columns"]


def float_graph(net: WeedNet) -> onnx.ModelProto:
    """The network as ONNX with input `squares`, float32 [batch, 12, height / 2, width / 2] (see `square_stem`)."""
    deployed = Deployed(copy.deepcopy(net)).eval()
    fuse(deployed)
    axes = {0: "batch", 2: "height", 3: "width"}
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "net.onnx")
        torch.onnx.export(
            deployed, (torch.zeros(1, 3, 64, 96),), place, input_names=["x"], output_names=["plants"],
            dynamic_axes={"x": axes, "plants": axes}, opset_version=17, dynamo=False,
        )  # fmt: skip
        quant_pre_process(place, place, skip_symbolic_shape=True)
        graph = onnx.load(place)
    return square_stem(graph)


def squares(image: np.ndarray) -> np.ndarray:
    """What the graph computes from the bytes: float32 [1, 12, height / 2, width / 2]."""
    height, width, _ = image.shape
    floats = (image.astype(np.float32) - 127) / 128
    parts = floats.reshape(1, height // 2, 2, width // 2, 6).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(parts.reshape(1, 12, height // 2, width // 2))


class Calibration(CalibrationDataReader):
    """Augmented training crops, as the graph's `squares`."""

    def __init__(self, data: Path, count: int, columns: list[int]) -> None:
        sampler = Sampler(data, 448, 7, columns=columns, sources=["potato", "cauliflower"])
        images = [sampler.draw().image for _ in range(count)]
        self.items: Iterator[dict[str, np.ndarray]] = iter([{"squares": squares(image)} for image in images])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.items, None)


def quantised(model: onnx.ModelProto, reader: CalibrationDataReader, method: str) -> onnx.ModelProto:
    """8-bit activations and per-channel weights; the head (a MatMul) and what follows it are left in float."""
    names = [node.name for node in model.graph.node]
    head = names[next(i for i, node in enumerate(model.graph.node) if node.op_type == "MatMul") :]
    with tempfile.TemporaryDirectory() as folder:
        source, target = (str(Path(folder) / name) for name in ("float.onnx", "int8.onnx"))
        onnx.save(model, source)
        quantize_static(
            source, target, reader, quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=CALIBRATION_METHODS[method], nodes_to_exclude=head,
            op_types_to_quantize=["Conv", "Add", "Resize", "Clip", "Relu"],
        )  # fmt: skip
        return onnx.load(target)


def basic_properties(data: Path, columns: list[int]) -> dict[str, str]:
    """The metadata that needs no measurement; `evaluate.py` adds the rest."""
    # Half to twice until it is measured: a model that was never held against labels promises nothing.
    unknown = json.dumps({"crop": [0.5, 2.0], "weed": [0.5, 2.0]})
    return {
        "name": NAME, "version": VERSION, "kind": "weeds", "classes": json.dumps(CLASSES),
        "crops": json.dumps(CROPS), "stride": str(STRIDE), "gsd_mm": json.dumps([1.0, 5.6]), "decoding": "{}",
        "count_ratio95": unknown, "cover_ratio95": unknown, "training_digest": training_digest(data, columns),
    }  # fmt: skip


def macs_per_pixel(net: WeedNet) -> float:
    """Multiply-adds of the convolutions for each pixel of the picture (a side of 640)."""
    total = 0

    def count(module: nn.Module, _given: object, made: Tensor) -> None:
        weight = module.weight
        total_of = made.numel() * weight[0].numel()  # type: ignore[index]
        nonlocal total
        total += total_of

    hooks = [one.register_forward_hook(count) for one in net.modules() if isinstance(one, nn.Conv2d)]
    with torch.no_grad():
        net(torch.zeros(1, 3, 640, 640))
    for hook in hooks:
        hook.remove()
    return total / 640**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--method", choices=sorted(CALIBRATION_METHODS), default="percentile")
    parser.add_argument("--images", type=int, default=16, help="calibration images")
    args = parser.parse_args()
    net, columns = load_net(args.checkpoint)
    graph = float_graph(net)
    small = quantised(copy.deepcopy(graph), Calibration(args.data, args.images, columns), args.method)
    small = take_bytes(integer_head(copy_upsampling(small, net.head.in_channels)))
    full = halved(take_bytes(graph))
    properties = {**basic_properties(args.data, columns), "macs_per_pixel": f"{macs_per_pixel(net):.1f}"}
    write({"weeds.onnx": small, "weeds-fp32.onnx": full}, properties, args.out)


if __name__ == "__main__":
    main()
