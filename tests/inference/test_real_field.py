"""The shipped model on parts of a real potato field that it was not trained on.

No choice at all was made on columns 13 and 14; thresholds were chosen on 11 and 12.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fieldbox.inference.weeds import WeedModel

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("FIELDBOX_REAL_DATA", ROOT.parent / "shared" / "data")) / "weeds"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (DATA / "potato-uav").is_dir(),
        reason="needs the potato field: set FIELDBOX_REAL_DATA to its folder",
    ),
]


def test_weeds_on_unseen_columns() -> None:
    pytest.importorskip("scipy")
    from models.weeds import evaluate  # noqa: PLC0415 - needs scipy and onnx, which the box does not

    cv2.setNumThreads(1)
    place = evaluate.ground(DATA, [13, 14])
    found = WeedModel.load(ROOT / "models" / "weeds.onnx").look(place.image).plants
    score = evaluate.scores(found, place.truth, place.reach)
    assert score["weed"]["f1"] >= 0.75
    assert score["weed"]["duplicates"] <= 0.02
    assert score["crop"]["f1"] >= 0.85


def test_the_field_seen_in_another_light() -> None:
    pytest.importorskip("scipy")
    from models.weeds import evaluate  # noqa: PLC0415

    place = evaluate.ground(DATA, [11, 12])
    dim = np.clip(place.image * np.array([0.62, 0.58, 0.5]), 0, 255).astype(np.uint8)
    found = WeedModel.load(ROOT / "models" / "weeds.onnx").look(dim).plants
    assert evaluate.scores(found, place.truth, place.reach)["weed"]["f1"] >= 0.65
