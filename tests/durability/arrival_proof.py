"""How soon the pilot is told: `python -m tests.durability.arrival_proof --flight FOLDER`.

A card that gives 90 MB a second is plugged in beside a running `fieldbox intake`. Printed: after how many seconds it may be
pulled out, and after how many the check of its flight stands in the database that the dashboard shows.

FOLDER holds photos; where it is missing, a simulated flight of 20 MP photos is made there as `fieldbox bench` makes it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fieldbox.bench.run import make_flight
from fieldbox.domain import Came
from fieldbox.ingest.status import read_status
from fieldbox.storage.store import Store
from tests.durability.throttledcard import plugged_in

_LONGEST_S = 900.0


def _watch(root: Path, start: float) -> tuple[float, float, float]:
    """Seconds from `start` until the first sign of the card, until it may be pulled out, and until it is done."""
    seen = pulled = 0.0
    while time.monotonic() - start < _LONGEST_S:
        status = read_status(root)
        at = time.monotonic() - start
        if status and status.now:
            seen = seen or at
            pulled = pulled or (at if status.now[0].may_pull else 0.0)
        if status and status.last:
            assert status.last[0].outcome in {Came.DONE, Came.PARTLY}, status.last[0]
            return seen, pulled or at, at
        time.sleep(0.05)
    raise AssertionError(f"not done within {_LONGEST_S} s")


def main() -> None:
    """Plug it in, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flight", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=500, help="of a flight that has to be made")
    parser.add_argument("--rate", type=float, default=90.0, help="MB a second")
    parser.add_argument("--at", type=Path, help="folder on the disk to be measured")
    chosen = parser.parse_args()
    make_flight(chosen.flight, chosen.photos, lambda *_: None)
    sizes = [one.stat().st_size for one in chosen.flight.glob("*.JPG")]
    with tempfile.TemporaryDirectory(prefix="fieldbox-proof-", dir=chosen.at) as name:
        root, cards = Path(name) / "box", Path(name) / "cards"
        settings = {"FIELDBOX_STORAGE__ROOT": str(root), "FIELDBOX_INGEST__CARDS_FOLDER": str(cards)}
        settings |= {"FIELDBOX_STORAGE__RESERVE_MB": "0"}
        intake = subprocess.Popen([sys.executable, "-m", "fieldbox", "intake"], env=os.environ | settings)
        try:
            while read_status(root) is None:
                time.sleep(0.1)
            start = time.monotonic()
            with plugged_in(cards / "sda1", chosen.rate, chosen.flight):
                seen, pulled, done = _watch(root, start)
        finally:
            intake.terminate()
            intake.wait(timeout=60)
        with Store.open(root / "fieldbox.db") as store:
            (check,) = store.checks(one.id for one in store.flights()).values()
        print(  # noqa: T201
            f"{len(sizes)} photos, {sum(sizes) / len(sizes) / 1e6:.1f} MB each, from a card of {chosen.rate:.0f} MB/s:"
            f" noticed after {seen:.1f} s, may be pulled out after {pulled:.1f} s, checked ({check.verdict.value}) after"
            f" {done:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
