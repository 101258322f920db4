"""What a survey says of a field's rows, held against the truth of a simulated flight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
STEP_M = 0.35
REACH_M = 0.17
"""Half a step: a gap farther off is another one."""


@dataclass(frozen=True)
class RowErrors:
    """How far a survey's rows are off."""

    angle_deg: float
    """Median over the crop plants of the angle between the found row and the true one there, without sign."""
    turned_deg: float
    """Mean of the same with its sign: the field as a whole."""
    spacing_pct: float
    """Median over the crop plants."""
    stand_pct: float
    """Crop plants counted over those that grow."""
    gap_f1: float
    missing: tuple[int, int]
    """Found, true."""
    in_row: tuple[int, int, int, int]
    """Weeds told in the row and there, in the row and not there, between and there, between and not there."""

    def told(self) -> str:
        """One line."""
        weeds = self.in_row
        return (
            f"row angle off {self.angle_deg:.2f} deg (the whole {self.turned_deg:+.2f}), spacing {self.spacing_pct:+.2f} %, "
            f"stand {self.stand_pct:+.2f} %, gap F1 {self.gap_f1:.3f} ({self.missing[0]} found, {self.missing[1]} there), "
            f"weeds in row {weeds[0]} right {weeds[1]} wrong, between {weeds[2]} right {weeds[3]} wrong"
        )
