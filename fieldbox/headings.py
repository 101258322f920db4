"""Directions for photos that do not state which way their camera was turned, and then the heights that they lack.

A photo with a position and no direction is looked at beside those taken before and after it: how it lies in their
pictures, against how they lie by GPS (`fieldbox.georef.flightheading`). That is done once and kept with what it was found
from. The camera is taken to look straight down; one that plainly does not is refused. A list's directions count more.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from fieldbox.domain import Capture, CaptureKind, Flight, FlightHeadings, SideFile, Stated
from fieldbox.georef.flightheading import Direction, Seen, Station, directions, seen
from fieldbox.georef.flightheight import LEAST_PHOTOS, Shot
from fieldbox.georef.plane import GroundPlane
from fieldbox.given import given_of
from fieldbox.heights import (
    Read,
    as_taken,
    key_of,
    make_known,
    placed,
    settle_heights,
    shot_of,
)
from fieldbox.imagery.poses import lacks_direction, lacks_height, with_direction
from fieldbox.ordered import in_order
from fieldbox.storage.store import Store

VERSION = 1
"""Raise it when the same photos would give other directions."""
AHEAD = 3
"""Each photo is compared with so many before it."""
AROUND = 12
"""Photos before and after one without a direction that are looked at with it."""


def settle_poses(store: Store, flight: Flight, read: Read, threads: int) -> Flight:
    """The flight with the directions and heights that its photos lack, found and kept; the same flight where none lacks
    any."""
    if not any(_asks(one) for one in flight.captures):
        return settle_heights(store, flight, read, threads)
    files = store.side_files(one.digest for one in flight.captures)
    told = _settled(store, flight, files, _lacking(flight, files), read, threads)
    turned = tuple(_turned(one, told) if _asks(one) else one for one in flight.captures)
    high = settle_heights(store, replace(flight, captures=turned), read, threads).captures
    done = tuple(_as_kept(own, one, told) for own, one in zip(flight.captures, high, strict=True))
    steps = zip(flight.captures, high, done, strict=True)
    store.place([new for old, between, new in steps if _elsewhere(old, new) or _elsewhere(between, new)])
    return replace(flight, captures=done)


def _asks(capture: Capture) -> bool:
    """Whether a photo, or an exposure of bands, does not state its direction. (Frames have looked at their film.)"""
    plain = capture.source is None or capture.source.kind in {CaptureKind.PHOTO, CaptureKind.BANDS}
    return plain and capture.camera is not None and lacks_direction(capture.stated)


def _lacking(flight: Flight, files: Sequence[SideFile]) -> set[str]:
    """Digests of photos that state no direction, and that no list states."""
    bare = tuple(
        replace(one, pose=None, stated=one.stated and replace(one.stated, height_m=1.0))
        for one in flight.captures
        if _asks(one)
    )
    listed = given_of(replace(flight, captures=bare), files).flight.captures
    return {one.digest for one in listed if one.pose is None}


def _turned(capture: Capture, told: FlightHeadings) -> Capture:
    """The photo with the direction that was found as if it stated that; without a pose where none was."""
    if capture.stated is None:
        return capture
    found = told.yaws.get(capture.digest)
    return _as_if(capture, with_direction(capture.stated, *found) if found else capture.stated)


def _as_if(capture: Capture, stated: Stated) -> Capture:
    """The photo as if it stated this."""
    return replace(placed(capture, stated), stated=stated)


def _as_kept(own: Capture, done: Capture, told: FlightHeadings) -> Capture:
    """What the photo states stays as it is, and why it has no direction is said where that is what it lacks."""
    why = told.why_not.get(own.digest)
    return replace(done, stated=own.stated, unplaced=why if why and done.pose is None else done.unplaced)


def _elsewhere(one: Capture, other: Capture) -> bool:
    return (one.pose, one.unplaced) != (other.pose, other.unplaced)


def _settled(
    store: Store, flight: Flight, files: Sequence[SideFile], lacking: set[str], read: Read, threads: int
) -> FlightHeadings:
    usable = _usable(flight, files, lacking)
    key = key_of(usable, [VERSION, sorted(lacking)])
    kept = store.headings(flight.id)
    if kept is not None and kept.key == key:
        return kept.told
    enough = len(usable) >= LEAST_PHOTOS
    told = _found(usable, lacking, read, threads) if enough else FlightHeadings({}, {})
    if not enough and kept is None:
        return told
    make_known(store, flight)
    store.keep_headings(flight.id, key, told)
    return told


def _usable(flight: Flight, files: Sequence[SideFile], lacking: set[str]) -> list[Capture]:
    """In the order in which they were taken: photos that have a place, by a list or by GPS, and are near enough to others
    that lack a direction; with poses as if they were north up, 1 m above the ground, where they do not state better."""
    raised = tuple(_raised(one, one.digest in lacking) for one in flight.captures)
    given = given_of(replace(flight, captures=raised), files).flight.captures
    own = {one.digest: one.stated for one in flight.captures}
    all_ = as_taken(replace(one, stated=own[one.digest]) for one in given if one.pose and one.camera)
    wanted = [number for number, one in enumerate(all_) if one.digest in lacking]
    near = {number for one in wanted for number in range(one - AROUND, one + AROUND + 1)}
    return [one for number, one in enumerate(all_) if number in near]


def _raised(capture: Capture, lacks: bool) -> Capture:
    """The photo as if it stated what it does not. What was found of it before counts no more."""
    stated = capture.stated
    if stated is None or not (lacks or _asks(capture) or lacks_height(stated)):
        return capture
    if lacks:
        stated = with_direction(stated, 0.0, 180.0)
    return _as_if(capture, replace(stated, height_m=1.0) if lacks or lacks_height(stated) else stated)


# -- pixels ------------------------------------------------------------------------------------------


def _found(usable: Sequence[Capture], lacking: set[str], read: Read, threads: int) -> FlightHeadings:
    """What the photos' pixels tell."""
    poses = [one.pose for one in usable if one.pose]
    plane = GroundPlane.for_point(poses[0].lat, poses[0].lon)
    stations = list(_stations(usable, lacking, plane))
    links = list(_links(usable, plane, read, threads))
    yaws, why_not = {}, {}
    for one, pose, told in zip(usable, poses, directions(stations, links), strict=True):
        if one.digest not in lacking:
            continue
        if isinstance(told, Direction):
            true = (told.yaw_deg + plane.convergence_deg(pose.lat, pose.lon)) % 360.0
            yaws[one.digest] = (true, told.error_deg)
        else:
            why_not[one.digest] = told
    return FlightHeadings(yaws, why_not)


def _stations(usable: Sequence[Capture], lacking: set[str], plane: GroundPlane) -> Iterator[Station]:
    """What is known of the photos beside what they show."""
    first = next((one.taken_at for one in usable if one.taken_at), None)
    for one in usable:
        pose, stated = one.pose, one.stated
        if pose is None or stated is None:
            raise ValueError(f"{one.digest} has no place")
        east, north = plane.to_ground(pose.lat, pose.lon)
        station = Station(
            place=complex(float(east), float(north)) / plane.scale(pose.lat, pose.lon),
            error_m=pose.error_m,
            tilt=math.tan(math.radians(pose.tilt_error_deg)),
            at_s=_seconds(one.taken_at, first),
            height_m=None if lacks_height(stated) else stated.height_m,
        )
        if one.digest not in lacking and not lacks_height(stated):
            yaw = math.radians(pose.yaw_deg - plane.convergence_deg(pose.lat, pose.lon))
            off = math.hypot(math.radians(pose.yaw_error_deg), pose.height_error_m / pose.height_m)
            turned = complex(math.cos(yaw), -math.sin(yaw)) * pose.height_m
            station = replace(station, turned=turned, turned_m=off * pose.height_m)
        yield station


def _seconds(time: datetime | None, first: datetime | None) -> float:
    return (time - first).total_seconds() if time and first else math.nan


def _links(usable: Sequence[Capture], plane: GroundPlane, read: Read, threads: int) -> Iterator[Seen]:
    """What each photo has in common with those taken before it."""

    def shot(number: int) -> Shot | None:
        return shot_of(_north_up(usable[number], plane), plane, math.nan, None, read, turned=True)

    recent: deque[tuple[int, Shot]] = deque(maxlen=AHEAD)
    for number, one in in_order(threads, shot, range(len(usable))):
        if one is None:
            continue
        yield from (link for before, other in recent if (link := seen(before, other, number, one)))
        recent.append((number, one))


def _north_up(capture: Capture, plane: GroundPlane) -> Capture:
    """The photo as if the top of its picture pointed to grid north."""
    pose = capture.pose
    if pose is None:
        return capture
    return replace(capture, pose=replace(pose, yaw_deg=plane.convergence_deg(pose.lat, pose.lon)))
