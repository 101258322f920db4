from __future__ import annotations

import pytest

from fieldbox.imagery.cameras import camera_of
from fieldbox.imagery.exif import Exif
from fieldbox.imagery.xmp import Xmp


def dji(**tags: str) -> Xmp:
    return Xmp({("drone-dji", name.lower()): value for name, value in tags.items()})


DEWARP = "2020-10-15;3686.1,3684.1,-8.5,3.25,-0.27,0.11,0.0004,-0.0002,-0.03"


def test_the_factorys_calibration_comes_first() -> None:
    camera = camera_of(
        Exif(focal_35mm=24), dji(DewarpData=DEWARP, DewarpFlag="0", CalibratedFocalLength="3666"), 5472, 3648
    )
    assert camera is not None
    assert camera.focal_px == pytest.approx(3685.1)
    assert (camera.cx, camera.cy) == pytest.approx((2735.5 - 8.5, 1823.5 + 3.25))
    assert camera.distortion == (-0.27, 0.11, 0.0004, -0.0002, -0.03)
    assert camera.focal_error == 0.005


def test_a_photo_that_was_dewarped_on_board_has_no_distortion() -> None:
    camera = camera_of(Exif(), dji(DewarpData=DEWARP, DewarpFlag="1"), 5472, 3648)
    assert camera is not None
    assert camera.distortion == (0, 0, 0, 0, 0)
    assert (camera.cx, camera.cy) == (2735.5, 1823.5)


def test_the_design_values_with_their_optical_centre() -> None:
    tags = {
        "CalibratedFocalLength": "3666.67",
        "CalibratedOpticalCenterX": "2740",
        "CalibratedOpticalCenterY": "1820",
    }
    camera = camera_of(Exif(width=5472, height=3648), dji(**tags), 2736, 1824)
    assert camera is not None
    assert (camera.focal_px, camera.cx, camera.cy) == pytest.approx((1833.335, 1369.5, 909.5))
    assert camera.focal_error == 0.015
    lost = camera_of(Exif(), dji(**{**tags, "CalibratedOpticalCenterY": "0"}), 5472, 3648)
    assert lost is not None
    assert (lost.cx, lost.cy) == (2735.5, 1823.5)


def test_a_photo_made_smaller_scales_the_calibration() -> None:
    camera = camera_of(Exif(width=5472, height=3648), dji(DewarpData=DEWARP), 2736, 1824)
    assert camera is not None
    assert camera.focal_px == pytest.approx(3685.1 / 2)
    assert camera.cx == pytest.approx(1367.5 - 4.25)


@pytest.mark.parametrize("size", [(3000, 2250), (3648, 5472)])
def test_a_photo_that_was_cut_or_turned_has_no_camera(size: tuple[int, int]) -> None:
    exif = Exif(width=5472, height=3648, focal_35mm=24)
    assert camera_of(exif, dji(DewarpData=DEWARP), *size) is None


def test_focal_plane_resolution() -> None:
    exif = Exif(focal_mm=4.3, pixels_per_mm=16393.44 / 25.4, width=4000, height=3000)
    camera = camera_of(exif, Xmp(), 3240, 2430)
    assert camera is not None
    assert camera.focal_px == pytest.approx(2247.97, abs=0.1)


@pytest.mark.parametrize(
    ("size", "focal"), [((4000, 3000), 2311), ((4000, 2250), 2311), ((5472, 3648), 3040)]
)
def test_film_focal_goes_by_the_diagonal_of_the_sensor(size: tuple[int, int], focal: float) -> None:
    camera = camera_of(Exif(focal_35mm=20), Xmp(), *size)
    assert camera is not None
    assert camera.focal_px == pytest.approx(focal, abs=1)


@pytest.mark.parametrize(
    "xmp",
    [
        Xmp(),
        dji(CalibratedFocalLength="8.8"),  # millimetres
        dji(CalibratedFocalLength="1e99"),
        dji(DewarpData="2020-10-15;1,2,3"),
        dji(DewarpData="nan,nan,0,0,0,0,0,0,0"),
        dji(DewarpData="3600,3600,0,0,900,0,0,0,0"),
        dji(DewarpData="3600,3600,2000,0,0,0,0,0,0"),
    ],
)
def test_what_cannot_be_right_is_unknown(xmp: Xmp) -> None:
    assert camera_of(Exif(), xmp, 5472, 3648) is None
