"""Whether treating pays, and what it takes: from weeds to the square metre to litres, tanks and what is saved.

No number here is advice: price, yield, losses, costs and doses are what somebody enters, for no table of them holds from one
farm to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fieldbox.domain import Interval

_STEPS = 60
_DENSEST = 1e4
"""Weeds to the square metre: more is a carpet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """What weeds cost and what treating them does. Money in one currency."""

    price_per_t: float
    yield_t_ha: float
    """Without weeds."""
    loss_pct_per_weed: float
    """Of the yield, for each of the first few weeds to the square metre."""
    most_loss_pct: float = 100.0
    """However many there are."""
    cost_per_ha: float
    """Of the treatment, product and work."""
    efficacy: float = 0.9
    """Share of the weeds that it kills."""

    def loss_per_ha(self, density: float) -> float:
        """Money that so many weeds to the square metre cost: the hyperbola of Cousens (1985, Annals of Applied Biology 107,
        239-252)."""
        some = self.loss_pct_per_weed * density
        return self.price_per_t * self.yield_t_ha * some / (1 + some / self.most_loss_pct) / 100

    def gain_per_ha(self, density: float) -> float:
        """Money that treating so many weeds brings, less its cost."""
        return self.loss_per_ha(density) - self.loss_per_ha(density * (1 - self.efficacy)) - self.cost_per_ha


def threshold(economics: Economics) -> float | None:
    """Weeds to the square metre from which treating pays; None: it never does."""
    # The gain rises up to here (its derivative is 0) and falls beyond.
    best = (
        economics.most_loss_pct / economics.loss_pct_per_weed / math.sqrt(max(1 - economics.efficacy, 1e-6))
    )
    low, high = 0.0, min(best, _DENSEST)
    if economics.gain_per_ha(high) <= 0:
        return None
    for _step in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if economics.gain_per_ha(middle) > 0 else (middle, high)
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What is sprayed, and out of what."""

    name: str
    dose_l_ha: float
    """Of the product."""
    spray_l_ha: float
    """Of the mixture."""
    tank_l: float

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be mixed."""
        if not (0 < self.dose_l_ha <= self.spray_l_ha and self.tank_l > 0):
            raise ValueError("a dose is part of the spray, and a tank holds some of it")

    @property
    def dose_ml_tank(self) -> float:
        """Millilitres of the product for a full tank."""
        return 1000 * self.tank_l * self.dose_l_ha / self.spray_l_ha


@dataclass(frozen=True, slots=True)
class Needs:
    """What treating some ground takes."""

    area_ha: float
    product_l: float
    spray_l: float
    tanks: int
    """To fill, the last one perhaps in part."""
    saved_l: float
    """Of the product, against spraying the whole field."""
    saved_pct: float
    saved_pct_interval95: Interval


def needs(product: Product, area_m2: float, field_m2: float, area_interval_m2: Interval) -> Needs:
    """What `area_m2` of a field of `field_m2` takes; `area_interval_m2` is the 95 % interval of the area."""
    treated, whole = area_m2 / 1e4, field_m2 / 1e4
    spray = treated * product.spray_l_ha

    def saved(area: float) -> float:
        return 100 * (1 - min(area, field_m2) / field_m2) if field_m2 > 0 else 0.0

    return Needs(
        area_ha=treated,
        product_l=treated * product.dose_l_ha,
        spray_l=spray,
        tanks=math.ceil(spray / product.tank_l - 1e-9),
        saved_l=max(0.0, whole - treated) * product.dose_l_ha,
        saved_pct=saved(area_m2),
        saved_pct_interval95=Interval(saved(area_interval_m2.high), saved(area_interval_m2.low)),
    )
