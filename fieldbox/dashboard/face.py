"""What every page shares: how it looks, what makes it installable, what is said when the box does not answer."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard import theme
from fieldbox.dashboard.language import current, say
from fieldbox.dashboard.people import local_path

face = Blueprint("face", __name__)
KEPT: Final = ("app.css", "css/map.css", "css/fonts.css", "app.js", "icon.svg", "icons.svg")
"""Files that the phone keeps from the first page on: what the page without a box needs, and every other."""
ICONS: Final = ((192, "any"), (512, "any"), (512, "maskable"))
_YEAR = timedelta(days=365)


@face.post("/theme")
def choose_theme() -> AnyResponse:
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


@face.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a phone wants to know to put the box on its first screen."""
    shown = theme.chosen() or theme.LIGHT
    answer = jsonify(
        id="/",
        name="fieldbox",
        short_name="fieldbox",
        description=say("Weeds and crop health of your fields, from the box on your farm."),
        lang=current().language,
        dir="ltr",
        start_url="/",
        scope="/",
        display="standalone",
        theme_color=shown.bar,
        background_color=shown.bar,
        icons=[_icon(size, purpose) for size, purpose in ICONS],
    )
    answer.mimetype = "application/manifest+json"
    return answer


@face.get("/worker.js")
def worker() -> Response:
    """The service worker, with what it is to keep. It has a new version whenever a file of the dashboard changes."""
    folder = Path(current_app.static_folder or "")
    setup = {
        "version": _print_of_all(folder),
        "files": [current_app.jinja_env.globals["asset"](name) for name in KEPT],  # type: ignore[operator]
        "offline": url_for("face.offline"),
        "renew": [url_for("face.choose_theme"), url_for("people.choose_language")],
    }
    script = f"const SETUP = {json.dumps(setup)};\n{(folder / 'worker.js').read_text('utf-8')}"
    return Response(script, mimetype="text/javascript")


@face.get("/offline")
def offline() -> str:
    """What a phone shows while it does not reach the box. It keeps this page, so nothing of a person is on it."""
    return render_template("offline.html", bare=True)


def _icon(size: int, purpose: str) -> dict[str, str]:
    name = f"icons/{'maskable' if purpose == 'maskable' else 'icon'}-{size}.png"
    address = current_app.jinja_env.globals["asset"](name)  # type: ignore[operator]
    return {"src": address, "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}


@lru_cache(maxsize=4)
def _print_of_all(folder: Path) -> str:
    hashed = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            hashed.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return hashed.hexdigest()
