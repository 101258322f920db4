"""Lists against the photos' own GPS."""

import pytest

from fieldbox.georef.agreement import control_disagrees, list_disagrees
from fieldbox.georef.control import ControlPoint
from fieldbox.georef.positions import StatedPosition


def stated(image: str, lat: float, lon: float) -> StatedPosition:
    return StatedPosition(image, lat, lon, None, None, None, None)


def point(lat: float, lon: float) -> ControlPoint:
    return ControlPoint("a", lat, lon, None, "EPSG:4326", lon, lat, 0.0)


OWN = {"a": (28.5, 77.1), "b": (28.5001, 77.1)}


def test_lists_that_fit() -> None:
    assert list_disagrees([stated("a", 28.50002, 77.1), stated("b", 28.50012, 77.1)], OWN) is None
    assert list_disagrees([stated("c", 0.0, 0.0)], OWN) is None
    assert list_disagrees([], {}) is None
    assert control_disagrees([point(28.503, 77.1), point(0.0, 0.0)], OWN.values()) is None
    assert control_disagrees([], OWN.values()) is None
    assert control_disagrees([point(28.5, 77.1)], []) is None


def test_latitude_and_longitude_swapped() -> None:
    """From 28.5 N, 77.1 E to 77.1 N, 28.5 E: about 6,000 km."""
    sentence = list_disagrees([stated("a", 77.1, 28.5)], OWN)
    assert sentence is not None
    assert sentence.params["km"] == pytest.approx(6000, rel=0.05)
    assert control_disagrees([point(77.1, 28.5)], OWN.values()) is not None


def test_one_odd_photo_is_no_reason() -> None:
    three = [stated("a", 28.5, 77.1), stated("b", 28.5, 77.1), stated("c", 29.5, 77.1)]
    assert list_disagrees(three, {**OWN, "c": (28.5, 77.1)}) is None


@pytest.mark.parametrize(("lat", "metres"), [(0.0, 4_452.8), (60.0, 2_226.4)])
def test_distances(lat: float, metres: float) -> None:
    sentence = list_disagrees([stated("a", lat, 179.98)], {"a": (lat, -179.98)})
    assert sentence is not None
    assert sentence.params["distance"] == pytest.approx(metres, rel=1e-3)
