"""What the ladder of doubt gains: `python -m tests.path.ladder [--data DIR]`.

Flies over a made field and, with the data, over columns 11 and 12 of the potato field; maps each flight with
no second looks, with the default budget and with ample budget, and scores weeds against the truth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from fieldbox.domain import Cover
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, exact, fly
from fieldbox.simulate.ortho import over_orthomosaic
from fieldbox.storage.rows import StoredDetection
from tests.path import potato
from tests.path.box import Box

BUDGETS = ("0", "0.15", "2")
Points = NDArray[np.float64]


def made(folder: Path) -> Path:
    """A flight over a made field, with the small errors of an RTK drone."""
    errors = {"gps_sigma_m": 0.02, "gps_drift_m": 0.0, "height_sigma_m": 0.03, "yaw_sigma_deg": 0.5}
    flight = FlightOptions(camera="2mp", seed=11, tilt_sigma_deg=0.2, rtk=True, **errors)  # type: ignore[arg-type]
    ground = grow_field(FieldOptions(size_m=(16.0, 12.0), margin_m=1.0, seed=11, weeds_per_m2=3.0))
    return fly(ground, flight, folder)


def real(folder: Path, data: Path) -> tuple[Path, potato.Canvas]:
    """An exact flight over columns 11 and 12 of the potato field."""
    canvas = potato.paste(data / "weeds" / "potato-uav", [11, 12])
    picture = folder.with_suffix(".png")
    cv2.imwrite(str(picture), canvas.pixels[..., ::-1])
    plain = {"motion_blur": False, "noise": 0, "vignetting": 0, "exposure_drift": 0, "jpeg_quality": 95}
    flight = FlightOptions(width=1280, height=960, focal_px=10 / potato.GSD_M, **plain)  # type: ignore[arg-type]
    return fly(over_orthomosaic(picture, potato.GSD_M), exact(flight), folder), canvas


def scorer(flight: Path, canvas: potato.Canvas | None) -> Callable[[list[StoredDetection]], potato.Score]:
    """How the weeds of a flight are scored: against its own truth, or against the canvas it was flown over."""
    truth = json.loads((flight / "truth.json").read_text())
    to_ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    seen = [(p["east"], p["north"]) for p in truth["plants"] if p["class"] == "weed" and p["visible_in"]]
    middle = np.column_stack(to_ground.transform(*np.array(truth["extent"]).T))
    middle = (middle.min(axis=0) + middle.max(axis=0)) / 2

    def score(found: list[StoredDetection]) -> potato.Score:
        places = [to_ground.transform(one.lon, one.lat) for one in found]
        ground = np.array(places, float).reshape(-1, 2)
        if canvas is None:
            whole = potato.Canvas(np.zeros((1, 1, 3), np.uint8), np.array(seen), np.zeros((0, 2)))
            return potato.score(ground, whole, gsd_m=1.0)
        tall, wide = canvas.pixels.shape[:2]
        pixel = (ground - middle) / potato.GSD_M * (1, -1) + ((wide - 1) / 2, (tall - 1) / 2)
        return potato.score(pixel, canvas)

    return score


def report(name: str, flight: Path, canvas: potato.Canvas | None, folder: Path) -> None:
    score = scorer(flight, canvas)
    for budget in BUDGETS:
        box = Box(folder / f"{name}-{budget}").with_settings(models__doubt_budget=budget)
        document = box.mapped(flight)
        (survey,) = document["surveys"]
        with box.store() as store:
            plants = store.detections(survey["id"])
        weeds = [one for one in plants if one.cover is Cover.WEED]
        every, sure = score(weeds), score([one for one in weeds if one.sure])
        print(  # noqa: T201
            f"{name}, budget {budget}: precision {every.precision:.3f}, recall {every.recall:.3f}, "
            f"F1 {every.f1:.3f} ({every.found} found, {every.truth} there); plants sure "
            f"{np.mean([one.sure for one in plants]):.3f}, sure weeds' precision {sure.precision:.3f}; "
            f"{survey['ladder']}; {document['seconds']} s",
            flush=True,
        )


def main() -> None:
    """Fly, map and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="holds weeds/potato-uav")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report("made field", made(folder / "made"), None, folder)
        if given.data:
            flight, canvas = real(folder / "potato", given.data)
            report("potato, columns 11-12", flight, canvas, folder)


if __name__ == "__main__":
    main()
