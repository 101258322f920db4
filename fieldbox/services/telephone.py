"""Telephone numbers that somebody gives on the command line."""

from __future__ import annotations

from fieldbox.config import phone_number
from fieldbox.errors import Rejected
from fieldbox.i18n import N_


def telephone(given: str) -> str:
    """The number as settings have it, +919812345678. Raises Rejected for what is none."""
    try:
        return phone_number(given)
    except ValueError as error:
        raise Rejected(
            N_("{number} is no telephone number with its country's, like +919812345678."), number=given
        ) from error
