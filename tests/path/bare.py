"""False alarms on bare soil: `python -m tests.path.bare [--data DIR]`, plants called on each 100 m2.

Made soil of every kind, and potato tiles (columns 11 to 14) whose plants, labelled or merely green, are
painted over with the soil around them, as they are and on soil of other colours.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.config import Config
from fieldbox.imagery.indices import vegetation_indices
from fieldbox.imagery.plantcolour import plant_colours
from fieldbox.imagery.shrink import shrink
from fieldbox.inference.plants import STRIDE, WEED
from fieldbox.inference.weeds import WeedModel
from fieldbox.looking import barren_of
from fieldbox.models import load_weeds
from fieldbox.simulate.field import SOILS, FieldOptions, grow_field
from tests.path.potato import GSD_M

Picture = NDArray[np.uint8]
TINTS = {
    "as it is": (1.0, 1.0, 1.0),
    "red": (1.25, 0.85, 0.7),
    "dark": (0.55, 0.55, 0.58),
    "grey": (0.95, 1.0, 1.12),
}
GROW_PX = 25
"""Labels are loose, and seedlings pale at their rims."""


def made(soil: str) -> Iterator[Picture]:
    """Bare fields under three suns."""
    for seed, (sun, shadow) in enumerate([(20.0, 0.8), (45.0, 0.3), (70.0, 0.0)]):
        options = FieldOptions(
            size_m=(8.0, 6.0),
            margin_m=0.5,
            soil=soil,
            emergence=0.0,
            weeds_per_m2=0.0,
            sun_elevation_deg=sun,
            shadow=shadow,
            seed=900 + seed,
        )
        yield grow_field(options).canvas


def cleared(folder: Path, tint: tuple[float, float, float]) -> Iterator[Picture]:
    """Potato tiles without their plants."""
    for path in sorted(folder.glob("tile_1[1-4]_*.jpg")):
        picture = np.asarray(cv2.imread(str(path))[..., ::-1], np.uint8)
        mask = vegetation_indices(picture).vegetation.astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.uint8)
        for shape in json.loads(path.with_suffix(".json").read_text())["shapes"]:
            cv2.fillPoly(mask, [np.round(np.array(shape["points"])).astype(np.int32)], (1,))
        mask = np.asarray(cv2.dilate(mask, np.ones((GROW_PX, GROW_PX), np.uint8)), np.uint8)
        if mask.mean() > 0.5:
            continue
        yield np.clip(_filled(picture, mask > 0) * tint, 0, 255).astype(np.uint8)


def _filled(picture: Picture, hidden: NDArray[np.bool_]) -> Picture:
    """Soil of the same tile, shifted there: painted smooth it would be no soil."""
    filled, left = picture.copy(), hidden.copy()
    rng = np.random.default_rng(0)
    for _ in range(200):
        if not left.any():
            break
        shift = tuple(rng.integers(40, 600, 2).tolist())
        donor, free = np.roll(picture, shift, (0, 1)), ~np.roll(hidden, shift, (0, 1))
        here = left & free
        filled[here] = donor[here]
        left &= ~here
    return filled


def report(name: str, pictures: Iterator[Picture], model: WeedModel) -> None:
    area, weeds, plants, alone = 0.0, 0, 0, 0
    for picture in pictures:
        seen = model.look(picture, 1000 * GSD_M)
        area += picture.shape[0] * picture.shape[1] * GSD_M**2
        small = shrink(picture, STRIDE)
        vegetation = vegetation_indices(small).vegetation
        kept = ~barren_of(plant_colours(small, vegetation, seen.plants.outlines, STRIDE))
        alone += int((seen.plants.classes == WEED).sum())
        plants += int(kept.sum())
        weeds += int((seen.plants.classes[kept] == WEED).sum())
    print(  # noqa: T201
        f"{name}: {weeds} weeds and {plants - weeds} crop plants on {area:.0f} m2, "
        f"{100 * weeds / area:.1f} weeds per 100 m2 (by the model alone {100 * alone / area:.1f})",
        flush=True,
    )


def main() -> None:
    """Look and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="holds weeds/potato-uav")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    model = load_weeds(Config())
    for soil in SOILS:
        report(f"made soil, {soil}", made(soil), model)
    if given.data:
        for name, tint in TINTS.items():
            report(f"cleared potato soil, {name}", cleared(given.data / "weeds" / "potato-uav", tint), model)


if __name__ == "__main__":
    main()
