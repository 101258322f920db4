"""What lists say of photos: read, held against the photos' own GPS, and used where they are at least as exact.

Pure: the same photos and lists give the same result.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from fieldbox.domain import Capture, SideFile, SideKind
from fieldbox.errors import Rejected
from fieldbox.georef.agreement import control_disagrees, list_disagrees
from fieldbox.georef.control import Control, Size, read_control
from fieldbox.georef.mrk import read_mrk
from fieldbox.georef.orientation import Attitude
from fieldbox.georef.positions import Positions, StatedPosition, read_positions
from fieldbox.georef.textfile import shown
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.attitude import Angles, rotation
from fieldbox.imagery.poses import lacks_direction

MAX_TURN_DEG = 20.0
"""By which a list's directions may differ from the photos' own, in the median: more is another way of counting."""
STRAY_SIGMAS, STRAY_M, LEAST_LINES = 5.0, 20.0, 3
"""A line of a list is wrong by itself where it lies further from the median of its list; of fewer lines none is told."""
PLAIN_GPS_M = 1.5
"""Standard error of a position that says nothing of its own: a plain GPS, hovering."""
AS_EXACT = 1.1
"""Times the error of a photo's own GPS: a list's position is used up to this."""
_METRES_PER_DEGREE = 111_320.0


def read_list(file: SideFile, captures: Iterable[Capture]) -> Positions | Control:
    """What a list says of the photos that it may mean, by the names it knows them under.

    `captures` are the photos, as far as they are known: marks outside of them are refused. Raises Rejected where the
    list as a whole cannot be used.
    """
    names = by_name(file)
    if file.kind is SideKind.MRK:
        return read_mrk(file.data, names)
    if file.kind is SideKind.POSITIONS:
        return read_positions(file.data, names, system=file.system)
    cameras = {one.digest: one.camera for one in captures}
    sizes: dict[str, Size | None] = {}
    for name, digest in names.items():
        camera = cameras.get(digest)
        sizes[name] = Size(camera.width, camera.height) if camera else None
    return read_control(file.data, sizes)


def named_in(file: SideFile, read: Positions | Control) -> set[str]:
    """Digests of the photos that a list says something of."""
    digests = by_name(file)
    if isinstance(read, Control):
        return {digests[mark.image] for mark in read.marks}
    return {digests[one.image] for one in read.stated}


def disagreement(file: SideFile, read: Positions | Control, captures: Sequence[Capture]) -> Sentence | None:
    """What is wrong if a list as a whole contradicts the photos' own GPS; else None."""
    places = _own_places(file, captures)
    if isinstance(read, Control):
        return control_disagrees(read.points, places.values())
    return list_disagrees(read.stated, places)


def by_name(file: SideFile) -> dict[str, str]:
    """Digests by the names under which the list may know the photos; a name of two photos tells nothing."""
    count = Counter(file.photos.values())
    return {name: digest for digest, name in file.photos.items() if count[name] == 1}


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list says of one photo."""

    position: StatedPosition
    angles: Attitude | None
    """Those of the list, where they can be believed."""


def listed_by(
    captures: Sequence[Capture], files: Iterable[SideFile], said: list[Sentence]
) -> dict[str, Listed]:
    """By digest, of photos that a list places better than their own GPS."""
    known = {one.digest: one for one in captures}
    found: dict[str, Listed] = {}
    for file in files:
        positions = _read_positions(file, captures, said)
        if positions is None:
            continue
        digests = by_name(file)
        mine = {digests[one.image]: one for one in positions.stated if digests[one.image] in known}
        wrong = disagreement(file, replace(positions, stated=tuple(mine.values())), captures)
        if wrong is not None:
            said += [wrong, left_out(file)]
            continue
        stray = _strays(mine, known)
        if stray:
            said.append(_astray(file, stray, known))
        fresh = {digest: one for digest, one in mine.items() if digest not in found and digest not in stray}
        better = {digest: one for digest, one in fresh.items() if _is_better(one, known[digest])}
        believed = _believed(better, known)
        for digest, one in better.items():
            found[digest] = Listed(one, one.angles if believed else None)
        said += _said_of(file, positions, fresh, better, known, believed=believed)
    return found


def _strays(listed: Mapping[str, StatedPosition], captures: Mapping[str, Capture]) -> list[str]:
    """Digests of single lines that put a photo elsewhere than the others of their list, and than its own GPS, can be."""
    own = [
        (digest, one, captures[digest]) for digest, one in listed.items() if captures[digest].lat is not None
    ]
    if len(own) < LEAST_LINES:
        return []
    shifts = np.array([_shift_m(one, capture) for _digest, one, capture in own])
    away = np.hypot(*(shifts - np.median(shifts, axis=0)).T)
    errors = [_own_error(capture) or PLAIN_GPS_M for _digest, _one, capture in own]
    spread = [
        math.hypot(error, one.total_error_m(error))
        for error, (_digest, one, _c) in zip(errors, own, strict=True)
    ]
    beyond = away > STRAY_SIGMAS * np.array(spread) + STRAY_M
    return [digest for (digest, _one, _capture), off in zip(own, beyond, strict=True) if off]


def _shift_m(position: StatedPosition, capture: Capture) -> tuple[float, float]:
    """East and north from a photo's own GPS to where a list puts it."""
    east = (position.lon - (capture.lon or 0.0) + 180.0) % 360.0 - 180.0
    north = position.lat - (capture.lat or 0.0)
    scale = math.cos(math.radians(position.lat))
    return east * scale * _METRES_PER_DEGREE, north * _METRES_PER_DEGREE


def _astray(file: SideFile, stray: Sequence[str], captures: Mapping[str, Capture]) -> Sentence:
    template = N_(
        "Lines of the list {file} that put a photo far from its own GPS, though the other lines do not: {count} (of"
        " {name}, for one). These photos stay where their GPS puts them; check the lines."
    )
    return Sentence(
        template, {"file": shown(file.name), "count": len(stray), "name": shown(captures[stray[0]].name)}
    )


def _read_positions(file: SideFile, captures: Sequence[Capture], said: list[Sentence]) -> Positions | None:
    try:
        read = read_list(file, captures)
    except Rejected as refusal:  # what an earlier release could read, say
        said += [refusal.sentence, left_out(file)]
        return None
    return read if isinstance(read, Positions) else None


def _own_places(file: SideFile, captures: Iterable[Capture]) -> dict[str, tuple[float, float]]:
    """Latitude and longitude by the photos' own GPS, by the names that the list knows them under."""
    return {
        file.photos[one.digest]: (one.lat, one.lon)
        for one in captures
        if one.lat is not None and one.lon is not None and one.digest in file.photos
    }


def _is_better(position: StatedPosition, capture: Capture) -> bool:
    """Whether the list is as exact as the photo's own GPS (rounded otherwise, maybe), or the photo has none.

    One that does not say how exact it is, is no reason to leave an RTK position.
    """
    own_m = _own_error(capture)
    if capture.lat is None or own_m is None:
        return True
    return position.total_error_m(max(own_m, PLAIN_GPS_M)) <= AS_EXACT * own_m


def _own_error(capture: Capture) -> float | None:
    if capture.pose:
        return capture.pose.error_m
    return capture.stated.error_m if capture.stated else None


def _believed(listed: Mapping[str, StatedPosition], captures: Mapping[str, Capture]) -> bool:
    """Whether the list's directions are those of the photos: other programs count them otherwise."""
    turns = [
        _turn_deg(one.angles, own)
        for digest, one in listed.items()
        if one.angles and (own := _own_angles(captures[digest]))
    ]
    return not turns or median(turns) <= MAX_TURN_DEG


def _own_angles(capture: Capture) -> Attitude | None:
    # A direction that was found is none of its own.
    own = capture.stated if lacks_direction(capture.stated) else capture.pose or capture.stated
    if own is None or own.yaw_deg is None or own.pitch_deg is None or own.roll_deg is None:
        return None
    return Attitude(own.yaw_deg, own.pitch_deg, own.roll_deg)


def _turn_deg(a: Attitude, b: Attitude) -> float:
    """The angle by which one attitude is turned against another, 0 to 180."""
    trace = float(np.trace(rotation(Angles(*a)).T @ rotation(Angles(*b))))
    return math.degrees(math.acos(min(1.0, max(-1.0, (trace - 1) / 2))))


def _said_of(
    file: SideFile,
    positions: Positions,
    fresh: Mapping[str, StatedPosition],
    better: Mapping[str, StatedPosition],
    known: Mapping[str, Capture],
    *,
    believed: bool,
) -> Iterator[Sentence]:
    name = {"file": shown(file.name)}
    made = file.kind is not SideKind.MRK  # a drone writes its own for every flight, with RTK and without
    if better and made:
        yield Sentence(
            N_("Photos whose positions the list {file} gives: {count}."), {**name, "count": len(better)}
        )
    if len(better) < len(fresh) and made:
        yield Sentence(
            N_(
                "Photos that stay where their own GPS puts them, since the list {file} is less exact: {count}."
            ),
            {**name, "count": len(fresh) - len(better)},
        )
    vague = [digest for digest, one in better.items() if one.error_m is None]
    if any(known[digest].lat is not None for digest in vague):
        yield Sentence(
            N_(
                "The list {file} does not say how exact its positions are: they count as no better than the photos'"
                " own GPS; add columns with the accuracies if you know them."
            ),
            name,
        )
    usual = [
        stated.error_m for digest in vague if known[digest].lat is None and (stated := known[digest].stated)
    ]
    if usual:
        yield Sentence(
            N_(
                "The list {file} does not say how exact its positions are: those of photos without GPS count as good to"
                " {error} m; add columns with the accuracies if you know them."
            ),
            {**name, "error": round(max(usual), 1)},
        )
    if not believed:
        yield Sentence(
            N_("The directions in the list {file} are not those that the photos state: they are not used."),
            name,
        )
    yield from problems_of(file, positions.problems)
    yield from positions.notes


def problems_of(file: SideFile, problems: Sequence[Sentence]) -> Iterator[Sentence]:
    """One sentence for all: the list of a whole card has lines for other flights."""
    if problems:
        yield Sentence(
            N_("Lines of the list {file} that are not used: {count} (the first is line {line})."),
            {"count": len(problems), "file": shown(file.name), "line": problems[0].params.get("line", 0)},
        )


def left_out(file: SideFile) -> Sentence:
    """What follows from what is wrong with a list."""
    return Sentence(N_("For this reason the list {file} is not used."), {"file": shown(file.name)})
