"""Forms that keep what somebody typed, and say beside each place what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from werkzeug.datastructures import MultiDict

from fieldbox.dashboard.language import in_words
from fieldbox.i18n import Sentence

WHOLE: Final = ""
"""The key of an error that is about no single place."""


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, by the names of the places, and what is wrong. A new form holds nothing of both."""

    typed: Mapping[str, str] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    """In the reader's language."""

    @classmethod
    def refused(cls, typed: MultiDict[str, str], at: Mapping[str, Sentence]) -> Form:
        """What comes back where something was not accepted."""
        return cls(typed.to_dict(), {name: in_words(sentence) for name, sentence in at.items()})

    def value(self, name: str, usual: object = "") -> str:
        """What stands in a place: what was typed, or what is the case."""
        told = usual if self.typed is None else self.typed.get(name, "")
        return _text(told)

    def on(self, name: str, usual: bool) -> bool:
        """Whether a box is ticked."""
        return usual if self.typed is None else name in self.typed

    def error(self, name: str = WHOLE) -> str:
        """What is wrong in a place; empty: nothing."""
        return self.errors.get(name, "")

    def elsewhere(self, names: object) -> bool:
        """Whether something is wrong in one of these places."""
        return isinstance(names, list | tuple) and any(name in self.errors for name in names)


def _text(told: object) -> str:
    return f"{told:.12g}" if isinstance(told, float) else str(told)
