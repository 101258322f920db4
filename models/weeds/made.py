"""Simulated fields that training did not show, held against a model."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from fieldbox.inference import metrics
from fieldbox.inference.labelme import Labels
from fieldbox.inference.weeds import WeedModel
from models.weeds.data import Field

GSD_MM = 2.6


def simulated(model: WeedModel, fields: Iterable[Field]) -> list[metrics.Evidence]:
    """What a model says of simulated fields, held against what grows there."""
    evidence = []
    for field in fields:
        outlines, classes = [], []
        for number in range(1, len(field.classes)):
            lines, _ = cv2.findContours(
                (field.ids == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            if lines and (longest := max(lines, key=len)).shape[0] > 2:
                outlines.append(longest[:, 0].astype(np.float32))
                classes.append(field.classes[number])
        labels = Labels(np.array(classes, np.uint8), tuple(outlines), field.ids.shape)
        evidence.append(metrics.evidence_of(labels, metrics.look_at(model, field.image, GSD_MM), GSD_MM))
    return evidence
