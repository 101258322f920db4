"""How well rows are found through the whole path: `python -m tests.path.rows_proof`.

Flies over fields with straight, curved and terraced rows (20 % of the plants missing, three of ten plants weeds) with the errors
of an RTK drone, maps each flight and compares what the survey says of the rows with what was sown.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, fly
from fieldbox.simulate.sowing import RowShape
from tests.path.box import Box
from tests.path.rows_truth import RowErrors, row_errors

FLIGHT = FlightOptions(
    camera="2mp",
    gps_sigma_m=0.02,
    gps_drift_m=0.0,
    height_sigma_m=0.03,
    yaw_sigma_deg=0.5,
    tilt_sigma_deg=0.2,
    rtk=True,
    seed=11,
)


def field_of(shape: RowShape, size_m: tuple[float, float] = (15.0, 12.0), seed: int = 6) -> FieldOptions:
    """A field whose rows have this shape."""
    return FieldOptions(
        size_m=size_m,
        margin_m=1.0,
        weeds_per_m2=1.3,
        emergence=0.8,
        rows=shape,
        row_heading_deg=20.0,
        row_radius_m=18.0,
        terrace_m=5.0,
        seed=seed,
    )


def measured(shape: RowShape, folder: Path) -> RowErrors:
    """Grow, fly, map, compare."""
    options = field_of(shape)
    card = fly(grow_field(options), FLIGHT, folder / "card")
    box = Box(folder / "root")
    (survey,) = box.mapped(card)["surveys"]
    truth = json.loads((card / "truth.json").read_text())
    return row_errors(box, survey["id"], truth, options.row_spacing_m)


def holds(errors: RowErrors) -> bool:
    """Angle within half a degree, spacing and stand within 3 %, gaps with F1 of 0.9 and more."""
    near = errors.angle_deg <= 0.5 and abs(errors.spacing_pct) <= 3 and abs(errors.stand_pct) <= 3
    return near and errors.gap_f1 >= 0.9


def main() -> None:
    for shape in RowShape:
        with tempfile.TemporaryDirectory() as folder:
            errors = measured(shape, Path(folder))
            print(f"{shape.value}: {errors}", flush=True)  # noqa: T201
            assert holds(errors), (shape, errors)
            assert errors.gap_f1_ends >= 0.9, (shape, errors)


if __name__ == "__main__":
    main()
