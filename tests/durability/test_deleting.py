"""The plug is pulled while flights are deleted: each is whole or gone, and no file stays for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from fieldbox.ingest.copy import original_path
from fieldbox.retention import RASTERS
from fieldbox.storage.store import Store
from tests.durability.kill_proof import started
from tests.path.box import REPOSITORY, Box
from tests.storage.kept import bring, chart

KILLS, PHOTOS = 20, 12
DELETE = """
import sys
from pathlib import Path
from fieldbox.storage.store import Store
with Store.open(Path(sys.argv[1])) as store:
    print("ready", flush=True)
    store.delete_flight(sys.argv[2], "asha")
    print("done", flush=True)
"""


def filled(box: Box) -> dict[str, list[Path]]:
    """Mapped flights, and the files of each."""
    box.root.mkdir()
    found: dict[str, list[Path]] = {}
    with box.store() as store:
        for number in range(KILLS + 1):
            flight = bring(store, f"flight-{number}", first=1 + PHOTOS * number, count=PHOTOS)
            chart(store, flight)
            files = [original_path(box.root / "originals", one.digest) for one in flight.captures]
            files += [box.root / "rasters" / f"survey of {flight.id}" / name for name in RASTERS]
            for path in files:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"x")
            found[flight.id] = files
    return found


def deleted_in_s(box: Box, flight_id: str) -> float:
    """How long it takes undisturbed."""
    command = [sys.executable, "-c", DELETE, str(box.root / "fieldbox.db"), flight_id]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        begun = time.monotonic()
        assert process.stdout.readline() == b"done\n"
        return time.monotonic() - begun


def killed_while_deleting(box: Box, flight_id: str, after_s: float) -> None:
    command = [sys.executable, "-c", DELETE, str(box.root / "fieldbox.db"), flight_id]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()


def is_whole_or_gone(store: Store, flight_id: str) -> bool:
    """Whether it is gone; if not, all of it must be there."""
    flight = store.flight(flight_id)
    if flight is None:
        assert store.surveys(flight_id=flight_id) == []
        return True
    assert len(flight.captures) == PHOTOS
    assert len(store.surveys(flight_id=flight_id)) == 1
    assert not {one.digest for one in flight.captures} & {one.digest for one in store.gone()}
    return False


def test_killed_amid_deletes_each_flight_is_whole_or_gone(tmp_path: Path) -> None:
    box = Box(tmp_path / "root").with_settings(storage__keep_days="0")
    files = filled(box)
    first, *others = files
    takes_s = deleted_in_s(box, first)
    for number, flight_id in enumerate(others):
        killed_while_deleting(box, flight_id, 2 * takes_s * number / KILLS)
    with box.store() as store:
        gone = {one for one in files if is_whole_or_gone(store, one)}
        assert store.check() == []
        assert 1 < len(gone) < KILLS + 1, "all kills came too early, or too late"
        lost = {path for one in gone for path in files[one]}
        with started(box, tmp_path / "worker.log", "worker") as process:
            end = time.monotonic() + 120
            while any(path.exists() for path in lost):
                assert time.monotonic() < end, (tmp_path / "worker.log").read_text()
                time.sleep(0.05)
            whole = next(one for one in files if one not in gone)
            store.delete_flight(whole, "asha")  # the worker sees that at its next look
            while any(path.exists() for path in files[whole]):
                assert time.monotonic() < end, (tmp_path / "worker.log").read_text()
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=120) == 0
        kept = [one for one in files if one not in gone and one != whole]
        assert all(path.exists() for one in kept for path in files[one])
