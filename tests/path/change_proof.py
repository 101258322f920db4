"""How right `fieldbox change` is: `python -m tests.path.change_proof` (minutes).

Flies a made field twice, nine days apart: weeds and crop grown, nine of ten weeds killed on a third of it, new patches, soil
that looks different; with RTK, and with a plain GPS (1.5 m), at each of some seeds; and once more with nothing but growth. Maps
both dates and holds what is said of the change against the truth.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions, exact
from fieldbox.simulate.later import Later
from tests.path.box import Box
from tests.path.twice import fly_twice, judged

LATER = Later(
    days=9,
    killed=(((-12.0, -9.0), (-4.0, -9.0), (-4.0, 9.0), (-12.0, 9.0)),),
    kill=0.9,
    new_patches=3,
    new_weeds=40,
    patch_m=1.0,
    weathered=True,
)
PLAIN = FlightOptions(
    camera="2mp",
    altitude_m=14.0,
    forward_overlap=0.7,
    side_overlap=0.6,
    gps_sigma_m=1.06,
    gps_drift_m=1.06,
    yaw_sigma_deg=3.0,
    tilt_sigma_deg=1.5,
)


STILL = Later(days=3, crop_per_day=0.03, weeds_per_day=0.03, weathered=True)
"""Nothing but growth."""
CASES = {
    "RTK": (exact(PLAIN), LATER),
    "plain GPS": (PLAIN, LATER),
    "plain GPS, nothing but growth": (PLAIN, STILL),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--case", choices=CASES, action="append")
    given = parser.parse_args()
    for name in given.case or CASES:
        flight, later = CASES[name]
        told: dict[str, list[float]] = {}
        for seed in range(1, given.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                for key, value in flown(Path(folder), flight, later, seed).items():
                    told.setdefault(key, []).append(value)
        print(name)  # noqa: T201
        for key, values in told.items():
            print(f"  {key}: {[round(one, 3) for one in values]}", flush=True)  # noqa: T201
        wrong = sum(np.multiply(told["cells called"], np.subtract(1, np.nan_to_num(told["of these right"]))))
        assert wrong <= max(0.05 * sum(told["cells called"]), 1), told
        assert max(told["error of the shift, m"]) < 0.1, told


def flown(folder: Path, flight: FlightOptions, later: Later, seed: int) -> Mapping[str, float]:
    """How right it is over one field."""
    field = FieldOptions(size_m=(24.0, 18.0), margin_m=1.0, seed=seed, weeds_per_m2=2.0, gsd_m=0.0035)
    twice = fly_twice(Box(folder / "root"), folder, field, later, replace(flight, seed=10 * seed))
    return judged(twice, twice.compared(treated=twice.treated() if later.killed else None))


if __name__ == "__main__":
    main()
