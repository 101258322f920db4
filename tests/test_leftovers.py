"""Files that nothing needs any more go, and no others."""

from __future__ import annotations

from pathlib import Path

from fieldbox.leftovers import remove_leftovers
from fieldbox.pictures import bands_path, made_path
from fieldbox.storage.rows import ViewKey
from fieldbox.storage.store import Store
from tests.storage.kept import bring, chart


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_what_is_needed_stays_and_the_rest_goes(tmp_path: Path) -> None:
    with Store.open(tmp_path / "fieldbox.db") as store:
        flight = bring(store, "flight")
        chart(store, flight)
        known, plan = flight.captures[0].digest, "ab" * 32
        store.save_view(ViewKey(known, plan, "r"), b"seen", None)
        needed = [
            tmp_path / "rasters" / "survey of flight" / "map.tif",
            made_path(tmp_path, known),
            bands_path(tmp_path, known),
            tmp_path / "work" / "points-flight" / "x.points",
            tmp_path / "work" / plan[:16] / f"{known}.patch",
        ]
        lost = [
            tmp_path / "rasters" / "of a deleted flight" / "map.tif",
            made_path(tmp_path, "f" * 64),
            tmp_path / "work" / "points-deleted" / "x.points",
            tmp_path / "work" / ("cd" * 8) / "x.patch",
        ]
        being_written = tmp_path / "made" / known[:2] / f".{known}.jpg.tmp" / "x"
        put(*needed, *lost, being_written)
        assert remove_leftovers(tmp_path, store) == len(lost)
        assert all(path.exists() for path in (*needed, being_written))
        assert not any(path.exists() for path in lost)
        assert remove_leftovers(tmp_path, store) == 0


def test_a_box_without_any_folder_has_nothing_left_over(tmp_path: Path) -> None:
    with Store.open(tmp_path / "fieldbox.db") as store:
        assert remove_leftovers(tmp_path, store) == 0
