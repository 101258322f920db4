"""The removing, on a disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fieldbox.config import Config, StorageConfig
from fieldbox.domain import Capture, CaptureKind, FileKind, FileState, Flight, Original, Source
from fieldbox.errors import Rejected
from fieldbox.ingest.copy import Shelf, keep, original_path
from fieldbox.pictures import bands_path, made_path, mask_path, note_path
from fieldbox.retention import RASTERS, Keeper, require_originals
from fieldbox.storage.store import Store
from tests.storage.kept import bring, chart
from tests.storage.samples import RING, capture

MADE = (made_path, bands_path, mask_path, note_path)
SIZE = 3_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "fieldbox.db") as opened:
        yield opened
        assert opened.check() == []


def keeper(root: Path, store: Store, **settings: float) -> Keeper:
    return Keeper(Config(storage=StorageConfig(root, **{"reserve_mb": 0, **settings})), store)  # type: ignore[arg-type]


def mapped(root: Path, store: Store, flight_id: str, *, first: int = 1) -> list[Path]:
    """A flight that may go, with its files of SIZE bytes; their paths."""
    flight = bring(store, flight_id, first=first)
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE files SET size = ?", (SIZE,))
    done(root, store, flight)
    return [put(original_path(root / "originals", one.digest), SIZE) for one in flight.captures]


def done(root: Path, store: Store, flight: Flight) -> None:
    chart(store, flight)
    for name in RASTERS:
        put(root / "rasters" / f"survey of {flight.id}" / name, 1)


def put(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path


def there(paths: list[Path]) -> int:
    return sum(path.exists() for path in paths)


def test_room_is_made_of_the_oldest_flight_alone(tmp_path: Path, store: Store) -> None:
    old, new = mapped(tmp_path, store, "old"), mapped(tmp_path, store, "new", first=11)
    keeper(tmp_path, store).make_room(2 * SIZE)
    assert (there(old), there(new)) == (0, 3)
    assert not list((tmp_path / "originals").rglob("*.part"))


def test_refused_files_go_before_any_photo(tmp_path: Path, store: Store) -> None:
    old, refused = mapped(tmp_path, store, "old"), Original("e" * 64, "x.jpg", SIZE, FileKind.JPEG)
    ingest = store.begin_ingest("a bad card")
    store.add_given(ingest, [refused])
    store.settle_files([refused.digest], FileState.REFUSED)
    store.end_ingest(ingest, duplicates=0)
    bad = put(original_path(tmp_path / "originals", refused.digest), SIZE)
    keeper(tmp_path, store).make_room(SIZE)
    assert (there([bad]), there(old)) == (0, 3)


def test_photos_without_a_place_wait_for_a_list_and_then_go(tmp_path: Path, store: Store) -> None:
    flight = replace(bring(store, "nowhere"), field_id=None)
    store.save_flight(flight)
    paths = [put(original_path(tmp_path / "originals", one.digest), SIZE) for one in flight.captures]
    keeper(tmp_path, store).make_room(1)
    assert there(paths) == 3
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE files SET copied_at = '2026-01-01T00:00:00+00:00'")
    keeper(tmp_path, store).make_room(1)
    assert there(paths) == 0


def test_what_cannot_be_enough_is_not_begun(tmp_path: Path, store: Store) -> None:
    old, new = mapped(tmp_path, store, "old"), mapped(tmp_path, store, "new", first=11)
    keeper(tmp_path, store).make_room(7 * SIZE)
    assert (there(old), there(new)) == (3, 3)


def test_the_reserve_is_kept_as_far_as_it_goes(tmp_path: Path, store: Store) -> None:
    old = mapped(tmp_path, store, "old")
    pinned = mapped(tmp_path, store, "pinned", first=11)
    store.pin("pinned", True)
    assert keeper(tmp_path, store, reserve_mb=1_000_000).tidy() == ["old"]
    assert (there(old), there(pinned)) == (0, 3)


def test_pictures_go_with_the_originals_that_they_were_made_of(tmp_path: Path, store: Store) -> None:
    bands = [Original(f"{number:x}" * 64, f"{number}.tif", 10, FileKind.TIFF) for number in (1, 2)]
    one = _exposure([file.digest for file in bands])
    ingest = store.begin_ingest("card")
    store.add_given(ingest, bands)
    store.add_captures([one], ingest_id=ingest)
    field = store.add_field("Field", RING, drawn=False)
    flight = Flight("bands", field.id, None, None, (one,))
    store.save_flight(flight)
    store.end_ingest(ingest, duplicates=0)
    done(tmp_path, store, flight)
    files = [put(original_path(tmp_path / "originals", file.digest, file.kind), 10) for file in bands]
    made = [put(path(tmp_path, one.digest), SIZE) for path in MADE]
    stays = put(made_path(tmp_path, "ab" * 32), 10)  # of another flight
    with pytest.raises(ValueError, match="held"):
        _pinned_meanwhile(tmp_path, store)
    assert there([*files, *made]) == 6
    keeper(tmp_path, store).make_room(3 * SIZE)  # what was made counts
    assert there([*files, *made]) == 0
    assert stays.exists()
    assert [path.name for path in (tmp_path / "rasters" / "survey of bands").iterdir()]


def _exposure(files: list[str]) -> Capture:
    return replace(capture(9), source=Source(CaptureKind.BANDS, tuple(files)))


def _pinned_meanwhile(root: Path, store: Store) -> None:
    store.pin("bands", True)
    try:
        store.let_go(lambda _held: ["bands"])
    finally:
        store.pin("bands", False)


def test_a_flight_that_is_given_again_just_now_stays(tmp_path: Path, store: Store) -> None:
    paths = mapped(tmp_path, store, "old")
    ingest = store.begin_ingest("card")
    store.expect_file(ingest, paths[0].stem, "a.jpg")  # found on the box: not to be copied, and not noted yet
    keeper(tmp_path, store).make_room(SIZE)
    assert there(paths) == 3
    store.end_ingest(ingest, duplicates=1)
    keeper(tmp_path, store).make_room(SIZE)
    assert there(paths) == 0


def test_a_copy_that_is_not_noted_yet_is_not_swept(tmp_path: Path, store: Store) -> None:
    paths = mapped(tmp_path, store, "old")
    store.let_go(lambda _held: ["old"])
    ingest = store.begin_ingest("card")
    shelf = Shelf(tmp_path / "originals", tmp_path / "tmp", 0)
    source = put(tmp_path / "card" / "a.jpg", 1000)
    kept = keep(source, shelf, expecting=lambda digest: store.expect_file(ingest, digest, "a.jpg"))
    assert kept.path.exists()
    store.expect_file(ingest, paths[1].stem, "b.jpg")  # and this one is about to be named
    assert keeper(tmp_path, store).sweep() == 2
    assert [path.exists() for path in paths] == [False, True, False]


def test_a_sweep_removes_only_what_is_noted(tmp_path: Path, store: Store) -> None:
    old, new = mapped(tmp_path, store, "old"), mapped(tmp_path, store, "new", first=11)
    store.let_go(lambda _held: ["old"])  # and the plug is pulled
    assert there(old) == 3
    assert keeper(tmp_path, store).sweep() == 3
    assert keeper(tmp_path, store).sweep() == 0
    assert (there(old), there(new)) == (0, 3)


def test_a_flight_without_its_photos_is_not_mapped_anew(tmp_path: Path, store: Store) -> None:
    mapped(tmp_path, store, "old")
    flight = store.flight("old")
    assert flight
    require_originals(store, flight)
    store.let_go(lambda _held: ["old"])
    with pytest.raises(Rejected, match="3 of its photos were removed on"):
        require_originals(store, flight)
