"""How to begin on a box to which nothing has come yet: what it offers of the three ways."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_login import current_user

from fieldbox.dashboard.ports import box
from fieldbox.domain import Right


@dataclass(frozen=True, slots=True)
class Beginning:
    """Addresses; None: this box, or this reader, cannot."""

    upload: str | None
    test_flight: str | None


def beginning() -> Beginning:
    """What is offered to the reader."""
    beyond = box().beyond
    sends = beyond.intake is not None and current_user.may(Right.WORK)
    tries = beyond.test_flights is not None and current_user.may(Right.OWN)
    return Beginning(
        url_for("uploading.page") if sends else None,
        url_for("start.step", slug="flight") if tries else None,
    )
