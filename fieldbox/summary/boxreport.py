"""How a box does (`box-v1.schema.json`), in at most 400 bytes of JSON: numbers and releases, nothing of what is on the farm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from fieldbox.domain import MessageState
from fieldbox.summary.short import clip_utf8, dump, in_utc, short

MAX_BYTES: Final = 400
MAX_FAILURE_BYTES: Final = 100
MAX_RELEASE_BYTES: Final = 24


class ClockState(StrEnum):
    """How far the box's clock can be believed."""

    SET = "set"
    """Something keeps it right, or has set it since the start."""
    UNSET = "unset"
    """It may be anything."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxState:
    """What a box knows of itself. What is not known is None."""

    app: str
    """Version of fieldbox."""
    models: tuple[str, ...]
    """Releases that its newest survey was made with."""
    up_hours: float | None
    clock: ClockState
    free_gb: float
    total_gb: float
    full_days: float | None
    """Until the disk is full, if as much comes in as did lately."""
    database_mb: float
    temperature_c: float | None
    throttled: bool | None
    """Whether the processor was slowed down since the start, by heat or a weak power supply."""
    surveys: int
    photos: int
    outbox: Mapping[MessageState, int]
    failed: int
    """Flights that could not be mapped."""
    last_failure: str | None
    """The sentence that says why, with its blanks: what would fill them may name people and places."""
    link: str | None = None
    """What is to be known of its links, such as a budget that is used up."""


def report(state: BoxState, made_at: datetime) -> str:
    """The health report: UTF-8 JSON without spaces, at most 400 bytes."""
    body: dict[str, Any] = {
        "v": 1,
        "made": in_utc(made_at),
        "app": clip_utf8(state.app, MAX_RELEASE_BYTES),
        "models": [clip_utf8(one, MAX_RELEASE_BYTES) for one in state.models[:3]],
        "up_h": _whole(state.up_hours),
        "clock": state.clock.value,
        "disk_gb": [short(round(state.free_gb, 1)), short(round(state.total_gb, 1))],
        "full_days": _whole(state.full_days),
        "db_mb": short(round(state.database_mb, 1)),
        "temp_c": None if state.temperature_c is None else short(round(state.temperature_c, 1)),
        "throttled": state.throttled,
        "surveys": state.surveys,
        "photos_total": state.photos,
        "outbox": {one.value: state.outbox.get(one, 0) for one in MessageState},
        "failed": state.failed,
    }
    if state.last_failure:
        body["last_failure"] = clip_utf8(state.last_failure, MAX_FAILURE_BYTES)
    if state.link:
        body["link"] = clip_utf8(state.link, MAX_FAILURE_BYTES)
    return _fit(body)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _fit(body: dict[str, Any]) -> str:
    """Texts give way, numbers never: there are no more of them than fit."""
    shorter = {name: value for name, value in body.items() if name != "last_failure"}
    bare = {name: value for name, value in shorter.items() if name != "link"}
    forms = (dump(one) for one in (body, shorter, bare, {**bare, "models": []}))
    return next(text for text in forms if len(text) <= MAX_BYTES).decode()
