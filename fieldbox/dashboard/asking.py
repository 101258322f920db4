"""What is asked of a person who checks plants: the plants to come, how far one is, what came of it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from flask import current_app

from fieldbox.dashboard import photos
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.precision import Tally, tally
from fieldbox.dashboard.reviewqueue import Plan, Reviewing, plan
from fieldbox.domain import PlantSeen, Reviewable
from fieldbox.errors import Rejected

SITTING: Final = 40
"""So many plants make a good round."""
SITTING_LASTS: Final = timedelta(hours=4)
TURN: Final = 10
"""So many checks of one field before another's turn comes."""
_EXTENSION = "fieldbox-review"


def reviewing() -> Reviewing:
    """What this app remembers of reviews."""
    return cast(Reviewing, current_app.extensions.setdefault(_EXTENSION, Reviewing()))


def scope(*, survey_id: str | None = None, field_id: int | None = None) -> list[Reviewable]:
    """The surveys whose plants are asked for: that one, those of a field, or of each field the newest.

    Of several fields that with the fewest checks comes first, ten checks at a time.
    """
    store = box().store
    if survey_id is not None:
        found = store.survey(survey_id)
        some = store.reviewable(flight_id=found.flight_id) if found else ()
        return [one for one in some if one.survey_id == survey_id]
    if field_id is not None:
        return list(store.reviewable(field_id=field_id))
    newest: dict[int, Reviewable] = {}
    for one in store.reviewable():
        newest.setdefault(one.field_id, one)
    return sorted(newest.values(), key=lambda one: one.checked // TURN)


def by_release() -> list[tuple[str, list[Reviewable]]]:
    """The surveys that count and were checked, by the model that made them (its name), newest first."""
    found: dict[str, list[Reviewable]] = {}
    for one in box().store.reviewable():
        if one.checked:
            found.setdefault(one.release_sha, []).append(one)
    return [(some[0].release, some) for some in found.values()]


def plan_of(survey_id: str) -> Plan:
    """The order in which the plants of a survey are asked for."""
    return reviewing().plan(survey_id, lambda: plan(box().store.called(survey_id), _has_photo))


def upcoming(
    surveys: Sequence[Reviewable], who: str, count: int, but: Set[int] = frozenset()
) -> list[PlantSeen]:
    """The next plants for a person, at most `count`, without `but`; nobody else is shown them for two minutes."""
    found: list[int] = []
    for one in surveys:
        look = box().store.opinions_of
        found += reviewing().take(plan_of(one.survey_id), look, who, count - len(found), but)
        if len(found) >= count:
            break
    return list(box().store.plants_seen(found))


def left(surveys: Sequence[Reviewable]) -> int:
    """About how many plants there are still to check, counted up to a good round."""
    total = 0
    for one in surveys:
        total += max(0, len(plan_of(one.survey_id).order) - one.checked)
        if total >= SITTING:
            break
    return total


def given_lately(surveys: Sequence[Reviewable], who: str) -> int:
    """How many verdicts a person gave in this sitting."""
    since = datetime.now(UTC) - SITTING_LASTS
    mine = {one.survey_id for one in surveys}
    return sum(one.survey_id in mine for one in box().store.labels(who=who, since=since))


def tallies(surveys: Sequence[Reviewable]) -> list[Tally]:
    """What people said of each of these surveys that was checked at all."""
    return [tally_of(one.survey_id) for one in surveys if one.checked]


def tally_of(survey_id: str) -> Tally:
    """What people said of the plants of a survey."""
    store = box().store
    population = reviewing().population(survey_id, lambda: store.called_count(survey_id))
    return tally(store.opinions(survey_id), population)


def _has_photo(digest: str) -> bool:
    try:
        photos.original(box().root, digest)
    except Rejected:
        return False
    return True
