"""The box itself: how it does, and its settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from flask import abort
from flask_login import current_user
from msgspec import Meta

from fieldbox import __version__
from fieldbox.dashboard.api.kinds import Count, Words
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.api.reading import unfit_value
from fieldbox.dashboard.boxstate import Concern, concerns, look
from fieldbox.dashboard.deeds import box as deeds
from fieldbox.dashboard.deeds import choices
from fieldbox.dashboard.language import in_words
from fieldbox.dashboard.ports import Machine, Settings, box
from fieldbox.domain import FullIn, Reading, ServiceState, SettingNow, SettingSource, SettingValue, Vital
from fieldbox.i18n import N_

TAG = "The box"
MOST_DAYS = 31


class Known(Told):
    """What is on the box."""

    flights: Annotated[Mapping[str, int], Meta(description="By the state of their newest work.")]
    photos: Count
    surveys: Count
    fields: Count


class MachineTold(Told):
    """What the machine says of itself at this moment; null where it does not."""

    model: str | None
    cores: int
    up_s: float | None
    temperature_c: float | None
    slowed: bool | None
    weak_power: bool | None
    disk_free: Annotated[int, Meta(description="Bytes, where the data is.")]
    disk_total: int
    memory_free: int | None
    memory_total: int | None
    load: Annotated[
        float | None, Meta(description="Processes that wanted to run, mean of 5 minutes, by core.")
    ]
    clock_kept: Annotated[bool, Meta(description="Something keeps the time right.")]


class FullTold(Told):
    """When the disk is full at the pace of the last month, in days from now."""

    days: float | None
    low: float | None
    high: Annotated[float | None, Meta(description="null: it may never be.")]
    bytes_a_day: float


class ServiceTold(Told):
    """A service of the box."""

    name: str
    runs: bool
    since: datetime | None
    seen_at: Annotated[datetime | None, Meta(description="Its last sign of life.")]


class ConcernTold(Told):
    """Something about the box that somebody should know."""

    urgency: Annotated[str, Meta(description="bad (now) or warn (soon).")]
    what: Words
    todo: Words


class BoxTold(Told):
    """How the box does. `machine` and what follows it is null, or empty, where nobody looks after the box."""

    version: str
    name: Annotated[str, Meta(description="The farm's; empty: it has none.")]
    known: Known
    machine: MachineTold | None
    full_in: FullTold | None
    used: Annotated[Mapping[str, int], Meta(description="Bytes by what they are used for.")]
    services: list[ServiceTold]
    concerns: list[ConcernTold]
    checking: Annotated[bool, Meta(description="The database is being looked through.")]
    making_room: bool


class ReadingsAsked(Asked):
    """For how long."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS, description="Back from now.")] = 1


class Readings(Told):
    """Readings, every ten minutes, oldest first."""

    readings: list[Vital]


class SettingTold(Told):
    """A setting as it is, and whose word that is."""

    name: str
    value: SettingValue
    source: SettingSource
    fixed: Annotated[bool, Meta(description="The environment of the service says so: it cannot be chosen.")]


class SettingList(Told):
    """Settings that can be chosen while the box runs."""

    settings: list[SettingTold]


class SettingsChosen(Asked):
    """Settings that are to be so, by their names."""

    values: Annotated[
        dict[str, str | bool | float],
        Meta(min_length=1, max_length=100, examples=[{"sms.send": "alerts"}], description="By their names."),
    ]


@operation("GET", "/box", tag=TAG, answers=BoxTold)
def box_state() -> BoxTold:
    """How the box does, what is on it, and what of it somebody should know."""
    store, machine = box().store, box().beyond.machine
    counted = store.tally()
    found = look(store, machine) if machine else None
    return BoxTold(
        version=__version__,
        name=box().name,
        known=Known(
            flights=counted.flights, photos=counted.photos, surveys=counted.surveys, fields=counted.fields
        ),
        machine=_machine(found.reading) if found and found.reading else None,
        full_in=_full(found.full_in) if found and found.full_in else None,
        used={room.value: size for room, size in found.usage.bytes.items()} if found and found.usage else {},
        services=[_service(one) for one in found.services] if found else [],
        concerns=[_concern(one) for one in concerns(found)] if found else [],
        checking=bool(found and found.checking),
        making_room=bool(found and found.making_room),
    )


@operation("GET", "/box/readings", tag=TAG, answers=Readings, query=ReadingsAsked)
def readings(query: ReadingsAsked) -> Readings:
    """What the machine said of itself, every ten minutes."""
    since = datetime.now(UTC) - timedelta(days=query.days)
    return Readings(readings=list(box().store.vitals(since)))


@operation("POST", "/box/check", tag=TAG, status=204, problems=(404,))
def check_box() -> None:
    """Have the disk and the database looked through; `checking` of the box tells when it is done."""
    _machine_or_404()
    deeds.check_disk(current_user.name)


@operation("POST", "/box/make-room", tag=TAG, status=204, problems=(404,))
def make_room() -> None:
    """Have what may go removed; `making_room` of the box tells when it is done."""
    _machine_or_404()
    deeds.make_room(current_user.name)


@operation("GET", "/settings", tag=TAG, answers=SettingList, problems=(404,))
def settings() -> SettingList:
    """The settings that can be chosen while the box runs, each with where it comes from."""
    return SettingList(settings=[_setting(one) for one in _settings_or_404().all().values()])


@operation("PATCH", "/settings", tag=TAG, answers=SettingList, body=SettingsChosen, problems=(404, 422))
def choose_settings(body: SettingsChosen) -> SettingList:
    """Choose settings: all of them, or where one is refused none."""
    known = _settings_or_404().all()
    for name, value in body.values.items():
        if name not in known:
            unfit_value(f"values.{name}", N_("there is no such setting to choose"))
        if isinstance(value, float) and not math.isfinite(value):
            unfit_value(f"values.{name}", N_("it is a number"))
    choices.choose(current_user.name, body.values)
    return settings()


@operation("DELETE", "/settings/<name>", tag=TAG, answers=SettingList, problems=(422,))
def reset_setting(name: str) -> SettingList:
    """Take back what was chosen: the setting is again what the hub, the file or the default says."""
    if name not in _settings_or_404().all():
        abort(404)
    choices.reset(current_user.name, [name])
    return settings()


def _machine_or_404() -> Machine:
    found = box().beyond.machine
    if found is None:
        abort(404)
    return found


def _settings_or_404() -> Settings:
    found = box().beyond.settings
    if found is None:
        abort(404)
    return found


def _machine(reading: Reading) -> MachineTold:
    vital = reading.vital
    return MachineTold(
        model=reading.model,
        cores=reading.cores,
        up_s=reading.up_s,
        temperature_c=vital.temperature_c,
        slowed=vital.slowed,
        weak_power=vital.weak_power,
        disk_free=vital.disk_free,
        disk_total=vital.disk_total,
        memory_free=vital.memory_free,
        memory_total=reading.memory_total,
        load=vital.load,
        clock_kept=reading.clock_kept,
    )


def _full(found: FullIn) -> FullTold:
    days, low, high = (one if math.isfinite(one) else None for one in (found.days, found.low, found.high))
    return FullTold(days=days, low=low, high=high, bytes_a_day=found.bytes_a_day)


def _service(one: ServiceState) -> ServiceTold:
    return ServiceTold(name=one.name, runs=one.runs, since=one.since, seen_at=one.seen_at)


def _concern(one: Concern) -> ConcernTold:
    return ConcernTold(urgency=one.urgency.value, what=in_words(one.what), todo=in_words(one.todo))


def _setting(one: SettingNow) -> SettingTold:
    return SettingTold(name=one.name, value=one.value, source=one.source, fixed=one.fixed)
