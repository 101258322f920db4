"""Every error as a page in words with what to do, or as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, flash, redirect, render_template, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard.language import in_words, say, say_many
from fieldbox.dashboard.problems import Unfit, is_for_a_program, problem
from fieldbox.errors import FieldboxError, Rejected
from fieldbox.i18n import N_

PROBLEMS = {
    400: N_("This was not understood. Go back and try again."),
    403: N_(
        "You may look, but not do this here: ask the owner of the box to do it, or to give you another role."
    ),
    404: N_("There is no such page or it is gone."),
    405: N_("This was not understood. Go back and try again."),
    413: N_("That is too large to send."),
    429: N_("Too many tries. Wait a minute, then try again."),
    500: N_("Something went wrong in the box. Try again; if it stays, look at its log."),
}
FOR_PROGRAMS = {
    400: N_("This was not understood. The description of the API is at /api."),
    403: N_("This key or this person may not do that: it takes a key with more scopes, or another role."),
    404: N_("There is no such thing on this box, or it is gone."),
    405: N_("That cannot be done with this address. The description of the API is at /api."),
    409: N_("That does not go with how things stand by now."),
    415: N_("The body is of a kind that is not read here. The description of the API is at /api."),
    429: N_("Too many requests. Wait as long as Retry-After says, then go on."),
}
"""Where programs are told otherwise than people."""
_HEADERS_KEPT = ("Allow", "Retry-After")


def explain(app: Flask) -> None:
    """Let `app` answer errors so."""

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> AnyResponse:
        text = say("This page was open for too long. Please try again.")
        if is_for_a_program():
            return problem(text, 403)
        flash(text, "error")
        return redirect(url_for("home.show" if current_user.is_authenticated else "people.sign_in"))

    @app.errorhandler(HTTPException)
    def any_problem(error: HTTPException) -> AnyResponse | tuple[str, int]:
        code = error.code or 500
        if code < 400 or error.response is not None:
            return error.get_response()
        if isinstance(error, TooManyRequests) and isinstance(error.retry_after, int):
            return _wait(error.retry_after)
        if not is_for_a_program():
            return render_template("error.html", text=say(PROBLEMS.get(code, PROBLEMS[400]))), code
        if isinstance(error, Unfit):
            return problem(error.sentence, code, parameter=error.parameter)
        words = FOR_PROGRAMS.get(code) or PROBLEMS.get(code, FOR_PROGRAMS[400])
        return problem(say(words), code, headers=_kept(error))

    @app.errorhandler(FieldboxError)
    def short_of_something(error: FieldboxError) -> Response | tuple[str, int]:
        text = in_words(error.sentence)
        if is_for_a_program():
            return problem(text, 422 if isinstance(error, Rejected) else 503)
        return render_template("error.html", text=text), 400 if isinstance(error, Rejected) else 503


def _wait(seconds: int) -> AnyResponse:
    minutes = -(-seconds // 60)
    text = say_many(
        "Too many wrong tries. Try again in %(num)s minute.",
        "Too many wrong tries. Try again in %(num)s minutes.",
        minutes,
    )
    headers = {"Retry-After": str(seconds)}
    if is_for_a_program():
        return problem(text, 429, headers=headers)
    return Response(render_template("error.html", text=text), 429, headers)


def _kept(error: HTTPException) -> Mapping[str, str]:
    return {name: value for name, value in error.get_headers() if name in _HEADERS_KEPT}
