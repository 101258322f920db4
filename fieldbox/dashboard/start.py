"""Setting up a new box from a phone: the code on its label, then one question a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.config import variable_of
from fieldbox.dashboard import units
from fieldbox.dashboard.asked import AREA, LANGUAGE, TEXT_LANGUAGES, Group, told_in
from fieldbox.dashboard.deeds import choices, starting
from fieldbox.dashboard.deeds import hub as hub_deeds
from fieldbox.dashboard.deeds.choices import NotAccepted
from fieldbox.dashboard.forms import Form
from fieldbox.dashboard.language import COOKIE, current, in_words, languages, say
from fieldbox.dashboard.person import BY_LINK, start_session
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.settings import examples, hub_shown, typed_over, welcome_page
from fieldbox.dashboard.setupsteps import BY_SLUG, Step
from fieldbox.dashboard.trial import flight_shown
from fieldbox.domain import HubNow, Right, SettingNow, SettingSource, SettingValue
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence

start = Blueprint("start", __name__, url_prefix="/start")
Page = str | Response | tuple[str, int]
_YEAR_S: Final = 365 * 24 * 3600


@start.get("")
def show() -> Page:
    """Where the set-up is: the code, the next question, or the end."""
    if current_user.is_authenticated and current_user.may(Right.OWN):
        step = starting.next_step()
        return redirect(url_for("start.step", slug=step) if step else url_for("start.ready"))
    if not starting.is_new():
        return _log_in()
    return render_template("start/code.html", form=Form())


@start.post("")
def give_code() -> Page:
    """Let in whoever has the code."""
    if not starting.is_new():
        return _log_in()
    try:
        code = starting.read_code(request.form.get("code", ""))
    except Rejected as error:
        return _code_again(error.sentence)
    user = starting.enter(code)
    if user is None:
        return _code_again(
            Sentence(
                N_("This is not the code of this box. It is on its label, and in the log of its first start.")
            ),
            401,
        )
    start_session(user)
    session[BY_LINK] = True
    box().store.audit(user.name, "came by the setup code", "")
    return redirect(url_for("start.show"))


@start.get("/<slug>")
def step(slug: str) -> Page:
    """A question."""
    return _page(_step(slug), Form())


@start.post("/<slug>")
def save(slug: str) -> Page:
    """Take an answer, or leave it for later."""
    asked = _step(slug)
    if "later" in request.form and asked.may_wait:
        starting.note(slug, "later")
        return redirect(_after(slug))
    if "look" in request.form:
        return _page(asked, Form(request.form.to_dict()))
    try:
        answer = _ANSWERS.get(slug, _choose)(asked)
    except NotAccepted as error:
        return _page(asked, Form.refused(request.form, error.at)), 400
    starting.note(slug, "done")
    return answer


@start.post("/hub/welcome")
def hub_welcome() -> Page:
    """Read the hub's file; its fingerprint is compared before anything changes."""
    return welcome_page(lambda form, hub, text: _page(BY_SLUG["hub"], form, offered=hub, welcome=text))


@start.post("/hub/join")
def hub_join() -> Page:
    """Join, once the fingerprint was compared."""
    try:
        hub: HubNow = hub_deeds.join(current_user.name, request.form.get("welcome", ""))
    except Rejected as error:
        return _page(BY_SLUG["hub"], Form(None, {"welcome": in_words(error.sentence)})), 400
    starting.note("hub", "done")
    flash(say("This box has joined the hub %(hub)s.", hub=hub.hub))
    return redirect(_after("hub"))


@start.get("/ready")
def ready() -> Page:
    """The end: what to do next, and the box's address for other phones."""
    address = request.host_url
    return render_template(
        "start/ready.html",
        address=address,
        picture=segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="white")
        if _is_for_others(address)
        else None,
        later=[BY_SLUG[slug] for slug, how in starting.done().items() if how == "later"],
        unanswered=starting.next_step(),
    )


def _code_again(why: Sentence, status: int = 400) -> Page:
    return render_template("start/code.html", form=Form.refused(request.form, {"code": why})), status


def _log_in() -> Page:
    """What stands at /start once the box is set up."""
    if current_user.is_authenticated:
        return redirect(url_for("home.show"))
    told = say("This box is set up already: log in. Who has no password yet asks the owner for a link.")
    return render_template("login.html", next="/", error=told)


def _step(slug: str) -> Step:
    if slug not in BY_SLUG or box().beyond.settings is None:
        abort(404)
    return BY_SLUG[slug]


def _after(slug: str) -> str:
    number = starting.STEPS.index(slug) + 1
    if number == len(starting.STEPS):
        return url_for("start.ready")
    return url_for("start.step", slug=starting.STEPS[number])


def _page(asked: Step, form: Form, **more: Any) -> str:
    settings = box().beyond.settings
    if settings is None:
        abort(404)
    number = starting.STEPS.index(asked.slug)
    return render_template(
        f"start/{asked.slug}.html",
        step=asked,
        number=number + 1,
        of=len(starting.STEPS),
        before=starting.STEPS[number - 1] if number else None,
        form=form,
        settings=_suggested(asked, settings.all()),
        variable_of=variable_of,
        **_beside(asked, form),
        **more,
    )


def _suggested(asked: Step, settings: Mapping[str, SettingNow]) -> Mapping[str, SettingNow]:
    """The settings, and what the set-up suggests where nobody has said anything: by the language of the page, the unit that
    is usual in it, and alerts in it."""
    spoken = str(current().language)
    wanted: Mapping[str, SettingValue] = {}
    if asked.slug == "language":
        wanted = {AREA.name: units.usual(spoken).value}
    elif asked.slug == "texts":
        wanted = {"sms.send": "alerts", "sms.language": spoken if spoken in TEXT_LANGUAGES else "en"}
    return {
        name: replace(one, value=wanted[name])
        if name in wanted and one.source is SettingSource.DEFAULT
        else one
        for name, one in settings.items()
    }


def _beside(asked: Step, form: Form) -> Mapping[str, Any]:
    settings = box().beyond.settings
    if settings is not None and asked.slug in ("texts", "leaving"):
        group = Group(asked.slug, asked.title, asked.lead, asked.asked)
        return {"examples": examples(typed_over(settings.now(), group, form))}
    if asked.slug == "hub":
        ways = {
            "welcome": url_for("start.hub_welcome"),
            "join": url_for("start.hub_join"),
            "back": url_for("start.step", slug="hub"),
        }
        return {**hub_shown(), "hub_ways": ways}
    return flight_shown() if asked.slug == "flight" else {}


def _choose(asked: Step) -> Response:
    choices.choose(current_user.name, told_in(request.form, asked.asked))
    return redirect(_after(asked.slug))


def _speak(asked: Step) -> Response:
    told, code = told_in(request.form, asked.asked), request.form.get(LANGUAGE.name, "")
    # The page suggests a unit by its own language; with another language comes that one's, unless somebody chose.
    suggested = units.usual(str(current().language)).value
    if code in languages() and told.get(AREA.name) == suggested and not _is_said(AREA.name):
        told[AREA.name] = units.usual(code).value
    choices.choose(current_user.name, told)
    answer = redirect(_after(asked.slug))
    if code in languages():
        answer.set_cookie(
            COOKIE, code, max_age=_YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return answer


def _is_said(name: str) -> bool:
    """Whether anybody has said how a setting is to be."""
    settings = box().beyond.settings
    return settings is not None and settings.all()[name].source is not SettingSource.DEFAULT


def _become(asked: Step) -> Response:
    name, password = request.form.get("name", ""), request.form.get("new", "")
    if current_user.has_password and not password and name.strip() == current_user.name:
        return redirect(_after(asked.slug))
    if current_user.has_password:
        raise NotAccepted(
            {"new": Sentence(N_("You have a password already: change it on the settings page."))}
        )
    if password != request.form.get("again", ""):
        raise NotAccepted({"again": Sentence(N_("The two passwords differ."))})
    try:
        user = starting.become(current_user.user, name, password)
    except Rejected as error:
        place = "new" if "password" in error.sentence.template else "name"
        raise NotAccepted({place: error.sentence}) from error
    start_session(user)
    return redirect(_after(asked.slug))


def _go_on(asked: Step) -> Response:
    return redirect(_after(asked.slug))


_ANSWERS: Final[Mapping[str, Callable[[Step], Response]]] = {
    "language": _speak,
    "you": _become,
    "hub": _go_on,
    "flight": _go_on,
}


def _is_for_others(address: str) -> bool:
    """Whether other phones reach the box there."""
    return urlsplit(address).hostname not in ("127.0.0.1", "::1", "localhost", None)
