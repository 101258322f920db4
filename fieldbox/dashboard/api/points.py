"""Control points: places known from the ground, where photos show them, and the list that is made of them."""

from __future__ import annotations

from typing import Annotated

from flask import Response, abort
from flask_login import current_user
from msgspec import Meta, Struct

from fieldbox.dashboard import photos
from fieldbox.dashboard.api.geojson import Point
from fieldbox.dashboard.api.kinds import Count, Digest, FieldId
from fieldbox.dashboard.api.operations import GEOJSON, Asked, Told, operation
from fieldbox.dashboard.deeds import marking as deeds
from fieldbox.dashboard.found import field_or_404, survey_or_404
from fieldbox.dashboard.ports import box
from fieldbox.domain import ControlMark, MarkedPoint, SeenFrom

TAG = "Control points"
_POINT = "/fields/<int:field_id>/points/<int:point_id>"
_MARK = f"{_POINT}/marks/<digest>"
_Latitude = Annotated[float, Meta(ge=-90, le=90, examples=[18.52348], description="Latitude, WGS 84.")]
_Longitude = Annotated[float, Meta(ge=-180, le=180, examples=[73.84995], description="Longitude, WGS 84.")]
_Pixel = Annotated[
    float, Meta(ge=-1e6, le=1e6, examples=[612.5], description="0 is the middle of the first pixel.")
]


class MarkTold(Told):
    """Where a photo shows a point."""

    photo: Digest
    x: Annotated[float, Meta(description="Pixels from the left.")]
    y: Annotated[float, Meta(description="Pixels from the top.")]


class ControlPoint(Told):
    """A place that is known from the ground."""

    id: int
    field: FieldId
    name: str
    height_m: Annotated[float | None, Meta(description="Above the ellipsoid; null: not known.")]
    error_m: Annotated[float, Meta(description="95 % radius, as who measured it states it.")]
    made_by: str
    marks: Annotated[list[MarkTold], Meta(description="Two photos of a flight, or no map is held by it.")]


class PointFeature(Struct, tag_field="type", tag="Feature"):
    """A control point on a map."""

    geometry: Point
    properties: ControlPoint


class PointList(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """The control points of a field."""

    features: list[PointFeature]


class PointNew(Asked):
    """A place that was measured."""

    name: Annotated[str, Meta(min_length=1, max_length=deeds.LONGEST_NAME, pattern=r"\S")]
    lat: _Latitude
    lon: _Longitude
    error_m: Annotated[
        float,
        Meta(
            ge=deeds.ERRORS_M[0],
            le=deeds.ERRORS_M[1],
            examples=[0.02],
            description="95 % radius, as it was measured.",
        ),
    ]
    height_m: (
        Annotated[
            float,
            Meta(
                ge=deeds.HEIGHTS_M[0],
                le=deeds.HEIGHTS_M[1],
                description="Above the ellipsoid; left out where it is not known.",
            ),
        ]
        | None
    ) = None


class MarkGiven(Asked):
    """Where a photo shows the point."""

    x: _Pixel
    y: _Pixel


class HandedOver(Told):
    """Marks that were handed over."""

    flights: Annotated[Count, Meta(description="Flights that are mapped again with them.")]


class PlaceAsked(Asked):
    """Which place."""

    lat: _Latitude
    lon: _Longitude


class ViewTold(Told):
    """A photo that shows a place, and where in it."""

    photo: Digest
    file: str
    x: float
    y: float
    width: Annotated[int, Meta(description="Of the whole photo, pixels.")]
    height: int
    off_nadir_deg: Annotated[float, Meta(description="0 looks straight down.")]
    error_m: Annotated[float, Meta(description="95 % radius of the place by this photo.")]
    aligned: Annotated[bool, Meta(description="false: it stands as its tags tell, and may be far off.")]
    on_box: Annotated[bool, Meta(description="false: the photo was removed to make room.")]


class ViewList(Told):
    """Photos that show a place, the one most from above first."""

    views: list[ViewTold]


@operation("GET", "/fields/<int:field_id>/points", tag=TAG, answers=PointList, media=GEOJSON)
def control_points(field_id: int) -> PointList:
    """The control points of a field with the photos that they are marked in."""
    found = box().store.control_points(field_or_404(field_id).id)
    return PointList(features=[_feature(one) for one in found])


@operation(
    "POST",
    "/fields/<int:field_id>/points",
    tag=TAG,
    answers=PointFeature,
    media=GEOJSON,
    body=PointNew,
    status=201,
    problems=(422,),
)
def add_control_point(field_id: int, body: PointNew) -> PointFeature:
    """Add a control point. It holds a map once it is marked in two photos or more of a flight."""
    point = MarkedPoint(
        0, field_id, body.name, body.lat, body.lon, body.height_m, body.error_m, current_user.name
    )
    return _feature(deeds.add(current_user.name, point))


@operation("GET", _POINT, tag=TAG, answers=PointFeature, media=GEOJSON)
def control_point(field_id: int, point_id: int) -> PointFeature:
    """One control point."""
    return _feature(deeds.point_or_404(field_id, point_id))


@operation("DELETE", _POINT, tag=TAG, status=204)
def remove_control_point(field_id: int, point_id: int) -> None:
    """Delete a control point with its marks."""
    deeds.remove(current_user.name, field_id, point_id)


@operation("PUT", _MARK, tag=TAG, answers=PointFeature, media=GEOJSON, body=MarkGiven, problems=(422,))
def mark_control_point(field_id: int, point_id: int, digest: str, body: MarkGiven) -> PointFeature:
    """Say where a photo shows a control point; `views` of a survey tells which photos should."""
    where = ControlMark(digest, body.x, body.y)
    return _feature(deeds.mark(current_user.name, field_id, point_id, where))


@operation("DELETE", _MARK, tag=TAG, answers=PointFeature, media=GEOJSON)
def unmark_control_point(field_id: int, point_id: int, digest: str) -> PointFeature:
    """Take back where a photo shows a control point."""
    deeds.unmark(current_user.name, field_id, point_id, digest)
    return control_point(field_id, point_id)


@operation("POST", "/fields/<int:field_id>/points/hand-over", tag=TAG, answers=HandedOver, problems=(422,))
def hand_over_marks(field_id: int) -> HandedOver:
    """Hand the marks of a field over: its flights are mapped again with them."""
    field_or_404(field_id)
    if box().beyond.intake is None:
        abort(404)
    return HandedOver(flights=deeds.hand_over(current_user.name, field_id))


@operation("GET", "/fields/<int:field_id>/points/gcp_list.txt", tag=TAG, media="text/plain")
def control_list(field_id: int) -> Response:
    """The marks of the newest flight that has some, in OpenDroneMap's form."""
    field_or_404(field_id)
    first = next(deeds.lists_of(field_id), None)
    if first is None:
        abort(404)
    return Response(first[1], mimetype="text/plain")


@operation("GET", "/surveys/<survey_id>/views", tag=TAG, answers=ViewList, query=PlaceAsked, problems=(422,))
def views(survey_id: str, query: PlaceAsked) -> ViewList:
    """The photos of a survey's flight that show a place, and where in them."""
    ask, survey = box().beyond.views, survey_or_404(survey_id)
    if ask is None:
        abort(404)
    return ViewList(views=[_view(one) for one in ask(survey.id, query.lat, query.lon)])


def _feature(one: MarkedPoint) -> PointFeature:
    told = ControlPoint(
        id=one.id,
        field=one.field_id,
        name=one.name,
        height_m=one.height_m,
        error_m=one.error_m,
        made_by=one.made_by,
        marks=[MarkTold(photo=mark.digest, x=mark.pixel_x, y=mark.pixel_y) for mark in one.marks],
    )
    return PointFeature(Point((one.lon, one.lat)), told)


def _view(one: SeenFrom) -> ViewTold:
    return ViewTold(
        photo=one.digest,
        file=one.name,
        x=one.x,
        y=one.y,
        width=one.width,
        height=one.height,
        off_nadir_deg=one.off_nadir_deg,
        error_m=one.error_m,
        aligned=one.aligned,
        on_box=photos.is_there(box().root, one.digest),
    )
