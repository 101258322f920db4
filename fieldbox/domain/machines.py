"""How the box itself does. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldbox.i18n import Sentence


@dataclass(frozen=True, slots=True)
class Vital:
    """The box at one moment; None where the machine does not say."""

    at: datetime
    temperature_c: float | None
    """Of the processor."""
    slowed: bool | None
    """Slowed down just now, by heat or by weak power."""
    weak_power: bool | None
    """Less than the voltage it needs, just now."""
    disk_free: int
    """Bytes, where the data is."""
    disk_total: int
    memory_free: int | None
    """Bytes that programs may still take."""
    load: float | None
    """Processes that wanted to run, mean of 5 minutes, by core."""


class Strain(StrEnum):
    """What holds the machine back, as a Raspberry Pi tells it."""

    WEAK_POWER = "weak power"
    CAPPED = "capped"
    """Its clock may not go as high as it could."""
    SLOWED = "slowed"
    WARM = "warm"
    """Near the temperature at which it is slowed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a machine says of itself at one moment; None, or no key, where it does not say."""

    vital: Vital
    strained: Mapping[Strain, bool]
    """Just now."""
    was_strained: Mapping[Strain, bool]
    """At any moment since the start, just now among them."""
    up_s: float | None
    memory_total: int | None
    mhz: float | None
    most_mhz: float | None
    cores: int
    model: str | None
    """What the machine is called by its maker."""
    clock_kept: bool
    """Something keeps the time right."""


class Room(StrEnum):
    """What the room on the disk is used for."""

    ORIGINALS = "originals"
    PICTURES = "pictures"
    """Made of originals."""
    MAPS = "maps"
    DATABASE = "database"
    COMING = "coming"
    """Uploads, and what lies in the drop folder."""
    LOGS = "logs"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Usage:
    """What the data folder holds, as it was walked through last."""

    at: datetime
    bytes: Mapping[Room, int]
    files: int


@dataclass(frozen=True, slots=True)
class FullIn:
    """When the disk is full, in days from now, at the pace of the last month."""

    days: float
    low: float
    high: float
    """Infinite where it may never be."""
    bytes_a_day: float


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service of the box."""

    name: str
    """web, worker, intake or sync."""
    runs: bool
    since: datetime | None
    """When the process that runs was started."""
    seen_at: datetime | None
    """Its last sign of life."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a service said."""

    at: datetime
    service: str
    level: str
    """info, warning, error or critical."""
    event: str
    told: Mapping[str, object]
    """What belongs to it."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model of this box, as its file and its card tell of it."""

    kind: str
    """weeds, health or leaves."""
    name: str
    version: str
    sha256: str
    origin: str
    """shipped, copy, signed or kept."""
    bytes: int
    runs: bool
    gsd_mm: tuple[float, float] | None
    """The finest and the coarsest photos that it takes, mm a pixel."""
    classes: tuple[str, ...]
    crops: tuple[str, ...]
    """That it was trained on."""
    measured: Mapping[str, float]
    """Shares from 0 to 1: recall, precision of weeds; accuracy. As measured when it was made."""
    card: str
    """Markdown; empty where there is none."""
    problem: Sentence | None = None
    """Why it does not run."""

    @property
    def release(self) -> str:
        """As surveys name it."""
        return f"{self.name}@{self.version}"
