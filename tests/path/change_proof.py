"""How right `fieldbox change` is: `python -m tests.path.change_proof` (minutes).

Flies a made field twice, nine days apart: weeds and crop grown, nine of ten weeds killed on a third of it, new patches, soil
that looks different; once with RTK and once with a plain GPS (1.5 m) at each of some seeds. Maps both and holds what is said
of the change against the truth.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    for name, flight in (("RTK", exact(PLAIN)), ("plain GPS", PLAIN)):
        told: dict[str, list[float]] = {}
        for seed in range(1, parser.parse_args().seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                for key, value in flown(Path(folder), flight, seed).items():
                    told.setdefault(key, []).append(value)
        print(name)  # noqa: T201
        for key, values in told.items():
            print(f"  {key}: {np.nanmean(values):.3f}   {[round(one, 3) for one in values]}", flush=True)  # noqa: T201
        assert np.nanmean(told["of these right"]) >= 0.95, told
        assert max(told["error of the shift, m"]) < 0.1, told


def flown(folder: Path, flight: FlightOptions, seed: int) -> Mapping[str, float]:
    """How right it is over one field."""
    field = FieldOptions(size_m=(24.0, 18.0), margin_m=1.0, seed=seed, weeds_per_m2=2.0, gsd_m=0.0035)
    twice = fly_twice(Box(folder / "root"), folder, field, LATER, replace(flight, seed=10 * seed))
    return judged(twice, twice.compared(treated=twice.treated()))


if __name__ == "__main__":
    main()
