"""What is to be done about a field: zones to spray, what changed, and the files for sprayers, printers and walks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from flask import Response, url_for
from flask_login import current_user
from msgspec import Meta, Struct

from fieldbox.dashboard.api.geojson import Area, Polygon, polygon
from fieldbox.dashboard.api.kinds import Interval95, Words
from fieldbox.dashboard.api.operations import GEOJSON, Asked, Told, operation
from fieldbox.dashboard.decisions import TITLES, decisions_or_404, made_file
from fieldbox.dashboard.deeds import fields as deeds
from fieldbox.dashboard.found import field_or_404, survey_or_404
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import box
from fieldbox.domain import (
    Became,
    Laid,
    Measure,
    Needs,
    Spraying,
    Strategy,
    Vigour,
    Zone,
    ZoneKind,
    change_name,
)

TAG = "What to do"


class ZoneTold(Told):
    """Ground to treat, or to visit, as one."""

    rank: int
    name: Annotated[
        str,
        Meta(description="What it is called on pages, on paper and in files: Z1 by weeds, P1 by the crop."),
    ]
    spots: Annotated[list[int], Meta(description="Ranks of the hotspots whose places lie in it.")]
    kind: ZoneKind
    area_m2: float
    lat: float
    lon: float
    certainty: float | None
    count: int | None
    density: Annotated[float | None, Meta(description="Weeds to the m², those that were missed among them.")]
    density_interval95: Interval95
    cover_pct: float | None
    vigour: Vigour | None
    z: float | None
    poor_before: int | None


class SprayZone(ZoneTold, tag_field="what", tag="zone"):
    """A zone and how much it gets."""

    treat: bool
    rate_l_ha: float


class VigourZone(ZoneTold):
    """A zone by how the crop stands."""

    checks: Annotated[list[Words], Meta(description="What a person should look at there. Never a diagnosis.")]


class KeptOff(Told, tag_field="what", tag="kept_off"):
    """Ground that is never to be treated."""

    kept_off: str
    strip_m: float


class Prescribed(Struct, tag_field="type", tag="Feature"):
    """A zone, or ground that is kept off."""

    geometry: Polygon
    properties: SprayZone | KeptOff


class PrescriptionTold(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """What is sprayed where. `treat` tells zones apart that are treated and left; what has `kept_off` is kept off."""

    features: list[Prescribed]
    field_m2: float
    strategy: Strategy | None
    coverage: float | None
    assured: float | None
    threshold: float | None
    never_pays: bool
    needs: Needs
    laid: list[Laid]


class VigourTold(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """Where the crop stands poorer or better than in the rest of the field."""

    features: list[Area[VigourZone]]


class SpotChanged(Told):
    """Cells side by side that changed alike."""

    number: int
    name: Annotated[str, Meta(description="What it is called on the page: C1.")]
    became: Became
    area_m2: float
    lat: float
    lon: float
    before_per_m2: float | None
    after_per_m2: float | None
    cover_before_pct: float
    cover_after_pct: float


class ChangeTold(Struct, kw_only=True, tag_field="type", tag="FeatureCollection"):
    """What changed between two surveys."""

    features: list[Area[SpotChanged]]
    days: float | None
    measure: Measure
    common_m2: float
    more_m2: float
    less_m2: float
    no_telling_m2: float


class ChangeAsked(Asked):
    """Since when."""

    before: Annotated[str, Meta(description="The id of the earlier survey.")]
    sprayed: Annotated[bool, Meta(description="Whether the ground of its prescription was treated.")] = False


class FileTold(Told):
    """A file that can be made of a survey."""

    key: str
    title: Words
    group: Annotated[str, Meta(description="sprayer, print, walk or map.")]
    suffix: str
    href: str


class FileList(Told):
    """Files that can be made of a survey."""

    files: list[FileTold]


@operation(
    "GET",
    "/surveys/<survey_id>/prescription",
    tag=TAG,
    answers=PrescriptionTold,
    media=GEOJSON,
    problems=(422,),
)
def prescription(survey_id: str) -> PrescriptionTold:
    """What is sprayed where as polygons, with the litres and what is saved beside `features`.

    Zones that are treated, zones that are left, ground that is kept off.
    """
    survey_or_404(survey_id)
    found = decisions_or_404().prescription(survey_id)
    zones = [(one.zone, one.rate_l_ha) for one in found.treated] + [(one, 0.0) for one in found.left]
    features: list[Prescribed] = [
        Prescribed(polygon(*zone.patch), SprayZone(**_zone(zone), treat=rate > 0, rate_l_ha=rate))
        for zone, rate in zones
    ]
    features += [
        Prescribed(polygon(*one.patch), KeptOff(kept_off=one.name, strip_m=one.strip_m))
        for one in found.spraying.keep_off
    ]
    return PrescriptionTold(
        features=features,
        field_m2=found.field_m2,
        strategy=found.strategy,
        coverage=found.coverage,
        assured=found.assured,
        threshold=found.threshold,
        never_pays=found.never_pays,
        needs=found.needs,
        laid=list(found.laid),
    )


@operation("GET", "/surveys/<survey_id>/vigour", tag=TAG, answers=VigourTold, media=GEOJSON, problems=(422,))
def vigour(survey_id: str) -> VigourTold:
    """Where the crop stands poorer or better than in the rest of the field, as polygons (relative, no diagnosis)."""
    survey_or_404(survey_id)
    zones = decisions_or_404().vigour(survey_id)
    return VigourTold(
        features=[
            Area(
                polygon(*one.patch),
                VigourZone(**_zone(one), checks=[in_words(cause) for cause in one.causes]),
            )
            for one in zones
        ]
    )


@operation(
    "GET",
    "/surveys/<survey_id>/change",
    tag=TAG,
    answers=ChangeTold,
    media=GEOJSON,
    query=ChangeAsked,
    problems=(422,),
)
def change(survey_id: str, query: ChangeAsked) -> ChangeTold:
    """What changed since an earlier survey, as polygons: spots that are new, spreading, shrinking or gone."""
    after, before = survey_or_404(survey_id), survey_or_404(query.before)
    found = decisions_or_404().change(before.id, after.id, sprayed=query.sprayed)
    spots = [
        Area(
            polygon(*one.patch),
            SpotChanged(
                number=place,
                name=change_name(place),
                became=one.became,
                area_m2=one.area_m2,
                lat=one.lat,
                lon=one.lon,
                before_per_m2=one.before,
                after_per_m2=one.after,
                cover_before_pct=one.cover_before_pct,
                cover_after_pct=one.cover_after_pct,
            ),
        )
        for place, one in enumerate(found.spots, 1)
    ]
    return ChangeTold(
        features=spots,
        days=found.days,
        measure=found.measure,
        common_m2=found.common_m2,
        more_m2=found.more_m2,
        less_m2=found.less_m2,
        no_telling_m2=found.untold_m2,
    )


@operation("GET", "/surveys/<survey_id>/files", tag=TAG, answers=FileList)
def files(survey_id: str) -> FileList:
    """The files that can be made of a survey: for sprayers, to print, to take along, for map programs."""
    survey_or_404(survey_id)
    return FileList(
        files=[
            FileTold(
                key=one.key,
                title=say(TITLES[one.key]),
                group=one.group,
                suffix=one.suffix,
                href=url_for("api.file", survey_id=survey_id, key=one.key),
            )
            for one in decisions_or_404().files()
        ]
    )


@operation(
    "GET",
    "/surveys/<survey_id>/files/<key>",
    tag=TAG,
    media=("application/octet-stream", "application/pdf"),
    problems=(422,),
)
def file(survey_id: str, key: str) -> Response:
    """A file made of a survey, in the language of Accept-Language where it has words."""
    return made_file(survey_id, key)


@operation("GET", "/fields/<int:field_id>/spraying", tag=TAG, answers=Spraying)
def spraying(field_id: int) -> Spraying:
    """How a field is treated: what somebody set, and what the sprayer can do. None of it is advice."""
    return box().store.spraying(field_or_404(field_id).id)


@operation(
    "PUT", "/fields/<int:field_id>/spraying", tag=TAG, answers=Spraying, body=Spraying, problems=(422,)
)
def set_spraying(field_id: int, body: Spraying) -> Spraying:
    """Say how a field is treated. What is left out is as it is at first, not as it was."""
    deeds.treat(current_user.name, field_id, body)
    return box().store.spraying(field_id)


def _zone(zone: Zone) -> dict[str, Any]:
    told = {**asdict(zone), "name": zone.name, "spots": list(zone.spots)}
    del told["patch"], told["causes"]
    return told
