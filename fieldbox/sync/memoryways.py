"""The twins of the box's links, its dialling and its time, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fieldbox.domain import Link
from fieldbox.errors import Unsent
from fieldbox.i18n import N_


def _nobody_waits(_seconds: float) -> None:
    """Time that passes by itself."""


@dataclass(slots=True)
class MemoryWays:
    """As `fieldbox.sync.ways.Ways`: links come and go by `put` and `take`. `pass_by` hears for how long somebody waits, and may
    let links come and go meanwhile."""

    links: dict[str, tuple[int, Link]] = field(default_factory=dict)
    """By interface, with the metric of its route."""
    pass_by: Callable[[float], None] = _nobody_waits
    _changed: bool = False

    def put(self, link: Link, metric: int = 0) -> None:
        """A link is there from now on."""
        self.links[link.name] = (metric, link)
        self._changed = True

    def take(self, name: str) -> None:
        """It is gone."""
        del self.links[name]
        self._changed = True

    def there(self) -> Sequence[Link]:
        """Links, the one of the least metric first."""
        return [link for _metric, link in sorted(self.links.values(), key=lambda one: one[0])]

    def wait(self, seconds: float) -> bool:
        """Whether something changed."""
        if not self._changed:
            self.pass_by(seconds)
        changed, self._changed = self._changed, False
        return changed

    def wake(self) -> None:
        """End a wait."""
        self._changed = True

    def close(self) -> None:
        """Nothing was lent."""


@dataclass(slots=True)
class MemoryDialler:
    """As `fieldbox.sync.ways.Dialler`."""

    interfaces: Mapping[str, str] = field(default_factory=dict)
    """Of each profile that there is, its interface; empty: it cannot be brought up."""
    up: set[str] = field(default_factory=set)
    """Profiles that are up."""
    dialled: set[str] = field(default_factory=set)

    def can(self, profile: str) -> bool:
        """Whether there is such a profile."""
        return profile in self.interfaces

    def dial(self, profile: str) -> str:
        """Bring it up. Raises Unsent."""
        interface = self.interfaces.get(profile)
        if not interface:
            raise not_dialled(profile, "no carrier")
        if profile not in self.up:
            self.up.add(profile)
            self.dialled.add(profile)
        return interface

    def hang_up(self, profile: str) -> None:
        """Take it down, if `dial` brought it up."""
        if profile in self.dialled:
            self.end(profile)

    def end(self, profile: str) -> None:
        """Take it down."""
        self.dialled.discard(profile)
        self.up.discard(profile)


def not_dialled(profile: str, why: str) -> Unsent:
    """What is said of a profile that does not come up."""
    return Unsent(
        N_("The connection {profile} does not come up ({why}). Messages wait; it is tried again by itself."),
        profile=profile,
        why=why,
    )


@dataclass(slots=True)
class MemoryTime:
    """As `fieldbox.sync.timekeeping.SystemTime`: what the time is said to be may be put anywhere; what has passed may not."""

    said: datetime = datetime(2027, 1, 1, tzinfo=UTC)
    passed: float = 0.0
    kept_right: bool = False
    may_put: bool = True

    def now(self) -> datetime:
        """What the time is said to be."""
        return self.said

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.passed

    def synchronised(self) -> bool:
        """As it was made."""
        return self.kept_right

    def put(self, to: datetime) -> bool:
        """Set it, if that is allowed."""
        if self.may_put:
            self.said = to
        return self.may_put

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.passed += seconds
        self.said += timedelta(seconds=seconds)
