"""The pages on which the owner chooses how the box goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.config import Config, variable_of, with_values
from fieldbox.dashboard import linkform
from fieldbox.dashboard.asked import BY_SLUG, GROUPS, Group, told_in
from fieldbox.dashboard.deeds import choices
from fieldbox.dashboard.deeds import hub as hub_deeds
from fieldbox.dashboard.deeds.choices import NotAccepted
from fieldbox.dashboard.deeds.sending import try_text as text_as_a_test
from fieldbox.dashboard.forms import Form
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import Settings, box
from fieldbox.domain import HubNow
from fieldbox.errors import FieldboxError, Misconfigured, Rejected
from fieldbox.i18n import N_, Sentence

settings = Blueprint("settings", __name__)
Page = str | AnyResponse | tuple[str, int]
LARGEST_WELCOME = 64 * 1024


@settings.app_template_global("setting_groups")
def groups() -> tuple[Group, ...]:
    """The pages that there are; none where the settings stand in a file alone."""
    return GROUPS if box().beyond.settings else ()


@settings.get("/settings/<slug>")
def show(slug: str) -> Page:
    """A page of settings."""
    return _page(_group(slug), Form())


@settings.post("/settings/<slug>")
def save(slug: str) -> Page:
    """Keep what somebody chose on a page, take something back, or show what a text would be."""
    group = _group(slug)
    if "reset" in request.form:
        return _reset(group, request.form["reset"])
    if "look" in request.form:
        return _page(group, Form(request.form.to_dict()))
    try:
        news = _choose(group)
    except NotAccepted as error:
        return _page(group, Form.refused(request.form, error.at)), 400
    flash(say("Saved.") if news else say("Nothing was changed."))
    return redirect(url_for("settings.show", slug=slug))


@settings.post("/settings/texts/try")
def try_text() -> Page:
    """Let a text go that says that it is a test."""
    if box().beyond.examples is None:
        abort(404)
    number = request.form.get("number", "")
    try:
        text = text_as_a_test(current_user.name, number)
    except Rejected as error:
        flash(in_words(error.sentence), "error")
    else:
        flash(
            say(
                "This text goes to %(number)s when the modem is there: “%(text)s”",
                number=number,
                text=text.body,
            )
        )
    return redirect(url_for("settings.show", slug="texts"))


@settings.get("/settings/hub/request")
def hub_request() -> Response:
    """The file with which a hub is asked."""
    name, text = hub_deeds.desk().request()
    return Response(
        text,
        mimetype="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename={name}.request"},
    )


@settings.post("/settings/hub/welcome")
def hub_welcome() -> Page:
    """Read the file that came back; its fingerprint is compared before anything changes."""
    return welcome_page(lambda form, hub, text: _page(BY_SLUG["hub"], form, offered=hub, welcome=text))


@settings.post("/settings/hub/join")
def hub_join() -> Page:
    """Join, once the fingerprint was compared."""
    try:
        hub = hub_deeds.join(current_user.name, request.form.get("welcome", ""))
    except Rejected as error:
        return _page(BY_SLUG["hub"], Form(None, {"welcome": in_words(error.sentence)})), 400
    flash(say("This box has joined the hub %(hub)s.", hub=hub.hub))
    return redirect(url_for("settings.show", slug="hub"))


@settings.post("/settings/hub/leave")
def hub_leave() -> AnyResponse:
    """Forget the hub."""
    hub_deeds.leave(current_user.name)
    flash(say("The box belongs to no hub now. What waits to be sent stays on the box."))
    return redirect(url_for("settings.show", slug="hub"))


def welcome_page(page: Callable[[Form, HubNow | None, str], str]) -> Page:
    """What `page` makes of the welcome that was sent: with the hub that it offers, or with what is wrong with it."""
    try:
        text = welcome_sent()
        return page(Form(), hub_deeds.desk().read(text), text)
    except Rejected as error:
        return page(Form(None, {"welcome": in_words(error.sentence)}), None, ""), 400


def welcome_sent() -> str:
    """The file that somebody chose. Raises Rejected for one that is too large or no text."""
    sent = request.files.get("welcome")
    data = sent.read(LARGEST_WELCOME + 1) if sent else b""
    if len(data) > LARGEST_WELCOME:
        raise Rejected(N_("This file is too large for a welcome: choose the one that came from the hub."))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected(N_("This is no welcome of a hub: choose the file that came from it.")) from None


def typed_over(now: Config, group: Group, form: Form) -> Config:
    """The settings as somebody has typed them, as far as they are good."""
    if form.typed is None:
        return now
    for name, value in told_in(request.form, group.every).items():
        try:
            now = with_values(now, {name: value})
        except Misconfigured:
            continue
    return now


def _settings() -> Settings:
    found = box().beyond.settings
    if found is None:
        abort(404)
    return found


def _group(slug: str) -> Group:
    _settings()
    if slug not in BY_SLUG:
        abort(404)
    return BY_SLUG[slug]


def _choose(group: Group) -> list[str]:
    values = told_in(request.form, group.every)
    wrong: dict[str, Sentence] = {}
    if group.slug == "links":
        links, wrong = linkform.told_in(request.form, _settings().now())
        values |= links
    if wrong:
        raise NotAccepted(wrong)
    return choices.choose(current_user.name, values)


def _reset(group: Group, name: str) -> Page:
    try:
        choices.reset(current_user.name, linkform.NAMES if name == "links" else [name])
    except NotAccepted as error:
        return _page(group, Form(None, {at: in_words(one) for at, one in error.at.items()})), 400
    flash(say("This is as it was before it was chosen here."))
    return redirect(url_for("settings.show", slug=group.slug))


def _page(group: Group, form: Form, **more: Any) -> str:
    now = _settings().now()
    return render_template(
        f"settings/{group.slug}.html"
        if group.slug in ("texts", "leaving", "links", "hub")
        else "settings/group.html",
        group=group,
        form=form,
        settings=_settings().all(),
        variable_of=variable_of,
        **_beside(group, now, form),
        **more,
    )


def _beside(group: Group, now: Config, form: Form) -> Mapping[str, Any]:
    """What stands on a page beside what it asks."""
    if group.slug == "links":
        return {"links": linkform.rows(now), "link_names": linkform.NAMES}
    if group.slug == "hub":
        return hub_shown()
    if group.slug in ("texts", "leaving"):
        return {"examples": examples(typed_over(now, group, form)), "numbers": now.sms.allowed}
    return {}


def examples(now: Config) -> Mapping[str, Any]:
    """What texts look like by these settings, and with more and less let out of the farm."""
    told = box().beyond.examples
    if told is None:
        return {}
    shared = {
        on: with_values(now, {"summary.share_name": on, "summary.share_position": on}) for on in (False, True)
    }
    return {
        "field": told.field(now),
        "alert": told.text(now),
        "code": told.text(shared[False]),
        "name": told.text(shared[True]),
        "spots": told.text(shared[False], spots=True),
        "places": told.text(shared[True], spots=True),
    }


def hub_shown() -> Mapping[str, Any]:
    """The hub of the box; where it cannot be read, why."""
    if box().beyond.hub is None:
        return {"desk": False, "hub": None, "hub_error": ""}
    try:
        hub: HubNow | None = hub_deeds.desk().now()
    except FieldboxError as error:
        return {"desk": True, "hub": None, "hub_error": in_words(error.sentence)}
    return {"desk": True, "hub": hub, "hub_error": ""}
