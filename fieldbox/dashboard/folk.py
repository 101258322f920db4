"""The owner's pages of people: who may come in, and as what."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import peoplewords
from fieldbox.dashboard.deeds import keys as key_deeds
from fieldbox.dashboard.deeds import people as deeds
from fieldbox.dashboard.doing import done
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import UserLike, box
from fieldbox.domain import LONGEST_NAME, Role, Secret
from fieldbox.errors import Rejected

folk = Blueprint("folk", __name__, url_prefix="/people")
Page = str | Response | tuple[str, int]


@folk.get("")
def show() -> Page:
    """Everybody who may come in, and a form to add somebody."""
    return _list()


@folk.post("")
def add() -> Page:
    """Let somebody come in: their one-time link is shown, once."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    try:
        user, secret = deeds.add_person(current_user.name, name, role)
    except Rejected as error:
        return _list(error=in_words(error.sentence), name=name, chosen=role), 400
    return _link_page(user, secret)


@folk.get("/<int:person_id>")
def person(person_id: int) -> Page:
    """One of them, and what can be changed."""
    found = box().store.user(person_id)
    if found is None:
        abort(404)
    return render_template(
        "person.html",
        person=found,
        keys=key_deeds.good(box().store.tokens(person_id)),
        roles=peoplewords.ROLES,
        say=peoplewords,
        myself=found.name == current_user.name,
    )


@folk.post("/<int:person_id>/link")
def link(person_id: int) -> Page:
    """A new one-time link, for who has forgotten the password."""
    try:
        return _link_page(*deeds.make_link(current_user.name, person_id))
    except Rejected as error:
        flash(in_words(error.sentence), "error")
        return redirect(url_for("folk.show"))


@folk.post("/<int:person_id>/role")
def change_role(person_id: int) -> Page:
    """Make somebody something else."""
    role = request.form.get("role", "")
    return _done(
        person_id,
        lambda: deeds.change_role(current_user.name, person_id, role),
        say("The role is changed."),
    )


@folk.post("/<int:person_id>/shut-out")
def shut_out(person_id: int) -> Page:
    """Let somebody in no more."""
    return _done(
        person_id,
        lambda: deeds.shut_out(current_user.name, person_id),
        say("Shut out: logged out everywhere, links and keys are void."),
    )


@folk.post("/<int:person_id>/let-in")
def let_in(person_id: int) -> Page:
    """Let somebody in again."""
    return _done(
        person_id,
        lambda: deeds.let_in(current_user.name, person_id),
        say("Let in again, with the password as it was. Keys that were void stay so."),
    )


@folk.post("/<int:person_id>/sessions")
def end_sessions(person_id: int) -> Page:
    """Log somebody out everywhere."""
    return _done(
        person_id, lambda: deeds.end_sessions(current_user.name, person_id), say("Logged out everywhere.")
    )


def _list(error: str | None = None, name: str = "", chosen: str = "") -> str:
    return render_template(
        "people.html",
        people=sorted(box().store.users(), key=lambda one: (not one.active, one.name.casefold())),
        roles=peoplewords.ROLES,
        say=peoplewords,
        error=error,
        name=name,
        chosen=chosen or Role.VIEWER,
        longest=LONGEST_NAME,
    )


def _done(person_id: int, deed: Callable[[], UserLike], words: str) -> Response:
    done(deed, words)
    there = box().store.user(person_id) is not None
    return redirect(url_for("folk.person", person_id=person_id) if there else url_for("folk.show"))


def _link_page(user: UserLike, secret: Secret) -> str:
    """The answer to the form itself: a link that stood in an address or a session could be found there."""
    address = url_for("people.offer_entry", token=secret.text, _external=True)
    text = say(
        "%(name)s, this link lets you into fieldbox once, within 24 hours, on the farm's Wi-Fi: %(link)s",
        name=user.name,
        link=address,
    )
    return render_template(
        "link.html", person=user, link=address, text=text, quoted=quote(text, safe=""), only_here=_only_here()
    )


def _only_here() -> bool:
    """Whether the box was asked by an address that leads every other phone to itself."""
    name = urlsplit(request.host_url).hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
