"""Mutated files through the reader that ingest uses: `python -m tests.fuzz.mutated --count 10000`.

Whatever is made of a photo, a band, an orthomosaic, a film, its subtitles or a file that has made trouble elsewhere, it is
taken or rejected with a sentence, within 10 s, in bounded memory; a child that dies of it is counted, and the next file is read
all the same. A third of the mutations are of the metadata alone, in a file that is sound otherwise, so that they are reached.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fieldbox import inspecting
from fieldbox.apart import Apart
from fieldbox.errors import Rejected
from fieldbox.imagery.jpeg import EXIF_HEADER, XMP_HEADER
from fieldbox.imagery.kinds import SNIFFED, kind_of
from fieldbox.simulate.field import FieldOptions
from fieldbox.simulate.film import film
from fieldbox.simulate.flight import FlightOptions, exact
from tests.flown import grown
from tests.fuzz.sound import check
from tests.imagery.multispectral import bandfiles
from tests.imagery.photos import real_data
from tests.imagery.test_raster import ground, write
from tests.path.box import simulated

MOST_SECONDS = 10.0
SMALL = FieldOptions(size_m=(5.0, 4.0), margin_m=1.0, seed=3)
_NUMBERS = (0, 1, 2**31 - 1, 2**31, 2**32 - 1)


def seeds(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Sound files of every kind."""
    photos, _truth = simulated(folder / "flown", camera="tiny")
    yield "a.jpg", sorted(photos.glob("*.JPG"))[0].read_bytes()
    truth = bandfiles.truth("Green")
    yield "m.tif", bandfiles.micasense("Green", truth)
    yield "d.tif", bandfiles.dji("Green", truth)
    yield "s.tif", bandfiles.sequoia("Green", truth)
    yield "o.tif", write(folder / "o.tif", ground(300, 300), compress="deflate", tiled=True).read_bytes()
    wide = (ground(200, 200) * 200.0).astype(np.uint16)
    yield "w.tif", write(folder / "w.tif", wide, compress="lzw").read_bytes()
    filmed = film(grown(SMALL), exact(FlightOptions(camera="tiny")), folder / "film", fps=2)
    yield "v.mp4", (filmed / "DJI_0001.MP4").read_bytes()
    yield "v.srt", (filmed / "DJI_0001.SRT").read_bytes()


def bad_files() -> Iterator[tuple[str, bytes]]:
    """Those that have made trouble elsewhere; none where they are not at hand."""
    try:
        folder = real_data() / "badfiles"
    except BaseException:  # noqa: BLE001  pytest's skip is none of Exception
        return
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("LICENSE"):
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
            raw[at : at + 4] = chance.choice((*_NUMBERS, len(raw))).to_bytes(4, "little")
        elif chance.random() < 0.2:
            del raw[at:]
    return bytes(raw)


def with_other_tags(data: bytes, chance: random.Random) -> bytes:
    """Bytes of one block of metadata overwritten, nothing moved; the file itself where it has none."""
    blocks = list(_metadata(data))
    if not blocks:
        return mutated(data, chance)
    start, end = chance.choice(blocks)
    raw = bytearray(data)
    for _change in range(chance.choice((1, 2, 4, 16, 64))):
        size = chance.choice((1, 1, 2, 4, 8))
        at = chance.randrange(start, max(start + 1, end - size))
        word = chance.choice(
            (chance.randbytes(size), b"\xff" * size, b"\0" * size, b"9" * size, b"-1e308/0"[:size])
        )
        raw[at : at + size] = word
    return bytes(raw)


def _metadata(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the Exif and XMP of a JPEG stand; the XMP and the first directory of a TIFF; the index of a film."""
    for header in (EXIF_HEADER, XMP_HEADER):
        if (at := data.find(header)) >= 4 and data.startswith(b"\xff\xd8"):
            yield at + len(header), at - 2 + int.from_bytes(data[at - 2 : at], "big")
    if data[:4] in (b"II*\0", b"MM\0*"):
        order = "little" if data[:1] == b"I" else "big"
        at = int.from_bytes(data[4:8], order)  # type: ignore[arg-type]  # one of the two
        if at + 2 < len(data):
            yield at, min(len(data), at + 600)
        if (packet := data.find(b"<x:xmpmeta")) >= 0:
            yield packet, data.rfind(b"</x:xmpmeta>")
    if (at := data.find(b"moov")) >= 0 and data[4:8] == b"ftyp":
        yield at, len(data)


def main() -> None:
    """Read so many mutated files and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311  no secret
    told: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as name, Apart(inspecting.TASK) as apart:
        folder = Path(name)
        given = list(bad_files())
        known = list(seeds(folder)) * 3 + given
        for number in range(chosen.count + len(given)):
            file, data = given[number] if number < len(given) else chance.choice(known)
            path = folder / file
            if number >= len(given):
                data = (mutated, mutated, with_other_tags)[number % 3](data, chance)
            path.write_bytes(data)
            kinds[path.suffix] += 1
            start = time.monotonic()
            try:
                kind = kind_of(data[:SNIFFED], len(data), file)
                check(apart.call(str(path), kind.value, seconds=MOST_SECONDS))
                told["taken"] += 1
            except Rejected as refusal:
                check(refusal.sentence)
                told[refusal.sentence.template[:60]] += 1
            longest = max(longest, time.monotonic() - start)
    for sentence, count in told.most_common():
        print(f"{count:6d}  {sentence}")  # noqa: T201
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{dict(kinds)}, of which {len(given)} as they are")  # noqa: T201
    print(f"{chosen.count} more, the longest took {longest:.1f} s, a new child included; memory {peak} MB")  # noqa: T201


if __name__ == "__main__":
    main()
