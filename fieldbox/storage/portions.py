"""Statements with many parameters, in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
_PORTION = 500
"""SQLite limits the number of parameters of a statement."""


def portions(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Parts of `items` that are few enough for one statement."""
    return (items[start : start + _PORTION] for start in range(0, len(items), _PORTION))
