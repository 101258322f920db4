"""The form that tells how a field is treated."""

from __future__ import annotations

from dataclasses import replace

from werkzeug.datastructures import MultiDict

from fieldbox.dashboard.doses import DoseBy, Measures, WaterBy
from fieldbox.domain import Economics, Product, Spraying, Strategy

STRIP_M = 5.0
"""Around ground that is kept off, where nobody says otherwise."""
PRODUCTS = 3
"""Rows for them in the form."""
_SPRAYER = ("swath_m", "step_m", "drift_m", "tank_l")
_MONEY = ("price_per_t", "yield_t_ha", "loss_pct_per_weed", "cost_per_ha")
_LONGEST = 80
_AS_KEPT = Measures()


def shown(how: Spraying, measures: Measures = _AS_KEPT) -> dict[str, str]:
    """What stands in the form: plain numbers, as browsers want them; doses and water as the reader tells them."""
    values: dict[str, float | str | None] = {name: getattr(how, name) for name in _SPRAYER}
    values["coverage_pct"] = round(100 * how.coverage, 3)
    values["from_per_m2"] = how.from_per_m2
    values["aim_m"] = how.aim_m
    values["strategy"] = how.strategy.value if how.strategy else None
    for name in _MONEY:
        values[name] = getattr(how.economics, name) if how.economics else None
    values["strip_m"] = STRIP_M
    values["efficacy_pct"] = round(100 * how.economics.efficacy, 3) if how.economics else None
    for row, one in enumerate(how.products[:PRODUCTS]):
        values[f"product{row}"] = one.name
        dose = measures.dose_told(one.dose_l_ha, how.spray_l_ha, how.tank_l)
        values[f"dose{row}"] = dose if measures.dose is DoseBy.HECTARE else _rounded(dose)
        values[f"exact_dose{row}"] = repr(dose)
    water = measures.water_told(how.spray_l_ha, how.tank_l)
    values["water"] = water if measures.water is WaterBy.HECTARE else _rounded(water)
    values["exact_water"] = repr(water)
    values |= {"dose_by": measures.dose.value, "water_by": measures.water.value}
    return {name: _text(value) for name, value in values.items()}


def told_in(form: MultiDict[str, str], before: Spraying, measures: Measures = _AS_KEPT) -> Spraying:
    """How a field is treated, by what somebody filled in; an empty place is as it comes, or not known.

    Raises ValueError for what no sprayer can do, and for prices of which one is missing.
    """
    usual = Spraying()
    told = {name: value for name in _SPRAYER if (value := _number(form, name)) is not None}
    sizes = {name: getattr(usual, name) for name in _SPRAYER} | told
    water = _number(form, "water")
    sizes["spray_l_ha"] = usual.spray_l_ha if water is None else measures.water_l_ha(water, sizes["tank_l"])
    # Products before were doses of the water before: what is told comes with the new water.
    sprayer = replace(before, **sizes, products=())
    coverage = _number(form, "coverage_pct")
    way = form.get("strategy", "")
    return replace(
        sprayer,
        coverage=usual.coverage if coverage is None else coverage / 100,
        from_per_m2=_number(form, "from_per_m2"),
        aim_m=_number(form, "aim_m"),
        strategy=Strategy(way) if way else None,
        economics=_economics(form, before.economics),
        products=(*_products(form, sprayer, measures), *before.products[PRODUCTS:]),
    )


def _economics(form: MultiDict[str, str], before: Economics | None) -> Economics | None:
    """What the form does not ask for stays as it was."""
    money = {name: _number(form, name) for name in _MONEY}
    known = {name: value for name, value in money.items() if value is not None}
    if not known:
        return None
    if len(known) < len(money):
        raise ValueError("prices come together")
    efficacy = _number(form, "efficacy_pct")
    rest = {"most_loss_pct": before.most_loss_pct} if before else {}
    return Economics(**known, **rest, efficacy=0.9 if efficacy is None else efficacy / 100)


def _products(form: MultiDict[str, str], sprayer: Spraying, measures: Measures) -> list[Product]:
    names = [(row, " ".join(form.get(f"product{row}", "").split())[:_LONGEST]) for row in range(PRODUCTS)]
    doses = [(name, _number(form, f"dose{row}") or 0.0) for row, name in names if name]
    return [
        Product(name, measures.dose_l_ha(dose, sprayer.spray_l_ha, sprayer.tank_l)) for name, dose in doses
    ]


def _rounded(value: float) -> float:
    """To what anybody measures off: a number that was told in this measure comes back as it was."""
    return float(f"{value:.6g}")


def _number(form: MultiDict[str, str], name: str) -> float | None:
    text = form.get(name, "").strip().replace(",", ".")
    return float(text) if text else None


def _text(value: float | str | None) -> str:
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)
