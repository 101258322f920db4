"""For all tests."""

from __future__ import annotations

import pytest

SLOW = ("durability", "path", "browser", "services", "bench", "models")
"""Folders whose tests wait for whole processes: they go first, so that none of them is left to one process at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow folders first; else in the order in which they stand."""

    def rank(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return SLOW.index(folder) if folder in SLOW else len(SLOW)

    items.sort(key=rank)
