"""Whether treating pays, and what it takes: from weeds to the square metre to litres, tanks and what is saved.

No number here is advice: price, yield, losses, costs and doses are what somebody enters, for no table of them holds from one
farm to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fieldbox.domain import Economics, Interval, Needs, ProductNeed, Spraying

_STEPS = 60
_DENSEST = 1e4
"""Weeds to the square metre: more is a carpet."""


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


def needs(
    spraying: Spraying, pieces: Sequence[tuple[float, float]], field_m2: float, wet: Interval, scale: Interval
) -> Needs:
    """What treating `pieces` (m2, L/ha of the mixture) of a field of `field_m2` takes.

    `wet`: how much more, or less, ground than laid out the sprayer may wet, as it goes on and off in steps (factors of the
    area); `scale`: the 95 % interval of true areas over those of the map. Savings are against the rate of the settings on all
    of the field, which is of the same map: its scale does not touch them.
    """
    area = sum(one for one, _rate in pieces) / 1e4
    spray = sum(one * rate for one, rate in pieces) / 1e4
    whole = field_m2 / 1e4 * spraying.spray_l_ha

    def saved(factor: float) -> float:
        return 100 * (1 - min(1.0, spray * factor / whole)) if whole > 0 else 0.0

    def over(value: float) -> Interval:
        return Interval(value * wet.low * scale.low, value * wet.high * scale.high)

    return Needs(
        area_ha=area,
        area_ha_interval95=over(area),
        spray_l=spray,
        spray_l_interval95=over(spray),
        tanks=_tanks(spray, spraying),
        tanks_most=_tanks(over(spray).high, spraying),
        saved_pct=saved(1.0),
        saved_pct_interval95=Interval(saved(wet.high), saved(wet.low)),
        products=tuple(
            ProductNeed(
                product=one,
                litres=spray * one.dose_l_ha / spraying.spray_l_ha,
                ml_tank=spraying.dose_ml_tank(one),
                saved_l=max(0.0, whole - spray) * one.dose_l_ha / spraying.spray_l_ha,
            )
            for one in spraying.products
        ),
    )


def _tanks(spray_l: float, spraying: Spraying) -> int:
    return math.ceil(spray_l / spraying.tank_l - 1e-9)
