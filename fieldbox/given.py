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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from statistics import median

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
from fieldbox.georef.agreement import control_disagrees
from fieldbox.georef.control import Control
from fieldbox.georef.textfile import shown
from fieldbox.i18n import N_, Sentence
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
from fieldbox.listed import Listed, by_name, left_out, listed_by, problems_of, read_list
from fieldbox.storage.store import Store

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
    listed = listed_by(flight.captures, [one for one in files if one.kind is SideKind.POSITIONS] + own, said)
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


def _with_list(capture: Capture, listed: Listed | None) -> Capture:
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
            said += [refusal.sentence, left_out(file)]
            continue
        wrong = control_disagrees(read.points, places) if isinstance(read, Control) else None
        if wrong is not None:
            said += [wrong, left_out(file)]
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
    digests = by_name(file)
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
    yield from problems_of(file, control.problems)
    yield from control.notes


def _key(value: object) -> str:
    return blake3(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _control_key(control: Control | None) -> str:
    if control is None:
        return ""
    points = [asdict(one) for one in control.points]
    for point in points:
        if point["error95_m"] is None:
            del point["error95_m"]  # keys of lists that state no errors stay as they were
    return _key([points, [asdict(one) for one in control.marks]])


def _changed(before: Sequence[Capture], after: Sequence[Capture]) -> list[tuple[str, object]]:
    """(digest, pose) of the photos that are placed otherwise than by their own tags."""
    return [
        (new.digest, asdict(new.pose))
        for old, new in zip(before, after, strict=True)
        if new.pose and new.pose != old.pose
    ]
