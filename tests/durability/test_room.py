"""The plug is pulled while originals are removed to make room."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from fieldbox.ingest.copy import original_path
from fieldbox.retention import RASTERS
from tests.durability.kill_proof import started
from tests.path.box import Box
from tests.storage.kept import bring, chart

PHOTOS = 600
"""Removed a few at a time, so that there is time to kill."""
TRIES = 5
"""On a busy machine all may be gone before the kill comes."""


def filled(box: Box) -> list[Path]:
    """A flight that may go; its originals."""
    box.root.mkdir()
    with box.store() as store:
        flight = bring(store, "flight", count=PHOTOS)
        chart(store, flight)
    for name in RASTERS:
        path = box.root / "rasters" / "survey of flight" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    paths = [original_path(box.root / "originals", one.digest) for one in flight.captures]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a photo")
    return paths


def killed_while_removing(box: Box, log: Path) -> list[Path]:
    """The originals of a flight that may go, of which a process that was killed has removed some at most."""
    paths = filled(box)
    with box.store() as store, started(box, log, "worker") as process:
        end = time.monotonic() + 120
        while not store.gone():
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return paths


def test_killed_between_noting_and_removing(tmp_path: Path) -> None:
    for number in range(TRIES):
        box = Box(tmp_path / f"root-{number}").with_settings(storage__keep_days="0.0000001")
        paths = killed_while_removing(box, tmp_path / f"first-{number}.log")
        left = [path for path in paths if path.exists()]
        if left:
            break
    assert left, "every kill came too late"
    with box.store() as store:
        assert {path.stem for path in left} <= {one.digest for one in store.gone()}
        assert len(store.gone()) == PHOTOS

        patient = box.with_settings(storage__keep_days="0")  # only the sweep is left to do
        with started(patient, tmp_path / "second.log", "worker") as process:
            end = time.monotonic() + 120
            while any(path.exists() for path in paths):
                assert time.monotonic() < end, (tmp_path / "second.log").read_text()
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=120) == 0
        assert store.check() == []
        assert store.survey("survey of flight")
        assert (box.root / "rasters" / "survey of flight").is_dir()
