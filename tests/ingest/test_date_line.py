"""Fields and flights that lie across 180 degrees."""

from __future__ import annotations

import pytest
import shapely

from fieldbox.domain import Field
from fieldbox.ingest.fields import field_for, hull
from fieldbox.sorties import _holds, _require_near

ACROSS = ((179.9999, -16.8), (-179.9999, -16.8), (-179.9999, -16.7998), (179.9999, -16.7998))
WRAPPED = tuple((lon % 360.0, lat) for lon, lat in ACROSS)


def test_the_outline_of_a_flight_is_as_wide_as_the_flight() -> None:
    assert shapely.Polygon(hull(ACROSS)).area == pytest.approx(2e-4 * 2e-4, rel=1e-3)


@pytest.mark.parametrize("boundary", [ACROSS, WRAPPED])
@pytest.mark.parametrize("outline", [ACROSS, WRAPPED, ACROSS[1:] + ACROSS[:1]])
def test_a_field_is_known_again(
    boundary: tuple[tuple[float, float], ...], outline: tuple[tuple[float, float], ...]
) -> None:
    field = Field(1, "F1", "A", boundary, drawn=False)
    assert field_for(outline, [field]) == field
    _require_near(field, outline, 100.0)
    assert _holds(boundary, outline)
