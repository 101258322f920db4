"""How well a flight was flown, before it is mapped and after. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldbox.domain.photos import Pose
from fieldbox.i18n import Sentence

FEW_HOLES_PCT, MANY_HOLES_PCT = 1.0, 10.0
"""Percent of a field that no photo shows: up to here a flight is good, beyond it is to be flown again."""
MUCH_THIN_PCT = 20.0
"""Percent of a field that fewer than three photos show, beyond which it is told."""


HOPELESS = 1.0
"""The penalty of a photo from which on its ground is left to any other that shows it: blurred, burnt out, out of place."""


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
