"""The page of languages: which there are, who has read them, one more by a file."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import byfile
from fieldbox.dashboard.deeds import tongues as deeds
from fieldbox.dashboard.doing import done
from fieldbox.dashboard.language import in_words, languages, say, say_many
from fieldbox.dashboard.ports import box
from fieldbox.errors import Rejected
from fieldbox.i18n import reader_of

tongues = Blueprint("tongues", __name__)


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language of the pages."""

    code: str
    name: str
    read_by: str | None
    """None: no native speaker has read it."""


@tongues.get("/languages")
def show() -> str:
    """All languages, and which of them a native speaker has read."""
    found = [
        Tongue(code, name, reader_of(code) or box().store.setting(deeds.read_key(code)))
        for code, name in languages().items()
        if code != "en"
    ]
    return render_template("languages.html", tongues=found)


@tongues.get("/languages/fieldbox.pot")
def template() -> Response:
    """What a translator starts from."""
    return Response(
        byfile.template(),
        mimetype="text/x-gettext-translation-template",
        headers={"Content-Disposition": "attachment; filename=fieldbox.pot"},
    )


@tongues.post("/languages")
def add() -> AnyResponse:
    """Take in a language by its file."""
    sent = request.files.get("file")
    try:
        came = deeds.add(current_user.name, sent.read(byfile.LARGEST + 1) if sent else b"")
    except Rejected as error:
        flash(in_words(error.sentence), "error")
    else:
        flash(
            say(
                "%(name)s can be chosen now: %(taken)s of %(of)s messages are translated; the others read English.",
                name=languages()[came.code],
                taken=came.taken,
                of=came.of,
            )
        )
        if came.passed_over:
            flash(
                say_many(
                    "%(num)s message was passed over: its places for values are not those of the English one.",
                    "%(num)s messages were passed over: their places for values are not those of the English ones.",
                    came.passed_over,
                ),
                "error",
            )
    return redirect(url_for("tongues.show"))


@tongues.post("/languages/<code>/read")
def read(code: str) -> AnyResponse:
    """Note that a native speaker has read a language."""
    if code not in languages():
        abort(404)
    done(lambda: deeds.note_reader(current_user.name, code, request.form.get("who", "")))
    return redirect(url_for("tongues.show"))
