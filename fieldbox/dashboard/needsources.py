"""Where the needs of the home page come from: each source looks at what was gathered once for the page, and says what of it
needs somebody. Another kind of need is a line in SOURCES."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import current_app, url_for
from flask_login import current_user

from fieldbox.dashboard import needs, words
from fieldbox.dashboard.asking import SITTING
from fieldbox.dashboard.boxstate import Concern
from fieldbox.dashboard.needs import Need
from fieldbox.dashboard.ports import BriefLike, FlightRowLike
from fieldbox.dashboard.rights import RIGHTS
from fieldbox.domain import FlightCheck, LinkState, Right

FIELDS_TOLD = 8
"""Fields with spots to look at whose weeds did not grow for certain."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the home page looked at."""

    now: datetime
    names: Mapping[int, str]
    """Of the fields."""
    briefs: Mapping[int, Sequence[BriefLike]]
    """Of each field its last dates, the newest first."""
    stopped: Sequence[FlightRowLike]
    recent: Sequence[FlightRowLike]
    """Flights that came last."""
    checks: Mapping[str, FlightCheck]
    unmarked: Collection[str]
    """Flights without marks of their field's control points."""
    concerns: Sequence[Concern]
    starting: bool
    """Not all of the box runs yet, and it has had little time to."""
    unchecked: int
    """Plants to check, counted up to a good round."""
    link: LinkState | None
    waiting: int
    """Messages."""
    waits_since: datetime | None
    set_up_left: int
    """Steps of a set-up that was begun."""
    hub_changed: datetime | None


Source = Callable[[Looked], Iterable[Need | None]]


def _stopped(looked: Looked) -> Iterable[Need]:
    return [
        needs.not_mapped(one, words.job_reason(one.job) or words.job_state(one.job)) for one in looked.stopped
    ]


def _fly_again(looked: Looked) -> Iterable[Need | None]:
    fresh = (one for one in looked.recent if _is_fresh(looked, one.saved_at))
    return [
        needs.fly_again(one, _field(looked, one), looked.checks[one.id].findings)
        for one in fresh
        if one.id in looked.checks
    ]


def _without_place(looked: Looked) -> Iterable[Need | None]:
    fresh = [one for one in looked.recent if _is_fresh(looked, one.saved_at)]
    return [*map(needs.nowhere, fresh), needs.without_place(fresh)]


def _control(looked: Looked) -> Iterable[Need]:
    return [
        needs.control_points(one, field)
        for one in looked.recent
        if one.id in looked.unmarked and (field := _field(looked, one))
    ]


def _weeds(looked: Looked) -> Iterable[Need | None]:
    """Fields whose weeds grew, and of the others those flown last: a box may have hundreds, and all are on the page."""
    fresh = [
        (field_id, dates[0], dates[1] if len(dates) > 1 else None)
        for field_id, dates in looked.briefs.items()
        if field_id in looked.names and dates[0].spots and _is_fresh(looked, dates[0].made_at)
    ]
    grown = [one for one in fresh if needs.trend(one[1], one[2]) is needs.Trend.UP]
    others = sorted((one for one in fresh if one not in grown), key=lambda one: one[1].made_at, reverse=True)
    return [_of_weeds(looked, *one) for one in (*grown, *others[:FIELDS_TOLD])]


def _of_weeds(looked: Looked, field_id: int, now: BriefLike, before: BriefLike | None) -> Need | None:
    url = url_for("fields.show", field_id=field_id, survey=now.id)
    return needs.weeds(looked.names[field_id], now, before, url)


def _box(looked: Looked) -> Iterable[Need | None]:
    url = there("machine.show")
    service = looked.concerns[0].service if len(looked.concerns) == 1 else ""
    log = there("machine.log", service=service) if service else None
    return [needs.of_the_box(looked.concerns, url, log)] if url else []


def _link(looked: Looked) -> Iterable[Need | None]:
    url = url_for("sending.outbox")
    return [
        *needs.link_notes(looked.link, url),
        needs.messages_wait(looked.waiting, looked.waits_since, looked.now, url),
    ]


def _review(looked: Looked) -> Iterable[Need | None]:
    url = there("review.queue")
    if url is None or not current_user.may(Right.JUDGE):
        return []
    return [needs.review(looked.unchecked, SITTING, url)]


def _set_up(looked: Looked) -> Iterable[Need | None]:
    return [needs.set_up(looked.set_up_left, url_for("start.show"))]


def _hub(looked: Looked) -> Iterable[Need | None]:
    url = there("people.settings")
    return [needs.hub_changed(looked.hub_changed, looked.now, url)] if url else []


SOURCES: Final[tuple[Source, ...]] = (
    _set_up,
    _stopped,
    _fly_again,
    _control,
    _weeds,
    _box,
    _link,
    _without_place,
    _review,
    _hub,
)
"""In the order in which equally urgent ones stand: what happens on the field before what the box wants for itself."""


def needs_of(looked: Looked, sources: Sequence[Source] = SOURCES) -> list[Need]:
    """All that needs somebody, the most urgent first."""
    return needs.in_order(one for source in sources for one in source(looked) if one)


def there(endpoint: str, **values: Any) -> str | None:
    """The address of a page, if this box has it and the reader may see it."""
    right = RIGHTS.get(endpoint)
    if endpoint not in current_app.view_functions or (right is not None and not current_user.may(right)):
        return None
    return url_for(endpoint, **values)


def _is_fresh(looked: Looked, at: datetime) -> bool:
    """A clock that was ahead and was put right makes nothing old."""
    return looked.now - at <= needs.FRESH


def _field(looked: Looked, one: FlightRowLike) -> str | None:
    return looked.names.get(one.field_id) if one.field_id is not None else None
