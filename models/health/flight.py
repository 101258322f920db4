"""Hold exports of a simulated flight against its truth.

`python -m models.health.flight truth.json crop.geojson gaps.geojson`, exports of the layers crop and gaps.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import Transformer

from fieldbox.domain import Gap
from fieldbox.mapping.planthealth import missing_places

Array = np.ndarray[Any, Any]
SAME_PLANT_M, SAME_PLACE_M = 0.15, 0.2


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("truth", type=Path)
    parser.add_argument("crop", type=Path)
    parser.add_argument("gaps", type=Path)
    given = parser.parse_args(arguments)
    truth = json.loads(given.truth.read_text())
    ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    crop = [one for one in truth["plants"] if one["class"] == "crop"]
    told = [one["properties"] for one in json.loads(given.crop.read_text())["features"]]
    places = np.column_stack(ground.transform([one["lon"] for one in told], [one["lat"] for one in told]))
    away = distances(places, places_of(crop))
    pairs = Counter(
        (str(crop[nearest]["symptom"]) if far <= SAME_PLANT_M else "no plant", str(one["health"]))
        for one, nearest, far in zip(told, away.argmin(1).tolist(), away.min(1).tolist(), strict=True)
    )
    print("crop plants that stand there:", dict(Counter(str(one["symptom"]) for one in crop)))
    for (symptom, verdict), count in sorted(pairs.items()):
        print(f"  painted {symptom:10} called {verdict:10} {count}")
    strips = json.loads(given.gaps.read_text())["features"]
    called = missing_places([gap_of(one, ground) for one in strips])
    off = distances(called, places_of(truth["missing"]))
    right, found = (off.min(axis) <= SAME_PLACE_M for axis in (1, 0))
    print(
        f"missing: {len(found)} truly, {found.mean():.0%} of them called; {len(right)} called, {right.mean():.0%} right"
    )


def places_of(things: list[dict[str, Any]]) -> Array:
    return np.array([(one["east"], one["north"]) for one in things])


def distances(one: Array, other: Array) -> Array:
    return np.asarray(np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)))


def gap_of(feature: dict[str, Any], ground: Transformer) -> Gap:
    """The gap behind an exported strip: its ends are the middles of the two sides that are far apart."""
    ring = np.array(feature["geometry"]["coordinates"][0])[:4]
    corners = np.column_stack(ground.transform(ring[:, 0], ring[:, 1]))
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    one, other = max(
        ((0, 2), (1, 3)), key=lambda ends: float(np.hypot(*(middles[ends[0]] - middles[ends[1]])))
    )
    start, end = (tuple(middles[i].tolist()) for i in (one, other))
    return Gap(start, end, feature["properties"]["missing"])


if __name__ == "__main__":
    main()
