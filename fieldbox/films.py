"""Videos and rasters, and what was written beside them, joined by their names: DJI_0001.MP4 and DJI_0001.SRT of one folder,
north.tif, north.tfw and north.prj."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from fieldbox.domain import Original
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.film import Film
from fieldbox.imagery.kinds import BESIDE_RASTERS
from fieldbox.imagery.srt import Sample

ALONE = Sentence(
    N_(
        "The subtitles belong to a video that is not here: give both together, under the names that the drone gave them."
    )
)


@dataclass(frozen=True, slots=True)
class Shot:
    """A video with its telemetry, if that is there."""

    video: Original
    film: Film
    telemetry: Original | None
    samples: tuple[Sample, ...]


def stem(name: str) -> str:
    """By which files that belong together know each other: the path without the ending, whatever the case."""
    return str(PurePosixPath(name).with_suffix("")).casefold()


def tells_place(name: str) -> bool:
    """Whether a file of this name may tell where the raster of the same name lies."""
    return PurePosixPath(name).suffix.casefold() in BESIDE_RASTERS


def beside_raster(name: str, others: Iterable[str]) -> list[str]:
    """Those of the names of other files that may tell where the raster `name` lies."""
    return sorted({one for one in others if tells_place(one) and stem(one) == stem(name)})


def shots(
    films: Iterable[tuple[Original, Film]], written: Mapping[str, tuple[Original, tuple[Sample, ...]]]
) -> Iterator[Shot]:
    """Each video with what was written beside it; `written` by stems."""
    for video, film in films:
        telemetry, samples = written.get(stem(video.name), (None, ()))
        yield Shot(video, film, telemetry, samples)
