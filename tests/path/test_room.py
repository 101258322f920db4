"""A disk that is full of earlier flights: the oldest that are done give up their photos, and nothing else goes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldbox.dashboard.app import create_app
from fieldbox.domain import MessageState
from fieldbox.retention import Keeper
from fieldbox.simulate.field import FieldOptions
from tests.path.box import Box, simulated
from tests.path.conftest import Flown, Mapped
from tests.path.multispectral import FEW, refly

Disk = Callable[[int], Path]
MB = 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounts an ext4 file system of so many bytes; skips where that is not allowed."""
    mounted: list[Path] = []

    def new(size: int) -> Path:
        image, folder = tmp_path / "disk.img", tmp_path / "disk"
        image.touch()
        os.truncate(image, size)
        folder.mkdir()
        if os.geteuid() or not shutil.which("mkfs.ext4"):
            pytest.skip("no file system can be made here: that needs root and mkfs.ext4")
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
        if subprocess.run(
            ["mount", "-o", "loop", image, folder], check=False, capture_output=True
        ).returncode:
            pytest.skip("no file system can be mounted here")
        mounted.append(folder)
        return folder

    yield new
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another flight, over another field."""
    ground = FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=5)
    card, _truth = simulated(tmp_path_factory.mktemp("second") / "card", ground, seed=5, lat=18.9, lon=74.9)
    return card


def free(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def fill(folder: Path, left: int) -> None:
    """Put something else on the disk until so many bytes are left."""
    with (folder / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(folder) - left)


def deliver(box: Box) -> None:
    with box.store() as store:
        for one in store.messages(MessageState.WAITING):
            store.acknowledge(datetime.now(UTC), ids=[one.id])


def photos(root: Path) -> set[str]:
    return {path.stem for path in (root / "originals").rglob("*.jpg")}


def results(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for folder in ("rasters", "alignments")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def test_the_second_flight_gets_the_room_of_the_first(
    disk: Disk, flown: Flown, mapped: Mapped, second: Path
) -> None:
    root, first = disk(96 * MB) / "root", mapped[1]
    shutil.copytree(mapped[0].root, root)
    box = Box(root).with_settings(storage__reserve_mb="8")
    before, made = photos(root), results(root)
    card = sum(path.stat().st_size for path in second.glob("*.JPG"))
    fill(root.parent, 8 * MB + card // 3)

    assert "is pinned" in box.run("pin", first["flight"]).out
    assert "full" in box.ingest(second).refused()
    assert before <= photos(root)

    assert "not pinned" in box.run("unpin", first["flight"]).out
    with box.store() as store:
        job = store.enqueue(first["flight"], release_sha="another")
    assert "full" in box.ingest(second).refused()  # it waits to be mapped
    assert before <= photos(root)
    with box.store() as store:
        store.finish(job)

    said = box.run("ingest", second)  # not mapped yet: the room is there for the photos alone
    assert said.code == 0, said
    assert not before & photos(root)
    assert len(photos(root)) == len(list(second.glob("*.JPG")))
    assert free(root) >= 8 * MB
    assert made.items() <= results(root).items()
    with box.store() as store:
        assert store.check() == []
        assert [one.id for one in store.surveys()] == [first["surveys"][0]["id"]]
        assert (
            len(store.due_messages(datetime.now(UTC), 9)) == 1
        )  # no hub was ever heard of, and it still waits
        assert box.run("summary", first["surveys"][0]["id"]).code == 0

    _is_told(box, first["flight"])
    (root.parent / "ballast").unlink()
    _cannot_be_mapped_anew(box, first["flight"], sorted(flown[0].glob("*.JPG"))[0])
    again = box.mapped(flown[0])  # as if nothing had been
    assert again["captures"] == {"accepted": 0, "rejected": 0, "duplicates": first["captures"]["accepted"]}
    assert again["surveys"] == first["surveys"]
    assert before <= photos(root)
    with box.store() as store:
        flight = store.flight(first["flight"])
        assert flight
        assert len(flight.captures) == first["captures"]["accepted"]
        kept = store.kept(first["flight"])
        assert kept
        assert kept.kept == kept.captures
    assert box.run("locate", first["flight"], flight.captures[0].name, 10, 10).code == 0


def _is_told(box: Box, flight_id: str) -> None:
    """Whoever wants a photo that has gone reads why; what needs no pixels goes on."""
    with box.store() as store:
        flight = store.flight(flight_id)
        assert flight
        name, digest = flight.captures[0].name, flight.captures[0].digest
        assert box.run("locate", flight.id, name, 10, 10).code == 0
        app = create_app(store, box.root, secret_key=b"a key for these tests only")
        app.before_request_funcs.clear()  # whoever looks is logged in
        client = app.test_client()
        for page in (f"/photo/{digest}", f"/photo/{digest}/original", f"/photo/{digest}/crop?x=1&y=1"):
            answer = client.get(page)
            assert answer.status_code == 410, page
            assert "to make room; its results stay" in answer.get_data(as_text=True)


def _cannot_be_mapped_anew(box: Box, flight_id: str, photo: Path) -> None:
    """With one of its photos given again a flight keeps the survey that it has, and every photo its place."""
    with box.store() as store:
        before = store.flight(flight_id), store.surveys(flight_id=flight_id)
    said = box.with_settings(map__cell_m="2").ingest(photo)  # would be another survey
    (failed,) = said.json["failed"]
    assert failed["flight"] == flight_id
    assert failed["reason"].startswith("14 of its photos were removed on ")
    with box.store() as store:
        assert (store.flight(flight_id), store.surveys(flight_id=flight_id)) == before
        kept = store.kept(flight_id)
        assert kept
        assert (kept.captures, kept.kept) == (15, 1)


def test_what_is_older_than_is_kept_goes_and_what_was_left_is_swept(box_mapped: Box, mapped: Mapped) -> None:
    box, first = box_mapped, mapped[1]
    short = box.with_settings(storage__keep_days="0.0000001")
    with box.store() as store:
        assert Keeper(short.config, store).tidy() == []  # its summary has not arrived
    deliver(box)
    with box.store() as store:
        assert Keeper(box.config, store).tidy() == []  # for ever is the default
        assert Keeper(short.config, store).tidy() == [first["flight"]]
        assert photos(box.root) == set()
        left = store.gone()[0]
        path = box.root / "originals" / left.digest[:2] / f"{left.digest}.jpg"
        path.write_bytes(b"left by a power cut")
        assert Keeper(box.config, store).sweep() == 1
        assert not path.exists()


@pytest.mark.long
def test_bands_go_with_what_was_made_of_them_and_come_back(box: Box, flown: Flown, tmp_path: Path) -> None:
    card, half = tmp_path / "card", tmp_path / "half"
    refly(flown[0], card, most=FEW)
    first = box.mapped(card)
    deliver(box)
    with box.store() as store:
        before = store.flight(first["flight"])
        short = box.with_settings(storage__keep_days="0.0000001")
        assert Keeper(short.config, store).tidy() == [first["flight"]]
    assert not [path for name in ("originals", "made") for path in (box.root / name).rglob("*.*")]
    half.mkdir()
    for path in sorted(card.iterdir())[::2]:  # of each exposure some bands
        shutil.copy(path, half)
    said = box.ingest(half)
    assert said.json["captures"]["accepted"] == 0
    assert said.json["rejected"] == []
    assert "of its photos were removed on" in said.json["failed"][0]["reason"]
    (box.root / "rasters" / first["surveys"][0]["id"] / "mosaic.tif").unlink()  # has to be made anew as well
    again = box.mapped(card)
    assert [{**one, "warnings": []} for one in again["surveys"]] == [
        {**one, "warnings": []} for one in first["surveys"]
    ]
    assert again["captures"]["accepted"] == 0
    assert (box.root / "rasters" / first["surveys"][0]["id"] / "mosaic.tif").exists()
    with box.store() as store:
        assert store.flight(first["flight"]) == before
        assert len(store.flights()) == 1


def test_a_survey_whose_pictures_are_gone_keeps_its_photos(box_mapped: Box, mapped: Mapped) -> None:
    box, first = box_mapped, mapped[1]
    deliver(box)
    (box.root / "rasters" / first["surveys"][0]["id"] / "mosaic.tif").unlink()
    short = box.with_settings(storage__keep_days="0.0000001")
    with box.store() as store:
        assert Keeper(short.config, store).tidy() == []
    assert photos(box.root)


def test_photos_that_are_given_again_do_not_make_room_for_those_beside_them(
    disk: Disk, flown: Flown, mapped: Mapped, second: Path, tmp_path: Path
) -> None:
    root = disk(96 * MB) / "root"
    shutil.copytree(mapped[0].root, root)
    box = Box(root).with_settings(storage__reserve_mb="8")
    deliver(box)
    before = photos(root)
    card = tmp_path / "both"
    shutil.copytree(flown[0], card / "a")
    shutil.copytree(second, card / "b")
    fill(root.parent, 8 * MB + 1)
    assert "full" in box.ingest(card).refused()
    assert photos(root) == before
