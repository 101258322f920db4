"""Sticks that are plugged in and pulled out, on a whole machine: `python -m tests.machine.card_proof --at FOLDER`.

A Debian 12 with its own kernel, udev, systemd and the services of fieldbox runs under QEMU; the sticks are USB devices. Proved:

- a stick with each file system, one with two partitions, two sticks at once come in by themselves, and nothing on them is
  changed; the box says when they may be pulled out;
- one that is pulled out at any moment of its copying is told in a sentence, and the rest comes when it is back;
- the power lost at any moment: after the next start everything is there, even with the stick gone if it might be pulled;
- a stick that cannot be read is told in a sentence; the disk that the machine runs from is never taken for a card.

As root, with qemu-system-x86, qemu-utils, mmdebstrap, fdisk, dosfstools, mtools, exfatprogs, exfat-fuse and ntfs-3g; the first
run makes the disk (minutes). Without KVM the machine is some twenty times as slow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fieldbox.i18n import Sentence
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.flight import FlightOptions, exact, fly
from tests.machine import sticks
from tests.machine.guest import Guest
from tests.machine.image import SPARE_AT, disk_in

SLOW = 250_000
"""Bytes a second of a stick that is to be pulled out while it is read."""
PATIENCE_S = 600.0
LOOK_S = 1.0
"""Looking more often would take the machine's own time."""
STATUS = "/var/lib/fieldbox/intake.json"
COUNT = "find /var/lib/fieldbox/originals -type f 2>/dev/null | wc -l"
ORIGINALS = "find /var/lib/fieldbox/originals -type f -exec sha256sum {} + 2>/dev/null || true"
LEFT = "ls /var/lib/fieldbox/tmp 2>/dev/null || true"
IDLE = ("fieldbox-worker.service", "fieldbox-web.service")
"""Only taking in is looked at: where QEMU translates the processor, the rest would take minutes of it."""
FLIGHTS = """runuser -u fieldbox -- /opt/fieldbox/.venv/bin/python -c '
import json
from pathlib import Path
from fieldbox.storage.store import Store
with Store.open(Path("/var/lib/fieldbox/fieldbox.db")) as store:
    print(json.dumps([store.check(), sorted(row.captures for row in store.flights())]))'"""


def say(line: str) -> None:
    """A line of what was proved."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Proof:
    """The machine, its sticks, and what was brought on them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self.chance = folder, random.Random(seed)  # noqa: S311  no secret
        self._disk, kernel, initrd = disk_in(folder)
        self._ground = grow_field(FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=3))
        self.guest = Guest(folder, self._disk, kernel, initrd)
        self.brought: list[str] = []
        """Digests of all that must be on the box in the end."""
        self.flights: list[int] = []
        """How many photos each flight has."""

    def flight(self) -> Path:
        """Photos of a flight of its own, which the box must have in the end."""
        folder = self.photos()
        self.brought += digests(folder)
        self.flights.append(len(digests(folder)))
        return folder

    def photos(self) -> Path:
        """A small flight, a day after the one before."""
        number = len(list(self._folder.glob("flown/*"))) + 1
        folder = self._folder / "flown" / str(number)
        start = datetime(2026, 7, 1, 9) + timedelta(days=number)
        fly(
            self._ground, exact(FlightOptions(camera="tiny", seed=number, start=start, max_photos=16)), folder
        )
        (folder / "truth.json").unlink()
        return folder

    def part(self, system: str, content: Path) -> Path:
        """A file system with these photos."""
        return sticks.made(system, content, self._folder / f"{content.name}.{system}")

    def stick(self, *systems: str) -> Path:
        """A stick with partitions of these file systems, each with a flight of its own."""
        parts = [(system, self.part(system, self.flight())) for system in systems]
        return sticks.stick(parts[0][1].with_suffix(".stick"), *parts)

    def boot(
        self, *cold: Path, idle: Sequence[str] = IDLE, from_usb: bool = False, slot: Path | None = None
    ) -> str:
        """Switch on, and wait until the intake is there; how long that took."""
        seconds = self.guest.boot(*cold, without=idle, from_usb=from_usb, slot=slot)
        more = self.until("the intake is there", self.is_there)
        return f"booted in {seconds:.0f} s, its intake there {more:.0f} s later"

    def is_there(self) -> bool:
        """Whether the intake has told something since the machine was started."""
        up = float(self.guest.read("/proc/uptime").split()[0])
        at = self.status().get("at")
        return at is not None and time.time() - datetime.fromisoformat(at).timestamp() < up

    def status(self) -> dict[str, Any]:
        """What the intake tells: now, and last with the newest first."""
        told: dict[str, Any] = {"now": [], "last": []} | json.loads(self.guest.read(STATUS) or "{}")
        return told

    def last(self, told: Collection[str] = ()) -> list[dict[str, Any]]:
        """What came of what was brought, the newest first, without what was `told` before."""
        return [one for one in self.status()["last"] if _key(one) not in told]

    def told(self) -> set[str]:
        """What came of what was brought so far."""
        return {_key(one) for one in self.last()}

    def until(self, what: str, holds: Callable[[], Any], seconds: float = PATIENCE_S) -> float:
        """Wait until something holds; how many seconds that took."""
        start = time.monotonic()
        while not holds():
            if time.monotonic() - start > seconds:
                sys.stderr.write(
                    self.guest.run(
                        "journalctl -b --no-pager | tail -n 60; cat /proc/mounts; ls /run/fieldbox/cards"
                    )
                )
                raise AssertionError(f"not within {seconds} s: {what}; {self.status()}")
            time.sleep(LOOK_S)
        return time.monotonic() - start

    def may_pull(self, told: Collection[str]) -> bool:
        """Whether the box says that the one stick may be pulled out, beyond what was told before."""
        status = self.status()
        new = [one for one in status["last"] if _key(one) not in told]
        return any(one["may_pull"] for one in (*status["now"], *new))

    def count(self) -> int:
        """Originals on the box."""
        return int(self.guest.run(COUNT))

    def has(self, count: int) -> bool:
        """Whether so many originals are on the box."""
        return self.count() >= count

    def mounts(self) -> str:
        """What is mounted below the cards' folder."""
        lines = self.guest.read("/proc/mounts").splitlines(keepends=True)
        return "".join(line for line in lines if "/run/fieldbox/cards" in line)

    def gone(self) -> None:
        """Wait until nothing is left of the sticks that were pulled out."""
        self.until(
            "the mount goes", lambda: not self.mounts() and not self.guest.run("ls /run/fieldbox/cards")
        )

    def require_whole(self) -> None:
        """Nothing on the box is half, twice, or was never brought. Raises AssertionError."""
        there = self.originals()
        assert len(set(there)) == len(there), "a file is there twice"
        assert set(there) <= set(self.brought), "a file is half"

    def originals(self) -> list[str]:
        """Digests of all originals on the box."""
        return sorted(line.split()[0] for line in self.guest.run(ORIGINALS).splitlines())

    def require_all(self) -> str:
        """All that was brought is there once, in flights of their own. Raises AssertionError. A line about it."""
        assert self.originals() == sorted(self.brought), "files are lost, half or twice"
        assert self.guest.run(LEFT) == "", "something was left behind"
        assert self.captures() == sorted(self.flights), (self.captures(), self.flights)
        return f"{len(self.brought)} files in {len(self.flights)} flights on the box, each once and whole"

    def captures(self) -> list[int]:
        """How many photos each flight on the box has; its database must be sound."""
        problems, captures = json.loads(self.guest.run(FLIGHTS, 300))
        assert problems == [], problems
        return list(captures)

    def spare(self, part: Path) -> None:
        """Write a file system into the second partition of the machine's own disk, which must be off."""
        with self._disk.open("r+b") as disk:
            disk.seek(SPARE_AT)
            disk.write(part.read_bytes())


def digests(folder: Path) -> list[str]:
    """Of all files below a folder."""
    return sorted(_digest(path) for path in folder.rglob("*") if path.is_file())


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _key(entry: dict[str, Any]) -> str:
    return f"{entry['id']} {entry['ended_at']}"


def _sentence(entry: dict[str, Any]) -> str:
    return str(Sentence.from_json(json.dumps(entry["sentence"]))) if entry["sentence"] else ""


def comes_in(proof: Proof, what: str, images: Sequence[Path], cards: int) -> None:
    """Sticks that are left in until the box has said that they may be pulled out, `cards` file systems in all."""
    before, told, had = [_digest(image) for image in images], proof.told(), proof.count()
    names = [f"usb{number}" for number in range(len(images))]
    start = time.monotonic()
    for name, image in zip(names, images, strict=True):
        proof.guest.plug(image, name)
    if cards == 1:
        proof.until(f"{what} may be pulled out", lambda: proof.may_pull(told))
    else:
        proof.until(f"{what} may be pulled out", lambda: len(proof.last(told)) >= cards)
    took = time.monotonic() - start
    there = proof.count() - had
    mounts = proof.mounts().splitlines()
    for name in names:
        proof.guest.pull(name)
    proof.gone()
    proof.until("it is told", lambda: len(proof.last(told)) >= cards)
    new = proof.last(told)
    assert all(one["outcome"] == "done" for one in new), new
    assert len(mounts) == cards, mounts
    assert all(" ro," in line for line in mounts), mounts
    assert [_digest(image) for image in images] == before, "a stick was written to"
    say(
        f"{what}: {there} files; may be pulled out {took:.1f} s after it was plugged in; not a bit of it changed"
    )


def formats(proof: Proof) -> None:
    """One stick of each kind, left in."""
    for system in ("vfat", "exfat", "ext4"):
        comes_in(proof, f"{system} in a partition", [proof.stick(system)], 1)
    for system in ("vfat", "exfat"):
        comes_in(proof, f"{system} on the whole device", [proof.part(system, proof.flight())], 1)
    comes_in(proof, "two partitions on one stick", [proof.stick("vfat", "exfat")], 2)
    comes_in(proof, "two sticks at once", [proof.stick("vfat"), proof.stick("vfat")], 2)
    say(proof.require_all())


def pulls(proof: Proof, count: int) -> None:
    """One stick that is pulled out again and again before it is done with, then left in."""
    photos = len(proof.brought)
    image = proof.stick("vfat")
    photos = len(proof.brought) - photos
    before, had = _digest(image), proof.count()
    moments: list[tuple[str, Callable[[], Any]]] = [
        ("as soon as it was plugged in", lambda: True),
        ("as soon as it was mounted", proof.mounts),
    ]
    for number in range(count - len(moments)):
        more = 2 + number * photos // (count - 1)
        moments.append((f"with {more} files copied", partial(proof.has, had + more)))
    for what, moment in moments:
        waits = proof.chance.uniform(0, 1.0)
        proof.guest.plug(image, bytes_s=SLOW)
        proof.until(what, moment)
        time.sleep(waits)
        begun, told = bool(proof.status()["now"]), proof.told()
        proof.guest.pull()
        proof.gone()
        if begun:
            proof.until("it is told", partial(proof.last, told))
        proof.until("nothing is being taken in", lambda: not proof.status()["now"])
        proof.require_whole()
        sentences = (
            " ".join(f"[{one['outcome']}] {_sentence(one)}" for one in proof.last(told))
            or "[nothing was begun]"
        )
        say(
            f"pulled out {what} and {waits:.1f} s later, {proof.count() - had} of {photos} files there: {sentences}"
        )
    told = proof.told()
    proof.guest.plug(image)
    took = proof.until("the rest comes", lambda: proof.may_pull(told))
    proof.until("it is told", lambda: proof.last()[0]["outcome"] == "done")
    proof.guest.pull()
    proof.gone()
    assert _digest(image) == before, "the stick was written to"
    say(f"plugged in again: may be pulled out after {took:.1f} s; {proof.require_all()}")


def cuts(proof: Proof, count: int) -> None:
    """The power lost in the midst of copying with the stick left in, then once when it might be pulled."""
    for number in range(count):
        image = proof.stick("vfat")
        had = proof.count()
        goal = had + 1 + number * proof.flights[-1] // count
        proof.guest.plug(image, bytes_s=SLOW)
        proof.until("copying has begun", partial(proof.has, goal))
        time.sleep(proof.chance.uniform(0, 1.0))
        seen = proof.count() - had
        proof.guest.cut()
        booted = proof.boot(image)
        took = proof.until("the rest comes", lambda: proof.count() == len(proof.brought))
        proof.until("it is told", lambda: not proof.status()["now"] and proof.last()[0]["outcome"] == "done")
        proof.guest.pull("cold0")
        proof.gone()
        say(
            f"power lost with {seen} of {proof.flights[-1]} files copied; {booted} with the stick in, all there"
            f" {took:.1f} s later; {proof.require_all()}"
        )
    image, told = proof.stick("vfat"), proof.told()
    proof.guest.plug(image)
    proof.until("it may be pulled out", lambda: proof.may_pull(told))
    proof.guest.cut()
    proof.boot(idle=IDLE[1:])
    proof.until("the flight is there", lambda: proof.captures() == sorted(proof.flights))
    proof.guest.run("systemctl stop fieldbox-worker", 120)
    say(
        f"power lost as soon as the stick might be pulled out, started again without it: {proof.require_all()}"
    )


def refusals(proof: Proof) -> None:
    """Sticks that cannot be read, or hold nothing of use: each is told in a sentence, none as done with."""
    photos = proof.photos()
    folder = photos.parent
    useless, empty = folder / "useless", folder / "empty"
    useless.mkdir()
    (useless / "bill.pdf").write_bytes(b"%PDF-1.4 nothing of use")
    empty.mkdir()
    damaged = {
        "noise": sticks.noise(folder.parent / "noise.stick"),
        "noise in a partition": sticks.stick(
            folder.parent / "part.stick", ("vfat", sticks.noise(folder.parent / "noise.part"))
        ),
        "FAT without its tables": sticks.without_table(proof.part("vfat", photos)),
    }
    for what, image in damaged.items():
        _refused(proof, what, image)
    _refused(proof, "FAT with its first sector alone", sticks.only_signature(proof.part("vfat", photos), 512))
    _refused(
        proof, "exFAT with its first sector alone", sticks.only_signature(proof.part("exfat", photos), 512)
    )
    _refused(proof, "ext4 with its superblock alone", sticks.only_signature(proof.part("ext4", photos), 2048))
    _refused(proof, "NTFS, which this kernel does not know", proof.part("ntfs", photos))
    _refused(proof, "nothing but a PDF", proof.part("vfat", useless))
    _refused(proof, "nothing but folders", proof.part("vfat", empty))
    say(f"after all these: {proof.require_all()}")


def _refused(proof: Proof, what: str, image: Path) -> None:
    before, told = _digest(image), proof.told()
    proof.guest.plug(image)
    took = proof.until(f"{what} is told", lambda: proof.last(told))
    one = proof.last(told)[0]
    assert one["outcome"] in ("refused", "waiting"), one
    assert _sentence(one), one
    proof.guest.pull()
    proof.gone()
    assert _digest(image) == before, "the stick was written to"
    say(f"{what}: [{one['outcome']}] after {took:.1f} s: {_sentence(one)}")


def own(proof: Proof) -> None:
    """The machine boots from a USB disk with no known label, with a spare FAT on it; and has a card in its slot."""
    proof.guest.cut()
    proof.spare(proof.part("vfat", proof.photos()))
    slot = proof.part("vfat", proof.flight())
    booted = proof.boot(from_usb=True, slot=slot)
    proof.until("the card in the slot comes in", lambda: len(proof.originals()) == len(proof.brought))
    proof.until("it is told", lambda: not proof.status()["now"])
    mounts = proof.mounts()
    assert mounts.count("\n") == 1, mounts
    assert "mmcblk" in mounts, mounts
    say(
        f"{booted}, from USB: the card in the SD slot came in, nothing of the own disk; {proof.require_all()}"
    )


def main() -> None:
    """Run all, and print what was proved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--at",
        type=Path,
        required=True,
        help="folder for the machine's disk, some 4 GB; kept for the next run",
    )
    parser.add_argument("--pulls", type=int, default=7)
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=["formats", "pulls", "cuts", "refusals", "own"])
    chosen = parser.parse_args()
    folder = chosen.at.resolve()
    shutil.rmtree(folder / "flown", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    proof = Proof(folder, chosen.seed)
    proofs: dict[str, Callable[[], None]] = {
        "formats": lambda: formats(proof),
        "pulls": lambda: pulls(proof, chosen.pulls),
        "cuts": lambda: cuts(proof, chosen.cuts),
        "refusals": lambda: refusals(proof),
        "own": lambda: own(proof),
    }
    try:
        booted = proof.boot()
        say(f"{booted} ({'with' if proof.guest.uses_kvm else 'without'} KVM)")
        assert not proof.mounts(), "something of the machine's own was taken for a card"
        for name in chosen.only:
            proofs[name]()
    finally:
        proof.guest.cut()


if __name__ == "__main__":
    main()
