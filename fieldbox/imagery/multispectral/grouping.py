"""Join band files to exposures by the identifiers in them. Names of files play no part."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.multispectral.nouns import BandFile, ColourFile

_AT_THE_ENDS = 3
_FAR_BELOW_M = 10.0
NO_IDENTIFIER = Sentence(
    N_(
        "The band file does not say which exposure it belongs to: give the camera's original files, with their tags."
    )
)


@dataclass(frozen=True, slots=True)
class Item:
    """A file and what it says of itself."""

    key: str
    """Whatever the caller knows the file by, such as its digest."""
    told: BandFile | ColourFile


@dataclass(frozen=True, slots=True)
class Exposure:
    """The files of one exposure."""

    capture_id: str
    bands: tuple[Item, ...]
    """From short waves to long; each band once."""
    colour: tuple[str, ...]
    """Keys of the colour photos of the same exposure."""
    missing: tuple[str, ...]
    """Bands that the camera's other exposures have."""
    warnings: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """All exposures, and the files that belong to none."""

    exposures: tuple[Exposure, ...]
    left_out: tuple[tuple[Item, Sentence], ...]


def group_exposures(items: Iterable[Item]) -> Grouping:
    """Join `items` to exposures, in the order in which their first files come.

    A band without an identifier, and one that an exposure already has, is left out with a sentence; an exposure
    that lacks a band which most of its camera's have says so. Colour photos without bands make no exposure.
    """
    groups: dict[tuple[str, str], list[Item]] = {}
    left_out: list[tuple[Item, Sentence]] = []
    for item in items:
        if item.told.capture_id:
            groups.setdefault((item.told.make.lower(), item.told.capture_id), []).append(item)
        elif isinstance(item.told, BandFile):
            left_out.append((item, NO_IDENTIFIER))
    sorted_groups = {key: _once(group, left_out) for key, group in groups.items()}
    usual = _usual(sorted_groups.values())
    exposures = [
        _exposure(key[1], groups[key], bands, usual) for key, bands in sorted_groups.items() if bands
    ]
    return Grouping(tuple(exposures), tuple(left_out))


def _once(group: Sequence[Item], left_out: list[tuple[Item, Sentence]]) -> list[Item]:
    """The bands of an exposure, each once, from short waves to long."""
    found: dict[str, Item] = {}
    for item in group:
        if not isinstance(item.told, BandFile):
            continue
        if item.told.name in found:
            told = Sentence(
                N_("The exposure has the band {band} twice: only the first file is used."),
                {"band": item.told.name},
            )
            left_out.append((item, told))
        else:
            found[item.told.name] = item
    return sorted(found.values(), key=_wave)


def _wave(item: Item) -> tuple[float, str]:
    if not isinstance(item.told, BandFile) or item.told.wavelength_nm is None:
        return (1e9, "")
    return (item.told.wavelength_nm, item.told.name)


def _camera(bands: Sequence[Item]) -> tuple[str, str]:
    return (bands[0].told.make, bands[0].told.model)


def _usual(groups: Iterable[Sequence[Item]]) -> dict[tuple[str, str], frozenset[str]]:
    """The bands that at least half of a camera's exposures have."""
    count: dict[tuple[str, str], Counter[str]] = {}
    exposures: Counter[tuple[str, str]] = Counter()
    for bands in groups:
        if not bands:
            continue
        exposures[_camera(bands)] += 1
        names = count.setdefault(_camera(bands), Counter())
        names.update(item.told.name for item in bands if isinstance(item.told, BandFile))
    return {
        camera: frozenset(name for name, seen in names.items() if 2 * seen >= exposures[camera])
        for camera, names in count.items()
    }


def _exposure(
    capture_id: str,
    group: Sequence[Item],
    bands: Sequence[Item],
    usual: dict[tuple[str, str], frozenset[str]],
) -> Exposure:
    have = {item.told.name for item in bands if isinstance(item.told, BandFile)}
    missing = tuple(sorted(usual[_camera(bands)] - have))
    warnings: tuple[Sentence, ...] = ()
    if missing:
        warnings = (
            Sentence(
                N_(
                    "The exposure lacks the band {bands}: copy the missing files from the drone's card, if they are there."
                ),
                {"bands": ", ".join(missing)},
            ),
        )
    colour = tuple(item.key for item in group if isinstance(item.told, ColourFile))
    return Exposure(capture_id, tuple(bands), colour, missing, warnings)


def panel_candidates(exposures: Sequence[Sequence[Item]]) -> list[int]:
    """Numbers of the exposures that may show the calibration panel: the first and last ones, and such as were taken far
    below most others."""
    told = [next((one.told for one in bands if isinstance(one.told, BandFile)), None) for bands in exposures]
    times = sorted((one.taken_at, number) for number, one in enumerate(told) if one and one.taken_at)
    first_and_last = {number for _time, number in (*times[:_AT_THE_ENDS], *times[-_AT_THE_ENDS:])}
    heights = [one.altitude_m for one in told if one and one.altitude_m is not None]
    low = median(heights) - _FAR_BELOW_M if heights else -math.inf
    below = {n for n, one in enumerate(told) if one and one.altitude_m is not None and one.altitude_m < low}
    untimed = set(range(len(exposures))) if not times else set()
    return sorted(first_and_last | below | untimed)
