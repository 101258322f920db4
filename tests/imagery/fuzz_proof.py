"""Mutated files through the reader that ingest uses: `python -m tests.imagery.fuzz_proof --count 10000`.

Whatever is made of a photo, a band, an orthomosaic or a file that has made trouble elsewhere, it is taken or rejected with a
sentence, within 10 s, in bounded memory; a child that dies of it is counted, and the next file is read all the same.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fieldbox import inspecting
from fieldbox.apart import Apart
from fieldbox.errors import Rejected
from fieldbox.imagery.kinds import SNIFFED, kind_of
from fieldbox.simulate.field import FieldOptions, grow_field
from fieldbox.simulate.film import film
from fieldbox.simulate.flight import FlightOptions, exact
from tests.imagery.multispectral import bandfiles
from tests.imagery.photos import real_data
from tests.imagery.test_raster import ground, write
from tests.path.box import simulated

MOST_SECONDS = 10.0
SMALL = FieldOptions(size_m=(4.0, 3.0), margin_m=1.0, seed=3)


def seeds(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Sound files of every kind, and bad ones where they are at hand."""
    photos, _truth = simulated(folder / "flown", camera="tiny")
    yield "a.jpg", sorted(photos.glob("*.JPG"))[0].read_bytes()
    truth = bandfiles.truth("Green")
    yield "m.tif", bandfiles.micasense("Green", truth)
    yield "d.tif", bandfiles.dji("Green", truth)
    yield "s.tif", bandfiles.sequoia("Green", truth)
    yield "o.tif", write(folder / "o.tif", ground(300, 300), compress="deflate", tiled=True).read_bytes()
    wide = (ground(200, 200) * 200.0).astype(np.uint16)
    yield "w.tif", write(folder / "w.tif", wide, compress="lzw").read_bytes()
    filmed = film(grow_field(SMALL), exact(FlightOptions(camera="tiny")), folder / "film", fps=2)
    yield "v.mp4", (filmed / "DJI_0001.MP4").read_bytes()
    yield "v.srt", (filmed / "DJI_0001.SRT").read_bytes()
    try:
        bad = real_data() / "badfiles"
    except BaseException:  # noqa: BLE001  pytest's skip is none of Exception
        return
    for path in sorted(bad.iterdir()):
        if path.suffix in {".jpg", ".tif"}:
            yield path.name, path.read_bytes()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, mostly near the front, where the structure is; parts cut out, doubled or swapped."""
    raw = bytearray(data)
    for _change in range(chance.choice((1, 1, 2, 4, 16))):
        reach = len(raw) if chance.random() < 0.3 else min(len(raw), 4096)
        at = chance.randrange(max(1, reach))
        size = chance.choice((1, 1, 2, 4, 4, 64))
        kind = chance.randrange(6)
        if kind == 0:
            raw[at : at + size] = chance.randbytes(size)
        elif kind == 1:
            raw[at : at + size] = chance.choice((b"\x00", b"\xff", b"\x7f", b"\x80")) * size
        elif kind == 2:
            del raw[at : at + size]
        elif kind == 3:
            raw[at:at] = raw[at : at + size]
        elif kind == 4:
            raw[at : at + 4] = chance.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, len(raw))).to_bytes(
                4, "little"
            )
        elif chance.random() < 0.2:
            del raw[at:]
    return bytes(raw)


def main() -> None:
    """Read so many mutated files and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311  no secret
    told: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as name, Apart(inspecting.TASK) as apart:
        folder = Path(name)
        known = list(seeds(folder))
        for _number in range(chosen.count):
            file, data = chance.choice(known)
            path = folder / file
            path.write_bytes(mutated(data, chance))
            start = time.monotonic()
            try:
                head = path.read_bytes()[:SNIFFED]
                apart.call(str(path), kind_of(head, path.stat().st_size, file).value, seconds=MOST_SECONDS)
                told["taken"] += 1
            except Rejected as refusal:
                told[refusal.sentence.template[:60]] += 1
            longest = max(longest, time.monotonic() - start)
    for sentence, count in told.most_common():
        print(f"{count:6d}  {sentence}")  # noqa: T201
    print(f"{chosen.count} files, the longest took {longest:.1f} s, a new child included")  # noqa: T201


if __name__ == "__main__":
    main()
