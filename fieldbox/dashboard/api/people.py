"""Who may come in: people, keys of programs, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import abort, g, url_for
from flask_login import current_user
from msgspec import UNSET, Meta, UnsetType

from fieldbox.dashboard.api.kinds import LARGEST
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.deeds import keys as key_deeds
from fieldbox.dashboard.deeds import people as deeds
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import AuditLike, UserLike, box
from fieldbox.domain import LONGEST_NAME, ApiToken, AuditFilter, Right, Role

TAG = "People and keys"
PAGE = 100
Lives = Annotated[Literal[0, 30, 90, 365], Meta(description="Days after which it runs out; 0: never.")]


class Me(Told):
    """Whom the request comes from."""

    name: str
    role: Role
    scopes: Annotated[
        list[Right], Meta(description="What may be done here: of the role, what the key is for.")
    ]
    key: Annotated[str | None, Meta(description="What the key is for; null: somebody logged in.")]


class PersonTold(Told):
    """A person with an account."""

    id: int
    name: str
    role: Role
    active: Annotated[bool, Meta(description="false: shut out.")]
    has_password: Annotated[bool, Meta(description="false: a first one is not chosen yet.")]
    created_at: datetime


class PersonList(Told):
    """All people with an account."""

    people: list[PersonTold]


class PersonNew(Asked):
    """Somebody who is to be let in."""

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
    role: Role


class PersonChanged(Asked):
    """What is to be changed of a person; what is not there stays as it is."""

    role: Role | UnsetType = UNSET
    active: Annotated[
        bool | UnsetType, Meta(description="false shuts out: sessions, links and keys are void at once.")
    ] = UNSET


class PersonLink(Told):
    """A one-time link that lets somebody in. It is told once."""

    person: PersonTold
    link: str


class KeyTold(Told):
    """A key of a program. Of the key itself nothing is kept but a hash."""

    id: int
    name: Annotated[str, Meta(description="What it is for.")]
    person: Annotated[int, Meta(description="Who made it.")]
    scopes: list[Right]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Meta(description="To the hour.")]


class KeyList(Told):
    """Keys that are good."""

    keys: list[KeyTold]


class KeyNew(Asked):
    """A key that is to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=key_deeds.LONGEST_NAME, description="What it is for.")]
    scopes: Annotated[list[Right], Meta(min_length=1, max_length=len(Right))]
    days: Lives = 365


class KeyMade(KeyTold):
    """A new key."""

    key: Annotated[str, Meta(description="The key itself. It is told once.")]


class DeedTold(Told):
    """Something that was done."""

    id: int
    at: datetime
    who: str
    action: str
    detail: str


class DeedList(Told):
    """What was done, newest first."""

    deeds: list[DeedTold]
    next: Annotated[str | None, Meta(description="Address of the next page.")]


class DeedsAsked(Asked):
    """Which deeds."""

    who: Annotated[str, Meta(description="Only those of this name.")] | None = None
    action: Annotated[str, Meta(description="Only those of this kind, as `action` tells them.")] | None = None
    before: Annotated[int, Meta(ge=1, le=LARGEST, description="Only those older than this one.")] | None = (
        None
    )
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many.")] = PAGE


@operation("GET", "/me", tag=TAG, answers=Me)
def me() -> Me:
    """Ask who one is, and what one may do."""
    program: ApiToken | None = g.get("program")
    return Me(
        name=current_user.name,
        role=current_user.user.role,
        scopes=[right for right in Right if current_user.may(right)],
        key=program.name if program else None,
    )


@operation("GET", "/people", tag=TAG, answers=PersonList)
def people() -> PersonList:
    """Everybody who has an account, those who are shut out too."""
    return PersonList(people=[_person(one) for one in box().store.users()])


@operation("POST", "/people", tag=TAG, answers=PersonLink, body=PersonNew, status=201, problems=(422,))
def add_person(body: PersonNew) -> PersonLink:
    """Let somebody come in; their one-time link is good for 24 hours."""
    return _link(*deeds.add_person(current_user.name, body.name, body.role))


@operation("GET", "/people/<int:person_id>", tag=TAG, answers=PersonTold)
def person(person_id: int) -> PersonTold:
    """One person."""
    return _person(_user(person_id))


@operation(
    "PATCH", "/people/<int:person_id>", tag=TAG, answers=PersonTold, body=PersonChanged, problems=(422,)
)
def change_person(person_id: int, body: PersonChanged) -> PersonTold:
    """Give somebody another role, shut somebody out, or let somebody in again."""
    _user(person_id)
    role = None if body.role is UNSET else body.role
    active = None if body.active is UNSET else body.active
    return _person(deeds.change_person(current_user.name, person_id, role, active))


@operation("POST", "/people/<int:person_id>/link", tag=TAG, answers=PersonLink, problems=(422,))
def link_person(person_id: int) -> PersonLink:
    """Make a new one-time link for somebody who has forgotten the password."""
    _user(person_id)
    return _link(*deeds.make_link(current_user.name, person_id))


@operation("POST", "/people/<int:person_id>/end-sessions", tag=TAG, answers=PersonTold, problems=(422,))
def end_sessions(person_id: int) -> PersonTold:
    """Log somebody out wherever they are logged in."""
    _user(person_id)
    return _person(deeds.end_sessions(current_user.name, person_id))


@operation("GET", "/keys", tag=TAG, answers=KeyList)
def keys() -> KeyList:
    """One's own keys that are good; an owner's answer has those of all."""
    mine = None if current_user.may(Right.OWN) else current_user.user.id
    return KeyList(keys=[KeyTold(**_key(one)) for one in key_deeds.good(box().store.tokens(mine))])


@operation("POST", "/keys", tag=TAG, answers=KeyMade, body=KeyNew, status=201, problems=(422,))
def make_key(body: KeyNew) -> KeyMade:
    """Make a key. It can do no more than whoever makes it; a program needs the scope own for it."""
    if "program" in g and not current_user.may(Right.OWN):
        abort(403)
    maker = current_user._get_current_object()
    made, secret = key_deeds.make_key(maker, body.name, [one.value for one in set(body.scopes)], body.days)
    return KeyMade(**_key(made), key=secret.text)


@operation("DELETE", "/keys/<int:key_id>", tag=TAG, status=204, problems=(422,))
def revoke_key(key_id: int) -> None:
    """Make a key void at once. A program may do so to its own key; to others it needs the scope own."""
    if "program" in g and g.program.id != key_id and not current_user.may(Right.OWN):
        abort(403)
    key_deeds.revoke_key(current_user._get_current_object(), key_id)


@operation("GET", "/audit", tag=TAG, answers=DeedList, query=DeedsAsked)
def audit(query: DeedsAsked) -> DeedList:
    """Who did what, newest first."""
    wanted = AuditFilter(
        actors=None if query.who is None else (query.who,),
        actions=None if query.action is None else (query.action,),
        before=query.before,
    )
    some, last = page_of(box().store.audits(query.limit + 1, wanted), query.limit)
    following = (
        url_for("api.audit", who=query.who, action=query.action, limit=query.limit, before=last.id)
        if last
        else None
    )
    return DeedList(deeds=[_deed(one) for one in some], next=following)


def _user(person_id: int) -> UserLike:
    found = box().store.user(person_id)
    if found is None:
        abort(404)
    return found


def _person(one: UserLike) -> PersonTold:
    return PersonTold(
        id=one.id,
        name=one.name,
        role=one.role,
        active=one.active,
        has_password=bool(one.password_hash),
        created_at=one.created_at,
    )


def _link(user: UserLike, secret: Any) -> PersonLink:
    address = url_for("people.offer_entry", token=secret.text, _external=True)
    return PersonLink(person=_person(user), link=address)


def _key(one: ApiToken) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "person": one.user_id,
        "scopes": [right for right in Right if right in one.scopes],
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "last_used_at": one.last_used_at,
    }


def _deed(one: AuditLike) -> DeedTold:
    return DeedTold(id=one.id, at=one.at, who=one.actor, action=one.action, detail=one.detail)
