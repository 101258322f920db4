"""From a kept file and its metadata to a `Capture`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blake3 import blake3

from fieldbox.domain import Camera, Capture, CaptureKind, Original, Pose, Source
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.film import Frame
from fieldbox.imagery.jpeg import MIN_SIDE
from fieldbox.imagery.metadata import NO_FOCAL, Metadata
from fieldbox.imagery.multispectral.develop import reference_of
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.multispectral.optics import reference_camera
from fieldbox.imagery.raster import FIELD_HEIGHT_M, PLAIN_GPS_M, Raster, Tile
from fieldbox.imagery.rasterbands import codes_of

BANDS_VERSION = 1
"""Raise it when the same bands would give another capture."""
PANEL = Sentence(N_("It shows the calibration panel: its light is used for the photos of the flight."))
FRAMES_VERSION = 2
"""Raise it when the same video would give other frames."""
TILES_VERSION = 2
"""Raise it when the same raster would be cut into other tiles, or their pictures would be others."""


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


def exposure_of(files: Sequence[tuple[Original, BandFile]], *, panel: bool) -> Capture:
    """The capture of the bands of one exposure, in any order; `panel`: it shows the calibration panel, not the field."""
    reference = files[reference_of([band for _file, band in files])]
    band, told = reference[1], reference[1].told
    camera = reference_camera(band)
    digests = sorted(file.digest for file, _band in files)
    unplaced = PANEL if panel else told.unplaced
    if unplaced is None and camera is None:
        unplaced = NO_FOCAL
    return Capture(
        digest=blake3(f"bands {BANDS_VERSION} {' '.join(digests)}".encode()).hexdigest(),
        name=reference[0].name,
        size=sum(file.size for file, _band in files),
        taken_at=band.taken_at,
        lat=band.lat,
        lon=band.lon,
        camera=camera,
        pose=told.pose if unplaced is None else None,
        unplaced=unplaced,
        stated=None if panel else told.stated,
        source=Source(CaptureKind.BANDS, tuple(digests), (int(panel),)),
    )


def frame_of(video: Original, telemetry: Original | None, frame: Frame, *, simulated: bool) -> Capture:
    """The capture of a frame of a video, with what was written beside it."""
    files = (video.digest, telemetry.digest) if telemetry else (video.digest,)
    told = f"frame {FRAMES_VERSION} {' '.join(files)} {frame.picked.at}"
    minutes, seconds = divmod(frame.seconds, 60)
    return Capture(
        digest=blake3(told.encode()).hexdigest(),
        name=f"{video.name} {minutes:02.0f}:{seconds:04.1f}",
        size=video.size,
        taken_at=frame.taken_at,
        lat=frame.lat,
        lon=frame.lon,
        camera=frame.camera,
        pose=frame.pose,
        unplaced=frame.unplaced,
        simulated=simulated,
        stated=frame.stated,
        source=Source(CaptureKind.FRAME, files, (frame.picked.at,)),
    )


def tiles_of(
    given: Original, raster: Raster, beside: Sequence[Original] = (), bands: Sequence[str] = ()
) -> Iterator[Capture]:
    """The captures that an orthomosaic is cut into; `beside` and `bands` as it was read with (`read_raster`)."""
    digests = (given.digest, *(one.digest for one in beside))
    for tile in raster.tiles:
        yield _tile(given, digests, raster, tile, tuple(bands))


def _tile(
    given: Original, digests: tuple[str, ...], raster: Raster, tile: Tile, bands: tuple[str, ...]
) -> Capture:
    window = tile.window
    at = (window.x0, window.y0, window.x1, window.y1)
    told = " ".join(["tile", str(TILES_VERSION), *digests, str(at), *bands])
    width, height = window.x1 - window.x0, window.y1 - window.y0
    camera = Camera(
        make="",
        model="",
        width=max(width, MIN_SIDE),
        height=max(height, MIN_SIDE),
        focal_px=FIELD_HEIGHT_M / tile.gsd_m,
        cx=(width - 1) / 2,
        cy=(height - 1) / 2,
        focal_error=0.0,
    )
    pose = Pose(
        lat=tile.lat,
        lon=tile.lon,
        height_m=FIELD_HEIGHT_M,
        yaw_deg=tile.yaw_deg,
        pitch_deg=0.0,
        roll_deg=0.0,
        error_m=raster.error_m or PLAIN_GPS_M,
        height_error_m=0.0,
        yaw_error_deg=0.0,
        tilt_error_deg=0.0,
    )
    return Capture(
        digest=blake3(told.encode()).hexdigest(),
        name=given.name,
        size=given.size,
        taken_at=raster.made_at,
        lat=tile.lat,
        lon=tile.lon,
        camera=camera,
        pose=pose,
        unplaced=None,
        source=Source(CaptureKind.TILE, digests, at + codes_of(bands), tile.outline),
    )
