"""A walk through the spots of a survey that are worth a visit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from fieldbox.dashboard.api.geojson import LineString, Point, Spot
from fieldbox.dashboard.api.kinds import Digest, Words
from fieldbox.dashboard.api.operations import GEOJSON, Told, operation
from fieldbox.dashboard.api.work import TAG
from fieldbox.dashboard.decisions import decisions_or_404
from fieldbox.dashboard.found import survey_or_404
from fieldbox.dashboard.language import in_words
from fieldbox.domain import Spot as WalkedSpot
from fieldbox.domain import SpotKind


class StopTold(Told):
    """A spot of a walk."""

    number: Annotated[int, Meta(ge=1, description="In the order of the walk.")]
    rank: Annotated[int, Meta(ge=1, description="1 matters most.")]
    kind: SpotKind
    why: Words
    checks: Annotated[list[Words], Meta(description="What to look at there. Never a diagnosis.")]
    photo: Digest | None
    x: Annotated[float | None, Meta(description="Where in that photo, pixels.")]
    y: float | None


class WalkTold(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """A walk from a start through spots and back."""

    features: Annotated[list[Spot[StopTold]], Meta(description="In the order of the walk.")]
    path: LineString
    length_m: float
    error_m: Annotated[float | None, Meta(description="95 % radius of the places; null: not known.")]


@operation("GET", "/surveys/<survey_id>/walk", tag=TAG, answers=WalkTold, media=GEOJSON, problems=(422,))
def walk(survey_id: str) -> WalkTold:
    """The shortest walk through the spots of a survey that are worth a visit, as points with `path` beside them."""
    found = decisions_or_404().walk(survey_or_404(survey_id).id)
    return WalkTold(
        features=[_stop(number, one) for number, one in enumerate(found.spots, start=1)],
        path=LineString([(lon, lat) for lat, lon in found.path]),
        length_m=round(found.length_m, 1),
        error_m=found.error_m,
    )


def _stop(number: int, one: WalkedSpot) -> Spot[StopTold]:
    told = StopTold(
        number=number,
        rank=one.rank,
        kind=one.kind,
        why=in_words(one.why),
        checks=[in_words(each) for each in one.checks],
        photo=one.digest,
        x=one.pixel_x,
        y=one.pixel_y,
    )
    return Spot(Point((one.lon, one.lat)), told)
