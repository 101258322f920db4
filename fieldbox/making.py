"""Pictures of what is no photo: made from the originals apart from this process, kept, and made again if they are gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from blake3 import blake3

from fieldbox.apart import shared
from fieldbox.developing import LIGHT_TASK, MAKE_TASK, VERSION, Light, Made
from fieldbox.domain import Capture, CaptureKind, FileKind, LayerLabel, Source
from fieldbox.errors import Rejected
from fieldbox.i18n import Sentence
from fieldbox.ingest.copy import original_path
from fieldbox.mapping.files import replacing
from fieldbox.ordered import in_order
from fieldbox.pictures import bands_path, made_path, mask_path, note_path, picture_path

SECONDS = 60.0
"""For one picture: a tile of a large compressed raster takes some seconds on a small box."""
SAMPLES = 5
"""Exposures of a flight that tell the scale of its pictures."""
_FILES = {
    CaptureKind.TILE: FileKind.TIFF,
    CaptureKind.BANDS: FileKind.TIFF,
    CaptureKind.FRAME: FileKind.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Developed:
    """What is known of the bands of a flight."""

    label: LayerLabel
    """The least of its exposures'."""
    notes: tuple[Sentence, ...]
    recipe: str
    """Digest of all that its pictures were made with."""


class Unmade(Rejected):
    """The picture of one capture cannot be made of its files."""

    def __init__(self, digest: str, refusal: Rejected) -> None:
        super().__init__(refusal.sentence.template, **refusal.sentence.params)
        self.digest = digest


class Maker:
    """Makes the pictures of captures that are no photos. `albedo` of the calibration panel, by names of bands."""

    def __init__(self, root: Path, threads: int, albedo: Mapping[str, float] | None = None) -> None:
        self._root, self._threads, self._albedo = root, threads, dict(albedo or {})

    def ensure(self, captures: Sequence[Capture], progress: Callable[[int, int], None]) -> Developed | None:
        """Make those pictures of a flight's placed captures that are not there; what is known of its bands, None if it has
        none.

        Raises Unmade if one cannot be made, Unavailable if the disk is full.
        """
        recipe = self._recipe(captures)
        wanted = [one for one in captures if one.pose and self._is_missing(one, recipe)]
        if wanted:
            light = self._light(captures)
            progress(0, len(wanted))

            def make(capture: Capture) -> None:
                self._make(capture, light, recipe)

            for number, _one in enumerate(in_order(self._threads, make, wanted), start=1):
                progress(number, len(wanted))
        return self._developed(captures, recipe)

    def reader(self, captures: Sequence[Capture]) -> Callable[[str], bytes]:
        """Reads the picture of any of these captures, of one flight; those that are not there are made first."""
        recipe, by_digest = self._recipe(captures), {one.digest: one for one in captures}
        light = cache(lambda: self._light(captures))

        def read(digest: str) -> bytes:
            if self._is_missing(by_digest[digest], recipe):
                self._make(by_digest[digest], light(), recipe)
            return picture_path(self._root, digest).read_bytes()

        return read

    def _is_missing(self, capture: Capture, recipe: str) -> bool:
        return capture.source is not None and self._note(capture.digest).get("recipe") != recipe

    def _recipe(self, captures: Sequence[Capture]) -> str:
        """Of all captures of a flight: its panel and the scale of its pictures decide on each."""
        told: list[object] = [VERSION]
        if any(_is_exposure(one) for one in captures):
            panel = _panel_of(captures)
            told += [sorted(self._albedo.items()), panel.digest if panel else None]
            told.append([one.digest for one in _samples(captures)])
        return blake3(json.dumps(told).encode()).hexdigest()[:16]

    def _light(self, captures: Sequence[Capture]) -> Light | None:
        samples = _samples(captures)
        if not samples:
            return None
        panel = _panel_of(captures)
        files = self._paths(panel.source) if panel and panel.source else []
        others = [self._paths(one.source) for one in samples if one.source]
        light: Light = shared(LIGHT_TASK, 1).call(files, others, self._albedo, seconds=SECONDS)
        return light

    def _make(self, capture: Capture, light: Light | None, recipe: str) -> None:
        source = capture.source
        if source is None:
            raise ValueError(f"{capture.digest} is a photo")
        children = shared(MAKE_TASK, self._threads)
        try:
            made: Made = children.call(self._paths(source), source, light, seconds=SECONDS)
        except Rejected as refusal:
            raise Unmade(capture.digest, refusal) from refusal
        for path, data in ((mask_path, made.mask), (bands_path, made.bands), (made_path, made.picture)):
            if data is not None:
                _keep(path(self._root, capture.digest), data)
        notes = [one.to_json() for one in (*(light.notes if light else ()), *made.notes)]
        told = {"recipe": recipe, "label": made.label.value, "notes": notes}
        _keep(note_path(self._root, capture.digest), json.dumps(told).encode())  # last: all is there

    def _paths(self, source: Source) -> list[str]:
        originals = self._root / "originals"
        kinds = [_FILES[source.kind]] * len(source.files)
        if source.kind is CaptureKind.TILE:
            kinds[1:] = [FileKind.TEXT] * (len(kinds) - 1)
        return [str(original_path(originals, *one)) for one in zip(source.files, kinds, strict=True)]

    def _note(self, digest: str) -> dict[str, object]:
        try:
            told = json.loads(note_path(self._root, digest).read_bytes())
        except (OSError, ValueError):
            return {}
        there = made_path(self._root, digest).exists()
        return told if isinstance(told, dict) and there else {}

    def _developed(self, captures: Sequence[Capture], recipe: str) -> Developed | None:
        told = [self._note(one.digest) for one in captures if one.pose and _is_exposure(one)]
        if not told:
            return None
        labels = {str(one.get("label")) for one in told}
        label = LayerLabel.CALIBRATED if labels == {LayerLabel.CALIBRATED.value} else LayerLabel.RELATIVE
        notes = dict.fromkeys(note for one in told for note in _texts(one.get("notes")))
        return Developed(label, tuple(Sentence.from_json(one) for one in notes), recipe)


def _texts(notes: object) -> list[str]:
    return [str(one) for one in notes] if isinstance(notes, list) else []


def _is_exposure(capture: Capture) -> bool:
    """Bands of the field, not of the panel."""
    source = capture.source
    return bool(source and source.kind is CaptureKind.BANDS) and not capture.shows_panel


def _panel_of(captures: Iterable[Capture]) -> Capture | None:
    """The exposure of the panel: the first, before the light has changed."""
    panels = [one for one in captures if one.shows_panel]
    return min(panels, key=lambda one: (str(one.taken_at), one.name), default=None)


def _samples(captures: Sequence[Capture]) -> list[Capture]:
    exposures = [one for one in captures if _is_exposure(one)]
    step = max(1, len(exposures) // SAMPLES)
    return exposures[::step][:SAMPLES]


def _keep(path: Path, data: bytes) -> None:
    with replacing(path) as target:
        target.write_bytes(data)
