"""`fieldbox models quantize` and `export`: a retrained model made small, or checked and written elsewhere."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, _
from fieldbox.inference.health import HealthModel
from fieldbox.inference.leaves import LeafModel
from fieldbox.inference.runtime import WEEDS, description_of
from fieldbox.inference.weeds import WeedModel
from fieldbox.services.evaluating import require

if TYPE_CHECKING:
    from fieldbox.inference.quantizing import Comparison

LOAD: dict[str, Callable[[Path], object]] = {
    "weeds": WeedModel.load,
    "leaves": LeafModel.load,
    "health": HealthModel.load,
}
"""By kind: load a model file, its description checked too."""


@dataclass(frozen=True)
class Quantised:
    """What came of making a model 8-bit."""

    source: str
    target: str
    method: str
    pictures: int
    compared: Comparison

    def to_json(self) -> str:
        """For machines."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """A table."""
        both = self.compared
        smaller = 100 * (1 - both.bytes8 / both.bytes)
        words = _("{target}: 8 bits by {method} on {pictures} pictures")
        rows = [
            ("", self.source, _("8 bits")),
            ("MB", f"{both.bytes / 1e6:.2f}", f"{both.bytes8 / 1e6:.2f}"),
            (_("ms a picture"), f"{both.ms:.1f}", f"{both.ms8:.1f}"),
            (_("plants found"), str(both.plants), str(both.plants8)),
        ]
        lines = [words.format(target=self.target, method=self.method, pictures=self.pictures), ""]
        lines += [f"{name:<24}{one:>24}{other:>12}" for name, one, other in rows]
        lines += [
            "",
            _("{percent:.0f} % smaller, {times:.2f} times as fast").format(
                percent=smaller, times=both.ms / both.ms8
            ),
            _("{percent:.2f} % of the cells have the same class").format(percent=both.same_class_pct),
            _("{percent:.1f} % of the plants are found by both").format(percent=both.matched_pct),
            _("The box runs it when it is signed: minisign -S -m {target}").format(target=self.target),
        ]
        return "\n".join(lines)


def quantise(source: Path, target: Path, images: Path, *, method: str, count: int) -> Quantised:
    """Make the float weed model `source` 8-bit. Half of the pictures calibrate, the others compare.

    Raises Misconfigured for a model that cannot, for a target that cannot be written, or where the extra is
    missing; Rejected without pictures.
    """
    if target.exists() and target.samefile(source):
        raise Misconfigured(
            N_("{file} is the model itself: write the 8-bit one to another file."), file=str(target)
        )
    require("onnx", "quantize")
    from fieldbox.inference import quantizing  # noqa: PLC0415  an extra

    cv2.setNumThreads(1)
    WeedModel.load(source)
    pictures = quantizing.read_pictures(images, 2 * count)
    calibrating = pictures[::2]
    with _whole_or_not(target) as partial:
        quantizing.quantise(source, partial, calibrating, WEEDS, method)
    compared = quantizing.compare(source, target, pictures[1::2] or pictures)
    return Quantised(source.name, str(target), method, len(calibrating), compared)


def export(source: Path, target: Path, kind: str) -> None:
    """Check the ONNX model `source`, of any kind that runs here, and write it to `target` whole or not at all.

    Raises Misconfigured for what is no such model, for a target that cannot be written, and for TFLite.
    """
    if kind == "tflite":
        # See docs/models.md for what was tried.
        raise Misconfigured(
            N_(
                "TFLite is not supported: no converter was found that keeps the model's answers; use --format onnx."
            )
        )
    if source.suffix in {".pt", ".pth"}:
        raise Misconfigured(
            N_("{file} is a checkpoint of the training recipe: `python -m models.weeds.export` makes ONNX of it."),
            file=source.name,
        )  # fmt: skip
    named = description_of(source).get("kind", WEEDS.name)
    if named not in LOAD:
        raise Misconfigured(
            N_("The model file {file} is of the kind {kind}, which this release does not know."),
            file=source.name, kind=named,
        )  # fmt: skip
    LOAD[named](source)
    with _whole_or_not(target) as partial:
        shutil.copyfile(source, partial)


@contextlib.contextmanager
def _whole_or_not(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when all went well. Raises Misconfigured where it cannot."""
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        try:
            partial.touch()  # what cannot be written is told before minutes of work
            yield partial
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(
            N_("{file} cannot be written: {why}."), file=str(target), why=error.strerror or "?"
        ) from error
