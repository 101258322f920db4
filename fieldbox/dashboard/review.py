"""Checking plants: one after the other, one tap each. The pages; what their script asks for is in `api.review`."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import asking, reviewfiles, reviewwords
from fieldbox.dashboard.deeds import review as deeds
from fieldbox.dashboard.doing import done
from fieldbox.dashboard.found import field_or_404, survey_or_404
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.reviewscope import AHEAD, Scope, all_shown
from fieldbox.domain import Right, Survey
from fieldbox.errors import Rejected

review = Blueprint("review", __name__)


@review.app_context_processor
def told_elsewhere() -> dict[str, Any]:
    """What other pages tell of checks, in `parts/precision.html`, `parts/opinions.html` and `parts/said.html`."""
    return {"checks_of": _checks_of, "opinions_of": _opinions_of, "said_of": _said_of}


@review.get("/review")
def queue() -> str:
    """Plants of all fields, the field with the fewest checks first."""
    return _page(Scope.of())


@review.get("/fields/<int:field_id>/review")
def field_queue(field_id: int) -> str:
    """Plants of a field."""
    field_or_404(field_id)
    return _page(Scope.of(field_id=field_id))


@review.get("/surveys/<survey_id>/review")
def survey_queue(survey_id: str) -> str:
    """Plants of a survey."""
    survey_or_404(survey_id)
    return _page(Scope.of(survey_id))


@review.post("/review/plants/<int:plant>")
def judge(plant: int) -> AnyResponse:
    """A verdict from a page without a script."""
    said, scope = request.form.get("verdict", ""), _told_scope(request.form)
    try:
        if said == "skip":
            deeds.skip(current_user.name, plant)
        else:
            deeds.judge(current_user.name, plant, said, request.form.get("act", ""))
    except Rejected as error:
        flash(in_words(error.sentence), "error")
    return redirect(scope.page(), 303)


@review.post("/review/undo")
def undo() -> AnyResponse:
    """Take back one's last verdict, and show the plant again."""
    scope = _told_scope(request.form)
    try:
        taken = deeds.undo(current_user.name)
    except Rejected as error:
        flash(in_words(error.sentence), "error")
        return redirect(scope.page(), 303)
    return redirect(scope.page(plant=taken.plant), 303)


@review.post("/review/skipped")
def unskip() -> AnyResponse:
    """Show what one skipped again."""
    deeds.unskip(current_user.name)
    return redirect(_told_scope(request.form).page(), 303)


@review.post("/surveys/<survey_id>/verdict")
def judge_survey(survey_id: str) -> AnyResponse:
    """Say whether a whole map is right."""
    survey = survey_or_404(survey_id)
    verdict = request.form.get("verdict", "")
    told = say("Kept: what you make of this map.")
    done(lambda: deeds.judge_survey(current_user.name, survey_id, verdict), told)
    return redirect(url_for("fields.show", field_id=survey.field_id, survey=survey_id), 303)


@review.get("/review/labels.csv")
def labels_csv() -> Response:
    """All verdicts that stand, as a table."""
    text = reviewfiles.table(box().store.labels())
    return _file(text.encode(), "text/csv", "labels.csv")


@review.get("/review/labels.zip")
def labels_zip() -> Response:
    """All plants of which people agree, as the training reads them: a LabelMe file for each photo."""
    return _file(reviewfiles.labelme(box().store.labels()), "application/zip", "labels.zip")


def _page(scope: Scope) -> str:
    judging = current_user.may(Right.JUDGE)
    wanted = request.args.get("plant", type=int)
    plants = list(box().store.plants_seen([wanted])) if wanted is not None and judging else []
    if judging:
        but = frozenset(one.plant for one in plants)
        plants += asking.upcoming(scope.surveys, current_user.name, AHEAD - len(plants), but)
    items = all_shown(plants, scope.surveys)
    progress = scope.progress()
    return render_template(
        "review.html",
        scope=scope,
        field=box().store.field(scope.surveys[0].field_id) if scope.surveys and scope.told else None,
        item=items[0] if items else None,
        setup={"plants": items, **progress, "scope": scope.told, "words": _words()},
        progress=progress,
        without_photo=_without_photo(scope) if judging and not items else 0,
        fields=_by_field(scope) if not scope.told else [],
        releases=_by_release() if not scope.told else [],
        outcome=reviewwords.outcome_of(asking.tallies(scope.surveys)),
        verdicts={one.value: say(word) for one, word in reviewwords.VERDICTS.items()},
        keys=_keys(),
        act=secrets.token_urlsafe(16),
        judging=judging,
    )


def _by_field(scope: Scope) -> list[dict[str, Any]]:
    """Each field of the queue with what its checks say."""
    names = {one.id: one.name for one in box().store.fields()}
    return [
        {
            "name": names.get(one.field_id, ""),
            "url": url_for("review.field_queue", field_id=one.field_id),
            "outcome": reviewwords.outcome_of(asking.tallies([one])),
        }
        for one in scope.surveys
    ]


def _by_release() -> list[tuple[str, reviewwords.Outcome]]:
    return [(name, reviewwords.outcome_of(asking.tallies(surveys))) for name, surveys in asking.by_release()]


def _checks_of(survey: Survey) -> reviewwords.Outcome | None:
    """What the checks say of a survey; None where no single weeds are called."""
    if not survey.weed_count:
        return None
    given = box().store.opinions(survey.id)
    return reviewwords.outcome_of([asking.tally_of(survey.id)] if given else [])


def _opinions_of(survey: Survey) -> list[str]:
    return reviewwords.said_of_survey(box().store.verdicts(survey.id))


def _said_of(survey: Survey, digest: str, x: float, y: float) -> reviewwords.SaidOfPlant | None:
    """What people make of the plant at a pixel, as far as the page knows it: to the pixel."""
    there = box().store.labels(survey_id=survey.id, digest=digest)
    given = [one for one in there if (round(one.pixel_x), round(one.pixel_y)) == (round(x), round(y))]
    return reviewwords.said_of_plant(given) if given else None


def _without_photo(scope: Scope) -> int:
    return sum(asking.plan_of(one.survey_id).without_photo for one in scope.surveys)


def _keys() -> dict[str, str]:
    """Letters that stand for the verdicts, by the language of the reader."""
    told = {
        "right": say("Key for weed: W"),
        "crop": say("Key for crop plant: C"),
        "wrong": say("Key for no plant: N"),
        "unsure": say("Key for cannot tell: T"),
        "skip": say("Key for skip: S"),
        "undo": say("Key for undo: U"),
    }
    return {name: words.rsplit(None, 1)[-1].upper() for name, words in told.items()}


def _words() -> dict[str, str]:
    return {
        "one": say("1 check not yet saved: it is kept on this phone."),
        "many": say("%(num)s checks not yet saved: they are kept on this phone.", num="NUM"),
        "away": say("The box is out of reach. Go on: all is saved when it is back."),
        "login": say("Your log-in is over. Log in again: your checks are kept on this phone."),
        "lost": say("A check could not be saved: %(why)s", why="WHY"),
        "wait": say("The next plants are being fetched."),
        "mine": say("%(num)s of about %(goal)s", num="NUM", goal="GOAL"),
        "checked": say("%(num)s checked", num="NUM"),
        "round": say("A good round. Go on, or stop here."),
        "taken": say("Taken back."),
        "skipped": say("Skipped."),
        "hide": say("Hide the outline"),
        "show": say("Show the outline"),
    }


def _told_scope(told: Any) -> Scope:
    """The scope that a form hands back."""
    return Scope.of(told.get("survey") or None, told.get("field", type=int))


def _file(data: bytes, kind: str, name: str) -> Response:
    answer = Response(data, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="fieldbox-{name}"'
    return answer
