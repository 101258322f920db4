"""Names of files that somebody else gives: only those that are safe to make on the box's disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from fieldbox.errors import Rejected
from fieldbox.i18n import N_

LONGEST_PART = 240
"""Bytes; file systems take 255, and a few are left for endings of our own."""
LONGEST_PATH = 1000
DEEPEST = 16
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
_BESIDE = {"", ".", ".."}


def require_safe(name: str) -> None:
    """Raise Rejected unless `name` is a relative path with forward slashes that every file system can hold."""
    parts = name.split("/")
    if "\\" in name or _BESIDE & set(parts) or (len(parts[0]) == 2 and parts[0].endswith(":")):
        raise Rejected(N_("The name of the file leads out of its folder: rename it and try again."))
    if not _is_text(name):
        raise Rejected(N_("The name of the file holds characters that no name may have: rename it."))
    if len(parts) > DEEPEST:
        raise Rejected(N_("The file lies too deep in folders: choose a folder further in."))
    if len(name.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in parts):
        raise Rejected(N_("The name of the file is too long: rename it."))


def _is_text(name: str) -> bool:
    """No control character (NUL is one), no half of a character, no line or paragraph separator."""
    return not any(unicodedata.category(one) in _NO_TEXT for one in name)


class Names:
    """Names of one upload, none of which may stand for two files, or for a file and a folder, on any file system."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}
        for name in known:
            self.add(name)

    def add(self, name: str) -> None:
        """Raises Rejected for a name that is not safe or clashes with one that was added before."""
        require_safe(name)
        folded = _folded(name)
        parents = {_folded(parent): parent for parent in _parents(name)}
        clash = (
            folded in self._files
            or folded in self._folders
            or any(
                key in self._files or self._folders.get(key, as_is) != as_is for key, as_is in parents.items()
            )
        )
        if clash:
            raise Rejected(
                N_("Another file has the same name, or one that differs in capital letters only: rename it.")
            )
        self._files.add(folded)
        self._folders |= parents


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
