"""Seams of the mosaic: between the plants, and nowhere beyond what the windows hold."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fieldbox.georef import seamlines as module
from fieldbox.georef.coverage import CoveragePlan, plan_coverage
from fieldbox.georef.owners import Owners
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.seamlines import FINER, seamlines
from tests.georef.scene import LENS, flight
from tests.georef.test_coverage import turned

PLANT_M = 0.1
"""Radius."""


def field_of(photos: list[PhotoGeometry], seed: int = 0) -> np.ndarray:
    """[N, 2] plants in rows half a metre apart, a quarter of a metre in the row, each somewhat off its place."""
    centres = np.stack([one.centre for one in photos])
    low, high = centres.min(axis=0) - 6, centres.max(axis=0) + 6
    east, north = np.meshgrid(np.arange(low[0], high[0], 0.6), np.arange(low[1], high[1], 0.5))
    places = np.column_stack([east.ravel(), north.ravel()])
    return places + np.random.default_rng(seed).normal(0, 0.05, places.shape)


def texture_of(photo: PhotoGeometry, plants: np.ndarray) -> np.ndarray:
    """uint8 [72, 96]: detail where the photo shows plants."""
    grid = np.zeros((72 * 8, 96 * 8), np.uint8)
    scale = np.array([grid.shape[1] / photo.camera.width, grid.shape[0] / photo.camera.height])
    for x, y in (photo.ground_to_pixel(plants) + 0.5) * scale - 0.5:
        if -20 < x < grid.shape[1] + 20 and -20 < y < grid.shape[0] + 20:
            cv2.circle(grid, (round(x), round(y)), round(PLANT_M / photo.gsd_m * scale[0]), 160, -1)
    return cv2.resize(grid, (96, 72), interpolation=cv2.INTER_AREA)


def cut_by(owners: Owners, plants: np.ndarray) -> float:
    """Share of the plants whose outline lies on more than one view's ground."""
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rim = PLANT_M * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    owner = owners.owner_of((plants[:, None] + rim).reshape(-1, 2)).reshape(len(plants), -1)
    inside = (owner >= 0).all(axis=1)
    return float((owner.min(axis=1) != owner.max(axis=1))[inside].mean())


Flown = tuple[list[PhotoGeometry], CoveragePlan, np.ndarray, dict[str, np.ndarray], Owners]


@pytest.fixture(scope="module", params=[0.0, 23.0])
def flown(request: pytest.FixtureRequest) -> Flown:
    photos = turned(flight(4, 8, shake=1.0, distortion=LENS), request.param)
    plants = field_of(photos)
    plan = plan_coverage(photos)
    textures = {one.digest: texture_of(one, plants) for one in photos}
    return photos, plan, plants, textures, seamlines(plan, {one.digest: one for one in photos}, textures)


def test_seams_cut_far_fewer_plants(flown: Flown) -> None:
    _photos, plan, plants, _textures, seams = flown
    assert cut_by(plan, plants) > 0.05
    assert cut_by(seams, plants) < 0.5 * cut_by(plan, plants)


def test_all_ground_keeps_a_view_and_all_views_keep_ground(flown: Flown) -> None:
    _photos, plan, _plants, _textures, seams = flown
    planned = np.repeat(np.repeat(plan.owner, FINER, axis=0), FINER, axis=1)
    assert ((seams.owner >= 0) == (planned >= 0)).all()
    assert np.unique(seams.owner).tolist() == np.unique(plan.owner).tolist()
    assert 0.005 < (seams.owner != planned).mean() < 0.1
    assert (plan.owner >= -1).all()
    assert (seams.lattice.west, seams.lattice.north) == (plan.lattice.west, plan.lattice.north)
    assert seams.lattice.cell_m == plan.lattice.cell_m / FINER


def test_windows_hold_all_that_changes_hands(flown: Flown) -> None:
    photos, plan, _plants, _textures, seams = flown
    by_digest = {one.digest: one for one in photos}
    planned = np.repeat(np.repeat(plan.owner, FINER, axis=0), FINER, axis=1)
    for number, view in enumerate(plan.views):
        rows, columns = np.nonzero((seams.owner == number) & (planned != number))
        xy = by_digest[view.digest].ground_to_pixel(seams.lattice.corners(rows, columns))
        window = view.window
        assert (xy >= (window.x0 - 0.5, window.y0 - 0.5)).all()
        assert (xy <= (window.x1 - 0.5, window.y1 - 0.5)).all()


def test_painted_masks_cover_all_ground(flown: Flown) -> None:
    _photos, plan, _plants, _textures, seams = flown
    lattice, cell = seams.lattice, seams.lattice.cell_m / 3
    shape = (lattice.rows * 3, lattice.columns * 3)
    times = np.zeros(shape, int)
    for number in range(len(plan.views)):
        west, south, east, north = seams.owned_bounds(number)
        mask = seams.owned_mask(number, lattice.west, lattice.north, cell, shape) > 0
        times += mask
        rows, columns = np.nonzero(mask)
        assert lattice.west + columns.min() * cell > west - cell
        assert lattice.west + columns.max() * cell < east + cell
        assert lattice.north - rows.max() * cell > south - cell
        assert lattice.north - rows.min() * cell < north + cell
    owned = np.repeat(np.repeat(seams.owner >= 0, 3, axis=0), 3, axis=1)
    assert (times[owned] > 0).all()


def test_views_without_texture_keep_their_borders(flown: Flown) -> None:
    photos, plan, _plants, textures, _seams = flown
    by_digest = {one.digest: one for one in photos}
    planned = np.repeat(np.repeat(plan.owner, FINER, axis=0), FINER, axis=1)
    assert (seamlines(plan, by_digest, {}).owner == planned).all()
    lone = plan.views[3].digest
    rest = {digest: one for digest, one in textures.items() if digest != lone}
    partly = seamlines(plan, by_digest, rest)
    assert ((partly.owner == 3) == (planned == 3)).all()
    assert (partly.owner != planned).any()


def test_the_same_again(flown: Flown) -> None:
    photos, plan, _plants, textures, seams = flown
    shuffled = {one.digest: one for one in reversed(photos)}
    again = seamlines(plan, shuffled, dict(reversed(textures.items())))
    assert (again.owner == seams.owner).all()


def test_no_view_loses_all_its_ground() -> None:
    """Views a cell wide, and the ground on them all plants."""
    photos = flight(1, 40, shake=0.0)
    plan = plan_coverage(photos, max_radius=None)
    owner = np.full_like(plan.owner, 0)
    owner[:, : plan.owner.shape[1] // 2] = 1
    owner[10:12, 10:30] = 2
    views = tuple(replace(plan.views[number], window=plan.views[20].window) for number in range(3))
    narrow = replace(plan, owner=owner, views=views)
    draw = np.random.default_rng(3)
    textures = {one.digest: draw.integers(0, 255, (72, 96), np.uint8) for one in photos}
    seams = seamlines(narrow, {one.digest: one for one in photos}, textures)
    assert np.unique(seams.owner).tolist() == [0, 1, 2]


def test_a_raster_that_is_too_large_stays_as_it_is(flown: Flown, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, plan, _plants, textures, _seams = flown
    monkeypatch.setattr(module, "MAX_CELLS", plan.owner.size)
    seams = seamlines(plan, {one.digest: one for one in photos}, textures)
    assert seams.lattice == plan.lattice
    assert (seams.owner == plan.owner).all()


def test_no_photo() -> None:
    assert seamlines(plan_coverage([]), {}, {}).owner.size == 0
