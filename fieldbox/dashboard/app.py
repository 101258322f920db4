"""The Flask app, built by `create_app`; nothing of it is global, so several can live in one process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, jsonify, url_for
from flask_babel import Babel
from werkzeug.routing import IntegerConverter, Map

from fieldbox import __version__
from fieldbox.dashboard import language as speech
from fieldbox.dashboard import navigation, theme, units, words
from fieldbox.dashboard.api import api
from fieldbox.dashboard.api.kinds import LARGEST
from fieldbox.dashboard.carrying import carry
from fieldbox.dashboard.changing import changing
from fieldbox.dashboard.decisions import deciding
from fieldbox.dashboard.diary import diary
from fieldbox.dashboard.drawing import drawing
from fieldbox.dashboard.evidence import evidence
from fieldbox.dashboard.explaining import explain
from fieldbox.dashboard.face import face
from fieldbox.dashboard.fields import fields
from fieldbox.dashboard.flights import flights
from fieldbox.dashboard.flown import flown
from fieldbox.dashboard.folk import folk
from fieldbox.dashboard.guard import LARGEST_FORM, guard
from fieldbox.dashboard.home import home
from fieldbox.dashboard.keys import keys
from fieldbox.dashboard.machine import machine
from fieldbox.dashboard.manual import manual
from fieldbox.dashboard.marking import marking
from fieldbox.dashboard.metrics import measure, metrics
from fieldbox.dashboard.people import people
from fieldbox.dashboard.person import SESSION_LIFE
from fieldbox.dashboard.pictures import pictures
from fieldbox.dashboard.ports import EXTENSION, Beyond, Box, Store, box
from fieldbox.dashboard.review import review
from fieldbox.dashboard.sending import sending
from fieldbox.dashboard.settings import settings
from fieldbox.dashboard.start import start
from fieldbox.dashboard.tongues import tongues
from fieldbox.dashboard.trial import trial
from fieldbox.dashboard.uploading import uploading
from fieldbox.dashboard.walking import walking
from fieldbox.i18n import BROUGHT, DOMAIN, add_folder, folders

BLUEPRINTS: tuple[Blueprint, ...] = (
    face,
    people,
    folk,
    keys,
    diary,
    home,
    flights,
    flown,
    fields,
    drawing,
    marking,
    walking,
    evidence,
    deciding,
    changing,
    review,
    sending,
    settings,
    start,
    trial,
    tongues,
    uploading,
    machine,
    pictures,
    api,
    manual,
    metrics,
)
LOGIN_LIMIT = "5 per minute; 15 per 15 minutes"
"""Wrong tries, see `guessing`."""


def create_app(
    store: Store,
    root: Path,
    *,
    secret_key: bytes,
    language: str = "en",
    area_unit: str = "ha",
    web: Path | None = None,
    login_limit: str = LOGIN_LIMIT,
    beyond: Beyond | None = None,
) -> Flask:
    """Build the dashboard over `store` and the data folder `root`.

    `secret_key` signs the session cookies: at least 16 bytes, kept between starts. `language` and `area_unit` are
    the box's own, for readers who chose none. `web` holds templates and static files; None finds them. `beyond` is
    what the box can do beside its store; pages leave out what it cannot.
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
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.url_map.converters["int"] = Whole
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    add_folder(root / BROUGHT)
    app.extensions[EXTENSION] = Box(store, root, language, beyond or Beyond(), area_unit)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.add_url_rule("/healthz", "health", lambda: jsonify(ok=True, version=__version__))
    _speak(app)
    measure(app)
    guard(app, login_limit)
    explain(app)
    carry(app)
    return app


class Whole(IntegerConverter):
    """Whole numbers in addresses, as far as a database and JavaScript count; larger ones lead nowhere."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:  # noqa: A002  Werkzeug's name
        super().__init__(map, *args, **{"max": LARGEST, **options})


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
        default_translation_directories=";".join(map(str, folders())),
        locale_selector=speech.choose,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        number=speech.number,
        metres=speech.metres,
        interval=speech.interval,
        when=speech.when,
        day=speech.day,
        sentence=speech.in_words,
        say=speech.say,
        area=units.area,
        unit=units.unit,
        quantity=units.quantity,
        distance=units.distance,
        square_metres=units.square_metres,
        litres=units.litres,
        size=units.size,
    )
    app.jinja_env.globals.update(
        ngettext=speech.say_many,
        words=words,
        languages=speech.languages,
        language_read=speech.is_read,
        area_units=units.known,
        area_unit=units.choose,
        area_unit_short=units.one_unit,
        locale=speech.current,
        farm=lambda: box().name,
        version=__version__,
        asset=_asset_of(app),
        navigation=navigation.entries,
        chosen_theme=theme.chosen,
        theme_choices=theme.choices,
    )


def _asset_of(app: Flask) -> Callable[[str], str]:
    @lru_cache(maxsize=256)
    def print_of(name: str) -> str:
        return hashlib.blake2b((Path(app.static_folder or "") / name).read_bytes(), digest_size=6).hexdigest()

    return lambda name: url_for("static", filename=name, v=print_of(name))
