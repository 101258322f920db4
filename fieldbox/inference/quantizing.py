"""From a float model to an 8-bit one: U8S8 (bytes for activations, signed bytes per channel for weights), QDQ.

Only convolutions and what lies between them are made 8-bit; the head of a model (matrix products, softmax and
what follows) stays in float, where it costs little and errors would show. The scales come from what the model
computes on pictures like those it will see: by percentile (outliers are cut off) or by entropy (the least
information lost; Migacz 2017). The packages `onnx` and its helpers are an extra, `fieldbox[quantize]`.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_
from fieldbox.inference.runtime import Kind, Session
from fieldbox.inference.weeds import WeedModel

METHODS = {"percentile": CalibrationMethod.Percentile, "entropy": CalibrationMethod.Entropy}
OPERATORS = ["Conv", "Add", "Clip", "Relu", "Resize", "MaxPool", "Concat"]
IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}
CROP_SIDE = 320
"""Of the pictures' middle that is looked at: calibration keeps all that the model computes in memory."""
SAME_PX = 12.0


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, name: str, pictures: Sequence[NDArray[Any]]) -> None:
        self._left: Iterator[NDArray[Any]] = iter(pictures)
        self._name = name

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next input by its name; None after the last."""
        picture = next(self._left, None)
        return None if picture is None else {self._name: picture[None]}


def read_pictures(folder: Path, count: int, side: int = CROP_SIDE) -> list[NDArray[np.uint8]]:
    """Middles of at most `count` pictures spread over a folder, uint8 [side, side, 3] RGB.

    Raises Rejected where there is none of that size.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in IMAGE_ENDINGS)
    chosen = files[:: max(1, len(files) // count)][:count]
    found = []
    for file in chosen:
        read = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if read is None or min(read.shape[:2]) < side:
            continue
        top, left = (read.shape[0] - side) // 2, (read.shape[1] - side) // 2
        rgb = cv2.cvtColor(read[top : top + side, left : left + side], cv2.COLOR_BGR2RGB)
        found.append(np.ascontiguousarray(rgb, np.uint8))
    if not found:
        raise Rejected(
            N_("{folder} holds no pictures of at least {side} x {side} pixels to calibrate on."),
            folder=str(folder), side=side,
        )  # fmt: skip
    return found


def quantise(source: Path, target: Path, pictures: Sequence[NDArray[Any]], kind: Kind, method: str) -> None:
    """Write the 8-bit version of the float model `source` to `target`, its description with it.

    Raises Misconfigured where `source` is no float model that can be made 8-bit.
    """
    with tempfile.TemporaryDirectory(prefix="fieldbox-quantize-") as scratch:
        prepared, made = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        try:
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            # ONNX Runtime tells its progress on standard output, which is not its own.
            with contextlib.redirect_stdout(sys.stderr):
                quantize_static(
                    str(prepared), str(made), _Pictures(kind.input.name, pictures), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=METHODS[method], op_types_to_quantize=OPERATORS,
                    nodes_to_exclude=_head_of(onnx.load(str(prepared))),
                )  # fmt: skip
        except (ValueError, RuntimeError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise Misconfigured(
                N_("The model file {file} cannot be made 8-bit: {why}."),
                file=source.name,
                why=str(error)[:200],
            ) from error
        small = onnx.load(str(made))
        del small.metadata_props[:]
        small.metadata_props.extend(onnx.load(str(source)).metadata_props)
        onnx.save(small, str(made))
        Session.load(made, kind=kind)
        shutil.copyfile(made, target)


def _head_of(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes after the last convolution: there probabilities and pixels share a tensor, no scale fits.

    Raises ValueError for a model without convolutions.
    """
    convolutions = [n for n, node in enumerate(model.graph.node) if node.op_type == "Conv"]
    if not convolutions:
        raise ValueError("it has no convolutions")
    # A file's nodes stand in the order in which they can be computed.
    return [node.name for node in model.graph.node[convolutions[-1] + 1 :]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An 8-bit weed model beside the float one that it was made of, on pictures that both looked at.

    same_class_pct   share of the cells (1/4 of the pixels a side) with the same class
    plants, plants8  plants found by the float model, by the 8-bit one
    matched_pct      share of the plants of both that are the other's too: same class, centres within 12 px
    ms, ms8          median milliseconds of one picture, in turns within one run, one thread
    """

    bytes: int
    bytes8: int
    same_class_pct: float
    plants: int
    plants8: int
    matched_pct: float
    ms: float
    ms8: float


def compare(source: Path, target: Path, pictures: Sequence[NDArray[np.uint8]]) -> Comparison:
    """Hold the 8-bit weed model `target` against `source`. Raises Misconfigured."""
    full, small = WeedModel.load(source), WeedModel.load(target)
    taken: tuple[list[float], list[float]] = ([], [])
    cells = same = matched = 0
    counts = [0, 0]
    # The scale of the pictures is not known and only weighs in the scores: the same for both.
    gsd_mm = full.native_gsd_mm
    full.look(pictures[0], gsd_mm), small.look(pictures[0], gsd_mm)
    for picture in pictures:
        seen = []
        for model, times in zip((full, small), taken, strict=True):
            begun = time.perf_counter()
            seen.append(model.look(picture, gsd_mm))
            times.append(1000 * (time.perf_counter() - begun))
        same += int((seen[0].classes == seen[1].classes).sum())
        cells += seen[0].classes.size
        one, other = (each.plants for each in seen)
        counts[0] += len(one)
        counts[1] += len(other)
        near = np.linalg.norm(one.centres[:, None] - other.centres[None], axis=2) <= SAME_PX
        alike = near & (one.classes[:, None] == other.classes[None])
        matched += int(alike.any(1).sum() + alike.any(0).sum())
    return Comparison(
        bytes=source.stat().st_size,
        bytes8=target.stat().st_size,
        same_class_pct=100 * same / cells,
        plants=counts[0],
        plants8=counts[1],
        matched_pct=100 * matched / sum(counts) if sum(counts) else 100.0,
        ms=float(np.median(taken[0])),
        ms8=float(np.median(taken[1])),
    )
