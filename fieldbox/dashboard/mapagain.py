"""Whether mapping a flight once more would change anything, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import FlightRowLike, JobLike, MappedLike, box
from fieldbox.errors import FieldboxError
from fieldbox.i18n import N_

RELEASE = "release"
CHANGED: Mapping[str, str] = {
    "photos": N_("Photos came to it."),
    "field": N_("It belongs to another field now."),
    "boundary": N_("The boundary of its field was drawn or changed."),
    "crop": N_("The crop of its field was named or changed."),
    "rows": N_("The direction of its crop rows was told or changed."),
    "control": N_("Control points were marked in its photos."),
    "lists": N_("A list of positions or control points came."),
    RELEASE: N_("The box has another weed model."),
}
"""What a map depends on, by the names of `storage.conditions`."""


class State(Enum):
    """How a flight stands towards being mapped once more."""

    UNPLACED = auto()
    GONE = auto()
    """Originals were removed to make room."""
    RUNNING = auto()
    WAITING = auto()
    FAILED = auto()
    NEVER = auto()
    """It was not mapped yet."""
    CHANGED = auto()
    UNKNOWN = auto()
    """It was mapped before it was kept what a map depends on."""
    SAME = auto()


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether a flight can be mapped once more, and what has changed since."""

    state: State
    changed: tuple[str, ...] = ()
    """Names of CHANGED."""

    @property
    def offered(self) -> bool:
        """Whether it can be mapped, with something to expect of it."""
        return self.state in (State.FAILED, State.NEVER, State.CHANGED, State.UNKNOWN)

    @property
    def live(self) -> bool:
        """Whether it is in work or waits for it."""
        return self.state in (State.RUNNING, State.WAITING)

    @property
    def reasons(self) -> list[str]:
        """What changed, in words."""
        return [say(CHANGED[one]) for one in self.changed if one in CHANGED]


def outlook(flight_id: str) -> Outlook | None:
    """How a flight stands; None: there is no such flight."""
    rows = box().store.flight_rows([flight_id])
    if not rows:
        return None
    live = _live(rows[0].job)
    if live:
        return Outlook(live)
    if rows[0].field_id is None:
        return Outlook(State.UNPLACED)
    kept = box().store.kept(flight_id)
    if kept and kept.gone_at:
        return Outlook(State.GONE)
    return _of_rest(rows[0])


def _of_rest(row: FlightRowLike) -> Outlook:
    """Of a flight that could be mapped and is not in work."""
    under = box().store.mapped_under(row.id)
    changed = changes(under, box().store.conditions(row.id), _release()) if under else ()
    if row.job is not None and row.job.state == "failed":
        return Outlook(State.FAILED, changed)
    if under is None and not box().store.surveys_of_flights([row.id]):
        return Outlook(State.NEVER)
    if under is None or under.conditions is None:
        return Outlook(State.UNKNOWN, changed)
    return Outlook(State.CHANGED if changed else State.SAME, changed)


def changes(under: MappedLike, now: Mapping[str, str], release: str | None) -> tuple[str, ...]:
    """Names of what differs from what a flight was mapped under; `release` None: it is not known which model would look."""
    before = under.conditions or {}
    found = [name for name in CHANGED if name in before and now.get(name, "") != before[name]]
    if release is not None and under.release_sha != release:
        found.append(RELEASE)
    return tuple(found)


def _live(job: JobLike | None) -> State | None:
    states = {"running": State.RUNNING, "waiting": State.WAITING}
    return states.get(job.state) if job else None


def _release() -> str | None:
    asked = box().beyond.release
    try:
        return asked() if asked else None
    except FieldboxError:
        return None
