"""Control points and their marks."""

from __future__ import annotations

import pytest

from fieldbox.domain import ControlMark, MarkedPoint
from fieldbox.errors import Rejected
from fieldbox.storage.store import Store
from tests.storage.samples import add_flight


def point(field_id: int, name: str, lat: float = 12.0) -> MarkedPoint:
    """A point that nobody kept yet."""
    return MarkedPoint(0, field_id, name, lat, 77.0, None, 0.05, "asha")


def test_points_are_kept_by_field_and_name(store: Store) -> None:
    flight = add_flight(store)
    assert flight.field_id is not None
    second = store.add_control_point(point(flight.field_id, "south gate", 12.0005))
    first = store.add_control_point(point(flight.field_id, "north gate"))
    assert (first.lat, first.height_m, first.error_m, first.made_by, first.marks) == (
        12.0,
        None,
        0.05,
        "asha",
        (),
    )
    assert store.control_points(flight.field_id) == [first, second]
    assert store.control_point(second.id) == second
    assert store.control_points(99) == []
    with pytest.raises(Rejected, match="north gate already"):
        store.add_control_point(point(flight.field_id, "north gate"))


def test_a_photo_shows_a_point_at_one_place(store: Store) -> None:
    flight = add_flight(store)
    assert flight.field_id is not None
    kept = store.add_control_point(point(flight.field_id, "gate"))
    photo, other = (one.digest for one in flight.captures[:2])
    store.mark_point(kept.id, ControlMark(photo, 10.0, 20.0))
    store.mark_point(kept.id, ControlMark(other, 1.0, 2.0))
    moved = store.mark_point(kept.id, ControlMark(photo, 11.5, 20.0))
    assert moved.marks == (ControlMark(photo, 11.5, 20.0), ControlMark(other, 1.0, 2.0))
    assert store.unmark_point(kept.id, other)
    assert not store.unmark_point(kept.id, other)
    assert store.control_points(flight.field_id)[0].marks == (ControlMark(photo, 11.5, 20.0),)


def test_what_is_not_there_is_not_marked(store: Store) -> None:
    flight = add_flight(store)
    assert flight.field_id is not None
    kept = store.add_control_point(point(flight.field_id, "gate"))
    with pytest.raises(Rejected, match="no such photo"):
        store.mark_point(kept.id, ControlMark("f" * 64, 1.0, 1.0))
    with pytest.raises(Rejected, match="no control point number 77"):
        store.mark_point(77, ControlMark(flight.captures[0].digest, 1.0, 1.0))


def test_a_point_goes_with_its_marks(store: Store) -> None:
    flight = add_flight(store)
    assert flight.field_id is not None
    kept = store.add_control_point(point(flight.field_id, "gate"))
    before = store.conditions(flight.id)
    store.mark_point(kept.id, ControlMark(flight.captures[0].digest, 1.0, 1.0))
    assert store.conditions(flight.id) != before
    assert store.remove_control_point(kept.id)
    assert not store.remove_control_point(kept.id)
    assert store.control_point(kept.id) is None
    assert store.conditions(flight.id) == before
