"""Who is logged in, as Flask-Login wants one."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from flask import session
from flask_login import login_user

from fieldbox.dashboard.ports import UserLike, box
from fieldbox.domain import Right

SESSION_LIFE: Final = timedelta(days=30)
"""From the log-in, however much is done meanwhile."""
BY_LINK: Final = "by_link"
"""In the session of somebody who came by a one-time link: they may have forgotten their password."""
_ID: Final = "_user_id"
"""Where Flask-Login keeps `Person.get_id`."""
_SINCE: Final = "since"
"""In each session: when it began, seconds of the epoch."""


class Person:
    """A logged-in user."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: UserLike, only: Collection[Right] = frozenset(Right)) -> None:
        """`only`: of all that this person may do, what may be done here."""
        self.user = user
        self.rights = user.role.rights & frozenset(only)

    def may(self, right: Right) -> bool:
        """Whether this person may do such things."""
        return right in self.rights

    @property
    def name(self) -> str:
        """The name to log in with."""
        return self.user.name

    @property
    def has_password(self) -> bool:
        """False until a first password is chosen."""
        return bool(self.user.password_hash)

    def get_id(self) -> str:
        """Kept in the session, which is good while this stays as it is."""
        return f"{self.user.id}:{self.user.sessions}"


def load_person(session_id: str) -> Person | None:
    """The person of a session that is not over yet."""
    user = _user_of(session_id)
    person = Person(user) if user else None
    return person if person is not None and person.get_id() == session_id else None


def session_user() -> UserLike | None:
    """Whose session this is or was: a new password, or logging out everywhere, may have ended it."""
    return _user_of(str(session.get(_ID, "")))


def is_void() -> bool:
    """Whether this is a session of somebody who is not logged in by it any more."""
    return _ID in session and load_person(str(session[_ID])) is None


def _user_of(session_id: str) -> UserLike | None:
    number = session_id.partition(":")[0]
    user = box().store.user(int(number)) if number.isdecimal() and _is_young() else None
    return user if user and user.active else None


def start_session(user: UserLike) -> None:
    """Log somebody in: nothing of the session before is left."""
    session.clear()
    session.permanent = True
    session[_SINCE] = int(time.time())
    login_user(Person(user))


def _is_young() -> bool:
    since = session.get(_SINCE)
    # A clock that was put back a little, as it is after a start, logs nobody out.
    return isinstance(since, int) and abs(time.time() - since) <= SESSION_LIFE.total_seconds()
