"""What lies in the drop folder is taken when it has stopped growing, once, and stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fieldbox.ingest.drop import LOOSE, PATIENCE, Settling, Stamp, Taken, is_temporary, look

SETTLE_S = 20.0


def put(folder: Path, name: str, data: bytes = b"photo") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_files_are_listed_by_the_folder_they_came_in(tmp_path: Path) -> None:
    for name in ("a.jpg", "north/1.jpg", "north/100MEDIA/2.jpg", "south/1.jpg"):
        put(tmp_path, name)
    groups = look(tmp_path)
    assert {name: sorted(files) for name, files in groups.items()} == {
        LOOSE: ["a.jpg"],
        "north": ["north/1.jpg", "north/100MEDIA/2.jpg"],
        "south": ["south/1.jpg"],
    }
    told = (tmp_path / "a.jpg").stat()
    assert groups[LOOSE]["a.jpg"] == (5, told.st_mtime_ns, told.st_ino)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "good/1.jpg")
    (tmp_path / "good" / "link.jpg").symlink_to("1.jpg")
    (tmp_path / "good" / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "good" / "pipe.jpg")
    (tmp_path / "empty").mkdir()
    put(tmp_path, "deep/" + "d/" * 400 + "1.jpg")
    odd = Path(os.fsdecode(os.fsencode(tmp_path / "good") + b"/\xff\xfe.jpg"))
    odd.write_bytes(b"x")
    groups = look(tmp_path)
    assert set(groups) == {"good", "deep"}
    assert sorted(groups["good"]) == ["good/1.jpg", "good/" + odd.name]
    assert look(tmp_path / "not there") == {}
    assert look(tmp_path / "good" / "1.jpg") == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_an_unreadable_folder_does_not_hide_the_others(tmp_path: Path) -> None:
    put(tmp_path, "shut/1.jpg")
    put(tmp_path, "open/1.jpg")
    (tmp_path / "shut").chmod(0)
    assert set(look(tmp_path)) == {"open"}
    (tmp_path / "shut").chmod(0o755)


def test_a_group_settles_when_nothing_changed_for_long_enough() -> None:
    settling = Settling(SETTLE_S)
    small, large = Stamp(1, 1, 1), Stamp(2, 2, 1)
    assert settling.see({"a": {"a/1": small}}, 0.0) == []
    assert settling.see({"a": {"a/1": small}}, SETTLE_S - 0.1) == []
    assert settling.see({"a": {"a/1": large}}, SETTLE_S) == []  # it grew: from the beginning
    assert settling.see({"a": {"a/1": large}}, 2 * SETTLE_S - 0.1) == []
    assert settling.see({"a": {"a/1": large}, "b": {"b/1": small}}, 2 * SETTLE_S) == ["a"]
    assert settling.see({"a": {"a/1": large, "a/2": small}, "b": {"b/1": small}}, 3 * SETTLE_S) == ["b"]
    assert settling.see({"a": {"a/1": large, "a/2": small}}, 4 * SETTLE_S) == ["a"]
    assert settling.see({"b": {"b/1": small}}, 9 * SETTLE_S) == []  # it was gone in between


def test_one_look_is_never_enough() -> None:
    """However long ago the service looked last."""
    assert Settling(0.1).see({"a": {"a/1": Stamp(1, 1, 1)}}, 1e9) == []


@pytest.mark.parametrize(
    "name", ["1.JPG.part", "x/DJI_1.jpg.filepart", "~$a.jpg", "1.TMP", ".~lock", "a.jpg~", "a.crdownload"]
)
def test_a_temporary_name_holds_its_folder_back_but_not_for_ever(name: str) -> None:
    assert is_temporary(name)
    settling, group = Settling(SETTLE_S), {"a": {"a/1.jpg": Stamp(1, 1, 1), "a/" + name: Stamp(1, 1, 2)}}
    settling.see(group, 0.0)
    assert settling.see(group, PATIENCE * SETTLE_S - 1) == []
    assert settling.see(group, PATIENCE * SETTLE_S) == ["a"]
    renamed = {"a": {"a/1.jpg": Stamp(1, 1, 1), "a/2.jpg": Stamp(1, 1, 2)}}
    assert settling.see(renamed, 1000.0) == []
    assert settling.see(renamed, 1000.0 + SETTLE_S) == ["a"]


def test_ordinary_names_are_not_temporary() -> None:
    assert not any(map(is_temporary, ("DJI_0001.JPG", "part.jpg", "tmp/1.jpg", "geo.txt", "a.partly.tif")))


def test_what_was_taken_is_remembered_over_a_restart(tmp_path: Path) -> None:
    drop, file = tmp_path / "drop", tmp_path / "state" / "taken.json"
    put(drop, "north/1.jpg")
    odd = Path(os.fsdecode(os.fsencode(drop) + b"/north/\xff.jpg"))
    odd.write_bytes(b"x")
    taken, group = Taken(file), look(drop)["north"]
    assert taken.is_new(group)
    taken.keep(group, group)
    assert not taken.is_new(group)
    assert not Taken(file).is_new(look(drop)["north"])
    put(drop, "north/2.jpg")
    assert Taken(file).is_new(look(drop)["north"])
    (drop / "north" / "2.jpg").unlink()
    os.utime(drop / "north" / "1.jpg", ns=(1, 1))
    assert Taken(file).is_new(look(drop)["north"])


def test_what_is_gone_is_forgotten_and_a_damaged_memory_is_an_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "taken.json"
    stamp = Stamp(1, 2, 3)
    taken = Taken(file)
    taken.keep({"a/1": stamp, "b/1": stamp}, ["a/1", "b/1"])
    taken.keep({"c/1": stamp}, ["a/1", "c/1"])
    again = Taken(file)
    assert not again.is_new({"a/1": stamp, "c/1": stamp})
    assert again.is_new({"b/1": stamp})
    for damage in (b"", b"{", b"[1]", b'{"a/1": [1]}', b'{"a/1": ["x", 1, 2]}', b"\xff" * 10, b"[" * 100_000):
        file.write_bytes(damage)
        assert Taken(file).is_new({"a/1": stamp})
