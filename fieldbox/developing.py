"""From the files of what is no photo to a picture, a mask and reflectance. Runs apart (`fieldbox.apart`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fieldbox.domain import CaptureKind, LayerLabel, Source, Window
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.jpeg import MIN_SIDE
from fieldbox.imagery.multispectral.develop import develop
from fieldbox.imagery.multispectral.developed import Developed
from fieldbox.imagery.multispectral.packed import to_bytes
from fieldbox.imagery.multispectral.panel import Panel, read_panel
from fieldbox.imagery.multispectral.picture import Scaling, picture, scaling_of
from fieldbox.imagery.raster import read_tile
from fieldbox.imagery.rasterbands import bands_of
from fieldbox.imagery.video import frame_at

MAKE_TASK = "fieldbox.developing:make"
LIGHT_TASK = "fieldbox.developing:light_of"
VERSION = 2
"""Raise it when the same files would give other pictures."""
QUALITY = 95


@dataclass(frozen=True, slots=True)
class Light:
    """What the exposures of a flight share."""

    panel: Panel | None
    scaling: Scaling | None
    """Of their pictures; None: of reflectance, whose scale is fixed."""
    notes: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a capture's files."""

    picture: bytes
    """JPEG."""
    mask: bytes | None
    """PNG, 255 where the picture holds anything; None: everywhere."""
    bands: bytes | None = None
    """`imagery.multispectral.packed`."""
    label: LayerLabel = LayerLabel.RGB_ONLY
    notes: tuple[Sentence, ...] = ()


def light_of(panel: Sequence[str], samples: Sequence[Sequence[str]], albedo: Mapping[str, float]) -> Light:
    """The light of a flight: of the exposure of the panel whose files are at `panel` (empty: there is none), and of the
    scale of its pictures, from the files of some exposures. `albedo` of the panel by names of bands."""
    found, notes = None, []
    if panel:
        try:
            found = read_panel(_bytes(panel), albedo)
        except Rejected as refusal:
            notes.append(refusal.sentence)
    developed = _sound(samples, found)
    one = next(developed, None)
    if one is None or one.like_reflectance:
        return Light(found, None, tuple(notes))
    return Light(found, scaling_of([one, *developed]), tuple(notes))


def _sound(samples: Sequence[Sequence[str]], panel: Panel | None) -> Iterator[Developed]:
    """Those of the exposures that can be developed; of the others it is told when their own turn comes."""
    for paths in samples:
        with suppress(Rejected):
            yield develop(_bytes(paths), panel)


def make(paths: Sequence[str], source: Source, light: Light | None) -> Made:
    """The picture of a capture whose files are at `paths`. Raises Rejected if it cannot be made."""
    if source.kind is CaptureKind.TILE:
        beside, bands = [Path(one) for one in paths[1:]], bands_of(source.at[4:])
        return _masked(*read_tile(Path(paths[0]), Window(*source.at[:4]), beside, bands))
    if source.kind is CaptureKind.BANDS:
        return _exposure(paths, light)
    if source.kind is CaptureKind.FRAME:
        frame = frame_at(Path(paths[0]), source.at[0])
        return _masked(frame, np.ones(frame.shape[:2], np.bool_))
    raise Rejected(N_("It is not a photo: give the JPEG photos that the drone took."))


def _bytes(paths: Sequence[str]) -> list[bytes]:
    return [Path(path).read_bytes() for path in paths]


def _exposure(paths: Sequence[str], light: Light | None) -> Made:
    developed = develop(_bytes(paths), light.panel if light else None)
    scaling = light.scaling if light else None
    if scaling is None and not developed.like_reflectance:
        scaling = scaling_of([developed])
    known = np.asarray(np.isfinite(developed.bands).all(axis=2), np.bool_)
    made = _masked(picture(developed, scaling), known)
    # What is burnt out in one band is no hole in the picture: it is unknown in the bands alone.
    return Made(made.picture, None, to_bytes(developed), developed.label, developed.warnings)


def _masked(shown: NDArray[np.uint8], held: NDArray[np.bool_]) -> Made:
    """What holds nothing is painted in the colour of the rest: an edge would be looked at like a thing."""
    if not held.all():
        usual = np.median(shown[held], axis=0) if held.any() else np.zeros(3)
        shown = np.where(held[..., None], shown, usual.astype(np.uint8))
    padding = [(0, max(0, MIN_SIDE - size)) for size in held.shape]
    shown = np.pad(shown, (*padding, (0, 0)), mode="edge")
    held = np.pad(held, padding)
    jpeg = simplejpeg.encode_jpeg(
        np.ascontiguousarray(shown), quality=QUALITY, colorspace="RGB", colorsubsampling="444"
    )
    if held.all():
        return Made(jpeg, None)
    _done, png = cv2.imencode(".png", np.where(held, np.uint8(255), np.uint8(0)))
    return Made(jpeg, png.tobytes())
