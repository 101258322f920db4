"""Files that people carry between a box and its hub: requests, welcomes, and folders of sticks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.wholefile import put

_MOST: Final = 1 << 20


def read(file: Path) -> bytes:
    """What is in a request or a welcome, as far as such a file is ever long. Raises Rejected where it cannot be read."""
    try:
        with file.open("rb") as source:
            return source.read(_MOST)
    except OSError as error:
        raise Rejected(
            N_("{file} cannot be read ({why})."), file=str(file), why=error.strerror or "?"
        ) from error


def write(file: Path, text: str) -> None:
    """Write a request or a welcome. Raises Rejected where it cannot be written."""
    try:
        put(file, text.encode(), mode=None)
    except OSError as error:
        raise Rejected(
            N_("{file} cannot be written ({why})."), file=str(file), why=error.strerror or "?"
        ) from error


def stick(folder: Path) -> Path:
    """The folder of a stick. Raises Rejected for what is none."""
    if not folder.is_dir():
        raise Rejected(N_("{folder} is no folder: give the place where the stick is."), folder=str(folder))
    return folder
