"""One photo's camera over flat ground: pixels to ground and back, and how sure that is.

The camera frame is OpenCV's (x right, y down in the image, z along the optic axis), the body frame an
aircraft's (x ahead, y right, z down), the world north, east, down. The body is turned by
Rz(yaw) Ry(pitch) Rx(roll), the usual ZYX order, so that (0, 0) looks straight down with the top of
the image towards the yaw. The ground is the plane z = 0, `height_m` below the camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fieldbox.domain import Camera, Interval, Pose
from fieldbox.georef.plane import GroundPlane

Array = NDArray[np.float64]

MAX_FOOTPRINT_DEG = 75.0
"""Rays further than this from the nadir are cut from a footprint."""
MAX_RAY_DEG = 85.0
"""Rays further than this from the nadir have no ground point."""
CHI95 = 1.959964
RADIUS95 = 2.4477
"""Radius of 95 % of a two-dimensional normal of unit sigma."""
BODY_FROM_CAMERA = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_NEWTON_STEPS = 20
_NEWTON_DONE = 1e-12
_GRID_STEP = 32
_STEPS = np.array([1e-3, 1e-3, 1e-3, 1e-3, 1e-5])
"""Of the numerical derivatives: metres, degrees (yaw, pitch, roll), share of the focal length."""


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Array:
    """[3, 3] matrix that turns camera vectors into north, east, down (angles in degrees, see the module)."""
    cos_y, sin_y = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    cos_p, sin_p = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    cos_r, sin_r = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    yaw = np.array([[cos_y, -sin_y, 0.0], [sin_y, cos_y, 0.0], [0.0, 0.0, 1.0]])
    pitch = np.array([[cos_p, 0.0, sin_p], [0.0, 1.0, 0.0], [-sin_p, 0.0, cos_p]])
    roll = np.array([[1.0, 0.0, 0.0], [0.0, cos_r, -sin_r], [0.0, sin_r, cos_r]])
    return np.asarray(yaw @ pitch @ roll @ BODY_FROM_CAMERA)


Brown = tuple[float, float, float, float, float] | Array
"""k1, k2, p1, p2, k3 of one camera; or [5, N], those of each point's."""


def distort(points: Array, coefficients: Brown) -> Array:
    """Brown's model as OpenCV writes it: ideal to distorted normalised image points, both [N, 2]."""
    k1, k2, p1, p2, k3 = coefficients
    x, y = points[:, 0], points[:, 1]
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=1,
    )


def distortion_slopes(points: Array, coefficients: Brown) -> tuple[Array, Array, Array]:
    """Derivatives [N] of `distort`: of x by x, of either by the other, of y by y."""
    k1, k2, p1, p2, k3 = coefficients
    x, y = points[:, 0], points[:, 1]
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    slope = 2.0 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
    return (
        np.asarray(radial + slope * x * x + 2 * p1 * y + 6 * p2 * x),
        np.asarray(slope * x * y + 2 * p1 * x + 2 * p2 * y),
        np.asarray(radial + slope * y * y + 6 * p1 * y + 2 * p2 * x),
    )


def undistort(points: Array, coefficients: tuple[float, float, float, float, float]) -> Array:
    """The inverse of `distort` by Newton's method: [N, 2] to [N, 2]."""
    found = points.copy()
    for _step in range(_NEWTON_STEPS):
        j_xx, j_xy, j_yy = distortion_slopes(found, coefficients)
        miss = distort(found, coefficients) - points
        determinant = j_xx * j_yy - j_xy * j_xy
        step_x = (j_yy * miss[:, 0] - j_xy * miss[:, 1]) / determinant
        step_y = (j_xx * miss[:, 1] - j_xy * miss[:, 0]) / determinant
        found -= np.stack([step_x, step_y], axis=1)
        if max(np.abs(step_x).max(initial=0.0), np.abs(step_y).max(initial=0.0)) < _NEWTON_DONE:
            break
    return found


def radius95(var_a: Array, var_b: Array, covariance: Array) -> Array:
    """Radius of the circle that holds 95 % of a bivariate normal, each argument [N].

    Leenhouts (1985, Navigation 32(1)), as the FGDC's and the US National Geodetic Survey's network
    accuracies use it: R = s1 (1.960790 + 0.004071 c + 0.114276 c^2 + 0.371625 c^3) with c = s2 / s1
    and s1 >= s2 the semi-axes of the standard error ellipse. Within 0.2 % of the exact value (2.4477
    for a circle, 1.9600 for a line).
    """
    mean = (var_a + var_b) / 2
    spread = np.hypot((var_a - var_b) / 2, covariance)
    major = np.sqrt(mean + spread)
    minor = np.sqrt(np.maximum(mean - spread, 0.0))
    ratio = np.divide(minor, major, out=np.zeros_like(major), where=major > 0)
    return np.asarray(major * (1.960790 + ratio * (0.004071 + ratio * (0.114276 + ratio * 0.371625))))


@dataclass(frozen=True)
class PhotoGeometry:
    """A placed photo. Pixels are [N, 2] x, y; ground points [N, 2] east, north in metres of the plane."""

    digest: str
    pose: Pose
    camera: Camera
    plane: GroundPlane

    @cached_property
    def centre(self) -> Array:
        """[2] east, north under the camera."""
        east, north = self.plane.to_ground(self.pose.lat, self.pose.lon)
        return np.array([float(east), float(north)])

    @cached_property
    def metres_on_grid(self) -> float:
        """Grid metres for one metre on the ground."""
        return self.plane.scale(self.pose.lat, self.pose.lon)

    @cached_property
    def grid_yaw_deg(self) -> float:
        """Direction of the image's top, clockwise from grid north."""
        return self.pose.yaw_deg - self.plane.convergence_deg(self.pose.lat, self.pose.lon)

    @cached_property
    def axes(self) -> Array:
        """[3, 3] camera vectors to grid north, grid east, down."""
        return rotation(self.grid_yaw_deg, self.pose.pitch_deg, self.pose.roll_deg)

    @property
    def block(self) -> int | None:
        """Photos of one block agree with each other better than each with the world; None: it is in none."""
        return None

    @property
    def share95_m(self) -> float:
        """Of the 95 % radius by which two photos of one block put the same thing apart, this photo's share (squares
        add)."""
        return math.nan

    @property
    def distorted(self) -> bool:
        """True if the camera has any lens distortion."""
        return any(self.camera.distortion)

    @cached_property
    def max_radius(self) -> float:
        """Largest ideal radius (tangent) up to which the radial distortion is one to one."""
        k1, k2, _p1, _p2, k3 = self.camera.distortion
        radii = np.linspace(0.0, math.tan(math.radians(MAX_RAY_DEG)), 4096)
        r2 = radii * radii
        slope = 1.0 + r2 * (3 * k1 + r2 * (5 * k2 + r2 * 7 * k3))
        folded = np.flatnonzero(slope <= 0.05)
        return float(radii[folded[0]]) if folded.size else math.inf

    def rays(self, xy: ArrayLike) -> Array:
        """Ideal normalised image points [N, 2] (tangents off the optic axis) of pixels [N, 2]."""
        camera = self.camera
        pixels = np.asarray(xy, float).reshape(-1, 2)
        points = (pixels - (camera.cx, camera.cy)) / camera.focal_px
        return undistort(points, camera.distortion) if self.distorted else points

    def pixel_to_ground(self, xy: ArrayLike) -> Array:
        """[N, 2] pixels to [N, 2] ground; NaN for rays more than MAX_RAY_DEG off the nadir."""
        return self._ground(self.rays(xy))

    def _ground(self, points: Array) -> Array:
        """Ground [N, 2] of ideal points [N, 2]."""
        return self.centre + self.metres_on_grid * self._meet(points, self.axes, self.pose.height_m)

    def _above(self, ground: Array) -> Array:
        """[N] metres by which the camera is above the ground at places [N, 2]."""
        return np.full(len(ground), self.pose.height_m)

    def ground_to_pixel(self, en: ArrayLike) -> Array:
        """[N, 2] ground to [N, 2] pixels (also outside the image); NaN where the camera cannot see."""
        camera = self.camera
        ground = np.asarray(en, float).reshape(-1, 2)
        offset = (ground - self.centre) / self.metres_on_grid
        world = np.column_stack([offset[:, 1], offset[:, 0], self._above(ground)])
        seen = world @ self.axes
        depth = np.where(seen[:, 2] > 1e-6 * np.linalg.norm(seen, axis=1), seen[:, 2], np.nan)
        points = seen[:, :2] / depth[:, None]
        if self.distorted:
            points[np.hypot(points[:, 0], points[:, 1]) > self.max_radius] = np.nan
            points = distort(points, camera.distortion)
        return np.asarray(points * camera.focal_px + (camera.cx, camera.cy))

    def footprint(self) -> Array:
        """[K, 2] open ring on the ground of the image's edge; [0, 2] if no part looks down.

        Image corners on pixel edges; where a tilted camera looks more than MAX_FOOTPRINT_DEG off the
        nadir, that part is cut away by a straight line.
        """
        points = self.rays(self._edge(16 if self.distorted else 1))
        down = self.axes[2]
        reach = math.sqrt(1.0 + float((points**2).sum(axis=1).max()))
        limit = math.cos(math.radians(MAX_FOOTPRINT_DEG)) * reach
        kept = _clip(points, points @ down[:2] + down[2] - limit)
        return self._ground(kept)

    def ground_grid(self, x0: float, y0: float, step: float, columns: int, rows: int) -> Array:
        """Ground [rows, columns, 2] of the pixels (x0 + j step, y0 + i step).

        Without distortion this is exact; with it, ideal points are interpolated between nodes some
        32 px apart, which is good to a few hundredths of a pixel for the lenses of drones.
        """
        xs = np.asarray(x0 + step * np.arange(columns), float)
        ys = np.asarray(y0 + step * np.arange(rows), float)
        if self.distorted:
            points = self._ideal_grid(xs, ys)
        else:
            camera = self.camera
            points = np.empty((rows, columns, 2))
            points[..., 0] = (xs - camera.cx) / camera.focal_px
            points[..., 1] = ((ys - camera.cy) / camera.focal_px)[:, None]
        return np.asarray(self._ground(points.reshape(-1, 2)).reshape(rows, columns, 2))

    @property
    def gsd_m(self) -> float:
        """Ground metres for a pixel at the principal point: the root of the area of a pixel there."""
        camera = self.camera
        steps = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) + np.array([camera.cx, camera.cy])
        at, right, below = self.pixel_to_ground(steps) / self.metres_on_grid
        (a, b), (c, d) = right - at, below - at
        return math.sqrt(abs(a * d - b * c))

    @property
    def gsd_interval95(self) -> Interval:
        """95 % interval of `gsd_m` from the errors of height and focal length (first order)."""
        height = self.pose.height_error_m / self.pose.height_m
        relative = CHI95 * math.hypot(height, self.camera.focal_error)
        return Interval(self.gsd_m * max(0.0, 1 - relative), self.gsd_m * (1 + relative))

    def covariance(self, xy: ArrayLike) -> Array:
        """[N, 3] ground variance of east, of north, and their covariance (m2) at pixels [N, 2].

        First-order propagation of independent errors of position (each axis), height, yaw, pitch,
        roll and focal length; the derivatives are central differences of the projection.
        """
        points, pose = self.rays(xy), self.pose
        total = np.zeros((len(points), 3))
        total[:, :2] = pose.error_m**2
        sigmas = (
            pose.height_error_m,
            pose.yaw_error_deg,
            pose.tilt_error_deg,
            pose.tilt_error_deg,
            self.camera.focal_error,
        )
        for sigma, step in zip(sigmas, np.diag(_STEPS), strict=True):
            slope = (self._moved(points, step) - self._moved(points, -step)) * (sigma / (2 * step.sum()))
            total += np.column_stack([slope[:, 0] ** 2, slope[:, 1] ** 2, slope[:, 0] * slope[:, 1]])
        return total

    def error95_m(self, xy: ArrayLike) -> Array:
        """[N] radius on the ground that holds 95 % of the error at pixels [N, 2] (see `radius95`)."""
        spread = self.covariance(xy)
        return radius95(spread[:, 0], spread[:, 1], spread[:, 2])

    def _moved(self, points: Array, change: Array) -> Array:
        """Ground offsets [N, 2] if height, yaw, pitch, roll and (relatively) focal length were changed so."""
        height, yaw, pitch, roll, focal = change.tolist()
        axes = rotation(self.grid_yaw_deg + yaw, self.pose.pitch_deg + pitch, self.pose.roll_deg + roll)
        return self._meet(points / (1.0 + focal), axes, self.pose.height_m + height)

    @staticmethod
    def _meet(points: Array, axes: Array, height_m: float) -> Array:
        """Offsets east, north in metres at which rays through ideal points [N, 2] meet the ground."""
        x, y = points[:, 0], points[:, 1]
        north, east, down = (row[0] * x + row[1] * y + row[2] for row in axes)
        limit = math.cos(math.radians(MAX_RAY_DEG)) * np.sqrt(1.0 + x * x + y * y)
        reach = np.divide(height_m, down, out=np.full_like(down, np.nan), where=down > limit)
        return np.stack([east * reach, north * reach], axis=1)

    def _edge(self, parts: int) -> Array:
        """[4 parts, 2] pixels around the image's edge, clockwise from the top left corner."""
        right, bottom = self.camera.width - 0.5, self.camera.height - 0.5
        along = np.arange(parts) / parts
        corners = np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])
        following = np.roll(corners, -1, axis=0)
        return np.concatenate([a + along[:, None] * (b - a) for a, b in zip(corners, following, strict=True)])

    def _ideal_grid(self, xs: Array, ys: Array) -> Array:
        """Ideal points [rows, columns, 2] of a lattice of pixels, bilinear between sparse nodes."""
        nodes_x, nodes_y = nodes_of(xs), nodes_of(ys)
        lattice = np.stack(np.meshgrid(nodes_x, nodes_y), axis=-1)
        return between(nodes_x, nodes_y, self.rays(lattice.reshape(-1, 2)).reshape(lattice.shape), xs, ys)


def between(nodes_x: Array, nodes_y: Array, values: Array, xs: Array, ys: Array) -> Array:
    """[rows, columns, 2] of a lattice (xs, ys), bilinear between `values` [ny, nx, 2] at sparse nodes."""
    columns = np.empty((len(nodes_y), len(xs), 2))
    for axis in range(2):
        for row in range(len(nodes_y)):
            columns[row, :, axis] = np.interp(xs, nodes_x, values[row, :, axis])
    place = np.clip(np.searchsorted(nodes_y, ys, side="right") - 1, 0, len(nodes_y) - 2)
    share = ((ys - nodes_y[place]) / (nodes_y[place + 1] - nodes_y[place]))[:, None, None]
    return np.asarray(columns[place] * (1 - share) + columns[place + 1] * share)


def nodes_of(values: Array) -> Array:
    """Nodes about _GRID_STEP px apart over the range of `values` (at least two)."""
    low, high = float(values[0]), float(values[-1])
    return np.linspace(low, max(high, low + 1.0), max(2, math.ceil((high - low) / _GRID_STEP) + 1))


def _clip(ring: Array, inside: Array) -> Array:
    """The part of a ring [K, 2] where the linear function `inside` [K] is positive (Sutherland-Hodgman)."""
    kept = []
    for index in range(len(ring)):
        here, before = inside[index], inside[index - 1]
        if (here >= 0) != (before >= 0):
            kept.append(ring[index - 1] + (ring[index] - ring[index - 1]) * (before / (before - here)))
        if here >= 0:
            kept.append(ring[index])
    return np.array(kept).reshape(-1, 2)
