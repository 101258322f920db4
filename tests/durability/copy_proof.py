"""How fast a card is copied, against `cp && sync` in the same run: `python -m tests.durability.copy_proof`.

500 files of 6 MB from a source that gives 90 MB a second. Ours are flushed, read back with the cache dropped, compared and
noted in the database; `cp -r && sync` does none of that but the last flush.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fieldbox.imagery.kinds import kind_of
from fieldbox.ingest.copy import Shelf
from fieldbox.ingest.intake import Handlers, take_in
from fieldbox.storage.store import Store
from tests.durability.throttledcard import plugged_in


def _by_cp(card: Path, target: Path) -> float:
    subprocess.run(["sync"], check=True)
    start = time.monotonic()
    subprocess.run(["cp", "-r", str(card), str(target)], check=True)
    subprocess.run(["sync"], check=True)
    return time.monotonic() - start


def _by_us(card: Path, root: Path, count: int) -> float:
    subprocess.run(["sync"], check=True)
    root.mkdir()
    with Store.open(root / "fieldbox.db") as store:
        ingest_id = store.begin_ingest("card")
        handlers = Handlers(
            kind_of,
            lambda given: store.add_given(ingest_id, given) and None,
            lambda refused: sys.exit(str(refused.reason)),
            seems_known=store.has_size,
        )
        start = time.monotonic()
        take_in(card, Shelf(root / "originals", root / "tmp", 0), handlers)
        seconds = time.monotonic() - start
        assert len(store.given_in(ingest_id)) == count
    return seconds


def main() -> None:
    """Copy both ways, alternately, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--mb", type=float, default=6.0)
    parser.add_argument("--rate", type=float, default=90.0, help="MB a second")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--at", type=Path, help="folder on the disk to be measured")
    chosen = parser.parse_args()
    total = chosen.count * chosen.mb
    with tempfile.TemporaryDirectory(prefix="fieldbox-proof-", dir=chosen.at) as name:
        folder = Path(name)
        with plugged_in(folder / "card", chosen.rate, chosen.count, chosen.mb) as card:
            for _run in range(chosen.runs):
                plain = total / _by_cp(card, folder / "cp")
                shutil.rmtree(folder / "cp")
                ours = total / _by_us(card, folder / "ours", chosen.count)
                shutil.rmtree(folder / "ours")
                print(  # noqa: T201
                    f"cp && sync {plain:.1f} MB/s; ours, flushed and read back, {ours:.1f} MB/s: {100 * ours / plain:.0f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main()
