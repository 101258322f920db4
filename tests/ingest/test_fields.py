from __future__ import annotations

import pytest

from fieldbox.domain import Field
from fieldbox.ingest.fields import Ring, field_for, hull


def square(west: float, south: float, side: float = 0.001) -> Ring:
    return ((west, south), (west + side, south), (west + side, south + side), (west, south + side))


def field(number: int, boundary: Ring) -> Field:
    return Field(number, f"F{number}", f"Field {number}", boundary, drawn=True)


FIELDS = [field(1, square(77.0, 12.0)), field(2, square(77.001, 12.0))]


def test_the_field_with_the_largest_share() -> None:
    assert field_for(square(77.0001, 12.0001, 0.0005), FIELDS) == FIELDS[0]
    assert field_for(square(77.0007, 12.0), FIELDS) == FIELDS[1]
    assert field_for(square(77.0015, 12.0005), FIELDS) == FIELDS[1]  # a quarter of it


def test_elsewhere_or_hardly_inside_is_no_field() -> None:
    assert field_for(square(78.0, 12.0), FIELDS) is None
    assert field_for(square(77.0019, 12.0009), FIELDS) is None
    assert field_for(square(77.0, 12.0), []) is None
    assert field_for((), FIELDS) is None


def test_a_boundary_that_crosses_itself_does_no_harm() -> None:
    bow = ((77.0, 12.0), (77.001, 12.001), (77.001, 12.0), (77.0, 12.001))
    flat = ((77.0, 12.0), (77.0, 12.0), (77.0, 12.0))
    assert field_for(square(77.0, 12.0), [field(3, flat), field(4, bow)]) == field(4, bow)


def test_hull_of_points() -> None:
    corners = square(77.0, 12.0)
    found = hull([*corners, (77.0005, 12.0005)])
    assert {(round(x, 9), round(y, 9)) for x, y in found} == {(round(x, 9), round(y, 9)) for x, y in corners}
    assert hull([]) == ()


@pytest.mark.parametrize("points", [[(77.0, 12.0)], [(77.0, 12.0), (77.001, 12.0)], [(77.0, 12.0)] * 5])
def test_a_hull_always_has_an_area(points: list[tuple[float, float]]) -> None:
    ring = hull(points)
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    assert (north - south) * 111_320 == pytest.approx(20, rel=0.05)
    assert field_for(ring, [field(1, square(76.9995, 11.9995, 0.003))]) is not None


def test_a_margin_widens() -> None:
    narrow, wide = hull(square(77.0, 12.0)), hull(square(77.0, 12.0), margin_m=30)
    assert (min(y for _, y in narrow) - min(y for _, y in wide)) * 111_320 == pytest.approx(30, rel=0.01)
