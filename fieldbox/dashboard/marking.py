"""The pages of control points: the list of a field's, and one photo after the other in which a point is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import photos
from fieldbox.dashboard.deeds import marking as deeds
from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.language import in_words, say, say_many
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.turns import Busy
from fieldbox.domain import ControlMark, MarkedPoint, SeenFrom, Survey
from fieldbox.errors import FieldboxError, Rejected

marking = Blueprint("marking", __name__)
Page = str | AnyResponse
SPAN_PX: Final = 480
"""Side of the square of a photo in which a point is looked for, in its pixels; half of it from near."""
NEAREST_PX: Final = 96
COARSE_M: Final = 0.5
"""A point less exact than this hardly mends a map: its photos agree with each other better than with it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A part of a photo with the place in it where a point should be, and where it was marked."""

    digest: str
    name: str
    left: int
    top: int
    width: int
    height: int
    """Of the part, in pixels of the photo."""
    expected: tuple[float, float]
    marked: tuple[float, float] | None

    def share(self, place: tuple[float, float]) -> tuple[float, float]:
        """Percent of the part, from its left and its top."""
        return 100 * (place[0] + 0.5 - self.left) / self.width, 100 * (
            place[1] + 0.5 - self.top
        ) / self.height

    @property
    def middle(self) -> tuple[float, float]:
        """What the part is cut out around."""
        return self.marked or self.expected


@marking.get("/fields/<int:field_id>/points")
def show(field_id: int) -> Page:
    """The control points of a field, and what came of them."""
    return _list(field_id, {})


@marking.post("/fields/<int:field_id>/points")
def add(field_id: int) -> Page:
    """Keep a new control point."""
    form = request.form
    try:
        height = form.get("height", "").strip()
        point = MarkedPoint(
            0,
            field_id,
            form.get("name", ""),
            _number(form.get("lat", "")),
            _number(form.get("lon", "")),
            _number(height) if height else None,
            _number(form.get("error", "")),
            current_user.name,
        )
        kept = deeds.add(current_user.name, point)
    except ValueError:
        flash(say("Latitude, longitude, height and error are numbers."), "error")
        return Response(_list(field_id, form.to_dict()), 422)
    except Rejected as error:
        flash(in_words(error.sentence), "error")
        return Response(_list(field_id, form.to_dict()), 422)
    if kept.error_m > COARSE_M:
        flash(
            say("A point known to half a metre or worse hardly mends a map: measure it with RTK if you can."),
            "error",
        )
    return redirect(url_for("marking.point", field_id=field_id, point_id=kept.id), 303)


@marking.get("/fields/<int:field_id>/points/<int:point_id>")
def point(field_id: int, point_id: int) -> Page:
    """One point in one photo (`?photo=`), and the way to the next one; `?span=` how much of it."""
    field, found = field_or_404(field_id), deeds.point_or_404(field_id, point_id)
    survey = _survey(field_id)
    seen, problem = _seen(survey, found)
    wanted = request.args.get("photo")
    marked = {one.digest: (one.pixel_x, one.pixel_y) for one in found.marks}
    index = next((number for number, one in enumerate(seen) if one.digest == wanted), None)
    if index is None:
        index = next((number for number, one in enumerate(seen) if one.digest not in marked), 0)
    one = seen[index] if seen else None
    following = seen[(index + 1) % len(seen)].digest if len(seen) > 1 else None
    return render_template(
        "point.html",
        field=field,
        survey=survey,
        point=found,
        seen=seen,
        number=index + 1,
        marked=marked,
        shot=_shot(one, marked.get(one.digest)) if one else None,
        following=following,
        problem=problem,
        good=deeds.GOOD_MARKS,
        spans=(NEAREST_PX, SPAN_PX // 2, SPAN_PX, 2 * SPAN_PX),
        span=_span(),
    )


@marking.post("/fields/<int:field_id>/points/<int:point_id>/mark")
def mark(field_id: int, point_id: int) -> Page:
    """Keep where a photo shows the point (pixels `x`, `y`), or (`away`) forget it; then the next photo."""
    form, photo = request.form, request.form.get("photo", "")
    on = form.get("next") or None
    try:
        if "away" in form:
            deeds.unmark(current_user.name, field_id, point_id, photo)
            on = photo
        else:
            where = ControlMark(photo, _number(form.get("x", "")), _number(form.get("y", "")))
            deeds.mark(current_user.name, field_id, point_id, where)
    except ValueError:
        flash(say("Tap the point in the photo first."), "error")
        on = photo
    except Rejected as error:
        flash(in_words(error.sentence), "error")
        on = photo
    return redirect(url_for("marking.point", field_id=field_id, point_id=point_id, photo=on), 303)


@marking.post("/fields/<int:field_id>/points/<int:point_id>/delete")
def remove(field_id: int, point_id: int) -> Page:
    """Remove a point with its marks."""
    gone = deeds.remove(current_user.name, field_id, point_id)
    flash(say("The control point %(name)s is deleted.", name=gone.name))
    return redirect(url_for("marking.show", field_id=field_id), 303)


@marking.post("/fields/<int:field_id>/points/list")
def hand_over(field_id: int) -> Page:
    """Give the marks to the intake."""
    try:
        flights = deeds.hand_over(current_user.name, field_id)
    except FieldboxError as error:
        flash(in_words(error.sentence), "error")
    else:
        flash(
            say_many(
                "The marks are handed over: the box maps %(num)s flight again with them.",
                "The marks are handed over: the box maps %(num)s flights again with them.",
                flights,
            )
        )
    return redirect(url_for("marking.show", field_id=field_id), 303)


@marking.get("/fields/<int:field_id>/points/gcp_list.txt")
def list_file(field_id: int) -> Response:
    """The marks of the newest flight that has some, in OpenDroneMap's form."""
    field_or_404(field_id)
    first = next(deeds.lists_of(field_id), None)
    if first is None:
        abort(404)
    answer = Response(first[1], mimetype="text/plain")
    answer.headers["Content-Disposition"] = f'attachment; filename="{deeds.LIST_NAME}"'
    return answer


def _list(field_id: int, typed: dict[str, str]) -> str:
    field, survey = field_or_404(field_id), _survey(field_id)
    points = box().store.control_points(field_id)
    ready = [one for one in points if len(one.marks) >= deeds.LEAST_MARKS]
    return render_template(
        "points.html",
        field=field,
        survey=survey,
        points=points,
        ready=ready,
        typed=typed,
        good_points=deeds.GOOD_POINTS,
        good_marks=deeds.GOOD_MARKS,
        takes=box().beyond.intake is not None,
        can_mark=box().beyond.views is not None and survey is not None,
        quality=survey.quality if survey else None,
    )


def _survey(field_id: int) -> Survey | None:
    surveys = box().store.surveys(field_id=field_id)
    return surveys[0] if surveys else None


def _seen(survey: Survey | None, point: MarkedPoint) -> tuple[Sequence[SeenFrom], str]:
    """The photos on the box that should show a point, or why they are not known."""
    ask = box().beyond.views
    if ask is None or survey is None:
        return (), say("This field has no map yet: points can be marked once it has one.")
    try:
        found = ask(survey.id, point.lat, point.lon)
    except Busy:
        raise
    except FieldboxError as error:
        return (), in_words(error.sentence)
    there = [one for one in found if photos.is_there(box().root, one.digest)]
    return there, "" if there else say("No photo on the box shows this place: is it on the field?")


def _shot(seen: SeenFrom, marked: tuple[float, float] | None) -> Shot:
    x, y = marked or (seen.x, seen.y)
    part = photos.window_of(x, y, _span(), (seen.width, seen.height))
    return Shot(seen.digest, seen.name, *part, (seen.x, seen.y), marked)


def _span() -> int:
    asked = request.args.get("span", SPAN_PX, type=int)
    return max(NEAREST_PX, min(2 * SPAN_PX, asked))


def _number(text: str) -> float:
    """Raises ValueError for what is none."""
    value = float(text.strip().replace(",", "."))
    if not abs(value) < 1e9:  # also false for NaN
        raise ValueError(text)
    return value
