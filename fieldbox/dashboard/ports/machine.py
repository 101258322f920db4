"""What the dashboard needs of the box itself: how it does, and its settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fieldbox.config import Config
from fieldbox.domain import (
    FullIn,
    LogLine,
    ModelInfo,
    Reading,
    ServiceState,
    SettingNow,
    SettingValue,
    Usage,
    Vital,
)


class Tally(Protocol):
    """How much there is; `flights` by the state of their newest work, "none" among them."""

    @property
    def flights(self) -> Mapping[str, int]: ...
    @property
    def photos(self) -> int: ...
    @property
    def surveys(self) -> int: ...
    @property
    def fields(self) -> int: ...


class CheckedLike(Protocol):
    """What came of looking through the database; `problems` in SQLite's words."""

    @property
    def at(self) -> datetime: ...
    @property
    def problems(self) -> Sequence[str]: ...


class FreedLike(Protocol):
    """What came of making room: bytes, and of how many flights."""

    @property
    def at(self) -> datetime: ...
    @property
    def bytes(self) -> int: ...
    @property
    def flights(self) -> int: ...


class Machine(Protocol):
    """What looks after the box itself: `fieldbox.services.watching.Watch` fits it as it is, and says more of it."""

    def reading(self) -> Reading: ...
    def usage(self) -> Usage | None: ...
    def full_in(self) -> FullIn | None: ...
    def services(self) -> Sequence[ServiceState]: ...
    def models(self) -> Sequence[ModelInfo]: ...
    def log(
        self,
        limit: int,
        *,
        service: str | None = None,
        levels: Sequence[str] = ...,
        words: str = "",
        before: datetime | None = None,
    ) -> Sequence[LogLine]: ...
    def log_services(self) -> Sequence[str]: ...
    def check(self) -> None: ...
    def is_checking(self) -> bool: ...
    def checked(self) -> CheckedLike | None: ...
    def make_room(self) -> None: ...
    def is_making_room(self) -> bool: ...
    def freed(self) -> FreedLike | None: ...


class Support(Protocol):
    """What makes the file for those who help: `fieldbox.services.support.Support` fits it as it is."""

    def zipped(self, language: str) -> Iterable[bytes]: ...


class Settings(Protocol):
    """The settings of the box that people may choose on its pages."""

    def now(self) -> Config:
        """As they are; asked for with every page."""
        ...

    def all(self) -> Mapping[str, SettingNow]:
        """By `section.key`, each with where it comes from."""
        ...

    def choose(self, actor: str, values: Mapping[str, SettingValue]) -> Sequence[str]:
        """Keep what somebody chose; which of `values` are news. Raises Rejected: nothing is changed."""
        ...

    def reset(self, actor: str, names: Collection[str]) -> Sequence[str]:
        """Take back what was chosen. Raises Rejected."""
        ...


class BoxStore(Protocol):
    """What is kept of the box itself."""

    def setting(self, key: str) -> str | None: ...
    def set_setting(self, key: str, value: str) -> None: ...
    def change_setting(self, key: str, change: Callable[[str | None], str]) -> None: ...
    def tally(self) -> Tally: ...
    def vitals(self, since: datetime) -> Sequence[Vital]: ...
