"""Sentences that a person reads, kept apart from the language they are read in.

A `Sentence` is a gettext message id with its parameters. It is stored as such (in the list of
rejected files, in a survey's warnings) and turned into words only when it is shown, in the reader's
language. Mark a message id with `N_` so that the catalogue extractor finds it.
"""

from __future__ import annotations

import gettext
import json
import re
import string
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

TRANSLATIONS = Path(__file__).parent / "translations"
DOMAIN = "fieldbox"
NOT_READ = "not reviewed"
"""Stands in the header of a catalogue that no native speaker has read, as its last translator."""
NOBODY = "EMAIL@ADDRESS"
"""As last translator it is what translation programs write where nobody gave a name."""
PAPER = "paper"
"""The catalogues of what is printed alone: in more languages than all the rest."""

Param = str | int | float
Write = Callable[[datetime], str]
"""How a moment is written in some language."""
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
"""How sentences hold dates and times, so that each reader has them in their own form."""


def N_(message_id: str) -> str:
    """Mark a message id for extraction; it is translated later, when it is shown."""
    return message_id


_process_language: list[str | None] = [None]
BROUGHT = "languages"
"""Below the data folder: languages that somebody brought as files."""
LOOK_S = 5.0
"""So long it is not looked again whether those changed."""
_added: list[Path] = []
"""Folders of such languages."""


def folders() -> tuple[Path, ...]:
    """Where catalogues lie: those that came with fieldbox first."""
    return (TRANSLATIONS, *_added)


def add_folder(folder: Path) -> None:
    """Look for catalogues in `folder` too (CODE/LC_MESSAGES/fieldbox.mo), in this process."""
    if folder not in _added:
        _added.append(folder)
        look_again()


def look_again() -> None:
    """Read anew what somebody brought by now. Another process may have taken it in; without this it is noticed within LOOK_S."""
    _looked.at = time.monotonic()
    _looked.files = _brought()
    _catalogue.cache_clear()
    _last_translator.cache_clear()


class _Looked:
    """When and what of the languages that somebody brought was seen last."""

    at = 0.0
    files: tuple[tuple[str, int, int], ...] = ()


_looked = _Looked()


def _brought() -> tuple[tuple[str, int, int], ...]:
    """The files of those languages, with what tells that one is another than before."""
    found = []
    for path in (path for folder in _added for path in folder.glob("*/LC_MESSAGES/*.mo")):
        with suppress(OSError):
            told = path.stat()
            found.append((str(path), told.st_mtime_ns, told.st_ino))
    return tuple(sorted(found))


def _notice() -> None:
    if _added and time.monotonic() - _looked.at >= LOOK_S:
        _looked.at = time.monotonic()
        if _brought() != _looked.files:
            look_again()


def translated(domain: str | None = None) -> list[str]:
    """Codes of the languages that have a catalogue of a domain (None: of the pages), sorted."""
    pattern = f"*/LC_MESSAGES/{domain or DOMAIN}.mo"
    return sorted({path.parent.parent.name for folder in folders() for path in folder.glob(pattern)})


def reader_of(code: str) -> str | None:
    """Which native speaker has read the catalogue of the pages in that language; None: nobody yet."""
    _notice()
    told = next((one for folder in folders() if (one := _last_translator(folder, code)) is not None), "")
    return None if NOT_READ in told or NOBODY in told or not told else told


@lru_cache(maxsize=64)
def _last_translator(folder: Path, code: str) -> str | None:
    """What the catalogue there says of it; None: there is none that can be read."""
    found = _read(DOMAIN, folder, [code])
    return None if found is None else found.info().get("last-translator", "")


def _read(domain: str, folder: Path, languages: list[str] | None) -> gettext.GNUTranslations | None:
    """The catalogue there as it is now, which `gettext.translation` would read but once; None: none that can be read."""
    file = gettext.find(domain, folder, languages)
    if file is None:
        return None
    with suppress(OSError, ValueError, LookupError, struct.error), Path(file).open("rb") as opened:
        return gettext.GNUTranslations(opened)
    return None


def use_language(language: str | None) -> None:
    """Set the language of this process (command line, worker); pages choose their own for each reader."""
    _process_language[0] = language


@lru_cache(maxsize=16)
def _catalogue(language: str | None) -> Callable[[str], str]:
    languages = [language] if language else None
    # gettext keeps a catalogue that it has read and hands out copies, which share nothing that is set here.
    found = gettext.translation(DOMAIN, TRANSLATIONS, languages, fallback=True)
    found.add_fallback(gettext.translation(PAPER, TRANSLATIONS, languages, fallback=True))
    for folder in _added:
        found.add_fallback(_read(DOMAIN, folder, languages) or gettext.NullTranslations())
    return found.gettext


def translator(language: str | None = None) -> Callable[[str], str]:
    """Return the translating function for `language` (an ISO 639 code); None follows `use_language`.

    What has no translation reads English.
    """
    _notice()
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


def _moment(text: str) -> datetime | None:
    """None: there is no such day."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


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

    def with_moments(self, day: Write, when: Write) -> Sentence:
        """The sentence with each parameter that is a date, or a date with its time, written by `day` or `when`."""

        def told(value: Param) -> Param:
            found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
            moment = _moment(found[0]) if found else None
            if found is None or moment is None:
                return value
            return (when if found[1] else day)(moment)

        return Sentence(self.template, {name: told(value) for name, value in self.params.items()})

    def to_json(self) -> str:
        """The form kept in the database."""
        return json.dumps({"t": self.template, "p": dict(self.params)}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Sentence:
        """Read back what `to_json` wrote."""
        raw = json.loads(text)
        return cls(raw["t"], raw["p"])
