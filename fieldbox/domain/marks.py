"""Control points that people mark on photos. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ControlMark:
    """Where one photo shows a control point."""

    digest: str
    pixel_x: float
    pixel_y: float


@dataclass(frozen=True, slots=True)
class MarkedPoint:
    """A point of a field whose place is known from the ground, and the photos that it was marked on."""

    id: int
    field_id: int
    name: str
    lat: float
    lon: float
    height_m: float | None
    """Above the ellipsoid (WGS 84); None: not known."""
    error_m: float
    """95 % horizontal radius, as who measured it states it."""
    made_by: str
    marks: tuple[ControlMark, ...] = ()
