from __future__ import annotations

from dataclasses import replace

import pytest

from fieldbox.domain import Cover, Flight, Label, LabelVerdict
from fieldbox.storage.store import Store
from tests.storage.samples import START, add_flight, as_degrees, detection, survey, told


@pytest.fixture
def flight(store: Store) -> Flight:
    """A flight with a survey of three weeds, the last one unsure, and a crop plant."""
    made = add_flight(store)
    save(store, made, "survey")
    return made


def save(store: Store, flight: Flight, survey_id: str, release_sha: str = "release") -> None:
    weeds = [replace(detection(flight, 77.0 + i * 1e-5, 12.0), pixel_x=100.0 * i) for i in range(3)]
    plants = [*weeds[:2], replace(weeds[2], sure=False, score=0.5), detection(flight, 77.1, 12.0, Cover.CROP)]
    store.save_survey(
        survey(flight, survey_id),
        plants,
        told(survey_id),
        plan_key=survey_id,
        release_sha=release_sha,
        to_geographic=as_degrees,
    )


def give(
    store: Store, plant: int, verdict: LabelVerdict, who: str = "asha", act: str = "act-of-asha"
) -> Label | None:
    return store.give_label(plant, verdict, who=who, act=act, by_chance=True)


def plants_of(store: Store, survey_id: str = "survey") -> list[int]:
    return [int(one) for one in store.called(survey_id).plants]


def test_a_verdict_keeps_where_the_plant_is_and_what_the_model_said(store: Store, flight: Flight) -> None:
    plant = plants_of(store)[2]
    given = give(store, plant, LabelVerdict.CROP)
    assert given == store.labels()[0]
    assert (given.plant, given.survey_id, given.digest) == (plant, "survey", flight.captures[0].digest)
    assert (given.pixel_x, given.pixel_y, given.lat, given.cover) == (200.0, 200.25, 12.0, Cover.WEED)
    assert (given.score, given.sure, given.release_sha, given.who) == (0.5, False, "release", "asha")


def test_a_verdict_that_comes_twice_counts_once(store: Store, flight: Flight) -> None:
    plant = plants_of(store)[0]
    first = give(store, plant, LabelVerdict.RIGHT)
    assert give(store, plant, LabelVerdict.RIGHT) == first
    assert len(store.labels()) == 1


def test_a_late_copy_of_a_verdict_that_was_taken_back_changes_nothing(store: Store, flight: Flight) -> None:
    plant = plants_of(store)[0]
    give(store, plant, LabelVerdict.RIGHT)
    store.undo_label("asha", "act-of-asha")
    late = give(store, plant, LabelVerdict.RIGHT)
    assert late is not None and late.undone_at is not None
    assert store.labels() == []


def test_a_new_verdict_of_a_person_takes_the_place_of_the_former(store: Store, flight: Flight) -> None:
    plant = plants_of(store)[0]
    give(store, plant, LabelVerdict.RIGHT, act="first")
    give(store, plant, LabelVerdict.WRONG, act="second")
    give(store, plant, LabelVerdict.CROP, who="ravi", act="third")
    assert [(one.who, one.verdict) for one in store.labels_of([plant])] == [
        ("asha", LabelVerdict.WRONG),
        ("ravi", LabelVerdict.CROP),
    ]


def test_only_ones_own_verdict_is_taken_back_the_last_one_first(store: Store, flight: Flight) -> None:
    one, two, _ = plants_of(store)
    give(store, one, LabelVerdict.RIGHT, act="one")
    give(store, two, LabelVerdict.RIGHT, act="two")
    give(store, two, LabelVerdict.RIGHT, who="ravi", act="three")
    assert store.undo_label("asha", "three") is None
    taken = store.undo_label("asha")
    assert taken is not None and taken.plant == two and taken.undone_at is not None
    assert [(one.plant, one.who) for one in store.labels()] == [(one, "asha"), (two, "ravi")]
    assert store.undo_label("nobody") is None


def test_what_is_no_weed_cannot_be_judged(store: Store, flight: Flight) -> None:
    crop = store.detections("survey", cover=Cover.CROP)[0].id
    assert give(store, crop, LabelVerdict.RIGHT) is None
    assert give(store, 999, LabelVerdict.RIGHT) is None
    assert store.plants_seen([crop, 999]) == []


def test_verdicts_are_found_by_release_time_and_person(store: Store, flight: Flight) -> None:
    save(store, flight, "other", "next release")
    give(store, plants_of(store)[0], LabelVerdict.RIGHT, act="old")
    later = give(store, plants_of(store, "other")[0], LabelVerdict.RIGHT, who="ravi", act="new")
    assert later is not None
    assert [one.survey_id for one in store.labels(release_sha="release")] == ["survey"]
    assert store.labels(release_sha="next release", since=later.at) == [later]
    assert store.labels(since=START) and store.labels(who="ravi") == [later]
    assert store.labels(survey_id="other") == [later]


def test_the_plants_called_weeds_are_counted_by_how_sure_the_model_is(store: Store, flight: Flight) -> None:
    assert store.called_count("survey") == (2, 1)
    assert store.called_count("none") == (0, 0)
    called = store.called("survey")
    assert called.sure.tolist() == [True, True, False]
    assert [called.digests[one] for one in called.photo] == [flight.captures[0].digest] * 3
    assert called.hotspots.tolist() == [[12.0, 77.0], [12.0, 77.0]]
    assert store.called("none").digests == ()


def test_of_each_flight_and_field_the_survey_that_counts_can_be_checked(store: Store, flight: Flight) -> None:
    save(store, flight, "newer")
    give(store, plants_of(store, "newer")[0], LabelVerdict.RIGHT, act="one")
    give(store, plants_of(store, "newer")[0], LabelVerdict.RIGHT, who="ravi", act="two")
    assert flight.field_id is not None
    (found,) = store.reviewable(flight.field_id)
    assert (found.survey_id, found.checked) == ("newer", 1)
    assert store.reviewable() == store.reviewable(flight_id=flight.id) == [found]
    assert store.reviewable(field_id=999) == []


def test_a_plant_is_shown_as_its_survey_has_it(store: Store, flight: Flight) -> None:
    first, second, _ = plants_of(store)
    shown = store.plants_seen([second, first])
    assert [one.plant for one in shown] == [second, first]
    assert shown[0].camera == flight.captures[0].camera and shown[0].pose == flight.captures[0].pose
    assert (shown[0].pixel_x, shown[0].gsd_cm, shown[0].field_id) == (100.0, 0.3, flight.field_id)
    assert shown[0].outline.shape == (3, 2)
