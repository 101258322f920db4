"""Proof that a card comes in whole whatever happens meanwhile: `python -m tests.durability.ingest_proof --kills 200 --cuts 50`.

The card holds photos, a film with its telemetry, bands of a multispectral camera, an orthomosaic, a list and files that are
of no use. It is taken in

- by a process that is killed (`kill -9`) at random moments and started again, until it is done;
- onto a disk whose every write is logged; then the plug is pulled at random moments of that log, the file system mounted as
  it would be found, and the card given again.

Each time the box must hold what an undisturbed one holds: every file once and whole, none half, none twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from fieldbox.domain import FileState
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.flight import FlightOptions, exact
from fieldbox.storage.store import Store
from tests.durability.plug import logged, mounted
from tests.durability.writelog import read_log, replay
from tests.flown import filmed_to
from tests.path.box import COMMAND, REPOSITORY, Box, simulated
from tests.path.multispectral import refly

PULLABLE = "the card can be pulled out now"
DISK_MB = 400


@dataclass(frozen=True)
class Held:
    """What a box holds of a card."""

    originals: tuple[tuple[str, int], ...]
    """Names and sizes of the files kept."""
    captures: tuple[str, ...]
    flights: tuple[str, ...]
    rejected: tuple[str, ...]
    accepted: int


def make_card(folder: Path) -> Path:
    """A card with a bit of everything."""
    photos, _truth = simulated(folder / "flown", camera="tiny")
    card = folder / "card"
    shutil.copytree(photos, card / "DCIM" / "100MEDIA", ignore=shutil.ignore_patterns("truth.json"))
    few = folder / "few"
    few.mkdir()
    for photo in sorted(photos.glob("*.JPG"))[:3]:
        shutil.copy(photo, few)
    refly(few, card / "MS")
    box = Box(folder / "mapper")
    survey = box.mapped(photos)["surveys"][0]["id"]
    shutil.copy(box.root / "rasters" / survey / "mosaic.tif", card / "mosaic.tif")
    first, second = sorted((card / "DCIM" / "100MEDIA").glob("*.JPG"))[:2]
    (card / "again.jpg").write_bytes(first.read_bytes())
    (card / "cut off.jpg").write_bytes(second.read_bytes()[: second.stat().st_size // 2])
    (card / "notes.txt").write_text("wind from the west\n")
    ground = FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=3)
    filmed_to(card / "VIDEO", ground, exact(FlightOptions(camera="tiny", seed=3)), fps=6)
    (card / "film.avi").write_bytes(b"RIFF" + bytes(1000))
    return card


def held(root: Path) -> Held:
    """What is on a box, after looking at every byte of it. Raises AssertionError for anything half or twice."""
    kept = sorted(path for path in (root / "originals").rglob("*") if path.is_file())
    for path in kept:
        assert blake3(path.read_bytes()).hexdigest() == path.stem, f"{path.name} is not whole"
    assert len({path.stem for path in kept}) == len(kept), "a file is kept twice"
    assert list((root / "tmp").iterdir()) == [], "something was left behind"
    with Store.open(root / "fieldbox.db") as store:
        assert store.check() == []
        ingests = store.ingests()
        given = [one for ingest in ingests for one in store.given_in(ingest.id)]
        assert not [one for ingest in ingests for one in store.given_in(ingest.id, state=FileState.COPIED)]
        assert {path.stem for path in kept} == {one.digest for one in given}
        flights = [store.flight(row.id) for row in store.flights()]
        captures = [one.digest for flight in flights if flight for one in flight.captures]
        assert len(set(captures)) == len(captures), "a capture is there twice"
        rejected = sorted(one.name for one in store.rejections())
        accepted = sum(ingest.accepted for ingest in ingests)
        names = tuple(sorted(flight.id for flight in flights if flight))
    sizes = tuple((path.name, path.stat().st_size) for path in kept)
    return Held(sizes, tuple(sorted(captures)), names, tuple(rejected), accepted)


def noted(root: Path) -> set[str]:
    """Digests of the files that the box found after a power cut knows; each must be there, whole."""
    if not (root / "fieldbox.db").exists():
        return set()
    with Store.open(root / "fieldbox.db") as store:
        assert store.check() == []
        given = {one.digest: one for ingest in store.ingests() for one in store.given_in(ingest.id)}
    for one in given.values():
        path = root / "originals" / one.digest[:2] / f"{one.digest}.{one.kind.value}"
        assert blake3(path.read_bytes()).hexdigest() == one.digest, f"{one.name} was noted and is not whole"
    return set(given)


# -- kill -9 --------------------------------------------------------------------------------------


def prove_kills(card: Path, folder: Path, kills: int, wanted: Held, chance: random.Random) -> str:
    """Kill the ingest so many times; one line about it."""
    seconds, done, finished, number = _timed(card, folder), 0, 0, 0
    box = Box(folder / f"killed-{number}")
    while done < kills:
        process = _started(box, card)
        try:
            process.wait(timeout=chance.uniform(0.3, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            continue
        finished += 1
        _require_same(box.root, wanted)
        shutil.rmtree(box.root)
        number += 1
        box = Box(folder / f"killed-{number}")
    assert box.run("ingest", card).code in (0, 3)
    _require_same(box.root, wanted)
    shutil.rmtree(box.root)
    return f"kill -9: {done} kills, {finished + 1} ingests came to their end, each like an undisturbed one"


def _timed(card: Path, folder: Path) -> float:
    box, start = Box(folder / "timed"), time.monotonic()
    assert box.run("ingest", card).code in (0, 3)
    shutil.rmtree(box.root)
    return time.monotonic() - start


def _started(box: Box, card: Path) -> subprocess.Popen[bytes]:
    command = [*COMMAND, "ingest", str(card)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=box.environment, cwd=REPOSITORY, stdout=quiet, stderr=quiet)


def _require_same(root: Path, wanted: Held) -> None:
    found = held(root)
    assert found == wanted, f"{found}\n  is not\n{wanted}"


# -- power cuts -----------------------------------------------------------------------------------


def prove_cuts(card: Path, folder: Path, cuts: int, wanted: Held, chance: random.Random) -> str:
    """Pull the plug at so many moments of a logged run; one line about it."""
    empty, image, log = folder / "empty.img", folder / "disk.img", folder / "writes.log"
    with empty.open("wb") as disk:
        disk.truncate(DISK_MB * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(empty)], check=True)
    shutil.copyfile(empty, image)
    begun = time.monotonic_ns()
    with logged(image, log, folder) as where:
        pullable_ns = _ingest_told(Box(where / "root"), card)
        _require_same(where / "root", wanted)
    records = read_log(log)
    first = next(number for number, record in enumerate(records) if record.at_ns >= begun)
    found_whole, after = 0, 0
    for _cut in range(cuts):
        cut = chance.randrange(first, len(records))
        shutil.copyfile(empty, image)
        replay(image, records, cut, chance)
        with mounted(image, folder / "found") as where:
            root = where / "root"
            known = noted(root)
            found_whole += len(known)
            if records[cut].at_ns > pullable_ns:
                after += 1
                missing = {name.split(".")[0] for name, _size in wanted.originals} - known
                assert not missing, "the card might have been pulled out, and files are missing"
            assert Box(root).run("ingest", card).code in (0, 3)
            _require_same(root, wanted)
    written = sum(len(record.data or b"") for record in records) / 1e6
    return (
        f"power cuts: {cuts} of a log of {len(records)} writes and flushes ({written:.0f} MB) on ext4; {found_whole} files had"
        f" been noted and all of them were whole; {after} cuts came after the box had said that the card may be pulled out,"
        " and none of its files was missing; each box then came to its end like an undisturbed one"
    )


def _ingest_told(box: Box, card: Path) -> int:
    """Take the card in; when the box said that it may be pulled out (nanoseconds)."""
    command = [*COMMAND, "ingest", str(card)]
    said = 0
    with subprocess.Popen(
        command,
        env=box.environment,
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if PULLABLE in line:
                said = time.monotonic_ns()
    assert process.returncode in (0, 3)
    assert said
    os.sync()
    return said


def main() -> None:
    """Run the proof and print what it proved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311  no secret
    with tempfile.TemporaryDirectory(prefix="fieldbox-proof-") as name:
        folder = Path(name)
        card = make_card(folder)
        calm = Box(folder / "calm")
        said = calm.run("ingest", card, "--json")
        assert said.code == 3, said
        wanted = held(calm.root)
        print(f"the card: {_counted(said.json)}; {len(wanted.originals)} files kept", flush=True)  # noqa: T201
        if chosen.kills:
            print(prove_kills(card, folder, chosen.kills, wanted, chance), flush=True)  # noqa: T201
        if chosen.cuts:
            print(prove_cuts(card, folder, chosen.cuts, wanted, chance), flush=True)  # noqa: T201


def _counted(document: dict[str, Any]) -> str:
    return json.dumps(document["captures"])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
