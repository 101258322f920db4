"""Which photo of the flight a name in a list means.

Lists are written on other computers: with another case, with another folder or none, with backslashes, or
without the extension. A name counts where it leaves one photo only; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from fieldbox.georef.textfile import shown
from fieldbox.i18n import N_, Param, Sentence

_EXTENSION_MAX = 5
_DEEPEST = 8
"""Folders further up tell no photos apart."""


class Missing(Enum):
    """Why a name leads to no photo."""

    ABSENT = "absent"
    AMBIGUOUS = "ambiguous"


class PhotoNames:
    """The names (paths) of a flight's photos, to be looked up."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        self._by_file: _Tails = {}
        self._by_stem: _Tails = {}
        for name in self._names:
            *folders, file = _parts(name)
            _put(self._by_file, (*folders, file), name)
            _put(self._by_stem, (*folders, _stem(file)), name)

    def find(self, stated: str) -> str | Missing:
        """The photo meant: of those with this file name the one that shares most of the path's end."""
        if stated in self._names:
            return stated
        parts = _parts(stated)
        found = _longest(self._by_file, parts) or _longest(self._by_stem, parts)
        if len(found) == 1:
            return found[0]
        return Missing.AMBIGUOUS if found else Missing.ABSENT


_Tails = dict[tuple[str, ...], list[str]]
"""Names by the end of their paths: the file alone, with its folder, with that one's folder ..."""


def _put(tails: _Tails, parts: tuple[str, ...], name: str) -> None:
    for count in range(1, min(len(parts), _DEEPEST) + 1):
        tails.setdefault(parts[-count:], []).append(name)


def _longest(tails: _Tails, parts: tuple[str, ...]) -> list[str]:
    """The names with the longest end in common with `parts`; none where not even the file is the same."""
    found: list[str] = []
    for count in range(1, min(len(parts), _DEEPEST) + 1):
        longer = tails.get(parts[-count:])
        if longer is None:
            break
        found = longer
    return found


def not_found(line: int, photo: str, why: Missing) -> Sentence:
    """What to say of a photo that a list names and the flight does not have once."""
    params: dict[str, Param] = {"line": line, "photo": shown(photo)}
    if why is Missing.AMBIGUOUS:
        return Sentence(
            N_("Line {line}: several photos of this flight are called {photo}: write its folder too."), params
        )
    return Sentence(
        N_("Line {line}: this flight has no photo {photo}: check the name, or give the photo too."), params
    )


def _parts(name: str) -> tuple[str, ...]:
    """Folders and file name, lower case; never empty."""
    parts = [part for part in name.replace("\\", "/").casefold().split("/") if part not in ("", ".")]
    return tuple(parts) or ("",)


def _stem(file: str) -> str:
    stem, dot, extension = file.rpartition(".")
    return stem if dot and stem and len(extension) <= _EXTENSION_MAX else file
