"""The nouns of fieldbox. Frozen, no behaviour beyond what a noun knows of itself.

Conventions, used everywhere:
- Pixels: x to the right, y down; the centre of the top-left pixel is (0, 0).
- Ground: east and north in metres in the UTM zone of the flight (`epsg`), float64.
- Angles: degrees. Yaw is the direction in which the top of the image points, clockwise from true
  north. Pitch and roll are those of an aircraft with the camera looking straight down: (0, 0) is
  nadir, positive pitch looks ahead (towards the image's top), positive roll looks to the left.
- Errors: one standard deviation unless the name ends in 95. What is not known is None or NaN.
- Capture digests are lower-case hexadecimal BLAKE3 of the file's bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldbox.i18n import Sentence

FEW_HOLES_PCT, MANY_HOLES_PCT = 1.0, 10.0
"""Percent of a field that no photo shows: up to here a flight is good, beyond it is to be flown again."""
MUCH_THIN_PCT = 20.0
"""Percent of a field that fewer than three photos show, beyond which it is told."""
HOPELESS = 1.0
"""The penalty of a photo from which on its ground is left to any other that shows it: blurred, burnt out, out of place."""

BANDS = ("red", "green", "blue", "rededge", "nir", "alpha", "other")
"""What somebody may say that a band of an orthomosaic is."""

MOSAIC_ERROR_TAG = "FIELDBOX_POSITION_ERROR95_M"
"""By which an orthomosaic tells the 95 % radius of the error of its places."""


class LayerLabel(StrEnum):
    """How far the colours of a flight can be trusted."""

    CALIBRATED = "calibrated"
    RELATIVE = "relative"
    RGB_ONLY = "RGB-only"


class Cover(StrEnum):
    """What a plant is taken for."""

    CROP = "crop"
    WEED = "weed"


class PlantHealth(StrEnum):
    """How a crop plant compares with its own row and field. Relative: it names no cause."""

    HEALTHY = "healthy"
    STUNTED = "stunted"
    YELLOWING = "yellowing"


class WeedBasis(StrEnum):
    """What a survey's weed figures rest on."""

    PLANTS = "plants"
    """Each plant was told for crop or weed."""
    ROWS = "row-based"
    """The model does not know the crop: what grows off the crop rows is weed, in the rows nothing is judged."""


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


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


class Way(StrEnum):
    """How photos come to the box."""

    CARD = "card"
    DROP = "drop"
    UPLOAD = "upload"


class Came(StrEnum):
    """What became of something that was brought."""

    DONE = "done"
    PARTLY = "partly"
    """Some of its files were not taken."""
    REFUSED = "refused"
    WAITING = "waiting"
    """It is tried again."""


@dataclass(frozen=True, slots=True)
class Bringing:
    """Something that is being taken in."""

    way: Way
    name: str
    id: str
    step: str
    """copy, then read."""
    done: int
    total: int
    """Files."""
    may_pull: bool
    """Everything is on the box: its card is not needed any more."""


@dataclass(frozen=True, slots=True)
class Brought:
    """Something that was taken in, or was not."""

    way: Way
    name: str
    id: str
    ended_at: datetime
    outcome: Came
    sentence: Sentence | None
    """Why not all of it was taken."""
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    flights: tuple[str, ...] = ()
    """Their ids."""
    may_pull: bool = True


@dataclass(frozen=True, slots=True)
class IntakeStatus:
    """What the intake is doing, and what it did last."""

    at: datetime
    now: tuple[Bringing, ...]
    last: tuple[Brought, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody sends from a browser. `state` is open (files come), sent (all came) or failed (`reason` says why)."""

    id: str
    user: str
    field_name: str | None
    state: str = "open"
    reason: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that the browser has: `modified` is its own time in milliseconds."""

    name: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a file of an upload is; `refused` why it is not taken, and then it has no `number`."""

    name: str
    number: int | None
    offset: int
    refused: Sentence | None = None


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


class Verdict(StrEnum):
    """What the pilot is told of a flight. From good to bad."""

    GOOD = "good"
    USABLE = "usable, but"
    AGAIN = "fly again"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a flight that is not as it should be, and what to do."""

    kind: str
    """gps, pixels, pose, blur, exposure, gsd, holes, overlap, clock; of a card: space, duplicate, nothing."""
    verdict: Verdict
    """The best that the flight can be with it."""
    sentence: Sentence
    because: Sentence | None = None


@dataclass(frozen=True, slots=True)
class FlightCheck:
    """How good a flight is, by what its photos say and a glance at each. What is not known is None."""

    mosaic: bool
    """It is an orthomosaic, and its photos are the parts that it is looked at in."""
    photos: int
    placed: int
    started_at: datetime | None
    gsd_mm: float | None
    smallest_weed_mm: float | None
    """Diameter of the smallest plant that counts."""
    overlap: float | None
    """Photos that show a patch of ground, median."""
    thin_pct: float | None
    """Percent of the ground that fewer than three photos show."""
    bare_pct: float | None
    """That no photo shows."""
    holes: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]
    """Ground that no photo shows, the largest first: rings of (lon, lat), of each the outer one first."""
    thin: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]
    """Ground that one or two photos show, likewise."""
    blurred: int
    badly_exposed: int
    findings: tuple[Finding, ...]
    """The gravest first."""

    @property
    def verdict(self) -> Verdict:
        """The worst of its findings."""
        return worst(self.findings)


def worst(findings: Iterable[Finding]) -> Verdict:
    """What remains of a good flight with these findings."""
    grades = list(Verdict)
    return max((one.verdict for one in findings), key=grades.index, default=Verdict.GOOD)


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


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of an image in pixels: columns x0 to x1 and rows y0 to y1, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class View:
    """The part of a capture chosen for a patch of ground."""

    digest: str
    window: Window
    """What has to be decoded and looked at, margin included."""
    ground_m2: float
    """Area of the ground that this view answers for."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A single plant on the ground."""

    cover: Cover
    score: float
    east: float
    north: float
    outline: NDArray[np.float64]
    """[K, 2] east, north; open ring."""
    area_m2: float
    position_error_m: float
    """95 % horizontal radius."""
    digest: str
    """The capture it was seen in."""
    pixel_x: float
    pixel_y: float
    """Its centre in that capture's full-scale pixels."""
    owned: bool = True
    """False: the centre lies just outside the ground that its view answers for (needed at seams)."""
    sure: bool = True
    """By the model's stated rule; if not, somebody should look before acting on it."""
    weed_share: float | None = None
    """Probability that it is a weed, given that it is a plant; None: not known."""
    colour: tuple[float, float, float] | None = None
    """Mean red, green and blue (0 to 255) of its green pixels."""
    health: PlantHealth | None = None
    """Of a crop plant, against its neighbours; None: not judged."""
    size_z: float | None = None
    """Robust z-score of its area (logarithm) against its row; low is small."""
    colour_z: float | None = None
    """Robust z-score of its (G - R) / (G + R) against its row, for its size; low is yellow."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a crop row where plants are missing."""

    start: tuple[float, float]
    """East, north of the plant before it."""
    end: tuple[float, float]
    """East, north of the plant after it."""
    missing: int
    """How many plants would fit in, at the spacing of this field's rows."""


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A raster of cells over a field, north up, row 0 in the north. Unseen cells are NaN, never zero.

    All layers are float32 [rows, columns].
    """

    epsg: int
    west: float
    north: float
    cell_m: float
    seen: NDArray[np.float32]
    """Share of the cell that was looked at, 0 to 1 (the one layer without NaN)."""
    weed_cover: NDArray[np.float32]
    crop_cover: NDArray[np.float32]
    """Shares of the seen ground, 0 to 1."""
    weed_density: NDArray[np.float32]
    """Weeds per square metre of seen ground; NaN everywhere if single weeds were not called."""
    unsure: NDArray[np.float32]
    """Share of the seen ground where no class is sure."""
    exg: NDArray[np.float32]
    gli: NDArray[np.float32]
    vari: NDArray[np.float32]
    """Mean over the cell's vegetation: relative, RGB only."""
    health_z: NDArray[np.float32]
    """Robust z-score of the crop's index against its own field; low is poor."""
    spectral: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Indices of the bands of a multispectral camera (ndvi, ndre, ...), mean over the cell; empty: there were no bands."""


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A group of neighbouring cells with many weeds."""

    rank: int
    east: float
    north: float
    lat: float
    lon: float
    area_m2: float
    weed_cover: float
    """0 to 1."""
    weed_count: int | None
    digest: str
    """The capture that shows its worst cell, and where in it."""
    pixel_x: float
    pixel_y: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """What came of the plants that were doubtful at the first look."""

    doubtful: int
    """Plants that were not sure at first."""
    looked_again: int
    """Of these, those that were looked at again in another photo."""
    settled_sure: int
    dropped: int
    """Taken for no plant after all."""
    still_unsure: int
    """Doubtful in the end, looked at again or not."""
    pixels_share: float
    """What looking again took, as a share of the first look's work (pixels, and photos to decode)."""


class NotAligned(StrEnum):
    """Why a photo could not be aligned with the others of its flight."""

    UNREADABLE = "unreadable"
    BLACK = "black"
    BURNT_OUT = "burnt out"
    BLURRED = "blurred"
    PLAIN = "plain"
    """It shows nothing that could be found again: water, bare sand, fog."""
    ALONE = "alone"
    """No other photo shows its ground, as their tags have it."""
    STRAY = "stray"
    """It was tied to others, but its ties contradict each other, or what it should show."""
    FEW = "few"
    """It has too little in common with others."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a photo of a survey stands, after the alignment."""

    digest: str
    pose: Pose
    """Its errors are those that are left."""
    block: int | None
    """Photos of one block agree with each other; None: as its tags tell, for it could not be aligned."""
    error95_m: float
    """95 % radius of a place on the ground in the middle of the image."""
    moved_m: float
    """From where its tags put it."""
    residual_px: float | None
    """Root mean square, in pixels of the photo, by which it disagrees with its neighbours; None: no block."""
    ties: int
    """Points that it shares with its neighbours."""
    doubts: tuple[str, ...]
    """What of its tags turned out wrong."""
    footprint: tuple[tuple[float, float], ...]
    """Ring of (lon, lat) of the ground it shows."""
    why: NotAligned | None = None
    """Of a photo in no block; None there: made before this was kept."""


def hangs_together(aligned: int, photos: int) -> bool:
    """Whether a flight is where its alignment puts it, and the photos left over do not belong: more than half agree."""
    return 2 * aligned > photos


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a flight could be put on the map."""

    photos: int
    """That have a pose."""
    aligned: int
    blocks: int
    """Groups of photos that hang together; between two of them positions may be off by the GPS's error."""
    pairs: int
    """Of photos with enough in common."""
    residual_px: float | None
    """Median over the pairs of how far (root mean square) two photos disagree, in pixels of the picture that was searched."""
    apart_m: float
    """95 % radius by which two photos may put the same thing apart."""
    told_error_m: float
    """95 % radius by the tags alone."""
    error_m: float
    """95 % radius after the alignment."""
    control_points: int
    control_error_m: float | None
    """Root mean square by which the control points are missed; None: there are none, or too few to check each other."""
    overlap: float
    """Photos that show a patch of ground, median over the ground."""
    thin_pct: float | None
    """Of the ground of the field that fewer than three photos show. As long as nobody drew the field's boundary, what it
    holds beyond the photos at its edge does not count, here and below. None: by an earlier release, which counted it."""
    holes: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]
    """Ground of the field that no photo shows, the largest first: rings of (lon, lat), of each the outer one first."""
    alignment: str
    """Key under which the box keeps the alignment itself."""
    bare_pct: float | None = None
    """Of the same ground, what no photo shows."""
    thin: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = ()
    """Ground that one or two photos show, likewise."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one flight says about one field under one model release. None is "not known"."""

    id: str
    flight_id: str
    field_id: int
    release: str
    made_at: datetime
    area_ha: float
    area_ha_interval95: Interval | None
    gsd_cm: float
    gsd_cm_interval95: Interval | None
    weed_cover_pct: float | None
    weed_cover_pct_interval95: Interval | None
    weed_count: int | None
    weed_count_interval95: Interval | None
    crop_cover_pct: float | None
    crop_cover_pct_interval95: Interval | None
    crop_count: int | None
    crop_count_interval95: Interval | None
    health_index: float | None
    health_index_interval95: Interval | None
    unsure_pct: float | None
    unsure_pct_interval95: Interval | None
    unseen_pct: float
    unseen_pct_interval95: Interval | None
    position_error_m: float
    layer_label: LayerLabel
    warnings: tuple[Sentence, ...]
    hotspots: tuple[Hotspot, ...]
    photos_used: int
    photos_unplaced: int
    crop_missing: int | None = None
    """Plants missing in the crop rows; None: the rows or the step between plants are not known."""
    weed_basis: WeedBasis | None = None
    """None: no weeds are called."""
    ladder: Ladder | None = None
    """None: single plants are not called."""
    quality: Quality | None = None
    """None: made before photos were aligned, or somebody else had put them together."""
    indices: Mapping[str, float] = field(default_factory=dict)
    """Means over the field of the indices of a multispectral camera's bands (ndvi, ndre, ...); `layer_label` says how far
    they can be trusted."""


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox."""

    id: str
    """Sortable by time; idempotent for the same survey."""
    kind: str
    body: str
    state: str
    attempts: int
    created_at: datetime
