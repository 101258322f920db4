"""Multispectral exposures as reflectance, without a flight: for a picture taken by hand, or to check the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fieldbox import inspecting
from fieldbox.apart import Apart, shared
from fieldbox.config import Config
from fieldbox.developing import LIGHT_TASK, MAKE_TASK, Light, Made
from fieldbox.domain import CaptureKind, FileKind, LayerLabel, Rejection, Source
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence, _
from fieldbox.imagery.kinds import SNIFFED, kind_of
from fieldbox.imagery.multispectral.grouping import Exposure, Item, group_exposures
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.multispectral.packed import Planes, from_bytes
from fieldbox.imagery.multispectral.written import write_planes
from fieldbox.imagery.spectral import possible, spectral_index
from fieldbox.ingest.copy import head_of
from fieldbox.ingest.scan import Found, scan
from fieldbox.making import SAMPLES, SECONDS
from fieldbox.mapping.files import replacing
from fieldbox.receiving import panels_among

NO_BANDS = N_("There are no bands of a multispectral camera here: give the folder that holds its TIFF files.")


@dataclass(frozen=True, slots=True)
class Reflected:
    """One exposure."""

    name: str
    """Of its first file."""
    file: Path
    """What was written."""
    label: LayerLabel
    means: Mapping[str, float]
    """Over all that is known, of bands and of indices."""
    known_pct: float
    """Percent of the picture that every band shows."""
    residual_px: Mapping[str, float | None]
    """Of bands: by which each is off; None: its pixels could not be compared."""
    notes: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Reflection:
    """What came of a folder."""

    panel: str | None
    """First file of the exposure of the panel that the light is known by; None: there is none, or none that helps."""
    exposures: tuple[Reflected, ...]
    rejected: tuple[Rejection, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "panel": self.panel,
            "exposures": [
                {
                    "name": one.name,
                    "file": str(one.file),
                    "layer_label": one.label.value,
                    "means": {name: round(value, 5) for name, value in one.means.items()},
                    "known_pct": round(one.known_pct, 2),
                    "residual_px": one.residual_px,
                    "notes": [str(note) for note in one.notes],
                }
                for one in self.exposures
            ],
            "rejected": [{"file": one.name, "reason": str(one.reason)} for one in self.rejected],
        }

    def to_text(self) -> str:
        """For a person."""
        lines = [_("Panel: {file}").format(file=self.panel or _("none"))]
        for one in self.exposures:
            lines += ["", f"{one.name} -> {one.file} ({one.label.value})"]
            lines += [f"  {name:<10} {value:8.4f}" for name, value in one.means.items()]
            lines += [f"  ! {note}" for note in one.notes]
        lines += [f"{one.name}: {one.reason}" for one in self.rejected]
        return "\n".join(lines)


def reflect(config: Config, path: Path, folder: Path) -> Reflection:
    """Write each exposure of the bands at `path`, without those of the panel, into `folder` as a TIFF of bands and indices.

    Raises Rejected where there are none.
    """
    rejected: list[Rejection] = []
    held = {str(found.path): (found, band) for found, band in _bands(path, config.threads, rejected)}
    if not held:
        raise Rejected(NO_BANDS)
    grouping = group_exposures(Item(key, band) for key, (_found, band) in held.items())
    rejected += [Rejection(held[item.key][0].name, why) for item, why in grouping.left_out]
    paths = {key: found.path for key, (found, _band) in held.items()}
    panels = panels_among(grouping.exposures, paths, shared(inspecting.PANEL_TASK, 1).call)
    shown = [one for number, one in enumerate(grouping.exposures) if number not in panels]
    panel = grouping.exposures[min(panels)] if panels else None
    light = _light(panel, shown, config.multispectral.albedo)
    made = []
    for number, one in enumerate(shown, start=1):
        name = held[one.bands[0].key][0].name
        try:
            made.append(_made(one, light, name, folder / f"{number:04d}_{Path(name).stem}.tif"))
        except Rejected as refusal:
            rejected.append(Rejection(name, refusal.sentence))
    first = held[panel.bands[0].key][0].name if panel and light.panel else None
    return Reflection(first, tuple(made), tuple(rejected))


def _bands(path: Path, processes: int, rejected: list[Rejection]) -> Iterator[tuple[Found, BandFile]]:
    children = shared(inspecting.TASK, processes)
    for item in scan(path):
        if isinstance(item, Rejection):
            rejected.append(item)
            continue
        try:
            band = _band(children, item)
        except Rejected as refusal:
            rejected.append(Rejection(item.name, refusal.sentence))
        else:
            if band:
                yield item, band


def _band(children: Apart, item: Found) -> BandFile | None:
    head, size = head_of(item.path, SNIFFED)
    kind = kind_of(head, size, item.name)
    if kind is not FileKind.TIFF:
        return None
    held = children.call(str(item.path), kind.value, seconds=inspecting.seconds_for(item.path, kind, size))
    return held if isinstance(held, BandFile) else None


def _files(exposure: Exposure) -> list[str]:
    return [item.key for item in exposure.bands]


def _light(panel: Exposure | None, shown: Sequence[Exposure], albedo: Mapping[str, float] | None) -> Light:
    samples = [_files(one) for one in shown[:SAMPLES]]
    files = _files(panel) if panel else []
    light: Light = shared(LIGHT_TASK, 1).call(files, samples, dict(albedo or {}), seconds=SECONDS)
    return light


def _made(exposure: Exposure, light: Light, name: str, file: Path) -> Reflected:
    files = _files(exposure)
    made: Made = shared(MAKE_TASK, 1).call(
        files, Source(CaptureKind.BANDS, tuple(files), (0,)), light, seconds=SECONDS
    )
    planes = from_bytes(made.bands or b"")
    layers = _layers(planes)
    with replacing(file) as target:
        write_planes(target, layers, planes.label)
    return Reflected(
        name,
        file,
        planes.label,
        {one: float(np.nanmean(plane)) for one, plane in layers.items() if np.isfinite(plane).any()},
        100 * float(np.isfinite(planes.bands).all(axis=2).mean()),
        dict(zip(planes.names, planes.residual_px, strict=True)),
        tuple(dict.fromkeys((*light.notes, *made.notes))),
    )


def _layers(planes: Planes) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    bands = {name: planes.bands[:, :, number] for number, name in enumerate(planes.names)}
    indices = possible(planes.names, planes.label)
    return bands | {name: spectral_index(name, planes.bands, planes.names) for name in indices}
