"""Places told so that somebody on foot finds them. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Side(StrEnum):
    """Of a field, or a direction: eighths of the compass, clockwise from north."""

    NORTH = "north"
    NORTH_EAST = "north-east"
    EAST = "east"
    SOUTH_EAST = "south-east"
    SOUTH = "south"
    SOUTH_WEST = "south-west"
    WEST = "west"
    NORTH_WEST = "north-west"


@dataclass(frozen=True, slots=True)
class InRows:
    """Ground by the crop rows: from which row to which, and from how far along them to how far."""

    rows: tuple[int, int]
    """From 1, the first at `edge`."""
    edge: Side
    paces: tuple[int, int]
    end: Side
    """Of the rows, from which the paces are counted."""


@dataclass(frozen=True, slots=True)
class FromCorner:
    """A place by a corner of the field."""

    corner: Side
    bearing_deg: float
    """Clockwise from true north, 0 to 360."""
    towards: Side
    paces: int


@dataclass(frozen=True, slots=True)
class SeenFrom:
    """A photo that shows a place on the ground, and where in it."""

    digest: str
    name: str
    taken_at: datetime | None
    x: float
    y: float
    width: int
    height: int
    """Of the whole photo, in pixels."""
    off_nadir_deg: float
    """Of the line of sight; 0 looks straight down."""
    error_m: float
    """95 % radius of the place by this photo."""
    aligned: bool
    """False: the photo stands as its own tags put it, so the place may be far from the mark."""
