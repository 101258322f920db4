"""Whether what is sprayed reaches the weeds: `python -m tests.path.decided_proof`.

Flies simulated fields with weeds in patches, dense and thin, with RTK and with a plain GPS; maps each, exports the
prescription of each strategy and of the one that is taken, and counts the true weeds on it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from tests.path.box import Box

RTK = {"rtk": True, "gps_sigma_m": 0.02, "gps_drift_m": 0.02}
PLAIN = {"gps_sigma_m": 0.4, "gps_drift_m": 0.4}
CASES: dict[str, tuple[float, float, dict[str, Any]]] = {
    "thin weeds, RTK": (0.15, 0.9, RTK),
    "patches, RTK": (1.0, 0.9, RTK),
    "patches, GPS off by half a metre": (1.0, 0.9, PLAIN),
    "everywhere, GPS off by half a metre": (2.5, 0.3, PLAIN),
}
"""Weeds to the square metre, their share in patches, and how it is flown."""
REACHED = 0.95


def reached(prescription: Path, truth: dict[str, Any]) -> tuple[float, float]:
    """Share of the true weeds on what is treated, and its area in m2."""
    told, _ids, geometry, values = pyogrio.raw.read(prescription)
    columns = dict(zip(told["fields"].tolist(), values, strict=True))
    treated, areas = np.asarray(columns["treat"], bool), np.asarray(columns["area_m2"], float)
    ground = shapely.union_all(shapely.from_wkb(geometry)[treated])
    weeds = np.array(
        [(one["lon"], one["lat"]) for one in truth["plants"] if one["class"] == "weed" and one["visible_in"]]
    )
    return float(shapely.contains_xy(ground, *weeds.T).mean()), float(areas[treated].sum())


def decide(name: str, folder: Path) -> float:
    """Share of the true weeds that the strategy that is taken reaches; prints all."""
    weeds, patchiness, flight = CASES[name]
    grown = FieldOptions(size_m=(30.0, 20.0), weeds_per_m2=weeds, weed_patchiness=patchiness, seed=11)
    card = fly(
        grow_field(grown), FlightOptions(camera="2mp", altitude_m=8.0, seed=11, **flight), folder / "card"
    )
    truth = json.loads((card / "truth.json").read_text())
    box = Box(folder / "box")
    (survey,) = box.mapped(card, "--field", "North")["surveys"]
    shares = {}
    print(f"{name}: position error {survey['position_error_m']:.2f} m", flush=True)  # noqa: T201
    for way in ("spots", "patches", "swaths", "smallest"):
        assert box.run("spraying", "North", "--strategy", way).code == 0
        out = folder / f"{way}.geojson"
        said = box.run("export", survey["id"], "--layer", "prescription", "--format", "geojson", "-o", out)
        assert said.code == 0, said.err
        told = box.run("prescribe", survey["id"], "--json").json
        share, area = reached(out, truth)
        shares[way] = share
        print(  # noqa: T201
            f"  {way}: {area:.0f} of {told['field_m2']:.0f} m2, surely {told['assured']:.3f} of the weeds; "
            f"reached {share:.3f}",
            flush=True,
        )
    return shares["smallest"]


def main() -> None:
    for name in CASES:
        with tempfile.TemporaryDirectory() as folder:
            share = decide(name, Path(folder))
            assert share >= REACHED, (name, share)


if __name__ == "__main__":
    main()
