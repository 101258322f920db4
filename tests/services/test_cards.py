"""A card that is plugged in is mounted so that nothing on it can change, and is gone when it is pulled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldbox.errors import FieldboxError, Rejected
from fieldbox.services.cards import hold
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


def test_a_card_is_mounted_read_only_until_it_is_stopped(
    box: Box, image: Path, device: Path, tmp_path: Path
) -> None:
    source = tmp_path / "files"
    (source / "DCIM").mkdir(parents=True)
    (source / "DCIM" / "a.jpg").write_bytes(b"photo")
    subprocess.run(["mkfs.ext4", "-q", "-L", "SD_64", "-d", str(source), str(device)], check=True)
    os.sync()
    before = image.read_bytes()
    cards, stop = tmp_path / "cards", threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            hold(box.config, device, stop)
        except FieldboxError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    folder = cards / device.name
    end = time.monotonic() + 20
    while not os.path.ismount(folder) and time.monotonic() < end and thread.is_alive():
        time.sleep(0.05)
    try:
        assert not failed, failed
        assert (folder / "DCIM" / "a.jpg").read_bytes() == b"photo"
        with pytest.raises(OSError, match="Read-only"):
            (folder / "more").write_bytes(b"")
        state = json.loads((cards / f"{device.name}.json").read_text())
        assert (state["state"], state["label"]) == ("ready", "SD_64")
    finally:
        stop.set()
        thread.join(timeout=20)
    assert list(cards.iterdir()) == []
    assert image.read_bytes() == before


def test_a_card_without_a_file_system_is_refused_with_what_to_do(
    box: Box, device: Path, tmp_path: Path
) -> None:
    with pytest.raises(Rejected, match="format it in the drone"):
        hold(box.config, device, threading.Event())
    state = json.loads((tmp_path / "cards" / f"{device.name}.json").read_text())
    assert state["state"] == "refused"
    assert not (tmp_path / "cards" / device.name).exists()


def test_a_file_system_that_the_box_does_not_know_is_named(box: Box, device: Path) -> None:
    mkswap = shutil.which("mkswap")
    assert mkswap
    subprocess.run([mkswap, str(device)], check=True, capture_output=True)
    with pytest.raises(Rejected, match="swap"):
        hold(box.config, device, threading.Event())
