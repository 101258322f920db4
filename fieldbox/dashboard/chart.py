"""A line over time as a drawing (SVG in the page, without styles of its own: the page's style sheet colours its classes)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup, escape

WIDTH, HEIGHT = 340, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 8, 24


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    """From 0 to 1."""
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """What is drawn. `points` are sorted by their time."""

    points: Sequence[tuple[datetime, float]]
    since: datetime
    until: datetime
    low: float
    high: float
    apart: timedelta
    """Points that lie further apart are not joined: nothing is known of the time between."""
    limit: float | None = None
    """Drawn as a line across."""
    marked: Sequence[datetime] = ()
    """Moments that get a mark at the foot."""

    def draw(self, alternative: str, across: Sequence[Tick], up: Sequence[Tick]) -> Markup:
        """The drawing; `alternative` says in words what it shows."""
        head = Markup(
            '<svg class="chart" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        )
        body = [*self._grid(across, up), *self._limit(), *self._marks(), *self._lines()]
        return (
            head.format(WIDTH, HEIGHT, WIDTH, HEIGHT, alternative) + Markup("").join(body) + Markup("</svg>")
        )

    def _x(self, at: datetime) -> float:
        return _across((at - self.since) / (self.until - self.since))

    def _y(self, value: float) -> float:
        return _up((value - self.low) / (self.high - self.low))

    def _grid(self, across: Sequence[Tick], up: Sequence[Tick]) -> Iterator[Markup]:
        for tick in up:
            y = _up(tick.at)
            yield _stroke("grid", (_LEFT, y), (WIDTH - _RIGHT, y))
            yield _label(_LEFT - 4, y + 3.5, "end", tick.label)
        for tick in across:
            x = _across(tick.at)
            yield _stroke("grid", (x, _TOP), (x, HEIGHT - _BOTTOM))
            yield _label(x, HEIGHT - 8, "middle", tick.label)

    def _limit(self) -> Iterator[Markup]:
        if self.limit is not None and self.low < self.limit < self.high:
            y = self._y(self.limit)
            yield _stroke("limit", (_LEFT, y), (WIDTH - _RIGHT, y))

    def _marks(self) -> Iterator[Markup]:
        for at in self.marked:
            x = self._x(at)
            yield _stroke("mark", (x, HEIGHT - _BOTTOM - 7), (x, HEIGHT - _BOTTOM))

    def _lines(self) -> Iterator[Markup]:
        run: list[tuple[datetime, float]] = []
        for point in self.points:
            if run and point[0] - run[-1][0] > self.apart:
                yield self._run(run)
                run = []
            run.append(point)
        if run:
            yield self._run(run)

    def _run(self, run: Sequence[tuple[datetime, float]]) -> Markup:
        if len(run) == 1:
            at, value = run[0]
            return Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="2"/>').format(
                self._x(at), self._y(value)
            )
        told = " ".join(f"{self._x(at):.1f},{self._y(value):.1f}" for at, value in run)
        return Markup('<polyline class="line" points="{}"/>').format(told)


def _across(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _up(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _stroke(kind: str, start: tuple[float, float], end: tuple[float, float]) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, *start, *end
    )


def _label(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, escape(text))
