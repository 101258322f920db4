"""Every error as a page that says what happened, why, what to do and where to go on, or as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, render_template, request, url_for
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard.language import in_words, say, say_many
from fieldbox.dashboard.people import local_path
from fieldbox.dashboard.problems import Unfit, is_for_a_program, problem
from fieldbox.dashboard.turns import Busy
from fieldbox.errors import FieldboxError, Misconfigured, Rejected
from fieldbox.i18n import N_

Answer = Response | tuple[str, int, dict[str, str]]
AGAIN_S: Final = 30
"""After so many seconds it is worth to ask again for what the box is short of."""
SOON_S: Final = 5
"""And to ask again where others are served just now."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in message ids: what happened, why, what to do. Empty: there is nothing to say."""

    title: str
    why: str = ""
    todo: str = ""


PROBLEMS: Final = {
    400: Trouble(
        N_("This was not understood."),
        N_("Something that the page needs is missing or is not what it can be."),
        N_("Go back, look at what you gave, and try again."),
    ),
    403: Trouble(
        N_("You may look, but not do this here."),
        N_("The owner of the box decides who may do what."),
        N_("Ask the owner to do it, or to give you another role."),
    ),
    404: Trouble(
        N_("There is no such page or it is gone."),
        N_("The link is old or cut off, or what it led to was removed."),
        N_("Start at the home page: all that the box has is found from there."),
    ),
    405: Trouble(
        N_("This address shows no page."),
        N_("It only takes what a button on another page sends."),
        N_("Go back and use the button there."),
    ),
    410: Trouble(
        N_("This is gone from the box."),
        N_("It was there, and was removed."),
        N_("What else the box has is found from the home page."),
    ),
    413: Trouble(
        N_("That is too large to send."),
        N_("A form takes text alone, and not much of it."),
        N_("Send less. Photos are sent with Add photos on the home page."),
    ),
    429: Trouble(
        N_("Too many tries."),
        N_("The box makes everybody wait who guesses, so that no stranger gets in."),
    ),
    500: Trouble(
        N_("Something went wrong in the box."),
        N_("This is a mistake of the box, not yours. Nothing is lost that was saved before."),
        N_("Try again; if it stays, tell those who look after the box: its log knows more."),
    ),
    503: Trouble(
        N_("The box cannot do this just now."),
        N_("It is busy with something else."),
    ),
}
STALE: Final = Trouble(
    N_("This page was open for too long."),
    N_("Since it was opened, somebody logged in or out in this browser, or the box was set up anew."),
    N_("Nothing was changed. Open the page again and send it once more."),
)
FOR_PROGRAMS: Final = {
    400: N_("This was not understood. The description of the API is at /api."),
    401: N_("Log in first, or send a key of this box that is valid."),
    403: N_("This key or this person may not do that: it takes a key with more scopes, or another role."),
    404: N_("There is no such thing on this box, or it is gone."),
    405: N_("That cannot be done with this address. The description of the API is at /api."),
    409: N_("That does not go with how things stand by now."),
    415: N_("The body is of a kind that is not read here. The description of the API is at /api."),
    429: N_("Too many requests. Wait as long as Retry-After says, then go on."),
}
"""Where programs are told otherwise than people."""
HEADERS_KEPT: Final = ("Allow", "Retry-After")
REJECTED: Final = N_("This cannot be done.")
BUSY: Final = N_("The box cannot do this just now.")
BROKEN: Final = N_("Somebody must look after the box.")
SHOW: Final = N_("Show this to those who look after it.")


def explain(app: Flask) -> None:
    """Let `app` answer errors so."""

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> Answer:
        return _answer(STALE, 403 if is_for_a_program() else 400)

    @app.errorhandler(HTTPException)
    def any_problem(error: HTTPException) -> AnyResponse | Answer:
        code = error.code or 500
        if code < 400 or error.response is not None:
            return error.get_response()
        if is_for_a_program():
            return _to_a_program(error, code)
        return _answer(PROBLEMS.get(code, PROBLEMS[400]), code, _wait_s(error))

    @app.errorhandler(FieldboxError)
    def short_of_something(error: FieldboxError) -> Answer:
        said = in_words(error.sentence)
        if isinstance(error, Busy):
            return _answer(Trouble(BUSY), 503, SOON_S, said)
        if is_for_a_program():
            return problem(said, 422 if isinstance(error, Rejected) else 503)
        if isinstance(error, Rejected):
            return _answer(Trouble(REJECTED), 400, said=said)
        if isinstance(error, Misconfigured):
            return _answer(Trouble(BROKEN, todo=SHOW), 503, said=said)
        return _answer(Trouble(BUSY), 503, AGAIN_S, said)


def _to_a_program(error: HTTPException, code: int) -> Response:
    if isinstance(error, Unfit):
        return problem(error.sentence, code, parameter=error.parameter)
    words = FOR_PROGRAMS.get(code) or PROBLEMS.get(code, PROBLEMS[400]).title
    return problem(say(words), code, headers=_kept(error))


def _kept(error: HTTPException) -> Mapping[str, str]:
    return {name: value for name, value in error.get_headers() if name in HEADERS_KEPT}


def _wait_s(error: HTTPException) -> int:
    """Until it is worth to try again; 0: it never is."""
    if isinstance(error, TooManyRequests):
        return max(1, error.retry_after) if isinstance(error.retry_after, int) else AGAIN_S
    return AGAIN_S if error.code == 503 else 0


def page_of(title: str, said: str) -> str:
    """An error page with a sentence that the box has already, for those that know more than a code."""
    return _page(title, [said], 0)


def _answer(told: Trouble, code: int, wait_s: int = 0, said: str = "") -> Answer:
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    todo = [say(told.todo)] if told.todo else []
    if wait_s:
        todo.append(_wait_for(wait_s))
    if is_for_a_program():
        return problem(said or " ".join([say(told.title), *todo]), code, headers=headers)
    lines = [said or (say(told.why) if told.why else ""), *todo]
    return _page(say(told.title), [line for line in lines if line], wait_s), code, headers


def _wait_for(seconds: int) -> str:
    if seconds <= 90:
        return say_many(
            "Wait %(num)s second, then try again.", "Wait %(num)s seconds, then try again.", seconds
        )
    minutes = -(-seconds // 60)
    return say_many("Wait %(num)s minute, then try again.", "Wait %(num)s minutes, then try again.", minutes)


def _page(title: str, lines: list[str], wait_s: int) -> str:
    known = _reader_is_known()
    return render_template(
        "error.html",
        title=title,
        lines=lines,
        again=_again(wait_s),
        soon=wait_s if wait_s == SOON_S and request.method == "GET" else 0,
        back=_back(),
        bare=not known,
        inside=known and current_user.is_authenticated,
    )


def _reader_is_known() -> bool:
    """False where the box cannot even read who that is: the page then does without."""
    try:
        return current_user.is_authenticated is not None
    except FieldboxError:
        g._login_user = AnonymousUserMixin()  # else each look at current_user fails anew
        return False


def _again(wait_s: int) -> str:
    """Where to try again: the page itself, or for what was sent the page that it was sent from."""
    if not wait_s:
        return ""
    if request.method == "GET":
        return local_path(request.full_path.rstrip("?"))
    return _back() or url_for("home.show")


def _back() -> str:
    """The page of this box that the reader came from, if another."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host:
        return ""
    path = local_path(f"{came.path}?{came.query}" if came.query else came.path)
    return "" if request.method == "GET" and path == request.full_path.rstrip("?") else path
