"""Answers about a single image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.imagery.scene import COARSER, KnownScenes
from fieldbox.imagery.shrink import resample
from fieldbox.inference.plants import CROP, WEED
from fieldbox.inference.weeds import WeedModel
from fieldbox.looking import judge_samples, scale_of, scale_sentence, see
from fieldbox.models import load_scenes, load_weeds

CLASSES = {CROP: "crop", WEED: "weed"}


def detect(config: Config, image: Path, gsd_mm: float) -> dict[str, Any]:
    """Plants of one JPEG without a pose: `detections` [{class, score, sure, polygon}], covers in percent.

    Covers are None, with no detections, where the scale, the colours or the scene are not what the model
    was trained for. Raises Rejected for what is no usable photo.
    """
    return find_plants(decode_jpeg(_read(image)), gsd_mm, load_weeds(config), load_scenes())


def find_plants(
    pixels: NDArray[np.uint8], gsd_mm: float, model: WeedModel, known: KnownScenes
) -> dict[str, Any]:
    """As `detect`, in an image [h, w, 3] RGB."""
    scale = scale_of(gsd_mm, model)
    scene = judge_samples([resample(pixels, COARSER * scale)], gsd_mm / 1000, scale, model, known)
    fine = [scale_sentence(gsd_mm, model)] if gsd_mm < model.gsd_range_mm[0] else []
    warnings = [str(one) for one in (*fine, *scene.warnings)]
    if warnings:
        return {"detections": [], "crop_cover_pct": None, "weed_cover_pct": None, "warnings": warnings}
    seen = see(resample(pixels, scale), gsd_mm * scale, scene, model, known)
    plants = seen.plants
    sure = plants.sure
    outlines = [one.astype(float) * scale + (scale - 1) / 2 for one in plants.outlines]
    return {
        "detections": [
            {
                "class": CLASSES[int(plants.classes[i])],
                "score": round(float(plants.scores[i]), 4),
                "sure": bool(sure[i]),
                "polygon": np.round(outlines[i], 2).tolist(),
            }
            for i in np.flatnonzero(~seen.barren & ~seen.on_odd)
        ],
        "crop_cover_pct": seen.cover_pct(CROP),
        "weed_cover_pct": seen.cover_pct(WEED),
        "warnings": [],
    }


def describe(found: dict[str, Any]) -> str:
    """What `detect` found, in a sentence."""
    if found["weed_cover_pct"] is None:
        return "\n".join(found["warnings"])
    count = {name: sum(one["class"] == name for one in found["detections"]) for name in CLASSES.values()}
    return _(
        "{weed} weeds ({weed_cover_pct:.1f} % of the image), {crop} crop plants ({crop_cover_pct:.1f} %)"
    ).format(**count, **found)


def _read(image: Path) -> bytes:
    try:
        return image.read_bytes()
    except OSError as error:
        raise Rejected(
            N_("{file} cannot be read: {why}."), file=str(image), why=error.strerror or "?"
        ) from error
