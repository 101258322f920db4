"""What comes off a drone: files, photos with their cameras and poses, flights, and the fields that they are over.

See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fieldbox.i18n import Sentence

BANDS = ("red", "green", "blue", "rededge", "nir", "alpha", "other")
"""What somebody may say that a band of an orthomosaic is."""
MOSAIC_ERROR_TAG = "FIELDBOX_POSITION_ERROR95_M"
"""By which an orthomosaic tells the 95 % radius of the error of its places."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a camera was and how it was turned. See the module's conventions."""

    lat: float
    lon: float
    height_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    error_m: float
    """Horizontal position, per axis."""
    height_error_m: float
    yaw_error_deg: float
    tilt_error_deg: float
    """Pitch and roll, each."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the tags of a photo say of its pose, as they say it. None: not said."""

    height_m: float | None
    """Above the ground, as written: 0 and less where the drone took off from higher up."""
    altitude_m: float | None
    """Above the sea or the ellipsoid: only its differences between photos of a flight tell anything."""
    yaw_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None
    """All three, or none."""
    error_m: float
    """Of a position by the photo's own GPS, had it one."""
    height_error_m: float
    yaw_error_deg: float
    tilt_error_deg: float


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera with Brown distortion (OpenCV order), for images of `width` x `height` pixels."""

    make: str
    model: str
    width: int
    height: int
    focal_px: float
    cx: float
    """Principal point, pixels."""
    cy: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """k1, k2, p1, p2, k3."""
    focal_error: float = 0.02
    """Relative error of the focal length."""


class FileKind(StrEnum):
    """What a file is, by its first bytes; the value is the ending of the name under which the box keeps it."""

    JPEG = "jpg"
    TIFF = "tif"
    """A band of a multispectral exposure, or an orthomosaic."""
    VIDEO = "mp4"
    TELEMETRY = "srt"
    """Where a drone was while it filmed, as subtitles."""
    TEXT = "txt"
    """May be a list of positions or control points."""


class FileState(StrEnum):
    """What became of a file that the box has copied."""

    COPIED = "copied"
    """Safe on the box; what it holds is still to be read."""
    TAKEN = "taken"
    REFUSED = "refused"
    GONE = "gone"
    """Removed by the box to make room (`fieldbox.retention`); what was made of it stays, and it may be given again."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file that somebody gave, kept as it is under its digest."""

    digest: str
    name: str
    """Path as the user gave it, relative to the folder or card."""
    size: int
    """Bytes."""
    kind: FileKind


class CaptureKind(StrEnum):
    """What a capture was made of."""

    PHOTO = "photo"
    BANDS = "bands"
    """The files of a multispectral exposure, one a band."""
    FRAME = "frame"
    """Of a video."""
    TILE = "tile"
    """Of an orthomosaic: as if seen from straight above, each part of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a capture's pictures are made of; a plain photo is its own."""

    kind: CaptureKind
    files: tuple[str, ...]
    """Digests of originals; of a frame the video's, then that of its telemetry if there is one; of a tile the raster's, then
    those of the files that tell where it lies if it does not say so itself."""
    at: tuple[int, ...] = ()
    """Of a frame its presentation time, in the units of its stream; of a tile its window x0, y0, x1, y1, then what
    somebody said its bands are (`BANDS`); of bands 1 if they show the calibration panel."""
    outline: tuple[tuple[float, float], ...] = ()
    """Convex ring, in pixels of the picture, around all of it that holds anything; empty: all does."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One exposure, kept under its digest. Without a pose it is kept and listed, not mapped."""

    digest: str
    """Of the photo's bytes; of another capture, of the digests of its files and its place in them."""
    name: str
    """Path as the user gave it, relative to the folder or card."""
    size: int
    taken_at: datetime | None
    """Naive: the clock of the camera, whose time zone is not known."""
    lat: float | None
    lon: float | None
    """Of the GPS tag; present even where the rest of a pose is not."""
    camera: Camera | None
    pose: Pose | None
    unplaced: Sentence | None
    """Why there is no pose."""
    simulated: bool = False
    stated: Stated | None = None
    """What the tags say of the pose, as written; None where nothing can be believed."""
    source: Source | None = None
    """None: a photo, which is its own file."""

    @property
    def shows_panel(self) -> bool:
        """Whether it shows the calibration panel, and not the field."""
        return bool(self.source and self.source.kind is CaptureKind.BANDS and self.source.at == (1,))


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that was not taken, and why."""

    name: str
    reason: Sentence


class SideKind(StrEnum):
    """What a list that was given with photos tells."""

    POSITIONS = "positions"
    """Where the cameras were."""
    MRK = "mrk"
    """The same, as DJI's RTK drones write it: photos by their numbers in one folder."""
    CONTROL = "control"
    """Surveyed points, and where photos show them."""


@dataclass(frozen=True, slots=True)
class SideFile:
    """A list that was given with photos, kept as it is."""

    digest: str
    """BLAKE3 of kind, system and bytes: the same list in another projection is another one."""
    name: str
    """Path as the user gave it."""
    kind: SideKind
    system: str | None
    """Projection of its coordinates, where the file itself names none."""
    data: bytes
    photos: Mapping[str, str]
    """Photos that it may mean: digest to the name under which the list may know it."""


@dataclass(frozen=True, slots=True)
class RefusedList:
    """A list that was given with photos, or for them, and is not used."""

    name: str
    """Path as the user gave it."""
    reason: Sentence
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Field:
    """A piece of land. `boundary` is a ring of (lon, lat); `drawn` False means made from a flight's hull."""

    id: int
    code: str
    """Short and unique, safe to send."""
    name: str
    boundary: tuple[tuple[float, float], ...]
    drawn: bool
    crop: str | None = None
    sown_on: date | None = None
    row_deg: float | None = None
    """In which the crop rows run, clockwise from true north in [0, 180), as a person told it; None: as they are found."""


@dataclass(frozen=True, slots=True)
class Flight:
    """The captures of one sortie."""

    id: str
    """Derived from the digests of its captures: the same card gives the same flight."""
    field_id: int | None
    started_at: datetime | None
    ended_at: datetime | None
    captures: tuple[Capture, ...]
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class FlightHeight:
    """How high a flight was above the ground, where its photos do not say so and their pixels do."""

    height_m: float
    """Of most of its photos."""
    error_m: float
    """Of this height, for all photos alike."""
    between_m: float
    """Of a single photo's height against the others'."""
    ground_m: float | None
    """Level of the ground by the altitudes (or heights) that the photos state; None: these tell nothing."""
    by_altitude: bool
    """`ground_m` counts as the stated altitudes do, not as the stated heights."""


@dataclass(frozen=True, slots=True)
class FlightHeadings:
    """Which way photos of a flight were turned that do not say so, by their digests, as their pixels tell."""

    yaws: Mapping[str, tuple[float, float]]
    """Yaw and its standard error."""
    why_not: Mapping[str, Sentence]
    """Of the others."""
