"""What a photo says of itself: size, time, place, camera and pose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fieldbox.domain import Camera, Pose, Stated
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.cameras import camera_of, is_cut
from fieldbox.imagery.exif import Exif, read_exif
from fieldbox.imagery.jpeg import JpegHeader, header_of, read_file
from fieldbox.imagery.poses import Told, place_of, told_of
from fieldbox.imagery.xmp import Xmp, read_xmp

SIMULATED_SOFTWARE = "fieldbox simulate"
NO_FOCAL = Sentence(
    N_("The photo does not say the focal length of its camera: give the drone's original files.")
)
CUT = Sentence(N_("The photo was cut or turned after the flight: give the drone's original file."))


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is not stated, or not believable, is None (or "")."""

    width: int
    height: int
    """Pixels of the file."""
    taken_at: datetime | None
    """Naive: the camera's clock."""
    lat: float | None
    lon: float | None
    make: str
    model: str
    serial: str
    """Of the camera or drone."""
    software: str
    camera: Camera | None
    pose: Pose | None
    unplaced: Sentence | None
    """Why there is no pose; None where there is one."""
    stated: Stated | None
    """What the tags say of the pose, as they say it."""
    simulated: bool


def read_metadata(path: Path) -> Metadata:
    """Read the metadata of the photo at `path`; the pixels are not decoded.

    Raises Rejected, with one sentence, for what is no usable colour JPEG: empty, another kind of file,
    cut off, damaged header, thermal, too small or too large; OSError when the file cannot be read.
    """
    return metadata_of(read_file(path))


def metadata_of(data: bytes) -> Metadata:
    """The metadata of a photo in memory. Raises Rejected as `read_metadata` does."""
    header = header_of(data)
    return _metadata(header, read_exif(header.exif), read_xmp(header.xmp))


def _metadata(header: JpegHeader, exif: Exif, xmp: Xmp) -> Metadata:
    _refuse_thermal(header, xmp)
    place = place_of(exif, xmp)
    camera = camera_of(exif, xmp, header.width, header.height)
    told = told_of(exif, xmp)
    if told.pose is not None and camera is None:
        told = Told(None, CUT if is_cut(exif, header.width, header.height) else NO_FOCAL, None)
    return Metadata(
        width=header.width,
        height=header.height,
        taken_at=exif.taken_at,
        lat=place.lat if place else None,
        lon=place.lon if place else None,
        make=exif.make,
        model=exif.model,
        serial=exif.serial or xmp.text("drone-dji", "cameraserialnumber", "droneserialnumber")[:80],
        software=exif.software,
        camera=camera,
        pose=told.pose,
        unplaced=told.unplaced,
        stated=told.stated,
        simulated=_simulated(exif, xmp),
    )


def _refuse_thermal(header: JpegHeader, xmp: Xmp) -> None:
    source = f"{xmp.text('drone-dji', 'imagesource')} {xmp.text('camera', 'bandname')}".lower()
    if header.thermal or any(word in source for word in ("infrared", "thermal", "lwir")):
        raise Rejected(N_("It is a thermal picture: give the colour photos of the same flight."))


def _simulated(exif: Exif, xmp: Xmp) -> bool:
    stated = xmp.text("fieldbox", "simulated").lower() in {"true", "1", "yes"}
    return stated or exif.software.lower().startswith(SIMULATED_SOFTWARE)
