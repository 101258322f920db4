"""Which settings there are, and by which names."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from fieldbox.config.tree import Config
from fieldbox.config.values import Bounds

PREFIX: Final = "FIELDBOX_"


def settings() -> Iterator[tuple[str, Any]]:
    """Every setting with its default, as `section.key` and value: for documentation and `doctor`."""
    for section in section_names():
        for key in dataclasses.fields(section_type(section)):
            yield f"{section}.{key.name}", key.default


def bounds_of(name: str) -> Bounds | None:
    """What a number (`section.key`) must lie between; None: it is no number, or any will do."""
    section, _dot, key = name.partition(".")
    found: Bounds | None = section_type(section).__dataclass_fields__[key].metadata.get("bounds")
    return found


def variable_of(name: str) -> str:
    """The environment's variable for `section.key`."""
    return PREFIX + name.replace(".", "__").upper()


def section_names() -> list[str]:
    return [one.name for one in dataclasses.fields(Config) if one.metadata.get("section", True)]


def section_type(name: str) -> type[Any]:
    kind: type[Any] = get_type_hints(Config)[name]
    return kind


def unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown setting {name}" + (f" (did you mean {close[0]}?)" if close else "")
