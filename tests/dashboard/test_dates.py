"""In which order the dates of a field are shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fieldbox.dashboard.dates import by_date
from fieldbox.domain import Survey
from tests.dashboard.demo_box import SURVEY, DemoBox
from tests.dashboard.second_date import EARLIER, add_date


def test_an_early_date_that_is_mapped_again_stays_the_early_one(demo: DemoBox) -> None:
    add_date(demo)
    late, early = demo.store.survey(SURVEY), demo.store.survey(EARLIER)
    assert late is not None and early is not None
    again = replace(early, id="again", made_at=late.made_at + timedelta(days=1))
    flown = {row.id: row.started_at for row in demo.store.flights(field_id=demo.field_id)}
    assert ids(by_date([again, late, early], flown)) == [SURVEY, "again", EARLIER]


def ids(surveys: list[Survey]) -> list[str]:
    return [one.id for one in surveys]
