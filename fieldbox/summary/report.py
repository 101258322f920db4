"""A survey on two pages: the map with its numbers, and what to do, to know and to doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fieldbox.summary.groundmap import GroundMap, draw
from fieldbox.summary.paper import (
    BLACK,
    DARK,
    GREY,
    HEIGHT,
    LIGHT,
    PALE,
    WHITE,
    WIDTH,
    Paper,
    Point,
    baseline,
    cleaned,
    leading,
)

EDGE = 12.0
"""Millimetres that stay white at each edge of a page."""
ROOM = WIDTH - 2 * EDGE
FOOT = HEIGHT - 14.0
"""Where the footer begins."""
MOST_SPOTS = 8
_GAP = 6.0
_TALL = 0.95
"""A field less wide for its height than this is drawn beside its numbers."""
_FIGURE_MM = (8.6, 12.0)
"""Least and most height of a number."""
_MARK_MM = 54.0
_BESIDE = 66.0
"""Width of the numbers beside a tall field."""
_CARD_GAP = 3.0
_PARAGRAPH_LINES = 6
_LEAST_BLOCKS = 3
"""Of a section that is cut: its heading, a paragraph, and that there is more."""
_NOTE_LINE, _LEAST_NOTES = 9.0, 34.0
_TEXTS = (10.5, 9.6, 8.8)
"""Sizes of the letters of paragraphs: the largest at which all fits, or the smallest."""


@dataclass(frozen=True, slots=True)
class FigureText:
    """A number in words."""

    label: str
    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class SpotText:
    """A spot to visit."""

    number: int
    lines: tuple[str, ...]
    """At most three are drawn."""
    photo: bytes | None
    """JPEG, four to three."""
    instead: str = ""
    """Why there is no photo."""


@dataclass(frozen=True, slots=True)
class Section:
    """Paragraphs under a heading."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContents:
    """All that is on a report, in the reader's language."""

    language: str
    made_at: datetime
    kicker: str
    """What kind of page it is."""
    title: str
    facts: str
    mark: str | None
    """What must not be overlooked: that it is simulated."""
    verdict: tuple[str, ...]
    """The most important first."""
    ground: GroundMap
    legend: str
    figures_title: str
    figures: tuple[FigureText, ...]
    figures_note: str
    trust: str
    spots_title: str
    spots: tuple[SpotText, ...]
    spots_note: str
    sections: tuple[Section, ...]
    more: str
    """Under what does not fit."""
    notes_title: str
    """Over lines to write on, where there is room for any."""
    footer: str


def report(contents: ReportContents) -> bytes:
    """The report as a PDF: always two pages."""
    paper = Paper(f"{contents.kicker}: {contents.title}", contents.language, contents.made_at)
    paper.add_page()
    top = heading(paper, contents.kicker, contents.title, contents.facts, contents.mark)
    top = _verdict(paper, contents.verdict, top)
    _map_and_figures(paper, contents, top)
    footer(paper, contents.footer, "1 / 2")
    paper.add_page()
    top = _spots(paper, contents, EDGE)
    top = _sections(paper, contents.sections, contents.more, top)
    _notes(paper, contents.notes_title, top + 4)
    footer(paper, contents.footer, "2 / 2")
    return paper.done()


def heading(paper: Paper, kicker: str, title: str, facts: str, mark: str | None) -> float:
    """Draw the head of a page; returns the y below it."""
    right = _mark(paper, mark)
    paper.line(paper.cut(kicker, right - EDGE, 9), (EDGE, EDGE + baseline(9)), 9, shade=GREY)
    y = EDGE + leading(9) + 0.6
    size = next((one for one in (20, 17, 14) if paper.width(title, one, bold=True) <= right - EDGE), 12)
    y = paper.paragraph(title, (EDGE, y), right - EDGE, size, bold=True, most=2)
    y = paper.paragraph(facts, (EDGE, y), ROOM, 10, shade=DARK, most=2) + 1.4
    rule(paper, y, 0.5, BLACK)
    return y + 2.4


def _mark(paper: Paper, mark: str | None) -> float:
    """Draw it into the corner, all of it; returns the x left of it."""
    right = WIDTH - EDGE
    if not mark or not cleaned(mark):
        return right
    size = next((one for one in (9.0, 8.0) if len(paper.wrapped(mark, _MARK_MM, one, bold=True)) <= 3), 7.0)
    lines = _balanced(paper, mark, size)
    wide = max(paper.width(one, size, bold=True) for one in lines) + 5
    paper.box((right - wide, EDGE), (wide, len(lines) * leading(size) + 2.4), fill=BLACK, stroke=False)
    for number, one in enumerate(lines):
        place = right - wide / 2, EDGE + 1.2 + number * leading(size) + baseline(size)
        paper.line(one, place, size, bold=True, shade=WHITE, align=0.5)
    return right - wide - 4


def _balanced(paper: Paper, mark: str, size: float) -> list[str]:
    """Its lines, about as long as each other."""
    lines = paper.wrapped(mark, _MARK_MM, size, bold=True, most=5)
    for wide in range(int(_MARK_MM) - 2, 20, -2):
        tried = paper.wrapped(mark, wide, size, bold=True, most=5)
        if len(tried) > len(lines):
            break
        lines = tried
    return lines


def rule(paper: Paper, y: float, thick: float = 0.2, shade: float = LIGHT) -> None:
    """A line across the page."""
    paper.pen(thick, shade)
    paper.stroke((EDGE, y), (WIDTH - EDGE, y))


def footer(paper: Paper, text: str, page: str) -> None:
    """What is at the foot of each page."""
    rule(paper, FOOT)
    wide = paper.line(page, (WIDTH - EDGE, FOOT + 1 + baseline(7.5)), 7.5, shade=GREY, align=1.0)
    paper.paragraph(text, (EDGE, FOOT + 1), ROOM - wide - 4, 7.5, shade=GREY, most=2)


def _verdict(paper: Paper, verdict: Sequence[str], y: float) -> float:
    for number, one in enumerate(verdict[:4]):
        bold = number == 0
        large = 12.5 if paper.width(one, 12.5, bold=True) <= ROOM else 11.0
        y = paper.paragraph(one, (EDGE, y), ROOM, large if bold else 10, bold=bold, most=2)
    return y + 2.5


def _map_and_figures(paper: Paper, contents: ReportContents, top: float) -> None:
    trust = paper.wrapped(contents.trust, ROOM, 9, most=2)
    bottom = FOOT - 2.5 - len(trust) * leading(9)
    for number, one in enumerate(trust):
        paper.line(one, (EDGE, bottom + number * leading(9) + baseline(9)), 9)
    bottom -= 2
    if contents.ground.extent.aspect < _TALL:
        draw(paper, contents.ground, contents.legend, (EDGE, top), (ROOM - _BESIDE - _GAP, bottom - top))
        _figures(paper, contents, (WIDTH - EDGE - _BESIDE, top), (_BESIDE, bottom - top), 1)
        return
    least = _figures_height(paper, contents, ROOM, 2, _FIGURE_MM[0])
    y = draw(paper, contents.ground, contents.legend, (EDGE, top), (ROOM, bottom - top - least - 4)) + 4
    _figures(paper, contents, (EDGE, y), (ROOM, bottom - y), 2)


def _figures_height(paper: Paper, contents: ReportContents, wide: float, columns: int, tall: float) -> float:
    rows = -(-len(contents.figures) // columns)
    note = len(paper.wrapped(contents.figures_note, wide, 8, most=4))
    return leading(11) + 1 + rows * tall + 1 + note * leading(8)


def _figures(paper: Paper, contents: ReportContents, at: Point, room: Point, columns: int) -> None:
    """As tall as the room allows, within reason."""
    (x, y), wide = at, room[0]
    least, most = _FIGURE_MM
    rows = -(-len(contents.figures) // columns)
    spare = room[1] - _figures_height(paper, contents, wide, columns, least)
    tall = min(most, least + max(0.0, spare) / max(1, rows))
    paper.line(paper.cut(contents.figures_title, wide, 11, bold=True), (x, y + baseline(11)), 11, bold=True)
    y += leading(11) + 1
    column = (wide - _GAP * (columns - 1)) / columns
    for number, one in enumerate(contents.figures):
        left = x + number // rows * (column + _GAP)
        _figure(paper, one, (left, y + number % rows * tall), (column, tall))
    paper.paragraph(contents.figures_note, (x, y + rows * tall + 1), wide, 8, shade=GREY, most=4)


def _figure(paper: Paper, figure: FigureText, at: Point, room: Point) -> None:
    (x, y), (wide, tall) = at, room
    paper.pen(0.15, LIGHT)
    paper.stroke((x, y), (x + wide, y))
    middle = y + tall / 2
    size = 10.0 if paper.width(figure.label, 10) <= 0.47 * wide else 9.0
    label = paper.wrapped(figure.label, 0.47 * wide, size, most=2)
    start = middle - len(label) * leading(size) / 2 + 0.25
    for number, one in enumerate(label):
        paper.line(one, (x, start + number * leading(size) * 0.96 + baseline(size)), size)
    value = paper.cut(figure.value, 0.53 * wide - 2, 12, bold=True)
    value_wide = paper.width(value, 12, bold=True)
    beside = paper.width(figure.interval, 9)
    if value_wide + beside + 2 <= 0.53 * wide or not figure.interval:
        paper.line(value, (x + 0.49 * wide, middle + 1.5), 12, bold=True)
        paper.line(figure.interval, (x + wide, middle + 1.4), 9, shade=DARK, align=1.0)
        return
    paper.line(value, (x + 0.49 * wide, middle - 0.2), 11, bold=True)
    paper.line(paper.cut(figure.interval, 0.51 * wide, 8), (x + 0.49 * wide, middle + 3.3), 8, shade=DARK)


# -- the second page --------------------------------------------------------------------------------


def _spots(paper: Paper, contents: ReportContents, y: float) -> float:
    paper.line(paper.cut(contents.spots_title, ROOM, 13, bold=True), (EDGE, y + baseline(13)), 13, bold=True)
    y = paper.paragraph(contents.spots_note, (EDGE, y + leading(13)), ROOM, 9, shade=DARK, most=2) + 1.5
    shown = contents.spots[:MOST_SPOTS]
    across = _across(len(shown))
    card = (ROOM - (across - 1) * _CARD_GAP) / across
    tall = 0.75 * card + 1 + 3 * leading(8) + 3
    for number, one in enumerate(shown):
        place = EDGE + number % across * (card + _CARD_GAP), y + number // across * tall
        _card(paper, one, place, card)
    return y + -(-len(shown) // across) * tall + 1


def _across(spots: int) -> int:
    """How many side by side: few are shown large."""
    return 4 if spots > 6 or spots == 4 else 3


def _card(paper: Paper, spot: SpotText, at: Point, wide: float) -> None:
    x, y = at
    tall = 0.75 * wide
    if spot.photo is not None:
        paper.picture(spot.photo, at, (wide, tall))
    else:
        paper.pen(0.2, LIGHT)
        paper.box(at, (wide, tall), fill=PALE)
        lines = paper.wrapped(spot.instead, wide - 6, 8, most=4)
        start = y + tall / 2 - len(lines) * leading(8) / 2
        for number, one in enumerate(lines):
            place = x + wide / 2, start + number * leading(8) + baseline(8)
            paper.line(one, place, 8, shade=DARK, align=0.5)
    paper.named(str(spot.number), (x + 4.2, y + 4.2), 11)
    y += tall + 1
    for number, one in enumerate(spot.lines[:3]):
        bold = number == 0
        paper.line(
            paper.cut(one, wide, 8, bold=bold), (x, y + number * leading(8) + baseline(8)), 8, bold=bold
        )


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that are drawn together, in a column."""

    lines: tuple[str, ...]
    size: float
    title: bool = False

    @property
    def height(self) -> float:
        return len(self.lines) * leading(self.size) + (1.0 if self.title else 1.5)


def _sections(paper: Paper, sections: Sequence[Section], more: str, top: float) -> float:
    """In two columns as alike as can be; what does not fit is left out from the end of the longest section, and said so."""
    wide, room = (ROOM - _GAP) / 2, FOOT - 3 - top
    told = [one for one in sections if one.paragraphs]
    for size in _TEXTS:
        kept = [_blocks(paper, one, wide, size) for one in told]
        if _fits(_in_a_row(kept), room):
            break
    rest = _Block(tuple(paper.wrapped(more, wide, _TEXTS[-1], most=_PARAGRAPH_LINES)), _TEXTS[-1])
    while not _fits(_in_a_row(kept), room):
        longest = max(kept, key=len)
        if len(longest) <= _LEAST_BLOCKS:
            break
        longest[-2:] = [
            rest
        ]  # the last paragraph, then the one before what already says that more is left out
    blocks = _in_a_row(kept)
    first = _split(blocks)
    for column, part in enumerate((blocks[:first], blocks[first:])):
        _column(paper, part, (EDGE + column * (wide + _GAP), top), wide)
    return top + max(_height(blocks[:first]), _height(blocks[first:]))


def _in_a_row(parts: Sequence[Sequence[_Block]]) -> list[_Block]:
    return [block for one in parts for block in one]


def _notes(paper: Paper, title: str, y: float) -> None:
    """Lines to write on, down to the foot of the page."""
    if FOOT - y < _LEAST_NOTES:
        return
    paper.line(paper.cut(title, ROOM, 11.5, bold=True), (EDGE, y + baseline(11.5)), 11.5, bold=True)
    y += leading(11.5) + _NOTE_LINE
    while y < FOOT - 4:
        rule(paper, y, 0.2, LIGHT)
        y += _NOTE_LINE


def _fits(blocks: Sequence[_Block], room: float) -> bool:
    first = _split(blocks)
    return max(_height(blocks[:first]), _height(blocks[first:])) <= room


def _blocks(paper: Paper, section: Section, wide: float, size: float) -> list[_Block]:
    title = _Block(tuple(paper.wrapped(section.title, wide, 11.5, bold=True, most=2)), 11.5, title=True)
    texts = [
        _Block(tuple(paper.wrapped(one, wide, size, most=_PARAGRAPH_LINES)), size)
        for one in section.paragraphs
    ]
    return [title, *texts]


def _height(blocks: Sequence[_Block]) -> float:
    space = 2.0 * sum(one.title for one in blocks[1:])
    return sum(one.height for one in blocks) + space


def _split(blocks: Sequence[_Block]) -> int:
    """How many of them go into the first column; a heading is not its last."""
    places = [number for number in range(1, len(blocks) + 1) if not blocks[number - 1].title] or [len(blocks)]
    return min(places, key=lambda number: max(_height(blocks[:number]), _height(blocks[number:])))


def _column(paper: Paper, blocks: Sequence[_Block], at: Point, wide: float) -> None:
    x, y = at
    for number, block in enumerate(blocks):
        if block.title and number:
            y += 2.0
        for line in block.lines:
            if y + leading(block.size) > FOOT - 1:
                return
            paper.line(line, (x, y + baseline(block.size)), block.size, bold=block.title)
            y += leading(block.size)
        if block.title:
            paper.pen(0.2, LIGHT)
            paper.stroke((x, y + 0.2), (x + wide, y + 0.2))
        y += block.height - len(block.lines) * leading(block.size)
