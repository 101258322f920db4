"""The log in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from babel.dates import format_datetime

from fieldbox.dashboard.boxwords import SERVICES
from fieldbox.dashboard.language import current, say
from fieldbox.domain import LogLine
from fieldbox.i18n import N_

LEVELS: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "all": (N_("Everything"), ("info", "warning", "error", "critical")),
    "warnings": (N_("Warnings and errors"), ("warning", "error", "critical")),
    "errors": (N_("Errors"), ("error", "critical")),
}
"""What may be chosen: its words, and the levels that it shows."""
_LEVEL: Final[Mapping[str, str]] = {"warning": N_("Warning"), "error": N_("Error"), "critical": N_("Error")}


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as it is shown."""

    when: str
    """By the box's clock and zone, to the second."""
    service: str
    level: str
    """Empty for what is neither a warning nor an error."""
    urgency: str
    """The class of its note: warn, bad or none."""
    text: str
    told: list[tuple[str, str]]
    trace: str
    """Where in the program a fault was."""


def shown(line: LogLine) -> Shown:
    """A line in words."""
    told = [(name, _text(value)) for name, value in line.told.items() if name != "trace"]
    return Shown(
        when=str(format_datetime(line.at.astimezone(), "d MMM y, HH:mm:ss", locale=current())),
        service=service_name(line.service),
        level=say(_LEVEL[line.level]) if line.level in _LEVEL else "",
        urgency={"warning": "warn", "error": "bad", "critical": "bad"}.get(line.level, ""),
        text=line.event[:1].upper() + line.event[1:],
        told=told,
        trace=_text(line.told.get("trace", "")),
    )


def as_text(line: Shown) -> str:
    """A line for a file."""
    told = "; ".join(f"{name}: {value}" for name, value in line.told)
    parts = [line.when, line.service, line.level, line.text, told]
    return "  ".join(one for one in parts if one) + ("\n" + line.trace if line.trace else "")


def choices(services: Sequence[str]) -> dict[str, str]:
    """Services that may be chosen, with their names."""
    return {one: service_name(one) for one in services}


def service_name(name: str) -> str:
    """What a service does."""
    return say(SERVICES[name]) if name in SERVICES else name


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "–" if value is None else str(value)
