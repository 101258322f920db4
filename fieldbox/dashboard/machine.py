"""The box itself: is it well, what fills its disk, which services run."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import boxwords
from fieldbox.dashboard.boxstate import Concern, concerns, look
from fieldbox.dashboard.deeds import box as deeds
from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import Machine, box

machine = Blueprint("machine", __name__)


@machine.get("/box")
def show() -> str:
    """How the box does."""
    found = look(box().store, machine_or_404())
    return render_template("box.html", box=found, concerns=concerns(found), words_of=boxwords)


@machine.post("/box/check")
def check() -> Response:
    """Have the disk and the database looked through."""
    machine_or_404()
    deeds.check_disk(current_user.name)
    flash(say("The disk and the database are being looked through: look here again in a minute."))
    return redirect(url_for("machine.show"))


@machine.post("/box/room")
def make_room() -> Response:
    """Remove what may go."""
    machine_or_404()
    deeds.make_room(current_user.name)
    flash(say("What may go is being removed: look here again in a minute."))
    return redirect(url_for("machine.show"))


def box_state() -> list[Concern]:
    """What of the box needs somebody, for the home page; the most urgent first."""
    there = box().beyond.machine
    return [] if there is None else concerns(look(box().store, there))


def machine_or_404() -> Machine:
    """What looks after the box, if somebody does."""
    found = box().beyond.machine
    if found is None:
        abort(404)
    return found
