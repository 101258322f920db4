"""What came of a simulated season, as JSON and in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fieldbox.i18n import _


@dataclass(frozen=True, slots=True)
class Sample:
    """What the outbox takes at a moment."""

    day: float
    rows: dict[str, int]
    """By state."""
    body_bytes: int
    database_bytes: int
    """The file and its log."""


@dataclass(slots=True)
class Result:
    """What came of a season."""

    days: int
    seed: int
    surveys: int = 0
    messages: dict[str, int] = field(default_factory=dict)
    """Rows of the outbox by state at the end, but for reports that were forgotten."""
    arrived: int = 0
    """Messages in the hub's table."""
    copies: int = 0
    """Messages that reached the hub once more, and are in its table once."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Messages in the hub's table by their kind."""
    frames: int = 0
    """That the hub heard."""
    handed: int = 0
    """Frames that the box handed over; the order of each was looked at."""
    first_at: float | None = None
    """Seconds after the link came when the first message was in the hub's table."""
    alerts_at: float | None = None
    """The same of the last of those alerts that waited for it."""
    backlog_at: float | None = None
    """The same of the last of all messages that waited for it."""
    tries: int = 0
    """To connect."""
    connections: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    """IP bytes by the measured costs of the real adapter (`fieldbox.sync.memorylink.Cost`)."""
    cuts: dict[str, int] = field(default_factory=dict)
    """Power cuts by what the box did just then."""
    disk: str | None = None
    """The file system that was filled; None: none, since that needs root."""
    refused_by_disk: int = 0
    """Pieces of work that a full disk put off."""
    samples: list[Sample] = field(default_factory=list)
    simulated_days: float = 0.0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    """What should not be; nothing, where all is well."""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def as_text(result: Result) -> str:
    """The result in lines."""
    lines = [*_of_messages(result), *_of_mishaps(result)]
    lines += [
        _("day {day}: rows {rows}; bodies {bodies} B; database {database} B").format(
            day=round(one.day), rows=in_words(one.rows), bodies=one.body_bytes, database=one.database_bytes
        )
        for one in result.samples
    ]
    lines += [_("WRONG: {what}").format(what=one) for one in result.wrong] or [
        _("nothing was lost, nothing arrived twice, nothing out of order")
    ]
    return "\n".join([*lines, f"{result.seconds:.0f} s"])


def _of_messages(result: Result) -> Iterator[str]:
    yield _("{days} days without a link, {all} in all, {surveys} surveys (seed {seed})").format(
        days=result.days, all=round(result.simulated_days), surveys=result.surveys, seed=result.seed
    )
    yield _("in the outbox at the end: {rows}").format(rows=in_words(result.messages))
    yield _("in the hub's table: {rows}, each once; {copies} more copies reached the hub").format(
        rows=in_words(result.kinds), copies=result.copies
    )
    yield _(
        "{tries} tries to connect, {connections} connections, {handed} frames handed over, {heard} heard, {sent} IP bytes up,"
        " {received} down"
    ).format(
        tries=result.tries,
        connections=result.connections,
        handed=result.handed,
        heard=result.frames,
        sent=result.bytes_sent,
        received=result.bytes_received,
    )
    yield _(
        "after the link came: first message {first}, last alert that waited {alerts}, all that waited {all}"
    ).format(
        first=_seconds(result.first_at), alerts=_seconds(result.alerts_at), all=_seconds(result.backlog_at)
    )


def _of_mishaps(result: Result) -> Iterator[str]:
    yield _("power cuts (SIGKILL): {count} ({when})").format(
        count=sum(result.cuts.values()), when=in_words(result.cuts)
    )
    if result.disk is None:
        yield _("full disk: not simulated, that needs root")
    else:
        yield _("full disk ({disk}): it put off {count} pieces of work").format(
            disk=result.disk, count=result.refused_by_disk
        )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def in_words(rows: Mapping[str, int]) -> str:
    """Counts by name, but for those of which there are none."""
    return ", ".join(f"{count} {name}" for name, count in rows.items() if count) or _("none")
