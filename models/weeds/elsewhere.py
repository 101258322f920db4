"""How the model holds up in other pictures: `python -m models.weeds.elsewhere --data DIR`.

Columns 11 and 12 of the potato field under another light, on another soil or badly taken, and the cauliflower
photos of `validation`. Nothing is tuned on either.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fieldbox.inference import metrics
from fieldbox.inference.plants import CROP, QUARTERS, WEED_SHARE, Plants
from fieldbox.inference.weeds import WeedModel
from models.weeds.data import POTATO_GSD_MM, excess_green
from models.weeds.evaluate import rounded, tiles_of
from models.weeds.made import simulated
from models.weeds.synthetic import unseen_fields

Array = np.ndarray


def _bytes(pixels: Array) -> Array:
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _soil(image: Array, tint: tuple[float, float, float]) -> Array:
    leaf = np.clip((cv2.blur(excess_green(image), (3, 3)) - 0.03) / 0.06, 0, 1)[..., None]
    return _bytes(image * (1 - leaf) * np.array(tint) + image * leaf)


def _jpeg(image: Array, quality: int) -> Array:
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(stored, cv2.IMREAD_COLOR)


def variants(image: Array) -> dict[str, Array]:
    """The same picture, taken otherwise."""
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    return {
        "as it is": image,
        "half as bright": _bytes(image * 0.5),
        "a third brighter": _bytes(image * 1.33),
        "warm light": _bytes(image * np.array([1.15, 1, 0.75])),
        "cool light": _bytes(image * np.array([0.85, 1, 1.2])),
        "gamma 1.6": _bytes(255 * (image / 255.0) ** 1.6),
        "half the saturation": _bytes(0.5 * image + 0.5 * image.mean(2, keepdims=True)),
        "blurred, sigma 1.2 px": cv2.GaussianBlur(image, (0, 0), 1.2),
        "noise, sd 8": _bytes(image + noise),
        "JPEG quality 50": _jpeg(image, 50),
        "red soil": _soil(image, (1.25, 0.8, 0.6)),
        "dark soil": _soil(image, (0.5, 0.5, 0.55)),
    }


class Overlap:
    """Pixels that are crop by the label, by the model, and by both, summed over pictures."""

    def __init__(self) -> None:
        self.shared = self.seen = self.real = 0

    def add(self, seen: Array, real: Array) -> None:
        self.shared += int((seen & real).sum())
        self.seen, self.real = self.seen + int(seen.sum()), self.real + int(real.sum())

    def figures(self) -> dict[str, float]:
        return {
            "f": 2 * self.shared / (self.seen + self.real), "precision": self.shared / max(1, self.seen),
            "recall": self.shared / self.real, "iou": self.shared / (self.seen + self.real - self.shared),
        }  # fmt: skip


def crop_map(model: WeedModel, image: Array) -> Array:
    """Where the maps say crop, bool [h, w], at the half resolution at which they tell plant from soil."""
    maps = model.maps(image)
    height, width = image.shape[:2]
    rows, columns = maps.shape[1:]
    quarters = (
        maps[QUARTERS].reshape(2, 2, rows, columns).transpose(2, 0, 3, 1).reshape(2 * rows, 2 * columns)
    )
    plant = cv2.resize(quarters, (4 * columns, 4 * rows)) >= model.decoding.cover[0]
    crop = cv2.resize(maps[WEED_SHARE], (4 * columns, 4 * rows)) <= 0.5
    return (plant & crop)[:height, :width]


def crop_outlines(plants: Plants, shape: tuple[int, ...]) -> Array:
    """What lies inside the outlines of the crop plants, bool [h, w]."""
    inside = np.zeros(shape[:2], np.uint8)
    for outline, kind in zip(plants.outlines, plants.classes, strict=True):
        if kind == CROP:
            cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)], 1)
    return inside > 0


def cauliflower(model: WeedModel, folder: Path, part: str, scale: float) -> dict[str, Any]:
    """Crop pixels in the photos of `part`, by the maps and by the outlines of the plants reported, and how many
    photos have exactly one crop plant, as they should."""
    by_map, by_outline, single = Overlap(), Overlap(), 0
    photos = sorted((folder / part).iterdir())
    for path in photos:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        label = cv2.imread(str(folder / f"{part}label" / path.with_suffix(".png").name), cv2.IMREAD_GRAYSCALE)
        real = cv2.resize(label, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 127
        plants = model.look(image, POTATO_GSD_MM).plants
        by_map.add(crop_map(model, image), real)
        by_outline.add(crop_outlines(plants, image.shape), real)
        single += int((plants.classes == CROP).sum() == 1)
    return {
        "photos": len(photos),
        "one_crop_plant": single,
        "map": by_map.figures(),
        "outlines": by_outline.figures(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/weeds.onnx"))
    parser.add_argument(
        "--cauliflower", choices=["validation", "train"], default="validation", help="which photos"
    )
    args = parser.parse_args()
    cv2.setNumThreads(1)
    model = WeedModel.load(args.model)
    tiles = [(tile.labels, variants(tile.pixels())) for tile in tiles_of(args.data, [11, 12])]
    for name in tiles[0][1]:
        seen = [(labels, metrics.look_at(model, pictures[name], POTATO_GSD_MM)) for labels, pictures in tiles]
        report = metrics.measure([metrics.evidence_of(a, b, POTATO_GSD_MM) for a, b in seen], rounds=0)
        figures = [report.by_class[kind]["f1"].value or 0 for kind in ("weed", "crop")]
        print(f"| {name} | {figures[0]:.2f} | {figures[1]:.2f} |", flush=True)
    for scale in (1.0, 0.5):
        found = cauliflower(model, args.data / "cauliflower", args.cauliflower, scale)
        print(f"cauliflower {args.cauliflower} at {scale}:", json.dumps(rounded(found)), flush=True)
    report = metrics.measure(simulated(model, unseen_fields()))
    print(
        "simulated:",
        json.dumps({"crop": report.by_class["crop"], "weed": report.by_class["weed"], **report.overall}),
    )


if __name__ == "__main__":
    main()
