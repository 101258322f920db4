"""Answers about one thing: a single image, one pixel of a photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.domain import Capture, Flight
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence, _
from fieldbox.imagery import scene as scenes
from fieldbox.imagery.colour import judge_colour
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.imagery.indices import vegetation_indices
from fieldbox.imagery.plantcolour import plant_colours
from fieldbox.imagery.scene import COARSER, judge_picture
from fieldbox.imagery.shrink import resample, shrink
from fieldbox.inference.plants import CROP, STRIDE, WEED
from fieldbox.inference.weeds import WeedModel
from fieldbox.looking import barren_of, scale_of, scale_sentence
from fieldbox.models import load_scenes, load_weeds
from fieldbox.services.box import open_store

CLASSES = {CROP: "crop", WEED: "weed"}


def detect(config: Config, image: Path, gsd_mm: float) -> dict[str, Any]:
    """Plants of one JPEG without a pose: `detections` [{class, score, sure, polygon}], covers in percent.

    Covers are None, with no detections, where the scale, the colours or the scene are not what the model
    was trained for. Raises Rejected for what is no usable photo.
    """
    pixels = decode_jpeg(_read(image))
    model = load_weeds(config)
    warnings = _warnings(pixels, gsd_mm, model)
    if warnings:
        told = [str(one) for one in warnings]
        return {"detections": [], "crop_cover_pct": None, "weed_cover_pct": None, "warnings": told}
    scale = scale_of(gsd_mm, model)
    looked_at = resample(pixels, scale)
    seen = model.look(looked_at)
    plants = seen.plants
    sure = plants.sure
    barren = barren_of(_colours(looked_at, plants.outlines))
    outlines = [one.astype(float) * scale + (scale - 1) / 2 for one in plants.outlines]
    return {
        "detections": [
            {
                "class": CLASSES[int(plants.classes[i])],
                "score": round(float(plants.scores[i]), 4),
                "sure": bool(sure[i]),
                "polygon": np.round(outlines[i], 2).tolist(),
            }
            for i in np.flatnonzero(~barren)
        ],
        "crop_cover_pct": 100 * float((seen.classes == CROP).mean()),
        "weed_cover_pct": 100 * float((seen.classes == WEED).mean()),
        "warnings": [],
    }


def _colours(pixels: NDArray[np.uint8], outlines: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """[N, 3] mean colours of the green pixels of plants; NaN where there are none."""
    small = shrink(pixels, STRIDE)
    return plant_colours(small, vegetation_indices(small).vegetation, outlines, STRIDE)


def _warnings(pixels: NDArray[np.uint8], gsd_mm: float, model: WeedModel) -> list[Sentence]:
    """Why no plants are called in an image; none if they can be."""
    low, high = model.gsd_range_mm
    found = [] if low <= gsd_mm <= high else [scale_sentence(gsd_mm, model)]
    small = resample(pixels, COARSER * scale_of(gsd_mm, model))
    colour = judge_colour(small)
    if colour.sentence:
        return [*found, colour.sentence]
    oddity = scenes.judge_flight([judge_picture(small, load_scenes())])
    return [*found, scenes.SENTENCES[oddity]] if oddity else found


def describe(found: dict[str, Any]) -> str:
    """What `detect` found, in a sentence."""
    if found["weed_cover_pct"] is None:
        return "\n".join(found["warnings"])
    count = {name: sum(one["class"] == name for one in found["detections"]) for name in CLASSES.values()}
    return _(
        "{weed} weeds ({weed_cover_pct:.1f} % of the image), {crop} crop plants ({crop_cover_pct:.1f} %)"
    ).format(**count, **found)


def locate(config: Config, flight_id: str, file: str, x: float, y: float) -> dict[str, float]:
    """Where pixel x, y of a photo lies: `lat`, `lon` (WGS 84) and `error_m` (95 % radius)."""
    with open_store(config) as store:
        flight = store.flight(flight_id)
    if flight is None:
        raise Rejected(N_("There is no flight {id}: see `fieldbox status`."), id=flight_id)
    capture = _capture_named(flight, file)
    if capture.pose is None or capture.camera is None:
        raise Rejected(N_("{file} could not be placed: {why}"), file=file, why=str(capture.unplaced or ""))
    if not (0 <= x < capture.camera.width and 0 <= y < capture.camera.height):
        raise Rejected(
            N_("Pixel {x}, {y} lies outside the photo of {width} x {height} pixels."),
            x=x, y=y, width=capture.camera.width, height=capture.camera.height,
        )  # fmt: skip
    plane = GroundPlane.for_point(capture.pose.lat, capture.pose.lon)
    geometry = PhotoGeometry(capture.digest, capture.pose, capture.camera, plane)
    pixel = np.array([[x, y]])
    east, north = geometry.pixel_to_ground(pixel)[0]
    if not np.isfinite(east):
        raise Rejected(N_("Pixel {x}, {y} looks past the ground."), x=x, y=y)
    lat, lon = plane.to_geographic(east, north)
    return {"lat": float(lat), "lon": float(lon), "error_m": float(geometry.error95_m(pixel)[0])}


def _capture_named(flight: Flight, file: str) -> Capture:
    exact = [c for c in flight.captures if file in (c.name, c.digest)]
    named = exact or [c for c in flight.captures if Path(c.name).name == file]
    if len(named) != 1:
        raise Rejected(
            N_("Flight {id} has {count} photos called {file}."), id=flight.id, count=len(named), file=file
        )
    return named[0]


def _read(image: Path) -> bytes:
    try:
        return image.read_bytes()
    except OSError as error:
        raise Rejected(
            N_("{file} cannot be read: {why}."), file=str(image), why=error.strerror or "?"
        ) from error
