"""`fieldbox models eval`: a weed model on labelled tiles, as a table of the figures of its card."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fieldbox.config import Config
from fieldbox.domain import Cover, Rejection
from fieldbox.errors import Misconfigured, Rejected
from fieldbox.i18n import N_, _
from fieldbox.imagery.shrink import resample
from fieldbox.inference.labelme import Labels, read_folder
from fieldbox.inference.weeds import WeedModel
from fieldbox.looking import scale_of
from fieldbox.models import choose_weeds

if TYPE_CHECKING:
    from fieldbox.inference.metrics import Figure, Report

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """What was measured, of which model, on what."""

    release: str
    sha256: str
    gsd_mm: float
    report: Report
    rejected: list[Rejection]
    warnings: list[str]

    def to_json(self) -> str:
        """All figures, each as [value, low, high]."""
        told = {
            "release": self.release,
            "sha256": self.sha256,
            "gsd_mm": self.gsd_mm,
            **self.report.to_json(),
            "rejected": [{"file": one.name, "reason": str(one.reason)} for one in self.rejected],
            "warnings": self.warnings,
        }
        return json.dumps(told, ensure_ascii=False)

    def to_text(self) -> str:
        """A table."""
        report = self.report
        head = _("{release} on {tiles} tiles, {area:.0f} m2 at {gsd:g} mm per pixel; 95 % intervals by tile")
        lines = [
            head.format(release=self.release, tiles=report.tiles, area=report.area_m2, gsd=self.gsd_mm),
            *self.warnings,
            "",
            f"{'':<44}{_('crop'):>27}{_('weed'):>27}",
            _row(_("labelled plants"), *(str(report.labelled[kind]) for kind in ("crop", "weed"))),
            _row(_("reported plants"), *(str(report.reported[kind]) for kind in ("crop", "weed"))),
        ]
        for name, words, as_text in _class_rows():
            lines.append(_row(words, *(as_text(report.by_class[kind][name]) for kind in ("crop", "weed"))))
        lines.append("")
        lines += [
            f"{words:<54}{as_text(report.overall[name]):>27}" for name, words, as_text in _overall_rows()
        ]
        lines += ["", _("calibration: findings, mean score, share that is right")]
        lines += [f"{one.findings:>8}{one.score:>10.3f}{one.right:>10.3f}" for one in report.reliability]
        lines += [f"{one.name}: {one.reason}" for one in self.rejected]
        return "\n".join(lines)


def _row(words: str, *cells: str) -> str:
    return f"{words:<44}" + "".join(f"{cell:>27}" for cell in cells)


def _plain(figure: Figure) -> str:
    return _spread(figure, 1.0, 3)


def _percent(figure: Figure) -> str:
    return _spread(figure, 100.0, 1)


def _spread(figure: Figure, times: float, digits: int) -> str:
    if figure.value is None:
        return "-"
    text = f"{times * figure.value:.{digits}f}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} ({times * figure.low:.{digits}f} to {times * figure.high:.{digits}f})"


Row = tuple[str, str, Callable[["Figure"], str]]


def _class_rows() -> list[Row]:
    return [
        ("ap50", _("mask AP50, one class a plant"), _plain),
        ("ap50_twice", _("mask AP50, each plant under both classes"), _plain),
        ("ap50_95", _("mask AP50-95, one class a plant"), _plain),
        ("ap50_95_twice", _("mask AP50-95, each under both classes"), _plain),
        ("precision", _("precision, centres within 15 cm"), _plain),
        ("recall", _("recall"), _plain),
        ("f1", _("F1"), _plain),
        ("count_error", _("total count off, %"), _percent),
        ("count_off_per_tile", _("count off a tile (mean absolute)"), _plain),
        ("true_over_seen_cover", _("labelled / seen cover"), _plain),
    ]


def _overall_rows() -> list[Row]:
    return [
        ("ap50", _("mask AP50, mean of both classes, one class a plant"), _plain),
        ("ap50_twice", _("mask AP50, mean, each plant under both classes"), _plain),
        ("ap50_95", _("mask AP50-95, mean, one class a plant"), _plain),
        ("ap50_95_twice", _("mask AP50-95, mean, each plant under both classes"), _plain),
        ("count_error", _("all plants: total count off, %"), _percent),
        ("count_off_per_tile", _("all plants: count off a tile (mean absolute)"), _plain),
        ("brier", _("Brier score"), _plain),
        ("ece", _("expected calibration error"), _plain),
        ("sure_share", _("called sure, % of the findings"), _percent),
        ("sure_precision", _("right among the sure, %"), _percent),
        ("false_weeds_per_100_m2", _("false weeds per 100 m2 on tiles without weeds"), _plain),
    ]


def evaluate(
    config: Config,
    folder: Path,
    *,
    gsd_mm: float,
    shown: Progress,
    model_file: Path | None = None,
    labels: Mapping[str, Cover | None] | None = None,
) -> Evaluation:
    """Measure the model of this box, or `model_file` whether signed or not, on a LabelMe folder.

    Tiles finer than the model's own scale are brought to it first, as photos are.
    Raises Rejected where no tile can be used, Misconfigured for a model that cannot.
    """
    from fieldbox.inference import metrics  # noqa: PLC0415  SciPy takes long to load

    cv2.setNumThreads(1)
    model, warnings = _model(config, model_file)
    tiles, rejected = read_folder(folder, labels)
    evidence = []
    scale = scale_of(gsd_mm, model)
    for number, tile in enumerate(tiles, start=1):
        try:
            pixels = resample(tile.pixels(), scale)
            seen = metrics.look_at(model, pixels, gsd_mm * scale)
            truth = _scaled(tile.labels, scale, (pixels.shape[0], pixels.shape[1]))
            evidence.append(metrics.evidence_of(truth, seen, gsd_mm * scale))
        except Rejected as error:
            rejected.append(Rejection(tile.image.name, error.sentence))
        shown("look", number, len(tiles))
    if not evidence:
        reason = str(rejected[0].reason) if rejected else "-"
        raise Rejected(
            N_("No tile of {folder} can be used. The first: {reason}"), folder=str(folder), reason=reason
        )
    low, high = model.gsd_range_mm
    if not low <= gsd_mm <= high:
        words = _(
            "The model is for {low:g} to {high:g} mm per pixel: the box would call no single weeds here."
        )
        warnings.append(words.format(low=low, high=high))
    return Evaluation(model.release, model.digest, gsd_mm, metrics.measure(evidence), rejected, warnings)


def _scaled(labels: Labels, scale: float, size: tuple[int, int]) -> Labels:
    """Labels of a tile for its picture made 1/scale as large, which has `size`."""
    outlines = tuple(((one + 0.5) / scale - 0.5).astype(np.float32) for one in labels.outlines)
    return Labels(labels.classes, outlines, size) if scale > 1 else labels


def _model(config: Config, file: Path | None) -> tuple[WeedModel, list[str]]:
    if file is not None:
        return WeedModel.load(file), []
    chosen = choose_weeds(config)
    return chosen.model, [str(one) for one in chosen.warnings]


def require(module: str, extra: str) -> None:
    """Raise Misconfigured, naming the extra, where a module is not installed."""
    if importlib.util.find_spec(module) is None:
        raise Misconfigured(
            N_("This command needs {module}: install it with `pip install 'fieldbox[{extra}]'`."),
            module=module, extra=extra,
        )  # fmt: skip
