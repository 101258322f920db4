"""The shipped model on parts of a real potato field that it was not trained on.

Thresholds were chosen on columns 0 to 12; how far columns 13 and 14 were looked at stands on the card.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy")

from fieldbox.inference import metrics
from fieldbox.inference.labelme import read_folder
from fieldbox.inference.metrics import Report
from fieldbox.inference.plants import WEED
from fieldbox.inference.weeds import WeedModel
from tests.path import potato

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("FIELDBOX_REAL_DATA", ROOT.parent / "shared" / "data")) / "weeds"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (DATA / "potato-uav").is_dir(),
        reason="needs the potato field: set FIELDBOX_REAL_DATA to its folder",
    ),
]


def report_of(columns: list[int], light: tuple[float, float, float] = (1, 1, 1)) -> Report:
    """The shipped model on whole columns, perhaps under another light."""
    cv2.setNumThreads(1)
    model = WeedModel.load(ROOT / "models" / "weeds.onnx")
    tiles, rejected = read_folder(DATA / "potato-uav")
    assert not rejected
    evidence = []
    for tile in tiles:
        if int(tile.name.split("_")[1]) in columns:
            lit = np.clip(tile.pixels() * np.array(light), 0, 255).astype(np.uint8)
            evidence.append(metrics.evidence_of(tile.labels, metrics.look_at(model, lit, 2.8), 2.8))
    return metrics.measure(evidence, rounds=0)


def test_weeds_on_unseen_columns() -> None:
    of = report_of([13, 14]).by_class
    assert (of["weed"]["f1"].value or 0) >= 0.75
    assert (of["crop"]["f1"].value or 0) >= 0.88
    assert (of["weed"]["ap50_twice"].value or 0) >= 0.7


def test_the_field_seen_in_another_light() -> None:
    of = report_of([11, 12], (0.62, 0.58, 0.5)).by_class
    assert (of["weed"]["f1"].value or 0) >= 0.65


@pytest.mark.xfail(
    strict=True, reason="model 3 alone reports 3 of 130 weeds twice (2.3 %); the map leaves twins out"
)
def test_the_model_alone_reports_no_weed_twice() -> None:
    canvas = potato.paste(DATA / "potato-uav", [13, 14])
    plants = WeedModel.load(ROOT / "models" / "weeds.onnx").look(canvas.pixels, 2.8).plants
    found = potato.score(plants.centres[plants.classes == WEED].astype(float), canvas)
    assert found.doubled <= 0.02
