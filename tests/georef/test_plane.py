"""The ground plane: zones, round trips, convergence and scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane


@pytest.mark.parametrize(
    ("lat", "lon", "epsg"),
    [
        (20.0, 82.5, 32644),
        (-1.3, 36.8, 32737),
        (41.2, -83.3, 32617),
        (0.0, 180.0, 32601),
        (0.0, -180.0, 32601),
    ],
)
def test_zone_of_a_point(lat: float, lon: float, epsg: int) -> None:
    assert GroundPlane.for_point(lat, lon).epsg == epsg


@pytest.mark.parametrize(("lat", "lon"), [(85.0, 0.0), (-81.0, 0.0), (float("nan"), 0.0), (0.0, 200.0)])
def test_no_place_is_rejected(lat: float, lon: float) -> None:
    with pytest.raises(Rejected):
        GroundPlane.for_point(lat, lon)


@given(st.floats(-79, 83), st.floats(-179.9, 179.9))
def test_round_trip(lat: float, lon: float) -> None:
    plane = GroundPlane.for_point(lat, lon)
    back_lat, back_lon = plane.to_geographic(*plane.to_ground([lat], [lon]))
    assert back_lat[0] == pytest.approx(lat, abs=1e-9)
    assert back_lon[0] == pytest.approx(lon, abs=1e-9)


@given(st.floats(-70, 70), st.floats(-179, 179))
def test_convergence_and_scale_are_those_of_a_step_to_the_north(lat: float, lon: float) -> None:
    plane = GroundPlane.for_point(lat, lon)
    east, north = plane.to_ground([lat, lat + 1e-5], [lon, lon])
    azimuth = np.degrees(np.arctan2(east[1] - east[0], north[1] - north[0]))
    assert azimuth == pytest.approx(-plane.convergence_deg(lat, lon), abs=1e-3)
    assert 0.9995 < plane.scale(lat, lon) < 1.0015


def test_east_of_the_central_meridian_grid_north_lies_clockwise_of_true_north() -> None:
    assert GroundPlane.for_point(50.0, 11.0).convergence_deg(50.0, 11.0) == pytest.approx(1.532, abs=2e-3)
    assert GroundPlane.for_point(50.0, 7.0).convergence_deg(50.0, 7.0) == pytest.approx(-1.532, abs=2e-3)
    assert GroundPlane.for_point(50.0, 9.0).scale(50.0, 9.0) == pytest.approx(0.9996, abs=1e-9)
