"""How the box itself does. See `fieldbox.domain` for the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
