"""Surveyed points in the frame of the adjustment."""

from dataclasses import replace

import numpy as np
import pytest

from fieldbox.georef.control import Control, ControlPoint, Mark
from fieldbox.georef.controlled import HORIZONTAL_M, control_in_frame
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.ties import Frame
from tests.georef import adjustment_proof as proof
from tests.georef.block_scene import Block, Wish, block

PLANE = GroundPlane.for_point(18.56, 74.24)
EAST, NORTH = (float(one) for one in PLANE.to_ground(18.56, 74.24))
FRAME = Frame(PLANE, EAST, NORTH, PLANE.scale(18.56, 74.24))
ABOVE = 548.2
"""What the list's heights count from lies so far below the ground."""


def point(name: str, east: float, north: float, up: float | None, shift_error_m: float = 0.0) -> ControlPoint:
    """A point by its local metres."""
    grid = FRAME.to_grid(np.array([[east, north]]))[0]
    lat, lon = (float(one) for one in PLANE.to_geographic(grid[0], grid[1]))
    return ControlPoint(name, lat, lon, up, "EPSG:4326", lon, lat, shift_error_m)


def surveyed(made: Block, sigma: float = 0.01) -> tuple[Control, np.ndarray]:
    """Ten points of a simulated block as a list gives them, and their true places."""
    given, true = proof.control_of(made, sigma, checks=6)
    points = tuple(
        point(f"p{n}", *place[:2], up=float(place[2]) + ABOVE) for n, place in enumerate(given.known.tolist())
    )
    marks = tuple(
        Mark(f"p{which}", f"photo {photo}", float(x), float(y))
        for which, photo, (x, y) in zip(given.point, given.photo, given.xy, strict=True)
    )
    return Control(points, marks, (), ()), true


def order(made: Block) -> list[str]:
    return [f"photo {number}" for number in range(len(made.true))]


def test_points_become_local_and_marks_numbers() -> None:
    control = Control(
        (
            point("a", 10.0, -20.0, 500.0),
            point("b", 0.0, 0.0, None, shift_error_m=3.0),
            point("c", 5.0, 5.0, 501.0),
        ),
        (Mark("a", "two", 1.0, 2.0), Mark("b", "one", 3.5, 4.0), Mark("a", "elsewhere", 5.0, 6.0)),
        (),
        (),
    )
    found = control_in_frame(control, ["one", "two"], FRAME)
    assert found.known[:, :2] == pytest.approx(np.array([[10, -20], [0, 0], [5, 5]]), abs=1e-4)
    assert np.isnan(found.known[:, 2]).all()
    assert np.isinf(found.sigma[:, 2]).all()
    assert found.sigma[:, 0] == pytest.approx([HORIZONTAL_M, 3.00007, HORIZONTAL_M], abs=1e-4)
    assert (found.photo.tolist(), found.point.tolist()) == ([1, 0], [0, 1])
    assert found.xy.tolist() == [[1.0, 2.0], [3.5, 4.0]]


def test_nothing_to_control() -> None:
    found = control_in_frame(Control((), (), (), ()), ["one"], FRAME)
    assert (found.known.shape, found.sigma.shape, found.xy.shape) == ((0, 3), (0, 3), (0, 2))


@pytest.fixture(scope="module")
def sloping() -> Block:
    """Told heights off by metres, on uneven ground."""
    return block(Wish(seed=5, altitude=40.0, relief=3.0, height_sigma=2.0))


def test_a_list_places_the_block_to_centimetres(sloping: Block) -> None:
    control, true = surveyed(sloping)
    points = control_in_frame(control, order(sloping), FRAME)
    result = proof.adjusted(sloping, points)
    assert np.hypot(*(result.control - true)[:, :2].T).max() < 0.1


def test_a_point_counts_as_exact_as_its_list_says() -> None:
    stated = replace(point("a", 0.0, 0.0, None), error95_m=1.0)
    found = control_in_frame(Control((stated, point("b", 1.0, 1.0, None)), (), (), ()), [], FRAME)
    assert found.sigma[:, 0] == pytest.approx([1.0 / 2.4477, HORIZONTAL_M])
