"""How a flight's quality is counted, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely

from fieldbox.aligning import Alignment, Searched, align_points
from fieldbox.domain import Camera, NotAligned, Pose
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.preparing import Doubt
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.imagery.features import no_features
from fieldbox.imagery.glance import Glance
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
    ground = Ground.of(photos, field, drawn=True)
    # 9 to 19 m east nobody looks: a hole of 10 x 7 m.
    (hole,) = ground.holes(PLANE)
    lon, lat = np.array(hole[0]).T
    east, north = PLANE.to_ground(lat, lon)
    shape = shapely.Polygon(np.column_stack([east - EAST, north - NORTH]))
    assert shape.area == pytest.approx(70.0, rel=0.08)
    assert shape.symmetric_difference(shapely.box(9, -3.5, 19, 3.5)).area < 6.0
    # Of 34 m, three photos show -1 to 5.
    assert ground.thin_pct == pytest.approx(100 * (1 - 6 / 34), abs=2.0)
    assert ground.overlap == 1.0


def areas(rings: list[tuple[tuple[float, float], ...]]) -> list[float]:
    def area(one: tuple[tuple[float, float], ...]) -> float:
        lon, lat = np.array(one).T
        return float(shapely.Polygon(np.column_stack(PLANE.to_ground(lat, lon))).area)

    return [area(one) for one in rings]


def block_of(*left_out: tuple[int, int]) -> list[PhotoGeometry]:
    """Eight by six photos 3 m apart, without some; each shows 10 x 7.5 m."""
    places = [(i, j) for i in range(8) for j in range(6) if (i, j) not in left_out]
    return [photo(f"{i}-{j}", 3.0 * i, 3.0 * j) for i, j in places]


FLOWN = ring(-5, -3.75, 26, 18.75)
CORNER = [(i, j) for i in range(4) for j in range(3)]
MIDDLE = [(i, j) for i in range(2, 6) for j in range(1, 5)]


@pytest.mark.parametrize(("left_out", "counts"), [(CORNER, False), (MIDDLE, True)])
def test_corners_of_a_boundary_that_nobody_drew_do_not_count(
    left_out: list[tuple[int, int]], counts: bool
) -> None:
    photos = block_of(*left_out)
    drawn, hull = (Ground.of(photos, FLOWN, drawn=told) for told in (True, False))
    shown = shapely.unary_union([shapely.Polygon(one.footprint()) for one in photos])
    bare_m2 = 31 * 22.5 - shown.area
    assert bare_m2 > 10
    assert drawn.bare_pct == pytest.approx(100 * bare_m2 / (31 * 22.5), abs=0.5)
    assert sum(areas([one[0] for one in drawn.holes(PLANE)])) == pytest.approx(bare_m2, rel=0.06)
    if counts:
        assert hull.bare_pct == drawn.bare_pct
        assert (hull.thin_pct, hull.holes(PLANE)) == (drawn.thin_pct, drawn.holes(PLANE))
    else:
        assert (hull.bare_pct, hull.holes(PLANE)) == (0.0, [])
        thin_m2 = (drawn.thin_pct - drawn.bare_pct) / 100 * 31 * 22.5
        assert hull.thin_pct == pytest.approx(100 * thin_m2 / shown.area, abs=0.3)


@pytest.mark.parametrize(("far", "counts"), [(20.0, True), (60.0, False)])
def test_lines_that_were_left_out_count_and_ground_between_two_fields_does_not(
    far: float, counts: bool
) -> None:
    """Though both reach the boundary that nobody drew."""
    photos = [photo(f"{i}-{j}", x, 3.0 * j) for i, x in enumerate((0.0, 3.0, far, far + 3)) for j in range(6)]
    ground = Ground.of(photos, ring(-5, -3.75, far + 8, 18.75), drawn=False)
    holes = areas([one[0] for one in ground.holes(PLANE)])
    if counts:
        assert holes == [pytest.approx(7 * 22.5, rel=0.08)]
        assert ground.bare_pct == pytest.approx(100 * 7 / 33, abs=1.5)
    else:
        assert (holes, ground.bare_pct) == ([], 0.0)


def test_thin_ground_is_drawn_with_what_it_surrounds() -> None:
    photos = [photo("wide", 0, 0, 30.0), *(photo(name, 0, 0) for name in "abc")]
    flown = ring(-15, -11.25, 15, 11.25)
    ground = Ground.of(photos, flown, drawn=False)
    (rim,) = ground.thin(PLANE)
    outer, inner = areas(list(rim))
    assert outer == pytest.approx(30 * 22.5, rel=0.03)
    assert inner == pytest.approx(10 * 7.5, rel=0.08)
    assert ground.thin_pct == pytest.approx(100 * (1 - 1 / 9), abs=1.0)
    assert ground.holes(PLANE) == []
    many = Ground.of(photos * 3, flown, drawn=False)
    assert (many.thin(PLANE), many.thin_pct) == ([], 0.0)


def test_a_bare_rim_is_a_hole_with_an_opening_and_all_of_a_drawn_field_counts() -> None:
    """However far it reaches beyond the photos."""
    photos = [photo("a", 0, 0)]
    ground = Ground.of(photos, ring(-25, -12, 25, 12), drawn=True)
    (rim,) = ground.holes(PLANE)
    outer, inner = areas(list(rim))
    assert outer == pytest.approx(50 * 24, rel=0.03)
    assert inner == pytest.approx(10 * 7.5, rel=0.08)
    assert ground.bare_pct == pytest.approx(100 * (1 - 75 / 1200), abs=0.5)


def glance(*, over: float = 0.0, under: float = 0.0, sharpness: float = -0.1) -> Glance:
    grey = np.zeros((24, 32, 3), np.uint8)
    return Glance(grey, grey[..., 0], np.zeros((72, 96), np.uint8), over, under, sharpness)


def test_why_a_photo_is_not_aligned() -> None:
    far = ["burnt", "alone"]
    names = ["gone", "black", "stray", "plain", "soft", "few"]
    photos = [photo(name, 0.3 * number, 0) for number, name in enumerate(names)]
    photos += [photo(name, 50.0 * number, 80.0) for number, name in enumerate(far, 1)]
    found = untied(photos)
    glances = {name: glance() for name in [*names, *far]} | {
        "black": glance(under=0.9),
        "burnt": glance(over=0.8),
        "plain": glance(sharpness=np.nan),
        "soft": glance(sharpness=-0.68),
    }
    del glances["gone"]
    doubts = tuple(frozenset({Doubt.TIES}) if name == "stray" else frozenset() for name in found.told)
    found = replace(found, glances=glances, adjusted=replace(found.adjusted, doubts=doubts))
    assert {one.digest: one.why for one in placements_of(found)} == {
        "gone": NotAligned.UNREADABLE,
        "black": NotAligned.BLACK,
        "stray": NotAligned.STRAY,
        "plain": NotAligned.PLAIN,
        "soft": NotAligned.BLURRED,
        "few": NotAligned.FEW,
        "burnt": NotAligned.BURNT_OUT,
        "alone": NotAligned.ALONE,
    }


def test_a_flight_without_points_stays_where_it_was_told_and_says_so() -> None:
    photos = [photo("a", 0, 0), photo("b", 2, 0), photo("c", 4, 0)]
    found = untied(photos)
    placed = placements_of(found)
    assert [one.block for one in placed] == [None] * 3
    assert all(one.moved_m == 0 and one.ties == 0 and one.residual_px is None for one in placed)
    assert placed[0].error95_m == pytest.approx(float(photos[0].error95_m([[199.5, 149.5]])[0]))
    field = ring(-5, -3, 9, 3)
    ground = Ground.of(photos, field, drawn=True)
    quality = quality_of(found, ground, 3.9, "key")
    assert (quality.photos, quality.aligned, quality.blocks, quality.pairs) == (3, 0, 0, 0)
    assert quality.residual_px is None
    (said,) = sentences_of(found, quality)
    assert "could not be aligned" in str(said)
    assert "3.9 m" in str(said)


def test_a_single_photo_has_nothing_to_be_aligned_with() -> None:
    found = untied([photo("a", 0, 0)])
    photos = [photo("a", 0, 0)]
    ground = Ground.of(photos, ring(-1, -1, 1, 1), drawn=True)
    assert sentences_of(found, quality_of(found, ground, 3.0, "key")) == []


@dataclass(frozen=True)
class Told:
    aligned: int
    blocks: int
    text: str


@pytest.mark.parametrize(
    "told", [Told(3, 1, ""), Told(2, 1, "where the drone or a list put them: 1."), Told(3, 2, "2 groups")]
)
def test_what_is_not_as_it_should_be_is_said(told: Told) -> None:
    found = untied([photo("a", 0, 0), photo("b", 2, 0), photo("c", 4, 0)])
    photos = list(found.geometries.values())
    ground = Ground.of(photos, ring(-1, -1, 1, 1), drawn=True)
    quality = replace(quality_of(found, ground, 2.0, "key"), aligned=told.aligned, blocks=told.blocks)
    said = " ".join(map(str, sentences_of(found, quality)))
    assert told.text in said
    assert bool(said) == bool(told.text)
