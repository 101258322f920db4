"""Ground control points from OpenDroneMap's `gcp_list.txt`.

The form (docs.opendronemap.org/gcp): the first line names the projection, each further line is

    geo_x geo_y geo_z im_x im_y image_name [gcp_name] [extras...]

parted by tabs or spaces. Among the extras `error=0.05` is the point's 95 % radius in metres, as fieldbox writes it; others
are not looked at. `geo_z` may be NaN; lines that begin with # are comments. Pixels count from the
centre of the top-left pixel (OpenSfM's `normalized_image_coordinates` adds 0.5), as everywhere in fieldbox.

A line that cannot be used is reported and the others go on. Heights stay in the file's own height system.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fieldbox.errors import Rejected
from fieldbox.georef.crs import Located, MapSystem, map_system, misplaced, names_system, system_notes
from fieldbox.georef.photonames import Missing, PhotoNames, not_found
from fieldbox.georef.textfile import Line, height, lines_of, number, printable, shown
from fieldbox.i18n import N_, Sentence

FILE_NAME = "gcp_list.txt"
MIN_POINTS = 3
MIN_PHOTOS = 2
"""Fewer points, or points in fewer photos, are weak control: said, not refused."""
_SAME_DEG = 1e-7
_SAME_M = 0.01
"""Lines of one point agree to about a centimetre; a wider difference is a mistake in the list."""
_COLUMNS = 6
_ERROR = "error="
_MOST_ERROR_M = 100.0


class Size(NamedTuple):
    """Of a photo, in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """A surveyed point."""

    name: str
    """As in the file; "#1", "#2" ... in the file's order where it gives none."""
    lat: float
    lon: float
    """WGS 84, degrees."""
    up_m: float | None
    """As stated, in the file's own height system (its zero is not known); None: not stated."""
    system: str
    """The coordinate system as the file names it."""
    x: float
    y: float
    """East, north (or longitude, latitude) in `system`, as stated."""
    shift_error_m: float
    """What turning `system` into WGS 84 adds to the error; 0 where that is negligible."""
    error95_m: float | None = None
    """Its own 95 % horizontal radius; None: not stated."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a photo shows a point."""

    point: str
    """Name of the `ControlPoint`."""
    image: str
    """Name of the photo as the flight has it."""
    x: float
    y: float
    """Pixels; the centre of the top-left pixel is (0, 0)."""


@dataclass(frozen=True, slots=True)
class Control:
    """What a list of control points gives. Every mark's point is in `points`."""

    points: tuple[ControlPoint, ...]
    marks: tuple[Mark, ...]
    problems: tuple[Sentence, ...]
    """Lines that are not used, in the file's order, each with its number."""
    notes: tuple[Sentence, ...]
    """Weaknesses of the whole: too few points, points in too few photos, a coarse change of datum."""


class _Entry(NamedTuple):
    """A line that can be read."""

    line: int
    x: float
    y: float
    up: float | None
    pixel_x: float
    pixel_y: float
    image: str
    name: str
    error95_m: float | None


class _Placed(NamedTuple):
    entry: _Entry
    where: Located
    up_m: float | None


def read_control(data: bytes, photos: Mapping[str, Size | None]) -> Control:
    """Read a `gcp_list.txt`; `photos` are the flight's, by name, with their sizes where these are known.

    Raises Rejected where the file as a whole cannot be used: too long, no text, no or an unfit projection.
    """
    system, lines = _header(lines_of(data))
    problems: dict[int, Sentence] = {}
    placed = list(_placed(lines, system, problems))
    points, owners = _points(placed, system, problems)
    marks = _marks(owners, photos, problems)
    used = tuple(problems[line] for line in sorted(problems))
    return Control(points, marks, used, tuple(_notes(points, marks, system)))


def _header(lines: tuple[Line, ...]) -> tuple[MapSystem, list[Line]]:
    content = [line for line in lines if not line.text.startswith("#")]
    if not content:
        raise Rejected(
            N_("The list of control points is empty: give the file that the survey program wrote.")
        )
    if not names_system(content[0].text):
        raise Rejected(
            N_(
                'Line {line} of the list of control points is "{text}", but must name the projection, such as'
                " EPSG:32643 or WGS84 UTM 43N."
            ),
            line=content[0].number,
            text=shown(content[0].text),
        )
    return map_system(content[0].text), content[1:]


def _placed(lines: Iterable[Line], system: MapSystem, problems: dict[int, Sentence]) -> Iterable[_Placed]:
    for line in lines:
        entry = _entry(line)
        if entry is None:
            problems[line.number] = Sentence(
                N_(
                    "Line {line} is no control point: it needs east, north, height, pixel x, pixel y and the"
                    " photo's name, parted by tabs or spaces."
                ),
                {"line": line.number},
            )
        elif (where := system.locate(entry.x, entry.y)) is None:
            problems[line.number] = misplaced(line.number, entry.x, entry.y, system)
        else:
            # A height's unit is only sure where it cannot be feet.
            yield _Placed(entry, where, height(entry.up) if system.unit_m == 1.0 else None)


def _entry(line: Line) -> _Entry | None:
    """By tabs where they make sense (a name may hold spaces then), else by any white space."""
    return _of_words(line.number, line.text.split("\t")) or _of_words(line.number, line.text.split())


def _of_words(line: int, words: list[str]) -> _Entry | None:
    if len(words) < _COLUMNS:
        return None
    words = [word.strip().strip('"') for word in words]
    x, y, up, pixel_x, pixel_y = (number(word) for word in words[:5])
    if x is None or y is None or pixel_x is None or pixel_y is None or not words[5]:
        return None
    if up is None and words[2].lower() != "nan":
        return None
    name = printable(words[6]) if len(words) > _COLUMNS else ""
    return _Entry(line, x, y, up, pixel_x, pixel_y, words[5], name, _error(words[_COLUMNS + 1 :]))


def _error(extras: Sequence[str]) -> float | None:
    """What a line states of its point's error; None: nothing that makes sense."""
    told = next((word.removeprefix(_ERROR) for word in extras if word.startswith(_ERROR)), "")
    error = number(told)
    return error if error is not None and 0 < error <= _MOST_ERROR_M else None


def _points(
    placed: list[_Placed], system: MapSystem, problems: dict[int, Sentence]
) -> tuple[tuple[ControlPoint, ...], list[tuple[str, _Entry]]]:
    """The points in the file's order, and for each usable line the point that it marks."""
    names = _names(placed)
    first: dict[str, _Placed] = {}
    owners: list[tuple[str, _Entry]] = []
    for item, name in zip(placed, names, strict=True):
        known = first.setdefault(name, item)
        if _same(known, item):
            owners.append((name, item.entry))
        else:
            problems[item.entry.line] = Sentence(
                N_(
                    "Line {line}: control point {point} has other coordinates than in line {first}: correct one."
                ),
                {"line": item.entry.line, "point": shown(name), "first": known.entry.line},
            )
    points = (
        ControlPoint(
            name,
            at.where.lat,
            at.where.lon,
            at.up_m,
            system.text,
            at.entry.x,
            at.entry.y,
            at.where.shift_error_m,
            at.entry.error95_m,
        )
        for name, at in first.items()
    )
    return tuple(points), owners


def _names(placed: list[_Placed]) -> list[str]:
    """The name of each line's point. Lines without one belong to the point with the same coordinates."""
    by_place: dict[tuple[float, float, float | None], str] = {}
    for item in placed:
        if item.entry.name:
            by_place.setdefault(_key(item), item.entry.name)
    taken = set(by_place.values())
    free = (name for name in (f"#{n}" for n in range(1, len(placed) + len(taken) + 2)) if name not in taken)
    names = []
    for item in placed:
        if not item.entry.name and _key(item) not in by_place:
            by_place[_key(item)] = next(free)
        names.append(item.entry.name or by_place[_key(item)])
    return names


def _key(item: _Placed) -> tuple[float, float, float | None]:
    return item.entry.x, item.entry.y, item.entry.up


def _same(a: _Placed, b: _Placed) -> bool:
    near = abs(a.where.lat - b.where.lat) <= _SAME_DEG and abs(a.where.lon - b.where.lon) <= _SAME_DEG
    if a.up_m is None or b.up_m is None:
        return near
    return near and abs(a.up_m - b.up_m) <= _SAME_M


def _marks(
    owners: list[tuple[str, _Entry]], photos: Mapping[str, Size | None], problems: dict[int, Sentence]
) -> tuple[Mark, ...]:
    index = PhotoNames(photos)
    marks: dict[tuple[str, str], Mark] = {}
    for point, entry in owners:
        image = index.find(entry.image)
        if isinstance(image, Missing):
            problems[entry.line] = not_found(entry.line, entry.image, image)
        elif not _inside(entry, photos[image]):
            problems[entry.line] = Sentence(
                N_(
                    "Line {line}: pixel {x}, {y} lies outside photo {photo}: mark it in the photo as it was taken."
                ),
                {"line": entry.line, "x": entry.pixel_x, "y": entry.pixel_y, "photo": shown(image)},
            )
        elif (point, image) in marks:
            problems[entry.line] = Sentence(
                N_(
                    "Line {line}: control point {point} is already marked in photo {photo}: keep one of the two."
                ),
                {"line": entry.line, "point": shown(point), "photo": shown(image)},
            )
        else:
            marks[point, image] = Mark(point, image, entry.pixel_x, entry.pixel_y)
    return tuple(marks.values())


def _inside(entry: _Entry, size: Size | None) -> bool:
    """Whether the mark lies on the photo: the outer edges of its pixels count."""
    if size is None:
        return entry.pixel_x >= -0.5 and entry.pixel_y >= -0.5
    return -0.5 <= entry.pixel_x <= size.width - 0.5 and -0.5 <= entry.pixel_y <= size.height - 0.5


def _notes(
    points: tuple[ControlPoint, ...], marks: tuple[Mark, ...], system: MapSystem
) -> Iterable[Sentence]:
    seen = Counter(mark.point for mark in marks)
    if len(seen) < MIN_POINTS:
        yield Sentence(
            N_(
                "Control points of the list that photos show: {count}; for a sound position use at least 3, far apart."
            ),
            {"count": len(seen)},
        )
    weak = [point.name for point in points if seen[point.name] < MIN_PHOTOS]
    if weak:
        yield Sentence(
            N_(
                "Control points that are marked in fewer than 2 photos: {count} (the first is {point}); mark each in"
                " 2 or more."
            ),
            {"count": len(weak), "point": shown(weak[0])},
        )
    yield from system_notes((point.shift_error_m for point in points), system)
