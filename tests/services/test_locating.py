"""`fieldbox locate`: which photo a name means, and what a pixel may show. (tests/path/test_located.py has the rest.)"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from fieldbox.domain import Camera, Capture, Flight, Pose
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.services.locating import Found, How, _ground, as_told, find_photo

CAMERA = Camera("DJI", "FC", 1000, 800, 900.0, 499.5, 399.5)
POSE = Pose(18.5, 74.2, 10.0, 0.0, 0.0, 0.0, 1.5, 0.5, 3.0, 1.0)


def capture(name: str, digest: str) -> Capture:
    return Capture(digest * 32, name, 1, datetime(2026, 6, 1), 18.5, 74.2, CAMERA, POSE, None)


FLIGHT = Flight(
    "f",
    None,
    None,
    None,
    (
        capture("DCIM/100MEDIA/DJI_0001.JPG", "ab"),
        capture("DCIM/101MEDIA/DJI_0001.JPG", "cd"),
        capture("DCIM/101MEDIA/DJI_0002.JPG", "ef"),
        capture("other/dji_0002.jpg.JPG", "12"),
        capture("twice.JPG", "34"),
        capture("twice.JPG", "56"),
    ),
)


@pytest.mark.parametrize(
    ("wanted", "digest"),
    [
        ("DCIM/100MEDIA/DJI_0001.JPG", "ab"),
        ("dcim/101media/dji_0001.jpg", "cd"),
        ("101MEDIA/DJI_0001.JPG", "cd"),
        ("101MEDIA\\DJI_0001.JPG", "cd"),
        ("/media/card/DCIM/101MEDIA/DJI_0001.JPG", "cd"),
        ("dji_0002.jpg", "ef"),
        (" DJI_0002.JPG ", "ef"),
        ("12" * 32, "12"),
        ("3434343434", "34"),
        ("EFEFEFEF", "ef"),
    ],
)
def test_what_a_name_means(wanted: str, digest: str) -> None:
    assert find_photo(FLIGHT, wanted).digest == digest * 32


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("DJI_0001.JPG", "give DCIM/100MEDIA/DJI_0001.JPG or DCIM/101MEDIA/DJI_0001.JPG."),
        ("twice.jpg", "2 photos of the flight are called twice.jpg: give 343434343434 or 565656565656."),
        ("abababa", "no photo abababa"),
        ("DJI_0003.JPG", "it has DCIM/101MEDIA/DJI_0002.JPG"),
    ],
)
def test_a_name_that_means_no_photo_or_several(wanted: str, said: str) -> None:
    with pytest.raises(Rejected) as refusal:
        find_photo(FLIGHT, wanted)
    assert said in str(refusal.value)


def test_a_pixel_of_the_sky() -> None:
    plane = GroundPlane.for_point(POSE.lat, POSE.lon)
    photo = PhotoGeometry("ab" * 32, replace(POSE, pitch_deg=80.0), CAMERA, plane)
    assert all(_ground(photo, "a.jpg", 500, 790))
    with pytest.raises(Rejected) as refusal:
        _ground(photo, "a.jpg", 500, 10)
    assert str(refusal.value).startswith("Pixel 500, 10 of a.jpg shows the sky")


def test_the_error_of_a_photo_that_fits_no_other_holds_whatever_its_heading() -> None:
    """Its tags say one heading and it was flown another: no other photo tells."""
    plane = GroundPlane.for_point(POSE.lat, POSE.lon)
    told = PhotoGeometry("ab" * 32, POSE, CAMERA, plane)
    loose, all_there_is = (
        Found({told.digest: told}, loose=frozenset({told.digest})),
        Found({told.digest: told}),
    )
    assert (loose.how(told.digest), all_there_is.how(told.digest)) == (How.KEPT, How.TOLD)
    for x, y in [(0, 0), (900, 400), (520, 410)]:
        stated = loose.error95_m(told.digest, x, y)
        for yaw in (20.0, 90.0, 180.0):
            truly = PhotoGeometry("ab" * 32, replace(POSE, yaw_deg=yaw), CAMERA, plane)
            off = np.hypot(*(truly.pixel_to_ground([[x, y]]) - told.pixel_to_ground([[x, y]]))[0])
            assert off < stated
        assert all_there_is.error95_m(told.digest, x, y) < stated
    middle = loose.error95_m(told.digest, CAMERA.cx, CAMERA.cy)
    assert middle == pytest.approx(all_there_is.error95_m(told.digest, CAMERA.cx, CAMERA.cy))


def test_a_photo_as_told_has_a_footprint_and_its_own_error() -> None:
    plane = GroundPlane.for_point(POSE.lat, POSE.lon)
    told = as_told(PhotoGeometry("ab" * 32, POSE, CAMERA, plane))
    assert (told.block, told.ties, told.residual_px, told.moved_m) == (None, 0, None, 0.0)
    assert told.error95_m == pytest.approx(2.4477 * 1.5, rel=0.05)
    lons, lats = zip(*told.footprint, strict=True)
    assert min(lons) < POSE.lon < max(lons) and min(lats) < POSE.lat < max(lats)
