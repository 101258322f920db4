"""What became of a field between two surveys. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain.decisions import Patch
from fieldbox.domain.maps import Interval
from fieldbox.i18n import Sentence

Layer = NDArray[np.float32]
TO_RADIUS95 = 2.4477
"""From the standard error on each axis to the 95 % radius: sqrt(-2 ln 0.05)."""


class Measure(StrEnum):
    """By what cells are told apart."""

    COUNT = "weeds"
    """Single weeds."""
    COVER = "cover"
    """The share of the ground that weeds cover."""


class ShiftBasis(StrEnum):
    """From what it is known how two maps lie on each other."""

    PLANTS = "plants"
    """The same plants, found at both dates."""
    PICTURES = "pictures"
    """The same points in both mosaics."""
    STATED = "stated positions"
    """Nothing but the stated errors of both."""


class Became(StrEnum):
    """What happened to a spot with weeds."""

    NEW = "new"
    SPREADING = "spreading"
    """Or denser: there were weeds in it, or beside it."""
    SHRINKING = "shrinking"
    """Or thinner."""
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Shift:
    """From a place in the earlier map to the place of the same ground in the later one: about a pivot, in the later one's zone,
    it is made larger by `scale`, turned, and moved."""

    east_m: float
    north_m: float
    error_m: float
    """On each axis, over the field: what is left of it from place to place among it."""
    basis: ShiftBasis
    shared: int = 0
    """Plants or points that agree on it."""
    scale: float = 1.0
    """What the earlier map shows too small: heights above the ground were not known exactly."""
    turn_deg: float = 0.0
    """Counter-clockwise."""
    pivot: tuple[float, float] = (0.0, 0.0)
    """East, north."""

    @property
    def error95_m(self) -> float:
        """95 % radius, for errors alike on both axes."""
        return TO_RADIUS95 * self.error_m


@dataclass(frozen=True, eq=False, slots=True)
class CellChange:
    """A raster of what changed, in the zone and at the places of the later map. What was not seen enough at both dates is NaN.

    All layers are float32 [rows, columns], row 0 in the north.
    """

    epsg: int
    west: float
    north: float
    cell_m: float
    seen: Layer
    """Share of the cell that was seen, at the date when less was."""
    density_before: Layer
    density_after: Layer
    """Weeds per square metre; NaN everywhere where weeds were not counted, or cannot be compared."""
    density_error: Layer
    """Of the difference of both."""
    cover_before: Layer
    cover_after: Layer
    """Of the weeds, 0 to 1."""
    cover_error: Layer
    chance: Layer
    """How often a difference this large, or larger, comes of chance where nothing changed."""
    call: Layer
    """1 more, -1 less, 0 no telling."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the ground that both surveys saw."""

    before: float
    after: float
    change: float
    change_interval95: Interval
    ratio: float | None
    """After over before; None: there was nothing before."""
    ratio_interval95: Interval | None


@dataclass(frozen=True, slots=True)
class ChangedSpot:
    """Cells side by side that changed alike."""

    became: Became
    patch: Patch
    area_m2: float
    lat: float
    lon: float
    before: float | None
    """Weeds per square metre; None: not counted, or not comparable."""
    after: float | None
    cover_before_pct: float
    cover_after_pct: float
    count_change: float | None
    """Weeds that came, or went."""


def change_name(place: int) -> str:
    """What the changed spot at a place of `Change.spots`, from 1, is called. A plain number is a hotspot's alone."""
    return f"C{place}"


@dataclass(frozen=True, slots=True)
class Efficacy:
    """Whether a treatment worked: the share of the weeds that it took, against the rest of the field."""

    value: float | None
    """None: no telling, and `why` says why."""
    interval95: Interval | None
    treated_m2: float
    control_m2: float
    treated: tuple[float, float]
    """Weeds on the treated ground, before and after; where they are not counted, as many as their cover makes."""
    control: tuple[float, float]
    """On ground that was not treated, likewise."""
    found_again: tuple[float, float] | None
    """Of the weeds before, those found again at their places on treated ground and on the rest; None: all that stand there
    afterwards count as left."""
    margin_m: float
    """On either side of the edge of the treated ground that is left out, since maps may be off by it."""
    why: Sentence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a field between two surveys."""

    before_id: str
    after_id: str
    days: float | None
    """Between the flights; None: one of them has no date."""
    measure: Measure
    shift: Shift
    cells: CellChange
    cell_why: Sentence | None
    """Why cells are larger than those of the maps."""
    common_m2: float
    """Ground that was seen at both dates and is compared."""
    more_m2: float
    less_m2: float
    untold_m2: float
    weeds: Compared | None
    """Weeds found on that ground; None: not counted, or not comparable."""
    found_again: int | None
    """Of these, those that stand where they stood; None: weeds are not known one by one."""
    cover_pct: Compared
    """Of that ground that weeds cover."""
    spots: tuple[ChangedSpot, ...]
    """The largest first."""
    efficacy: Efficacy | None = None
    """None: it was not told what was treated."""
    indices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Means of the indices before and after, of those that both surveys have calibrated."""
    cautions: tuple[Sentence, ...] = ()
