"""Quantities with their units in the reader's words, and areas in the unit that the reader thinks in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import request

from fieldbox.dashboard.language import current, metres, number, say
from fieldbox.dashboard.ports import box
from fieldbox.domain import SQUARE_METRES, AreaUnit, Interval
from fieldbox.i18n import N_

COOKIE: Final = "area_unit"
NBSP: Final = "\u00a0"
"""Between a number and its unit, which no line parts."""
SYMBOLS: Final = (
    N_("mm"),
    N_("cm"),
    N_("m"),
    N_("km"),
    N_("m²"),
    N_("ha"),
    N_("ml"),
    N_("L"),
    N_("L/ha"),
    N_("t/ha"),
    N_("g"),
    N_("kg"),
    N_("KB"),
    N_("MB"),
    N_("GB"),
)
"""Units that stand by themselves: after a number, and beside what is asked."""
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
USUAL: Final[Mapping[str, tuple[AreaUnit, ...]]] = {
    "hi": (
        AreaUnit.ACRE,
        AreaUnit.BIGHA_NORTH,
        AreaUnit.BIGHA_WEST,
        AreaUnit.BIGHA_HILLS,
        AreaUnit.BIGHA_EAST,
    ),
    "kn": (AreaUnit.ACRE, AreaUnit.GUNTHA),
    "mr": (AreaUnit.ACRE, AreaUnit.GUNTHA),
    "ta": (AreaUnit.ACRE, AreaUnit.CENT),
    "te": (AreaUnit.ACRE, AreaUnit.GUNTHA, AreaUnit.CENT),
}
"""By language, what farmers who speak it reckon in, the most usual first; the hectare elsewhere."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An area in the reader's unit."""

    value: float
    unit: str
    digits: int
    """Decimals that make sense of it."""

    def __str__(self) -> str:
        return f"{number(self.value, self.digits)}{NBSP}{self.unit}"


def unit(symbol: str) -> str:
    """A unit in the reader's words; what is none of `SYMBOLS` stays as it is."""
    return say(symbol) if symbol in SYMBOLS else symbol


def quantity(value: float, symbol: str, digits: int = 0) -> str:
    """A number with its unit."""
    return with_unit(number(value, digits), symbol)


def with_unit(written: str, symbol: str) -> str:
    """A number, or a range, that is written already, with its unit."""
    return f"{written}{NBSP}{unit(symbol)}"


def distance(value_m: float) -> str:
    """A length in metres with as many decimals as it deserves, and its unit."""
    return with_unit(metres(value_m), "m")


def length(value_m: float) -> Measured:
    """A length in the unit that a person would use."""
    if value_m < 0.995:
        return Measured(100 * value_m, unit("cm"), 1 if value_m < 0.0995 else 0)
    return Measured(value_m, unit("m"), 2 if value_m < 0.095 else 1 if value_m < 9.95 else 0)


def square_metres(value_m2: float) -> str:
    """An area of ground; tenths only where they tell something."""
    return quantity(value_m2, "m²", 0 if value_m2 >= 10 else 1)


def litres(value_l: float) -> str:
    """Of what is sprayed: with as many decimals as can be measured off."""
    return quantity(value_l, "L", 0 if value_l >= 100 else 1 if value_l >= 0.95 else 2)


def millilitres(value_ml: float) -> str:
    """Of a product, as a measuring cup shows it; tenths only of little, and litres of much."""
    if value_ml >= 1000:
        return quantity(value_ml / 1000, "L", 2)
    return quantity(value_ml, "ml", 0 if value_ml >= 9.95 else 1)


def size(count: float) -> str:
    """So many bytes, in the unit that fits."""
    if count >= 1e9:
        return quantity(count / 1e9, "GB", 1)
    if count >= 1e6:
        return quantity(count / 1e6, "MB", 0 if count >= 1e7 else 1)
    return quantity(count / 1000, "KB")


def choose() -> AreaUnit:
    """The unit of this request: the reader's own choice, then the box's."""
    by_name = {one.value: one for one in AreaUnit}
    of_box = by_name.get(box().area_unit, AreaUnit.HECTARE)
    return by_name.get(request.cookies.get(COOKIE, ""), of_box)


def usual(language: str) -> AreaUnit:
    """What most farmers reckon in who speak a language."""
    return USUAL.get(language, (AreaUnit.HECTARE,))[0]


def known() -> dict[str, str]:
    """Units to choose from, in the reader's language, those that are usual in it first."""
    ordered = dict.fromkeys((*USUAL.get(current().language, ()), *AreaUnit))
    return {one.value: say(LONG[one]) for one in ordered}


def measured(hectares: float) -> Measured:
    """An area in the reader's unit, with a decimal for every order of magnitude below a hundred."""
    chosen = choose()
    value = hectares * _HECTARE_M2 / SQUARE_METRES[chosen]
    return Measured(value, say(SHORT[chosen]), _digits(value))


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
