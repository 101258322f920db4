"""Who is there: logging in and out, one-time links, one's own password, the reader's language."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user, logout_user
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from fieldbox.dashboard import units
from fieldbox.dashboard.deeds import people as deeds
from fieldbox.dashboard.deeds.starting import is_new
from fieldbox.dashboard.guessing import Tries, digest
from fieldbox.dashboard.language import COOKIE, in_words, languages, say
from fieldbox.dashboard.passwords import matches, renewed
from fieldbox.dashboard.person import BY_LINK, start_session
from fieldbox.dashboard.ports import UserLike, box
from fieldbox.dashboard.twice import Links, who_has_just_set
from fieldbox.domain import Role
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

people = Blueprint("people", __name__)
Page = str | Response | tuple[str, int]
TRIES: Final = "fieldbox.tries"
"""The app's count of wrong tries."""
LINKS: Final = "fieldbox.links"
"""The app's memory of one-time links that were just used."""
KNOWN: Final = "known"
"""The cookie of a browser that has logged in before."""
_YEAR = timedelta(days=365)


@people.get("/login")
def sign_in() -> Page:
    """The form to log in."""
    if current_user.is_authenticated:
        return redirect(url_for("home.show"))
    if is_new():
        return redirect(url_for("start.show"))
    return render_template("login.html", next=local_path(request.args.get("next")))


@people.post("/login")
def check_in() -> Page:
    """Log in with a name and a password."""
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    user = box().store.user_by_name(name)
    known = user.password_hash if user and user.active else None
    with _tries().one(*_counted_for(name, user)) as tried:
        tried.right = matches(known, password)
    if not tried.right or user is None:
        error = say("The name or the password is wrong.")
        return render_template(
            "login.html", next=local_path(request.form.get("next")), name=name, error=error
        ), 401
    _renew(user, password)
    return _come_in(user, "logged in", local_path(request.form.get("next")))


@people.get("/enter/<token>")
def offer_entry(token: str) -> Page:
    """A one-time link. Reading it does not use it up: messengers open links for their previews."""
    return render_template("enter.html", token=token)


@people.post("/enter/<token>")
def enter(token: str) -> Page:
    """Use a one-time link."""
    links: Links = current_app.extensions[LINKS]
    with _tries().one(("link", request.remote_addr)) as tried:
        user = links.use(hashlib.sha256(token.encode()).hexdigest())
        tried.right = user is not None
    if user is None:
        error = say(
            "This link was used before or is too old. Ask for a new one, or log in with your password."
        )
        return render_template("login.html", next="/", error=error), 401
    first = url_for("start.show" if is_new() and user.role is Role.OWNER else "people.choose_password")
    answer = _come_in(user, "came by a link", first)
    session[BY_LINK] = True
    return answer


@people.post("/logout")
def leave() -> Page:
    """Log out."""
    logout_user()
    session.clear()
    return redirect(url_for("people.sign_in"))


@people.get("/password")
def choose_password() -> Page:
    """The form for one's own password."""
    return render_template("password.html", ask_old=needs_old_password())


@people.post("/password")
def change_password() -> Page:
    """Set one's own password."""
    user: UserLike = current_user.user
    try:
        if needs_old_password():
            _check_old(user)
        new = request.form.get("new", "")
        if new != request.form.get("again", ""):
            return _password_again(say("The two new passwords differ."))
        changed = deeds.choose_password(user.name, user.id, new)
    except Rejected as error:
        return _password_again(in_words(error.sentence))
    return _with_password(changed)


def password_set_twice() -> Response | None:
    """The answer to the form of a new password that comes once more, when it has been set already; None: that it is not."""
    user = who_has_just_set(_tries())
    return _with_password(user) if user else None


def _with_password(user: UserLike) -> Response:
    start_session(user)
    flash(say("Your password is set."))
    return redirect(url_for("home.show"))


@people.get("/settings")
def settings() -> Page:
    """Language, password, keys, log out."""
    return render_template("settings.html", ask_old=needs_old_password())


@people.post("/sessions")
def end_sessions() -> Page:
    """Log oneself out everywhere but here."""
    by_link = session.get(BY_LINK)
    start_session(deeds.end_sessions(current_user.name, current_user.user.id))
    if by_link:
        session[BY_LINK] = True
    flash(say("You are logged out everywhere but here."))
    return redirect(url_for("people.settings"))


@people.post("/language")
def choose_language() -> Page:
    """Keep the reader's language in a cookie."""
    code = request.form.get("language", "")
    if code not in languages():
        abort(400)
    answer = redirect(local_path(request.form.get("next")))
    answer.set_cookie(COOKIE, code, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure)
    return answer


@people.post("/area-unit")
def choose_area_unit() -> Page:
    """Keep the reader's unit of area in a cookie."""
    unit = request.form.get("area_unit", "")
    if unit not in units.known():
        abort(400)
    answer = redirect(local_path(request.form.get("next")))
    answer.set_cookie(units.COOKIE, unit, max_age=_YEAR, httponly=True, samesite="Lax")
    return answer


def needs_old_password() -> bool:
    """Whether the reader must give the present password to set a new one."""
    return bool(current_user.user.password_hash) and not session.get(BY_LINK)


def local_path(path: str | None) -> str:
    """`path` if it leads to a page of this box, else the home page: a login sends nobody elsewhere."""
    if (
        not path
        or not path.startswith("/")
        or path.startswith("//")
        or "\\" in path
        or not path.isprintable()
    ):
        return "/"
    return path


def _check_old(user: UserLike) -> None:
    # Who finds a phone that is logged in guesses no longer than at the log-in.
    with _tries().one(("own", user.id)) as tried:
        tried.right = matches(user.password_hash, request.form.get("old", ""))
    if not tried.right:
        raise Rejected(N_("Your present password is wrong."))


def _password_again(error: str) -> Page:
    return render_template("password.html", ask_old=needs_old_password(), error=error), 400


def _renew(user: UserLike, password: str) -> None:
    again = renewed(user.password_hash, password)
    if again:
        box().store.renew_password_hash(user.id, user.password_hash, again)


def _come_in(user: UserLike, how: str, target: str) -> Response:
    start_session(user)
    box().store.note_seen(user.id)
    box().store.audit(user.name, how, "")
    answer = redirect(target)
    if _known_to(user) is None:
        answer.set_cookie(
            KNOWN,
            _signer().dumps([user.id, secrets.token_urlsafe(12)]),
            max_age=_YEAR,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
            path=url_for("people.sign_in"),
        )
    return answer


def _tries() -> Tries:
    found: Tries = current_app.extensions[TRIES]
    return found


def _counted_for(name: str, user: UserLike | None) -> list[tuple[str, str | int | None]]:
    known = _known_to(user) if user else None
    if known:
        return [("browser", known)]
    return [("address", request.remote_addr), ("account", user.id if user else digest(name))]


def _known_to(user: UserLike) -> str | None:
    """Of a browser that has logged in to this account before: its own number."""
    try:
        account, number = _signer().loads(request.cookies.get(KNOWN, ""))
    except (BadSignature, ValueError, TypeError):
        return None
    return str(number) if account == user.id else None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt="known browser")
