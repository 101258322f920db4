"""The sheet of a knapsack crew: where to spray, in which order, how many pumps, what goes into each. One page, or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fieldbox.summary.groundmap import GroundMap, draw
from fieldbox.summary.paper import BLACK, DARK, HEIGHT, LIGHT, WIDTH, Paper, Point, baseline, leading
from fieldbox.summary.report import EDGE, FOOT, ROOM, FigureText, footer, heading, rule

MOST_ROWS = 32
"""That two pages hold."""
_ROW_MM = 9.6
_HEAD_MM = 7.0
_GAP = 4.0
_LEAST_MAP_MM, _MOST_MAP_MM = 78.0, 135.0
_WITH_MAP = 6
"""Rows that stand under the map at least, where there is a second page."""
_COLUMNS = (0.0, 13.0, 68.0, 131.0, 152.0, 179.0)
"""Where they begin: name, first and second part of the place, area, pumps, tick."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Something to count on foot: large, and below it from where."""

    count: str
    told: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Ground that is sprayed at one go."""

    name: str
    first: Counted
    second: Counted
    area: str
    pumps: str
    litres: str


@dataclass(frozen=True, slots=True)
class Dose:
    """What goes into a pump. An empty text is filled in by hand."""

    name: str
    parts: tuple[str, ...]
    """For a quarter, a half, three quarters, a full pump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetContents:
    """All that is on a sheet, in the crew's language."""

    language: str
    made_at: datetime
    kicker: str
    title: str
    facts: str
    mark: str | None
    totals: tuple[FigureText, ...]
    """Four at most."""
    dose_title: str
    dose_heads: tuple[str, ...]
    doses: tuple[Dose, ...]
    dose_note: str
    safety_title: str
    safety: tuple[str, ...]
    walk: str
    """Where to start, and how long a pace is."""
    ground: GroundMap
    legend: str
    heads: tuple[str, str, str, str, str]
    """Name, first and second part of the place, area, pumps."""
    stops: tuple[Stop, ...]
    footer: str


def sheet(contents: SheetContents) -> bytes:
    """The sheet as a PDF. Raises ValueError for more stops than `MOST_ROWS`: they are to be put together before."""
    if len(contents.stops) > MOST_ROWS:
        raise ValueError("too many stops for two pages")
    paper = Paper(f"{contents.kicker}: {contents.title}", contents.language, contents.made_at)
    paper.add_page()
    top = heading(paper, contents.kicker, contents.title, contents.facts, contents.mark)
    top = _totals(paper, contents.totals, top)
    top = _boxes(paper, contents, top)
    top = paper.paragraph(contents.walk, (EDGE, top), ROOM, 10, bold=True, most=2) + 1.5
    here = _under_map(len(contents.stops), FOOT - 2 - top)
    pages = 1 if here == len(contents.stops) else 2
    table = _HEAD_MM + here * _ROW_MM
    room = min(_MOST_MAP_MM, FOOT - 2 - top - table - 3)
    top = draw(paper, contents.ground, contents.legend, (EDGE, top), (ROOM, room)) + 3
    _table(paper, contents, contents.stops[:here], top)
    footer(paper, contents.footer, f"1 / {pages}")
    if pages == 2:
        paper.add_page()
        top = heading(paper, contents.kicker, contents.title, contents.facts, contents.mark)
        _table(paper, contents, contents.stops[here:], top + 1)
        footer(paper, contents.footer, "2 / 2")
    return paper.done()


def _under_map(stops: int, room: float) -> int:
    """How many rows of the table stand on the first page: all, if that leaves enough of a map."""
    if room - _LEAST_MAP_MM - 3 >= _HEAD_MM + stops * _ROW_MM:
        return stops
    fitting = int((room - _LEAST_MAP_MM - 3 - _HEAD_MM) // _ROW_MM)
    second = int((HEIGHT - EDGE - 34.0 - 14.0 - _HEAD_MM) // _ROW_MM)
    return max(0, min(fitting, max(_WITH_MAP, stops - second)))


def _totals(paper: Paper, totals: Sequence[FigureText], y: float) -> float:
    wide = ROOM / max(1, len(totals))
    for number, one in enumerate(totals):
        x = EDGE + number * wide
        paper.line(paper.cut(one.label, wide - 3, 9), (x, y + baseline(9)), 9, shade=DARK)
        value = paper.cut(one.value, wide - 3, 15, bold=True)
        paper.line(value, (x, y + leading(9) + baseline(15)), 15, bold=True)
        rest = wide - 5 - paper.width(value, 15, bold=True)
        if one.interval and paper.width(one.interval, 8) <= rest:
            place = x + paper.width(value, 15, bold=True) + 2, y + leading(9) + baseline(15)
            paper.line(one.interval, place, 8, shade=DARK)
    y += leading(9) + leading(15) + 0.5
    rule(paper, y, 0.2, LIGHT)
    return y + 2.5


def _boxes(paper: Paper, contents: SheetContents, y: float) -> float:
    left = 0.5 * ROOM
    right = ROOM - left - _GAP
    down = max(
        _dose(paper, contents, (EDGE, y), left), _safety(paper, contents, (EDGE + left + _GAP, y), right)
    )
    paper.pen(0.5)
    paper.box((EDGE, y), (left, down - y))
    paper.pen(0.2)
    paper.box((EDGE + left + _GAP, y), (right, down - y))
    return down + 3


def _dose(paper: Paper, contents: SheetContents, at: Point, wide: float) -> float:
    x, y = at[0] + 2.5, at[1] + 1.8
    wide -= 5
    y = paper.paragraph(contents.dose_title, (x, y), wide, 11, bold=True, most=1) + 0.5
    name = 0.36 * wide
    part = (wide - name) / max(1, len(contents.dose_heads))
    for number, one in enumerate(contents.dose_heads):
        place = x + name + (number + 0.5) * part, y + baseline(10)
        paper.line(paper.cut(one, part, 10, bold=True), place, 10, bold=True, align=0.5)
    y += leading(10) + 0.5
    for dose in contents.doses:
        paper.pen(0.15, LIGHT)
        paper.stroke((x, y), (x + wide, y))
        paper.line(paper.cut(dose.name, name - 2, 10), (x, y + 1.6 + baseline(10)), 10)
        for number, one in enumerate(dose.parts):
            middle = x + name + (number + 0.5) * part
            if one:
                paper.line(
                    paper.cut(one, part - 1, 11, bold=True), (middle, y + 1.6 + baseline(10)), 11, bold=True, align=0.5
                )  # fmt: skip
            else:
                paper.pen(0.3, DARK)
                paper.stroke((middle - part / 2 + 2, y + 6.4), (middle + part / 2 - 2, y + 6.4))
        if not dose.name:
            paper.pen(0.3, DARK)
            paper.stroke((x, y + 6.4), (x + name - 3, y + 6.4))
        y += 8.0
    y += 0.5
    y = paper.paragraph(contents.dose_note, (x, y), wide, 8.5, shade=DARK, most=4)
    return y + 1.5


def _safety(paper: Paper, contents: SheetContents, at: Point, wide: float) -> float:
    x, y = at[0] + 2.5, at[1] + 1.8
    wide -= 5
    y = paper.paragraph(contents.safety_title, (x, y), wide, 11, bold=True, most=1) + 0.5
    for one in contents.safety[:6]:
        paper.box((x, y + 1.5), (1.2, 1.2), fill=BLACK, stroke=False)
        y = paper.paragraph(one, (x + 2.8, y), wide - 2.8, 8.8, most=4) + 0.6
    return y + 1.0


def _table(paper: Paper, contents: SheetContents, stops: Sequence[Stop], y: float) -> None:
    if not stops:
        return
    for number, one in enumerate(contents.heads):
        wide = _COLUMNS[number + 1] - _COLUMNS[number] - 1.5
        place = EDGE + _COLUMNS[number], y + baseline(9)
        paper.line(paper.cut(one, wide, 9, bold=True), place, 9, bold=True)
    y += _HEAD_MM - 1.5
    rule(paper, y, 0.4, BLACK)
    for stop in stops:
        _row(paper, stop, y)
        y += _ROW_MM
        rule(paper, y)


def _row(paper: Paper, stop: Stop, y: float) -> None:
    middle = y + _ROW_MM / 2
    paper.named(stop.name, (EDGE + 4.0, middle), 11)
    for number, part in enumerate((stop.first, stop.second), 1):
        x, wide = EDGE + _COLUMNS[number], _COLUMNS[number + 1] - _COLUMNS[number] - 2
        count = paper.line(part.count, (x, middle + 1.8), 14, bold=True) + 2
        lines = paper.wrapped(part.told, wide - count, 8.5, most=2)
        start = middle - len(lines) * leading(8.5) / 2
        for place, one in enumerate(lines):
            paper.line(one, (x + count, start + place * leading(8.5) + baseline(8.5)), 8.5)
    paper.line(stop.area, (EDGE + _COLUMNS[3], middle + 1.4), 10)
    x = EDGE + _COLUMNS[4]
    wide = paper.line(stop.pumps, (x, middle + 1.8), 14, bold=True) + 2
    room = _COLUMNS[5] - _COLUMNS[4] - wide
    paper.line(paper.cut(stop.litres, room, 8), (x + wide, middle + 1.4), 8, shade=DARK)
    paper.pen(0.3)
    paper.box((WIDTH - EDGE - 5.5, middle - 2.75), (5.5, 5.5))
