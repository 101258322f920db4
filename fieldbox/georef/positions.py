"""Where the cameras were, from a list beside the photos: better than the photos' own tags after RTK or PPK.

Three forms are read; which one it is shows in the first lines.

- OpenDroneMap's `geo.txt` (docs.opendronemap.org/geo): the projection on the first line, then
  `image x y [z] [yaw pitch roll] [horizontal vertical accuracy] [extras...]` parted by white space. Lists
  written before June 2022 hold omega, phi, kappa in the same columns (ODM pull request 1476): ask for these
  with `angles`.
- A table with a header line (or the header as a comment, as PIX4Dmatic has it): columns are known by name.
- A table without a header, in Pix4D's order (support article 360056389172): image, latitude, longitude (or
  east, north), height; with 6 columns the two accuracies follow, with 7 three angles, with 9 angles and
  accuracies. Nothing tells yaw, pitch, roll from omega, phi, kappa, so angles count only if `angles` says.

Columns are parted by semicolons, tabs, commas or spaces; a decimal comma is understood wherever commas do not
part columns. Angles of 0, 0, 0 are what programs write for "not known".

A line that cannot be used is reported and the others go on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from fieldbox.errors import Rejected
from fieldbox.georef.crs import (
    WGS84,
    Located,
    MapSystem,
    map_system,
    misplaced,
    names_system,
    system_notes,
)
from fieldbox.georef.orientation import Attitude, from_omega_phi_kappa, from_yaw_pitch_roll
from fieldbox.georef.photonames import Missing, PhotoNames, not_found
from fieldbox.georef.textfile import HEIGHTS_M, Line, lines_of, number, shown
from fieldbox.i18n import N_, Sentence

FILE_NAME = "geo.txt"
MAX_ERROR_M = 100.0
_SEPARATORS = (";", "\t", ",", None)
"""Tried in this order for each line; None is any white space."""

Columns = Mapping[str, int]
"""Which column holds what: image; lat and lon, or x and y, or first and second; z; angles; accuracies."""


_NINE: Columns = {"image": 0, "first": 1, "second": 2, "z": 3}
_ANGLES_FIRST: Columns = {**_NINE, "a": 4, "b": 5, "c": 6, "horizontal": 7, "vertical": 8}
_ACCURACIES_FIRST: Columns = {**_NINE, "horizontal": 4, "vertical": 5, "a": 6, "b": 7, "c": 8}


class AngleKind(StrEnum):
    """What three columns of angles mean; see `orientation`."""

    YAW_PITCH_ROLL = "yaw, pitch, roll"
    OMEGA_PHI_KAPPA = "omega, phi, kappa"


@dataclass(frozen=True, slots=True)
class StatedPosition:
    """Where a list says that a photo was taken."""

    image: str
    """Name of the photo as the flight has it."""
    lat: float
    lon: float
    """WGS 84, degrees."""
    altitude_m: float | None
    """In the list's own height system: above an ellipsoid, a geoid or anything, never above the ground."""
    error_m: float | None
    """Horizontal, per axis, as stated; without `shift_error_m`."""
    height_error_m: float | None
    angles: Attitude | None
    shift_error_m: float = 0.0
    """What turning the list's coordinate system into WGS 84 adds; 0 where that is negligible."""

    def total_error_m(self, usual_m: float) -> float:
        """Horizontal error per axis, with `usual_m` where the list states none."""
        return math.hypot(usual_m if self.error_m is None else self.error_m, self.shift_error_m)


@dataclass(frozen=True, slots=True)
class Positions:
    """What a list of camera positions gives; one position for each photo at most."""

    stated: tuple[StatedPosition, ...]
    problems: tuple[Sentence, ...]
    """Lines that are not used, in the file's order, each with its number."""
    notes: tuple[Sentence, ...]
    """What holds for the whole list."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How the lines of this list are laid out."""

    system: MapSystem
    named: Columns | None
    """From a header; None: by the number of columns."""
    odm: bool
    angles: AngleKind | None
    nine: Columns = field(default_factory=lambda: _NINE)
    """Of lines with nine columns without a header."""
    commas: int | None = None
    """Columns of a header that commas part; None: there is none."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line whose position can be read."""

    line: int
    image: str
    x: float
    y: float
    words: Sequence[str]
    columns: Columns


@dataclass(slots=True)
class _Report:
    problems: dict[int, Sentence] = field(default_factory=dict)
    absent: list[tuple[int, str]] = field(default_factory=list)
    unknown_columns: bool = False

    def say(self, line: int, template: str, **params: str | float) -> None:
        self.problems[line] = Sentence(template, {"line": line, **params})


def read_positions(
    data: bytes, photos: Iterable[str], *, system: str | None = None, angles: AngleKind | None = None
) -> Positions:
    """Read a list of camera positions for a flight's `photos` (their names).

    `system` names the coordinates' projection where the file itself does not (`EPSG:32643`); without either
    they are latitude and longitude on WGS 84. `angles` says what columns of angles mean where no header does.
    Raises Rejected where the file as a whole cannot be used.
    """
    form, lines = _form(lines_of(data), system, angles)
    report = _Report()
    stated = tuple(_stated(lines, form, PhotoNames(photos), report))
    problems = tuple(report.problems[line] for line in sorted(report.problems))
    return Positions(stated, problems, tuple(_notes(stated, form, report)))


def looks_like_list(data: bytes) -> bool:
    """Whether a file begins as lists do: with a projection, or with names of their columns."""
    try:
        lines = lines_of(data)
    except Rejected:
        return False
    content = next((index for index, line in enumerate(lines) if not line.text.startswith("#")), None)
    if content is None:
        return False
    return names_system(lines[content].text) or any(
        _named(line.text, None) is not None for line in lines[: content + 1]
    )


def _stated(lines: list[Line], form: _Form, photos: PhotoNames, report: _Report) -> Iterator[StatedPosition]:
    seen: dict[str, int] = {}
    for line in lines:
        row = _row(line, form)
        if row is None:
            report.say(
                line.number,
                N_(
                    "Line {line} is no camera position: it needs the photo's name and two coordinates at least."
                ),
            )
            continue
        where = form.system.locate(row.x, row.y)
        image = photos.find(row.image)
        if where is None:
            report.problems[row.line] = misplaced(row.line, row.x, row.y, form.system)
        elif image is Missing.ABSENT:
            report.absent.append((row.line, row.image))
        elif isinstance(image, Missing):
            report.problems[row.line] = not_found(row.line, row.image, image)
        elif image in seen:
            report.say(
                row.line,
                N_("Line {line}: photo {photo} has a position in line {first} already: keep one of the two."),
                photo=shown(image),
                first=seen[image],
            )
        else:
            seen[image] = row.line
            yield _position(row, image, where, form, report)


def _position(row: _Row, image: str, where: Located, form: _Form, report: _Report) -> StatedPosition:
    report.unknown_columns |= row.columns is _NINE
    altitude = _value(row, "z", *HEIGHTS_M) if form.system.unit_m == 1.0 else None
    return StatedPosition(
        image=image,
        lat=where.lat,
        lon=where.lon,
        altitude_m=altitude,
        # 0 is what programs write when they do not know.
        error_m=_value(row, "horizontal", 0.0, MAX_ERROR_M) or None,
        height_error_m=_value(row, "vertical", 0.0, MAX_ERROR_M) or None,
        angles=_angles(row, where, form, report),
        shift_error_m=where.shift_error_m,
    )


# How a list is laid out


def _form(lines: tuple[Line, ...], system: str | None, angles: AngleKind | None) -> tuple[_Form, list[Line]]:
    content = [line for line in lines if not line.text.startswith("#")]
    if not content:
        raise Rejected(N_("The list of camera positions is empty: give the file that the program wrote."))
    if names_system(content[0].text):
        kind = angles or AngleKind.YAW_PITCH_ROLL
        return _Form(map_system(content[0].text), None, odm=True, angles=kind), content[1:]
    given = map_system(system) if system is not None else None
    comments = [line for line in lines[: lines.index(content[0])] if line.text.startswith("#")]
    for header in [*comments, content[0]]:
        if (columns := _named(header.text, given)) is not None:
            rest = content[1:] if header is content[0] else content
            commas = len(header.text.split(",")) if set(header.text).isdisjoint(";\t") else None
            named = _system_of(columns, given)
            return _Form(named, columns, odm=False, angles=angles, commas=commas), rest
    form = _Form(_system_of({"first": 1, "second": 2}, given), None, odm=False, angles=angles)
    return _with_nine(form, content), content


def _system_of(columns: Columns, given: MapSystem | None) -> MapSystem:
    """The system of a table's coordinates, where its columns and what the user says go together."""
    if "lat" in columns and given is not None and not given.geographic:
        raise Rejected(
            N_(
                "The list's columns are latitude and longitude, but {system} is a map projection: leave it out."
            ),
            system=given.text,
        )
    if "x" in columns and given is None:
        raise Rejected(
            N_("The list does not say in which projection its coordinates are: name it, such as EPSG:32643.")
        )
    if "first" in columns and given is not None and given.north_first and not given.geographic:
        raise Rejected(
            N_(
                "In {system} some programs write north first and others east: name the list's columns in a"
                " header line (filename, x, y, z)."
            ),
            system=given.text,
        )
    return given or map_system(WGS84)


_COLUMN_NAMES = {
    "image": "image imagename filename file name photo photoname picture label",
    "lat": "latitude lat ylatitude latitudey gpslatitude",
    "lon": "longitude lon long lng xlongitude longitudex gpslongitude",
    "x": "x east easting xeast xeasting eastingx geox",
    "y": "y north northing ynorth ynorthing northingy geoy",
    "first": "coordinate1",
    "second": "coordinate2",
    "z": "z altitude alt height elevation zaltitude zheight geoz ellipsoidalheight gpsaltitude",
    "yaw": "yaw heading",
    "pitch": "pitch",
    "roll": "roll",
    "omega": "omega",
    "phi": "phi",
    "kappa": "kappa",
    "horizontal": "accuracyhorz horzaccuracy horizontalaccuracy accuracyhorizontal gpsxyaccuracy hacc acch errorhorz",
    "vertical": "accuracyvert vertaccuracy verticalaccuracy accuracyvertical gpszaccuracy vacc accv errorvert",
}
_ROLES = {name: role for role, names in _COLUMN_NAMES.items() for name in names.split()}
_UNIT = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")


def _named(text: str, given: MapSystem | None) -> Columns | None:
    """The columns that a header line names; None where the line is no header."""
    for separator in _SEPARATORS:
        words = [
            _NOT_A_NAME.sub("", _UNIT.sub("", word.lower()))
            for word in _split(text.lstrip("# \t"), separator)
        ]
        columns: dict[str, int] = {}
        for index, word in enumerate(words):
            role = _ROLES.get(word)
            if role is not None and not (word == "height" and "width" in words):  # of the photo, in pixels
                columns.setdefault(role, index)
        if "image" in columns and _pair(columns) is not None:
            return _with_one_pair(columns, given)
    return None


def _pair(columns: Columns) -> tuple[str, str] | None:
    return next((pair for pair in _PAIRS if columns.keys() >= set(pair)), None)


def _with_one_pair(columns: Columns, given: MapSystem | None) -> Columns:
    """Of a table with degrees and metres, the ones that go with the system given."""
    if columns.keys() >= {"lon", "lat", "x", "y"}:
        left_out = ("x", "y") if given is None or given.geographic else ("lon", "lat")
        return {role: index for role, index in columns.items() if role not in left_out}
    return columns


_PAIRS = (("lon", "lat"), ("x", "y"), ("first", "second"))
"""Columns of a coordinate pair; `first, second` follow Pix4D: latitude before longitude, east before north."""


def _columns(form: _Form, count: int) -> Columns | None:
    """Which column holds what in a line of `count` words."""
    if form.named is not None:
        return form.named
    if count < 3:
        return None
    if form.odm:
        return _odm_columns(count)
    if count == 9:
        return form.nine
    columns = {"image": 0, "first": 1, "second": 2}
    if count >= 4:
        columns["z"] = 3
    if count == 6:
        columns |= {"horizontal": 4, "vertical": 5}
    return columns | ({"a": 4, "b": 5, "c": 6} if count == 7 else {})


def _odm_columns(count: int) -> Columns:
    columns = {"image": 0, "x": 1, "y": 2}
    if count >= 4:
        columns["z"] = 3
    if count >= 7:
        columns |= {"a": 4, "b": 5, "c": 6}
    return columns | ({"horizontal": 7, "vertical": 8} if count >= 9 else {})


def _with_nine(form: _Form, lines: list[Line]) -> _Form:
    """PIX4Dmatic puts the accuracies last, other lists put them before the angles. The list tells where only
    one order makes every accuracy one; where both do, neither these nor the angles are used."""
    rows = [row for line in lines if (row := _row(line, form)) is not None and row.columns is _NINE]
    orders = (_ANGLES_FIRST, _ACCURACIES_FIRST)
    fits = [order for order in orders if rows and all(_accurate(row, order) for row in rows)]
    return replace(form, nine=fits[0]) if len(fits) == 1 else form


def _accurate(row: _Row, order: Columns) -> bool:
    values = [number(row.words[order[role]]) for role in ("horizontal", "vertical")]
    return all(value is not None and 0.0 < value <= MAX_ERROR_M for value in values)


# One line


def _split(text: str, separator: str | None) -> list[str]:
    return [word.strip().strip("\"'").strip() for word in text.split(separator)]


def _row(line: Line, form: _Form) -> _Row | None:
    """The line by the first separator that leaves a name and two numbers."""
    for separator in _SEPARATORS:
        words = _split(line.text, separator)
        columns = _columns(form, len(words))
        doubtful = separator == "," and _may_be_decimals(len(words), form)
        place = None if columns is None else _place(words, columns, form.system, doubtful=doubtful)
        if columns is not None and place is not None and words[columns["image"]]:
            return _Row(line.number, words[columns["image"]], *place, words, columns)
    return None


def _may_be_decimals(count: int, form: _Form) -> bool:
    """Whether a line of `count` words between commas may hold decimal commas: it takes a word more for each."""
    return count > 4 if form.commas is None else count != form.commas


def _place(
    words: Sequence[str], columns: Columns, system: MapSystem, *, doubtful: bool
) -> tuple[float, float] | None:
    """East and north, or longitude and latitude; `doubtful`: its commas may be those of decimals."""
    pair = _pair(columns)
    if pair is None:
        return None
    first, second = pair
    if max(columns["image"], columns[first], columns[second]) >= len(words):
        return None
    written = words[columns[first]], words[columns[second]]
    x, y = number(written[0]), number(written[1])
    if x is None or y is None:
        return None
    if doubtful and system.geographic and not any("." in word for word in written):
        return None  # whole degrees: a decimal comma that was taken for a separator
    return (y, x) if first == "first" and system.geographic else (x, y)


def _value(row: _Row, role: str, low: float, high: float) -> float | None:
    index = row.columns.get(role)
    value = number(row.words[index]) if index is not None and index < len(row.words) else None
    return value if value is not None and low <= value <= high else None


def _angles(row: _Row, where: Located, form: _Form, report: _Report) -> Attitude | None:
    for roles, kind in (
        (("yaw", "pitch", "roll"), AngleKind.YAW_PITCH_ROLL),
        (("omega", "phi", "kappa"), AngleKind.OMEGA_PHI_KAPPA),
        (("a", "b", "c"), form.angles),
    ):
        values = [_value(row, role, -360.0, 360.0) for role in roles]
        known = [value for value in values if value is not None]
        if len(known) == 3 and any(known):
            return _attitude(known, kind, where, form, report)
    return None


def _attitude(
    values: list[float], kind: AngleKind | None, where: Located, form: _Form, report: _Report
) -> Attitude | None:
    if kind is None:
        report.unknown_columns = True
        return None
    if kind is AngleKind.YAW_PITCH_ROLL:
        return from_yaw_pitch_roll(values[0], values[1], values[2])
    convergence = form.system.convergence_deg(where.lat, where.lon)
    return from_omega_phi_kappa(values[0], values[1], values[2], convergence)


def _notes(stated: tuple[StatedPosition, ...], form: _Form, report: _Report) -> Iterator[Sentence]:
    if report.absent:
        line, photo = report.absent[0]
        yield Sentence(
            N_(
                "Photos of the list that are not in this flight: {count} (the first is {photo} in line {line})."
            ),
            {"count": len(report.absent), "photo": shown(photo), "line": line},
        )
    if report.unknown_columns:
        yield Sentence(
            N_(
                "Columns of the list after the height are not used, since it does not say what they are: add a"
                " header line such as filename, latitude, longitude, altitude, yaw, pitch, roll."
            )
        )
    yield from system_notes((position.shift_error_m for position in stated), form.system)
