from __future__ import annotations

from dataclasses import replace

from fieldbox.domain import RefusedList, Rejection, SideFile, SideKind, Stated
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, add_flight, capture

ONE, TWO, THREE = (capture(number) for number in (1, 2, 3))
LIST = SideFile(
    "ab" * 32,
    "DCIM/geo.txt",
    SideKind.POSITIONS,
    "EPSG:32643",
    b"EPSG:4326\n\xff\x00",
    {ONE.digest: "DCIM/DJI_0001.JPG", TWO.digest: "DCIM/DJI_0002.JPG"},
)


def test_a_list_comes_back_with_the_photos_it_may_mean(store: Store) -> None:
    ingest = add_captures(store, [ONE, TWO, THREE])
    assert store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest)
    assert store.side_files([ONE.digest]) == [LIST]
    assert store.side_files([ONE.digest, THREE.digest, "unknown"]) == [LIST]
    assert store.side_files([TWO.digest]) == []  # it says nothing of this one
    assert store.side_files([]) == []


def test_the_same_list_again_changes_nothing(store: Store) -> None:
    ingest = add_captures(store, [ONE, TWO, THREE])
    assert store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest)
    assert not store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest)
    renamed = replace(LIST, name="elsewhere.txt", photos={ONE.digest: "other.JPG"})
    assert not store.add_side_file(renamed, named={ONE.digest}, ingest_id=ingest)
    assert store.side_files([ONE.digest]) == [LIST]


def test_a_list_gains_photos_that_come_later(store: Store) -> None:
    ingest = add_captures(store, [ONE, TWO, THREE])
    store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest)
    grown = replace(LIST, photos={**LIST.photos, THREE.digest: "DCIM/DJI_0003.JPG"})
    assert store.add_side_file(grown, named={ONE.digest, THREE.digest}, ingest_id=ingest)
    assert store.side_files([THREE.digest]) == [grown]


def test_a_later_list_comes_first(store: Store) -> None:
    ingest = add_captures(store, [ONE, TWO])
    later = replace(LIST, digest="cd" * 32, kind=SideKind.CONTROL, system=None)
    for file in (LIST, later):
        store.add_side_file(file, named={ONE.digest}, ingest_id=ingest)
    assert [file.kind for file in store.side_files([ONE.digest])] == [SideKind.CONTROL, SideKind.POSITIONS]


def test_a_list_that_is_given_again_counts_again(store: Store) -> None:
    """And one that only lies on a card that is plugged in once more does not."""
    ingest = add_captures(store, [ONE, TWO])
    other = replace(LIST, digest="cd" * 32, name="other.txt")
    for file in (LIST, other):
        store.add_side_file(file, named={ONE.digest}, ingest_id=ingest)
    assert not store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest)
    assert [file.name for file in store.side_files([ONE.digest])] == ["other.txt", LIST.name]
    assert store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest, latest=True)
    assert not store.add_side_file(LIST, named={ONE.digest}, ingest_id=ingest, latest=True)
    assert [file.name for file in store.side_files([ONE.digest])] == [LIST.name, "other.txt"]
    third = replace(LIST, digest="ef" * 32, name="third.txt")
    assert store.add_side_file(third, named={ONE.digest}, ingest_id=ingest)
    assert store.side_files([ONE.digest])[0].name == "third.txt"


def test_what_a_photo_states_is_kept_until_it_is_taken_off_the_map(store: Store) -> None:
    stated = Stated(12.5, 540.0, 90.0, 0.0, -1.5, 1.5, 2.0, 3.0, 1.0)
    lost = replace(capture(7, placed=False), lat=None, lon=None, stated=stated)
    bare = replace(lost, digest="f" * 64, stated=replace(stated, height_m=None, yaw_deg=None))
    add_captures(store, [lost, bare])
    assert store.captures([lost.digest, bare.digest]) == [lost, bare]
    store.unplace(lost.digest, Sentence("Damaged."))
    assert store.captures([lost.digest])[0].stated is None


def test_a_list_that_is_not_used_is_known_by_the_flights_it_is_about(store: Store) -> None:
    first, second = add_flight(store, "one"), add_flight(store, "two", first=11)
    ingest = store.begin_ingest("stick")
    wrong, later = Sentence("It is {what}.", {"what": "wrong"}), Sentence("Still wrong.")
    both = [one.digest for one in (*first.captures[:2], *second.captures)]
    store.refuse_list(Rejection("lists/geo.txt", wrong), both, ingest_id=ingest)
    (told,) = store.refused_lists("one")
    assert (told.name, told.reason) == ("lists/geo.txt", wrong)
    assert [told] == store.refused_lists("two")
    assert told.given_at == store.ingests()[0].started_at
    store.refuse_list(Rejection("geo.txt", later), [first.captures[0].digest, "unknown"], ingest_id=ingest)
    store.refuse_list(Rejection("points.txt", later), [first.captures[0].digest], ingest_id=ingest)
    assert [one.name for one in store.refused_lists("one")] == ["points.txt", "geo.txt", "lists/geo.txt"]
    store.settle_list("other/GEO.txt", [one.digest for one in first.captures])
    assert [one.name for one in store.refused_lists("one")] == ["points.txt"]
    assert store.refused_lists("two") == [RefusedList("lists/geo.txt", wrong, told.given_at)]
    store.refuse_list(Rejection("nowhere.txt", later), [], ingest_id=ingest)
    assert store.check() == []
