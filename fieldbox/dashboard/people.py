"""Who is there: logging in and out, one-time links, passwords, the reader's language."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import units
from fieldbox.dashboard.language import COOKIE, in_words, languages, say
from fieldbox.dashboard.passwords import hash_password, matches
from fieldbox.dashboard.ports import UserLike, box
from fieldbox.domain import Right
from fieldbox.errors import Rejected

people = Blueprint("people", __name__)
Page = str | Response | tuple[str, int]
BY_LINK = "by_link"
"""In the session of somebody who came by a one-time link: they may have forgotten their password."""
_YEAR = timedelta(days=365)


class Person:
    """A logged-in user, as Flask-Login wants one."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: UserLike, only: Collection[Right] = frozenset(Right)) -> None:
        """`only`: of all that this person may do, what may be done here."""
        self.user = user
        self.rights = user.role.rights & frozenset(only)

    def may(self, right: Right) -> bool:
        """Whether this person may do such things."""
        return right in self.rights

    @property
    def name(self) -> str:
        """The name to log in with."""
        return self.user.name

    @property
    def has_password(self) -> bool:
        """False until a first password is chosen."""
        return bool(self.user.password_hash)

    def get_id(self) -> str:
        """Kept in the session. It holds a print of the password hash: a new one ends all old sessions."""
        return f"{self.user.id}:{hashlib.sha256(self.user.password_hash.encode()).hexdigest()[:16]}"


def load_person(session_id: str) -> Person | None:
    """The person of a session, unless the account or its password is another by now."""
    number = session_id.partition(":")[0]
    user = box().store.user(int(number)) if number.isdecimal() else None
    person = Person(user) if user and user.active else None
    return person if person and person.get_id() == session_id else None


@people.get("/login")
def sign_in() -> Page:
    """The form to log in."""
    if current_user.is_authenticated:
        return redirect(url_for("home.show"))
    return render_template("login.html", next=local_path(request.args.get("next")))


@people.post("/login")
def check_in() -> Page:
    """Log in with a name and a password."""
    name = request.form.get("name", "").strip()
    user = box().store.user_by_name(name)
    known = user.password_hash if user and user.active else None
    if not matches(known, request.form.get("password", "")) or user is None:
        error = say("The name or the password is wrong.")
        return render_template(
            "login.html", next=local_path(request.form.get("next")), name=name, error=error
        ), 401
    _start(user)
    return redirect(local_path(request.form.get("next")))


@people.get("/enter/<token>")
def offer_entry(token: str) -> Page:
    """A one-time link. Reading it does not use it up: messengers open links for their previews."""
    return render_template("enter.html", token=token)


@people.post("/enter/<token>")
def enter(token: str) -> Page:
    """Use a one-time link."""
    user_id = box().store.use_login_token(hashlib.sha256(token.encode()).hexdigest(), datetime.now(UTC))
    user = box().store.user(user_id) if user_id is not None else None
    if user is None or not user.active:
        error = say(
            "This link was used before or is too old. Ask for a new one, or log in with your password."
        )
        return render_template("login.html", next="/", error=error), 401
    _start(user)
    session[BY_LINK] = True
    return redirect(url_for("people.choose_password"))


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
    new = request.form.get("new", "")
    try:
        if needs_old_password() and not matches(user.password_hash, request.form.get("old", "")):
            return render_template(
                "password.html", ask_old=needs_old_password(), error=say("Your present password is wrong.")
            ), 400
        if new != request.form.get("again", ""):
            return render_template(
                "password.html", ask_old=needs_old_password(), error=say("The two new passwords differ.")
            ), 400
        box().store.set_password_hash(user.id, hash_password(new))
    except Rejected as error:
        return render_template(
            "password.html", ask_old=needs_old_password(), error=in_words(error.sentence)
        ), 400
    box().store.audit(user.name, "password changed", "")
    changed = box().store.user(user.id)
    if changed is not None:
        _start(changed)
    flash(say("Your password is set."))
    return redirect(url_for("home.show"))


@people.get("/settings")
def settings() -> Page:
    """Language, password, log out."""
    return render_template("settings.html", ask_old=needs_old_password())


@people.post("/language")
def choose_language() -> Page:
    """Keep the reader's language in a cookie."""
    code = request.form.get("language", "")
    if code not in languages():
        abort(400)
    answer = redirect(local_path(request.form.get("next")))
    answer.set_cookie(COOKIE, code, max_age=_YEAR, httponly=True, samesite="Lax")
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


def _start(user: UserLike) -> None:
    session.clear()
    session.permanent = True
    login_user(Person(user))
