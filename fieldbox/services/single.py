"""Answers about one thing: a single image, one pixel of a photo, the models of this box."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fieldbox.config import Config
from fieldbox.domain import Capture, Flight
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, _
from fieldbox.imagery.decode import decode_jpeg
from fieldbox.inference.plants import CROP, WEED
from fieldbox.looking import scale_sentence
from fieldbox.models import load_weeds, pinned, weeds_path
from fieldbox.services.box import open_store

CLASSES = {CROP: "crop", WEED: "weed"}


def detect(config: Config, image: Path, gsd_mm: float) -> dict[str, Any]:
    """Plants of one JPEG without a pose: `detections` [{class, score, polygon}], covers in percent.

    Covers are None, with no detections, where the scale is outside what the model was trained for.
    Raises Rejected for what is no usable photo.
    """
    pixels = decode_jpeg(_read(image))
    model = load_weeds(config)
    low, high = model.gsd_range_mm
    if not low <= gsd_mm <= high:
        return {
            "detections": [],
            "crop_cover_pct": None,
            "weed_cover_pct": None,
            "warnings": [str(scale_sentence(gsd_mm, model))],
        }
    seen = model.look(pixels)
    plants = seen.plants
    return {
        "detections": [
            {
                "class": CLASSES[int(plants.classes[i])],
                "score": round(float(plants.scores[i]), 4),
                "polygon": np.round(plants.outlines[i].astype(float), 2).tolist(),
            }
            for i in range(len(plants))
        ],
        "crop_cover_pct": 100 * float((seen.classes == CROP).mean()),
        "weed_cover_pct": 100 * float((seen.classes == WEED).mean()),
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


def list_models(config: Config, *, as_json: bool) -> str:
    """The models of this box, as text or a JSON list."""
    model = load_weeds(config)
    row = {
        "name": model.release,
        "file": weeds_path(config).name,
        "sha256": model.digest,
        "gsd_mm": list(model.gsd_range_mm),
        "pinned": model.digest == pinned("weeds.onnx"),
    }
    if as_json:
        return json.dumps([row])
    return _("{name}  {file}  sha256 {sha256}  single weeds from {low:g} to {high:g} mm per pixel").format(
        **row, low=model.gsd_range_mm[0], high=model.gsd_range_mm[1]
    )


def verify_models(config: Config) -> str:
    """Check the model file against the digest pinned in the package. Raises Misconfigured."""
    model = load_weeds(config)
    return _("{name}: sound").format(name=model.release)


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
