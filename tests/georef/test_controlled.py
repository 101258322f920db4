"""Surveyed points in the frame of the adjustment, and their heights, whose zero nobody knows."""

from dataclasses import replace

import numpy as np
import pytest

from fieldbox.georef.control import Control, ControlPoint, Mark
from fieldbox.georef.controlled import (
    HORIZONTAL_M,
    VERTICAL_M,
    control_in_frame,
    height_shift,
)
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
    with_heights = control_in_frame(control, ["one", "two"], FRAME, shift_m=490.0)
    assert with_heights.known[[0, 2], 2] == pytest.approx([10.0, 11.0])
    assert with_heights.sigma[:, 2].tolist() == [VERTICAL_M, np.inf, VERTICAL_M]


def test_nothing_to_control() -> None:
    found = control_in_frame(Control((), (), (), ()), ["one"], FRAME)
    assert (found.known.shape, found.sigma.shape, found.xy.shape) == ((0, 3), (0, 3), (0, 2))
    assert height_shift(Control((), (), (), ()), np.zeros((0, 3))) is None


def test_two_heights_tell_no_slope() -> None:
    three = Control((point("a", 0, 0, 10.0), point("b", 1, 0, 11.0), point("c", 2, 0, 12.5)), (), (), ())
    where = np.array([[0, 0, 1.0], [1, 0, 2.0], [2, 0, 3.0]])
    assert height_shift(three, where) == 9.0
    where[2, 2] = np.nan
    assert height_shift(three, where) is None


@pytest.fixture(scope="module")
def sloping() -> Block:
    """Told heights off by metres, on uneven ground."""
    return block(Wish(seed=5, altitude=40.0, relief=3.0, height_sigma=2.0))


def test_a_list_places_the_block_to_centimetres(sloping: Block) -> None:
    control, true = surveyed(sloping)
    points = control_in_frame(control, order(sloping), FRAME)
    result = proof.adjusted(sloping, points)
    assert np.hypot(*(result.control - true)[:, :2].T).max() < 0.1


def test_heights_of_a_list_tell_how_the_ground_rises(sloping: Block) -> None:
    """The first six points are known in height, the others checks: their height against the mean of all."""
    control, true = surveyed(sloping)
    flat = control_in_frame(control, order(sloping), FRAME)
    flat = replace(flat, sigma=np.vstack([flat.sigma[:6], np.full((4, 3), np.inf)]))
    first = proof.adjusted(sloping, flat)
    shift = height_shift(replace(control, points=control.points[:6]), first.control[:6])
    assert shift is not None
    assert shift == pytest.approx(ABOVE, abs=6.0)
    raised = control_in_frame(control, order(sloping), FRAME, shift_m=shift)
    raised = replace(raised, sigma=np.vstack([raised.sigma[:6], np.full((4, 3), np.inf)]))
    second = proof.adjusted(sloping, raised)

    def bend(found: np.ndarray) -> float:
        off = (found - true)[:, 2]
        return proof.root(off[6:] - off[:6].mean())

    assert bend(second.control) < bend(first.control)
    assert bend(second.control) < 0.15
    assert np.hypot(*(second.control - true)[:, :2].T).max() < 0.1
