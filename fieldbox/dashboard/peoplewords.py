"""People, what they may do, and what they did, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fieldbox.dashboard.language import say
from fieldbox.domain import Right, Role
from fieldbox.i18n import N_

ROLES: Final = (Role.VIEWER, Role.AGRONOMIST, Role.OPERATOR, Role.OWNER)
"""Each may do all that those before it may, and something more."""
_ROLES: Final[Mapping[Role, str]] = {
    Role.OWNER: N_("Owner"),
    Role.OPERATOR: N_("Pilot or worker"),
    Role.AGRONOMIST: N_("Agronomist"),
    Role.VIEWER: N_("Reader"),
}
_RIGHTS: Final[Mapping[Right, str]] = {
    Right.READ: N_("See everything: fields, maps, photos, flights, what was sent"),
    Right.JUDGE: N_("Say what is right and wrong: look through plants, judge a survey"),
    Right.WORK: N_("Bring photos, draw fields, plan spraying, map flights again, send now"),
    Right.OWN: N_("Decide what leaves the farm, who may come in, and what is deleted"),
}
_SCOPES: Final[Mapping[Right, str]] = {
    Right.READ: N_("see"),
    Right.JUDGE: N_("judge"),
    Right.WORK: N_("work"),
    Right.OWN: N_("decide"),
}
_TERMINAL: Final = frozenset({"cli", "command line"})
_BY_ITSELF: Final = "fieldbox"
ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "logged in": ("people", N_("Logged in")),
    "came by a link": ("people", N_("Came in by a one-time link")),
    "person added": ("people", N_("Added somebody")),
    "role changed": ("people", N_("Changed a role")),
    "person shut out": ("people", N_("Shut somebody out")),
    "person let in": ("people", N_("Let somebody in again")),
    "set up": ("people", N_("Set up the box")),
    "setup code": ("people", N_("Made a setup code")),
    "login link": ("people", N_("Made a one-time link")),
    "sessions ended": ("people", N_("Logged somebody out everywhere")),
    "password changed": ("people", N_("Set their own password")),
    "key made": ("keys", N_("Made a key for a program")),
    "key revoked": ("keys", N_("Revoked a key")),
    "field renamed": ("fields", N_("Renamed a field")),
    "crop named": ("fields", N_("Said what grows on a field")),
    "boundary drawn": ("fields", N_("Drew the outline of a field")),
    "boundary follows the photos": ("fields", N_("Let an outline follow the photos")),
    "rows told": ("fields", N_("Said in which direction rows run")),
    "control point added": ("fields", N_("Added a control point")),
    "control point deleted": ("fields", N_("Deleted a control point")),
    "control point marked": ("fields", N_("Marked a control point on a photo")),
    "control point mark taken back": ("fields", N_("Took back a mark on a photo")),
    "control points handed over": ("fields", N_("Handed control points over")),
    "spraying": ("fields", N_("Changed how a field is sprayed")),
    "flight pinned": ("flights", N_("Kept the photos of a flight")),
    "flight unpinned": ("flights", N_("Let the photos of a flight go when room is needed")),
    "flight mapped again": ("flights", N_("Had a flight mapped again")),
    "flight looked at anew": ("flights", N_("Had every photo of a flight looked at anew")),
    "flight stopped": ("flights", N_("Stopped the work on a flight")),
    "flight deleted": ("flights", N_("Deleted a flight")),
    "test flight": ("flights", N_("Asked for a test flight")),
    "survey called right": ("flights", N_("Said that a survey is right")),
    "survey called wrong": ("flights", N_("Said that a survey is wrong")),
    "photos removed": ("box", N_("Removed the photos of a flight to make room")),
    "refused files removed": ("box", N_("Removed files that were refused, to make room")),
    "room made": ("box", N_("Had room made")),
    "disk checked": ("box", N_("Had the disk checked")),
    "setting chosen": ("box", N_("Chose a setting")),
    "setting taken back": ("box", N_("Took back a setting")),
    "setting of the hub taken back": ("box", N_("Took back a setting of the hub")),
    "hub joined": ("box", N_("Joined a hub")),
    "hub left": ("box", N_("Left the hub")),
    "came by the setup code": ("people", N_("Came in with the setup code")),
    "test text": ("box", N_("Sent a test text")),
    "send now": ("sending", N_("Had the box send at once")),
    "messages packed": ("sending", N_("Took messages away in a file")),
    "hub file taken in": ("sending", N_("Brought a file of the hub")),
    "support file made": ("box", N_("Made a file for support")),
    "language added": ("box", N_("Added a language")),
    "language read": ("box", N_("Noted who has read a language")),
}
"""What is written down of who did what: its kind, and the words for it."""
KINDS: Final[Mapping[str, str]] = {
    "people": N_("People and passwords"),
    "keys": N_("Keys of programs"),
    "fields": N_("Fields"),
    "flights": N_("Flights"),
    "sending": N_("Sending"),
    "box": N_("The box and its settings"),
    "other": N_("Other"),
}


def role(one: Role) -> str:
    """What such a person is called."""
    return say(_ROLES[one])


def right(one: Right) -> str:
    """What such a right lets one do."""
    return say(_RIGHTS[one])


def scope(one: Right) -> str:
    """A right in a word."""
    return say(_SCOPES[one])


def may(one: Role) -> str:
    """What such a person may do, beside all that those before may."""
    place = ROLES.index(one)
    before = ROLES[place - 1].rights if place else frozenset()
    more = ". ".join(right(each) for each in Right if each in one.rights - before) + "."
    return say("All of the above. %(more)s", more=more) if place else more


def actor(name: str) -> str:
    """Who did something: a person's name stays as it is."""
    if name == _BY_ITSELF:
        return say("The box by itself")
    return say("Somebody at the box") if name in _TERMINAL else name


def action(name: str) -> str:
    """What was done; what there are no words for stays as it is."""
    return say(ACTIONS[name][1]) if name in ACTIONS else name


def actions_of(kind: str) -> frozenset[str]:
    """All that is of this kind; of "other": all that is of one."""
    return frozenset(name for name, (its, _words) in ACTIONS.items() if kind in (its, "other"))
