"""Photos after the adjustment answer as any photo does, over the ground that it found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fieldbox.georef.adjustment import Adjusted, Outcome
from fieldbox.georef.aligned import AlignedPhoto, Relief, aligned
from fieldbox.georef.errors95 import locate
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.ties import Frame
from tests.georef import adjustment_proof as proof
from tests.georef.block_scene import Block, Wish, block
from tests.georef.scene import LAT, LON, PLANE, SCALE, pose

MADE = Wish(seed=3, columns=3, rows=5)


def told(made: Block, frame: Frame) -> tuple[PhotoGeometry, ...]:
    """The block's photos as told."""
    found = []
    for number, (east, north, height, yaw, pitch, roll) in enumerate(made.told):
        place = frame.to_grid(np.array([[east, north]]))[0]
        lat, lon = PLANE.to_geographic(place[0], place[1])
        given = pose(
            lat=float(lat), lon=float(lon), height_m=float(height), pitch_deg=float(pitch), roll_deg=float(roll),
            yaw_deg=float(yaw) + PLANE.convergence_deg(float(lat), float(lon)),
        )  # fmt: skip
        found.append(PhotoGeometry(f"{number:02x}", given, made.camera, PLANE))
    return tuple(found)


@pytest.fixture(scope="module")
def made() -> Block:
    return block(MADE)


@pytest.fixture(scope="module")
def result(made: Block) -> Adjusted:
    return proof.adjusted(made)


@pytest.fixture(scope="module")
def frame() -> Frame:
    east, north = (float(value) for value in PLANE.to_ground(LAT, LON))
    return Frame(PLANE, east, north, SCALE)


@pytest.fixture(scope="module")
def photos(made: Block, result: Adjusted, frame: Frame) -> list[PhotoGeometry]:
    return list(aligned(told(made, frame), result, frame).values())


def pixels(made: Block) -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.uniform(0, 1, (300, 2)) * (made.camera.width, made.camera.height)


def test_pixels_meet_the_ground_that_was_found(
    made: Block, result: Adjusted, frame: Frame, photos: list[PhotoGeometry]
) -> None:
    xy = pixels(made)
    for number in (0, 7):
        found = frame.to_local(photos[number].pixel_to_ground(xy))
        exact = locate(result, np.full(len(xy), number, np.intp), xy)
        assert np.abs(found - exact.places).max() < 0.1 * made.gsd
        grid = photos[number].ground_grid(10.0, 20.0, 40.0, 9, 7)
        corner = photos[number].pixel_to_ground([[10.0 + 40 * 8, 20.0 + 40 * 6]])[0]
        assert grid[6, 8] == pytest.approx(corner, abs=0.02 * made.gsd)


def test_ground_and_pixels_are_inverse(made: Block, photos: list[PhotoGeometry]) -> None:
    xy = pixels(made)
    for photo in photos[:4]:
        assert isinstance(photo, AlignedPhoto)
        assert np.abs(photo.ground_to_pixel(photo.pixel_to_ground(xy)) - xy).max() < 0.05


def test_neighbours_put_the_same_thing_in_the_same_place(
    made: Block, frame: Frame, photos: list[PhotoGeometry]
) -> None:
    apart = {"told": [], "aligned": []}
    before = told(made, frame)
    tracks, views = np.unique(made.track[~made.wrong], return_counts=True)
    for track in tracks[views > 1][:400]:
        seen = np.flatnonzero((made.track == track) & ~made.wrong)[:2]
        for name, some in (("told", before), ("aligned", photos)):
            here, there = (some[made.photo[one]].pixel_to_ground(made.xy[one][None])[0] for one in seen)
            apart[name].append(np.linalg.norm(here - there))
    assert np.median(apart["told"]) > 0.5
    # What is left is the parallax of the plants' own height.
    assert np.median(apart["aligned"]) < 0.1 * np.median(apart["told"])


def test_errors_are_those_of_the_adjustment(
    made: Block, result: Adjusted, photos: list[PhotoGeometry]
) -> None:
    xy = pixels(made)[:20]
    stated = photos[3].error95_m(xy)
    exact = locate(result, np.full(20, 3, np.intp), xy, 0.3).error95
    assert stated == pytest.approx(exact * SCALE, rel=1e-6)
    assert 0 < photos[3].pose.error_m < 5


def test_what_was_not_adjusted_stays_as_it_was_told(made: Block, result: Adjusted, frame: Frame) -> None:
    kept = (Outcome.KEPT, *result.outcome[1:])
    before = told(made, frame)
    found = list(aligned(before, dataclasses.replace(result, outcome=kept), frame).values())
    assert found[0] is before[0]
    assert isinstance(found[1], AlignedPhoto)


def test_many_places_at_once_and_none(result: Adjusted) -> None:
    relief = Relief.of(result.surface)
    places = np.random.default_rng(0).uniform(-20, 20, (70_000, 2))
    places[5] = np.nan
    heights = relief.at(places)
    assert heights.shape == (70_000,)
    assert heights[5] == 0
    assert heights[:5] == pytest.approx(result.surface.height(places[:5]), abs=2e-3)
    assert len(relief.at(np.zeros((0, 2)))) == 0
