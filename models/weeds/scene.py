"""What the scenes of the training look like: `python -m models.weeds.scene --data DIR` writes `../scene.json`.

The pictures that training reads (potato columns 0 to 10, cauliflower `train`, self-made fields), as they are
and recoloured as training recolours them, are described block by block by `fieldbox.imagery.scene`. Of the
blocks a few hundred are kept that stand for all (farthest-point sampling: each next one is the farthest from
those there). The limit is set on pictures that were left out: a stated share of their blocks may be strange.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fieldbox.imagery.scene import STATISTICS, describe, plain_oddity
from fieldbox.simulate.field import SOILS, FieldOptions, grow_field
from fieldbox.simulate.plants import CROPS
from models.weeds.augment import recoloured
from models.weeds.data import training_digest, training_files

Array = np.ndarray
COLUMNS = range(11)
TILE_PX, BLOCK_PX = 640, 160
KEPT = 500
RECOLOURED = 2
"""Times that each picture is recoloured, beside the picture as it is."""
FALSE_ALARMS = 0.02
"""Share of the blocks of left-out, mostly recoloured pictures that the limit calls strange. As they are, none of
them should be: the command prints how many."""


def pictures(data: Path) -> Iterator[tuple[Array, bool, bool]]:
    """RGB pictures of one block each; whether one helps to set the limit (one in five); whether it is as it was."""
    rng = np.random.default_rng(0)
    files = [path for path in training_files(data, COLUMNS) if path.suffix.lower() in {".jpg", ".png"}]
    photos = [path for path in files if not path.parent.name.endswith("label")]
    for number, path in enumerate(photos):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        yield from _seen(_square(image, number), number % 5 == 0, rng)
    for number, options in enumerate(_made_fields(rng)):
        canvas = grow_field(options).canvas
        for part in _tiles(canvas):
            yield from _seen(part, number % 5 == 0, rng)


def _seen(part: Array, left_out: bool, rng: np.random.Generator) -> Iterator[tuple[Array, bool, bool]]:
    for number in range(1 + RECOLOURED):
        image = recoloured(part, rng) if number else part
        yield cv2.resize(image, (BLOCK_PX, BLOCK_PX), interpolation=cv2.INTER_AREA), left_out, not number


def _square(image: Array, number: int) -> Array:
    """A square of the picture, of the left or the right; a hand-held photo shows about as much ground as a block."""
    height, width = image.shape[:2]
    side = min(height, width)
    left = (width - side) * (number % 2)
    return cv2.resize(image[:side, left : left + side], (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)


def _tiles(canvas: Array) -> Iterator[Array]:
    for top in range(0, canvas.shape[0] - TILE_PX + 1, TILE_PX):
        for left in range(0, canvas.shape[1] - TILE_PX + 1, TILE_PX):
            yield canvas[top : top + TILE_PX, left : left + TILE_PX]


def _made_fields(rng: np.random.Generator) -> Iterator[FieldOptions]:
    """Every crop on every soil, with plants and without, under suns of all heights."""
    for soil in SOILS:
        for crop in CROPS:
            for emergence in (0.85, 0.0):
                yield FieldOptions(
                    size_m=(4.0, 4.0),
                    margin_m=0.5,
                    crops=(crop,),
                    soil=soil,
                    emergence=emergence,
                    crop_diameter_m=float(rng.uniform(0.08, 0.4)),
                    weeds_per_m2=float(rng.choice([0.0, 1.0, 5.0, 20.0])),
                    shadow=float(rng.uniform(0, 1)),
                    sun_elevation_deg=float(rng.uniform(12, 80)),
                    straw_per_m2=float(rng.uniform(0, 20)),
                    clods=float(rng.uniform(0.3, 2)),
                    seed=int(rng.integers(1, 10_000)),
                )


def standing_for(blocks: Array, count: int) -> Array:
    """[count, S] of the blocks [N, S] such that each is near one: farthest-point sampling from the middle."""
    first = int(np.argmin(np.linalg.norm(blocks - np.median(blocks, axis=0), axis=1)))
    chosen = [first]
    gap = np.linalg.norm(blocks - blocks[first], axis=1)
    while len(chosen) < min(count, len(blocks)):
        chosen.append(int(np.argmax(gap)))
        gap = np.minimum(gap, np.linalg.norm(blocks - blocks[chosen[-1]], axis=1))
    return blocks[chosen]


def learn(described: Array, left_out: Array) -> tuple[Array, Array, float]:
    """Spread [S], standing blocks [K, S] in units of it, and the limit."""
    low, high = np.percentile(described[~left_out], [5, 95], axis=0)
    spread = np.maximum(high - low, 1e-3).astype(np.float32)
    scaled = described / spread
    blocks = standing_for(scaled[~left_out], KEPT)
    gaps = np.array([np.linalg.norm(blocks - one, axis=1).min() for one in scaled[left_out]])
    return spread, blocks, float(np.quantile(gaps, 1 - FALSE_ALARMS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds potato-uav/ and cauliflower/")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "scene.json")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    shown = [
        (describe(image), left_out, as_it_is)
        for image, left_out, as_it_is in pictures(given.data)
        if plain_oddity(image) is None  # recoloured until nothing is left to see
    ]
    described = np.array([one[0] for one in shown])
    left_out, as_it_is = (np.array([one[which] for one in shown]) for which in (1, 2))
    spread, blocks, limit = learn(described, left_out)
    gaps = np.array([np.linalg.norm(blocks - one, axis=1).min() for one in described[left_out] / spread])
    plain = as_it_is[left_out]
    document = {
        "statistics": list(STATISTICS),
        "spread": [round(float(value), 5) for value in spread],
        "limit": round(limit, 4),
        "training_digest": training_digest(given.data, COLUMNS),
        "pictures": len(shown),
        "blocks": [[round(float(value), 3) for value in block] for block in blocks],
    }
    given.out.write_text(json.dumps(document) + "\n", encoding="utf-8")
    print(f"{len(shown)} blocks, {len(blocks)} kept, limit {limit:.3f} spreads; of the left-out ones")
    for name, which in (("as they are", plain), ("recoloured", ~plain)):
        print(f"  {name}: {int((gaps[which] > limit).sum())} of {int(which.sum())} strange")


if __name__ == "__main__":
    main()
