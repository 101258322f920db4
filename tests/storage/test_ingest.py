from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fieldbox.domain import Capture, FileKind, FileState, Original, Rejection
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, add_flight, capture


def test_a_capture_comes_back_as_it_went_in(store: Store) -> None:
    with_pose, without = capture(1), capture(2, placed=False)
    ingest = add_captures(store, [with_pose, without])
    assert store.captures([without.digest, with_pose.digest]) == [without, with_pose]
    assert store.captures_of_ingest(ingest) == [with_pose, without]


def test_a_known_digest_is_refused_and_changes_nothing(store: Store) -> None:
    add_captures(store, [capture(1)])
    again = store.begin_ingest("the same card")
    assert not store.add_capture(capture(1), ingest_id=again)
    assert store.captures_of_ingest(again) == []


def test_captures_of_the_same_files_come_all_or_none(store: Store) -> None:
    ingest = store.begin_ingest("a card")

    def cut_off() -> Iterator[Capture]:
        yield capture(1)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.add_captures(cut_off(), ingest_id=ingest)
    assert store.captures_of_ingest(ingest) == []
    digest = capture(1).digest
    added = store.add_captures([capture(1), capture(2)], ingest_id=ingest, glances={digest: b"seen"})
    assert added == 2
    assert store.glances([digest, capture(2).digest]) == {digest: b"seen"}


def test_two_files_of_one_name_are_both_read(store: Store) -> None:
    """A card of another drone in the same reader, before the first one's files were read."""
    ingest = store.begin_ingest("card")
    one, other = (Original(digit * 64, "DCIM/DJI_0001.JPG", 9, FileKind.JPEG) for digit in "ab")
    store.add_given(ingest, [one])
    for _twice in range(2):
        store.add_given(ingest, [other])
    left = store.given_in(ingest, state=FileState.COPIED)
    assert left == [one, replace(other, name="DCIM/DJI_0001 (2).JPG")]
    store.settle_files([one.digest, other.digest], FileState.REFUSED)
    mended = replace(one, digest="c" * 64)
    store.add_given(ingest, [mended])  # what was read is not forgotten by another file in its place
    assert store.given_in(ingest, state=FileState.COPIED) == [mended]


def test_known(store: Store) -> None:
    add_captures(store, [capture(1)])
    assert store.known(capture(1).digest)
    assert not store.known(capture(2).digest)


def test_many_digests_are_looked_up_at_once_and_unknown_ones_left_out(store: Store) -> None:
    captures = [capture(number) for number in range(3)]
    add_captures(store, captures)
    asked = [f"{number:064x}" for number in range(1200)]
    assert store.captures(asked) == captures


def test_rejections_are_those_of_the_ingest_or_of_the_flight_it_brought(store: Store) -> None:
    flight = add_flight(store)
    other = store.begin_ingest("upload")
    blurred = Rejection("a.jpg", Sentence("{name} is no photo.", {"name": "a.jpg"}))
    lonely = Rejection("b.jpg", Sentence("The file is empty."))
    store.add_rejections(1, [blurred])
    store.add_rejections(other, [lonely])
    store.add_rejections(other, [])
    assert store.rejections(flight_id=flight.id) == [blurred]
    assert store.rejections(ingest_id=other) == [lonely]
    assert store.rejections() == [blurred, lonely]


def test_ingests_are_counted_newest_first(store: Store) -> None:
    add_captures(store, [capture(1), capture(2)])
    running = store.begin_ingest("drop folder")
    store.add_rejections(running, [Rejection("c", Sentence("No."))])
    newest, oldest = store.ingests()
    assert (newest.source, newest.accepted, newest.rejected, newest.ended_at) == ("drop folder", 0, 1, None)
    assert (oldest.accepted, oldest.rejected) == (2, 0)
    assert oldest.ended_at is not None
    assert oldest.ended_at > oldest.started_at
    store.end_ingest(running, duplicates=4)
    assert store.ingests()[0].duplicates == 4
