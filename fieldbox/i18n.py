"""Sentences that a person reads, kept apart from the language they are read in.

A `Sentence` is a gettext message id with its parameters. It is stored as such (in the list of
rejected files, in a survey's warnings) and turned into words only when it is shown, in the reader's
language. Mark a message id with `N_` so that the catalogue extractor finds it.
"""

from __future__ import annotations

import gettext
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

TRANSLATIONS = Path(__file__).parent / "translations"
DOMAIN = "fieldbox"
PAPER = "paper"
"""The catalogues of what is printed alone: in more languages than all the rest."""

Param = str | int | float


def N_(message_id: str) -> str:
    """Mark a message id for extraction; it is translated later, when it is shown."""
    return message_id


_process_language: list[str | None] = [None]


def use_language(language: str | None) -> None:
    """Set the language of this process (command line, worker); pages choose their own for each reader."""
    _process_language[0] = language


@lru_cache(maxsize=16)
def _catalogue(language: str | None) -> Callable[[str], str]:
    languages = [language] if language else None
    found = gettext.translation(DOMAIN, TRANSLATIONS, languages, fallback=True)
    # gettext keeps a catalogue that it has read and hands out copies, which share nothing that is set here.
    found.add_fallback(gettext.translation(PAPER, TRANSLATIONS, languages, fallback=True))
    return found.gettext


def translator(language: str | None = None) -> Callable[[str], str]:
    """Return the translating function for `language` (an ISO 639 code); None follows `use_language`.

    What has no translation reads English.
    """
    return _catalogue(language or _process_language[0])


def _(message_id: str) -> str:
    """Translate `message_id` into the language of the process."""
    return translator()(message_id)


class _Filling(string.Formatter):
    """As `str.format`; a value at a place like `{link!t}` is a message id as well, and translated."""

    def __init__(self, say: Callable[[str], str]) -> None:
        self._say = say

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return self._say(value) if conversion == "t" else super().convert_field(value, conversion)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence for a person: what is the case and, where something is wrong, what to do.

    A parameter that is a message id itself stands in the template with the conversion `t`, as in `{link!t}`.
    """

    template: str
    params: Mapping[str, Param] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.in_language(None)

    def in_language(self, language: str | None) -> str:
        """The sentence in `language`; None follows `use_language`."""
        say = translator(language)
        return _Filling(say).vformat(say(self.template), (), self.params)

    def to_json(self) -> str:
        """The form kept in the database."""
        return json.dumps({"t": self.template, "p": dict(self.params)}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Sentence:
        """Read back what `to_json` wrote."""
        raw = json.loads(text)
        return cls(raw["t"], raw["p"])
