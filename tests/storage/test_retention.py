"""What the database says may go, and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fieldbox.domain import Capture, CaptureKind, FileKind, FileState, Flight, Original, Source
from fieldbox.i18n import Sentence
from fieldbox.storage.rows import Hold, Holding
from fieldbox.storage.store import Store
from tests.storage.kept import bring, chart, original
from tests.storage.samples import START, capture


def holds(store: Store, flight_id: str) -> set[Hold]:
    return set(next(one for one in store.holdings() if one.flight_id == flight_id).holds)


def every(held: Sequence[Holding]) -> Collection[str]:
    return [one.flight_id for one in held]


def test_a_flight_that_is_done_is_held_by_nothing(store: Store) -> None:
    flight = bring(store, "done")
    chart(store, flight)
    (one,) = store.holdings()
    assert one.holds == frozenset()
    assert one.files == {each.digest: each.size for each in flight.captures}
    assert one.survey_id == "survey of done"
    assert one.made == ()


def test_what_holds_a_flight(store: Store) -> None:
    flight = bring(store, "flight")
    assert holds(store, "flight") == {Hold.UNMAPPED, Hold.QUEUED}
    store.enqueue("flight", release_sha="another")
    assert holds(store, "flight") == {Hold.UNMAPPED, Hold.QUEUED}
    job = store.claim()
    assert job
    assert Hold.QUEUED in holds(store, "flight")
    store.fail(job.id, Sentence("It failed."), retry_at=None)
    assert Hold.QUEUED in holds(store, "flight")
    chart(store, flight, sent=False)
    assert holds(store, "flight") == set()
    assert store.pin("flight", True)
    assert holds(store, "flight") == {Hold.PINNED}
    assert store.pin("flight", False)
    ingest = store.begin_ingest("the same card")
    store.expect_file(ingest, original(2).digest, "again.jpg")
    assert holds(store, "flight") == {Hold.ARRIVING}
    store.end_ingest(ingest, duplicates=1)
    assert holds(store, "flight") == set()
    assert not store.pin("none", True)


def test_a_flight_that_has_grown_since_it_was_mapped_is_held(store: Store) -> None:
    flight = bring(store, "flight")
    chart(store, flight)
    ingest = store.begin_ingest("the rest of the card")
    store.add_given(ingest, [original(7)])
    store.add_capture(capture(7), ingest_id=ingest)
    store.save_flight(replace(flight, captures=(*flight.captures, capture(7))))
    assert holds(store, "flight") == {Hold.ARRIVING}
    store.end_ingest(ingest, duplicates=0)  # and the plug is pulled before it is in the queue
    assert holds(store, "flight") == {Hold.QUEUED}
    store.finish(store.enqueue("flight", release_sha="release"))
    assert holds(store, "flight") == set()


def test_a_flight_is_unsent_until_the_hub_has_what_tells_of_it_and_when_it_wants_it_again(
    store: Store,
) -> None:
    def unsent() -> bool:
        (one,) = store.holdings()
        assert not one.holds
        return one.unsent

    chart(store, bring(store, "flight"), sent=False)
    (summary,) = store.messages()
    assert unsent()
    store.mark_sent([summary.id], batch="b" * 16, carrier="mqtt", size=300, now=START)
    assert unsent()
    store.acknowledge(START, ids=[summary.id])
    assert not unsent()
    store.send_again([summary.id])
    assert unsent()
    store.acknowledge(START, refused={summary.id: "schema"})
    assert not unsent()
    assert store.let_go(lambda _held: ["flight"]) == ["flight"]


def test_what_has_gone_is_noted_and_its_results_stay(store: Store) -> None:
    flight, other = bring(store, "flight"), bring(store, "other", first=11)
    chart(store, flight)
    chart(store, other)
    assert store.let_go(lambda _held: ["flight"]) == ["flight"]
    assert [one.flight_id for one in store.holdings()] == ["other"]
    assert {one.digest for one in store.gone()} == {one.digest for one in flight.captures}
    assert store.survey("survey of flight")
    assert store.flight("flight") == flight
    kept = store.kept("flight")
    assert kept
    assert (kept.captures, kept.kept, kept.bytes) == (3, 0, 0)
    assert kept.gone_at
    assert store.gone_at(flight.captures[0].digest) == kept.gone_at
    assert store.gone_at(other.captures[0].digest) is None
    assert store.gone_at("unknown") is None
    assert store.kept("none") is None
    assert [(one.action, one.detail) for one in store.audits()] == [("photos removed", "flight")]


def test_what_is_held_cannot_be_let_go_by_mistake(store: Store) -> None:
    chart(store, bring(store, "free"))
    bring(store, "held", first=11)
    with pytest.raises(ValueError, match="held"):
        store.let_go(every)
    assert store.gone() == []


def test_a_file_that_has_gone_is_not_known_and_is_as_before_when_given_again(store: Store) -> None:
    flight = bring(store, "flight")
    chart(store, flight)
    size = flight.captures[0].size
    assert store.has_size(size)
    store.let_go(every)
    assert not store.has_size(size)
    assert store.captures_made_of([original(1).digest]) == [original(1).digest]
    ingest = store.begin_ingest("card")
    assert store.add_given(ingest, [original(1), original(2)]) == set()  # they have been read
    store.end_ingest(ingest, duplicates=2)
    kept = store.kept("flight")
    assert kept
    assert (kept.captures, kept.kept) == (3, 2)
    assert store.has_size(size)
    assert store.gone_at(original(1).digest) is None
    assert store.given_in(ingest, state=FileState.TAKEN) == [original(1), original(2)]
    (one,) = store.holdings()
    assert set(one.files) == {original(1).digest, original(2).digest}
    assert one.since > datetime(2026, 6, 1, 6, 30, tzinfo=UTC)


def test_what_somebody_brings_just_now_is_not_removed(store: Store) -> None:
    chart(store, bring(store, "flight"))
    store.let_go(every)
    ingest = store.begin_ingest("card")
    store.expect_file(ingest, original(2).digest, "b.jpg")
    store.expect_file(ingest, "never seen", "c.jpg")
    assert {one.digest for one in store.gone()} == {original(1).digest, original(3).digest}
    with store.removing([original(1).digest, original(2).digest]) as still:
        assert [one.digest for one in still] == [original(1).digest]
    store.end_ingest(ingest, duplicates=0)
    assert len(store.gone()) == 3


def test_refused_files_may_go_and_are_read_again_when_they_come_again(store: Store) -> None:
    ingest = store.begin_ingest("card")
    store.add_given(ingest, [original(1), original(2)])
    store.settle_files([original(1).digest], FileState.REFUSED)
    assert store.let_unused_go(list) == []  # they are being brought in
    store.end_ingest(ingest, duplicates=0)
    (gone,) = store.let_unused_go(list)
    assert (gone.digest, gone.size) == (original(1).digest, original(1).size)
    assert [one.digest for one in store.gone()] == [gone.digest]
    assert [(one.action, one.detail) for one in store.audits()] == [("refused files removed", "1")]
    again = store.begin_ingest("card")
    assert gone.digest in store.add_given(again, [original(1)])
    store.end_ingest(again, duplicates=0)


def test_a_flight_without_a_place_waits_for_no_map(store: Store) -> None:
    ingest = store.begin_ingest("card")
    store.add_given(ingest, [original(1)])
    store.add_capture(replace(capture(1), pose=None), ingest_id=ingest)
    store.save_flight(Flight("nowhere", None, None, None, (replace(capture(1), pose=None),)))
    store.end_ingest(ingest, duplicates=0)
    (one,) = store.holdings()
    assert (one.holds, one.placed) == (frozenset(), False)


def exposure(number: int, *files: Original) -> Capture:
    digests = tuple(one.digest for one in files)
    photo = capture(number)
    return Capture(
        f"{number:064x}", "x", 1, None, None, None, photo.camera, photo.pose, None,
        source=Source(CaptureKind.BANDS, digests),
    )  # fmt: skip


def test_the_files_of_exposures_are_held_by_each_flight_that_has_them(store: Store) -> None:
    bands = [Original(f"{number:x}" * 64, f"{number}.tif", 100, FileKind.TIFF) for number in range(1, 5)]
    panel, one, two = exposure(100, bands[0]), exposure(101, bands[1], bands[2]), exposure(102, bands[3])
    ingest = store.begin_ingest("card")
    store.add_given(ingest, bands)
    store.add_captures([panel, one, two], ingest_id=ingest)
    field = store.add_field("Field", ((77.0, 12.0), (77.001, 12.0), (77.001, 12.001)), drawn=False)
    store.save_flight(Flight("first", field.id, None, None, (panel, one)))
    store.save_flight(Flight("second", field.id, None, None, (panel, two)))
    store.end_ingest(ingest, duplicates=0)
    held = {each.flight_id: each for each in store.holdings()}
    assert set(held["first"].files) == {each.digest for each in bands[:3]}
    assert set(held["second"].files) == {bands[0].digest, bands[3].digest}
    assert set(held["first"].made) == {panel.digest, one.digest}
    kept = store.kept("first")
    assert kept
    assert (kept.captures, kept.kept, kept.bytes) == (2, 2, 300)
