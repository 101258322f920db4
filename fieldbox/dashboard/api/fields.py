"""Fields: their names, crops and boundaries, and how they are treated."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from flask_login import current_user
from msgspec import UNSET, Meta, UnsetType

from fieldbox.dashboard.api.kinds import FieldId, Place
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.deeds import fields as deeds
from fieldbox.dashboard.deeds.drawing import tell_rows
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.ports import box
from fieldbox.domain import Field

TAG = "Fields"
Name = Annotated[str, Meta(min_length=1, max_length=deeds.LONGEST_NAME, pattern=r"\S")]


class FieldTold(Told):
    """A piece of land."""

    id: FieldId
    code: Annotated[str, Meta(description="Short and unique; it stands in what leaves the farm.")]
    name: str
    boundary: Annotated[list[Place], Meta(description="An open ring.")]
    drawn: Annotated[bool, Meta(description="false: nobody drew the boundary, it follows the photos.")]
    crop: str | None
    sown_on: date | None
    row_deg: Annotated[
        float | None,
        Meta(
            description="The direction of its rows as somebody told it, degrees clockwise from true north, from 0 to 180; "
            "null: as it is found."
        ),
    ]
    surveys: Annotated[list[str], Meta(description="Ids of its surveys, newest first.")]


class FieldList(Told):
    """All fields."""

    fields: list[FieldTold]


class FieldChanged(Asked):
    """What is to be changed of a field; what is not there stays as it is."""

    name: Name | UnsetType = UNSET
    crop: Annotated[
        Annotated[str, Meta(max_length=deeds.LONGEST_NAME)] | UnsetType | None,
        Meta(description="What grows there; null: not known."),
    ] = UNSET
    row_deg: Annotated[
        Annotated[float, Meta(ge=0, le=360)] | UnsetType | None,
        Meta(description="In which direction the rows run, clockwise from true north; null: as it is found."),
    ] = UNSET


@operation("GET", "/fields", tag=TAG, answers=FieldList)
def fields() -> FieldList:
    """All fields with the ids of their surveys, newest first."""
    return FieldList(fields=[_told(one) for one in box().store.fields()])


@operation("GET", "/fields/<int:field_id>", tag=TAG, answers=FieldTold)
def field(field_id: int) -> FieldTold:
    """One field."""
    return _told(field_or_404(field_id))


@operation("PATCH", "/fields/<int:field_id>", tag=TAG, answers=FieldTold, body=FieldChanged, problems=(422,))
def change_field(field_id: int, body: FieldChanged) -> FieldTold:
    """Give a field another name, say what grows on it, or in which direction its rows run."""
    found = field_or_404(field_id)
    if body.name is not UNSET:
        found = deeds.rename(current_user.name, field_id, body.name)
    if body.crop is not UNSET:
        found = deeds.name_crop(current_user.name, field_id, body.crop)
    if body.row_deg is not UNSET:
        found = tell_rows(current_user.name, field_id, body.row_deg)
    return _told(found)


def _told(one: Field) -> FieldTold:
    return FieldTold(
        id=one.id,
        code=one.code,
        name=one.name,
        boundary=list(one.boundary),
        drawn=one.drawn,
        crop=one.crop,
        sown_on=one.sown_on,
        row_deg=one.row_deg,
        surveys=[survey.id for survey in box().store.surveys(field_id=one.id)],
    )
