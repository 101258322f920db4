"""The check of a card before the pilot leaves: every file is read where it is, and nothing is copied."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3

from fieldbox import inspecting
from fieldbox.apart import Apart, shared
from fieldbox.checking import Seeing, check_flight
from fieldbox.config import Config
from fieldbox.domain import (
    Capture,
    Field,
    FileKind,
    Finding,
    Flight,
    FlightCheck,
    Original,
    Rejection,
    Verdict,
    worst,
)
from fieldbox.errors import Rejected
from fieldbox.films import beside_raster, shots, stem
from fieldbox.geometry import geometries_of
from fieldbox.i18n import N_, Sentence, _
from fieldbox.imagery.captures import capture_of, exposure_of, frame_of, tiles_of
from fieldbox.imagery.film import Film, frames_of
from fieldbox.imagery.glance import Glance
from fieldbox.imagery.kinds import SNIFFED, kind_of
from fieldbox.imagery.multispectral.grouping import Item, group_exposures
from fieldbox.imagery.multispectral.nouns import BandFile
from fieldbox.imagery.raster import Raster
from fieldbox.imagery.rasterplace import NO_CRS
from fieldbox.inference.plants import STRIDE
from fieldbox.inference.weeds import WeedModel
from fieldbox.ingest.copy import head_of
from fieldbox.ingest.fields import field_for, hull
from fieldbox.ingest.scan import Found, scan
from fieldbox.inspecting import Inspected, Photo, Placeless, Telemetry, seconds_for
from fieldbox.looking import IN_SCALE
from fieldbox.models import load_weeds
from fieldbox.ordered import in_order
from fieldbox.receiving import panels_among
from fieldbox.services.box import open_store
from fieldbox.sorties import groups_of
from fieldbox.storage.store import Store

READERS = 2
"""Processes that read files, as the box has cores."""
MOST_NAMED = 10
"""Files that are named one by one for a person."""
_BLOCK = 1 << 20
_NOTHING = N_("There is no photo that can be used: look at the list of refused files.")
_NO_PHOTOS = N_("There are no photos here: give the folder that holds the drone's JPEG files.")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Read:
    """What was found of one file: what it holds, or why it is of no use."""

    name: str
    path: Path
    digest: str
    """Empty: it is of no use."""
    size: int
    """Bytes."""
    held: Inspected | Rejection | None
    """None: a text, which may be a list."""
    beside: tuple[Original, ...] = ()
    """Files that tell where a raster lies."""


@dataclass(frozen=True, slots=True)
class CardCheck:
    """What is said of a card."""

    flights: tuple[FlightCheck, ...]
    findings: tuple[Finding, ...]
    """Of the card as a whole."""
    rejected: tuple[Rejection, ...]
    duplicates: int
    """Files whose bytes are on the box already, or twice on the card."""
    needed_bytes: int
    """For what is new."""
    free_bytes: int
    """Over the reserve."""

    @property
    def verdict(self) -> Verdict:
        """The worst of the card's and its flights'."""
        return worst([*self.findings, *(finding for one in self.flights for finding in one.findings)])

    def to_json(self) -> dict[str, Any]:
        """What `fieldbox check --json` prints."""
        return {
            "verdict": self.verdict.value,
            "findings": [_finding_json(one) for one in self.findings],
            "flights": [flight_json(one) for one in self.flights],
            "rejected": [{"file": one.name, "reason": str(one.reason)} for one in self.rejected],
            "duplicates": self.duplicates,
            "needed_bytes": self.needed_bytes,
            "free_bytes": self.free_bytes,
        }

    def to_text(self) -> str:
        """The same for a person."""
        lines = [_said(self.verdict), *(f"  {one.sentence}" for one in self.findings)]
        for number, flight in enumerate(self.flights, start=1):
            lines += ["", _headline(number, flight), *(f"  {line}" for line in flight_lines(flight))]
        if self.rejected:
            lines += ["", _("Files that cannot be used: {count}.").format(count=len(self.rejected))]
            lines += [f"  {one.name}: {one.reason}" for one in self.rejected[:MOST_NAMED]]
            lines += ["  …"] if len(self.rejected) > MOST_NAMED else []
        return "\n".join(lines)


def check(
    config: Config, path: Path, *, now: datetime | None = None, shown: Progress | None = None
) -> CardCheck:
    """Check what lies at `path`, a card or folder, without copying it.

    Raises Rejected where there is nothing to check.
    """
    with open_store(config) as store:
        children = shared(inspecting.TASK, max(1, min(config.threads, READERS)))
        read = list(_read_all(path, children, shown or _silent))
        read = _with_places(read, children)
        known, fields = _known(read, store), store.fields()
    captures, glances, left_out = _captures(read)
    judge = _Judge.on(config, fields, now)
    gap = timedelta(minutes=config.ingest.gap_minutes)
    groups = groups_of(captures, gap, config.ingest.jump_m)
    usable, sizes = sum(bool(one.digest) for one in read), _sizes(read)
    pictures = {one.digest for one in read if one.digest and one.held is not None}
    needed = sum(size for digest, size in sizes.items() if digest not in known)
    free = _free(config)
    seen = [one for one in captures if not one.shows_panel]
    refused = (*(one.held for one in read if isinstance(one.held, Rejection)), *left_out)
    nothing = Finding("nothing", Verdict.AGAIN, Sentence(_NOTHING if refused else _NO_PHOTOS))
    findings = [
        *_space(needed, free),
        *_seen_before(len(pictures), len(known & pictures)),
        *([] if seen else [nothing]),
    ]
    return CardCheck(
        tuple(judge(one, glances) for one in groups if not all(each.shows_panel for each in one)),
        tuple(findings),
        refused,
        usable - len(sizes.keys() - known),
        needed,
        free,
    )


def keep_checks(config: Config, store: Store, flights: Iterable[Flight]) -> dict[str, FlightCheck]:
    """Check flights that came in, by what is known of them on the box, and keep what was found; by their ids."""
    judge, found = _Judge.on(config, store.fields(), None), {}
    for flight in flights:
        kept = store.glances(one.digest for one in flight.captures)
        glances = {digest: Glance.from_bytes(data) for digest, data in kept.items()}
        found[flight.id] = judge(flight.captures, glances)
        store.keep_check(flight.id, found[flight.id])
    return found


@dataclass(frozen=True, slots=True)
class _Judge:
    """Checks flights by the box's model, fields and clock."""

    seeing: Seeing
    fields: tuple[Field, ...]
    """Those that somebody drew."""
    now: datetime
    """Naive local time, as cameras write it."""

    @classmethod
    def on(cls, config: Config, fields: Iterable[Field], now: datetime | None) -> _Judge:
        drawn = tuple(one for one in fields if one.drawn)
        return cls(seeing_of(config), drawn, now or datetime.now())

    def __call__(self, captures: Sequence[Capture], glances: Mapping[str, Glance]) -> FlightCheck:
        return check_flight(captures, glances, self.seeing, self.now, _boundary(captures, self.fields))


def _silent(_step: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _read_all(path: Path, children: Apart, progress: Progress) -> Iterator[_Read]:
    found = list(scan(path))

    def read(item: Found | Rejection) -> _Read:
        return _read(item, children) if isinstance(item, Found) else _Read(item.name, path, "", 0, item)

    progress("check", 0, len(found))
    for done, (_item, one) in enumerate(in_order(children.processes, read, found), start=1):
        yield one
        progress("check", done, len(found))


def _read(item: Found, children: Apart) -> _Read:
    try:
        head, size = head_of(item.path, SNIFFED)
        kind = kind_of(head, size, item.name)
        held = None if kind is FileKind.TEXT else _inspected(children, item.path, kind, size)
        return _Read(item.name, item.path, _digest(item.path), size, held)
    except Rejected as refusal:
        return _Read(item.name, item.path, "", 0, Rejection(item.name, refusal.sentence))


def _inspected(
    children: Apart, path: Path, kind: FileKind, size: int, beside: Sequence[Path] = ()
) -> Inspected:
    told = [str(one) for one in beside]
    held: Inspected = children.call(str(path), kind.value, told, seconds=seconds_for(path, kind, size))
    return held


def _with_places(read: Sequence[_Read], children: Apart) -> list[_Read]:
    """The same, but rasters that do not say where they lie are read again with the files beside them that may."""
    texts = {one.name: one for one in read if one.digest and one.held is None}
    found = []
    for one in read:
        if isinstance(one.held, Placeless):
            beside = tuple(texts[name] for name in beside_raster(one.name, texts))
            found.append(_placed(one, beside, children))
        else:
            found.append(one)
    return found


def _placed(one: _Read, beside: tuple[_Read, ...], children: Apart) -> _Read:
    try:
        if not beside:
            raise Rejected(NO_CRS)
        held = _inspected(children, one.path, FileKind.TIFF, one.size, [each.path for each in beside])
    except Rejected as refusal:
        return replace(one, digest="", held=Rejection(one.name, refusal.sentence))
    return replace(one, held=held, beside=tuple(_original(each, FileKind.TEXT) for each in beside))


def _original(one: _Read, kind: FileKind) -> Original:
    return Original(one.digest, one.name, one.size, kind)


def _digest(path: Path) -> str:
    """Read once more, from memory: the reader has just had it. Raises Rejected."""
    try:
        with path.open("rb") as file:
            hasher = blake3()
            while block := file.read(_BLOCK):
                hasher.update(block)
            return hasher.hexdigest()
    except OSError as error:
        raise Rejected(
            N_("It cannot be read ({detail}): check the card and copy it again."),
            detail=error.strerror or type(error).__name__,
        ) from error


def _sizes(read: Iterable[_Read]) -> dict[str, int]:
    """Bytes of what can be used, by digest."""
    return {one.digest: one.size for one in read if one.digest}


def _known(read: Sequence[_Read], store: Store) -> set[str]:
    """Digests of files that the box has made captures of."""
    return {digest for digest in _sizes(read) if store.captures_made_of([digest])}


def _captures(read: Sequence[_Read]) -> tuple[list[Capture], dict[str, Glance], tuple[Rejection, ...]]:
    """What the files would be on the box, each once, and files that are of no use beside the others."""
    captures: dict[str, Capture] = {}
    glances: dict[str, Glance] = {}
    bands: dict[str, tuple[Original, BandFile]] = {}
    paths: dict[str, Path] = {}
    for one in read:
        if isinstance(one.held, Photo):
            captures.setdefault(one.digest, capture_of(one.digest, one.name, one.size, one.held.metadata))
            glances[one.digest] = Glance.from_bytes(one.held.glance)
        elif isinstance(one.held, BandFile):
            bands[one.digest] = (_original(one, FileKind.TIFF), one.held)
            paths[one.digest] = one.path
        elif isinstance(one.held, Raster):
            tiles = tiles_of(_original(one, FileKind.TIFF), one.held, one.beside)
            captures |= {tile.digest: tile for tile in tiles}
    exposures, left_out = _exposures(bands, paths)
    return [*captures.values(), *exposures, *_frames(read, glances)], glances, left_out


def _frames(read: Sequence[_Read], glances: dict[str, Glance]) -> list[Capture]:
    """Of videos; their glances are added to the others."""
    held = [(_original(one, FileKind.VIDEO), one.held) for one in read]
    films = [(video, film) for video, film in held if isinstance(film, Film)]
    written = {stem(file.name): (file, told.samples) for file, told in held if isinstance(told, Telemetry)}
    found = []
    for shot in shots(films, written):
        for frame in frames_of(shot.film, shot.samples):
            found.append(frame_of(shot.video, shot.telemetry, frame, simulated=shot.film.video.simulated))
            glances[found[-1].digest] = Glance.from_bytes(frame.picked.glance)
    return found


def _exposures(
    bands: Mapping[str, tuple[Original, BandFile]], paths: Mapping[str, Path]
) -> tuple[list[Capture], tuple[Rejection, ...]]:
    grouping = group_exposures(Item(digest, band) for digest, (_file, band) in bands.items())
    panels = panels_among(grouping.exposures, paths, shared(inspecting.PANEL_TASK, 1).call)
    made = [
        exposure_of([bands[item.key] for item in exposure.bands], panel=number in panels)
        for number, exposure in enumerate(grouping.exposures)
    ]
    left_out = tuple(Rejection(bands[item.key][0].name, why) for item, why in grouping.left_out)
    return list({one.digest: one for one in made}.values()), left_out


def _boundary(captures: Sequence[Capture], fields: Sequence[Field]) -> tuple[tuple[float, float], ...]:
    """Of the field that somebody drew and the flight is over; empty: there is none."""
    if not fields:
        return ()
    corners: list[tuple[float, float]] = []
    for photo in geometries_of(captures).values():
        ring = photo.footprint()
        lat, lon = photo.plane.to_geographic(ring[:, 0], ring[:, 1])
        corners += zip(lon.tolist(), lat.tolist(), strict=True)
    field = field_for(hull(corners), fields) if corners else None
    return field.boundary if field else ()


def seeing_of(config: Config) -> Seeing:
    """What the box's weed model can see."""
    return _seeing(load_weeds(config))


def _seeing(model: WeedModel) -> Seeing:
    coarsest = model.gsd_range_mm[1]
    return Seeing(coarsest, IN_SCALE * coarsest, model.native_gsd_mm, STRIDE, model.decoding.smallest)


def _free(config: Config) -> int:
    disk = os.statvfs(config.storage.root)
    return max(0, disk.f_bavail * disk.f_frsize - config.storage.reserve_mb * 2**20)


def _space(needed: int, free: int) -> list[Finding]:
    if needed <= free:
        return []
    template = N_(
        "The box has room for {free} MB and these photos have {needed}: make room, or give it a larger disk."
    )
    params: dict[str, str | int | float] = {"free": free // 10**6, "needed": needed // 10**6}
    return [Finding("space", Verdict.USABLE, Sentence(template, params))]


def _seen_before(files: int, known: int) -> list[Finding]:
    """The wrong card, or one that was not emptied."""
    if not known:
        return []
    if known == files:
        sentence = Sentence(N_("Everything on this card is on the box already: is it the right card?"))
        return [Finding("duplicate", Verdict.USABLE, sentence)]
    template = N_("{count} files of this card are on the box already; they change nothing.")
    return [Finding("duplicate", Verdict.GOOD, Sentence(template, {"count": known}))]


def _said(verdict: Verdict) -> str:
    return {
        Verdict.GOOD: _("Good."),
        Verdict.USABLE: _("Usable, but read what follows."),
        Verdict.AGAIN: _("Fly again before you leave: what follows says why."),
    }[verdict]


def _headline(number: int, flight: FlightCheck) -> str:
    if flight.mosaic:
        return _("{number}. An orthomosaic").format(number=number)
    started = flight.started_at.isoformat(" ", "minutes") if flight.started_at else _("at an unknown time")
    line = _("{number}. A flight, {started}; photos: {photos}, with a place: {placed}")
    return line.format(number=number, started=started, photos=flight.photos, placed=flight.placed)


def flight_lines(flight: FlightCheck) -> list[str]:
    """A flight's verdict with its reasons, the gravest first, and what it was told by."""
    lines = [] if flight.findings else [_("Good.")]
    for verdict in (Verdict.AGAIN, Verdict.USABLE):
        findings = [one for one in flight.findings if one.verdict is verdict]
        lines += [_("Fly again:") if verdict is Verdict.AGAIN else _("Usable, but:")] if findings else []
        for one in findings:
            lines += [f"  {one.sentence}", *([f"    {one.because}"] if one.because else [])]
    return lines + _figures(flight)


def _figures(flight: FlightCheck) -> list[str]:
    lines = []
    if flight.gsd_mm is not None and flight.smallest_weed_mm is not None:
        line = _("{gsd} mm per pixel; a plant of less than {weed} mm across is not counted.")
        lines.append(line.format(gsd=f"{flight.gsd_mm:.1f}", weed=round(flight.smallest_weed_mm)))
    if flight.overlap is not None:
        lines.append(_("{overlap} photos show a patch of ground.").format(overlap=round(flight.overlap)))
    for hole in flight.holes:
        lon, lat = np.mean(hole[0], axis=0)
        lines.append(_("A hole around {lat}, {lon}.").format(lat=f"{lat:.6f}", lon=f"{lon:.6f}"))
    return lines


def _finding_json(one: Finding) -> dict[str, Any]:
    because = str(one.because) if one.because else None
    return {"kind": one.kind, "verdict": one.verdict.value, "text": str(one.sentence), "because": because}


def flight_json(one: FlightCheck) -> dict[str, Any]:
    """A flight's check for machines; holes as GeoJSON."""
    return asdict(one) | {
        "verdict": one.verdict.value,
        "started_at": one.started_at.isoformat() if one.started_at else None,
        "findings": [_finding_json(finding) for finding in one.findings],
        "holes": _multipolygon(one.holes),
        "thin": _multipolygon(one.thin),
    }


def _multipolygon(patches: Sequence[Sequence[Sequence[tuple[float, float]]]]) -> dict[str, Any]:
    """Of open rings of (lon, lat)."""
    return {
        "type": "MultiPolygon",
        "coordinates": [[[*ring, ring[0]] for ring in patch] for patch in patches],
    }
