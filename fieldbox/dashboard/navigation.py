"""The pages that every page leads to: those that this box has, and that the reader may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask import current_app, request, url_for
from flask_login import current_user

from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.rights import RIGHTS
from fieldbox.i18n import N_


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the dashboard: its first page, its icon in `icons.svg`, its name, and what else belongs to it."""

    endpoint: str
    icon: str
    name: str
    """A message id."""
    blueprints: frozenset[str]
    """Whose pages are all in this part."""
    beyond: str = ""
    """What of `ports.Beyond` it takes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A place as the reader sees it. `current` is what `aria-current` says: page, true (a page within it) or nothing."""

    url: str
    icon: str
    name: str
    current: str


PLACES: Final = (
    Place(
        "home.show",
        "home",
        N_("Home"),
        frozenset({"home", "fields", "evidence", "deciding", "changing", "drawing"}),
    ),
    Place("flights.all", "flights", N_("Flights"), frozenset({"flights", "flown", "uploading"})),
    Place("review.queue", "review", N_("Review"), frozenset({"review"})),
    Place("sending.outbox", "sending", N_("Sending"), frozenset({"sending"})),
    Place("machine.show", "box", N_("Box"), frozenset({"machine"}), beyond="machine"),
    Place(
        "people.settings",
        "settings",
        N_("Settings"),
        frozenset({"people", "folk", "keys", "diary", "tongues", "settings", "start", "trial"}),
    ),
)
"""In the order in which they are shown."""


def entries() -> list[Entry]:
    """What the navigation of this page shows its reader; nothing to those who are not logged in."""
    return list(_entries()) if current_user.is_authenticated else []


def _entries() -> Iterator[Entry]:
    for place in PLACES:
        if _is_there(place):
            yield Entry(url_for(place.endpoint), place.icon, say(place.name), _current(place))


def _is_there(place: Place) -> bool:
    right = RIGHTS.get(place.endpoint)
    has = not place.beyond or getattr(box().beyond, place.beyond) is not None
    return place.endpoint in current_app.view_functions and has and (right is None or current_user.may(right))


def _current(place: Place) -> str:
    if request.endpoint == place.endpoint and not request.args:
        return "page"
    return "true" if request.blueprint in place.blueprints else ""
