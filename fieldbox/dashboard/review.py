"""Checking plants: one after the other, one tap each. The page, and what its script asks for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import asking, reviewfiles, reviewwords
from fieldbox.dashboard.deeds import review as deeds
from fieldbox.dashboard.found import field_or_404, survey_or_404
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.plantview import view_of
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.reviewqueue import outcome
from fieldbox.domain import PlantSeen, Reviewable, Right
from fieldbox.errors import Rejected

review = Blueprint("review", __name__)
AHEAD: Final = 6
"""So many plants a page has in hand: the Wi-Fi may be away for a while."""
_MOST_NUMBERS = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Which plants are asked for: those of a survey, of a field, or all."""

    surveys: list[Reviewable]
    survey_id: str | None = None
    field_id: int | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As forms and scripts hand it back."""
        named = {"survey": self.survey_id, "field": self.field_id}
        return {name: value for name, value in named.items() if value is not None}

    def page(self, **more: Any) -> str:
        """The address of its queue."""
        if self.survey_id is not None:
            return url_for("review.survey_queue", survey_id=self.survey_id, **more)
        if self.field_id is not None:
            return url_for("review.field_queue", field_id=self.field_id, **more)
        return url_for("review.queue", **more)


@review.get("/review")
def queue() -> str:
    """Plants of all fields, the field with the fewest checks first."""
    return _page(Scope(asking.scope()))


@review.get("/fields/<int:field_id>/review")
def field_queue(field_id: int) -> str:
    """Plants of a field."""
    field_or_404(field_id)
    return _page(Scope(asking.scope(field_id=field_id), field_id=field_id))


@review.get("/surveys/<survey_id>/review")
def survey_queue(survey_id: str) -> str:
    """Plants of a survey."""
    survey_or_404(survey_id)
    return _page(Scope(asking.scope(survey_id=survey_id), survey_id=survey_id))


@review.post("/review/plants/<int:plant>")
def judge(plant: int) -> AnyResponse:
    """A verdict from a page without a script."""
    said, scope = request.form.get("verdict", ""), _told_scope(request.form)
    try:
        if said == "skip":
            deeds.skip(current_user.name, plant)
        else:
            deeds.judge(current_user.name, plant, said, request.form.get("act", ""), asked=True)
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
    asking.reviewing().unskip(current_user.name)
    return redirect(_told_scope(request.form).page(), 303)


@review.get("/api/review/plants")
def plants() -> Response:
    """The next plants to check; `but`: numbers of those in hand, with commas. `survey` or `field` narrow it.

    What is given out here is shown to nobody else for two minutes.
    """
    scope = _told_scope(request.args)
    found = asking.upcoming(scope.surveys, current_user.name, AHEAD, _numbers(request.args.get("but", "")))
    return jsonify(plants=[_shown(one) for one in found], **_progress(scope))


@review.post("/api/review/verdicts")
def give() -> tuple[Response, int]:
    """A verdict: `plant`, `verdict` (right, crop, wrong, unsure), `act` (made by who gives it; twice counts once)."""
    told = _told()
    plant, act = told.get("plant"), told.get("act")
    if not isinstance(plant, int) or not isinstance(act, str):
        abort(400)
    given = deeds.judge(current_user.name, plant, str(told.get("verdict")), act, asked=True)
    return jsonify(plant=given.plant, verdict=given.verdict.value, undone=given.undone_at is not None), 200


@review.post("/api/review/undone")
def take_back() -> Response:
    """Take back one's own verdict, by its `act`."""
    act = _told().get("act")
    if not isinstance(act, str):
        abort(400)
    return jsonify(plant=deeds.undo(current_user.name, act).plant)


@review.post("/api/review/skipped")
def leave_out() -> Response:
    """Show this `plant` to who asks no more."""
    plant = _told().get("plant")
    if not isinstance(plant, int):
        abort(400)
    deeds.skip(current_user.name, plant)
    return jsonify(plant=plant)


@review.get("/api/surveys/<survey_id>/checked")
def checked(survey_id: str) -> Response:
    """What people make of plants of a survey: photo and pixel as `weeds` tells them, and their verdict.

    `verdict` is right, crop, wrong, unsure or contested.
    """
    survey_or_404(survey_id)
    by_plant: dict[int, list[Any]] = {}
    for one in box().store.labels(survey_id=survey_id):
        by_plant.setdefault(one.plant, []).append(one)
    found = []
    for given in by_plant.values():
        first, result = given[0], outcome(one.verdict for one in given)
        found.append(
            {
                "id": first.plant,
                "photo": first.digest,
                "x": round(first.pixel_x),
                "y": round(first.pixel_y),
                "lat": first.lat,
                "lon": first.lon,
                "verdict": result.value if result else "contested",
                "people": len(given),
            }
        )
    answer = jsonify(plants=found)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@review.post("/surveys/<survey_id>/verdict")
def judge_survey(survey_id: str) -> AnyResponse:
    """Say whether a whole map is right."""
    survey = survey_or_404(survey_id)
    try:
        deeds.judge_survey(current_user.name, survey_id, request.form.get("verdict", ""))
        flash(say("Kept: what you make of this map."))
    except Rejected as error:
        flash(in_words(error.sentence), "error")
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
    shown = list(box().store.plants_seen([wanted])) if wanted is not None and judging else []
    if judging:
        but = frozenset(one.plant for one in shown)
        shown += asking.upcoming(scope.surveys, current_user.name, AHEAD - len(shown), but)
    items = [_shown(one) for one in shown]
    progress = _progress(scope)
    return render_template(
        "review.html",
        scope=scope,
        field=box().store.field(scope.surveys[0].field_id) if scope.surveys and scope.told else None,
        item=items[0] if items else None,
        setup={"plants": items, **progress, "scope": scope.told, "words": _words()},
        progress=progress,
        without_photo=_without_photo(scope) if judging and not items else 0,
        outcome=reviewwords.outcome_of(asking.tallies(scope.surveys)),
        verdicts={one.value: say(word) for one, word in reviewwords.VERDICTS.items()},
        keys=_keys(),
        act=secrets.token_urlsafe(16),
        judging=judging,
    )


def _shown(plant: PlantSeen) -> dict[str, Any]:
    """What page and script need to show a plant; lengths in pixels of the picture."""
    view, field = view_of(plant), box().store.field(plant.field_id)
    middle = (view.left + view.width / 2, view.top + view.height / 2)
    size = max(view.width, view.height)
    return {
        "plant": plant.plant,
        "field": field.name if field else "",
        "src": url_for(
            "pictures.photo_crop", digest=plant.digest, x=middle[0], y=middle[1], size=size, bare=1, v=1
        ),
        "size": [view.width, view.height],
        "view": [round(one, 1) for one in view.view],
        "ring": [round(one, 1) for one in view.ring],
        "outline": " ".join(f"{x:.1f},{y:.1f}" for x, y in view.outline),
        "sure": plant.sure,
        "says": reviewwords.says(plant),
        "across": reviewwords.size(plant),
        "photo": url_for("pictures.photo", digest=plant.digest, v=1),
    }


def _progress(scope: Scope) -> dict[str, Any]:
    mine = asking.given_lately(scope.surveys, current_user.name)
    todo = asking.left(scope.surveys)
    goal = min(asking.SITTING * (mine // asking.SITTING + 1), mine + todo)
    return {"mine": mine, "goal": goal, "checked": sum(one.checked for one in scope.surveys)}


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
        "one": say("1 check is not yet saved; it is kept on this phone"),
        "many": say("%(num)s checks are not yet saved; they are kept on this phone", num="NUM"),
        "away": say("The box is out of reach. Go on: it is saved when the box is back."),
        "login": say("Your log-in is over. Log in again: your checks are kept on this phone."),
        "lost": say("A check could not be saved: %(why)s", why="WHY"),
        "wait": say("The next plants are being fetched."),
        "done": say("All is checked here."),
        "mine": say("%(num)s of about %(goal)s", num="NUM", goal="GOAL"),
        "checked": say("%(num)s plants checked here", num="NUM"),
        "round": say("A good round. Go on, or stop here."),
        "taken": say("Taken back."),
        "skipped": say("Skipped."),
        "hide": say("Hide the outline"),
        "show": say("Show the outline"),
    }


def _told_scope(told: Any) -> Scope:
    """The scope that a form or a script hands back."""
    survey_id, field_id = told.get("survey") or None, told.get("field", type=int)
    return Scope(asking.scope(survey_id=survey_id, field_id=field_id), survey_id, field_id)


def _told() -> dict[str, Any]:
    told = request.get_json(silent=True)
    if not isinstance(told, dict):
        abort(400)
    return told


def _numbers(text: str) -> frozenset[int]:
    parts: Sequence[str] = text.split(",")[:_MOST_NUMBERS]
    return frozenset(int(one) for one in parts if one.isdecimal())


def _file(data: bytes, kind: str, name: str) -> Response:
    answer = Response(data, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="fieldbox-{name}"'
    return answer
