"""Coordinate systems that a file names: known points, refusals, what a change of datum costs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.errors import Rejected
from fieldbox.georef.crs import UNSTATED_M, map_system, names_system
from fieldbox.georef.plane import GroundPlane


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:32643",
        "epsg:32643",
        " 'EPSG: 32643' ",
        "WGS84 UTM 43N",
        "WGS 84 / UTM zone 43N",
        "+proj=utm +zone=43 +ellps=WGS84 +datum=WGS84 +units=m +no_defs",
        "+proj=utm +zone=43 +north +ellps=WGS84 +units=m +no_defs",
        "+proj=utm +zone=43 +ellps=WGS84 +towgs84=0,0,0 +units=m",
    ],
)
def test_names_of_one_system(text: str) -> None:
    """On the central meridian east is 500 km; the equator's quadrant to 27.1 degrees is 3,000 km x 0.9996."""
    assert names_system(text)
    found = map_system(text).locate(500_000.0, 3_000_000.0)
    assert found is not None
    assert found.lon == pytest.approx(75.0, abs=1e-9)
    assert found.lat == pytest.approx(27.12246965, abs=1e-7)
    assert found.shift_error_m == 0.0


def test_degrees_are_longitude_first() -> None:
    assert map_system("EPSG:4326").locate(77.1, 28.5) == (28.5, 77.1, 0.0)
    assert map_system("EPSG:4979").locate(77.1, 28.5) == (28.5, 77.1, 0.0)
    assert map_system("EPSG:9518").locate(77.1, 28.5) == (
        28.5,
        77.1,
        0.0,
    )  # compound: its heights are left out


def test_a_register_that_puts_north_first_changes_nothing() -> None:
    """EPSG:2193 (New Zealand) lists north before east; coordinates are still given east first."""
    system = map_system("EPSG:2193")
    assert system.north_first
    found = system.locate(1_600_000.0, 5_429_228.0)
    assert found is not None
    assert found.lon == pytest.approx(173.0, abs=1e-6)
    assert found.lat == pytest.approx(-41.29, abs=0.01)


def test_british_grid_without_its_internet_grid() -> None:
    """Caister water tower, the worked example of the Ordnance Survey's guide to coordinate systems: WGS 84
    52 39 28.723 N, 1 42 57.787 E. Without the grid of OSTN15 PROJ states 2 m."""
    found = map_system("EPSG:27700").locate(651_409.903, 313_177.270)
    assert found is not None
    assert found.lat == pytest.approx(52.6579786, abs=2e-5)
    assert found.lon == pytest.approx(1.7160519, abs=4e-5)
    assert found.shift_error_m == 2.0


@pytest.mark.parametrize(("text", "error"), [("EPSG:24343", 22.0), ("EPSG:25832", 0.0), ("EPSG:7755", 0.0)])
def test_what_the_datum_adds(text: str, error: float) -> None:
    system = map_system(text)
    x, y = (4_000_000.0, 4_000_000.0) if text == "EPSG:7755" else (500_000.0, 3_000_000.0)
    if text == "EPSG:25832":
        y = 5_500_000.0
    found = system.locate(x, y)
    assert found is not None
    assert found.shift_error_m == error


def test_a_shift_of_the_files_own_is_of_unknown_worth() -> None:
    text = "+proj=utm +zone=43 +a=6377301.243 +b=6356100.230165384 +towgs84=283,682,231 +units=m"
    found = map_system(text).locate(500_000.0, 3_000_000.0)
    assert found is not None
    assert found.shift_error_m == UNSTATED_M


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:5773",  # heights
        "EPSG:4978",  # earth-centred
        "EPSG:999999",
        "EPSG:0000",
        "EPSG:99999999999999999999",
        "WGS84 UTM 61N",
        "WGS84 UTM 0S",
        "WGS84",
        "",
        "+proj=utm +zone=43 +ellps=bessel",  # no datum
        "+proj=nonsense",
        "+proj=utm +zone=99 +datum=WGS84",
        "+init=epsg:32643",
        "+proj=utm +zone=43 +nadgrids=/etc/passwd",
        "+proj=pipeline +step +proj=utm +zone=43",
        "+proj=utm +zone=43 +datum=WGS84 +axis=neu",
        "+proj=utm +zone=43 +datum=WGS84 " + "+a=1+2" * 100,
        "EPSG:32643" + " " * 10 + "x" * 1000,
        "GEOGCS[]",
    ],
)
def test_unfit_systems_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        map_system(text)
    assert "EPSG:" in str(caught.value)


def test_places_outside_the_systems_area_are_none() -> None:
    utm = map_system("EPSG:32643")
    assert utm.locate(3_000_000.0, 500_000.0) is None  # swapped
    assert utm.locate(28.5, 77.1) is None  # degrees: on the equator, far west of the zone
    assert utm.locate(1e30, 1e30) is None
    assert map_system("EPSG:4326").locate(28.5, 97.1) is None
    assert map_system("EPSG:4326").locate(300.0, 28.5) is None
    assert map_system("EPSG:32660").locate(800_000.0, 3_000_000.0) is not None  # over the date line
    assert map_system("EPSG:27700").locate(538_881.0, 3_177_379.0) is None


def test_convergence_is_that_of_the_ground_plane() -> None:
    assert map_system("EPSG:32632").convergence_deg(50.0, 11.0) == pytest.approx(1.532, abs=2e-3)
    assert map_system("EPSG:4326").convergence_deg(50.0, 11.0) == 0.0


@settings(deadline=None)
@given(st.floats(-79, 83), st.floats(-179.9, 179.9))
def test_there_and_back(lat: float, lon: float) -> None:
    plane = GroundPlane.for_point(lat, lon)
    east, north = plane.to_ground(lat, lon)
    found = map_system(f"EPSG:{plane.epsg}").locate(float(east), float(north))
    assert found is not None
    assert np.allclose((found.lat, found.lon), (lat, lon), atol=1e-9)


@settings(deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(EPSG:[0-9]{1,6}|WGS84 UTM [0-9]{1,3}[NSX])", fullmatch=True))
def test_any_text_is_a_system_or_rejected(text: str) -> None:
    try:
        system = map_system(text)
    except Rejected:
        return
    found = system.locate(500_000.0, 3_000_000.0)
    assert found is None or math.isfinite(found.lat + found.lon)
