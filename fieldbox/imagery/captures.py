"""From a kept file and its metadata to a `Capture`."""

from __future__ import annotations

from fieldbox.domain import Capture
from fieldbox.imagery.metadata import Metadata


def capture_of(digest: str, name: str, size: int, metadata: Metadata) -> Capture:
    """The capture of a file kept under `digest`; `name` as the user gave it, `size` in bytes."""
    return Capture(
        digest=digest,
        name=name,
        size=size,
        taken_at=metadata.taken_at,
        lat=metadata.lat,
        lon=metadata.lon,
        camera=metadata.camera,
        pose=metadata.pose,
        unplaced=metadata.unplaced,
        simulated=metadata.simulated,
        stated=metadata.stated,
    )
