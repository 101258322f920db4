"""Pixels to ground and back, against cases worked out by hand and against OpenCV."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry, distort, radius95, rotation, undistort
from tests.georef.scene import LENS, camera, offsets, photo, pose

TOP = [599.5, 299.5]  # 100 px above the principal point: tangent 0.1
RIGHT = [699.5, 399.5]
CENTRE = [599.5, 399.5]
TAN_5 = 10 * math.tan(math.radians(5))


@pytest.mark.parametrize(
    ("yaw", "top", "right"),
    [
        (0, (0, 1), (1, 0)),
        (90, (1, 0), (0, -1)),
        (180, (0, -1), (-1, 0)),
        (37, (math.sin(math.radians(37)), math.cos(math.radians(37))), (0.79863551, -0.60181502)),
    ],
)
def test_nadir_photo_at_any_yaw(yaw: float, top: tuple[float, float], right: tuple[float, float]) -> None:
    found = offsets(photo(yaw_deg=yaw), [CENTRE, TOP, RIGHT])
    assert found == pytest.approx(np.array([(0, 0), top, right], float), abs=1e-7)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ({"pitch_deg": 5.0}, (0, TAN_5)),  # looks ahead, which is north
        ({"pitch_deg": 5.0, "yaw_deg": 90.0}, (TAN_5, 0)),
        ({"roll_deg": 5.0}, (-TAN_5, 0)),  # looks to the left, which is west
        ({"roll_deg": 5.0, "yaw_deg": 180.0}, (TAN_5, 0)),
    ],
)
def test_tilted_photo(turn: dict[str, float], expected: tuple[float, float]) -> None:
    assert offsets(photo(**turn), [CENTRE])[0] == pytest.approx(np.array(expected), abs=1e-7)


def test_pitched_photo_adds_the_angles_along_the_middle_column() -> None:
    ahead = offsets(photo(pitch_deg=20.0), [TOP])[0]
    assert ahead == pytest.approx(np.array([0, 10 * math.tan(math.radians(20) + math.atan(0.1))]), abs=1e-7)


def test_rotation_is_proper() -> None:
    turned = rotation(37, 12, -8)
    assert turned @ turned.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1.0)


def test_yaw_is_taken_from_true_north_and_distances_from_the_grid() -> None:
    plane = GroundPlane.for_point(60.0, 12.0 - 1e-6)
    place = pose(lat=60.0, lon=11.9)
    geometry = PhotoGeometry("aa", place, camera(), plane)
    lat, lon = plane.to_geographic(*geometry.pixel_to_ground([TOP]).T)
    assert lon[0] == pytest.approx(place.lon, abs=1e-9)  # straight to the true north
    assert (lat[0] - place.lat) * 111_412 == pytest.approx(1.0, rel=2e-3)
    east, _north = geometry.pixel_to_ground([TOP])[0] - geometry.centre
    assert east < -0.04  # 2.5 degrees off the grid's north


@given(
    st.floats(-180, 360),
    st.floats(-30, 30),
    st.floats(-30, 30),
    st.lists(st.tuples(st.floats(0, 1199), st.floats(0, 799)), min_size=1, max_size=8),
    st.sampled_from([(0.0,) * 5, LENS]),
)
def test_round_trip(
    yaw: float, pitch: float, roll: float, xy: list[tuple[float, float]], lens: tuple[float, ...]
) -> None:
    geometry = photo(lens=camera(distortion=lens), yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
    assert geometry.ground_to_pixel(geometry.pixel_to_ground(xy)) == pytest.approx(np.array(xy), abs=1e-4)


@given(st.tuples(st.floats(-0.08, 0.08), st.floats(-0.03, 0.03), *[st.floats(-2e-3, 2e-3)] * 3))
def test_undistort_inverts_distort(lens: tuple[float, float, float, float, float]) -> None:
    points = np.random.default_rng(1).uniform(-0.7, 0.7, (50, 2))
    assert undistort(distort(points, lens), lens) == pytest.approx(points, abs=1e-9)


def test_distortion_is_opencvs() -> None:
    lens = camera(distortion=LENS, cx=610.0, cy=390.0)
    geometry = photo(lens=lens)
    ground = geometry.centre + np.random.default_rng(2).uniform(-5, 5, (40, 2))
    east, north = ((ground - geometry.centre) / geometry.metres_on_grid).T
    matrix = np.array([[1000.0, 0, 610.0], [0, 1000.0, 390.0], [0, 0, 1]])
    points = np.column_stack([east, -north, np.full(40, 10.0)])
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(LENS))
    assert geometry.ground_to_pixel(ground) == pytest.approx(expected.reshape(-1, 2), abs=1e-6)


@pytest.mark.parametrize("lens", [(0.0,) * 5, LENS])
def test_ground_grid_is_the_projection(lens: tuple[float, ...]) -> None:
    geometry = photo(lens=camera(distortion=lens), yaw_deg=37, pitch_deg=6, roll_deg=-9)
    grid = geometry.ground_grid(17.5, 33.5, 4, 250, 120)
    xs, ys = np.meshgrid(17.5 + 4 * np.arange(250), 33.5 + 4 * np.arange(120))
    expected = geometry.pixel_to_ground(np.stack([xs, ys], -1).reshape(-1, 2))
    assert np.abs(grid.reshape(-1, 2) - expected).max() < 0.05 * geometry.gsd_m


def test_footprint_of_a_nadir_photo_is_its_rectangle() -> None:
    geometry = photo()
    ring = (geometry.footprint() - geometry.centre) / geometry.metres_on_grid
    assert ring == pytest.approx(np.array([[-6, 4], [6, 4], [6, -4], [-6, -4]], float), abs=1e-9)


@pytest.mark.parametrize("pitch", [50.0, 70.0, 85.0, 120.0])
def test_footprint_is_cut_before_the_horizon(pitch: float) -> None:
    geometry = photo(pitch_deg=pitch)
    ring = (geometry.footprint() - geometry.centre) / geometry.metres_on_grid
    assert np.isfinite(ring).all()
    assert np.hypot(*ring.T).max(initial=0.0) <= 10 * math.tan(math.radians(75)) + 1e-6
    assert len(ring) if pitch < 90 else not len(ring)


def test_sky_has_no_ground_and_ground_behind_no_pixel() -> None:
    geometry = photo(pitch_deg=80.0)
    assert np.isnan(geometry.pixel_to_ground([TOP])).all()
    assert np.isnan(geometry.ground_to_pixel([geometry.centre - (0, 50)])).all()


def test_folding_lens_shows_nothing_twice() -> None:
    lens = camera(distortion=(-0.3, 0.0, 0.0, 0.0, 0.0))
    far = photo(lens=lens).centre + np.array([[18.0, 0.0]])
    assert np.isnan(photo(lens=lens).ground_to_pixel(far)).all()


def test_gsd_and_its_interval() -> None:
    geometry = photo(height_error_m=0.5)
    assert geometry.gsd_m == pytest.approx(0.01, rel=1e-6)
    half = 1.96 * math.hypot(0.05, 0.02) * 0.01
    assert geometry.gsd_interval95 == pytest.approx((0.01 - half, 0.01 + half), rel=1e-4)


def test_radius95_of_a_circle_and_of_a_line() -> None:
    assert radius95(*np.array([[4.0], [4.0], [0.0]]))[0] == pytest.approx(2 * 2.4477, rel=2e-3)
    assert radius95(*np.array([[4.0], [0.0], [0.0]]))[0] == pytest.approx(2 * 1.96, rel=1e-3)
    assert radius95(*np.array([[2.0], [2.0], [2.0]]))[0] == pytest.approx(2 * 1.96, rel=1e-3)


def test_error_at_the_nadir_is_that_of_position_and_tilt() -> None:
    tilt = 10 * math.radians(1.0)
    expected = 2.4477 * math.hypot(1.5, tilt)
    assert photo().error95_m([CENTRE])[0] == pytest.approx(expected, rel=3e-3)
    assert photo().error95_m([[0.0, 0.0]])[0] > expected


@settings(max_examples=6, deadline=None)
@given(
    st.floats(0, 360),
    st.floats(-15, 15),
    st.tuples(st.floats(0, 1199), st.floats(0, 799)),
    st.floats(0.02, 2.0),
    st.integers(0, 99),
)
def test_error95_holds_95_percent(
    yaw: float, pitch: float, xy: tuple[float, float], error: float, seed: int
) -> None:
    turn = {"yaw_deg": yaw, "pitch_deg": pitch}
    sure = photo(error_m=error, **turn)
    true, draw = sure.pixel_to_ground([xy])[0], np.random.default_rng(seed)
    misses = []
    for _ in range(1500):
        shift = draw.normal(0, 1, 7)
        moved = photo(
            lens=camera(focal_px=1000.0 * (1 + 0.02 * shift[0])),
            yaw_deg=yaw + 2 * shift[1],
            pitch_deg=pitch + shift[2],
            roll_deg=shift[3],
            height_m=10 + 0.5 * shift[4],
        )
        misses.append(moved.pixel_to_ground([xy])[0] + error * shift[5:] - true)
    held = (np.hypot(*np.transpose(misses)) <= sure.error95_m([xy])[0]).mean()
    assert 0.92 <= held <= 0.98
