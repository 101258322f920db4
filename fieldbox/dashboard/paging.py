"""Long lists in pages: one more is asked for than a page holds, so that it is known whether there is another page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def page_of(found: Sequence[T], most: int) -> tuple[Sequence[T], T | None]:
    """What a page of `most` holds of `found`, and the last of it where more follows it; None: that is all."""
    some = found[:most]
    return some, some[-1] if some and len(found) > most else None
