"""Reading one file for the first time: what it says of itself and what it looks like. Runs apart (`fieldbox.apart`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldbox.apart import SECONDS, shared
from fieldbox.domain import FileKind
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.decode import REDUCTIONS, decode_jpeg
from fieldbox.imagery.exif import read_exif
from fieldbox.imagery.film import Film, read_film
from fieldbox.imagery.glance import glance_at
from fieldbox.imagery.jpeg import read_file
from fieldbox.imagery.metadata import Metadata, metadata_of
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.multispectral.panelcode import find_panel
from fieldbox.imagery.multispectral.radiometry import radiance
from fieldbox.imagery.multispectral.tags import read_band
from fieldbox.imagery.multispectral.tiff import MAX_BYTES as MAX_FILE
from fieldbox.imagery.multispectral.tiff import read_pixels
from fieldbox.imagery.raster import Raster, is_georeferenced, read_raster
from fieldbox.imagery.srt import MAX_BYTES, Sample, read_srt
from fieldbox.imagery.video import workload

TASK = "fieldbox.inspecting:inspect"
VIDEO_TASK = "fieldbox.inspecting:decoding_s"
PANEL_TASK = "fieldbox.inspecting:shows_panel"
GLANCED_PX = 600
"""Short side, in pixels, that a photo is decoded to at least for a glance."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A colour photo."""

    metadata: Metadata
    glance: bytes
    """`imagery.glance.Glance.to_bytes`."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What was written beside a video."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Placeless:
    """A TIFF of no camera that does not say where it lies: files beside it may."""


Inspected = Photo | Raster | BandFile | Film | Telemetry | Placeless
SLOWEST_BYTES_S = 4_000_000
"""Of a video that is looked through, since a small box reads its key frames at some 100 Mbit/s and more, and of an
orthomosaic, all of whose pixels are unpacked. By what they have on the disk: a bomb gets no more time."""
SLOWEST_WORDS_S = 1_000_000
"""The same of subtitles, which have a block for each frame of an hour."""
SLOWEST_PIXELS_S = 40_000_000
"""Of a video that is decoded: four or five frames of 4K."""
LONGEST_S = 2 * 3600.0
"""For one file, whatever it says of itself."""
_SLOWEST = {
    FileKind.VIDEO: SLOWEST_BYTES_S,
    FileKind.TELEMETRY: SLOWEST_WORDS_S,
    FileKind.TIFF: SLOWEST_BYTES_S,
}


def seconds_for(path: Path, kind: FileKind, size: int) -> float:
    """How long reading a file of `size` bytes may take. Raises Rejected for a video that says nothing of itself."""
    if kind not in _SLOWEST:
        return SECONDS
    reading, decoding = min(LONGEST_S, size / _SLOWEST[kind]), 0.0
    if kind is FileKind.VIDEO:
        decoding = shared(VIDEO_TASK, 1).call(str(path), seconds=SECONDS + reading)
    return SECONDS + min(LONGEST_S, max(reading, decoding))


def decoding_s(path: str) -> float:
    """Seconds that a small box decodes for a look at a video. Runs apart."""
    return workload(Path(path)) / SLOWEST_PIXELS_S


def inspect(path: str, kind: str, beside: Sequence[str] = (), bands: Sequence[str] = ()) -> Inspected:
    """What the file at `path` holds; `kind` is that of its first bytes (`domain.FileKind`). Of an orthomosaic, `beside` are
    the files that tell where it lies, and `bands` what somebody said its bands are.

    Raises Rejected, with one sentence, for what cannot be used.
    """
    if FileKind(kind) is FileKind.JPEG:
        return _photo(Path(path))
    if FileKind(kind) is FileKind.TIFF:
        return _tiff(Path(path), [Path(one) for one in beside], bands)
    if FileKind(kind) is FileKind.VIDEO:
        return read_film(Path(path))
    if FileKind(kind) is FileKind.TELEMETRY:
        with Path(path).open("rb") as file:
            return Telemetry(read_srt(file.read(MAX_BYTES + 1)))
    raise Rejected(N_("It is not a photo: give the JPEG photos that the drone took."))


def shows_panel(path: str) -> bool:
    """Whether the band at `path` shows a calibration panel whose code can be read. Runs apart."""
    data = Path(path).read_bytes()
    return find_panel(radiance(read_band(data), read_pixels(data)).pixels) is not None


def _tiff(path: Path, beside: Sequence[Path], bands: Sequence[str]) -> Raster | BandFile | Placeless:
    """A band of a camera names itself; a raster names its place."""
    if beside or is_georeferenced(path):
        return read_raster(path, beside, bands)
    data = path.read_bytes() if path.stat().st_size <= MAX_FILE else b""
    return read_band(data) if read_exif(data).make else Placeless()


def _photo(path: Path) -> Photo:
    data = read_file(path)
    metadata = metadata_of(data)
    short = min(metadata.width, metadata.height)
    reduction = max(step for step in REDUCTIONS if step == 1 or short // step >= GLANCED_PX)
    return Photo(metadata, glance_at(decode_jpeg(data, reduction=reduction)).to_bytes())
