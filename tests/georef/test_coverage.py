"""The coverage plan: every cell one owner, windows that hold their ground, nothing depends on order."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from fieldbox.georef.coverage import MARGIN_PX, CoveragePlan, plan_coverage
from fieldbox.georef.projection import PhotoGeometry
from tests.georef.scene import LENS, flight, photo

THRIFT = [None, 0.9]


def turned(photos: list[PhotoGeometry], degrees: float) -> list[PhotoGeometry]:
    """The whole flight turned clockwise about its middle."""
    centres = np.stack([photo.centre for photo in photos])
    middle, angle = centres.mean(axis=0), math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    placed = (centres - middle) @ turn + middle
    lat, lon = photos[0].plane.to_geographic(placed[:, 0], placed[:, 1])
    return [
        replace(
            one,
            pose=replace(one.pose, lat=float(a), lon=float(b), yaw_deg=(one.pose.yaw_deg + degrees) % 360),
        )
        for one, a, b in zip(photos, lat, lon, strict=True)
    ]


def cell_centres(plan: CoveragePlan) -> tuple[np.ndarray, np.ndarray]:
    """[rows, columns, 2] ground of the centres of all cells, and their owners."""
    lattice = plan.lattice
    east = lattice.west + (np.arange(lattice.columns) + 0.5) * lattice.cell_m
    north = lattice.north - (np.arange(lattice.rows) + 0.5) * lattice.cell_m
    return np.stack(np.meshgrid(east, north), axis=-1), plan.owner


def depth_inside(geometry: PhotoGeometry, en: np.ndarray) -> np.ndarray:
    """Pixels from the nearest edge, negative outside."""
    xy = geometry.ground_to_pixel(en)
    size = np.array([geometry.camera.width, geometry.camera.height])
    return np.nan_to_num(np.minimum(xy + 0.5, size - 0.5 - xy).min(axis=1), nan=-1e9)


@pytest.mark.parametrize("max_radius", THRIFT)
@pytest.mark.parametrize("lens", [{}, {"distortion": LENS}])
def test_every_seen_cell_has_an_owner_that_sees_it(max_radius: float | None, lens: dict[str, object]) -> None:
    photos = flight(4, 8, shake=2.0, **lens)
    plan = plan_coverage(photos, max_radius=max_radius)
    by_digest = {one.digest: one for one in photos}
    centres, owner = cell_centres(plan)
    depths = np.stack([depth_inside(one, centres.reshape(-1, 2)) for one in photos]).reshape(-1, *owner.shape)
    assert (owner[depths.max(axis=0) > 0.1] >= 0).all()
    assert (owner[depths.max(axis=0) < -0.1] == -1).all()
    for index, view in enumerate(plan.views):
        ground = centres[owner == index]
        assert len(ground)
        depth = depth_inside(by_digest[view.digest], ground)
        margin_elsewhere = depths[:, owner == index].max(axis=0)
        assert ((depth >= MARGIN_PX - 0.1) | (margin_elsewhere < MARGIN_PX + 0.1)).all() or max_radius
        assert view.ground_m2 == pytest.approx(len(ground) * plan.lattice.cell_m**2)


@pytest.mark.parametrize("max_radius", THRIFT)
def test_windows_hold_their_ground_and_a_margin(max_radius: float | None) -> None:
    photos = {one.digest: one for one in flight(4, 8, shake=2.0, distortion=LENS)}
    plan = plan_coverage(photos.values(), max_radius=max_radius)
    centres, owner = cell_centres(plan)
    for index, view in enumerate(plan.views):
        window, geometry = view.window, photos[view.digest]
        assert 0 <= window.x0 < window.x1 <= geometry.camera.width
        assert 0 <= window.y0 < window.y1 <= geometry.camera.height
        assert window.x0 % 16 == 0
        assert window.y0 % 16 == 0
        xy = geometry.ground_to_pixel(centres[owner == index])
        for axis, (low, high, size) in enumerate(
            [(window.x0, window.x1, geometry.camera.width), (window.y0, window.y1, geometry.camera.height)]
        ):
            assert (high - low) % 32 == 0 or high == size
            assert xy[:, axis].min() - MARGIN_PX >= low or low == 0
            assert xy[:, axis].max() + MARGIN_PX <= high or high == size


@pytest.mark.parametrize("max_radius", THRIFT)
def test_order_does_not_matter(max_radius: float | None) -> None:
    photos = flight(3, 6, shake=1.0)
    plan = plan_coverage(photos, max_radius=max_radius)
    shuffled = list(photos)
    random.Random(4).shuffle(shuffled)  # noqa: S311
    again = plan_coverage(shuffled + shuffled[:3], max_radius=max_radius)
    assert again.key == plan.key
    assert again.views == plan.views
    assert (again.owner == plan.owner).all()


def test_thrift_skips_photos_and_keeps_the_ground() -> None:
    photos = flight(4, 12, shake=0.5)
    best, thrifty = plan_coverage(photos, max_radius=None), plan_coverage(photos, max_radius=0.9)
    assert len(best.views) > 0.9 * len(photos)
    assert len(thrifty.views) < 0.75 * len(photos)
    assert ((best.owner >= 0) == (thrifty.owner >= 0)).all()
    worse = (thrifty.radius > 0.95) & (thrifty.radius > 1.25 * best.radius + 0.11)
    assert not (worse & (thrifty.owner >= 0)).any()
    assert thrifty.key != best.key


@pytest.mark.parametrize(("head_deg", "shake"), [(0.0, 0.0), (37.0, 0.0), (20.0, 1.0)])
def test_regular_flight_is_shared_in_upright_rectangles(head_deg: float, shake: float) -> None:
    photos = turned(flight(9, 16, shake=shake), head_deg)
    plan = plan_coverage(photos, margin_px=0)
    assert len(plan.views) < 0.6 * len(photos)
    owned_px = plan.area_m2 / photos[0].gsd_m ** 2
    # Blocks of 32 px and cells of 17 px on windows of 400 px make some 15 % of it.
    assert plan.pixels < (1.6 if shake else 1.25) * owned_px


def test_crosshatch_is_seen_from_one_of_its_directions() -> None:
    one = flight(8, 14)
    both = [*one, *(replace(photo, digest="x" + photo.digest) for photo in turned(one, 90.0))]
    plan = plan_coverage(both, margin_px=0)
    assert len(plan.views) < 0.4 * len(both)
    assert plan.pixels < 1.35 * plan.area_m2 / one[0].gsd_m ** 2


def test_turning_all_photos_about_themselves_costs_little_more_than_greed() -> None:
    rng = random.Random(5)  # noqa: S311
    photos = [replace(photo, pose=replace(photo.pose, yaw_deg=rng.uniform(0, 360))) for photo in flight(4, 8)]
    plan = plan_coverage(photos)
    assert ((plan.owner >= 0) == (plan_coverage(photos, max_radius=None).owner >= 0)).all()
    assert len(plan.views) < len(photos)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_single_line_keeps_its_ground(count: int) -> None:
    photos = flight(1, count, shake=1.0)
    plan, best = plan_coverage(photos), plan_coverage(photos, max_radius=None)
    assert ((plan.owner >= 0) == (best.owner >= 0)).all()
    assert plan.pixels <= 1.05 * best.pixels


def test_oblique_photos_keep_their_ground() -> None:
    photos = [replace(photo, pose=replace(photo.pose, pitch_deg=35.0)) for photo in flight(3, 6, shake=1.0)]
    plan, best = plan_coverage(photos), plan_coverage(photos, max_radius=None)
    assert ((plan.owner >= 0) == (best.owner >= 0)).all()


def test_best_plan_takes_the_smallest_radius() -> None:
    photos = [photo("aa"), photo("bb", lat=20.00001)]
    plan = plan_coverage(photos, max_radius=None)
    below = [one.centre for one in photos]
    assert [plan.views[index].digest for index in plan.owner_of(below)] == ["aa", "bb"]


def test_no_photo_gives_an_empty_plan() -> None:
    plan = plan_coverage([])
    assert plan.views == ()
    assert plan.area_m2 == 0
    assert plan.owner_of([[0.0, 0.0]]).tolist() == [-1]
    assert len(plan.key) == 64


def test_photo_of_the_sky_sees_nothing() -> None:
    assert plan_coverage([photo(pitch_deg=150.0)]).views == ()
    assert plan_coverage([photo(height_m=-5.0)]).views == ()


def test_one_photo_owns_all_it_sees() -> None:
    plan = plan_coverage([photo()])
    (view,) = plan.views
    assert (view.window.x0, view.window.y0, view.window.x1, view.window.y1) == (0, 0, 1200, 800)
    assert plan.area_m2 == pytest.approx(12 * 8, rel=0.05)
    assert plan.unseen_m2 == 0


def test_twins_at_one_place_go_to_the_first_digest() -> None:
    plan = plan_coverage([photo("bb"), photo("aa")])
    assert [view.digest for view in plan.views] == ["aa"]
    assert [view.digest for view in plan_coverage([photo("bb"), photo("aa")], max_radius=None).views] == [
        "aa"
    ]


def test_boundary_limits_the_ground_but_for_a_rim() -> None:
    photos = flight(4, 8)
    middle = np.mean([one.centre for one in photos], axis=0)
    ring = middle + np.array([[-3, -3], [3, -3], [3, 3], [-3, 3]])
    plan = plan_coverage(photos, boundary=ring)
    assert plan.owner_of(ring).min() >= 0
    assert plan.owner_of(middle + np.array([[0, 3.9], [0, 4.5], [4.5, 0]])).tolist()[1:] == [-1, -1]
    assert 36 <= plan.area_m2 <= 8.5**2
    assert plan.unseen_m2 == pytest.approx(0.0, abs=1e-6)
    assert plan.key != plan_coverage(photos).key
    assert len(plan.views) < len(plan_coverage(photos).views)


def test_boundary_elsewhere_is_unseen() -> None:
    one = photo()
    plan = plan_coverage([one], boundary=one.centre + np.array([[100, 100], [110, 100], [110, 110]]))
    assert plan.views == ()
    assert plan.unseen_m2 == pytest.approx(50.0)


def test_hole_in_a_flight_is_unseen() -> None:
    photos = flight(7, 30)
    middle = np.mean([one.centre for one in photos], axis=0)
    around = [one for one in photos if np.abs(one.centre - middle).max() > 9]
    assert plan_coverage(photos).unseen_m2 == 0
    assert plan_coverage(around).unseen_m2 > 1


def test_distance_to_owned_ground_and_band() -> None:
    photos = flight(3, 6)
    plan = plan_coverage(photos)
    centres, owner = cell_centres(plan)
    cell = plan.lattice.cell_m
    row, column = np.argwhere((owner[:, 1:] != owner[:, :-1]) & (owner[:, 1:] >= 0) & (owner[:, :-1] >= 0))[0]
    left, edge = int(owner[row, column]), centres[row, column] + (cell / 2, 0)
    points = edge + np.array([[-0.01, 0.0], [0.02, 0.0], [0.06, 0.0]])
    assert plan.distance_to_owned(left, points, 0.05) == pytest.approx([0, 0.02, np.inf], abs=1e-6)
    assert (plan.distance_to_owned(left, centres[owner == left], 0.0) == 0).all()
    assert np.isinf(plan.distance_to_owned(left, centres[owner != left], cell / 4)).all()


def test_painted_masks_leave_no_hole_and_stay_close() -> None:
    plan = plan_coverage(flight(3, 6, shake=2.0))
    lattice, fine = plan.lattice, plan.lattice.cell_m / 7
    shape = (lattice.rows * 7, lattice.columns * 7)
    total = np.zeros(shape, int)
    for index, view in enumerate(plan.views):
        mask = plan.owned_mask(index, lattice.west, lattice.north, fine, shape)
        owned = np.kron(plan.owner == index, np.ones((7, 7), bool))
        assert mask[owned].all()
        assert (mask > 0).sum() * fine**2 < view.ground_m2 * 1.6
        total += mask > 0
    seen = np.kron(plan.owner >= 0, np.ones((7, 7), bool))
    assert (total[seen] > 0).all()
    part = plan.owned_mask(0, lattice.west + 10 * fine, lattice.north - 6 * fine, fine, (50, 60))
    assert (part == plan.owned_mask(0, lattice.west, lattice.north, fine, shape)[6:56, 10:70]).all()


def test_key_follows_pose_camera_and_options() -> None:
    keys = {
        plan_coverage([photo()]).key,
        plan_coverage([photo(yaw_deg=1.0)]).key,
        plan_coverage([photo(error_m=2.0)]).key,
        plan_coverage([photo()], margin_px=32).key,
        plan_coverage([photo("ab")]).key,
        plan_coverage([photo(lens=flight(1, 1, focal_px=990.0)[0].camera)]).key,
    }
    assert len(keys) == 6
    assert math.isfinite(plan_coverage([photo()]).pixels)


def worn(photos: list[PhotoGeometry], penalty: float) -> dict[str, float]:
    """Every fifth photo is worse than the rest."""
    return {one.digest: penalty if number % 5 == 2 else 0.0 for number, one in enumerate(photos)}


def owned_by(plan: CoveragePlan, photos: dict[str, float]) -> float:
    """Share of the owned ground that photos with a penalty own."""
    return sum(view.ground_m2 for view in plan.views if photos[view.digest] > 0) / plan.area_m2


@pytest.mark.parametrize("max_radius", THRIFT)
def test_photos_that_are_all_as_good_as_usual_change_nothing(max_radius: float | None) -> None:
    photos = flight(4, 8, shake=2.0)
    plain = plan_coverage(photos, max_radius=max_radius)
    for worth in (None, {}, worn(photos, 0.0), {"of another flight": 2.0}):
        plan = plan_coverage(photos, max_radius=max_radius, worth=worth)
        assert plan.key == plain.key
        assert plan.views == plain.views
        assert (plan.owner == plain.owner).all()


@pytest.mark.parametrize("max_radius", THRIFT)
def test_worse_photos_own_less_the_worse_they_are(max_radius: float | None) -> None:
    photos = flight(5, 12, shake=1.0)
    plans = [
        plan_coverage(photos, max_radius=max_radius, worth=worn(photos, penalty))
        for penalty in (0.0, 0.4, 0.9)
    ]
    shares = [owned_by(plan, worn(photos, 1.0)) for plan in plans]
    assert shares[0] > 0.1
    assert shares[0] > shares[1] >= shares[2]
    assert shares[2] < shares[0] / 3
    for plan in plans[1:]:
        assert ((plan.owner >= 0) == (plans[0].owner >= 0)).all()
        assert plan.pixels < 1.15 * plans[0].pixels
    assert len({plan.key for plan in plans}) == 3


@pytest.mark.parametrize("max_radius", THRIFT)
def test_blurred_photos_are_looked_at_only_where_no_other_sees(max_radius: float | None) -> None:
    photos = flight(4, 8, shake=1.0)
    bad = {photos[number].digest: 3.0 for number in (0, 13, 14, 15, 16, 31)}
    plan = plan_coverage(photos, max_radius=max_radius, worth=bad)
    good = plan_coverage([one for one in photos if one.digest not in bad], max_radius=max_radius)
    everything = plan_coverage(photos, max_radius=max_radius)
    assert ((plan.owner >= 0) == (everything.owner >= 0)).all()
    lattice = plan.lattice
    row = round((lattice.north - good.lattice.north) / lattice.cell_m)
    column = round((good.lattice.west - lattice.west) / lattice.cell_m)
    seen = np.zeros(plan.owner.shape, bool)
    seen[row : row + good.lattice.rows, column : column + good.lattice.columns] = good.owner >= 0
    of_bad = np.array([view.digest in bad for view in plan.views])[plan.owner] & (plan.owner >= 0)
    assert of_bad.any()
    assert not (of_bad & seen).any()


def test_radius_of_a_worse_photo_is_told_as_it_is() -> None:
    photos = flight(3, 5)
    plain = plan_coverage(photos, max_radius=None)
    plan = plan_coverage(photos, max_radius=None, worth={one.digest: 0.5 for one in photos})
    assert (plan.owner == plain.owner).all()
    assert plan.radius == pytest.approx(plain.radius)


def test_a_flight_of_blurred_photos_alone_is_mapped_all_the_same() -> None:
    photos = flight(3, 5, shake=1.0)
    plan = plan_coverage(photos, worth={one.digest: 5.0 for one in photos})
    plain = plan_coverage(photos)
    assert (plan.owner == plain.owner).all()
    assert plan.views == plain.views
