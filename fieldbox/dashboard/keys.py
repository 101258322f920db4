"""Keys of programs: one's own; the owner sees all."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldbox.dashboard import peoplewords
from fieldbox.dashboard.deeds import keys as deeds
from fieldbox.dashboard.language import in_words, say
from fieldbox.dashboard.ports import box
from fieldbox.domain import Right
from fieldbox.errors import Rejected

keys = Blueprint("keys", __name__, url_prefix="/keys")
Page = str | Response | tuple[str, int]
USUAL_DAYS = 365


@keys.get("")
def show() -> Page:
    """The keys that are good, and a form to make one."""
    return _list()


@keys.post("")
def make() -> Page:
    """A new key, shown once: in the answer to the form itself, so that it stands nowhere else."""
    form = request.form
    days = form.get("days", "")
    try:
        number = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else -1
        made, secret = deeds.make_key(
            current_user._get_current_object(), form.get("name", ""), form.getlist("scope"), number
        )
    except Rejected as error:
        return _list(error=in_words(error.sentence), name=form.get("name", "")), 400
    return render_template("key.html", key=made, secret=secret.text, say=peoplewords)


@keys.post("/<int:key_id>/revoke")
def revoke(key_id: int) -> Page:
    """Make a key void."""
    try:
        revoked = deeds.revoke_key(current_user._get_current_object(), key_id)
        flash(say("The key “%(name)s” is void.", name=revoked.name))
    except Rejected as error:
        flash(in_words(error.sentence), "error")
    return redirect(url_for("keys.show"))


def _list(error: str | None = None, name: str = "") -> str:
    store = box().store
    all_keys = deeds.good(store.tokens(None if current_user.may(Right.OWN) else current_user.user.id))
    names = {one.id: one.name for one in store.users()} if current_user.may(Right.OWN) else {}
    return render_template(
        "keys.html",
        mine=[one for one in all_keys if one.user_id == current_user.user.id],
        others=[one for one in all_keys if one.user_id != current_user.user.id],
        names=names,
        scopes=[right for right in Right if current_user.may(right)],
        lives=deeds.LIVES,
        usual=USUAL_DAYS,
        longest=deeds.LONGEST_NAME,
        say=peoplewords,
        error=error,
        name=name,
    )
