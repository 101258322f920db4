"""How much somebody may send, told by the head of their request: before its body is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, request
from flask_login import current_user

from fieldbox.dashboard.guard import LARGEST, LARGEST_FORM
from fieldbox.dashboard.rights import OPEN, RIGHTS
from fieldbox.domain import Right
from fieldbox.errors import FieldboxError


def largest_body(app: Flask) -> Callable[[Mapping[str, Any]], int]:
    """What tells, for the head of a request as a WSGI environment, how many bytes may follow.

    That is what the page takes, for those who may use it, and LARGEST_FORM for everybody else. The pages decide again.
    """

    def largest(head: Mapping[str, Any]) -> int:
        with app.request_context(dict(head)):
            wanted = LARGEST.get(str(request.endpoint), LARGEST_FORM)
            return wanted if wanted <= LARGEST_FORM or _may() else LARGEST_FORM

    return largest


def _may() -> bool:
    wanted = RIGHTS.get(str(request.endpoint), Right.READ)
    try:
        return wanted is OPEN or bool(current_user.is_authenticated and current_user.may(wanted))
    except FieldboxError:  # the database is busy: the page says so
        return False
