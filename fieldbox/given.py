"""What a flight is given beside its photos' own tags: better positions, photos without GPS placed, control points.

- A list's position replaces that of a photo's GPS where it is at least as exact. Where the list states no accuracy it
  counts as no better than the photo's own GPS. Lists state altitudes above an ellipsoid or a geoid, never above the
  ground: the photo's own height stays.
- A photo without GPS is placed by a list, if its tags tell height and direction; if no list has it, between the
  photos taken just before and after it, with half of their distance as its error.
- A list that contradicts the photos' GPS as a whole is not used, and a sentence says so.

Pure but for `given_for`; the same flight and lists give the same result.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from statistics import median

import numpy as np
from blake3 import blake3

from fieldbox.domain import (
    Capture,
    Flight,
    FlightHeadings,
    FlightHeight,
    Pose,
    SideFile,
    SideKind,
    Stated,
)
from fieldbox.errors import Rejected
from fieldbox.georef.agreement import control_disagrees, list_disagrees
from fieldbox.georef.control import Control, Size, read_control
from fieldbox.georef.mrk import read_mrk
from fieldbox.georef.orientation import Attitude
from fieldbox.georef.positions import Positions, StatedPosition, read_positions
from fieldbox.georef.textfile import shown
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.attitude import Angles, rotation
from fieldbox.imagery.metadata import NO_FOCAL
from fieldbox.imagery.poses import (
    RTK_FLOOR_M,
    Place,
    lacks_direction,
    lacks_height,
    looks_down,
    pose_from,
    with_direction,
    with_height,
)
from fieldbox.storage.store import Store

MAX_TURN_DEG = 20.0
"""By which a list's directions may differ from the photos' own, in the median: more is another way of counting."""
STRAY_SIGMAS, STRAY_M, LEAST_LINES = 5.0, 20.0, 3
"""A line of a list is wrong by itself where it lies further from the median of its list; of fewer lines none is told."""
PLAIN_GPS_M = 1.5
"""Standard error of a position that says nothing of its own: a plain GPS, hovering."""
AS_EXACT = 1.1
"""Times the error of a photo's own GPS: a list's position is used up to this."""
NEIGHBOUR = timedelta(seconds=10)
"""No further apart in time are a photo without GPS and each of those that it is placed between."""
SAME_LINE_DEG = 15.0
"""Photos of one flight line look the same way, to this."""
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Given:
    """A flight with all that is known of where its photos were taken."""

    flight: Flight
    """Its captures with the poses to go on with, and with what is still missing of the others."""
    control: Control | None
    """Marks name photos by their digests (`Mark.image`); all of them have a pose."""
    sentences: tuple[Sentence, ...]
    """What was used, what was not and why, the weaknesses of the lists."""
    poses_key: str
    """Digest of the poses that are not those of the photos' own tags; "" if there are none."""
    control_key: str
    """Digest of the control points and their marks; "" if there are none."""

    @property
    def poses(self) -> dict[str, Pose]:
        """The poses to go on with, by digest."""
        return {one.digest: one.pose for one in self.flight.captures if one.pose}


def given_for(store: Store, flight: Flight) -> Given:
    """The flight with all lists of the store that say something of its photos, and the height and the directions that were
    found for it."""
    kept = store.height(flight.id)
    height = kept.told if kept and isinstance(kept.told, FlightHeight) else None
    turned = store.headings(flight.id)
    lists = store.side_files(one.digest for one in flight.captures)
    given = given_of(flight, lists, height, turned.told if turned else None)
    files = dict.fromkeys(file for one in flight.captures if one.source for file in one.source.files)
    return replace(given, sentences=(*store.notes_of(files), *given.sentences)) if files else given


def given_of(
    flight: Flight,
    files: Sequence[SideFile],
    height: FlightHeight | None = None,
    headings: FlightHeadings | None = None,
) -> Given:
    """The flight with these lists, of which an earlier one counts more; a drone's own counts least.

    `height` and `headings` are what was found where the photos do not state theirs (`fieldbox.heights`, `.headings`).
    """
    said = [*_said_of_headings(flight.captures, headings), *_said_of_heights(flight.captures, height)]
    own = [one for one in files if one.kind is SideKind.MRK]
    listed = _listed(flight.captures, [one for one in files if one.kind is SideKind.POSITIONS] + own, said)
    captures = tuple(
        _with_list(_completed(one, height, headings), listed.get(one.digest)) for one in flight.captures
    )
    captures = _with_neighbours(captures, said)
    control = _control(captures, [one for one in files if one.kind is SideKind.CONTROL], said)
    changed = _changed(flight.captures, captures)
    return Given(
        flight=replace(flight, captures=captures),
        control=control,
        sentences=tuple(said),
        poses_key=_key(changed) if changed else "",
        control_key=_control_key(control),
    )


def read_list(file: SideFile, captures: Iterable[Capture]) -> Positions | Control:
    """What a list says of the photos that it may mean, by the names it knows them under.

    `captures` are the photos, as far as they are known: marks outside of them are refused. Raises Rejected where the
    list as a whole cannot be used.
    """
    names = _by_name(file)
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
    digests = _by_name(file)
    if isinstance(read, Control):
        return {digests[mark.image] for mark in read.marks}
    return {digests[one.image] for one in read.stated}


def disagreement(file: SideFile, read: Positions | Control, captures: Sequence[Capture]) -> Sentence | None:
    """What is wrong if a list as a whole contradicts the photos' own GPS; else None."""
    places = _own_places(file, captures)
    if isinstance(read, Control):
        return control_disagrees(read.points, places.values())
    return list_disagrees(read.stated, places)


def _by_name(file: SideFile) -> dict[str, str]:
    """Digests by the names under which the list may know the photos; a name of two photos tells nothing."""
    count = Counter(file.photos.values())
    return {name: digest for digest, name in file.photos.items() if count[name] == 1}


# Heights and directions


def _completed(capture: Capture, height: FlightHeight | None, headings: FlightHeadings | None) -> Capture:
    """A photo without GPS that a list may place states its height and its direction, too, as they were found."""
    stated = capture.stated
    if capture.pose or stated is None:
        return capture
    if headings and lacks_direction(stated) and capture.digest in headings.yaws:
        stated = with_direction(stated, *headings.yaws[capture.digest])
    if height and lacks_height(stated):
        stated = with_height(stated, height)
    return replace(capture, stated=stated)


def _said_of_headings(captures: Sequence[Capture], headings: FlightHeadings | None) -> Iterator[Sentence]:
    mine = {one.digest for one in captures}
    errors = [error for digest, (_yaw, error) in headings.yaws.items() if digest in mine] if headings else []
    if errors:
        yield Sentence(
            N_(
                "Photos that do not state which way the camera was turned: {count}. It was found from the photos themselves,"
                " good to {error} degrees; the camera is taken to look straight down."
            ),
            {"count": len(errors), "error": round(median(errors), 1)},
        )


def _said_of_heights(captures: Sequence[Capture], height: FlightHeight | None) -> Iterator[Sentence]:
    if height is not None:
        yield Sentence(
            N_(
                "The photos do not state their height above the ground: it was found from the photos themselves,"
                " {height} m, good to {error} m."
            ),
            {"height": round(height.height_m, 1), "error": round(height.error_m, 1)},
        )
        return
    usual = [one.pose.height_m for one in captures if one.pose and lacks_height(one.stated)]
    if usual:
        yield Sentence(
            N_(
                "Photos whose stated height above the ground cannot be right count as {height} m high, as the others do:"
                " {count}."
            ),
            {"count": len(usual), "height": round(median(usual), 1)},
        )


# Positions


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a list says of one photo."""

    position: StatedPosition
    angles: Attitude | None
    """Those of the list, where they can be believed."""


def _listed(
    captures: Sequence[Capture], files: Iterable[SideFile], said: list[Sentence]
) -> dict[str, _Listed]:
    """By digest, of photos that a list places better than their own GPS."""
    known = {one.digest: one for one in captures}
    found: dict[str, _Listed] = {}
    for file in files:
        positions = _read_positions(file, captures, said)
        if positions is None:
            continue
        digests = _by_name(file)
        mine = {digests[one.image]: one for one in positions.stated if digests[one.image] in known}
        wrong = disagreement(file, replace(positions, stated=tuple(mine.values())), captures)
        if wrong is not None:
            said += [wrong, _left_out(file)]
            continue
        stray = _strays(mine, known)
        if stray:
            said.append(_astray(file, stray, known))
        fresh = {digest: one for digest, one in mine.items() if digest not in found and digest not in stray}
        better = {digest: one for digest, one in fresh.items() if _is_better(one, known[digest])}
        believed = _believed(better, known)
        for digest, one in better.items():
            found[digest] = _Listed(one, one.angles if believed else None)
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
        said += [refusal.sentence, _left_out(file)]
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


def _with_list(capture: Capture, listed: _Listed | None) -> Capture:
    """The photo where the list puts it, or with the sentence that says what else it would take."""
    if listed is None:
        return capture
    if capture.camera is None:
        return replace(capture, unplaced=NO_FOCAL) if capture.stated else capture
    position, angles = listed.position, listed.angles
    if capture.pose:
        error_m = max(RTK_FLOOR_M, position.total_error_m(capture.pose.error_m))
        pose = replace(capture.pose, lat=position.lat, lon=position.lon, error_m=error_m)
        turned = replace(pose, **angles._asdict()) if angles else pose
        # One wrong line of a list, say a gimbal's pitch among tilts, must not put a photo on the horizon.
        return replace(capture, pose=turned if looks_down(turned) else pose)
    if capture.stated is None:
        return capture
    stated = replace(
        capture.stated,
        error_m=max(RTK_FLOOR_M, position.total_error_m(capture.stated.error_m)),
        **(angles._asdict() if angles else {}),
    )
    return _placed(capture, Place(position.lat, position.lon), stated)


def _placed(capture: Capture, place: Place, stated: Stated) -> Capture:
    pose = pose_from(place, stated)
    if isinstance(pose, Sentence):
        return replace(capture, unplaced=pose)
    return replace(capture, pose=pose, unplaced=None)


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
    yield from _problems(file, positions.problems)
    yield from positions.notes


def _problems(file: SideFile, problems: Sequence[Sentence]) -> Iterator[Sentence]:
    """One sentence for all: the list of a whole card has lines for other flights."""
    if problems:
        yield Sentence(
            N_("Lines of the list {file} that are not used: {count} (the first is line {line})."),
            {"count": len(problems), "file": shown(file.name), "line": problems[0].params.get("line", 0)},
        )


def _left_out(file: SideFile) -> Sentence:
    return Sentence(N_("For this reason the list {file} is not used."), {"file": shown(file.name)})


# Photos without GPS that no list has


def _with_neighbours(captures: Sequence[Capture], said: list[Sentence]) -> tuple[Capture, ...]:
    """The photos, those without GPS placed between the ones taken before and after them."""
    timed = sorted(
        ((one.taken_at, one.pose) for one in captures if one.taken_at and one.pose), key=lambda pair: pair[0]
    )
    times, poses = [time for time, _pose in timed], [pose for _time, pose in timed]
    done = tuple(_between(one, times, poses) for one in captures)
    errors = [
        after.pose.error_m
        for before, after in zip(captures, done, strict=True)
        if after.pose and not before.pose
    ]
    if errors:
        said.append(
            Sentence(
                N_(
                    "Photos without GPS that were placed between those taken before and after them: {count}. Such places"
                    " are only good to {error} m."
                ),
                {"count": len(errors), "error": round(max(errors), 1)},
            )
        )
    return done


def _between(capture: Capture, times: Sequence[datetime], poses: Sequence[Pose]) -> Capture:
    """The photo at its place in time on the way from one neighbour to the other, if both are of its flight line."""
    stated, time = capture.stated, capture.taken_at
    if capture.pose or capture.lat is not None or not (capture.camera and stated and time):
        return capture
    index = bisect_left(times, time)
    if not 0 < index < len(times):
        return capture
    before, after = poses[index - 1], poses[index]
    start, end = times[index - 1], times[index]
    if time - start > NEIGHBOUR or end - time > NEIGHBOUR or not _one_line(stated, before, after):
        return capture
    share = (time - start) / (end - start)
    place = Place(
        before.lat + share * (after.lat - before.lat), before.lon + share * (after.lon - before.lon)
    )
    error_m = max(_metres(before, after) / 2, before.error_m, after.error_m)
    placed = _placed(capture, place, replace(stated, error_m=error_m))
    return placed if placed.pose else capture


def _one_line(stated: Stated, before: Pose, after: Pose) -> bool:
    if stated.yaw_deg is None or abs(before.lon - after.lon) > 1.0:
        return False
    yaws = (before.yaw_deg, after.yaw_deg)
    return all(abs((yaw - stated.yaw_deg + 180.0) % 360.0 - 180.0) <= SAME_LINE_DEG for yaw in yaws)


def _metres(a: Pose, b: Pose) -> float:
    east = (a.lon - b.lon) * math.cos(math.radians(a.lat))
    return math.hypot(a.lat - b.lat, east) * _METRES_PER_DEGREE


# Control


def _control(captures: Sequence[Capture], files: Iterable[SideFile], said: list[Sentence]) -> Control | None:
    """The control points of the first list that fits; points of two lists may share their names."""
    placed = {one.digest for one in captures if one.pose}
    places = [(one.pose.lat, one.pose.lon) for one in captures if one.pose]
    found: Control | None = None
    for file in files:
        try:
            read = read_list(file, captures)
        except Rejected as refusal:
            said += [refusal.sentence, _left_out(file)]
            continue
        wrong = control_disagrees(read.points, places) if isinstance(read, Control) else None
        if wrong is not None:
            said += [wrong, _left_out(file)]
        elif isinstance(read, Control) and (control := _by_digest(read, file, placed)).marks:
            if found is None:
                found, used = control, file
                said += _said_of_control(file, control)
            else:
                template = N_(
                    "The control points of the list {file} are not used: the list {other} came later."
                )
                said.append(Sentence(template, {"file": shown(file.name), "other": shown(used.name)}))
    return found


def _by_digest(control: Control, file: SideFile, placed: set[str]) -> Control:
    """The control with the marks in placed photos, which are named by their digests."""
    digests = _by_name(file)
    marks = tuple(replace(mark, image=digests[mark.image]) for mark in control.marks)
    return replace(control, marks=tuple(mark for mark in marks if mark.image in placed))


def _said_of_control(file: SideFile, control: Control) -> Iterator[Sentence]:
    seen = Counter(mark.point for mark in control.marks)
    yield Sentence(
        N_("Control points of the list {file}: {points}. Photos that they are marked in: {photos}."),
        {
            "points": len(seen),
            "file": shown(file.name),
            "photos": len({mark.image for mark in control.marks}),
        },
    )
    yield from _problems(file, control.problems)
    yield from control.notes


def _key(value: object) -> str:
    return blake3(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _control_key(control: Control | None) -> str:
    if control is None:
        return ""
    return _key([[asdict(one) for one in control.points], [asdict(one) for one in control.marks]])


def _changed(before: Sequence[Capture], after: Sequence[Capture]) -> list[tuple[str, object]]:
    """(digest, pose) of the photos that are placed otherwise than by their own tags."""
    return [
        (new.digest, asdict(new.pose))
        for old, new in zip(before, after, strict=True)
        if new.pose and new.pose != old.pose
    ]
