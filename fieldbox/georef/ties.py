"""What an adjustment is given: photos with their told poses, ties between them, known points."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from fieldbox.domain import Camera
from fieldbox.georef.arrow import Array, Incidence, Index, Sparse
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry

LEAST_COMMON = 6
"""Common tracks that join two photos."""
LEAST_TRACKS = 8
"""Tracks with joined photos that a photo needs to be adjusted."""


@dataclass(frozen=True)
class Photos:
    """Poses as told, in metres on the ground from a local origin. Angles in degrees, yaw from grid north."""

    pose: Array
    """[N, 6] east, north, height above z = 0, yaw, pitch, roll; NaN east and north: not known."""
    error: Array
    """[N, 4] standard errors: position (each axis), height, yaw, tilt (pitch and roll, each)."""
    taken_at: Array
    """[N] seconds; NaN: not known."""
    camera: Index
    """[N] number of the photo's camera in `cameras`."""
    cameras: tuple[Camera, ...]
    flight: Index
    """[N] number of the photo's flight: photos of one share their slow errors."""

    def __len__(self) -> int:
        return len(self.pose)

    @classmethod
    def one_flight(cls, pose: Array, error: Array, taken_at: Array, camera: Camera) -> Photos:
        """Photos of one camera and one flight."""
        zero = np.zeros(len(pose), np.intp)
        return cls(pose, error, taken_at, zero, (camera,), zero)


@dataclass(frozen=True)
class Ties:
    """Observations of things seen in two or more photos, wrong ones among them."""

    photo: Index
    track: Index
    xy: Array
    """[n, 2] full-size pixels."""
    sigma_px: float
    """Standard error of each axis in full-size pixels; estimated anew from the residuals."""


def _empty(*shape: int) -> Array:
    return np.zeros(shape)


def _no_index() -> Index:
    return np.zeros(0, np.intp)


@dataclass(frozen=True)
class Control:
    """Points with known coordinates, and check points, seen in photos."""

    known: Array = field(default_factory=lambda: _empty(0, 3))
    """[G, 3] east, north, height above z = 0, in the frame of the photos."""
    sigma: Array = field(default_factory=lambda: _empty(0, 3))
    """[G, 3] standard errors; infinite: not used (a check point, or a point without a height)."""
    photo: Index = field(default_factory=_no_index)
    point: Index = field(default_factory=_no_index)
    xy: Array = field(default_factory=lambda: _empty(0, 2))
    sigma_px: float = 1.0


@dataclass(frozen=True)
class Frame:
    """Origin of local metres on a flight's ground plane: grid = origin + scale x local."""

    plane: GroundPlane
    east: float
    north: float
    scale: float

    def to_grid(self, places: Array) -> Array:
        """[N, 2] local to grid metres."""
        return np.asarray(np.array([self.east, self.north]) + self.scale * places)

    def to_local(self, places: Array) -> Array:
        """[N, 2] grid to local metres."""
        return np.asarray((places - np.array([self.east, self.north])) / self.scale)


def photos_of(
    geometries: tuple[PhotoGeometry, ...], taken_at: Array, flight: Index | None = None
) -> tuple[Photos, Frame]:
    """Told poses of placed photos in local metres around their middle, and where that is.

    `taken_at` [N] in seconds, NaN where not known; all photos on one plane.
    """
    centres = np.array([geometry.centre for geometry in geometries])
    scale = float(np.mean([geometry.metres_on_grid for geometry in geometries]))
    middle = centres.mean(axis=0)
    frame = Frame(geometries[0].plane, float(middle[0]), float(middle[1]), scale)
    poses = [geometry.pose for geometry in geometries]
    angles = np.array(
        [[g.pose.height_m, g.grid_yaw_deg, g.pose.pitch_deg, g.pose.roll_deg] for g in geometries]
    )
    error = np.array([[p.error_m, p.height_error_m, p.yaw_error_deg, p.tilt_error_deg] for p in poses])
    cameras = tuple(dict.fromkeys(geometry.camera for geometry in geometries))
    camera = np.array([cameras.index(geometry.camera) for geometry in geometries], np.intp)
    same = np.zeros(len(geometries), np.intp) if flight is None else flight
    return Photos(np.hstack([frame.to_local(centres), angles]), error, taken_at, camera, cameras, same), frame


def blocks_of(seen: Incidence, used: NDArray[np.bool_]) -> Index:
    """[photos] number of each photo's block by its used observations; -1: tied too weakly to anything."""
    links = strong_links(seen, used)
    degree = np.asarray(links.sum(axis=1)).ravel()
    _count, label = connected_components(links, directed=False)
    sizes = np.bincount(label, minlength=len(degree))
    weak = (degree < LEAST_TRACKS) | (sizes[label] < 2)
    if weak.any() and not weak.all() and (weak & (sizes[label] > 1)).any():
        return blocks_of(seen, used & ~weak[seen.photo])
    numbers = np.full(len(degree), -1, np.intp)
    if not weak.all():
        numbers[~weak] = np.unique(label[~weak], return_inverse=True)[1]
    return numbers


def strong_links(seen: Incidence, used: NDArray[np.bool_]) -> Sparse:
    """[photos, photos] common tracks of photos that share at least LEAST_COMMON, without the diagonal."""
    links = seen.links(used)
    links.setdiag(0)
    links.data[links.data < LEAST_COMMON] = 0
    links.eliminate_zeros()
    return links
