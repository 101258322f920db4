"""Where captures stand over the ground, as they say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fieldbox.domain import Capture, CaptureKind
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.georef.tile import Tile


def geometries_of(captures: Sequence[Capture]) -> dict[str, PhotoGeometry]:
    """The geometry of each placed capture, by digest, on the ground plane of the first."""
    placed = [one for one in captures if one.pose and one.camera]
    if not placed or placed[0].pose is None:
        return {}
    plane = GroundPlane.for_point(placed[0].pose.lat, placed[0].pose.lon)
    return {one.digest: _geometry(one, plane) for one in placed}


def _geometry(capture: Capture, plane: GroundPlane) -> PhotoGeometry:
    pose, camera, source = capture.pose, capture.camera, capture.source
    if pose is None or camera is None:
        raise ValueError(f"{capture.digest} has no place")
    if source and source.kind is CaptureKind.TILE:
        return Tile(capture.digest, pose, camera, plane, source.outline)
    return PhotoGeometry(capture.digest, pose, camera, plane)


def is_mosaic(captures: Iterable[Capture]) -> bool:
    """Whether these are the tiles of an orthomosaic: in place already, and looked at once."""
    return any(one.source and one.source.kind is CaptureKind.TILE for one in captures)
