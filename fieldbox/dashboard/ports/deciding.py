"""What the dashboard needs of the process that works out what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fieldbox.domain import Change, Prescription, Spraying, Walk, Zone


class OfferedFile(Protocol):
    """A file that can be made of a survey. `group`: sprayer, print, walk or map."""

    @property
    def key(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def suffix(self) -> str: ...


class Decisions(Protocol):
    """What is to be done about a survey's field. Worked out in another process: it takes libraries that pages do without.

    Each can raise Rejected (there is nothing to lay out) and the other errors of the box.
    """

    def prescription(self, survey_id: str) -> Prescription: ...
    def vigour(self, survey_id: str) -> Sequence[Zone]: ...
    def walk(self, survey_id: str) -> Walk: ...
    def change(self, before_id: str, after_id: str, *, sprayed: bool) -> Change: ...
    def keep_off(self, field_id: int, data: bytes, name: str, strip_m: float) -> Spraying: ...
    def files(self) -> Sequence[OfferedFile]: ...
    def make(self, survey_id: str, key: str, language: str) -> bytes: ...
