"""Forms that come twice: of a second tap, or of a browser that sends again what was not answered in time.

The answer to the first is lost then, with the cookie that was in it: what the first one made void, the second one would miss.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from flask import request, session

from fieldbox.dashboard.guessing import Tries
from fieldbox.dashboard.passwords import matches
from fieldbox.dashboard.person import session_user
from fieldbox.dashboard.ports import UserLike, box

WITHIN_S: Final = 120.0
"""A link that a browser has used lets that same browser in so long."""
MOST: Final = 64
_CSRF: Final = "csrf_token"
"""In the session: known to the browser that the form was made for, and to nobody else."""


@dataclass(frozen=True, slots=True)
class _Use:
    browser: str
    user_id: int
    sessions: int
    at: float


class Links:
    """Uses one-time links up, in memory of which browser has just used which. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def use(self, token_hash: str) -> UserLike | None:
        """Whom a link lets in; None: it is unknown, too old, or used by another browser, or before a new password."""
        with self._lock:
            user_id = box().store.use_login_token(token_hash, datetime.now(UTC))
            user = box().store.user(user_id) if user_id is not None else self._again(token_hash)
            if user is None or not user.active:
                return None
            if user_id is not None and session.get(_CSRF):
                self._uses[token_hash] = _Use(session[_CSRF], user.id, user.sessions, self._clock())
                if len(self._uses) > MOST:
                    self._uses.popitem(last=False)
        return user

    def _again(self, token_hash: str) -> UserLike | None:
        use = self._uses.get(token_hash)
        if use is None or use.browser != session.get(_CSRF) or self._clock() - use.at > WITHIN_S:
            return None
        user = box().store.user(use.user_id)
        return user if user is not None and user.sessions == use.sessions else None


def who_has_just_set(tries: Tries) -> UserLike | None:
    """Whose session a new password has just ended, if the form gives that very password: as good as at the log-in."""
    user, new = session_user(), request.form.get("new", "")
    if user is None or not user.password_hash or new != request.form.get("again"):
        return None
    with tries.one([("own", user.id)]) as tried:
        tried.right = matches(user.password_hash, new)
    return user if tried.right else None
