"""Which ways out of the box there are, and dialling one: the ports. Each has a real adapter and a twin in memory
(`fieldbox.sync.memoryways`), and both pass the same suites in `tests/contract`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fieldbox.domain import Link


class Ways(Protocol):
    """The links of the box."""

    def there(self) -> Sequence[Link]:
        """Links over which the rest of the world may be reached now, the one that the kernel prefers first; each interface
        once. What cannot be looked at is not there."""

    def wait(self, seconds: float) -> bool:
        """Wait until links changed, or somebody woke it, at most so long. False: neither. It may say True for no good reason."""

    def wake(self) -> None:
        """End a `wait`, the next one too if none is at it. Another thread or a signal's handler may call it."""

    def close(self) -> None:
        """Give back what the kernel lent."""


class Dialler(Protocol):
    """Brings a link up that is down between bursts."""

    def can(self, profile: str) -> bool:
        """Whether there is a profile of this name; False too where nobody can be asked."""

    def dial(self, profile: str) -> str:
        """Bring it up, waiting until it is; the name of its interface. One that is up already is left up. Raises Unsent."""

    def hang_up(self, profile: str) -> None:
        """Take it down again, if `dial` brought it up; never raises."""

    def end(self, profile: str) -> None:
        """Take it down, whoever brought it up; never raises."""
