from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import text

from fieldbox.domain import Economics, KeepOff, Product, Spraying, Strategy
from fieldbox.errors import Rejected
from fieldbox.storage.store import Store
from tests.storage.samples import RING


def test_fields_get_codes_in_turn(store: Store) -> None:
    first = store.add_field("North", RING, drawn=True, crop="chilli")
    second = store.add_field("East", RING, drawn=False)
    assert (first.code, second.code) == ("F01", "F02")
    assert (first.boundary, first.drawn, first.crop, first.sown_on) == (RING, True, "chilli", None)
    assert store.fields() == [second, first]
    assert store.field(first.id) == first
    assert store.field(99) is None


def test_a_name_is_given_once(store: Store) -> None:
    first = store.add_field("North", RING, drawn=True)
    store.add_field("East", RING, drawn=True)
    with pytest.raises(Rejected, match="named East already"):
        store.update_field(first.id, name="East")
    with pytest.raises(Rejected, match="named North already"):
        store.add_field("North", RING, drawn=True)
    assert store.update_field(first.id, name="North").name == "North"


def test_an_update_changes_only_what_is_given(store: Store) -> None:
    field = store.add_field("North", RING, drawn=False, crop="chilli")
    sown = store.update_field(field.id, sown_on=date(2026, 5, 1))
    assert (sown.crop, sown.sown_on, sown.drawn) == ("chilli", date(2026, 5, 1), False)
    assert store.update_field(field.id, crop=None).crop is None
    assert store.update_field(field.id) == store.field(field.id)


def test_a_new_boundary_counts_as_drawn_unless_said_otherwise(store: Store) -> None:
    field = store.add_field("North", RING, drawn=False)
    larger = (*RING, (77.0, 12.002))
    assert not store.update_field(field.id, boundary=larger, drawn=False).drawn
    drawn = store.update_field(field.id, boundary=larger)
    assert drawn.drawn
    assert drawn.boundary == larger


def test_an_unknown_field_is_not_updated(store: Store) -> None:
    with pytest.raises(Rejected, match="no field number 7"):
        store.update_field(7, name="Nowhere")


def test_how_a_field_is_sprayed_is_kept(store: Store) -> None:
    field = store.add_field("North", RING, drawn=True)
    assert store.spraying(field.id) == Spraying()
    how = Spraying(
        swath_m=3.0,
        strategy=Strategy.SWATHS,
        products=(Product("one", 1.5), Product("two", 0.25)),
        economics=Economics(price_per_t=20_000, yield_t_ha=3, loss_pct_per_weed=2, cost_per_ha=1_080),
        keep_off=(KeepOff("pond", (RING, RING[::-1]), 5.0),),
        vigour_rates=(250.0, 200.0, 150.0),
    )
    store.spray(field.id, how)
    assert store.spraying(field.id) == how
    with pytest.raises(Rejected, match="no field number 7"):
        store.spray(7, how)


def test_what_another_release_kept_is_read(store: Store) -> None:
    field = store.add_field("North", RING, drawn=True)
    store.spray(field.id, Spraying(swath_m=3.0))
    with store._database.write() as connection:
        connection.execute(text('UPDATE fields SET spraying = \'{"swath_m": 4.0, "wind": 3}\''))
    assert store.spraying(field.id) == Spraying(swath_m=4.0)


def test_the_direction_of_the_rows_is_kept_and_taken_back(store: Store) -> None:
    field = store.add_field("North", RING, drawn=False)
    assert field.row_deg is None
    told = store.update_field(field.id, row_deg=34.5)
    assert (told.row_deg, told.drawn) == (34.5, False)
    assert store.update_field(field.id, name="South").row_deg == 34.5
    assert store.update_field(field.id, row_deg=None).row_deg is None


def test_a_field_of_which_nothing_is_known_but_its_outline_is_removed(store: Store) -> None:
    bare = store.add_field("Bare", RING, drawn=False)
    assert store.remove_empty_field(bare.id)
    assert store.fields() == []


@pytest.mark.parametrize(
    "tell",
    [
        lambda store, field: store.update_field(field, crop="chilli"),
        lambda store, field: store.update_field(field, sown_on=date(2026, 5, 1)),
        lambda store, field: store.update_field(field, boundary=RING),
        lambda store, field: store.update_field(field, row_deg=12.0),
        lambda store, field: store.spray(field, Spraying(swath_m=4.0)),
    ],
    ids=["crop", "sown", "drawn", "rows", "spraying"],
)
def test_a_field_of_which_somebody_told_something_stays(
    store: Store, tell: Callable[[Store, int], object]
) -> None:
    field = store.add_field("North", RING, drawn=False)
    tell(store, field.id)
    assert not store.remove_empty_field(field.id)
    assert store.field(field.id) is not None
