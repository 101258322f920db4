"""A walk as one picture that is small enough to pass on by phone: a map, and below it what to look at where."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from fieldbox.domain import SpotKind, Walk
from fieldbox.i18n import N_, translator
from fieldbox.summary.letters import Letters
from fieldbox.summary.walk import also_of, stop_of, told, words_of

WIDTH = 1080
"""Pixels: as wide as most phones."""
MAP_HEIGHT = (480, 1200)
_STRIP = 84
"""Below the map, for the scale and which way north is."""
MOST_BYTES = 100_000
_CLEAR = (
    (0, 85, 1.0), (0, 70, 1.0), (0, 56, 1.0), (0, 45, 1.0), (0, 36, 1.0), (0.7, 32, 1.0), (1, 28, 1.0),
    (1.4, 25, 1.0), (2, 22, 1.0), (3, 20, 1.0),
)  # fmt: skip
"""Blur of the ground, quality, size: words stay clear the longest."""
_SMALL_AT_LAST = ((6, 18, 1.0), (4, 25, 0.75), (4, 25, 0.5), (8, 10, 0.5))
_MARGIN = 32
_DOT = 27
_PAPER, _INK, _PALE = "#ffffff", "#14211a", "#5a665f"
_WAY, _WAY_EDGE = "#ffd700", "#14211a"
_COLOURS = {SpotKind.WEEDS: "#d93d2b", SpotKind.CROP: "#147ac9", SpotKind.DOUBTFUL: "#2e9a4d"}
_TITLE, _TEXT, _SMALL = 46, 32, 27
_STEPS = (1, 2, 5)
MORE = N_("There is more to look at: it stands in the walk's GPX and KML.")


@dataclass(frozen=True, eq=False, slots=True)
class Backdrop:
    """A picture of the field, north up."""

    pixels: NDArray[np.uint8]
    """[H, W, 3] red, green, blue."""
    seen: NDArray[np.bool_]
    """[H, W] where there is a picture."""
    metres_px: float
    """On the ground, along a pixel's side."""
    at: Callable[[float, float], tuple[float, float]]
    """Latitude and longitude to x, y."""


def draw(
    walk: Walk,
    name: str,
    ground: Backdrop,
    fonts: Mapping[str, Path] | None = None,
    language: str | None = None,
) -> bytes:
    """A JPEG of at most MOST_BYTES: the field dimmed, the way with the names of its spots, a scale, north, and what to look at.

    It is WIDTH wide, and less where there are so many spots that their words would not fit into the bytes otherwise.

    Letters are shaped by libraqm where Pillow has it. Raises ValueError if there is no picture of any ground.
    """
    if not ground.pixels.size:
        raise ValueError("there is no picture of the field")
    letters = Letters(language, fonts or {})
    chart = _Chart.around(walk, ground)
    head = _Text(letters)
    if letters.can_write(letters.plain(name)):
        head.add(letters.plain(name), _TITLE, _INK)
    for line in letters.words(lambda one: told(walk, one)):
        head.add(line, _SMALL, _PALE)
    most = max((len(one.checks) for one in walk.spots), default=0)
    for checks in sorted({most, min(most, 2), min(most, 1), 0}, reverse=True):
        legend = _legend(walk, letters, checks)
        sheet = _Sheet(walk, letters, head, chart, legend)
        made = sheet.written(_CLEAR)
        if len(made) <= MOST_BYTES:
            return made
    return sheet.written(_SMALL_AT_LAST)


@dataclass(frozen=True, eq=False, slots=True)
class _Sheet:
    """All that is in the picture."""

    walk: Walk
    letters: Letters
    head: _Text
    chart: _Chart
    legend: _Text

    def written(self, looks: Sequence[tuple[float, int, float]]) -> bytes:
        """With the best of the looks (blur of the ground, quality, size; each smaller than those before) that is small enough,
        or else with the smallest."""
        height = self.head.height + self.chart.height + self.legend.height + 3 * _MARGIN
        picture = Image.new("RGB", (WIDTH, height), _PAPER)
        self.head.draw(picture, _MARGIN)
        top = self.head.height + round(1.5 * _MARGIN)
        self.legend.draw(picture, top + self.chart.height + _MARGIN)
        first, last, best = 0, len(looks), b""
        while first < last:
            middle = (first + last) // 2
            blur, quality, size = looks[middle]
            picture.paste(self.chart.image(self.walk, self.letters, blur), (0, top))
            made = _jpeg(picture, quality, size)
            if len(made) <= MOST_BYTES:
                best, last = made, middle
            else:
                best, first = best or made, middle + 1
        return best


def _jpeg(picture: Image.Image, quality: int, size: float) -> bytes:
    buffer = io.BytesIO()
    if size < 1:
        picture = picture.resize((round(picture.width * size), round(picture.height * size)))
    picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()


# -- the map ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chart:
    """The part of the ground that is shown, `scale` of its pixels to one of its own."""

    ground: Backdrop
    left: float
    top: float
    scale: float
    """Pixels of the chart for one of the backdrop."""
    height: int

    @classmethod
    def around(cls, walk: Walk, ground: Backdrop) -> _Chart:
        """All of the field that has a picture, and all of the walk, with room for the numbers."""
        rows, columns = np.nonzero(ground.seen.any(axis=1))[0], np.nonzero(ground.seen.any(axis=0))[0]
        corners = [ground.at(lat, lon) for lat, lon in (*walk.path, walk.start)]
        if rows.size:
            corners += [(float(columns[0]), float(rows[0])), (float(columns[-1] + 1), float(rows[-1] + 1))]
        east, north = np.array(corners).T
        width, height = max(np.ptp(east), 1.0), max(np.ptp(north), 1.0)
        scale = min((WIDTH - 4 * _DOT) / width, (MAP_HEIGHT[1] - 4 * _DOT) / height)
        tall = int(np.clip(height * scale + 4 * _DOT, *MAP_HEIGHT))
        middle = (east.min() + east.max()) / 2, (north.min() + north.max()) / 2
        left, top = middle[0] - WIDTH / 2 / scale, middle[1] - tall / 2 / scale
        return cls(ground, left, top, float(scale), tall + _STRIP)

    def at(self, lat: float, lon: float) -> tuple[float, float]:
        x, y = self.ground.at(lat, lon)
        return (x - self.left) * self.scale, (y - self.top) * self.scale

    def image(self, walk: Walk, letters: Letters, blur: float) -> Image.Image:
        picture = self._dimmed(blur)
        pen = ImageDraw.Draw(picture)
        way = [self.at(*one) for one in walk.path]
        if len(way) > 1:
            pen.line(way, fill=_WAY_EDGE, width=11, joint="curve")
            pen.line(way, fill=_WAY, width=6, joint="curve")
            _arrows(pen, way)
        x, y = self.at(*walk.start)
        pen.rectangle((x - 15, y - 15, x + 15, y + 15), fill=_PAPER, outline=_INK, width=4)
        for spot in reversed(walk.spots):
            _dot(pen, self.at(spot.lat, spot.lon), spot.name, _COLOURS[spot.kind], letters)
        self._measures(pen, letters)
        return picture

    def _dimmed(self, blur: float) -> Image.Image:
        """The field, paler and darker than it is, so that what is drawn on it stands out."""
        inverse = 1 / self.scale
        matrix = (inverse, 0, self.left, 0, inverse, self.top)
        size = (WIDTH, self.height)
        # Reduced first, or a large picture would be sampled at a pixel here and there.
        less = max(1, int(inverse))
        reduced = tuple(one / less for one in matrix)
        field = Image.fromarray(self.ground.pixels).reduce(less)
        seen = Image.fromarray(self.ground.seen.astype(np.uint8) * 255).reduce(less)
        shown = field.transform(size, Image.Transform.AFFINE, reduced, Image.Resampling.BILINEAR)
        mask = seen.transform(size, Image.Transform.AFFINE, reduced, Image.Resampling.NEAREST)
        shown = ImageEnhance.Brightness(ImageEnhance.Color(shown).enhance(0.8)).enhance(0.85)
        paper = Image.new("RGB", size, "#e4e8e5")
        field = Image.composite(shown, paper, mask.point(lambda one: 255 * (one > 127)))
        return field.filter(ImageFilter.BoxBlur(blur)) if blur else field

    def _measures(self, pen: ImageDraw.ImageDraw, letters: Letters) -> None:
        """A scale of a round length, and which way north is."""
        pen.rectangle((0, self.height - _STRIP, WIDTH, self.height), fill=_PAPER)
        metres = _round_length(0.4 * WIDTH * self.ground.metres_px / self.scale)
        long = metres * self.scale / self.ground.metres_px
        x, y = _MARGIN, self.height - _STRIP // 3
        pen.line((x, y, x + long, y), fill=_INK, width=6)
        for end in (x, x + long):
            pen.line((end, y - 12, end, y + 2), fill=_INK, width=6)
        pen.text((x + 14, y - 44), f"{metres:g} m", fill=_INK, font=letters.latin(_SMALL))
        right, top = WIDTH - _MARGIN - 24, self.height - _STRIP + 14
        pen.polygon(
            [(right, top), (right + 18, top + 52), (right, top + 40), (right - 18, top + 52)], fill=_INK
        )
        pen.text((right - 34, top + 26), "N", fill=_INK, font=letters.latin(_TEXT), anchor="rm")


def _round_length(metres: float) -> float:
    """The largest of 1, 2, 5, 10, ... that is no longer."""
    power = 10.0 ** math.floor(math.log10(metres))
    return max(step * power for step in _STEPS if step * power <= metres)


def _dot(pen: ImageDraw.ImageDraw, at: tuple[float, float], name: str, colour: str, letters: Letters) -> None:
    x, y = at
    pen.ellipse((x - _DOT, y - _DOT, x + _DOT, y + _DOT), fill=colour, outline=_PAPER, width=4)
    size = _TEXT if len(name) < 3 else _SMALL
    pen.text((x, y), name, fill=_PAPER, font=letters.latin(size), anchor="mm")


def _arrows(pen: ImageDraw.ImageDraw, way: Sequence[tuple[float, float]]) -> None:
    """In the middle of each long leg, which way it is walked."""
    for (x0, y0), (x1, y1) in pairwise(way):
        long = math.hypot(x1 - x0, y1 - y0)
        if long < 5 * _DOT:
            continue
        ahead = np.array([x1 - x0, y1 - y0]) / long
        aside = np.array([-ahead[1], ahead[0]])
        middle = np.array([x0 + x1, y0 + y1]) / 2
        tip, tail = middle + 16 * ahead, middle - 12 * ahead
        corners = [tip, tail + 14 * aside, tail - 14 * aside]
        pen.polygon([tuple(one.tolist()) for one in corners], fill=_WAY, outline=_WAY_EDGE)


# -- words ------------------------------------------------------------------------------------------


class _Text:
    """Lines of words below each other, broken where they are too long."""

    def __init__(self, letters: Letters, indent: int = 0) -> None:
        self._letters, self._left = letters, _MARGIN + indent
        self._lines: list[tuple[int, str, int, str]] = []
        self._dots: list[tuple[int, str, str]] = []
        self.height = 0

    def add(self, words: str, size: int, colour: str) -> None:
        """A paragraph."""
        for line in self._broken(words, size):
            self._lines.append((self.height, line, size, colour))
            self.height += round(1.35 * size)

    def name(self, name: str, colour: str) -> None:
        """A dot beside what comes next."""
        self._dots.append((self.height + round(0.62 * _TEXT), name, colour))

    def skip(self, pixels: int) -> None:
        """Room."""
        self.height += pixels

    def draw(self, picture: Image.Image, top: int) -> None:
        """At this height of a picture."""
        pen = ImageDraw.Draw(picture)
        for y, line, size, colour in self._lines:
            self._letters.write(pen, (self._left, top + y), line, size, colour)
        for y, name, colour in self._dots:
            _dot(pen, (_MARGIN + _DOT, top + y), name, colour, self._letters)

    def _broken(self, words: str, size: int) -> list[str]:
        room = WIDTH - _MARGIN - self._left
        lines = [""]
        for word in words.split():
            longer = f"{lines[-1]} {word}".strip()
            if self._letters.length(longer, size) <= room or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines


def _ordered(walk: Walk, number: int, language: str | None) -> list[str]:
    """Which stop a spot is, and the other places that are seen from it, if there are any."""
    also = also_of(walk.spots[number - 1], language)
    return [stop_of(walk, number, language), *([also] if also else [])]


def _legend(walk: Walk, letters: Letters, most: int) -> _Text:
    """Each spot's name, why it is worth a visit, at most `most` things to look at, which stop it is, and its place."""
    text = _Text(letters, indent=2 * _DOT + 18)
    for number, spot in enumerate(walk.spots, start=1):
        text.name(spot.name, _COLOURS[spot.kind])
        why, *checks = letters.words(partial(words_of, spot))
        text.add(why, _TEXT, _INK)
        for one in checks[:most]:
            text.add(one, _SMALL, _INK)
        stop, *also = letters.words(partial(_ordered, walk, number))
        for one in also:
            text.add(one, _SMALL, _INK)
        text.add(f"{stop}: {spot.lat:.6f}, {spot.lon:.6f}", _SMALL, _PALE)
        text.skip(14)
    if any(len(one.checks) > most for one in walk.spots):
        text.add(letters.words(lambda one: [translator(one)(MORE)])[0], _SMALL, _PALE)
    return text
