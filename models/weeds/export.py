"""Make the files the box loads: `python -m models.weeds.export --data DIR --checkpoint FILE --out models`.

Both files take `image`, uint8 [batch, height, width, 3] RGB with height and width multiples of 32, and give
`plants`, float32 [batch, 6, height/4, width/4]: probabilities of soil, crop and weed, probability of a
plant's centre, and offset x and y (input pixels) to the centre of the plant the cell belongs to.

The 8-bit file reads the bytes as they are: normalisation is the scale and zero point of the first
convolution's input. That convolution is rewritten to read squares of 2x2 pixels (see `square_stem`).
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
from onnx import TensorProto, helper, numpy_helper
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

from models.weeds.data import Sampler, training_digest
from models.weeds.files import NAME, VERSION, write
from models.weeds.model import OFFSET_UNIT, STRIDE, WeedNet

CLASSES = ["soil", "crop", "weed"]
CALIBRATION_METHODS = {
    "entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile, "minmax": CalibrationMethod.MinMax,
}  # fmt: skip


class Deployed(nn.Module):
    """The network with probabilities and pixels instead of raw outputs.

    The head is a matrix product with the channels last, as the 8-bit layers before it leave them, and the
    softmax is spelt out: both save reordering large float maps. Raw outputs are far from where exp overflows.
    """

    def __init__(self, net: WeedNet) -> None:
        super().__init__()
        self.net = net
        scale = torch.tensor([1.0, 1.0, 1.0, 1.0, OFFSET_UNIT, OFFSET_UNIT])
        self.weight = nn.Parameter(net.head.weight.detach()[:, :, 0, 0].T * scale)
        self.bias = nn.Parameter(net.head.bias.detach() * scale)

    def forward(self, x: Tensor) -> Tensor:
        raw = (self.net.features(x).permute(0, 2, 3, 1) @ self.weight + self.bias).permute(0, 3, 1, 2)
        classes, centre, offsets = raw.split([3, 1, 2], 1)
        exp = classes.exp()
        soil, crop, weed = exp.split(1, 1)
        return torch.cat([exp / (soil + crop + weed), centre.sigmoid(), offsets], 1)


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


def load_net(checkpoint: Path) -> WeedNet:
    """The running average of a training run."""
    state = torch.load(checkpoint, map_location="cpu")
    net = WeedNet(state["args"]["channels"])
    net.load_state_dict(state["average"])
    return net.eval()


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


def square_stem(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite the first convolution to read squares of 2x2 pixels, 12 channels: top two pixels, then lower two.

    Each pixel brings r, g, b. The result is the same to the last bit, and gathering runs of 12 values
    instead of 3 makes the layer four times faster.
    """
    graph = model.graph
    stem = next(node for node in graph.node if node.op_type == "Conv")
    weights = next(w for w in graph.initializer if w.name == stem.input[1])
    old = numpy_helper.to_array(weights)
    new = np.zeros((old.shape[0], 12, 2, 2), np.float32)
    # The output at column o reads pixels 2o-1, 2o and 2o+1: the right one of square o-1 and both of square o.
    for row, (square_y, below) in enumerate(((0, 1), (1, 0), (1, 1))):
        for column, (square_x, right) in enumerate(((0, 1), (1, 0), (1, 1))):
            first = 6 * below + 3 * right
            new[:, first : first + 3, square_y, square_x] = old[:, :, row, column]
    weights.CopyFrom(numpy_helper.from_array(new, weights.name))
    del stem.attribute[:]
    attributes = {
        "kernel_shape": [2, 2],
        "strides": [1, 1],
        "pads": [1, 1, 0, 0],
        "dilations": [1, 1],
        "group": 1,
    }
    stem.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    stem.input[0] = "squares"
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(
        helper.make_tensor_value_info("squares", TensorProto.FLOAT, ["batch", 12, "rows", "columns"])
    )
    graph.output.append(
        helper.make_tensor_value_info("plants", TensorProto.FLOAT, ["batch", 6, "cell_rows", "cell_columns"])
    )
    return model


def take_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put `image` (bytes, NHWC) in front of a graph that reads `squares`."""
    graph = model.graph
    numbers = {
        "pair_shape": [0, 0, -1, 6],
        "row": [1],
        "even": [0],
        "odd": [1],
        "end": [2**31 - 1],
        "every_other": [2],
    }
    graph.initializer.extend(numpy_helper.from_array(np.array(v, np.int64), k) for k, v in numbers.items())
    front = [
        helper.make_node("Reshape", ["image", "pair_shape"], ["pairs"], name="pairs"),
        helper.make_node("Slice", ["pairs", "even", "end", "row", "every_other"], ["upper"], name="upper"),
        helper.make_node("Slice", ["pairs", "odd", "end", "row", "every_other"], ["lower"], name="lower"),
        helper.make_node("Concat", ["upper", "lower"], ["square_bytes"], name="squares", axis=3),
        helper.make_node("Transpose", ["square_bytes"], ["planes"], name="planes", perm=[0, 3, 1, 2]),
    ]
    quantize = next(
        (n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "squares"), None
    )
    if quantize is None:
        graph.initializer.append(numpy_helper.from_array(np.float32(127), "pixel_middle"))
        graph.initializer.append(numpy_helper.from_array(np.float32(1 / 128), "pixel_scale"))
        front += [
            helper.make_node("Cast", ["planes"], ["floats"], name="to_float", to=TensorProto.FLOAT),
            helper.make_node("Sub", ["floats", "pixel_middle"], ["centred"], name="centre_pixels"),
            helper.make_node("Mul", ["centred", "pixel_scale"], ["squares"], name="scale_pixels"),
        ]
    else:
        # The bytes are the quantised input already: give them the scale and zero point of the normalisation.
        graph.initializer.append(numpy_helper.from_array(np.uint8(127), "pixel_zero"))
        graph.initializer.append(numpy_helper.from_array(np.float32(1 / 128), "pixel_scale"))
        for node in graph.node:
            if node.op_type == "DequantizeLinear" and node.input[0] == quantize.output[0]:
                node.input[0], node.input[1], node.input[2] = "planes", "pixel_scale", "pixel_zero"
        graph.node.remove(quantize)
        for name in quantize.input[1:]:
            graph.initializer.remove(next(w for w in graph.initializer if w.name == name))
        _fit_stem_bias(graph)
    nodes = front + list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.append(
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", "height", "width", 3])
    )
    onnx.checker.check_model(model)
    return model


def _fit_stem_bias(graph: onnx.GraphProto) -> None:
    """The stem's 32-bit bias was scaled by the calibrated input scale: rescale it to 1/128."""
    stem = next(node for node in graph.node if node.op_type == "Conv")
    made_by = {out: node for node in graph.node for out in node.output}
    arrays = {w.name: w for w in graph.initializer}
    bias, weight = made_by[stem.input[2]], made_by[stem.input[1]]
    bits, scale = (numpy_helper.to_array(arrays[bias.input[i]]) for i in (0, 1))
    right = numpy_helper.to_array(arrays[weight.input[1]]) / np.float32(128)
    arrays[bias.input[0]].CopyFrom(
        numpy_helper.from_array(np.round(bits * (scale / right)).astype(np.int32), bias.input[0])
    )
    arrays[bias.input[1]].CopyFrom(numpy_helper.from_array(right.astype(np.float32), bias.input[1]))


def squares(image: np.ndarray) -> np.ndarray:
    """What the graph computes from the bytes: float32 [1, 12, height / 2, width / 2]."""
    height, width, _ = image.shape
    floats = (image.astype(np.float32) - 127) / 128
    parts = floats.reshape(1, height // 2, 2, width // 2, 6).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(parts.reshape(1, 12, height // 2, width // 2))


class Calibration(CalibrationDataReader):
    """Augmented training crops, as the graph's `squares`."""

    def __init__(self, data: Path, count: int) -> None:
        sampler = Sampler(data, 448, 7)
        images = [sampler.draw().image for _ in range(count)]
        self.items: Iterator[dict[str, np.ndarray]] = iter([{"squares": squares(image)} for image in images])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.items, None)


def quantised(model: onnx.ModelProto, reader: CalibrationDataReader, method: str) -> onnx.ModelProto:
    """8-bit activations and per-channel weights; the head (a MatMul) and what follows it stay in float."""
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


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float32 weights as float16 with a cast: half the size, and ORT folds the casts at load."""
    graph = model.graph
    kept, casts = [], []
    for weight in graph.initializer:
        array = numpy_helper.to_array(weight)
        if array.dtype != np.float32 or array.size < 64:
            kept.append(weight)
            continue
        kept.append(numpy_helper.from_array(array.astype(np.float16), weight.name + "_half"))
        casts.append(
            helper.make_node(
                "Cast",
                [weight.name + "_half"],
                [weight.name],
                name=weight.name + "_cast",
                to=TensorProto.FLOAT,
            )
        )
    nodes = casts + list(graph.node)
    del graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return model


def basic_properties(data: Path) -> dict[str, str]:
    """The metadata that needs no measurement; `evaluate.py --write` adds the rest."""
    # Half to twice until it is measured: a model that was never held against labels promises nothing.
    unknown = json.dumps({"crop": [0.5, 2.0], "weed": [0.5, 2.0]})
    return {
        "name": NAME, "version": VERSION, "classes": json.dumps(CLASSES), "stride": str(STRIDE),
        "gsd_mm": json.dumps([1.5, 5.6]), "decoding": "{}", "count_ratio95": unknown, "cover_ratio95": unknown,
        "training_digest": training_digest(data),
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
    parser.add_argument("--method", choices=sorted(CALIBRATION_METHODS), default="entropy")
    parser.add_argument("--images", type=int, default=24, help="calibration images")
    args = parser.parse_args()
    net = load_net(args.checkpoint)
    graph = float_graph(net)
    small = take_bytes(quantised(copy.deepcopy(graph), Calibration(args.data, args.images), args.method))
    full = halved(take_bytes(graph))
    properties = {**basic_properties(args.data), "macs_per_pixel": f"{macs_per_pixel(net):.1f}"}
    write({"weeds.onnx": small, "weeds-fp32.onnx": full}, properties, args.out)


if __name__ == "__main__":
    main()
