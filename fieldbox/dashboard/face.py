"""What every page shares: how it looks, what makes it installable, what is said when the box does not answer."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response

from fieldbox.dashboard import theme
from fieldbox.dashboard.people import local_path

face = Blueprint("face", __name__)
_YEAR = timedelta(days=365)


@face.post("/theme")
def choose_theme() -> Response:
    """Keep how the reader wants pages to look in a cookie."""
    key = request.form.get("theme", theme.FOLLOW)
    if key != theme.FOLLOW and key not in theme.THEMES:
        abort(400)
    answer = redirect(local_path(request.form.get("next")))
    if key == theme.FOLLOW:
        answer.delete_cookie(theme.COOKIE, httponly=True, samesite="Lax")
    else:
        answer.set_cookie(theme.COOKIE, key, max_age=_YEAR, httponly=True, samesite="Lax")
    return answer
