"""Thresholds and litres, against what is worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import Interval
from fieldbox.mapping.prescribing import Economics, Product, needs, threshold

SOME = Economics(price_per_t=20_000, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=1_080)


def test_a_threshold_by_hand() -> None:
    # 60,000 a hectare; 1 weed costs 2 / 1.02 % = 1176.47, a tenth of one 0.2 / 1.002 % = 119.76: gain 1056.71 - 1080 < 0.
    assert SOME.loss_per_ha(1.0) == pytest.approx(1176.47, abs=0.01)
    assert SOME.gain_per_ha(1.0) == pytest.approx(-23.29, abs=0.01)
    found = threshold(SOME)
    assert found is not None
    assert 1.0 < found < 1.05
    assert SOME.gain_per_ha(found) == pytest.approx(0.0, abs=1e-6)


def test_what_costs_more_than_the_crop_never_pays() -> None:
    assert threshold(Economics(price_per_t=1, yield_t_ha=1, loss_pct_per_weed=1, cost_per_ha=2)) is None


@given(
    price=st.floats(10, 1e5), loss=st.floats(0.01, 50), most=st.floats(20, 100), cost=st.floats(1, 1e4),
    efficacy=st.floats(0.3, 1.0),
)  # fmt: skip
def test_below_the_threshold_treating_does_not_pay(
    price: float, loss: float, most: float, cost: float, efficacy: float
) -> None:
    one = Economics(
        price_per_t=price,
        yield_t_ha=2,
        loss_pct_per_weed=loss,
        most_loss_pct=most,
        cost_per_ha=cost,
        efficacy=efficacy,
    )
    found = threshold(one)
    if found is not None:
        assert one.gain_per_ha(found * 1.001) > -1e-6 * cost
        assert one.gain_per_ha(found * 0.99) <= 1e-6 * cost


def test_litres_by_hand() -> None:
    herbicide = Product(name="x", dose_l_ha=1.5, spray_l_ha=300, tank_l=15)
    assert herbicide.dose_ml_tank == pytest.approx(75)
    told = needs(herbicide, 1_200, 10_000, Interval(1_000, 1_500))
    # 0.12 ha: 0.18 l in 36 l, which are 2.4 tanks; a whole hectare takes 1.5 l.
    assert told.product_l == pytest.approx(0.18)
    assert told.spray_l == pytest.approx(36)
    assert told.tanks == 3
    assert told.saved_l == pytest.approx(1.32)
    assert told.saved_pct == pytest.approx(88)
    assert told.saved_pct_interval95 == pytest.approx(Interval(85, 90))


def test_full_tanks_are_not_one_more() -> None:
    herbicide = Product(name="x", dose_l_ha=1, spray_l_ha=150, tank_l=15)
    assert needs(herbicide, 3_000, 10_000, Interval(3_000, 3_000)).tanks == 3


@pytest.mark.parametrize("wrong", [(0.0, 100.0, 15.0), (2.0, 1.0, 15.0), (1.0, 100.0, 0.0)])
def test_what_cannot_be_mixed(wrong: tuple[float, float, float]) -> None:
    dose, spray, tank = wrong
    with pytest.raises(ValueError, match="part of the spray"):
        Product(name="x", dose_l_ha=dose, spray_l_ha=spray, tank_l=tank)
