from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from fieldbox.domain import Rejection
from fieldbox.errors import Rejected
from fieldbox.ingest import scan as module
from fieldbox.ingest.scan import Found, scan


def names(path: Path) -> list[str]:
    return [item.name for item in scan(path)]


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_sorted_and_relative_without_leftovers(tmp_path: Path) -> None:
    put(tmp_path, "b.jpg", "DCIM/101/a.jpg", "DCIM/100/z.JPG", "notes.txt", "ünï code.jpg")
    put(tmp_path, "._b.jpg", ".Trashes/c.jpg", "@eaDir/d.jpg", "Thumbs.db", "truth.json", "x/PPKRAW.OBS")
    put(tmp_path, "DCIM/100/Timestamp.MRK", "DCIM/100/EVENTLOG.bin", "MISC/THM/100/z.SCR", "DCIM/101/a.LRF")
    assert names(tmp_path) == [
        "DCIM/100/Timestamp.MRK",
        "DCIM/100/z.JPG",
        "DCIM/101/a.jpg",
        "b.jpg",
        "notes.txt",
        "ünï code.jpg",
    ]


def test_a_single_file(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    assert list(scan(tmp_path / "a.jpg")) == [Found(tmp_path.resolve() / "a.jpg", "a.jpg")]


def test_links_stay_within_the_folder(tmp_path: Path) -> None:
    put(tmp_path, "card/a.jpg", "secret/key")
    card = tmp_path / "card"
    (card / "inside.jpg").symlink_to("a.jpg")
    (card / "outside.jpg").symlink_to(tmp_path / "secret/key")
    (card / "loop").symlink_to(card)
    (card / "gone.jpg").symlink_to("nowhere")
    (card / "circle.jpg").symlink_to("circle.jpg")
    found = list(scan(card))
    assert [item.name for item in found if isinstance(item, Found)] == ["a.jpg", "inside.jpg"]
    refused = [item for item in found if isinstance(item, Rejection)]
    assert [item.name for item in refused] == ["circle.jpg", "gone.jpg", "loop", "outside.jpg"]


def test_a_pipe_is_passed_over_and_does_not_hang(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "b.jpg")
    assert names(tmp_path) == ["a.jpg"]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    assert names(tmp_path) == ["caf\ufffd.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_closed_folder_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "closed/b.jpg")
    (tmp_path / "closed").chmod(0)
    found = list(scan(tmp_path))
    (tmp_path / "closed").chmod(0o700)
    assert [type(item) for item in found] == [Found, Rejection]


@pytest.mark.parametrize("name", ["missing", "empty", "hidden"])
def test_nothing_to_take_in(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    put(tmp_path, "hidden/.DS_Store")
    with pytest.raises(Rejected, match="give the folder with the drone's JPEGs"):
        list(scan(tmp_path / name))


def test_names_that_would_turn_what_is_written_around_them(tmp_path: Path) -> None:
    put(tmp_path, "a\nb\x1b[2J.jpg", "photo\u202egpj.exe", "\u0916\u0947\u0924\u200d.jpg")
    assert names(tmp_path) == ["a\ufffdb\ufffd[2J.jpg", "photo\ufffdgpj.exe", "\u0916\u0947\u0924\u200d.jpg"]


def test_names_of_other_systems_are_names(tmp_path: Path) -> None:
    """As long as a name may be, of two cases, or with what another system keeps for itself."""
    odd = ["A.JPG", "CON.jpg", "a.JPG", "b:c?.jpg", "nul", "x" * 251 + ".jpg", "z .jpg "]
    put(tmp_path, *odd)
    assert names(tmp_path) == odd


def test_folders_as_deep_as_a_path_may_be(tmp_path: Path) -> None:
    """Each level took two frames of Python's stack, which has a thousand."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _level in range(700):
        os.mkdir("a", dir_fd=here)
        within = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = within
    os.close(os.open("x.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    assert names(tmp_path) == ["a/" * 700 + "x.jpg"]


def test_more_files_than_a_card_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a/1.jpg", "a/2.jpg", "b/3.jpg")
    monkeypatch.setattr(module, "MOST_FILES", 3)
    assert len(names(tmp_path)) == 3
    for most in (2, 1):  # in all, and in one folder before it is even sorted
        monkeypatch.setattr(module, "MOST_FILES", most)
        with pytest.raises(Rejected, match=f"more than {most} files"):
            list(scan(tmp_path))


def test_sockets_and_devices_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.jpg")
    monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.jpg")
        with suppress(PermissionError):  # only root may
            os.mknod("zero.jpg", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        (tmp_path / "link.jpg").symlink_to("s.jpg")
        found = list(scan(tmp_path))
    assert [(type(one), one.name) for one in found] == [(Found, "a.jpg"), (Rejection, "link.jpg")]
