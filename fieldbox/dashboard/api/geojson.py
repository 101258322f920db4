"""GeoJSON (RFC 7946): WGS 84, longitude first, rings closed, the outer one counter-clockwise, its openings clockwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

from msgspec import Meta, Struct

from fieldbox.dashboard.api.kinds import Place
from fieldbox.dashboard.api.reading import unfit_value
from fieldbox.i18n import N_

Ring = Sequence[tuple[float, float]]
P = TypeVar("P")
Position = tuple[float, float]
_NUMBER: Final = r"-?[0-9]{1,3}(\.[0-9]{1,15})?"
Bbox = Annotated[
    str,
    Meta(
        pattern=f"^{_NUMBER}(,{_NUMBER}){{3}}$",
        description="Only what lies in west,south,east,north, in degrees.",
        examples=["73.84,18.52,73.86,18.54"],
    ),
]


class Box(NamedTuple):
    """West, south, east, north in degrees."""

    west: float
    south: float
    east: float
    north: float


class Polygon(Struct, tag_field="type", tag="Polygon"):
    """An area."""

    coordinates: list[list[Place]]


class LineString(Struct, tag_field="type", tag="LineString"):
    """A line."""

    coordinates: list[Place]


class Point(Struct, tag_field="type", tag="Point"):
    """A place."""

    coordinates: Place


class Area(Struct, Generic[P], tag_field="type", tag="Feature"):
    """A feature with an area; null where its outline is not known."""

    geometry: Polygon | None
    properties: P


class Line(Struct, Generic[P], tag_field="type", tag="Feature"):
    """A feature along a line."""

    geometry: LineString
    properties: P


class Spot(Struct, Generic[P], tag_field="type", tag="Feature"):
    """A feature at a place."""

    geometry: Point
    properties: P


def box_of(text: str | None) -> Box | None:
    """A `bbox` as it was given. Raises Unfit for one that is none."""
    if text is None:
        return None
    box = Box(*(float(part) for part in text.split(",")))
    if not (-180 <= box.west <= box.east <= 180 and -90 <= box.south <= box.north <= 90):
        unfit_value("bbox", N_("it is west,south,east,north in degrees, west <= east and south <= north"))
    return box


def polygon(outer: Ring, *openings: Ring) -> Polygon:
    """An area, to a centimetre."""
    return Polygon([_turning(outer, 1), *(_turning(one, -1) for one in openings)])


def _turning(ring: Ring, sense: int) -> list[Position]:
    places = [(round(lon, 7), round(lat, 7)) for lon, lat in ring]
    crossed = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(places, places[1:] + places[:1], strict=True))
    ordered = places if sense * crossed > 0 else places[::-1]
    return [*ordered, ordered[0]]
