"""Thresholds and litres, against what is worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.domain import Economics, Interval, Product, Spraying
from fieldbox.mapping.prescribing import needs, threshold

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
    how = Spraying(spray_l_ha=300, tank_l=15, products=(Product("x", 1.5),))
    told = needs(how, [(700, 300), (500, 300)], 10_000, Interval(1.0, 1.25), Interval(0.8, 1.0))
    # 0.12 ha: 36 l of the mixture, which are 2.4 tanks, and 0.18 l of the product; a whole hectare takes 300 l and 1.5 l.
    assert told.area_ha == pytest.approx(0.12)
    assert told.spray_l == pytest.approx(36)
    assert told.spray_l_interval95 == pytest.approx(Interval(28.8, 45))
    assert (told.tanks, told.tanks_most) == (3, 3)  # 45 l at most
    assert told.saved_pct == pytest.approx(88)
    # 45 of 300 l are 15 %; the map's scale is that of the whole field, too.
    assert told.saved_pct_interval95 == pytest.approx(Interval(85, 88))
    (need,) = told.products
    assert need.litres == pytest.approx(0.18)
    assert need.saved_l == pytest.approx(1.32)
    assert need.ml_tank == pytest.approx(75)


def test_rates_differ() -> None:
    how = Spraying(spray_l_ha=200, tank_l=15)
    told = needs(how, [(5_000, 100), (5_000, 200)], 10_000, Interval(1, 1), Interval(1, 1))
    assert told.spray_l == pytest.approx(150)
    assert told.tanks == 10  # full ones are not one more
    assert told.saved_pct == pytest.approx(25)


@pytest.mark.parametrize(
    "wrong", [{"spray_l_ha": 1.0}, {"tank_l": 0.0}, {"swath_m": -1.0}, {"coverage": 1.5}]
)
def test_what_no_sprayer_can_do(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"above 0|to 100 m|part of the spray|a share"):
        Spraying(**{"products": (Product("x", 2.0),), **wrong})  # type: ignore[arg-type]
