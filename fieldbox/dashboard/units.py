"""Areas in the unit that the reader thinks in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import request

from fieldbox.dashboard.language import number, say
from fieldbox.dashboard.ports import box
from fieldbox.domain import SQUARE_METRES, AreaUnit, Interval
from fieldbox.i18n import N_

COOKIE: Final = "area_unit"
_HECTARE_M2: Final = SQUARE_METRES[AreaUnit.HECTARE]
_BIGHA: Final = N_("bigha")
SHORT: Final[Mapping[AreaUnit, str]] = {
    AreaUnit.HECTARE: N_("ha"),
    AreaUnit.ACRE: N_("acres"),
    AreaUnit.GUNTHA: N_("guntha"),
    AreaUnit.CENT: N_("cents"),
    AreaUnit.BIGHA_NORTH: _BIGHA,
    AreaUnit.BIGHA_EAST: _BIGHA,
    AreaUnit.BIGHA_WEST: _BIGHA,
    AreaUnit.BIGHA_HILLS: _BIGHA,
}
"""After a number."""
ONE: Final[Mapping[AreaUnit, str]] = {
    **SHORT,
    AreaUnit.ACRE: N_("acre"),
    AreaUnit.CENT: N_("cent"),
}
"""After a stroke: plants / acre."""
LONG: Final[Mapping[AreaUnit, str]] = {
    AreaUnit.HECTARE: N_("hectare (10,000 m²)"),
    AreaUnit.ACRE: N_("acre (4,047 m²)"),
    AreaUnit.GUNTHA: N_("guntha (101 m²)"),
    AreaUnit.CENT: N_("cent (40 m²)"),
    AreaUnit.BIGHA_NORTH: N_("bigha of 2,529 m² (Uttar Pradesh, Bihar, Rajasthan, Haryana)"),
    AreaUnit.BIGHA_EAST: N_("bigha of 1,338 m² (West Bengal, Assam)"),
    AreaUnit.BIGHA_WEST: N_("bigha of 1,619 m² (Gujarat)"),
    AreaUnit.BIGHA_HILLS: N_("bigha of 809 m² (Himachal Pradesh, Uttarakhand)"),
}
"""To choose from."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An area in the reader's unit."""

    value: float
    unit: str
    digits: int
    """Decimals that make sense of it."""

    def __str__(self) -> str:
        return f"{number(self.value, self.digits)} {self.unit}"


def choose() -> AreaUnit:
    """The unit of this request: the reader's own choice, then the box's."""
    by_name = {unit.value: unit for unit in AreaUnit}
    usual = by_name.get(box().area_unit, AreaUnit.HECTARE)
    return by_name.get(request.cookies.get(COOKIE, ""), usual)


def known() -> dict[str, str]:
    """Units to choose from, in the reader's language."""
    return {unit.value: say(LONG[unit]) for unit in AreaUnit}


def measured(hectares: float) -> Measured:
    """An area in the reader's unit, with a decimal for every order of magnitude below a hundred."""
    unit = choose()
    value = hectares * _HECTARE_M2 / SQUARE_METRES[unit]
    return Measured(value, say(SHORT[unit]), _digits(value))


def area(hectares: float | None) -> str:
    """An area as a person of this place says it: "1.25 acres"; empty for None."""
    return "" if hectares is None else str(measured(hectares))


def area_range(hectares: Interval) -> Interval:
    """Both ends of an interval in the reader's unit."""
    scale = _HECTARE_M2 / SQUARE_METRES[choose()]
    return Interval(hectares.low * scale, hectares.high * scale)


def by_area(per_hectare: float) -> float:
    """How many on one of the reader's unit."""
    return per_hectare * SQUARE_METRES[choose()] / _HECTARE_M2


def one_unit() -> str:
    """The reader's unit, as it stands after a stroke."""
    return say(ONE[choose()])


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2
