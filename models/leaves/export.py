"""Make the file the box loads: `python -m models.leaves.export --data DIR --run leaves-run --out models`.

It takes `image`, uint8 [batch, height, width, 3] RGB with height and width multiples of 32, and gives `leaf`,
float32 [batch, 4]: logits of healthy, rust, angular leaf spot and not a leaf. The 8-bit file reads the bytes
as they are: normalisation is the scale and zero point of the first convolution's input. The head, a few
thousand numbers, stays in float.
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
from onnx import TensorProto, helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.leaves.data import CLASSES, NOT_A_LEAF, SIDE, load_leaves, training_digest, varied
from models.leaves.model import Back, LeafNet
from models.leaves.train import others_of
from models.weeds.export import fuse, squares
from models.weeds.graph import halved, square_stem, take_bytes

NAME, VERSION, OUTPUT = "fieldbox-leaves", "1", "leaf"
METHODS = {
    "entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile, "minmax": CalibrationMethod.MinMax,
}  # fmt: skip
CALIBRATION_IMAGES = 24


def load_net(checkpoint: Path) -> LeafNet:
    """A trained back behind the front."""
    back = Back()
    back.load_state_dict(torch.load(checkpoint, map_location="cpu"))
    return LeafNet(back).eval()


def float_graph(net: LeafNet) -> onnx.ModelProto:
    """The network as ONNX with input `squares`, float32 [batch, 12, height / 2, width / 2] (see `square_stem`)."""
    deployed = copy.deepcopy(net).eval()
    fuse(deployed)
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "net.onnx")
        torch.onnx.export(
            deployed, (torch.zeros(2, 3, 64, 96),), place, input_names=["x"], output_names=[OUTPUT],
            dynamic_axes={"x": {0: "batch", 2: "height", 3: "width"}, OUTPUT: {0: "batch"}},
            opset_version=17, dynamo=False,
        )  # fmt: skip
        quant_pre_process(place, place, skip_symbolic_shape=True)
        graph = square_stem(onnx.load(place))
    del graph.graph.output[:]
    shape = ["batch", len(CLASSES) + 1]
    graph.graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape))
    return graph


class Calibration(CalibrationDataReader):
    """Training photos and a few other pictures, varied, as the graph's `squares`."""

    def __init__(self, images: list[np.ndarray]) -> None:
        rng = np.random.default_rng(7)
        self.items: Iterator[dict[str, np.ndarray]] = iter(
            [{"squares": squares(varied(image, rng, SIDE))} for image in images]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.items, None)


def calibration_images(images: np.ndarray, labels: np.ndarray, other: list[np.ndarray]) -> list[np.ndarray]:
    """As many of each class, and a quarter of what is no leaf."""
    each = CALIBRATION_IMAGES // (len(CLASSES) + 1)
    rng = np.random.default_rng(3)
    chosen = [
        images[n] for kind in range(len(CLASSES)) for n in rng.choice(np.flatnonzero(labels == kind), each)
    ]
    return chosen + [other[int(n)] for n in rng.integers(0, len(other), each)]


def quantised(model: onnx.ModelProto, reader: CalibrationDataReader, method: str) -> onnx.ModelProto:
    """8-bit convolutions with per-channel weights; moments, normalisation and the linear layer stay in float."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = (str(Path(folder) / name) for name in ("float.onnx", "int8.onnx"))
        onnx.save(model, source)
        body = [node.name for node in model.graph.node if node.op_type in {"Conv", "Clip"}]
        body += residuals(model)
        quantize_static(
            source, target, reader, quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=METHODS[method], nodes_to_quantize=body,
            op_types_to_quantize=["Conv", "Add", "Clip"],
        )  # fmt: skip
        return onnx.load(target)


def residuals(model: onnx.ModelProto) -> list[str]:
    """The additions of two feature maps: those whose inputs are both made by convolutions or additions."""
    makers = {out: node for node in model.graph.node for out in node.output}

    def is_map(name: str) -> bool:
        return name in makers and makers[name].op_type in {"Conv", "Add"}

    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Add" and all(is_map(name) for name in node.input)
    ]


def small_and_full(
    net: LeafNet, calibration: list[np.ndarray], method: str
) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """The 8-bit graph and the float one, both reading bytes."""
    graph = float_graph(net)
    small = take_bytes(quantised(copy.deepcopy(graph), Calibration(calibration), method))
    return small, halved(take_bytes(graph))


def save(model: onnx.ModelProto, properties: dict[str, str], place: Path) -> None:
    """Write a model file with its metadata, moved into place whole."""
    del model.metadata_props[:]
    helper.set_model_props(model, properties)
    model.producer_name, model.producer_version, model.doc_string = "fieldbox", VERSION, ""
    partial = place.with_suffix(".part")
    onnx.save(model, str(partial))
    partial.replace(place)


def basic_properties(data: Path) -> dict[str, str]:
    """The metadata that needs no measurement; `evaluate.py --write` adds the rest."""
    return {
        "name": NAME, "version": VERSION, "kind": "leaves", "classes": json.dumps([*CLASSES, "not_a_leaf"]),
        "side": str(SIDE), "training_digest": training_digest(data), "licence": "Apache-2.0",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("leaves-run"))
    parser.add_argument("--part", default="ship", help="which training of the run")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--method", choices=sorted(METHODS), default="percentile")
    args = parser.parse_args()
    torch.set_num_threads(1)
    leaves = load_leaves(args.data)
    other = [picture for kind in others_of(args.data, args.run).values() for picture in kind]
    assert leaves.labels.max() < NOT_A_LEAF
    chosen = calibration_images(leaves.images[leaves.authors], leaves.labels[leaves.authors], other)
    small, full = small_and_full(load_net(args.run / f"{args.part}.pt"), chosen, args.method)
    save(small, basic_properties(args.data), args.out / "leaves.onnx")
    save(full, basic_properties(args.data), args.out / "leaves-fp32.onnx")


if __name__ == "__main__":
    main()
