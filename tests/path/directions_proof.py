"""What a survey loses where photos do not state how they were turned: `python -m tests.path.directions_proof`.

Flies a plain drone (GPS 1.5 m) at 10 m over a made field, once with its nose ahead and once sideways with the camera turned
by a quarter in its mount; maps each flight with its tags, without its directions, and without directions and heights, and
compares the weeds found with the truth (laid on it: GPS leaves the whole map some metres off).
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from tests.path.box import Box
from tests.path.noisy import judged, told_of
from tests.path.retold import retold, sea_level_only

AHEAD = FlightOptions(
    camera="2mp", gps_sigma_m=1.06, gps_drift_m=1.06, yaw_sigma_deg=3.0, tilt_sigma_deg=1.5, seed=6
)
SIDEWAYS = replace(AHEAD, nose_deg=20.0, mount_deg=90.0, seed=7)
WORSE = 0.03
"""F1 that may be lost."""


def compare(options: FlightOptions, folder: Path) -> list[float]:
    """F1 with all tags, without directions, and without directions and heights."""
    field = grow_field(FieldOptions(size_m=(12.0, 9.0), margin_m=1.0, seed=6, weeds_per_m2=2.0))
    card = fly(field, options, folder / "told")
    truth = json.loads((card / "truth.json").read_text())
    cards = {
        "with its tags": card,
        "without directions": retold(card, folder / "undirected", {}, directed=False),
        "without directions and heights": retold(card, folder / "bare", sea_level_only, directed=False),
    }
    found = []
    for name, one in cards.items():
        box = Box(folder / name)
        (survey,) = box.mapped(one)["surveys"]
        result = judged(box, survey["id"], truth)
        print(f"{name}: {told_of(result)}", flush=True)  # noqa: T201
        found.append(result.score.f1)
    return found


def main() -> None:
    for name, options in (("ahead", AHEAD), ("sideways", SIDEWAYS)):
        with tempfile.TemporaryDirectory() as folder:
            print(name)  # noqa: T201
            told, *found = compare(options, Path(folder))
            assert min(found) > told - WORSE, (name, told, found)


if __name__ == "__main__":
    main()
