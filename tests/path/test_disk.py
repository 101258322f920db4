"""A full disk, a read-only card and a read-only box: said in one sentence, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.path.box import Box
from tests.path.conftest import Flown, Mapped

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a tmpfs of so many kilobytes under a name; skips where that is not allowed."""
    mounted: list[Path] = []

    def new(name: str, kilobytes: int) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        if os.geteuid() or _mount(folder, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs"):
            pytest.skip("no file system can be mounted here: that needs root")
        mounted.append(folder)
        return folder

    yield new
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(folder: Path, *options: str) -> int:
    return subprocess.run(["mount", *options, folder], check=False, capture_output=True).returncode


def remount(folder: Path, options: str) -> None:
    assert _mount(folder, "-o", f"remount,{options}") == 0


def kilobytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1024


def test_the_disk_fills_up_while_photos_are_copied(mount: Mount, flown: Flown, mapped: Mapped) -> None:
    card, _truth = flown
    disk = mount("disk", 600 + 1024 + kilobytes(card) // 2)
    box = Box(disk).with_settings(storage__reserve_mb="1")  # photos never take what the database needs
    assert "full" in box.ingest(card).refused()
    assert not list((disk / "tmp").iterdir())
    with box.store() as store:
        (ingest,) = store.ingests()
        assert 0 < ingest.accepted < 15
        assert len(list((disk / "originals").rglob("*.jpg"))) >= ingest.accepted
    assert "full" in box.ingest(card).refused()
    remount(disk, "size=256m")
    said = box.ingest(card)
    assert said.code == 0, said
    _same_but_seconds(said.json, mapped[1])


@pytest.mark.parametrize("left", [16, 300, 700])
def test_the_disk_fills_up_while_the_flight_is_mapped(
    mount: Mount, flown: Flown, mapped: Mapped, left: int
) -> None:
    card, _truth = flown
    disk = mount("disk", 64 * 1024)
    box = Box(disk)
    assert box.run("ingest", card).code == 0
    free = shutil.disk_usage(disk).free
    (disk / "ballast").write_bytes(b"\x00" * (free - left * 1024))
    said = box.ingest(card)
    assert said.code == 1, said
    told = said.json["failed"][0]["reason"] if said.out else said.refused()
    assert "full" in told or "free some space" in told
    assert "Traceback" not in said.err
    (disk / "ballast").unlink()
    said = box.ingest(card)
    assert said.code == 0, said
    assert said.json["surveys"] == mapped[1]["surveys"]
    assert not list((disk / "work").iterdir())
    with box.store() as store:
        assert store.check() == []
        assert len(store.messages()) == 1


def test_a_card_that_cannot_be_written(mount: Mount, flown: Flown, mapped: Mapped, box: Box) -> None:
    card = mount("card", 64 * 1024)
    shutil.copytree(flown[0], card, dirs_exist_ok=True)
    remount(card, "ro")
    _same_but_seconds(box.mapped(card), mapped[1])


def test_a_box_whose_disk_cannot_be_written(mount: Mount, flown: Flown) -> None:
    disk = mount("disk", 64 * 1024)
    box = Box(disk / "root")
    (disk / "root").mkdir()
    remount(disk, "ro")
    assert "cannot be written" in box.ingest(flown[0]).refused()
    remount(disk, "rw")
    assert box.ingest(flown[0]).code == 0
    remount(disk, "ro")
    assert "cannot be written" in box.ingest(flown[0]).refused()


def test_the_reserve_is_never_eaten_into(box: Box, flown: Flown) -> None:
    greedy = box.with_settings(storage__reserve_mb="1000000")
    assert "full" in greedy.ingest(flown[0]).refused()
    assert not list((box.root / "originals").rglob("*.jpg"))


def _same_but_seconds(one: dict[str, object], other: dict[str, object]) -> None:
    assert {**one, "seconds": 0} == {**other, "seconds": 0}
