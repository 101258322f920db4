"""Where a pixel of a photo lies on the ground."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from fieldbox.alignmentfile import alignment_file, read_alignment
from fieldbox.config import Config
from fieldbox.domain import Capture, Flight, Placement, Survey, hangs_together
from fieldbox.errors import Rejected
from fieldbox.geometry import geometries_of
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import given_for
from fieldbox.i18n import N_, _
from fieldbox.ingest.scan import as_text
from fieldbox.quality import footprint_of
from fieldbox.services.box import open_store
from fieldbox.storage.store import Store

NAMED = 3
"""Suggestions in a sentence, at most."""
SHOWN_ID = 12
"""Characters of an id that tell it from others."""
LEAST_DIGEST = 8
"""So many characters of a digest name a photo; fewer could be a file's name."""
SAME_DEG = 1e-9
"""A pose that is further off than this (a tenth of a millimetre) is not the one that a survey was made with."""


class How(StrEnum):
    """What the place of a pixel rests on."""

    ALIGNED = "aligned"
    KEPT = "fits no other"
    """The photo's own tags: it could not be aligned, though most of its flight could."""
    TOLD = "tags"
    """The photo's own tags: nothing of its flight is aligned."""
    GONE = "alignment gone"
    """The photo's own tags: the flight was aligned, but what the box kept of that cannot be used."""


_IN_WORDS: Mapping[How, str] = {
    How.ALIGNED: N_("by the alignment of its flight"),
    How.KEPT: N_(
        "as the drone or a list told: not aligned, it fits no other photo of its flight; its heading may be wrong"
    ),
    How.TOLD: N_("as the drone or a list told: not aligned"),
    How.GONE: N_(
        "as the drone or a list told: the alignment of its flight is of other positions, or cannot be read; bring the "
        "flight in again to work it out anew"
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """Photos by digest, and what their places rest on."""

    photos: Mapping[str, PhotoGeometry]
    gone: bool = False
    """The flight was aligned, but what the box kept of that cannot be used: all are as their tags tell."""
    loose: frozenset[str] = frozenset()
    """Photos that fit no other of a flight that fits together."""

    def how(self, digest: str) -> How:
        """What the place of a photo rests on."""
        if self.gone:
            return How.GONE
        if self.photos[digest].block is not None:
            return How.ALIGNED
        return How.KEPT if digest in self.loose else How.TOLD

    def error95_m(self, digest: str, x: float, y: float) -> float:
        """95 % radius at a pixel.

        A loose photo is not borne out by any other, so what it tells may be wrong: it may be turned by any angle around
        the place where it was taken, and a place in it is off by up to twice its distance from there.
        """
        photo = self.photos[digest]
        told = float(photo.error95_m([[x, y]])[0])
        if digest not in self.loose:
            return told
        away = photo.pixel_to_ground([[x, y]])[0] - photo.centre
        return math.hypot(told, 2 * float(np.hypot(*away)) / photo.metres_on_grid)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the ground that a pixel shows."""

    flight: str
    file: str
    lat: float
    """WGS 84."""
    lon: float
    error_m: float
    """95 % horizontal radius."""
    aligned: bool
    """False: as the photo's own tags put it."""
    how: How
    """What the place rests on."""

    def to_json(self) -> dict[str, Any]:
        """Rounded to a tenth of a millimetre."""
        return {
            **asdict(self),
            "lat": round(self.lat, 9),
            "lon": round(self.lon, 9),
            "error_m": round(self.error_m, 4),
        }

    def to_text(self) -> str:
        """One line for a person."""
        text = _("{lat:.7f}, {lon:.7f}, within {error_m:.2f} m (95 %), {how}")
        return text.format(**{**asdict(self), "how": _(_IN_WORDS[self.how])})


def locate(config: Config, flight_id: str, file: str, x: float, y: float) -> Spot:
    """Where pixel `x`, `y` of a photo lies: as the newest survey's alignment has it, else as its tags tell.

    `flight_id` may be a part of a flight's id (its beginning) or a survey, whose own alignment then counts; `file` a
    photo's name, the last part of it, or its digest. Raises Rejected for what is not there or not to be seen.
    """
    with open_store(config) as store:
        flight, survey = find_flight(store, flight_id)
        capture = find_photo(flight, file)
        found = photos_of(config, store, flight, survey)
    photo = found.photos.get(capture.digest)
    if photo is None:
        raise Rejected(
            N_("{file} could not be placed: {why}"), file=capture.name, why=str(capture.unplaced or "")
        )
    east, north = _ground(photo, capture.name, x, y)
    lat, lon = photo.plane.to_geographic(east, north)
    error_m, how = found.error95_m(capture.digest, x, y), found.how(capture.digest)
    return Spot(flight.id, capture.name, float(lat), float(lon), error_m, how is How.ALIGNED, how)


def photos_of(config: Config, store: Store, flight: Flight, survey: Survey | None) -> Found:
    """The flight's placed photos: as the survey's alignment left them, or, without one, as told."""
    given = given_for(store, flight).flight
    told = geometries_of(given.captures)
    if survey is None or survey.quality is None:
        return Found(told)
    placed, quality = store.placements(survey.id), survey.quality
    holds = hangs_together(quality.aligned, quality.photos)
    loose = frozenset(one.digest for one in placed if holds and one.block is None)
    path = alignment_file(config.storage.root, quality.alignment)
    alignment = read_alignment(path, told, {one.digest: one.taken_at for one in given.captures})
    if alignment is None or not _made_with(placed, alignment.geometries):
        return Found(told, quality.aligned > 0, loose)
    return Found(alignment.geometries, loose=loose)


def as_told(photo: PhotoGeometry) -> Placement:
    """Where a photo stands that was not aligned."""
    middle = [[photo.camera.cx, photo.camera.cy]]
    return Placement(
        digest=photo.digest,
        pose=photo.pose,
        block=None,
        error95_m=float(photo.error95_m(middle)[0]),
        moved_m=0.0,
        residual_px=None,
        ties=0,
        doubts=(),
        footprint=footprint_of(photo),
    )


def _made_with(placed: Sequence[Placement], photos: Mapping[str, PhotoGeometry]) -> bool:
    """Whether the survey was made with these poses: a list of better positions may have come since."""
    return all(
        abs(one.pose.lat - photos[one.digest].pose.lat) < SAME_DEG
        and abs(one.pose.lon - photos[one.digest].pose.lon) < SAME_DEG
        for one in placed
    )


def find_flight(store: Store, wanted: str) -> tuple[Flight, Survey | None]:
    """The flight with this id, the beginning of one, or that of a survey; and the survey that tells of it."""
    wanted = wanted.strip()
    surveys = store.surveys()
    flights = [row.id for row in store.flights()]
    exact = [one for one in flights if one == wanted]
    begun = exact or [one for one in flights if wanted and one.startswith(wanted)]
    meant = [one for one in surveys if wanted and one.id.startswith(wanted)]
    if len(begun) + len(meant) > 1 and not exact:
        raise Rejected(N_("Several flights or surveys begin with {id}: give more of the id."), id=wanted)
    flight = store.flight(begun[0] if begun else meant[0].flight_id) if begun or meant else None
    if flight is None:
        raise _no_flight(wanted, flights)
    return flight, meant[0] if not begun else _newest(surveys, flight.id)


def _newest(surveys: Sequence[Survey], flight_id: str) -> Survey | None:
    """The newest aligned survey of a flight; `surveys` newest first."""
    return next((one for one in surveys if one.flight_id == flight_id and one.quality), None)


def _no_flight(wanted: str, flights: Sequence[str]) -> Rejected:
    if not flights:
        return Rejected(N_("There is no flight on the box yet: bring one in with `fieldbox ingest`."))
    near = get_close_matches(wanted, flights, NAMED, 0.5) or flights[:NAMED]
    return Rejected(
        N_("There is no flight {id}; there is {known}. `fieldbox status` lists them all."),
        id=wanted,
        known=_either([one[:SHOWN_ID] for one in near]),
    )


def find_photo(flight: Flight, wanted: str) -> Capture:
    """The photo of a flight that a name, the last part of one, or a digest means. Raises Rejected."""
    for found in _meant(flight, as_text(wanted.strip().replace("\\", "/"))):
        if len(found) > 1:
            names = [one.name for one in found]
            if len(set(names)) < len(names):
                names = [one.digest[:SHOWN_ID] for one in found]
            raise Rejected(
                N_("{count} photos of the flight are called {file}: give {known}."),
                count=len(found),
                file=wanted,
                known=_either(names[:NAMED]),
            )
        if found:
            return found[0]
    raise _no_photo(flight, wanted)


def _meant(flight: Flight, wanted: str) -> list[list[Capture]]:
    """Photos that a name may mean, the surest way of reading it first."""
    every, low = flight.captures, wanted.lower()
    digest = len(low) >= LEAST_DIGEST
    return [
        [one for one in every if one.name == wanted],
        [one for one in every if digest and one.digest.startswith(low)],
        [one for one in every if one.name.lower() == low],
        # Less than the name that was given, or more of the path than the box was given.
        [
            one
            for one in every
            if f"/{one.name.lower()}".endswith(f"/{low}") or f"/{low}".endswith(f"/{one.name.lower()}")
        ],
    ]


def _no_photo(flight: Flight, wanted: str) -> Rejected:
    names = {PurePosixPath(one.name).name.lower(): one.name for one in flight.captures}
    last = PurePosixPath(wanted.replace("\\", "/")).name.lower()
    near = get_close_matches(last, list(names), NAMED, 0.6) or sorted(names)[:NAMED]
    return Rejected(
        N_("The flight has no photo {file}; it has {known}, for example."),
        file=wanted,
        known=_either([names[one] for one in near]),
    )


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return _("{others} or {last}").format(others=", ".join(others), last=last) if others else last


def _ground(photo: PhotoGeometry, name: str, x: float, y: float) -> tuple[float, float]:
    """East and north of a pixel. Raises Rejected if it is none of the photo's, or shows no ground."""
    width, height = photo.camera.width, photo.camera.height
    # The centre of the top left pixel is at 0, 0: the picture begins half a pixel before it.
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise Rejected(
            N_(
                "Pixel {x}, {y} lies outside {file}, which is {width} pixels wide and {height} high: x goes from 0 to "
                "{right}, y from 0 to {bottom}."
            ),
            x=_plain(x), y=_plain(y), file=name, width=width, height=height, right=width - 1, bottom=height - 1,
        )  # fmt: skip
    east, north = photo.pixel_to_ground([[x, y]])[0].tolist()
    if not np.isfinite(east):
        raise Rejected(
            N_("Pixel {x}, {y} of {file} shows the sky or the horizon, no ground: take one further down."),
            x=_plain(x), y=_plain(y), file=name,
        )  # fmt: skip
    return east, north


def _plain(value: float) -> str:
    return f"{value:g}"
