"""Heights above the ground for photos that do not state theirs.

A flight most of whose photos state none, or an impossible one (all 0, all negative), is measured: its pixels against
its GPS (`fieldbox.georef.flightheight`). That is done once and kept with what it was found from. Single photos with an
impossible height among sound ones are given the usual one, where their altitude agrees.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from statistics import median

import numpy as np
from blake3 import blake3

from fieldbox.domain import Capture, Flight, FlightHeight, SideFile, Stated
from fieldbox.errors import Rejected
from fieldbox.georef.flightheight import LEAST_PHOTOS, Estimate, Shot, at_one_metre, flight_height
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import given_of
from fieldbox.i18n import Sentence
from fieldbox.imagery.decode import REDUCTIONS, decode_jpeg
from fieldbox.imagery.features import find_features
from fieldbox.imagery.poses import Place, lacks_height, pose_from, with_height
from fieldbox.ordered import in_order
from fieldbox.storage.store import Store

VERSION = 2
"""Raise it when the same photos would give another height."""
SEARCHED_PX = 800
"""Long side, in pixels, at which photos are searched for points."""
MOST_PHOTOS, RUNS = 60, 3
"""That are searched: of a longer flight so many runs of consecutive ones, evenly along it."""
AHEAD = 3
"""Each photo is compared with so many after it."""
AGREES_M, AGREES = 3.0, 0.2
"""By which a photo's altitude may differ from the others' for the usual height to be its own: metres, or a share of
that height."""
USUAL_ERROR = 0.15
"""Relative standard error of a height that is the others'."""

Read = Callable[[str], bytes]
"""The bytes of the photo with this digest."""


def settle_heights(store: Store, flight: Flight, read: Read, threads: int) -> Flight:
    """The flight with the heights that its photos lack, found and kept; the same flight where none lacks any."""
    lacking = [one for one in flight.captures if lacks_height(one.stated)]
    if not lacking:
        return flight
    sound = [one for one in flight.captures if one.pose and not lacks_height(one.stated)]
    if len(sound) > len(lacking):
        done = tuple(_as_usual(one, sound) if lacks_height(one.stated) else one for one in flight.captures)
        if moved := _changed(flight.captures, done):
            store.place(moved)
        return replace(flight, captures=done)
    return _measured(store, flight, read, threads)


def _changed(before: Sequence[Capture], after: Sequence[Capture]) -> list[Capture]:
    return [new for old, new in zip(before, after, strict=True) if new != old]


def make_known(store: Store, flight: Flight) -> None:
    """Save a flight that is new. It is saved again with its field; one that is known keeps the field it has."""
    if store.flight(flight.id) is None:
        store.save_flight(flight)


# -- single photos --------------------------------------------------------------------------------


def _as_usual(capture: Capture, sound: Sequence[Capture]) -> Capture:
    """The photo at the height of the others, if by its altitude it was taken there."""
    levels = [one.stated.altitude_m for one in sound if one.stated and one.stated.altitude_m is not None]
    stated = capture.stated
    if stated is None or stated.altitude_m is None or 2 * len(levels) < len(sound):
        return capture
    usual = median(one.pose.height_m for one in sound if one.pose)
    if abs(stated.altitude_m - median(levels)) > max(AGREES_M, AGREES * usual):
        return capture
    error_m = max(stated.height_error_m, USUAL_ERROR * usual)
    return placed(capture, replace(stated, height_m=usual, height_error_m=error_m))


def placed(capture: Capture, stated: Stated) -> Capture:
    """The photo with a pose of its own GPS, or with the sentence that says what else is missing."""
    place = None if capture.lat is None or capture.lon is None else Place(capture.lat, capture.lon)
    if capture.camera is None:
        return capture
    pose = pose_from(place, stated)
    if isinstance(pose, Sentence):
        return replace(capture, pose=None, unplaced=pose)
    return replace(capture, pose=pose, unplaced=None)


# -- whole flights --------------------------------------------------------------------------------


def _measured(store: Store, flight: Flight, read: Read, threads: int) -> Flight:
    usable = _usable(flight, store.side_files(one.digest for one in flight.captures))
    if len(usable) < LEAST_PHOTOS:
        return flight
    key = key_of(usable, VERSION)
    kept = store.height(flight.id)
    known = kept is not None and kept.key == key
    told = kept.told if kept is not None and known else _found(usable, read, threads)
    done = tuple(_told(one, told, {each.digest for each in usable}) for one in flight.captures)
    moved = _changed(flight.captures, done)
    if moved or not known:
        make_known(store, flight)
        store.keep_height(flight.id, key, told, moved)
    return replace(flight, captures=done)


def _usable(flight: Flight, files: Sequence[SideFile]) -> list[Capture]:
    """In the order in which they were taken: photos that have all but a height, with poses as if that were 1 m.

    Lists beside the photos may give the place or the direction. What the photos state stays as it is."""
    raised = tuple(
        placed(one, replace(one.stated, height_m=1.0)) if one.stated and lacks_height(one.stated) else one
        for one in flight.captures
    )
    stated = tuple(
        replace(one, stated=replace(one.stated, height_m=1.0)) if one.stated else one for one in raised
    )
    own = {one.digest: one.stated for one in flight.captures}
    given = given_of(replace(flight, captures=stated), files).flight.captures
    usable = [replace(one, stated=own[one.digest]) for one in given if one.pose and one.camera]
    return as_taken(usable)


def as_taken(captures: Iterable[Capture]) -> list[Capture]:
    """In the order in which they were taken."""
    return sorted(captures, key=lambda one: (one.taken_at or datetime.min, one.name, one.digest))


def key_of(usable: Sequence[Capture], version: object) -> str:
    """Digest of all that is known of photos whose pixels are asked for the rest."""
    told = [
        [
            one.digest,
            str(one.taken_at),
            one.pose and asdict(one.pose),
            one.camera and asdict(one.camera),
            one.stated and asdict(one.stated),
        ]
        for one in usable
    ]
    return blake3(json.dumps([version, told], sort_keys=True).encode()).hexdigest()


def _told(capture: Capture, told: FlightHeight | Sentence, usable: set[str]) -> Capture:
    """The photo at the height that was found, or with the sentence that says why none was."""
    if capture.stated is None:
        return capture
    if not isinstance(told, Sentence):
        return placed(capture, with_height(capture.stated, told))
    if capture.digest in usable and lacks_height(capture.stated):
        return replace(capture, pose=None, unplaced=told)
    return capture


def _found(usable: Sequence[Capture], read: Read, threads: int) -> FlightHeight | Sentence:
    """What the photos' pixels tell."""
    runs = _runs(usable)
    levels, by_altitude = _levels(usable)
    first = next((one.taken_at for one in usable if one.taken_at), None)
    poses = [one.pose for one in usable if one.pose]
    plane = GroundPlane.for_point(poses[0].lat, poses[0].lon)

    def shot(number: int) -> Shot | None:
        one = usable[number]
        seconds = (one.taken_at - first).total_seconds() if one.taken_at and first else math.nan
        return shot_of(one, plane, seconds, levels[number], read)

    wanted = [number for run in runs for number in run]
    made = dict(in_order(threads, shot, wanted))
    place = {number: index for index, number in enumerate(n for n in wanted if made[n])}
    pairs = [(place[i], place[j]) for i, j in _pairs(runs) if i in place and j in place]
    found = flight_height([one for one in made.values() if one], pairs)
    if isinstance(found, Estimate):
        return FlightHeight(found.height_m, found.error_m, found.between_m, found.ground_m, by_altitude)
    return found


def _runs(usable: Sequence[Capture]) -> list[range]:
    """Numbers of the photos that are searched."""
    count = len(usable)
    if count <= MOST_PHOTOS:
        return [range(count)]
    length = MOST_PHOTOS // RUNS
    starts = [round(run * (count - length) / (RUNS - 1)) for run in range(RUNS)]
    return [range(start, start + length) for start in starts]


def _pairs(runs: Sequence[range]) -> Iterator[tuple[int, int]]:
    for run in runs:
        for i in run:
            yield from ((i, j) for j in range(i + 1, min(i + AHEAD + 1, run.stop)))


def _levels(usable: Sequence[Capture]) -> tuple[list[float | None], bool]:
    """How high each stood over any one level: by its altitude where all state one, else by the height that it states
    (negative ones differ as they should); and whether that is the altitude."""
    altitudes = [one.stated.altitude_m if one.stated else None for one in usable]
    if all(one is not None for one in altitudes):
        return altitudes, True
    return [one.stated.height_m if one.stated else None for one in usable], False


def shot_of(
    capture: Capture,
    plane: GroundPlane,
    seconds: float,
    level_m: float | None,
    read: Read,
    *,
    turned: bool = False,
) -> Shot | None:
    """The photo with its points, described north up by its pose or, if it is `turned` in ways unknown, each by itself; None:
    it cannot be decoded."""
    if capture.pose is None or capture.camera is None:
        return None
    photo = at_one_metre(PhotoGeometry(capture.digest, capture.pose, capture.camera, plane))
    step_px = max(1.0, max(capture.camera.width, capture.camera.height) / SEARCHED_PX)
    reduction = max(one for one in REDUCTIONS if one <= step_px)
    try:
        pixels = decode_jpeg(read(capture.digest), reduction=reduction)
    except (Rejected, OSError):
        return None
    found = find_features(pixels, reduction, None if turned else photo.grid_yaw_deg, step_px)
    likeness = found.descriptors.astype(np.float32)
    likeness /= np.maximum(np.linalg.norm(likeness, axis=1, keepdims=True), 1e-9)
    return Shot(photo, seconds, level_m, found.xy, likeness, step_px)
