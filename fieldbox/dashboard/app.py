"""The Flask app, built by `create_app`; nothing of it is global, so several can live in one process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from fieldbox import __version__
from fieldbox.dashboard import language as speech
from fieldbox.dashboard import words
from fieldbox.dashboard.api import api
from fieldbox.dashboard.changing import changing
from fieldbox.dashboard.decisions import deciding
from fieldbox.dashboard.pages import pages
from fieldbox.dashboard.people import load_person, people
from fieldbox.dashboard.pictures import pictures
from fieldbox.dashboard.ports import EXTENSION, Box, Decisions, Intake, Store
from fieldbox.dashboard.sending import sending
from fieldbox.dashboard.uploading import (
    CHUNK_ENDPOINT,
    LARGEST_CHUNK,
    LARGEST_OFFER,
    OFFER_ENDPOINT,
    uploading,
)
from fieldbox.errors import FieldboxError, Rejected
from fieldbox.i18n import DOMAIN, N_, TRANSLATIONS

PUBLIC = frozenset(
    {
        "static",
        "health",
        "people.sign_in",
        "people.check_in",
        "people.offer_entry",
        "people.enter",
        "people.choose_language",
    }
)
"""Endpoints that need no login; everything else does."""
LOGIN_LIMIT = "5 per minute; 50 per hour"
LARGEST_FORM = 64 * 1024
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_PROBLEMS = {
    400: N_("This was not understood. Go back and try again."),
    404: N_("There is no such page or it is gone."),
    405: N_("This was not understood. Go back and try again."),
    413: N_("That is too large to send."),
    429: N_("Too many tries. Wait a minute, then try again."),
    500: N_("Something went wrong in the box. Try again; if it stays, look at its log."),
}


def create_app(
    store: Store,
    root: Path,
    *,
    secret_key: bytes,
    language: str = "en",
    web: Path | None = None,
    login_limit: str = LOGIN_LIMIT,
    intake: Intake | None = None,
    decisions: Decisions | None = None,
) -> Flask:
    """Build the dashboard over `store` and the data folder `root`.

    `secret_key` signs the session cookies: at least 16 bytes, kept between starts. `language` is the
    box's own, for readers who chose none. `web` holds templates and static files; None finds them. Without `intake`
    nothing can be sent from a browser, without `decisions` no page tells what is to be done.
    Raises ValueError for a short key and FileNotFoundError if `web` is not there.
    """
    if len(secret_key) < 16:
        raise ValueError("secret_key must have at least 16 bytes")
    folder = web or find_web()
    app = Flask("fieldbox.dashboard", template_folder=folder / "templates", static_folder=folder / "static")
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_NAME="fieldbox",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions[EXTENSION] = Box(store, root, language, intake, decisions)
    for blueprint in (people, pages, pictures, api, uploading, deciding, changing, sending):
        app.register_blueprint(blueprint)
    app.add_url_rule("/healthz", "health", lambda: jsonify(ok=True, version=__version__))
    _speak(app)
    _guard(app, login_limit)
    _explain(app)
    return app


def find_web() -> Path:
    """The folder with `templates` and `static`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "web", package.parent / "web"):
        if (folder / "templates").is_dir():
            return folder
    raise FileNotFoundError(f"no web folder beside {package}")


def _speak(app: Flask) -> None:
    """Languages, and the words and number formats that templates use."""
    Babel(
        app,
        default_domain=DOMAIN,
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=speech.choose,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        number=speech.number,
        interval=speech.interval,
        when=speech.when,
        day=speech.day,
        sentence=speech.in_words,
    )
    app.jinja_env.globals.update(
        ngettext=speech.say_many,
        words=words,
        languages=speech.languages,
        locale=speech.current,
        version=__version__,
        asset=_asset_of(app),
    )


def _asset_of(app: Flask) -> Callable[[str], str]:
    @lru_cache(maxsize=64)
    def print_of(name: str) -> str:
        return hashlib.blake2b((Path(app.static_folder or "") / name).read_bytes(), digest_size=6).hexdigest()

    return lambda name: url_for("static", filename=name, v=print_of(name))


def _guard(app: Flask, login_limit: str) -> None:
    """Log-in for all but PUBLIC, CSRF tokens for all that changes something, a limit on guessing, headers."""

    @app.before_request
    def allow_files() -> None:
        # Before anything looks at what was sent: the limit counts from then on.
        limits = {CHUNK_ENDPOINT: LARGEST_CHUNK, OFFER_ENDPOINT: LARGEST_OFFER}
        request.max_content_length = limits.get(str(request.endpoint), LARGEST_FORM)

    login = LoginManager(app)
    login.user_loader(load_person)

    @app.before_request
    def need_login() -> AnyResponse | tuple[Response, int] | None:
        if request.endpoint in PUBLIC or current_user.is_authenticated:
            return None
        if _is_for_a_program():
            return jsonify(error="login needed"), 401
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("people.sign_in", next=back))

    CSRFProtect(app)  # after the log-in: a page whose session is over is told that
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    failures = limiter.limit(login_limit, deduct_when=lambda answer: answer.status_code == 401)
    for endpoint in ("people.check_in", "people.enter"):
        app.view_functions[endpoint] = cast(Any, failures(app.view_functions[endpoint]))

    @app.after_request
    def secure(answer: Response) -> Response:
        answer.headers.update(SECURITY_HEADERS)
        if request.endpoint == "static" and "v" in request.args:
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "no-store"
        return answer


def _explain(app: Flask) -> None:
    """Every error as a page in words, or as JSON for the API."""

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> AnyResponse | tuple[Response | str, int]:
        if _is_for_a_program():
            return _problem(speech.say("This page was open for too long. Please try again."), 403)
        flash(speech.say("This page was open for too long. Please try again."), "error")
        back = "pages.home" if current_user.is_authenticated else "people.sign_in"
        return redirect(url_for(back))

    @app.errorhandler(HTTPException)
    def problem(error: HTTPException) -> AnyResponse | tuple[Response | str, int]:
        code = error.code or 500
        if code < 400:
            return error.get_response()
        return _problem(speech.say(_PROBLEMS.get(code, _PROBLEMS[400])), code)

    @app.errorhandler(FieldboxError)
    def short_of_something(error: FieldboxError) -> tuple[Response | str, int]:
        return _problem(speech.in_words(error.sentence), 400 if isinstance(error, Rejected) else 503)


def _problem(text: str, code: int) -> tuple[Response | str, int]:
    if _is_for_a_program():
        return jsonify(error=text), code
    return render_template("error.html", text=text), code


def _is_for_a_program() -> bool:
    """Whether a script or an `img` asks, and no person."""
    return request.blueprint == "pictures" or request.path.startswith("/api/")
