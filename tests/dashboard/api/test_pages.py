"""Whatever a page does, a program does too, or it is told why not."""

from __future__ import annotations

from flask import Flask

from fieldbox.dashboard.api import OPERATIONS
from fieldbox.dashboard.api.pages import FOR_BROWSERS, OF_DEEDS
from fieldbox.dashboard.rights import RIGHTS

READING = {"GET", "HEAD", "OPTIONS"}


def deeds_of_pages(app: Flask) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - READING and not rule.endpoint.startswith("api.")
    }


def test_each_deed_of_a_page_has_its_operation_or_a_reason(fresh_app: Flask) -> None:
    deeds = deeds_of_pages(fresh_app)
    without = deeds - OF_DEEDS.keys() - FOR_BROWSERS.keys()
    assert not without, "fieldbox/dashboard/api/pages.py: an operation for each, or why there is none"
    assert OF_DEEDS.keys() | FOR_BROWSERS.keys() == deeds
    assert not OF_DEEDS.keys() & FOR_BROWSERS.keys()
    assert all(reason.endswith(".") for reason in FOR_BROWSERS.values())


def test_whoever_may_do_it_on_a_page_may_do_it_by_the_api_and_nobody_else() -> None:
    for page, names in OF_DEEDS.items():
        assert names, page
        for name in names:
            one = OPERATIONS[f"api.{name}"]
            assert one.method not in READING
            assert RIGHTS[one.endpoint] == RIGHTS[page], (page, name)
