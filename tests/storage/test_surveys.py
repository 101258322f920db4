from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.exc import IntegrityError

from fieldbox.domain import (
    Cover,
    Detection,
    Gap,
    Interval,
    MessageKind,
    MessageState,
    NotAligned,
    Outgoing,
    Placement,
    PlantHealth,
    Quality,
    Survey,
)
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import JobState, ViewKey
from fieldbox.storage.store import Store
from fieldbox.wire.ids import TIME_DIGITS, key_of
from tests.storage.samples import RING, add_flight, detection, near_bangalore, survey, told


def save(
    store: Store,
    survey: Survey,
    detections: list[Detection],
    outgoing: list[Outgoing],
    *,
    plan_key: str = "plan",
) -> bool:
    return store.save_survey(
        survey, detections, outgoing, plan_key=plan_key, release_sha="r1", to_geographic=near_bangalore
    )


def said(store: Store, state: MessageState | None = None) -> list[str]:
    """The messages by the names that `told` gave them, in the order in which they go."""
    names = {key_of(name): name for name in ("0001", "0002", "a", "b")}
    return [names[one.id[TIME_DIGITS:]] for one in store.messages(state)]


def test_a_survey_comes_back_as_it_went_in(store: Store) -> None:
    flight = add_flight(store)
    assert save(store, survey(flight), [detection(flight, 1.0, 2.0)], told())
    assert store.survey("survey") == survey(flight)
    assert store.survey_for(flight.id, "plan", "r1") == survey(flight)
    assert store.survey_for(flight.id, "plan", "r2") is None
    assert store.survey("none") is None


def test_surveys_are_listed_newest_first(store: Store) -> None:
    one, two = add_flight(store, "one"), add_flight(store, "two", first=10)
    older, newer = survey(one, "a"), replace(survey(one, "b"), made_at=survey(one).made_at + timedelta(1))
    for number, each in enumerate((newer, older, survey(two, "c"))):
        assert save(store, each, [], told(str(number)), plan_key=str(number))
    assert store.surveys(flight_id=one.id) == [newer, older]
    assert [each.id for each in store.surveys(field_id=two.field_id)] == ["c"]
    assert [each.id for each in store.surveys()] == ["b", "c", "a"]


def test_saving_a_survey_settles_everything_at_once(store: Store) -> None:
    flight = add_flight(store)
    store.enqueue(flight.id, release_sha="r1")
    store.claim()
    store.save_view(ViewKey(flight.captures[0].digest, "plan", "r1"), b"x", None)
    assert save(store, survey(flight), [detection(flight, 1.0, 2.0)], told())
    job = store.job_for_flight(flight.id)
    assert job is not None
    assert job.state is JobState.DONE
    assert store.views_done("plan", "r1") == set()
    assert said(store) == ["0001"]
    assert len(store.detections("survey")) == 1


def test_views_are_kept_if_asked(store: Store) -> None:
    flight = add_flight(store)
    store.save_view(ViewKey(flight.captures[0].digest, "plan", "r1"), b"x", None)
    store.save_survey(
        survey(flight),
        [],
        told(),
        plan_key="plan",
        release_sha="r1",
        to_geographic=near_bangalore,
        drop_views=False,
    )
    assert len(store.views_done("plan", "r1")) == 1


def test_a_second_save_changes_neither_survey_nor_message_but_settles_the_job(store: Store) -> None:
    flight = add_flight(store)
    first = survey(flight)
    assert save(store, first, [detection(flight, 1.0, 2.0)], told())
    store.enqueue(flight.id, release_sha="r1")
    assert not save(store, replace(first, area_ha=9.0), [detection(flight, 3.0, 4.0)], told("0002"))
    assert not save(store, replace(first, id="same work, other id"), [], told("0003"))
    assert store.surveys() == [first]
    assert len(store.detections("survey")) == 1
    assert said(store) == ["0001"]
    assert store.jobs([JobState.WAITING]) == []


def south_of_the_pole(
    east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return north - 91.0, east


@pytest.mark.parametrize("late", [False, True], ids=["broken detection", "broken message"])
def test_an_error_in_the_middle_leaves_nothing_behind(store: Store, late: bool) -> None:
    flight, other = add_flight(store), add_flight(store, "other", first=10)
    store.enqueue(flight.id, release_sha="r1")
    store.claim()
    store.save_view(ViewKey(flight.captures[0].digest, "plan", "r1"), b"x", None)
    assert save(store, survey(other, "before"), [], told(), plan_key="other plan")
    with pytest.raises((IntegrityError, ValueError)):
        store.save_survey(
            survey(flight),
            [detection(flight, 0.0, 1.0), detection(flight, 0.0, 0.5)],
            [replace(told("0002")[0], key="no key")] if late else told("0002"),
            plan_key="plan",
            release_sha="r1",
            to_geographic=near_bangalore if late else south_of_the_pole,
        )
    assert [each.id for each in store.surveys()] == ["before"]
    assert store.detections("survey") == []
    assert said(store) == ["0001"]
    assert [job.state for job in store.jobs()] == [JobState.RUNNING]
    assert len(store.views_done("plan", "r1")) == 1
    assert save(store, survey(flight), [detection(flight, 1.0, 1.0, Cover.CROP)], told("0002"))


def test_messages_are_found_by_state_and_id(store: Store) -> None:
    flight = add_flight(store)
    for number, each in enumerate(("b", "a")):
        save(store, survey(flight, each), [], told(each), plan_key=str(number))
    assert said(store) == ["a", "b"]  # the newest first
    assert said(store, MessageState.WAITING) == ["a", "b"]
    assert said(store, MessageState.SENT) == []
    newest, _older = store.messages()
    assert store.message(newest.id) == newest
    assert store.messages_of("a") == [newest]
    assert (newest.kind, newest.body, newest.attempts) == (MessageKind.SUMMARY, told()[0].body, 0)
    assert store.message("none") is None


def test_verdicts_and_gaps_come_back(store: Store) -> None:
    flight = add_flight(store)
    judged = replace(
        detection(flight, 1.0, 2.0, Cover.CROP), health=PlantHealth.YELLOWING, size_z=0.25, colour_z=-3.5
    )
    plants = [judged, detection(flight, 3.0, 4.0, Cover.CROP)]
    gaps = (Gap((1.0, 2.0), (1.0, 3.5), 3), Gap((5.0, 2.0), (5.0, 2.7), 1))
    known = replace(survey(flight), crop_missing=4)
    assert store.save_survey(
        known, plants, told(), plan_key="plan", release_sha="r1", to_geographic=near_bangalore, missing=gaps
    )
    assert store.survey("survey") == known
    back = {one.health: (one.size_z, one.colour_z) for one in store.detections("survey")}
    assert back == {PlantHealth.YELLOWING: (0.25, -3.5), None: (None, None)}
    assert [one.health for one in store.detections("survey", poor=True)] == [PlantHealth.YELLOWING]
    lat, lon = near_bangalore(np.array([1.0, 5.0]), np.array([2.0, 2.0]))
    stored = store.gaps("survey")
    assert [one.missing for one in stored] == [3, 1]
    assert stored[0].start == (lon[0], lat[0])
    assert stored[1].start == (lon[1], lat[1])
    assert store.gaps("none") == []


QUALITY = Quality(
    9,
    8,
    1,
    20,
    0.5,
    0.05,
    3.7,
    1.4,
    0,
    None,
    5.0,
    12.5,
    ((RING, RING),),
    "ab" * 32,
    0.5,
    ((RING, RING), (RING,)),
)


def test_how_well_a_flight_was_flown_comes_back(store: Store) -> None:
    flight = add_flight(store)
    known = replace(survey(flight), quality=QUALITY)
    assert save(store, known, [], told())
    assert store.survey("survey") == known


def test_what_an_earlier_release_counted_otherwise_is_not_known(store: Store) -> None:
    flight = add_flight(store)
    assert save(store, replace(survey(flight), quality=QUALITY), [], told())
    with sqlite3.connect(store.path) as database:
        database.execute("UPDATE surveys SET quality = json_remove(quality, '$.bare_pct', '$.thin')")
    found = store.survey("survey")
    assert found and found.quality
    assert found.quality == replace(QUALITY, thin_pct=None, bare_pct=None, holes=(), thin=())


def test_holes_of_an_earlier_release_are_rings_without_openings(store: Store) -> None:
    flight = add_flight(store)
    assert save(store, replace(survey(flight), quality=QUALITY), [], told())
    with sqlite3.connect(store.path) as database:
        database.execute(
            "UPDATE surveys SET quality = json_set(quality, '$.holes', json_array(json_extract(quality, '$.holes[0][0]')))"
        )
    found = store.survey("survey")
    assert found and found.quality == replace(QUALITY, holes=((RING,),))


def test_where_photos_stand_comes_back(store: Store) -> None:
    flight = add_flight(store)
    poses = [one.pose for one in flight.captures]
    assert all(poses)
    whys = (None, NotAligned.BLURRED, NotAligned.STRAY)
    placed = tuple(
        Placement(one.digest, one.pose, None if why else 0, 2.5, 0.1, None, 3, ("yaw",), RING, why)
        for one, why in zip(flight.captures, whys, strict=True)
        if one.pose
    )
    store.save_survey(
        survey(flight),
        [],
        told(),
        plan_key="plan",
        release_sha="r1",
        to_geographic=near_bangalore,
        placed=placed,
    )
    assert tuple(store.placements("survey")) == placed


def test_an_older_survey_that_is_confirmed_counts_again_and_is_told_again(store: Store) -> None:
    flight = add_flight(store)
    first = survey(flight)
    later = replace(first, id="later", made_at=first.made_at + timedelta(hours=1))
    subject = "survey of the flight"
    assert save(store, first, [], told("a", subject))
    assert save(store, later, [], told("b", subject), plan_key="other plan")
    assert [one.id for one in store.surveys(flight_id=flight.id)] == ["later", "survey"]
    assert said(store, MessageState.WAITING) == ["b"]
    store.confirm_survey("later", [])
    assert [one.id for one in store.surveys(flight_id=flight.id)] == ["later", "survey"]
    assert said(store) == ["b", "a"]
    store.confirm_survey("survey", [])
    assert [one.id for one in store.surveys(flight_id=flight.id)] == ["survey", "later"]
    assert said(store, MessageState.WAITING) == ["a"]
    assert said(store, MessageState.SUPERSEDED) == ["b", "a"]
    again, later_one, first_one = store.messages()
    assert again.replaces == (first_one.id, later_one.id)
    assert store.messages_of("survey") == [first_one, again]
    store.confirm_survey("later", [])
    assert [one.id for one in store.surveys()] == ["later", "survey"]
    assert said(store, MessageState.WAITING) == ["b"]


def test_a_list_that_came_later_and_changes_nothing_is_told_once(store: Store) -> None:
    flight = add_flight(store)
    known = survey(flight)
    assert save(store, known, [], told())
    late = Sentence("The list {file} is late.", {"file": "geo.txt", "share": 0.1})
    for _time in range(2):
        store.confirm_survey("survey", [late, *known.warnings])
    found = store.survey("survey")
    assert found and found.warnings == (late, *known.warnings)
    store.confirm_survey("none", [late])


def test_briefs_tell_of_each_field_its_last_dates_by_when_they_were_flown(store: Store) -> None:
    first = add_flight(store)
    later = replace(
        add_flight(store, "later", first=20),
        field_id=first.field_id,
        started_at=datetime(2026, 6, 20),
    )
    store.save_flight(later)
    for flight, name in ((later, "new"), (first, "old"), (first, "old again")):
        found = replace(survey(flight, name), weed_cover_pct=2.0)
        store.save_survey(found, [], told(name), plan_key=name, release_sha="r", to_geographic=near_bangalore)
    assert first.field_id is not None
    briefs = store.briefs_by_field()[first.field_id]
    assert [one.id for one in briefs] == ["new", "old again"]
    assert (briefs[0].spots, briefs[0].weed_cover_pct_interval95) == (2, Interval(3.0, 5.5))
    assert [one.id for one in store.briefs_by_field(1)[first.field_id]] == ["new"]


def test_surveys_that_count_are_read_without_outlines(store: Store) -> None:
    flight = add_flight(store)
    store.save_survey(survey(flight), [], told(), plan_key="p", release_sha="r", to_geographic=near_bangalore)
    found = store.surveys_of_flights(["flight", "nothing"])
    assert list(found) == ["flight"]
    assert found["flight"] == store.survey("survey")
