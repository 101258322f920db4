"""Where on the ground a pixel of an adjusted photo is, and how sure that is.

First order: ground = centre + (height - surface) x tangent of the ray. Its derivatives by pose, lens, surface
and by the height of the thing itself meet the joint covariance of the adjustment, correlations included:
an error of height that the surface shares, or of focal length that the height makes good, cancels
here as it does on the ground. The surface is taken to move with its block, so its slope plays no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldbox.georef.adjustment import Adjusted, Outcome
from fieldbox.georef.arrow import Array, Index
from fieldbox.georef.bundle import LENS
from fieldbox.georef.projection import radius95, undistort
from fieldbox.georef.rays import distorted, rotations
from fieldbox.georef.surface import intersect

_CHUNK = 4096
_LEAST_DOWN = 0.1


@dataclass(frozen=True)
class Located:
    """Places [M] on the ground."""

    places: Array
    """[M, 2] east, north in the frame of the adjustment."""
    height: Array
    """[M] of the surface there."""
    covariance: Array
    """[M, 2, 2] m2."""

    @property
    def error95(self) -> Array:
        """[M] radius of the circle that holds 95 % of the error."""
        spread = self.covariance
        return radius95(spread[:, 0, 0], spread[:, 1, 1], spread[:, 0, 1])


def locate(adjusted: Adjusted, photo: Index, xy: Array, sigma_px: float = 0.0) -> Located:
    """Ground of pixels [M, 2] of photos [M]; `sigma_px`: error of the pixels themselves.

    Photos that kept their told pose are put on the plane z = 0 with their told errors.
    """
    parts = [
        _locate(adjusted, photo[start : start + _CHUNK], xy[start : start + _CHUNK], sigma_px)
        for start in range(0, len(photo), _CHUNK)
    ]
    if not parts:
        return Located(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2, 2)))
    places, height, covariance = zip(*parts, strict=True)
    return Located(np.concatenate(places), np.concatenate(height), np.concatenate(covariance))


def _locate(adjusted: Adjusted, photo: Index, xy: Array, sigma_px: float) -> tuple[Array, Array, Array]:
    ideal, by_lens, by_pixel = _rays(adjusted, photo, xy)
    pose = adjusted.pose[photo]
    turn, d_turn = rotations(np.radians(pose[:, 3:]))
    rays = np.column_stack([ideal, np.ones(len(ideal))])
    tangent, by_ray = _tangents(np.einsum("nij,nj->ni", turn, rays))
    free = np.array([one == Outcome.ADJUSTED for one in adjusted.outcome])[photo]
    nodes = adjusted.surface.nodes
    places, height = intersect(pose[:, :2], pose[:, 2], tangent, (adjusted.surface.lattice, nodes))
    places = np.where(free[:, None], places, pose[:, :2] + pose[:, 2:3] * tangent)
    height = np.where(free, height, 0.0)
    above = pose[:, 2] - height
    # By the tangent, then through it by angles and lens.
    by_ray = by_ray * above[:, None, None]
    by_pose = np.zeros((len(photo), 2, 6))
    by_pose[:, 0, 0] = by_pose[:, 1, 1] = 1.0
    by_pose[:, :, 2] = tangent
    for axis in range(3):
        moved = np.einsum("nij,nj->ni", d_turn[axis], rays)
        by_pose[:, :, 3 + axis] = np.radians(np.einsum("nij,nj->ni", by_ray, moved))
    through = np.einsum("nij,njk->nik", by_ray, turn[:, :, :2])
    value = adjusted.surface.lattice.weights_at(places).toarray() * free[:, None]
    shared = np.zeros((len(photo), 2, len(adjusted.shared_covariance)))
    for number in range(len(adjusted.cameras)):
        mine = adjusted.camera[photo] == number
        shared[mine, :, LENS * number : LENS * number + LENS] = (through @ by_lens)[mine]
    shared[:, :, -value.shape[1] :] = -tangent[:, :, None] * value[:, None, :]
    total = _total(adjusted, photo, by_pose, shared)
    own = tangent[:, :, None] * np.where(free, adjusted.surface.scatter_m, 0.0)[:, None, None]
    pixel = through @ by_pixel * sigma_px
    return places, height, total + own @ own.transpose(0, 2, 1) + pixel @ pixel.transpose(0, 2, 1)


def _total(adjusted: Adjusted, photo: Index, by_pose: Array, by_shared: Array) -> Array:
    own = by_pose @ adjusted.covariance[photo] @ by_pose.transpose(0, 2, 1)
    middle = by_pose @ adjusted.cross_covariance[photo] @ by_shared.transpose(0, 2, 1)
    flat = by_shared.reshape(-1, by_shared.shape[2]) @ adjusted.shared_covariance
    both = flat.reshape(by_shared.shape) @ by_shared.transpose(0, 2, 1)
    return np.asarray(own + middle + middle.transpose(0, 2, 1) + both)


def _tangents(rays: Array) -> tuple[Array, Array]:
    """Metres east and north for a metre down of rays north, east, down [n, 3]; derivatives [n, 2, 3]."""
    down = np.maximum(rays[:, 2], _LEAST_DOWN)
    tangent = rays[:, 1::-1] / down[:, None]
    by_ray = np.zeros((len(rays), 2, 3))
    by_ray[:, 0, 1] = by_ray[:, 1, 0] = 1.0 / down
    by_ray[:, :, 2] = -tangent / down[:, None]
    return tangent, by_ray


def _rays(adjusted: Adjusted, photo: Index, xy: Array) -> tuple[Array, Array, Array]:
    """Ideal points [n, 2] of pixels; derivatives by log focal and k1 [n, 2, 2] and by the pixel [n, 2, 2]."""
    ideal = np.empty_like(xy)
    by_lens, by_pixel = np.empty((len(xy), 2, 2)), np.empty((len(xy), 2, 2))
    kind = adjusted.camera[photo]
    for number, camera in enumerate(adjusted.cameras):
        mine = kind == number
        flat = (xy[mine] - (camera.cx, camera.cy)) / camera.focal_px
        found = undistort(flat, camera.distortion)
        slopes = distorted(found, np.broadcast_to(np.array(camera.distortion), (len(found), 5)))[1]
        back = np.linalg.inv(slopes)
        r2 = (found**2).sum(axis=1, keepdims=True)
        ideal[mine] = found
        by_lens[mine] = back @ np.stack([-flat, -found * r2], axis=2)
        by_pixel[mine] = back / camera.focal_px
    return ideal, by_lens, by_pixel
