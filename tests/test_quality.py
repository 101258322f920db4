"""How a flight's quality is counted, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely

from fieldbox.aligning import Alignment, Searched, align_points
from fieldbox.domain import Camera, Pose
from fieldbox.georef.lattice import lattice_of
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.imagery.features import no_features
from fieldbox.quality import Ground, placements_of, quality_of, sentences_of

CAMERA = Camera("DJI", "test", 400, 300, 400.0, 199.5, 149.5)
PLANE = GroundPlane.for_point(18.5, 74.2)
EAST, NORTH = (float(one) for one in PLANE.to_ground(18.5, 74.2))


def photo(name: str, east: float, north: float, height_m: float = 10.0) -> PhotoGeometry:
    """Looks straight down, 10 x 7.5 m from 10 m."""
    lat, lon = (float(one) for one in PLANE.to_geographic(EAST + east, NORTH + north))
    yaw = PLANE.convergence_deg(lat, lon)
    return PhotoGeometry(name, Pose(lat, lon, height_m, yaw, 0.0, 0.0, 1.5, 2.0, 3.0, 1.0), CAMERA, PLANE)


def ring(west: float, south: float, east: float, north: float) -> np.ndarray:
    return np.asarray(shapely.box(west + EAST, south + NORTH, east + EAST, north + NORTH).exterior.coords)[
        :-1
    ]


def untied(photos: list[PhotoGeometry]) -> Alignment:
    """What comes of photos without a single point."""
    told = {one.digest: one for one in photos}
    return align_points(told, dict.fromkeys(told), lambda _digest: Searched(no_features(2.0), None))


def test_photos_over_each_patch_are_counted_and_holes_are_found() -> None:
    photos = [photo("a", 0, 0), photo("b", 2, 0), photo("c", 4, 0), photo("d", 24, 0)]
    field = ring(-5, -3.5, 29, 3.5)
    ground = Ground.of(photos, lattice_of(photos, shapely.Polygon(field)), field)
    # 9 to 19 m east nobody looks: a hole of 10 x 7 m.
    (hole,) = ground.holes(PLANE)
    lon, lat = np.array(hole).T
    east, north = PLANE.to_ground(lat, lon)
    shape = shapely.Polygon(np.column_stack([east - EAST, north - NORTH]))
    assert shape.area == pytest.approx(70.0, rel=0.08)
    assert shape.symmetric_difference(shapely.box(9, -3.5, 19, 3.5)).area < 6.0
    # Of 34 m, three photos show -1 to 5.
    assert ground.thin_pct == pytest.approx(100 * (1 - 6 / 34), abs=2.0)
    assert ground.overlap == 1.0


def test_a_flight_without_points_stays_where_it_was_told_and_says_so() -> None:
    photos = [photo("a", 0, 0), photo("b", 2, 0), photo("c", 4, 0)]
    found = untied(photos)
    placed = placements_of(found)
    assert [one.block for one in placed] == [None] * 3
    assert all(one.moved_m == 0 and one.ties == 0 and one.residual_px is None for one in placed)
    assert placed[0].error95_m == pytest.approx(float(photos[0].error95_m([[199.5, 149.5]])[0]))
    field = ring(-5, -3, 9, 3)
    ground = Ground.of(photos, lattice_of(photos, None), field)
    quality = quality_of(found, ground, 3.9, "key")
    assert (quality.photos, quality.aligned, quality.blocks, quality.pairs) == (3, 0, 0, 0)
    assert quality.residual_px is None
    (said,) = sentences_of(found, quality)
    assert "could not be aligned" in str(said)
    assert "3.9 m" in str(said)


def test_a_single_photo_has_nothing_to_be_aligned_with() -> None:
    found = untied([photo("a", 0, 0)])
    ground = Ground.of([photo("a", 0, 0)], lattice_of([photo("a", 0, 0)], None), ring(-1, -1, 1, 1))
    assert sentences_of(found, quality_of(found, ground, 3.0, "key")) == []


@dataclass(frozen=True)
class Told:
    aligned: int
    blocks: int
    text: str


@pytest.mark.parametrize(
    "told", [Told(3, 1, ""), Told(2, 1, "1 photos could not be aligned"), Told(3, 2, "2 groups")]
)
def test_what_is_not_as_it_should_be_is_said(told: Told) -> None:
    found = untied([photo("a", 0, 0), photo("b", 2, 0), photo("c", 4, 0)])
    ground = Ground.of(
        list(found.geometries.values()), lattice_of(list(found.geometries.values()), None), ring(-1, -1, 1, 1)
    )
    quality = replace(quality_of(found, ground, 2.0, "key"), aligned=told.aligned, blocks=told.blocks)
    said = " ".join(map(str, sentences_of(found, quality)))
    assert told.text in said
    assert bool(said) == bool(told.text)
