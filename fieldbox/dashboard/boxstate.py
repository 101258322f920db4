"""How the box does: what was read, gathered, and what of it somebody should know. Nothing here needs a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from fieldbox.dashboard.ports import CheckedLike, FreedLike, Machine, Store
from fieldbox.domain import FullIn, Reading, ServiceState, Strain, Usage, Vital
from fieldbox.i18n import N_, Sentence

IN_FULL: Final = timedelta(days=14)
LATELY: Final = timedelta(days=1)
TOO_HOT_C: Final = 80.0
"""From here on a Raspberry Pi slows down."""
HOT_C: Final = 75.0
LITTLE_MEMORY: Final = 0.05
STARTING: Final = timedelta(minutes=2)
"""A service that does not run yet so long after the dashboard, or itself, was started or stopped, is being started."""
SOON_DAYS: Final = 7.0


class Urgency(StrEnum):
    """How soon somebody should do something."""

    NOW = "bad"
    SOON = "warn"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something about the box that somebody should know: what is the case, and what to do."""

    urgency: Urgency
    what: Sentence
    todo: Sentence
    service: str = ""
    """Whose log knows more."""


@dataclass(frozen=True, slots=True)
class BoxNow:
    """All that is known of the box at this moment."""

    now: datetime
    reading: Reading | None
    """None: the data folder is gone."""
    readings: Sequence[Vital]
    """Of the last days, oldest first."""
    full_in: FullIn | None
    usage: Usage | None
    services: Sequence[ServiceState]
    checked: CheckedLike | None
    freed: FreedLike | None
    checking: bool
    making_room: bool

    @property
    def days_read(self) -> float:
        """For how long there have been readings."""
        return (self.now - self.readings[0].at) / timedelta(days=1) if self.readings else 0.0

    @property
    def starting(self) -> Sequence[str]:
        """The services that do not run yet and have had little time to."""
        began = {one.name: one.since for one in self.services}.get("web")
        fresh = began is not None and self._is_lately(began)
        late = [one for one in self.services if not one.runs and is_wanted(one)]
        return [one.name for one in late if fresh or (one.seen_at and self._is_lately(one.seen_at))]

    def _is_lately(self, at: datetime) -> bool:
        return timedelta(0) <= self.now - at <= STARTING


def look(store: Store, machine: Machine, back: timedelta = IN_FULL) -> BoxNow:
    """How the box does, with its readings of so long."""
    now = datetime.now(UTC)
    try:
        reading: Reading | None = machine.reading()
    except OSError:
        reading = None
    return BoxNow(
        now=now,
        reading=reading,
        readings=store.vitals(now - back),
        full_in=machine.full_in(),
        usage=machine.usage(),
        services=machine.services(),
        checked=machine.checked(),
        freed=machine.freed(),
        checking=machine.is_checking(),
        making_room=machine.is_making_room(),
    )


def concerns(box: BoxNow) -> list[Concern]:
    """What somebody should know, the most urgent first; nothing: the box is well, as far as it says."""
    found = [*_disk(box), *_database(box), *_services(box)]
    if box.reading:
        found += [*_heat(box.reading), *_power(box, box.reading), *_rest(box.reading)]
    return sorted(found, key=lambda one: one.urgency is not Urgency.NOW)


def _heat(reading: Reading) -> Iterator[Concern]:
    told = reading.vital.temperature_c
    air = Sentence(
        N_("Give it air: take it out of the sun and off other machines, and see that its fan turns.")
    )
    if told is not None and told >= TOO_HOT_C:
        what = N_("It is too hot: {degrees} °C. It works slowly so as not to be damaged.")
        yield Concern(Urgency.NOW, Sentence(what, {"degrees": round(told)}), air)
    elif told is not None and told >= HOT_C:
        yield Concern(
            Urgency.SOON, Sentence(N_("It is getting hot: {degrees} °C."), {"degrees": round(told)}), air
        )
    elif reading.vital.slowed and not reading.vital.weak_power:
        yield Concern(Urgency.SOON, Sentence(N_("Its processor is slowed down just now.")), air)


def _power(box: BoxNow, reading: Reading) -> Iterator[Concern]:
    supply = Sentence(
        N_(
            "Use the power supply that is made for it (27 W: 5 V, 5 A) with its own cable; a phone charger is not enough."
        )
    )
    if reading.vital.weak_power:
        what = N_("Its power supply is too weak: it works slowly and may stop at any moment.")
        yield Concern(Urgency.NOW, Sentence(what), supply)
        return
    weak = sum(bool(one.weak_power) for one in box.readings if one.at >= box.now - LATELY)
    if weak:
        what = N_("Its power supply was too weak at {count} moments of the last day.")
        yield Concern(Urgency.SOON, Sentence(what, {"count": weak}), supply)
    elif reading.was_strained.get(Strain.WEAK_POWER):
        yield Concern(
            Urgency.SOON, Sentence(N_("Its power supply was too weak since it was switched on.")), supply
        )


def _rest(reading: Reading) -> Iterator[Concern]:
    free, total = reading.vital.memory_free, reading.memory_total
    if free is not None and total and free < LITTLE_MEMORY * total:
        yield Concern(
            Urgency.SOON,
            Sentence(N_("It has little memory left.")),
            Sentence(N_("Wait until what it is working on is done. If it stays so, switch it off and on.")),
        )
    if not reading.clock_kept:
        yield Concern(
            Urgency.SOON,
            Sentence(N_("Nothing keeps its clock right just now.")),
            Sentence(
                N_("Compare the time below with your own. A connection to the hub or the internet sets it.")
            ),
        )


def _disk(box: BoxNow) -> Iterator[Concern]:
    wait = Sentence(
        N_("Photos of the flights that were mapped longest ago make room; pin those that you want to keep.")
    )
    if box.reading is None:
        yield Concern(
            Urgency.NOW,
            Sentence(N_("The disk with its data cannot be read.")),
            Sentence(N_("Switch the box off, see that the disk is plugged in well, and switch it on again.")),
        )
    elif box.full_in and box.full_in.days <= 0:
        yield Concern(Urgency.SOON, Sentence(N_("The disk is full, but for what it keeps free.")), wait)
    elif box.full_in and box.full_in.days < SOON_DAYS:
        what = N_("The disk is full in about {days} days at this pace.")
        yield Concern(Urgency.SOON, Sentence(what, {"days": max(1, round(box.full_in.days))}), wait)


def _database(box: BoxNow) -> Iterator[Concern]:
    if box.checked and box.checked.problems:
        yield Concern(
            Urgency.NOW,
            Sentence(N_("Its database is damaged.")),
            Sentence(
                N_("Make a support file below and ask for help before anything else; leave the box as it is.")
            ),
        )


STOPPED: Final = {
    "worker": N_("The worker does not run: no flight is mapped."),
    "intake": N_("The intake does not run: no card is read and no photo comes in."),
    "sync": N_("Sending does not run: nothing leaves the farm."),
}


def is_wanted(service: ServiceState) -> bool:
    """Whether it should run: a box without a hub has no need to send, and nobody has started that there."""
    return service.seen_at is not None or service.name != "sync"


def _services(box: BoxNow) -> Iterator[Concern]:
    for one in box.services:
        if one.name in STOPPED and not one.runs and is_wanted(one) and one.name not in box.starting:
            todo = Sentence(
                N_("Switch the box off and on. If it stays so, look at its log, or ask for help.")
            )
            yield Concern(Urgency.NOW, Sentence(STOPPED[one.name]), todo, one.name)
