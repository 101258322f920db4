"""What the services of the box said, its models, and the file for those who help."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, abort, url_for
from flask_login import current_user
from msgspec import Meta, to_builtins

from fieldbox.dashboard.api.kinds import Count
from fieldbox.dashboard.api.machine import TAG
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.api.reading import unfit_value
from fieldbox.dashboard.deeds import box as deeds
from fieldbox.dashboard.language import current, in_words
from fieldbox.dashboard.logwords import LEVELS
from fieldbox.dashboard.machine import machine_or_404
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import box
from fieldbox.domain import LogLine, ModelInfo
from fieldbox.i18n import N_

MOST_LINES = 1000
ZIP = "application/zip"


class LineTold(Told):
    """What a service said."""

    at: datetime
    service: str
    level: Annotated[str, Meta(description="info, warning, error or critical.")]
    event: Annotated[str, Meta(description="In English, as it stands in the log.")]
    told: Annotated[Mapping[str, Any], Meta(description="What belongs to it.")]


class LinesTold(Told):
    """Lines of the log, newest first."""

    lines: list[LineTold]
    next: Annotated[str | None, Meta(description="Address of the next page.")]


class LinesAsked(Asked):
    """Which lines."""

    service: Annotated[str, Meta(max_length=50, description="Only what this one said.")] | None = None
    level: Annotated[
        Literal["all", "warnings", "errors"], Meta(description="warnings: errors among them.")
    ] = "all"
    words: Annotated[str, Meta(max_length=200, description="Only lines with these words.")] = ""
    before: Annotated[datetime, Meta(tz=True, description="Only lines older than that.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_LINES, description="At most so many.")] = 100


class ModelTold(Told):
    """A model of this box, as its file and its card tell of it."""

    kind: Annotated[str, Meta(description="weeds, health or leaves.")]
    name: str
    version: str
    sha256: str
    origin: Annotated[str, Meta(description="shipped, copy, signed or kept.")]
    bytes: Count
    runs: bool
    gsd_mm: Annotated[
        tuple[float, float] | None,
        Meta(description="The finest and the coarsest photos that it takes, mm a pixel."),
    ]
    classes: list[str]
    crops: Annotated[list[str], Meta(description="That it was trained on.")]
    measured: Annotated[Mapping[str, float], Meta(description="Shares from 0 to 1, when it was made.")]
    card: Annotated[str, Meta(description="Markdown; empty where there is none.")]
    problem: Annotated[str | None, Meta(description="Why it does not run.")]


class ModelList(Told):
    """The models of a box."""

    models: list[ModelTold]


@operation("GET", "/box/log", tag=TAG, answers=LinesTold, query=LinesAsked, problems=(404,))
def box_log(query: LinesAsked) -> LinesTold:
    """What the services said, newest first."""
    there = machine_or_404()
    if query.before is not None and not 1970 <= query.before.year <= 9998:
        unfit_value("before", N_("its year lies between 1970 and 9998"))
    found = there.log(
        query.limit + 1,
        service=query.service or None,
        levels=LEVELS[query.level][1],
        words=query.words,
        before=query.before,
    )
    some, last = page_of(found, query.limit)
    return LinesTold(lines=[_line(one) for one in some], next=_next(query, last.at) if last else None)


@operation("GET", "/box/models", tag=TAG, answers=ModelList, problems=(404,))
def models() -> ModelList:
    """The models of this box with their cards."""
    return ModelList(models=[_model(one) for one in machine_or_404().models()])


@operation("POST", "/box/support-file", tag=TAG, media=ZIP, problems=(404, 422))
def make_support_file() -> Response:
    """Make the file for those who help: settings, logs and figures, without photos and secrets."""
    if box().beyond.support is None:
        abort(404)
    made = deeds.make_support_file(current_user.name, current().language)
    return Response(made, mimetype=ZIP)


def _next(query: LinesAsked, last: datetime) -> str:
    words, before = query.words or None, last.isoformat()
    return url_for(
        "api.box_log",
        service=query.service,
        level=query.level,
        words=words,
        limit=query.limit,
        before=before,
    )


def _line(one: LogLine) -> LineTold:
    told = to_builtins(one.told, enc_hook=str, str_keys=True)
    return LineTold(at=one.at, service=one.service, level=one.level, event=one.event, told=told)


def _model(one: ModelInfo) -> ModelTold:
    return ModelTold(
        kind=one.kind,
        name=one.name,
        version=one.version,
        sha256=one.sha256,
        origin=one.origin,
        bytes=one.bytes,
        runs=one.runs,
        gsd_mm=one.gsd_mm,
        classes=list(one.classes),
        crops=list(one.crops),
        measured=dict(one.measured),
        card=one.card,
        problem=in_words(one.problem) if one.problem else None,
    )
