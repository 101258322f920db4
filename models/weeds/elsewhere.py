"""How the model holds up in other pictures: `python -m models.weeds.elsewhere --data DIR`.

Columns 11 and 12 of the potato field under another light, on another soil or badly taken, and the cauliflower
photos of `validation`. Nothing is tuned on either.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from fieldbox.inference.plants import CROP
from fieldbox.inference.weeds import WeedModel
from models.weeds.data import excess_green
from models.weeds.evaluate import ground, scores

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


def cauliflower(model: WeedModel, folder: Path, scale: float) -> tuple[float, int, int]:
    """IoU of crop cover, photos in which exactly one crop plant was found, and photos."""
    shared = either = single = count = 0
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
        shared, either = shared + int((crop & real).sum()), either + int((crop | real).sum())
        single += int((seen.plants.classes == CROP).sum() == 1)
        count += 1
    return shared / either, single, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/weeds.onnx"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    model = WeedModel.load(args.model)
    place = ground(args.data, [11, 12])
    for name, image in variants(place.image).items():
        score = scores(model.look(image).plants, place.truth, place.reach)
        print(f"| {name} | {score['weed']['f1']:.2f} | {score['crop']['f1']:.2f} |", flush=True)
    for scale in (1.0, 0.5):
        overlap, single, count = cauliflower(model, args.data / "cauliflower", scale)
        print(
            f"cauliflower at {scale}: crop IoU {overlap:.3f}, exactly one crop plant in {single} of {count}"
        )


if __name__ == "__main__":
    main()
