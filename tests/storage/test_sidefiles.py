from __future__ import annotations

from dataclasses import replace

from fieldbox.domain import SideFile, SideKind, Stated
from fieldbox.i18n import Sentence
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, capture

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


def test_what_a_photo_states_is_kept_until_it_is_taken_off_the_map(store: Store) -> None:
    stated = Stated(12.5, 540.0, 90.0, 0.0, -1.5, 1.5, 2.0, 3.0, 1.0)
    lost = replace(capture(7, placed=False), lat=None, lon=None, stated=stated)
    bare = replace(lost, digest="f" * 64, stated=replace(stated, height_m=None, yaw_deg=None))
    add_captures(store, [lost, bare])
    assert store.captures([lost.digest, bare.digest]) == [lost, bare]
    store.unplace(lost.digest, Sentence("Damaged."))
    assert store.captures([lost.digest])[0].stated is None
