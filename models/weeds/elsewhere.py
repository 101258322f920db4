"""How the model holds up in other pictures: `python -m models.weeds.elsewhere --data DIR`.

Columns 11 and 12 of the potato field under another light, on another soil or badly taken, and the cauliflower
photos of `validation`. Nothing is tuned on either.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from fieldbox.inference import metrics
from fieldbox.inference.labelme import Labels
from fieldbox.inference.plants import CROP
from fieldbox.inference.weeds import WeedModel
from models.weeds.data import POTATO_GSD_MM, excess_green
from models.weeds.evaluate import tiles_of
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


def cauliflower(model: WeedModel, folder: Path, scale: float) -> dict[str, float]:
    """Crop in the photos of `validation`: pixels (IoU, F-measure), and photos with exactly one crop plant, as it is."""
    shared = seen_px = real_px = single = count = 0
    for path in sorted((folder / "validation").iterdir()):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height, width = image.shape[:2]
        label = cv2.imread(
            str(folder / "validationlabel" / path.with_suffix(".png").name), cv2.IMREAD_GRAYSCALE
        )
        real = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST) > 127
        seen = model.look(image)
        crop = (seen.classes == CROP).repeat(4, 0).repeat(4, 1)[:height, :width]
        shared += int((crop & real).sum())
        seen_px, real_px = seen_px + int(crop.sum()), real_px + int(real.sum())
        single += int((seen.plants.classes == CROP).sum() == 1)
        count += 1
    return {
        "photos": count, "one_crop_plant": single, "iou": shared / (seen_px + real_px - shared),
        "precision": shared / max(1, seen_px), "recall": shared / real_px, "f": 2 * shared / (seen_px + real_px),
    }  # fmt: skip


def simulated(model: WeedModel) -> list[metrics.Evidence]:
    """Simulated fields that training did not show: other seeds of the same kinds."""
    evidence = []
    for field in unseen_fields():
        outlines, classes = [], []
        for number in range(1, len(field.classes)):
            lines, _ = cv2.findContours(
                (field.ids == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            if lines and (longest := max(lines, key=len)).shape[0] > 2:
                outlines.append(longest[:, 0].astype(np.float32))
                classes.append(field.classes[number])
        labels = Labels(np.array(classes, np.uint8), tuple(outlines), field.ids.shape)
        evidence.append(metrics.evidence_of(labels, metrics.look_at(model, field.image), 2.6))
    return evidence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/weeds.onnx"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    model = WeedModel.load(args.model)
    tiles = [(tile.labels, variants(tile.pixels())) for tile in tiles_of(args.data, [11, 12])]
    for name in tiles[0][1]:
        seen = [(labels, metrics.look_at(model, pictures[name])) for labels, pictures in tiles]
        report = metrics.measure([metrics.evidence_of(a, b, POTATO_GSD_MM) for a, b in seen], rounds=0)
        figures = [report.by_class[kind]["f1"].value or 0 for kind in ("weed", "crop")]
        print(f"| {name} | {figures[0]:.2f} | {figures[1]:.2f} |", flush=True)
    for scale in (1.0, 0.5):
        found = cauliflower(model, args.data / "cauliflower", scale)
        print(f"cauliflower at {scale}:", {key: round(value, 3) for key, value in found.items()}, flush=True)
    report = metrics.measure(simulated(model))
    print(
        "simulated:",
        json.dumps({"crop": report.by_class["crop"], "weed": report.by_class["weed"], **report.overall}),
    )


if __name__ == "__main__":
    main()
