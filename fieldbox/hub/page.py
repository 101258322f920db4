"""The hub's page: boxes, surveys, alerts, and what was refused. It shows and changes nothing.

It has no log-in: it answers on this machine alone unless it is told otherwise, and then whoever reaches it reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, jsonify, render_template

from fieldbox.errors import FieldboxError
from fieldbox.hub.reading import Overview, Told, box_json, estimate, minute
from fieldbox.i18n import N_, translator
from fieldbox.wire.join import Hub

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


ALERTS: Final = {
    "weeds": N_("clearly more weeds"),
    "health": N_("crop health fell"),
    "spray": N_("treating pays"),
}
"""Why an alert is given; another reason is shown as it came."""
REFUSALS: Final = {
    "unknown": N_("no box of this hub"),
    "revoked": N_("the box was revoked"),
    "forged": N_("not under the box's signature"),
}
"""Why something was refused that could be read."""


def create_page(hub: Hub, look: Callable[[], Overview], *, host: str, language: str) -> Flask:
    """The page of `hub`, which listens on `host`; `look` is asked at each view."""
    folder = _folder()
    app = Flask(__name__, template_folder=str(folder), static_folder=str(folder), static_url_path="/static")
    if host in LOCAL:
        app.config["TRUSTED_HOSTS"] = list(LOCAL)  # no page of the internet reads it by another name
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    say = translator(language)
    app.jinja_env.globals.update(
        {
            "_": say,
            "estimate": estimate,
            "minute": minute,
            "reasons": partial(reasons, say),
            "refusal": partial(refusal, say),
            "waiting": waiting,
        }
    )

    @app.get("/")
    def page() -> str:
        return render_template("hub.html", hub=hub, seen=look(), language=language)

    @app.get("/boxes.json")
    def boxes() -> Response:
        return jsonify([box_json(box) for box in look().boxes])

    @app.get("/surveys.json")
    def surveys() -> Response:
        return jsonify([one.to_json() for one in look().surveys])

    @app.errorhandler(FieldboxError)
    def short_of(error: FieldboxError) -> tuple[str, int]:
        return render_template("short.html", sentence=str(error), language=language), 503

    @app.after_request
    def guard(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        return answer

    return app


def reasons(say: Callable[[str], str], body: dict[str, Any]) -> str:
    """Why an alert was given."""
    told = body.get("why")
    return (
        ", ".join(say(ALERTS[one]) if one in ALERTS else str(one) for one in told)
        if isinstance(told, list)
        else "–"
    )


def refusal(say: Callable[[str], str], why: str) -> str:
    """Why something was refused."""
    return say(REFUSALS[why]) if why in REFUSALS else say(N_("cannot be read ({why})")).format(why=why)


def waiting(report: Told | None) -> str:
    """How many messages waited on a box when it last told how it does."""
    counts = report.body.get("outbox") if report else None
    return str(counts.get("waiting", "–")) if isinstance(counts, dict) else "–"


def _folder() -> Path:
    package = Path(__file__).parents[1]
    installed = package / "web" / "hub"
    return installed if installed.is_dir() else package.parent / "web" / "hub"
