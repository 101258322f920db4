"""Outlines of fields as GeoJSON: each to read, to draw anew and to let go, and all of them for map programs."""

from __future__ import annotations

from typing import Annotated, Literal

from flask_login import current_user
from msgspec import Meta, Struct

from fieldbox.dashboard.api.fields import TAG
from fieldbox.dashboard.api.geojson import Area, Polygon, polygon
from fieldbox.dashboard.api.kinds import FieldId, Place
from fieldbox.dashboard.api.operations import GEOJSON, Asked, Told, operation
from fieldbox.dashboard.deeds import drawing as deeds
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.outlines import MOST_CORNERS, Ring, opened
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.quality import area_m2
from fieldbox.domain import Field

_Ring = Annotated[
    list[Place], Meta(min_length=3, max_length=MOST_CORNERS + 1, description="Its first corner may close it.")
]
_EXAMPLE = [[[73.84, 18.52], [73.85, 18.52], [73.85, 18.53], [73.84, 18.52]]]


class Outline(Asked):
    """A polygon of GeoJSON without openings: the edge of a field."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[_Ring], Meta(min_length=1, max_length=1, examples=[_EXAMPLE])]


class FieldOnMap(Told):
    """A field on a map."""

    id: FieldId
    code: str
    name: str
    crop: str | None
    row_deg: Annotated[float | None, Meta(description="As somebody told it; null: as it is found.")]
    drawn: Annotated[bool, Meta(description="false: nobody drew the outline, it follows the photos.")]
    area_m2: float


class FieldsOnMap(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """The outlines of all fields."""

    features: list[Area[FieldOnMap]]


@operation("GET", "/fields.geojson", tag=TAG, answers=FieldsOnMap, media=GEOJSON)
def fields_file() -> FieldsOnMap:
    """The outlines of all fields as polygons, for map programs."""
    return FieldsOnMap(features=[_feature(one) for one in box().store.fields()])


@operation("GET", "/fields/<int:field_id>/boundary", tag=TAG, answers=Polygon, media=GEOJSON)
def boundary(field_id: int) -> Polygon:
    """The outline of a field as a polygon of GeoJSON."""
    return polygon(field_or_404(field_id).boundary)


@operation(
    "PUT",
    "/fields/<int:field_id>/boundary",
    tag=TAG,
    answers=Polygon,
    media=GEOJSON,
    body=Outline,
    problems=(422,),
)
def draw_boundary(field_id: int, body: Outline) -> Polygon:
    """Give a field another outline: a polygon of GeoJSON without openings, as it is answered too.

    It counts for flights that are mapped from then on.
    """
    field_or_404(field_id)
    kept = deeds.outline(current_user.name, field_id, _ring(body))
    return polygon(kept.boundary)


@operation(
    "DELETE",
    "/fields/<int:field_id>/boundary",
    tag=TAG,
    answers=Polygon,
    media=GEOJSON,
    problems=(422,),
)
def forget_boundary(field_id: int) -> Polygon:
    """Let the outline of a field follow its photos again; the outline that comes of it."""
    return polygon(deeds.follow_photos(current_user.name, field_id).boundary)


def _ring(told: Outline) -> Ring:
    return opened(told.coordinates[0])


def _feature(one: Field) -> Area[FieldOnMap]:
    told = FieldOnMap(
        id=one.id,
        code=one.code,
        name=one.name,
        crop=one.crop,
        row_deg=one.row_deg,
        drawn=one.drawn,
        area_m2=round(area_m2(one.boundary), 1),
    )
    return Area(polygon(one.boundary), told)
