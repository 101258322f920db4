"""A field drawn on paper: its picture, edge, zones, spots to visit, what was not seen, north and a scale. Black and white."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from fieldbox.summary.paper import BLACK, DARK, LIGHT, PALE, WHITE, Paper, Point, baseline, leading

Ring = tuple[Point, ...]
"""Open, of (east, north) in metres."""
Rings = tuple[Ring, ...]
"""Of a piece of ground: the outer one, then its openings."""
_MARGIN = 0.03
"""Around the field, of its longer side."""
_HATCH_MM = 1.6
_SCALES_M = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_LIGHTER = 0.5
_FEW, _PLAIN_MM = 12, 0.12
_NEAR_MM = 3.6
"""Numbers closer than this are moved apart."""
_ARROW_MM = 6.6
_STRIP_MM = 10.2
"""Under the map: what its signs mean, the scale, north."""
_SCALE_MM = 42.0
"""The bar is no longer."""
_SIGNS_MM = _SCALE_MM + 14.0
_LEGEND = 8.5


@dataclass(frozen=True, slots=True)
class Extent:
    """A rectangle of ground, in metres."""

    west: float
    south: float
    east: float
    north: float

    @property
    def aspect(self) -> float:
        """Width over height."""
        return (self.east - self.west) / (self.north - self.south)


@dataclass(frozen=True, slots=True)
class Mark:
    """The name of a place on the map."""

    name: str
    east: float
    north: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundMap:
    """What is drawn of a field. Metres east and north."""

    boundary: Ring
    picture: bytes | None = None
    """JPEG, north up; None: it is gone."""
    picture_at: Extent | None = None
    zones: tuple[Rings, ...] = ()
    lightened: bool = False
    """Whether the zones are drawn lighter than the ground around them."""
    kept_off: tuple[Rings, ...] = ()
    """Ground that is never to be sprayed."""
    unseen: tuple[Rings, ...] = ()
    marks: tuple[Mark, ...] = ()
    """The first one is drawn on top of all others."""
    route: Ring = ()
    """Walked from its first place on, which is marked S."""
    north_deg: float = 0.0
    """Of true north, clockwise from the top of the page."""
    north_letter: str = "N"

    @property
    def extent(self) -> Extent:
        """Of all of it, with a margin."""
        points = [
            *self.boundary, *self.route, *(one for rings in self.zones for one in rings[0]),
            *((one.east, one.north) for one in self.marks),
        ]  # fmt: skip
        if self.picture_at:
            at = self.picture_at
            points += [(at.west, at.south), (at.east, at.north)]
        if not points:
            return Extent(0.0, 0.0, 1.0, 1.0)
        easts, norths = zip(*points, strict=True)
        spare = _MARGIN * max(max(easts) - min(easts), max(norths) - min(norths), 1.0)
        return Extent(min(easts) - spare, min(norths) - spare, max(easts) + spare, max(norths) + spare)


@dataclass(frozen=True, slots=True)
class _Frame:
    """How ground becomes paper."""

    west: float
    north: float
    mm_to_m: float
    left: float
    top: float

    def at(self, east: float, north: float) -> Point:
        return self.left + (east - self.west) / self.mm_to_m, self.top + (self.north - north) / self.mm_to_m

    def ring(self, ring: Sequence[Point]) -> list[Point]:
        """Without bends that no eye sees: outlines may have thousands of corners."""
        points = [self.at(*one) for one in ring]
        if len(points) <= _FEW:
            return points
        plain = shapely.LineString(points).simplify(_PLAIN_MM)
        return [(float(x), float(y)) for x, y in plain.coords]


def size_within(extent: Extent, room: Point) -> Point:
    """Width and height of a map of `extent`, in millimetres, as large as fits into `room`."""
    width = min(room[0], room[1] * extent.aspect)
    return width, width / extent.aspect


def draw(paper: Paper, ground: GroundMap, legend: str, at: Point, room: Point) -> float:
    """Draw a map into `room`, in its middle across, what its signs mean below it; returns the y below all of it."""
    extent = ground.extent
    size = size_within(extent, (room[0], room[1] - _strip_height(paper, legend, room[0])))
    left = at[0] + (room[0] - size[0]) / 2
    frame = _Frame(extent.west, extent.north, (extent.east - extent.west) / size[0], left, at[1])
    paper.pen(0.2, LIGHT)
    paper.box((left, at[1]), size, fill=PALE if ground.picture is None else WHITE)
    with paper.within((left, at[1]), size):
        _picture(paper, ground, frame)
        _shapes(paper, ground, frame)
        _route(paper, ground, frame)
        for mark, place in reversed(list(zip(ground.marks, _apart(ground, frame), strict=True))):
            real = frame.at(mark.east, mark.north)
            if math.dist(real, place) > 0.5:
                paper.pen(0.25)
                paper.stroke(real, place)
            paper.named(mark.name, place, 8.0 if len(ground.marks) <= 30 else 6.0)
    return _strip(paper, ground, legend, frame, (at[0], at[1] + size[1] + 1.5), room[0])


def _strip_height(paper: Paper, legend: str, wide: float) -> float:
    return 1.5 + max(_STRIP_MM, len(_legend(paper, legend, wide)) * leading(_LEGEND))


def _legend(paper: Paper, legend: str, wide: float) -> list[str]:
    return paper.wrapped(legend, wide - _SIGNS_MM, _LEGEND, most=4)


def _strip(paper: Paper, ground: GroundMap, legend: str, frame: _Frame, at: Point, wide: float) -> float:
    x, y = at
    lines = _legend(paper, legend, wide)
    for number, one in enumerate(lines):
        paper.line(one, (x, y + number * leading(_LEGEND) + baseline(_LEGEND)), _LEGEND, shade=DARK)
    _north(paper, ground, (x + wide - 3.5, y + 6.6))
    _scale(paper, frame, (x + wide - 10.0, y + 5.4))
    return y + max(_STRIP_MM, len(lines) * leading(_LEGEND))


def _picture(paper: Paper, ground: GroundMap, frame: _Frame) -> None:
    if ground.picture is None or ground.picture_at is None:
        return
    here = ground.picture_at
    start, end = frame.at(here.west, here.north), frame.at(here.east, here.south)
    paper.picture(ground.picture, start, (end[0] - start[0], end[1] - start[1]))


def _shapes(paper: Paper, ground: GroundMap, frame: _Frame) -> None:
    for rings in ground.unseen:
        _hatch(paper, frame, rings, 45.0)
    for rings in ground.kept_off:
        _hatch(paper, frame, rings, -45.0)
        _hatch(paper, frame, rings, 45.0)
    for rings in ground.zones:
        if ground.lightened:
            paper.lighten([frame.ring(ring) for ring in rings], _LIGHTER)
        _outline(paper, frame, rings)
    if len(ground.boundary) >= 3:
        ring = frame.ring(ground.boundary)
        paper.pen(1.1, WHITE)
        paper.path(ring, closed=True)
        paper.pen(0.55, BLACK)
        paper.path(ring, closed=True)


def _outline(paper: Paper, frame: _Frame, rings: Rings) -> None:
    """White below black: to be seen on soil as well as on leaves."""
    for ring in rings:
        points = frame.ring(ring)
        paper.pen(0.9, WHITE)
        paper.path(points, closed=True)
        paper.pen(0.4, BLACK)
        paper.path(points, closed=True)


def _hatch(paper: Paper, frame: _Frame, rings: Rings, degrees: float) -> None:
    shape = shapely.Polygon(frame.ring(rings[0]), [frame.ring(ring) for ring in rings[1:]]).buffer(0)
    if shape.is_empty:
        return
    turn = math.radians(degrees)
    along, across = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    left, top, right, bottom = shape.bounds
    middle, reach = ((left + right) / 2, (top + bottom) / 2), math.hypot(right - left, bottom - top)
    # Lines of all pieces lie on one lattice: neighbours look like one.
    offset = (middle[0] * across[0] + middle[1] * across[1]) % _HATCH_MM
    count = math.ceil(reach / 2 / _HATCH_MM) + 1
    starts = [step * _HATCH_MM - offset for step in range(-count, count + 1)]
    lines = shapely.linestrings([
        [
            (middle[0] + away * across[0] - reach * along[0], middle[1] + away * across[1] - reach * along[1]),
            (middle[0] + away * across[0] + reach * along[0], middle[1] + away * across[1] + reach * along[1]),
        ]
        for away in starts
    ])  # fmt: skip
    parts = [
        one
        for one in shapely.get_parts(shapely.intersection(lines, shape))
        if one.geom_type == "LineString" and not one.is_empty
    ]
    for thick, shade in ((0.7, WHITE), (0.3, BLACK)):
        paper.pen(thick, shade)
        for one in parts:
            paper.stroke(*(tuple(place) for place in one.coords[:2]))


def _route(paper: Paper, ground: GroundMap, frame: _Frame) -> None:
    if len(ground.route) < 2:
        return
    points = frame.ring(ground.route)
    paper.pen(1.0, WHITE)
    paper.path(points)
    paper.pen(0.45, DARK, 1.6)
    paper.path(points)
    paper.pen(0.3)
    x, y = points[0]
    paper.box((x - 2.1, y - 2.1), (4.2, 4.2), fill=BLACK)
    paper.line("S", (x, y + 1.2), 9.0, bold=True, shade=WHITE, align=0.5)


def _apart(ground: GroundMap, frame: _Frame) -> list[Point]:
    """Where the numbers stand: on their places, or, where these are crowded, beside them."""
    taken: list[Point] = []
    for mark in ground.marks:
        place = frame.at(mark.east, mark.north)
        tried = [place] + [
            (place[0] + away * math.cos(turn), place[1] + away * math.sin(turn))
            for away in (_NEAR_MM + 0.6, 2 * _NEAR_MM)
            for turn in (-math.pi / 4, math.pi / 4, 3 * math.pi / 4, -3 * math.pi / 4, 0, math.pi)
        ]
        free = (one for one in tried if all(math.dist(one, other) >= _NEAR_MM for other in taken))
        taken.append(next(free, place))
    return taken


def _scale(paper: Paper, frame: _Frame, end: Point) -> None:
    """A bar of a round length that ends at `end`."""
    wanted = _SCALE_MM * frame.mm_to_m
    metres = max((one for one in _SCALES_M if one <= wanted), default=_SCALES_M[0])
    wide = metres / frame.mm_to_m
    x, y = end[0] - wide, end[1]
    paper.pen(0.3)
    paper.box((x, y), (wide / 2, 1.4), fill=BLACK)
    paper.box((x + wide / 2, y), (wide / 2, 1.4), fill=WHITE)
    paper.line(f"{metres} m", (x + wide / 2, y - 1.0), 8, align=0.5)


def _north(paper: Paper, ground: GroundMap, middle: Point) -> None:
    turn = math.radians(ground.north_deg)
    ahead, side = (math.sin(turn), -math.cos(turn)), (math.cos(turn), math.sin(turn))

    def place(forward: float, right: float) -> Point:
        return (
            middle[0] + forward * ahead[0] + right * side[0],
            middle[1] + forward * ahead[1] + right * side[1],
        )

    paper.pen(0.3)
    half = _ARROW_MM / 2
    paper.path([place(half, 0), place(-half, -2.0), place(-half + 1.4, 0)], closed=True, fill=BLACK)
    paper.path([place(half, 0), place(-half, 2.0), place(-half + 1.4, 0)], closed=True, fill=WHITE)
    letter = place(half + 1.6, 0)
    paper.line(ground.north_letter, (letter[0], letter[1] + 1.0), 8, bold=True, align=0.5)
