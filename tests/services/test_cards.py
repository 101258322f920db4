"""A card that is plugged in is mounted so that nothing on it can change, and is gone when it is pulled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from fieldbox.i18n import Sentence
from fieldbox.services.cards import disks_of, hold, own_disks
from tests.path.box import Box

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mkfs.ext4") or not shutil.which("losetup"),
    reason="needs root and loop devices",
)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "root", {"FIELDBOX_INGEST__CARDS_FOLDER": str(tmp_path / "cards")})


def device_of(image: Path) -> Path:
    done = subprocess.run(
        ["losetup", "-f", "--show", str(image)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no loop device: {done.stderr}")
    return Path(done.stdout.strip())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "card.img"
    made.write_bytes(b"")
    os.truncate(made, 8 << 20)
    return made


@pytest.fixture
def device(image: Path) -> Iterator[Path]:
    found = device_of(image)
    yield found
    subprocess.run(["losetup", "-d", str(found)], check=False)


@contextmanager
def held(box: Box, device: Path) -> Iterator[None]:
    """A card as its unit holds it, until the end of the block."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold, box.config, device, stop)
        try:
            yield
        finally:
            stop.set()
            holding.result(timeout=120)


def waited(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_card_is_mounted_read_only_until_it_is_stopped(
    box: Box, image: Path, device: Path, tmp_path: Path
) -> None:
    source = tmp_path / "files"
    (source / "DCIM").mkdir(parents=True)
    (source / "DCIM" / "a.jpg").write_bytes(b"photo")
    subprocess.run(["mkfs.ext4", "-q", "-L", "SD_64", "-d", str(source), str(device)], check=True)
    os.sync()
    before = image.read_bytes()
    cards = tmp_path / "cards"
    folder = cards / device.name
    with held(box, device):
        waited(lambda: os.path.ismount(folder))
        assert (folder / "DCIM" / "a.jpg").read_bytes() == b"photo"
        with pytest.raises(OSError, match="Read-only"):
            (folder / "more").write_bytes(b"")
        state = json.loads((cards / f"{device.name}.json").read_text())
        assert (state["state"], state["label"]) == ("ready", "SD_64")
        subprocess.run(["mount", "--bind", str(source), str(folder)], check=True)  # goes with it
    assert list(cards.iterdir()) == []
    assert image.read_bytes() == before


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (None, "format it in the drone"),
        ("mkswap", "file system swap"),
        ("mkfs.ext4", "cannot be opened ("),
    ],
)
def test_a_card_that_cannot_be_read_is_told_as_long_as_it_is_there(
    box: Box, device: Path, tmp_path: Path, made: str | None, told: str
) -> None:
    if made:
        subprocess.run([made, str(device)], check=True, capture_output=True)
    if made == "mkfs.ext4":
        with device.open("r+b") as file:
            file.seek(2048)  # the superblock stays
            file.write(b"\xaa" * 65536)
    state = tmp_path / "cards" / f"{device.name}.json"

    def refused() -> bool:
        return state.exists() and json.loads(state.read_text())["state"] == "refused"

    with held(box, device):
        waited(refused)
        assert told in str(Sentence.from_json(json.dumps(json.loads(state.read_text())["sentence"])))
        assert not os.path.ismount(tmp_path / "cards" / device.name)
    assert list(state.parent.iterdir()) == []


def test_a_disk_that_the_box_uses_is_no_card(box: Box, image: Path, device: Path, tmp_path: Path) -> None:
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", str(device), str(data)], check=True)
    try:
        hold(box.config, device, threading.Event())
    finally:
        subprocess.run(["umount", str(data)], check=True)
    assert not (tmp_path / "cards").exists()


class Kernel:
    """What /proc and /sys tell of disks."""

    def __init__(self, root: Path) -> None:
        self.root, self.proc, self.devices = root, root / "proc", root / "sys" / "dev" / "block"
        self.devices.mkdir(parents=True)
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "swaps").write_text("Filename Type Size Used Priority\n")

    def disk(self, name: str, number: str, *parts: str, below: tuple[str, ...] = ()) -> None:
        """A disk, its partitions by their numbers, and the devices that it is made of."""
        folder = self.root / "sys" / "devices" / name
        for place, own in ((folder, number), *((folder / f"{name}{part}", part) for part in parts)):
            place.mkdir(parents=True)
            (place / "dev").write_text(f"{own}\n")
            (self.devices / own).symlink_to(place)
            if place != folder:
                (place / "partition").write_text("1\n")
        for one in below:
            (folder / "slaves").mkdir(exist_ok=True)
            (folder / "slaves" / one.replace(":", "-")).symlink_to((self.devices / one).resolve())

    def mounts(self, **where: str) -> None:
        """Mount points by the numbers of their devices."""
        lines = [
            f"1 1 {number[1:].replace('_', ':')} / {place} rw - ext4 none rw"
            for number, place in where.items()
        ]
        (self.proc / "self" / "mountinfo").write_text("\n".join(lines))


def test_the_disks_that_the_box_runs_from_and_keeps_its_data_on(box: Box, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    kernel.disk("sda", "8:0", "8:1", "8:2")
    kernel.disk("sdb", "8:16", "8:17")
    kernel.disk("sdc", "8:32", "8:33")
    kernel.disk("sdd", "8:48", "8:49")
    kernel.disk("dm-0", "254:0", below=("8:17",))
    data = box.config.storage.root
    kernel.mounts(n8_2="/", n8_33="/media/pi/DJI", n254_0="/srv", n8_49=str(data.parent), n0_22="/run")
    assert own_disks(box.config, kernel.proc, kernel.devices) == {"sda", "sdb", "sdd"}
    assert disks_of("8:1", kernel.devices) == {"sda"}
    assert disks_of("8:64", kernel.devices) == disks_of("", kernel.devices) == set()
