"""Who may come in: log-in or a key, rights, CSRF tokens, a limit on guessing, headers that browsers hold us to."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadSignature
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as AnyResponse

from fieldbox.dashboard.api.uploads import CHUNK_ENDPOINT, LARGEST_CHUNK, LARGEST_OFFER, OFFER_ENDPOINT
from fieldbox.dashboard.byfile import LARGEST as LARGEST_LANGUAGE
from fieldbox.dashboard.carrying import lasts
from fieldbox.dashboard.deeds.sending import LARGEST as LARGEST_CARRIED
from fieldbox.dashboard.deeds.starting import is_new
from fieldbox.dashboard.guessing import Limit, Tries, count_log_ins, limits_of
from fieldbox.dashboard.hosts import answers_to, names_of
from fieldbox.dashboard.language import say
from fieldbox.dashboard.metrics import ENDPOINT as METRICS
from fieldbox.dashboard.metrics import is_open
from fieldbox.dashboard.outlines import LARGEST as LARGEST_OUTLINE
from fieldbox.dashboard.people import LINKS, TRIES, password_set_twice
from fieldbox.dashboard.person import Person, is_void, load_person
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.problems import is_for_a_program, problem, takes_keys
from fieldbox.dashboard.rights import OPEN, RIGHTS, hold_together
from fieldbox.dashboard.twice import Links
from fieldbox.domain import KEY_PREFIX, Right
from fieldbox.i18n import N_

LARGEST_FORM: Final = 64 * 1024
LARGEST: Final = {
    CHUNK_ENDPOINT: LARGEST_CHUNK,
    OFFER_ENDPOINT: LARGEST_OFFER,
    "sending.unpack": LARGEST_CARRIED + LARGEST_FORM,
    "api.unpack_messages": LARGEST_CARRIED,
    "tongues.add": LARGEST_LANGUAGE + LARGEST_FORM,
    "drawing.keep_boundary": LARGEST_OUTLINE + LARGEST_FORM,
    "deciding.keep_off": LARGEST_OUTLINE + LARGEST_FORM,
    "settings.hub_welcome": 2 * LARGEST_FORM,
    "start.hub_welcome": 2 * LARGEST_FORM,
    "api.draw_boundary": LARGEST_OUTLINE,
    "api.add_language": LARGEST_LANGUAGE,
    "api.read_welcome": 2 * LARGEST_FORM,
    "api.join_hub": 2 * LARGEST_FORM,
}
"""What may be sent to an endpoint, bytes; LARGEST_FORM to all others."""
UNTIL_PASSWORD: Final = ("people.choose_password", "people.change_password", "people.leave")
"""All that somebody may do who has come by a link and has not chosen a password yet."""
PACES: Final = "fieldbox.paces"
KEY_LIMIT: Final = "600 per minute"
"""Requests with one key."""
PICTURES: Final = 10
"""Times as many tiles and pictures: a map program asks for dozens at once."""
LOGIN_NEEDED: Final = N_("Log in first, or send a key of this box that is valid.")
BEARER_NEEDED: Final = N_(
    "A key as the password of a basic log-in only reads: send it as a bearer to change something."
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class OwnSession(SecureCookieSessionInterface):
    """Cookies that go over TLS alone where the page came over TLS, and over the farm's plain Wi-Fi where it did not."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether this answer's cookie is for TLS alone."""
        return request.is_secure or super().get_cookie_secure(app)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a cookie that we signed. Its age is not asked for here, which a clock that was put back by a second
        would make less than nothing: how long somebody is logged in is counted in the session itself."""
        signer = self.get_signing_serializer(app)
        try:
            return self.session_class(
                signer.loads(request.cookies.get(self.get_cookie_name(app), "")) if signer else {}
            )
        except BadSignature:
            return self.session_class()

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether this answer's cookie is for the browser: one of a session that ended while the answer was made would, by
        coming late, put the one before in the place of the new one."""
        return super().should_set_cookie(app, session) and not is_void()


def guard(app: Flask, login_limit: str) -> None:
    """Put all of it before the routes of `app`, which must be there already."""
    hold_together(rule.endpoint for rule in app.url_map.iter_rules())
    app.before_request(lambda: None if answers_to(request.host, names_of(app)) else _misdirected())
    app.session_interface = OwnSession()
    app.before_request(_limit_size)
    login = LoginManager(app)
    # It only notes in the cookie that the browser's address or name changed, which nothing here asks for: no more cookies
    # than must be, since of two answers the later one counts.
    login.session_protection = None
    login.user_loader(load_person)
    login.request_loader(load_program)
    app.before_request(_need_right)
    app.before_request(_keep_pace)
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf = CSRFProtect(app)

    @app.before_request
    def need_token() -> AnyResponse | None:
        # After the log-in: a page whose session is over is told that.
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return None
        if "program" in g:
            return _need_bearer()
        if app.config["WTF_CSRF_ENABLED"]:
            csrf.protect()
        return None

    app.extensions[TRIES] = count_log_ins(login_limit)
    app.extensions[LINKS] = Links()
    pace(app, KEY_LIMIT)
    app.after_request(_secure)


def pace(app: Flask, key_limit: str) -> None:
    """Let each key ask so often, and ten times as often for tiles and pictures."""
    limits = limits_of(key_limit)
    more = [Limit(PICTURES * one.many, one.seconds) for one in limits]
    app.extensions[PACES] = {False: Tries(limits), True: Tries(more)}


def load_program(asked: Request) -> Person | None:
    """The program whose key is in the request: as a bearer, or as the password of HTTP's basic log-in (QGIS can do that).

    It is the person who made the key, with the key's scopes and no more than that person may do.
    """
    key = _key_of(asked)
    if key is None or not takes_keys():
        return None
    store = box().store
    token = store.use_token(hashlib.sha256(key.encode()).hexdigest())
    user = store.user(token.user_id) if token else None
    if token is None or user is None or not user.active:
        return None
    g.program = token
    return Person(user, only=token.scopes)


def _key_of(asked: Request) -> str | None:
    told = asked.authorization
    if told is None:
        return None
    key = told.token if told.type == "bearer" else told.password if told.type == "basic" else None
    return key if key and key.startswith(KEY_PREFIX) else None


def _need_bearer() -> AnyResponse | None:
    """A bearer's key is sent by no browser on its own; one that it remembers of a basic log-in is, for any web site."""
    told = request.authorization
    return None if told is not None and told.type == "bearer" else problem(say(BEARER_NEEDED), 403)


def _misdirected() -> AnyResponse:
    # Plain text without a word of the box: whoever is meant to read it knows what was typed.
    text = say(
        "This box does not answer to that name. Open it by its address, or set web.names in its settings."
    )
    return Response(text + "\n", 421, content_type="text/plain; charset=utf-8")


def _limit_size() -> None:
    # Before anything looks at what was sent: the limit counts from then on.
    request.max_content_length = LARGEST.get(str(request.endpoint), LARGEST_FORM)


def _need_right() -> AnyResponse | None:
    wanted = RIGHTS.get(
        str(request.endpoint), Right.READ
    )  # a page that there is not: 404 for those who are in
    if wanted is OPEN or _is_open_figures():
        return None
    if not current_user.is_authenticated:
        twice = password_set_twice() if request.endpoint == "people.change_password" else None
        return twice or _come_in()
    if not current_user.has_password and not _may_without_password():
        return _first_the_password()
    if not current_user.may(wanted):
        abort(403)
    return None


def _may_without_password() -> bool:
    """Whether this is for somebody who has no password yet: of a new box, also to set it up."""
    return request.endpoint in UNTIL_PASSWORD or (request.blueprint in ("start", "trial") and is_new())


def _keep_pace() -> None:
    """Let a key ask so often and no more. Raises TooManyRequests."""
    if "program" in g:
        with current_app.extensions[PACES][request.blueprint == "pictures"].one([("key", g.program.id)]):
            pass


def _is_open_figures() -> bool:
    """Whether the box itself asks for its figures, which is let to. A proxy beside the box speaks for others: not that."""
    told = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For"))
    here = request.remote_addr or ""
    return (
        request.endpoint == METRICS
        and is_open(current_app)
        and not told
        and (here == "::1" or here.startswith("127."))
    )


def _first_the_password() -> AnyResponse:
    if is_for_a_program():
        return problem(say("Choose a password first."), 403)
    return redirect(url_for("start.show" if is_new() else "people.choose_password"))


def _come_in() -> AnyResponse:
    if is_for_a_program():
        answer = problem(say(LOGIN_NEEDED), 401)
        # Basic is offered to programs alone: a browser would open a window of its own. All of them, and QGIS, call themselves
        # Mozilla; QGIS sends what it has without being asked. Over plain HTTP nothing else tells a browser.
        ways = ("Bearer",) if "Mozilla/" in request.headers.get("User-Agent", "") else ("Basic", "Bearer")
        answer.headers["WWW-Authenticate"] = ", ".join(f'{way} realm="fieldbox"' for way in ways)
        return answer
    if is_new():
        return redirect(url_for("start.show"))
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("people.sign_in", next=back))


def _secure(answer: Response) -> Response:
    answer.headers.update(SECURITY_HEADERS)
    if lasts(answer):
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif "Cache-Control" not in answer.headers:
        answer.headers["Cache-Control"] = "no-store"
    if "program" in g:
        answer.headers.pop("Set-Cookie", None)
    return answer
