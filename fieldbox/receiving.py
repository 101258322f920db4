"""From a card to captures on the box: files are copied, noted, read apart from this process, and made into captures.

Each step is for good before the next one counts on it. Copying needs the card; from there on everything is done from the
copies, and goes on after the plug was pulled, whether or not the card is still there (`Receiver.read_left`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fieldbox.apart import Apart
from fieldbox.domain import CaptureKind, FileKind, FileState, Original, Rejection
from fieldbox.errors import Rejected
from fieldbox.films import ALONE, Shot, beside_raster, shots, stem, tells_place
from fieldbox.i18n import N_
from fieldbox.imagery.captures import capture_of, exposure_of, frame_of, tiles_of
from fieldbox.imagery.film import Film, frames_of
from fieldbox.imagery.multispectral.develop import reference_of
from fieldbox.imagery.multispectral.grouping import Exposure, Item, group_exposures, panel_candidates
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.rasterbands import bands_of
from fieldbox.imagery.rasterplace import NO_CRS
from fieldbox.imagery.srt import Sample
from fieldbox.ingest.copy import original_path
from fieldbox.inspecting import Inspected, Photo, Placeless, Telemetry, seconds_for
from fieldbox.storage.store import Store

NO_FRAMES = N_(
    "Nothing moves in the video, so no frame of it can be put on the map: film while the drone flies."
)
_LATER = {FileKind.TEXT}
"""Only means something beside others: it is looked at when all is there."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be read."""

    file: Original
    beside: tuple[Original, ...] = ()
    """Files that tell where a raster lies."""
    bands: tuple[str, ...] = ()
    """What somebody said those of a raster are."""


@dataclass
class Receiver:
    """Takes the files of one ingest. Used by one thread; reading happens in others."""

    store: Store
    ingest_id: int
    originals: Path
    apart: Apart
    """Calls `inspecting.inspect`."""
    processes: int
    listed: set[str]
    """Names of files that this ingest has rejected already."""
    progress: Callable[[int, int], None]
    """(files read, files left to read when the last was copied)."""
    bands: tuple[str, ...] = ()
    """What somebody said the bands of orthomosaics are."""
    rejected: list[Rejection] = field(default_factory=list)
    given: list[Original] = field(default_factory=list)
    """All that is on the box now of what this ingest was given, in this order; what an earlier run settled is not here
    unless it was given again."""
    _waiting: deque[tuple[_Asked, Future[Any]]] = field(default_factory=deque)
    _begun: set[str] = field(default_factory=set)
    _bands: list[tuple[Original, BandFile]] = field(default_factory=list)
    _films: list[tuple[Original, Film]] = field(default_factory=list)
    _written: dict[str, tuple[Original, tuple[Sample, ...]]] = field(default_factory=dict)
    """Telemetry by the stems of the names."""
    _placeless: list[Original] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.processes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def on_copies(self, given: Sequence[Original]) -> None:
        """Note copies, begin to read them, and settle what has been read meanwhile."""
        unread = self.store.add_given(self.ingest_id, given)
        self.given += given
        for one in given:
            if one.digest in unread or self._says_more(one):
                self._begin(one)
        while self._waiting and self._waiting[0][1].done():
            self._settle(*self._waiting.popleft())

    def on_rejection(self, rejection: Rejection) -> None:
        """List a file that was not taken, once."""
        self.rejected.append(rejection)
        if rejection.name not in self.listed:
            self.listed.add(rejection.name)
            self.store.add_rejections(self.ingest_id, [rejection])

    def take_up(self) -> None:
        """Go on, without the card, where an earlier run was cut off."""
        self.given = self.store.given_in(self.ingest_id)
        for one in self.given:
            if self._says_more(one):
                self._begin(one)
        self.read_left()

    def read_left(self) -> None:
        """Read what has not been read: of this ingest, also before it was cut off."""
        given = {one.digest for one in self.given}
        left = self.store.given_in(self.ingest_id, state=FileState.COPIED)
        self.given += [one for one in left if one.digest not in given]
        for one in left:
            self._begin(one)
        total = len(self._waiting)
        self.progress(0, total)
        for done in range(1, total + 1):
            self._settle(*self._waiting.popleft())
            self.progress(done, total)

    def join_bands(self, shows_panel: Callable[[str], bool]) -> None:
        """Make the bands that were read into exposures; `shows_panel` tells whether the band in a file shows the panel."""
        self._complete_exposures()
        files = {one.digest: (one, band) for one, band in self._bands}
        grouping = group_exposures(Item(one.digest, band) for one, band in self._bands)
        for item, why in grouping.left_out:
            self.store.settle_files([item.key], FileState.REFUSED)
            self.on_rejection(Rejection(files[item.key][0].name, why))
        paths = {one: original_path(self.originals, one, FileKind.TIFF) for one in files}
        panels = panels_among(grouping.exposures, paths, shows_panel)
        for number, exposure in enumerate(grouping.exposures):
            members = [files[item.key] for item in exposure.bands]
            for file, _band in members:
                self.store.note_file(file.digest, exposure.warnings)
            self.store.add_captures([exposure_of(members, panel=number in panels)], ingest_id=self.ingest_id)
        self._bands.clear()

    def _complete_exposures(self) -> None:
        """Read the bands again of known exposures that some of what has come now may belong to: a card was pulled out between
        them."""
        if not self._bands:
            return
        known = [one for one in self.given if one.kind is FileKind.TIFF and one.digest not in self._begun]
        made = self.store.captures(self.store.captures_made_of(one.digest for one in known))
        exposures = [one for one in made if one.source and one.source.kind is CaptureKind.BANDS]
        times = {band.taken_at for _file, band in self._bands}  # the same for all bands of an exposure
        lacking = {
            file for one in exposures if one.source and one.taken_at in times for file in one.source.files
        }
        for one in known:
            if one.digest in lacking and one.digest not in self._begun:
                self._begun.add(one.digest)
                self._read_now(_Asked(one))

    def join_rasters(self) -> None:
        """Read those again that did not say where they lie, with the files beside them that may; also known ones, where those
        files are others now."""
        texts = {one.name: one for one in self.given if tells_place(one.name) and one.kind is FileKind.TEXT}
        for one in self.given:
            if one.kind is not FileKind.TIFF:
                continue
            beside = tuple(texts[name] for name in beside_raster(one.name, texts))
            if one in self._placeless and beside:
                self._read_now(_Asked(one, beside, self.bands))
            elif one in self._placeless:
                self.refuse([one], Rejected(NO_CRS))
            elif beside and one.digest not in self._begun:
                self._place_anew(one, beside)
        self._placeless.clear()

    def _place_anew(self, one: Original, beside: tuple[Original, ...]) -> None:
        """Read a known raster that was placed by files beside it again, if these are others; its bands stay as told."""
        made = self.store.captures(self.store.captures_made_of([one.digest]))
        cuts = [each.source.files for each in made if each.source and len(each.source.files) > 1]
        if cuts and (one.digest, *(each.digest for each in beside)) not in cuts:
            flown = next((each for each in made if self.store.flight_of_capture(each.digest)), made[0])
            self._read_now(_Asked(one, beside, bands_of(flown.source.at[4:]) if flown.source else ()))

    def join_films(self) -> None:
        """Make captures of the frames of the videos that were read, with what was written beside them.

        A video that is known already is read again if it comes with subtitles that are not.
        """
        self._read_again()
        used: set[str] = set()
        for shot in shots(self._films, self._written):
            used.add(stem(shot.video.name))
            self._take_frames(shot)
        for name, (telemetry, _samples) in self._written.items():
            if name not in used and not self.store.captures_made_of([telemetry.digest]):
                self._leave_out(telemetry)
        self._films.clear()
        self._written.clear()

    def _take_frames(self, shot: Shot) -> None:
        """All frames of a video or none: those of a part would be all that a box whose plug was pulled ever has of it."""
        simulated, glances, captures = shot.film.video.simulated, {}, []
        for frame in frames_of(shot.film, shot.samples):
            captures.append(frame_of(shot.video, shot.telemetry, frame, simulated=simulated))
            glances[captures[-1].digest] = frame.picked.glance
        if captures:
            self.store.add_captures(captures, ingest_id=self.ingest_id, glances=glances)
        else:
            self.refuse([shot.video], Rejected(NO_FRAMES))
            if shot.telemetry:
                self._leave_out(shot.telemetry)

    def _leave_out(self, telemetry: Original) -> None:
        """Subtitles of no use. Where their video was refused, what was said of that is enough."""
        others = {*self.listed, *(one.name for one in self.given if one.kind is FileKind.VIDEO)}
        if stem(telemetry.name) in map(stem, others - {telemetry.name}):
            self.store.settle_files([telemetry.digest], FileState.REFUSED)
        else:
            self.refuse([telemetry], Rejected(ALONE.template))

    def _read_again(self) -> None:
        for one in self.given:
            name = stem(one.name)
            if one.kind is FileKind.VIDEO and name in self._written and one.digest not in self._begun:
                made = map(self.store.captures_made_of, ([one.digest], [self._written[name][0].digest]))
                if not set.intersection(*map(set, made)):
                    self._read_now(_Asked(one))

    def refuse(self, files: Iterable[Original], refusal: Rejected) -> None:
        """Files that were copied are of no use."""
        for one in files:
            self.store.settle_files([one.digest], FileState.REFUSED)
            self.on_rejection(Rejection(one.name, refusal.sentence))

    def _says_more(self, one: Original) -> bool:
        """Whether a file that is known may say more than it did: subtitles, which may have a video now; an orthomosaic whose
        bands were told; a photo whose copy was lost."""
        if one.kind is FileKind.JPEG:
            return self.store.is_lost(one.digest)
        return one.kind is FileKind.TELEMETRY or (one.kind is FileKind.TIFF and bool(self.bands))

    def _begin(self, one: Original) -> None:
        if one.digest in self._begun or one.kind in _LATER:
            return
        self._begun.add(one.digest)
        asked = _Asked(one, bands=self.bands)
        self._waiting.append((asked, self._pool.submit(self._read, asked)))

    def _read_now(self, asked: _Asked) -> None:
        self._settle(asked, self._pool.submit(self._read, asked))

    def _read(self, asked: _Asked) -> Any:
        one = asked.file
        path, *others = [
            str(original_path(self.originals, each.digest, each.kind)) for each in (one, *asked.beside)
        ]
        seconds = seconds_for(Path(path), one.kind, one.size)
        return self.apart.call(path, one.kind.value, others, asked.bands, seconds=seconds)

    def _settle(self, asked: _Asked, reading: Future[Any]) -> None:
        try:
            found = reading.result()
        except Rejected as refusal:
            self.refuse([asked.file], refusal)
        else:
            self._take(asked, found)

    def _take(self, asked: _Asked, found: Inspected) -> None:
        one = asked.file
        if isinstance(found, Photo):
            capture = capture_of(one.digest, one.name, one.size, found.metadata)
            if not self.store.add_capture(capture, ingest_id=self.ingest_id, glance=found.glance):
                self.store.mend(capture)
        elif isinstance(found, BandFile):
            self._bands.append((one, found))  # joined when all is there
        elif isinstance(found, Film):
            self._films.append((one, found))
        elif isinstance(found, Telemetry):
            self._written[stem(one.name)] = (one, found.samples)
        elif isinstance(found, Placeless):
            self._placeless.append(one)
        else:
            self.store.note_file(one.digest, found.notes)
            tiles = tiles_of(one, found, asked.beside, asked.bands)
            self.store.add_captures(list(tiles), ingest_id=self.ingest_id)


def panels_among(
    exposures: Sequence[Exposure], paths: Mapping[str, Path], shows_panel: Callable[[str], bool]
) -> set[int]:
    """Numbers of the exposures that show the calibration panel; `paths` of the bands by their keys.

    It is photographed on the ground, before or after the flight, and looking for it takes time.
    """
    found = set()
    for number in panel_candidates([exposure.bands for exposure in exposures]):
        bands = exposures[number].bands
        item = bands[reference_of([one.told for one in bands if isinstance(one.told, BandFile)])]
        with suppress(Rejected):
            if shows_panel(str(paths[item.key])):
                found.add(number)
    return found
