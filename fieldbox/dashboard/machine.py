"""The box itself: is it well, what fills its disk, which services run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypedDict

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import boxwords, modelwords
from fieldbox.dashboard.boxstate import LATELY, Concern, concerns, look
from fieldbox.dashboard.cards import as_html
from fieldbox.dashboard.deeds import box as deeds
from fieldbox.dashboard.language import current, say
from fieldbox.dashboard.logwords import LEVELS, Shown, as_text, choices, shown
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import Machine, box

machine = Blueprint("machine", __name__)
LINES: Final = 50
"""Of the log on a page."""
MOST_LINES: Final = 20_000
"""Of the log in a file."""


class Asked(TypedDict, total=False):
    """Which lines of the log are wanted."""

    service: str
    levels: Sequence[str]
    words: str
    before: datetime


@machine.get("/box")
def show() -> str:
    """How the box does."""
    found = look(box().store, machine_or_404())
    return render_template(
        "box.html",
        box=found,
        concerns=concerns(found),
        words_of=boxwords,
        can_help=box().beyond.support is not None,
    )


@machine.post("/box/check")
def check() -> AnyResponse:
    """Have the disk and the database looked through."""
    machine_or_404()
    deeds.check_disk(current_user.name)
    flash(say("The disk and the database are being looked through: look here again in a minute."))
    return redirect(url_for("machine.show"))


@machine.post("/box/room")
def make_room() -> AnyResponse:
    """Remove what may go."""
    machine_or_404()
    deeds.make_room(current_user.name)
    flash(say("What may go is being removed: look here again in a minute."))
    return redirect(url_for("machine.show"))


@machine.get("/box/models")
def models() -> str:
    """The models of this box."""
    found = modelwords.listed(machine_or_404().models(), box().store.releases())
    return render_template("models.html", models=found)


@machine.get("/box/models/<kind>/<sha256>")
def model(kind: str, sha256: str) -> str:
    """One model with its card."""
    every = machine_or_404().models()
    found = next((one for one in every if (one.kind, one.sha256) == (kind, sha256)), None)
    if found is None:
        abort(404)
    cards = {f"{one.kind}.md": one for one in every if one.card and one.origin == "shipped"}

    def link_of(target: str) -> str | None:
        other = cards.get(target)
        return url_for("machine.model", kind=other.kind, sha256=other.sha256) if other else None

    (told,) = modelwords.listed([found], box().store.releases())
    card = as_html(found.card, link_of, say("Table"))
    return render_template("model.html", model=told, card=card)


@machine.get("/box/log")
def log() -> str:
    """What the services said."""
    there, asked = machine_or_404(), _asked()
    lines, last = page_of(there.log(LINES + 1, **asked), LINES)
    return render_template(
        "log.html",
        lines=[shown(one) for one in lines],
        older=last.at.isoformat() if last else None,
        asked=request.args,
        services=choices(there.log_services()),
        levels={key: say(words) for key, (words, _levels) in LEVELS.items()},
    )


@machine.get("/box/log.txt")
def log_file() -> Response:
    """The same as a file, oldest first."""
    lines = machine_or_404().log(MOST_LINES, **_asked())
    answer = Response(_texts([shown(one) for one in reversed(lines)]), mimetype="text/plain")
    answer.headers["Content-Disposition"] = 'attachment; filename="fieldbox-log.txt"'
    return answer


@machine.post("/box/support")
def support() -> Response:
    """The file for those who help."""
    name = f"fieldbox-support-{datetime.now(UTC):%Y-%m-%d}.zip"
    made = deeds.make_support_file(current_user.name, current().language)
    answer = Response(made, mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _asked() -> Asked:
    """Which lines of the log are wanted. What is not understood is left out."""
    asked = Asked(words=request.args.get("words", "")[:200])
    if request.args.get("service"):
        asked["service"] = request.args["service"]
    if request.args.get("level") in LEVELS:
        asked["levels"] = LEVELS[request.args["level"]][1]
    try:
        before = datetime.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return asked
    if before.tzinfo:
        asked["before"] = before
    return asked


def _texts(lines: list[Shown]) -> Iterator[str]:
    return (as_text(one) + "\n" for one in lines)


def box_state() -> list[Concern]:
    """What of the box needs somebody, for the home page; the most urgent first."""
    there = box().beyond.machine
    return [] if there is None else concerns(look(box().store, there, LATELY))


def machine_or_404() -> Machine:
    """What looks after the box, if somebody does."""
    found = box().beyond.machine
    if found is None:
        abort(404)
    return found
