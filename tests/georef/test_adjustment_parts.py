"""The parts of the block adjustment, each against something worked out another way."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import bsr_array, csr_array

from fieldbox.georef import surface as surface_module
from fieldbox.georef.arrow import Arrow, Chain, Incidence, chain_of
from fieldbox.georef.bundle import HOLD, State
from fieldbox.georef.coarse import coarse
from fieldbox.georef.fitting import Fit
from fieldbox.georef.preparing import prepare
from fieldbox.georef.projection import distort, rotation
from fieldbox.georef.rays import distorted, rotations
from fieldbox.georef.slowerrors import GROUP_OF, SlowErrors, slow_shares
from fieldbox.georef.surface import Lattice, Surface, intersect
from fieldbox.georef.ties import LEAST_COMMON, Control, Photos, Ties, blocks_of
from tests.georef.block_scene import Wish, block
from tests.georef.scene import LENS

SIZE = 3


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def banded(rng: np.random.Generator, photos: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """A random positive definite matrix of photos in a row, each linked to those within reach; its links."""
    links = np.abs(np.subtract.outer(np.arange(photos), np.arange(photos))) <= reach
    wide = np.kron(links, np.ones((SIZE, SIZE)))
    half = rng.normal(size=wide.shape) * wide
    matrix = np.kron(links, np.ones((SIZE, SIZE))) * (half + half.T)
    return matrix + np.eye(len(matrix)) * np.abs(matrix).sum(axis=1).max(), links


@pytest.mark.parametrize(("photos", "reach"), [(1, 1), (5, 2), (40, 2), (90, 7)])
def test_arrow_solves_and_inverts_like_a_dense_matrix(
    rng: np.random.Generator, photos: int, reach: int
) -> None:
    matrix, links = banded(rng, photos, reach)
    places = np.column_stack([np.arange(photos), np.zeros(photos)]).astype(float)
    chain = chain_of(csr_array(links.astype(float)), places)
    order = (SIZE * chain.order[:, None] + np.arange(SIZE)).ravel()
    matrix = matrix[np.ix_(order, order)]
    border, corner = rng.normal(size=(len(matrix), 4)), np.eye(4) * 50 * photos
    whole = np.block([[matrix, border], [border.T, corner]])
    arrow = Arrow(bsr_array(matrix, blocksize=(SIZE, SIZE)), chain.bounds, border.copy(), corner)
    right = rng.normal(size=len(whole))
    assert np.concatenate(arrow.solve(right[:-4], right[-4:])) == pytest.approx(np.linalg.solve(whole, right))
    inverse, found = np.linalg.inv(whole), arrow.covariances()
    for number in range(photos):
        own = slice(SIZE * number, SIZE * number + SIZE)
        assert found.own[number] == pytest.approx(inverse[own, own], rel=1e-9, abs=1e-12)
        assert found.cross[number] == pytest.approx(inverse[own, -4:], rel=1e-9, abs=1e-12)
    assert found.shared == pytest.approx(inverse[-4:, -4:])


def test_levels_of_a_chain_touch_only_their_neighbours() -> None:
    places = np.stack(np.meshgrid(np.arange(12.0), np.arange(9.0)), axis=-1).reshape(-1, 2)
    apart = np.abs(places[:, None] - places[None])
    links = (apart[..., 0] <= 2) & (apart[..., 1] <= 3)
    chain = chain_of(csr_array(links.astype(float)), places)
    assert sorted(chain.order) == list(range(len(places)))
    level = np.empty(len(places), int)
    level[chain.order] = np.repeat(np.arange(len(chain.bounds) - 1), np.diff(chain.bounds))
    heads, tails = np.nonzero(links)
    assert np.abs(level[heads] - level[tails]).max() == 1
    assert np.diff(chain.bounds).max() <= 27  # the short side, three deep: not the corner's diagonal


def test_rotations_and_distortion_are_those_of_projection(rng: np.random.Generator) -> None:
    angles = rng.normal(0, 0.3, (5, 3))
    found, slopes = rotations(angles)
    for number, (yaw, pitch, roll) in enumerate(np.degrees(angles)):
        assert found[number] == pytest.approx(rotation(yaw, pitch, roll))
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        numeric = (rotations(angles + step)[0] - rotations(angles - step)[0]) / 2e-6
        assert slopes[axis] == pytest.approx(numeric, abs=1e-8)
    points = rng.uniform(-0.6, 0.6, (20, 2))
    k = np.broadcast_to(np.array(LENS), (20, 5))
    bent, by_point = distorted(points, k)
    assert bent == pytest.approx(distort(points, LENS))
    for axis in range(2):
        step = np.eye(2)[axis] * 1e-6
        numeric = (distort(points + step, LENS) - distort(points - step, LENS)) / 2e-6
        assert by_point[:, :, axis] == pytest.approx(numeric, abs=1e-7)


def test_the_surface_follows_a_wave_that_a_plane_cannot(rng: np.random.Generator) -> None:
    places = rng.uniform(0, 80, (4000, 2))

    def wave(at: np.ndarray) -> np.ndarray:
        return 0.5 * np.sin(2 * np.pi * at[:, 0] / 60) * np.cos(2 * np.pi * at[:, 1] / 70)

    lattice = Lattice.over(places, 20.0)
    rows = lattice.weights_at(places)
    matrix = (rows.T @ rows).toarray() / 0.1**2 + lattice.information
    nodes = np.linalg.solve(matrix, rows.T @ (wave(places) + rng.normal(0, 0.1, 4000)) / 0.1**2)
    surface = Surface(lattice, nodes, np.linalg.inv(matrix), 0.1)
    inner = rng.uniform(5, 75, (500, 2))
    off = surface.height(inner) - wave(inner)
    plane = (
        wave(inner)
        - np.column_stack([inner, np.ones(500)])
        @ np.linalg.lstsq(np.column_stack([inner, np.ones(500)]), wave(inner), rcond=None)[0]
    )
    assert off.std() < 0.03
    assert plane.std() > 0.2
    weights = lattice.weights_at(inner)
    stated = np.sqrt(weights.multiply(weights @ surface.node_covariance).sum(axis=1))
    assert 0.5 < off.std() / stated.mean() < 1.5


def test_the_level_that_is_held_is_that_of_the_field(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not of all nodes: those around the field, held by nothing, could make up for any."""
    corners = np.array([[0.0, 0.0], [30.0, 20.0]])
    nodes = rng.normal(0, 1, Lattice.over(corners, 20.0).nodes)
    costs = []
    for error in (1.0, 0.5):
        monkeypatch.setattr(surface_module, "LEVEL_ERROR_M", error)
        costs.append(nodes @ Lattice.over(corners, 20.0).information @ nodes)
    lattice = Lattice.over(corners, 20.0)
    first = np.array([lattice.west, lattice.south]) + lattice.step
    size = lattice.step * np.array([lattice.columns - 3, lattice.rows - 3])
    cells = (np.stack(np.meshgrid(np.arange(300), np.arange(300)), -1).reshape(-1, 2) + 0.5) / 300
    mean = (lattice.weights_at(first + cells * size) @ nodes).mean()
    assert costs[1] - costs[0] == pytest.approx(3 * mean**2, rel=1e-3)


def test_rays_meet_the_surface(rng: np.random.Generator) -> None:
    lattice = Lattice.over(np.array([[0.0, 0.0], [50.0, 50.0]]), 10.0)
    nodes = rng.normal(0, 0.3, lattice.nodes)
    centres, heights = rng.uniform(10, 40, (50, 2)), np.full(50, 12.0)
    tangents = rng.uniform(-0.6, 0.6, (50, 2))
    places, level = intersect(centres, heights, tangents, (lattice, nodes))
    assert level == pytest.approx(lattice.weights_at(places) @ nodes, abs=2e-3)
    assert places == pytest.approx(centres + (heights - level)[:, None] * tangents)


def test_the_bias_of_a_flight_does_not_average_out() -> None:
    count, stated = 400, np.tile([2.0, 2.0, 0.5, 0.05, 0.02, 0.02], (400, 1))
    slow = SlowErrors.of(stated, np.arange(count) * 2.0, np.zeros(count, np.intp))
    white = np.array([0.5, 0.1, 0.5, 0.75])
    spread = np.linalg.inv(slow.information(white))
    rows = slow.rows.toarray()
    for axis in range(6):
        mean = rows[axis::6].mean(axis=0)
        share = slow_shares(white)[GROUP_OF[axis]]
        each = rows[axis::6] @ spread @ rows[axis::6].T
        # Each photo has the slow share of what was told; the mean of all keeps most of it.
        assert np.diag(each).mean() == pytest.approx(share * stated[0, axis] ** 2, rel=0.1)
        assert mean @ spread @ mean > 0.6 * share * stated[0, axis] ** 2


def test_what_is_not_known_has_no_slow_error() -> None:
    stated = np.full((3, 6), 1.0)
    stated[1, :2] = np.inf
    rows = SlowErrors.of(stated, np.full(3, np.nan), np.zeros(3, np.intp)).rows.toarray()
    assert not rows[6:8].any()
    assert rows[0:2].any()


def seen_by(pairs: list[tuple[int, int]], photos: int, each: int) -> Incidence:
    """`each` tracks for each pair."""
    photo = np.array([one for pair in pairs for _ in range(each) for one in pair])
    track = np.repeat(np.arange(len(pairs) * each), 2)
    order = np.argsort(photo, kind="stable")
    return Incidence(photo[order], track[order], photos, len(pairs) * each)


def test_blocks_are_what_hangs_together_by_enough_tracks() -> None:
    seen = seen_by([(0, 1), (1, 2), (3, 4)], 6, 10)
    used = np.ones(len(seen.photo), np.bool_)
    assert blocks_of(seen, used).tolist() == [0, 0, 0, 1, 1, -1]
    weak = seen_by([(0, 1), (1, 2)], 3, LEAST_COMMON - 1)
    assert blocks_of(weak, np.ones(len(weak.photo), np.bool_)).tolist() == [-1, -1, -1]
    used[seen.photo == 2] = False
    assert blocks_of(seen, used).tolist() == [0, 0, -1, 1, 1, -1]


def test_the_plane_alignment_finds_turns_that_no_photo_was_told(rng: np.random.Generator) -> None:
    count = 12
    places = np.column_stack([np.arange(count) * 4.0, np.zeros(count)])
    yaw = rng.uniform(0, 2 * np.pi, count)
    points = rng.uniform([-6, -6], [50, 6], (900, 2))
    photo, track = np.nonzero(np.hypot(*(points[None] - places[:, None]).transpose(2, 0, 1)) < 7)
    off = (points[track] - places[photo]) @ np.array([1, 1j])
    vectors = off * np.exp(1j * yaw[photo])  # turned by an unknown yaw, clockwise
    bad = rng.uniform(size=len(photo)) < 0.1
    vectors[bad] = rng.uniform(-6, 6, bad.sum()) + 1j * rng.uniform(-6, 6, bad.sum())
    seen = Incidence(photo, track, count, len(points))
    chain = Chain(np.arange(count), np.array([0, count]))
    told = places + rng.normal(0, 0.5, (count, 2))
    flat = np.column_stack([vectors.real, vectors.imag])
    found = coarse(
        seen, chain, flat, np.full(len(photo), 10.0), told, np.full(count, 0.5), np.zeros(count, int)
    )
    turn = np.exp(1j * (found.turn - yaw))
    assert np.abs(np.angle(turn / turn.mean())).max() < 0.01
    assert np.abs(np.angle(turn.mean())) < 0.1
    assert found.scale == pytest.approx(np.ones(count), abs=0.1)
    assert found.kept[~bad].mean() > 0.95  # some good ones have a wrong partner
    assert found.kept[bad].mean() < 0.15


@pytest.fixture(scope="module")
def running() -> Fit:
    """An adjustment in its first state, of a bent lens."""
    made = block(Wish(seed=3, columns=2, rows=3, tracks=25, k1_off=0.01))
    photos = Photos.one_flight(made.told, made.error, made.taken_at, made.camera)
    ties = Ties(made.photo, made.track, made.xy, 3.0)
    views = np.bincount(made.track)[made.track]
    return Fit(prepare(photos, ties, Control(), np.zeros(len(photos), np.intp), views > 1))


def grounded(running: Fit) -> State:
    """A state where a Gauss-Newton step is that of plain least squares: see `Bundle._pixel_rows`."""
    bundle, start = running.task.bundle, running.state
    rng = np.random.default_rng(5)
    pose = start.pose + rng.normal(0, 0.01, start.pose.shape)
    shared = rng.normal(0, 0.01, start.shared.shape)
    shared[bundle.node_column :] = 0.1
    state = State(pose, start.point.copy(), shared)
    pose[:, 4:] -= bundle.told_off(state)[:, 4:]
    state.point[:, 2] -= bundle.heights_off(state)
    return state


def unknowns(state: State) -> np.ndarray:
    return np.concatenate([state.pose.ravel(), state.point.ravel(), state.shared])


def state_of(values: np.ndarray, like: State) -> State:
    poses, points = like.pose.size, like.point.size
    return State(
        values[:poses].reshape(like.pose.shape),
        values[poses : poses + points].reshape(like.point.shape),
        values[poses + points :],
    )


def test_a_step_and_its_covariance_are_those_of_dense_least_squares(running: Fit) -> None:
    bundle, weights, state = running.task.bundle, running.weights, grounded(running)
    priors = bundle.shared_information(weights.white)
    root = np.linalg.cholesky(priors).T

    def lines(values: np.ndarray) -> np.ndarray:
        at = state_of(values, state)
        return np.concatenate(
            [
                (bundle.pixels_off(at) * (np.sqrt(weights.seen) / weights.pixel)[:, None]).ravel(),
                (bundle.told_off(at) * np.sqrt(bundle.told_weight(weights))).ravel(),
                bundle.heights_off(at) * np.sqrt(weights.flat) / weights.scatter_m,
                root @ at.shared,
            ]
        )

    here = unknowns(state)
    steps = np.eye(len(here)) * 1e-6
    slopes = np.array([(lines(here + step) - lines(here - step)) / 2e-6 for step in steps]).T
    matrix = slopes.T @ slopes
    points = slice(state.pose.size, state.pose.size + state.point.size)
    matrix[: points.stop, : points.stop] += HOLD * np.eye(points.stop)
    off = bundle.pixels_off(state)
    found = bundle.linearise(state, off, weights, priors)
    assert bundle.cost(state, off, weights, priors) == pytest.approx(float((lines(here) ** 2).sum()))
    step = unknowns(State(found.pose, found.point, found.shared))
    assert step == pytest.approx(np.linalg.solve(matrix, -slopes.T @ lines(here)), abs=2e-5)
    inverse, spread = np.linalg.inv(matrix), bundle.covariances(found)
    for number, own in enumerate(spread.own):
        mine = slice(6 * number, 6 * number + 6)
        assert own == pytest.approx(inverse[mine, mine], rel=0.01, abs=1e-6)
        assert spread.cross[number] == pytest.approx(inverse[mine, points.stop :], rel=0.01, abs=1e-6)
    assert spread.shared == pytest.approx(inverse[points.stop :, points.stop :], rel=0.01, abs=1e-6)


def test_a_photo_that_nothing_holds_does_not_stop_the_step_of_the_others(running: Fit) -> None:
    """Its ties are all rejected and its yaw is not believed: what is left says nothing of the yaw."""
    bundle = running.task.bundle
    seen, told = running.weights.seen.copy(), running.weights.told.copy()
    seen[bundle.seen.photo == 2] = 0.0
    told[2, 3] = 0.0
    weights = replace(running.weights, seen=seen, told=told)
    found = bundle.linearise(running.state, running.off, weights, bundle.shared_information(weights.white))
    assert abs(found.pose[2, 3]) < 1e-6
    assert np.isfinite(found.pose).all()
    assert np.isfinite(bundle.covariances(found).own).all()
