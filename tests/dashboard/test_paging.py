"""Long lists in pages."""

from __future__ import annotations

from fieldbox.dashboard.paging import page_of


def test_a_page_knows_whether_another_follows() -> None:
    assert page_of([1, 2, 3], 2) == ([1, 2], 2)
    assert page_of([1, 2], 2) == ([1, 2], None)
    assert page_of([], 2) == ([], None)
