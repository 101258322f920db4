"""The hub that the box belongs to, a text as a test, and the test flight."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Response, abort
from flask_login import current_user
from msgspec import Meta

from fieldbox.dashboard.api.kinds import Count, Words
from fieldbox.dashboard.api.machine import TAG
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.deeds import hub as deeds
from fieldbox.dashboard.deeds import sending, starting
from fieldbox.dashboard.language import in_words
from fieldbox.dashboard.ports import TestFlights, box
from fieldbox.domain import HubNow
from fieldbox.domain.starting import Flying

HUB = "The hub"
REQUEST = "application/octet-stream"
_Welcome = Annotated[
    str, Meta(min_length=1, max_length=60_000, description="The text of the file that came from the hub.")
]


class HubTold(Told):
    """A hub that the box has joined, or may join."""

    box: Annotated[str, Meta(description="The id of the box.")]
    hub: Annotated[str, Meta(description="The id of the hub.")]
    host: str
    port: int
    fingerprint: Annotated[str, Meta(description="Compare it with what whoever keeps the hub reads out.")]
    expires_at: Annotated[
        datetime | None, Meta(description="When the certificate of the box ends; null: it has none yet.")
    ]


class HubAnswer(Told):
    """The hub of the box."""

    hub: Annotated[HubTold | None, Meta(description="null: it has joined none.")]


class WelcomeGiven(Asked):
    """The file with which a hub welcomes a box."""

    welcome: _Welcome


class HubJoined(Asked):
    """The hub that is to be joined."""

    welcome: _Welcome
    fingerprint: Annotated[
        str, Meta(max_length=200, description="As it was compared; another one is refused.")
    ]


class TextWanted(Asked):
    """Whom to text."""

    number: Annotated[str, Meta(min_length=1, max_length=40, description="One of those that are texted.")]


class TextMade(Told):
    """A text that waits to go."""

    text: str
    parts: Annotated[Count, Meta(description="In how many parts it goes.")]


class TestFlightTold(Told):
    """A simulated flight that somebody asked for."""

    state: Flying
    at: Annotated[datetime, Meta(description="When it came into this state, or went on in it.")]
    done: Count
    total: Annotated[Count, Meta(description="Photos; 0: not known yet.")]
    flight: Annotated[str | None, Meta(description="Its id, once it is a flight like any other.")]
    reason: Annotated[Words | None, Meta(description="Why it failed.")]


class TestFlightAnswer(Told):
    """The test flight of the box."""

    test_flight: Annotated[TestFlightTold | None, Meta(description="null: none was asked for.")]


@operation("GET", "/hub", tag=HUB, answers=HubAnswer, problems=(404,))
def hub() -> HubAnswer:
    """The hub that the box belongs to."""
    _require_hub_desk()
    found = deeds.desk().now()
    return HubAnswer(hub=_hub(found) if found else None)


@operation("GET", "/hub/request", tag=HUB, media=REQUEST, problems=(404,))
def hub_request() -> Response:
    """The file with which a hub is asked to welcome the box."""
    _require_hub_desk()
    name, text = deeds.desk().request()
    named = {"Content-Disposition": f"attachment; filename={name}.request"}
    return Response(text, mimetype=REQUEST, headers=named)


@operation("POST", "/hub/read", tag=HUB, answers=HubTold, body=WelcomeGiven, problems=(404, 422))
def read_welcome(body: WelcomeGiven) -> HubTold:
    """Read the file that came from a hub. Nothing is changed: compare its fingerprint first."""
    _require_hub_desk()
    return _hub(deeds.desk().read(body.welcome))


@operation("PUT", "/hub", tag=HUB, answers=HubTold, body=HubJoined, problems=(404, 422))
def join_hub(body: HubJoined) -> HubTold:
    """Join a hub by its file and the fingerprint that was compared."""
    _require_hub_desk()
    return _hub(deeds.join_compared(current_user.name, body.welcome, body.fingerprint))


@operation("DELETE", "/hub", tag=HUB, status=204, problems=(404,))
def leave_hub() -> None:
    """Forget the hub. What waits to be sent stays on the box."""
    _require_hub_desk()
    deeds.leave(current_user.name)


@operation(
    "POST",
    "/settings/test-text",
    tag=TAG,
    answers=TextMade,
    body=TextWanted,
    status=202,
    problems=(404, 422),
)
def send_test_text(body: TextWanted) -> TextMade:
    """Let a text go that says that it is a test, as soon as the modem is there."""
    if box().beyond.examples is None:
        abort(404)
    text = sending.try_text(current_user.name, body.number)
    return TextMade(text=text.body, parts=text.parts)


@operation("GET", "/test-flight", tag=TAG, answers=TestFlightAnswer, problems=(404,))
def test_flight() -> TestFlightAnswer:
    """The simulated flight that was asked for last, and how far it is."""
    found = _flights_or_404().now()
    if found is None:
        return TestFlightAnswer(test_flight=None)
    told = TestFlightTold(
        state=found.state,
        at=found.at,
        done=found.done,
        total=found.total,
        flight=found.flight_id,
        reason=in_words(found.reason) if found.reason else None,
    )
    return TestFlightAnswer(test_flight=told)


@operation("POST", "/test-flight", tag=TAG, answers=TestFlightAnswer, status=202, problems=(404, 422))
def make_test_flight() -> TestFlightAnswer:
    """Ask for a simulated flight, so that everything has something to show."""
    _flights_or_404()
    starting.test_flight(current_user.name)
    return test_flight()


@operation("DELETE", "/test-flight", tag=TAG, status=204, problems=(404, 422))
def forget_test_flight() -> None:
    """Delete the simulated flight, and its field unless somebody uses it."""
    _flights_or_404()
    starting.forget_flight(current_user.name)


def _require_hub_desk() -> None:
    if box().beyond.hub is None:
        abort(404)


def _flights_or_404() -> TestFlights:
    found = box().beyond.test_flights
    if found is None:
        abort(404)
    return found


def _hub(one: HubNow) -> HubTold:
    return HubTold(
        box=one.box,
        hub=one.hub,
        host=one.host,
        port=one.port,
        fingerprint=one.fingerprint,
        expires_at=one.expires_at,
    )
