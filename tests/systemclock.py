"""The clocks of this machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """What the system says the time is, and how long it runs."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds since the system was started."""
        return time.monotonic()
