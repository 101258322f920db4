"""Units of area that farmers use. See `fieldbox.domain` for the conventions.

The acre is the international one (4,046.8564224 m²); a guntha is 1/40 and a cent 1/100 of it, as land records of Maharashtra,
Karnataka, Tamil Nadu and Kerala have it. A bigha differs from state to state, so each one stands with its size: 3,025, 1,600,
1,936 and 968 square yards (0.83612736 m²).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

_ACRE: Final = 4046.8564224
_SQUARE_YARD: Final = 0.83612736


class AreaUnit(StrEnum):
    """A unit of area."""

    HECTARE = "ha"
    ACRE = "acre"
    GUNTHA = "guntha"
    CENT = "cent"
    BIGHA_NORTH = "bigha-north"
    """Uttar Pradesh, Bihar, Rajasthan, Haryana (pucca)."""
    BIGHA_EAST = "bigha-east"
    """West Bengal, Assam."""
    BIGHA_WEST = "bigha-west"
    """Gujarat."""
    BIGHA_HILLS = "bigha-hills"
    """Himachal Pradesh, Uttarakhand (kaccha)."""


SQUARE_METRES: Final[Mapping[AreaUnit, float]] = {
    AreaUnit.HECTARE: 10_000.0,
    AreaUnit.ACRE: _ACRE,
    AreaUnit.GUNTHA: _ACRE / 40,
    AreaUnit.CENT: _ACRE / 100,
    AreaUnit.BIGHA_NORTH: 3025 * _SQUARE_YARD,
    AreaUnit.BIGHA_EAST: 1600 * _SQUARE_YARD,
    AreaUnit.BIGHA_WEST: 1936 * _SQUARE_YARD,
    AreaUnit.BIGHA_HILLS: 968 * _SQUARE_YARD,
}
