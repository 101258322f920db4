"""Checking plants: what is asked next, verdicts, and what came of them."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from flask_login import current_user
from msgspec import Meta

from fieldbox.dashboard import asking, reviewfiles
from fieldbox.dashboard.api.kinds import LARGEST, Count, Degrees, Digest, Interval95, SurveyId, Words
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.api.reading import unfit_value
from fieldbox.dashboard.deeds import review as deeds
from fieldbox.dashboard.found import field_or_404, survey_or_404
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.precision import Tally, estimate
from fieldbox.dashboard.reviewqueue import outcome
from fieldbox.dashboard.reviewscope import AHEAD, Scope, all_shown
from fieldbox.domain import Label, LabelVerdict, SurveyVerdict
from fieldbox.i18n import N_

TAG = "Checking plants"
PlantNumber = Annotated[int, Meta(ge=1, le=LARGEST, description="A plant's number.")]
Act = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_-]{8,64}$",
        description="A name of this verdict, made by who gives it: sent twice, it counts once.",
    ),
]


class PlantShown(Told):
    """A plant to check, and how it is shown. Pixels are those of the picture `src`."""

    plant: PlantNumber
    survey: SurveyId
    field: Annotated[str, Meta(description="The field's name.")]
    src: Annotated[str, Meta(description="Address of a picture of it, cut out of its photo.")]
    size: Annotated[tuple[int, int], Meta(description="Width and height of the picture, pixels.")]
    view: Annotated[tuple[float, float, float], Meta(description="Left, top and side of what to show first.")]
    ring: Annotated[tuple[float, float, float], Meta(description="Middle and radius of a ring around it.")]
    outline: Annotated[str, Meta(description="x,y of its corners, with spaces; empty: not known.")]
    sure: Annotated[bool, Meta(description="Whether the model is sure that it is a weed.")]
    says: Words
    across: Words
    look: Annotated[str, Meta(description="Address of the page about it.")]
    checked: Annotated[Count, Meta(description="Plants of its survey with a verdict.")]


class PlantsToCheck(Told):
    """The next plants, and how far one is."""

    plants: list[PlantShown]
    mine: Annotated[Count, Meta(description="Verdicts that one gave in the last four hours.")]
    goal: Annotated[Count, Meta(description="About so many make a good round.")]
    checked: Annotated[Count, Meta(description="Plants with a verdict of anybody.")]


class PlantsAsked(Asked):
    """Which plants."""

    survey: Annotated[str, Meta(description="Only those of this survey.")] | None = None
    field: Annotated[int, Meta(ge=1, le=LARGEST, description="Only those of this field.")] | None = None
    but: Annotated[str, Meta(max_length=8000, description="Numbers of plants in hand, with commas.")] = ""


class VerdictGiven(Asked):
    """What somebody makes of a plant."""

    plant: PlantNumber
    verdict: LabelVerdict
    act: Act


class VerdictTaken(Asked):
    """Which verdict is taken back."""

    act: Act


class PlantSkipped(Asked):
    """Which plant."""

    plant: PlantNumber


class VerdictKept(Told):
    """A verdict as the box has it."""

    plant: PlantNumber
    verdict: LabelVerdict
    undone: Annotated[bool, Meta(description="Whether it was taken back meanwhile.")]


class PlantTold(Told):
    """A plant."""

    plant: PlantNumber


class PlantsSkipped(Told):
    """Plants that were skipped and are asked for again."""

    plants: Count


class PlantChecked(Told):
    """A plant that was checked. `photo`, `x` and `y` are as `weeds` tells them."""

    plant: PlantNumber
    photo: Digest
    x: int
    y: int
    lat: Degrees
    lon: Degrees
    verdict: Annotated[
        LabelVerdict | None, Meta(description="What most people make of it; null: it is contested.")
    ]
    people: Annotated[Count, Meta(description="How many judged it.")]


class ChecksTold(Told):
    """What people make of the weeds of a survey."""

    plants: list[PlantChecked]
    population: Annotated[Count, Meta(description="Plants that the model calls weeds.")]
    judged: Annotated[
        Count, Meta(description="Those that chance chose, and of which people could tell what they are.")
    ]
    precision: Annotated[
        float | None, Meta(description="Share of the weeds that are weeds; null: too few were judged.")
    ]
    precision_interval95: Interval95
    lacking: Annotated[Count, Meta(description="How many more must be judged before it is told.")]
    compared: Annotated[Count, Meta(description="Pairs of verdicts of two people on the same plant.")]
    agreed: Count
    by_person: Annotated[dict[str, int], Meta(description="Verdicts of each person.")]


class SurveyJudged(Asked):
    """What somebody makes of a survey."""

    verdict: SurveyVerdict


@operation("GET", "/review/plants", tag=TAG, answers=PlantsToCheck, query=PlantsAsked, problems=(404,))
def plants_to_check(query: PlantsAsked) -> PlantsToCheck:
    """The next plants that the person behind the key is to check: doubtful ones, and some that chance chose.

    What is given out is shown to nobody else for two minutes, and counts as asked for twelve hours.
    """
    if query.survey is not None:
        survey_or_404(query.survey)
    if query.field is not None:
        field_or_404(query.field)
    scope = Scope.of(query.survey, query.field)
    found = asking.upcoming(scope.surveys, current_user.name, AHEAD, _numbers(query.but))
    return PlantsToCheck(
        plants=[PlantShown(**one) for one in all_shown(found, scope.surveys)], **scope.progress()
    )


@operation("POST", "/review/verdicts", tag=TAG, answers=VerdictKept, body=VerdictGiven, problems=(422,))
def give_verdict(body: VerdictGiven) -> VerdictKept:
    """Say what a plant is: a weed (right), a crop plant, no plant (wrong), or that it cannot be told (unsure).

    A new verdict of the same person on the same plant takes the place of the former. Only one on a plant that that person was
    asked for counts for how often the model is right.
    """
    given = deeds.judge(current_user.name, body.plant, body.verdict.value, body.act)
    return VerdictKept(plant=given.plant, verdict=given.verdict, undone=given.undone_at is not None)


@operation("POST", "/review/undone", tag=TAG, answers=PlantTold, body=VerdictTaken, problems=(422,))
def take_verdict_back(body: VerdictTaken) -> PlantTold:
    """Take back one's own verdict."""
    return PlantTold(plant=deeds.undo(current_user.name, body.act).plant)


@operation("POST", "/review/skipped", tag=TAG, answers=PlantTold, body=PlantSkipped)
def skip_plant(body: PlantSkipped) -> PlantTold:
    """Be asked for a plant no more, until the box starts anew."""
    deeds.skip(current_user.name, body.plant)
    return PlantTold(plant=body.plant)


@operation("DELETE", "/review/skipped", tag=TAG, answers=PlantsSkipped)
def unskip_plants() -> PlantsSkipped:
    """Be asked again for all plants that one skipped."""
    return PlantsSkipped(plants=deeds.unskip(current_user.name))


@operation("GET", "/review/labels.csv", tag=TAG, media="text/csv")
def labels_table() -> Response:
    """All verdicts of people on plants that stand, as a table."""
    return Response(reviewfiles.table(box().store.labels()), mimetype="text/csv")


@operation("GET", "/review/labels.zip", tag=TAG, media="application/zip")
def labels_files() -> Response:
    """All plants of which people agree what they are: a file of LabelMe's for each photo."""
    return Response(reviewfiles.labelme(box().store.labels()), mimetype="application/zip")


@operation("GET", "/surveys/<survey_id>/checks", tag=TAG, answers=ChecksTold)
def survey_checks(survey_id: str) -> ChecksTold:
    """What people make of the weeds of a survey, one by one, and how often the model is right there."""
    survey_or_404(survey_id)
    told = asking.tally_of(survey_id)
    return ChecksTold(plants=_checked(survey_id), **_precision(told))


@operation(
    "POST",
    "/surveys/<survey_id>/verdict",
    tag=TAG,
    body=SurveyJudged,
    status=204,
)
def judge_survey(survey_id: str, body: SurveyJudged) -> None:
    """Say whether the map of a survey is right or wrong as a whole."""
    survey_or_404(survey_id)
    deeds.judge_survey(current_user.name, survey_id, body.verdict.value)


def _precision(told: Tally) -> dict[str, Any]:
    found = estimate(told.strata)
    ends = found.interval95
    return {
        "population": found.population,
        "judged": found.judged,
        "precision": found.share,
        "precision_interval95": (ends.low, ends.high) if ends else None,
        "lacking": found.lacking,
        "compared": told.compared,
        "agreed": told.agreed,
        "by_person": dict(told.by_person),
    }


def _checked(survey_id: str) -> list[PlantChecked]:
    by_plant: dict[int, list[Label]] = {}
    for one in box().store.labels(survey_id=survey_id):
        by_plant.setdefault(one.plant, []).append(one)
    return [
        PlantChecked(
            plant=plant,
            photo=given[0].digest,
            x=round(given[0].pixel_x),
            y=round(given[0].pixel_y),
            lat=given[0].lat,
            lon=given[0].lon,
            verdict=outcome(one.verdict for one in given),
            people=len(given),
        )
        for plant, given in by_plant.items()
    ]


def _numbers(text: str) -> frozenset[int]:
    if not text:
        return frozenset()
    parts = text.split(",")
    if not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in parts):
        unfit_value("but", N_("it is numbers with commas"))
    return frozenset(map(int, parts))
