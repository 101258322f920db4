"""Pages to print: A4, text of any mixture of our scripts, shaped as each script asks for, and simple drawing.

Places are millimetres from the top left corner of the page, sizes of letters are points. A run of text is drawn in the font of
its script; a character that no font has is drawn as the replacement character. Right-to-left scripts are not among ours.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont

FONTS = Path(__file__).parent / "fonts"
WIDTH, HEIGHT = 210.0, 297.0
MM_TO_POINT = 72 / 25.4
LEADING = 1.32
"""Of a line, as a multiple of its letters' size: signs above and below the letters of Indian scripts need the room."""
MOST_CHARACTERS = 4000
"""Of one text: more fills pages."""
BLACK, DARK, GREY, LIGHT, PALE, WHITE = 0.0, 0.25, 0.45, 0.75, 0.92, 1.0
"""Shades. Colour is for photos alone: pages are printed in black."""
_LATIN = "NotoSans"
_BLOCKS = (
    (0x0900, 0x097F, "NotoSansDevanagari"),
    (0x0B80, 0x0BFF, "NotoSansTamil"),
    (0x0C00, 0x0C7F, "NotoSansTelugu"),
    (0x0C80, 0x0CFF, "NotoSansKannada"),
    (0x1CD0, 0x1CFF, "NotoSansDevanagari"),
    (0xA8E0, 0xA8FF, "NotoSansDevanagari"),
)
_STAYING = " \u00a0\u2013\u200c\u200d\u0964\u0965"
"""What each font of an Indian script has: it stays with the letters before it."""
_JOINERS = "\u200c\u200d"
_MISSING = "\ufffd"
_MORE = "…"
Point = tuple[float, float]


def cleaned(text: str) -> str:
    """`text` on one line: composed, without what is not drawn, not endless."""
    composed = unicodedata.normalize("NFC", text[:MOST_CHARACTERS])
    drawn = (" " if one.isspace() else one for one in composed)
    return " ".join(
        "".join(
            one for one in drawn if one in _JOINERS or unicodedata.category(one) not in ("Cc", "Cf")
        ).split(" ")
    ).strip()


def runs(text: str) -> Iterator[tuple[str, str]]:
    """(font, part) one after the other: `text` parted where another script begins."""
    font, start = "", 0
    for index, one in enumerate(text):
        wanted = _font_of(one, font)
        if wanted != font:
            if index > start:
                yield font, text[start:index]
            font, start = wanted, index
    if text:
        yield font, text[start:]


@lru_cache(maxsize=4096)
def _font_of(character: str, before: str) -> str:
    code = ord(character)
    for first, last, name in _BLOCKS:
        if first <= code <= last and not (character in _STAYING and before and before != _LATIN):
            return name
    return before if before and character in _STAYING else _LATIN


class Paper:
    """A document in the making."""

    def __init__(self, title: str, language: str, made_at: datetime) -> None:
        self._pdf = FPDF(format="A4", unit="mm")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(0)
        self._pdf.c_margin = 0
        self._pdf.set_title(cleaned(title) or "fieldbox")
        self._pdf.set_lang(language)
        self._pdf.set_creator("fieldbox")
        self._pdf.set_producer("fieldbox")
        self._pdf.set_creation_date(made_at)
        self._language = language
        self._kept: dict[tuple[str, bool], frozenset[int]] = {}
        self._widths: dict[tuple[str, bool], float] = {}

    def add_page(self) -> None:
        """The next page."""
        self._pdf.add_page()

    @property
    def pages(self) -> int:
        """How many there are."""
        return self._pdf.pages_count

    def done(self) -> bytes:
        """The document."""
        out = io.BytesIO()
        self._pdf.output(out)
        return out.getvalue()

    # -- text ----------------------------------------------------------------------------------------

    def _choose(self, font: str, bold: bool, size: float) -> frozenset[int]:
        """Set a font, loaded when it is first needed; the code points that it has."""
        style = "B" if bold else ""
        if (font, bold) not in self._kept:
            self._pdf.add_font(font, style, FONTS / f"{font}-{'Bold' if bold else 'Regular'}.ttf")
            self._pdf.set_font(font, style, size)
            current = self._pdf.current_font
            self._kept[font, bold] = frozenset(getattr(current, "cmap", ()))
            self._pdf.set_text_shaping(True, language=self._language)
        self._pdf.set_font(font, style, size)
        return self._kept[font, bold]

    def _drawable(self, font: str, bold: bool, size: float, part: str) -> str:
        known = self._choose(font, bold, size)
        return "".join(one if ord(one) in known else "" if one in _JOINERS else _MISSING for one in part)

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """Of a text on one line, in millimetres."""
        key = text, bold
        if key not in self._widths:
            shown = cleaned(text) or text
            self._widths[key] = sum(self._run_width(*one, bold) for one in runs(shown))
        return self._widths[key] * size

    def _run_width(self, font: str, part: str, bold: bool) -> float:
        """Millimetres for each point of size."""
        shown = self._drawable(font, bold, 1.0, part)
        current = self._pdf.current_font
        assert isinstance(current, TTFFont)  # noqa: S101  all of ours are
        # As the library measures a run, without its search for scripts that run from right to left: there are none.
        _count, points = current.get_text_width(shown, 1000.0, self._pdf.text_shaping)
        return points / 1000.0 / MM_TO_POINT

    def line(
        self,
        text: str,
        at: Point,
        size: float,
        *,
        bold: bool = False,
        shade: float = BLACK,
        align: float = 0.0,
    ) -> float:
        """Draw a text on one line, on the baseline at `at`; returns its width.

        `align` 0: it begins there, 0.5: its middle is there, 1: it ends there.
        """
        shown = cleaned(text)
        x, y = at
        whole = self.width(shown, size, bold=bold)
        x -= align * whole
        for font, part in runs(shown):
            letters = self._drawable(font, bold, size, part)
            self._pdf.set_text_color(round(255 * shade))
            self._pdf.set_xy(
                x, y - 0.3 * size / MM_TO_POINT
            )  # a cell sets its baseline so far below its middle
            wide = size * self._run_width(font, part, bold)
            self._choose(font, bold, size)
            self._pdf.cell(w=wide, h=0, text=letters)
            x += wide
        return whole

    def wrapped(
        self, text: str, width: float, size: float, *, bold: bool = False, most: int = 100
    ) -> list[str]:
        """`text` in lines that are no wider than `width`; what is more than `most` lines is cut off, with dots."""
        words = cleaned(text).split(" ")
        if words == [""]:
            return []
        space = self.width(" ", size, bold=bold)
        lines: list[str] = []
        current, used = "", 0.0
        while words and len(lines) < most:
            word = words[0]
            wide = self.width(word, size, bold=bold)
            if current and used + space + wide <= width:
                current, used = f"{current} {word}", used + space + wide
                words.pop(0)
            elif current:
                lines.append(current)
                current, used = "", 0.0
            elif wide <= width:
                current, used = word, wide
                words.pop(0)
            else:
                head = self._head(word, width, size, bold)
                lines.append(head)
                words[0] = word[len(head) :]
                if not words[0]:
                    words.pop(0)
        if current and len(lines) < most:
            lines.append(current)
            current = ""
        if (current or words) and lines:
            lines[-1] = self.cut(lines[-1] + _MORE, width, size, bold=bold)
        return lines

    def _head(self, word: str, width: float, size: float, bold: bool) -> str:
        """As much of a word as fits, at least one letter with its signs."""
        ends = _ends(word)
        low, high = 0, len(ends) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(word[: ends[middle]], size, bold=bold) <= width:
                low = middle
            else:
                high = middle - 1
        return word[: ends[low]]

    def cut(self, text: str, width: float, size: float, *, bold: bool = False) -> str:
        """`text`, or as much of it as fits with dots behind it."""
        shown = cleaned(text)
        if self.width(shown, size, bold=bold) <= width:
            return shown
        room = width - self.width(_MORE, size, bold=bold)
        return self._head(shown.rstrip(_MORE), room, size, bold).rstrip() + _MORE

    def paragraph(
        self, text: str, at: Point, width: float, size: float, *, bold: bool = False, shade: float = BLACK, most: int = 100
    ) -> float:  # fmt: skip
        """Draw a text in lines, the first one's top at `at`; returns the y below the last."""
        x, y = at
        for one in self.wrapped(text, width, size, bold=bold, most=most):
            self.line(one, (x, y + baseline(size)), size, bold=bold, shade=shade)
            y += leading(size)
        return y

    # -- drawing -------------------------------------------------------------------------------------

    def pen(self, thick: float, shade: float = BLACK, dash: float = 0.0) -> None:
        """How lines are drawn from here on: millimetres, shade, length of dashes (0: none)."""
        self._pdf.set_line_width(thick)
        self._pdf.set_draw_color(round(255 * shade))
        self._pdf.set_dash_pattern(dash=dash, gap=0.7 * dash)

    def stroke(self, start: Point, end: Point) -> None:
        """A straight line."""
        self._pdf.line(*start, *end)

    def path(self, points: Sequence[Point], *, closed: bool = False, fill: float | None = None) -> None:
        """A line through `points`; filled with a shade."""
        if len(points) < 2:
            return
        if fill is not None:
            self._pdf.set_fill_color(round(255 * fill))
            self._pdf.polygon(points, style="DF")
        elif closed:
            self._pdf.polygon(points, style="D")
        else:
            self._pdf.polyline(points, style="D")

    def lighten(self, rings: Sequence[Sequence[Point]], share: float) -> None:
        """Lay white over a shape with openings (its outer ring first), so that what is below shows through less."""
        with self._pdf.new_path() as shape:
            shape.style.fill_color = "#ffffff"
            shape.style.fill_opacity = share
            shape.style.stroke_color = None
            shape.style.intersection_rule = "evenodd"
            for ring in rings:
                shape.move_to(*ring[0])
                for place in ring[1:]:
                    shape.line_to(*place)
                shape.close()

    def box(self, at: Point, size: Point, *, fill: float | None = None, stroke: bool = True) -> None:
        """A rectangle."""
        if fill is not None:
            self._pdf.set_fill_color(round(255 * fill))
        style = ("D" if stroke else "") + ("F" if fill is not None else "")
        if style:
            self._pdf.rect(*at, *size, style=style)

    def named(self, text: str, middle: Point, size: float = 8.0) -> None:
        """The short name of a place in a white disc, to be read on any ground."""
        radius = max(0.27 * size, self.width(text, size, bold=True) / 2 + 0.5)
        self.pen(0.35)
        self._pdf.set_fill_color(255)
        self._pdf.circle(*middle, radius, style="DF")
        self.line(text, (middle[0], middle[1] + 0.125 * size), size, bold=True, align=0.5)

    def picture(self, jpeg: bytes, at: Point, size: Point) -> None:
        """A photo, stretched to `size`."""
        self._pdf.image(io.BytesIO(jpeg), *at, *size)

    def within(self, at: Point, size: Point) -> _Clipped:
        """A block in which nothing is drawn beyond a rectangle."""
        return _Clipped(self._pdf, at, size)


class _Clipped:
    def __init__(self, pdf: FPDF, at: Point, size: Point) -> None:
        self._open = ExitStack()
        self._pdf, self._at, self._size = pdf, at, size

    def __enter__(self) -> None:
        # The clip alone would leave the library believing in a pen that the page has forgotten by then.
        self._open.enter_context(self._pdf.local_context())
        self._open.enter_context(self._pdf.rect_clip(*self._at, *self._size))

    def __exit__(self, *told: object) -> None:
        self._open.close()


def leading(size: float) -> float:
    """Millimetres from line to line."""
    return LEADING * size / MM_TO_POINT


def baseline(size: float) -> float:
    """Millimetres from the top of a line to the foot of its letters."""
    return 0.98 * size / MM_TO_POINT


def _ends(word: str) -> list[int]:
    """Where a word may be broken: after each letter with its signs."""
    return [index for index in range(1, len(word)) if not _hangs(word, index)] + [len(word)]


def _hangs(word: str, index: int) -> bool:
    """Whether the character at `index` belongs to the letter before it: a sign, or what a virama joins to it."""
    one, before = word[index], word[index - 1]
    return (
        unicodedata.category(one).startswith("M")
        or one in _JOINERS
        or before in _JOINERS
        or unicodedata.combining(before) == 9
    )
