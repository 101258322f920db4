"""How flights stand, for lists and cards: gathered in a few queries, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import url_for

from fieldbox.dashboard import quality, timeleft
from fieldbox.dashboard.checks import checked
from fieldbox.dashboard.language import day, say
from fieldbox.dashboard.ports import FlightRowLike, box
from fieldbox.domain import FlightCheck, Survey
from fieldbox.i18n import N_

VERDICTS: Mapping[str, str] = {"good": N_("Good"), "warn": N_("Usable"), "bad": N_("Fly again")}
"""By the classes of notes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A flight in a list."""

    row: FlightRowLike
    field: str | None
    """Name of its field; None: it lies over none."""
    survey: Survey | None
    """The one that counts."""
    verdict: str | None
    """How well it was flown, as the class of a note; None: not known."""
    picture: str | None
    """Address of a small picture."""
    left: str
    """How long its work still takes, in words; empty: no telling, or it is not in work."""

    @property
    def day(self) -> str:
        """When it was flown, or came if that is not known: a heading in a list."""
        started = self.row.started_at
        if started is None:
            return say("Flown at an unknown time, came in on %(date)s", date=day(self.row.saved_at))
        return day(started)

    @property
    def came(self) -> str:
        """On which day it came to the box, where that is another one than it was flown on; empty: the same, or it is said."""
        came, started = self.row.saved_at, self.row.started_at
        return day(came) if started is not None and came.astimezone().date() != started.date() else ""

    @property
    def verdict_words(self) -> str:
        """In one or two words."""
        return say(VERDICTS[self.verdict]) if self.verdict else ""


def standings(rows: Sequence[FlightRowLike], names: Mapping[int, str]) -> list[Standing]:
    """Of these flights; `names` of the fields."""
    store, ids = box().store, [row.id for row in rows]
    surveys, checks = store.surveys_of_flights(ids), store.checks(ids)
    left = times_left() if any(is_live(row) for row in rows) else {}
    return [
        Standing(
            row,
            names.get(row.field_id) if row.field_id is not None else None,
            surveys.get(row.id),
            _verdict(surveys.get(row.id), checks.get(row.id)),
            _picture(row.id, surveys.get(row.id), checks.get(row.id)),
            left.get(row.id, ""),
        )
        for row in rows
    ]


def by_day(found: Iterable[Standing]) -> list[tuple[str, list[Standing]]]:
    """Flights in this order, under the days that they are of."""
    return [(title, list(those)) for title, those in groupby(found, lambda one: one.day)]


def is_live(row: FlightRowLike) -> bool:
    """Whether a flight is in work or waits for it."""
    return row.job is not None and row.job.state in ("waiting", "running")


def times_left() -> dict[str, str]:
    """How long the work on each flight still takes that is in work or waits for it, in words."""
    rows = box().store.flights_in_work()
    works = [(_work(row)) for row in rows]
    guesses = timeleft.queued(works, timeleft.paces(box().store.worked_lately()))
    told: dict[str, str] = {}
    for others, (row, guess) in enumerate(zip(rows, guesses, strict=True)):
        running = row.job is not None and row.job.state == "running"
        told[row.id] = timeleft.in_words(guess) if running else timeleft.in_queue(others, guess)
    return told


def _work(row: FlightRowLike) -> timeleft.Work:
    job = row.job
    if job is None:
        return timeleft.Work(row.captures)
    return timeleft.Work(row.captures, job.step, job.done, job.total, job.spent, job.worked)


def _verdict(survey: Survey | None, check: FlightCheck | None) -> str | None:
    """By the photos as they fit together, else by what they tell of themselves."""
    judgement = quality.judge(survey) if survey else None
    if judgement:
        return judgement.verdict.value
    return checked(check).verdict if check else None


def _picture(flight_id: str, survey: Survey | None, check: FlightCheck | None) -> str | None:
    if survey:
        return url_for("pictures.survey_picture", survey_id=survey.id, v=1)
    return url_for("pictures.check_picture", flight_id=flight_id) if check else None
