"""The photos of a flight as a drawing (SVG): for phones and browsers without scripts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from fieldbox.dashboard.quality import ERROR_COLOURS, error_class
from fieldbox.domain import Placement

Ring = Sequence[tuple[float, float]]
"""Of (lon, lat)."""
LONG_SIDE = 640
MANY = 150
"""Photos from which on their dots are small."""
_MARGIN = 12
_INK, _HOLE, _KEPT, _THIN = "#14211a", "#d7191c", "#ffe600", "#5e3c99"
_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">'


def draw(
    placed: Sequence[Placement],
    holes: Sequence[Sequence[Ring]],
    thin: Sequence[Sequence[Ring]],
    boundary: Ring,
) -> bytes:
    """Footprints as thin outlines, a dot of its error's colour in each, loose photos dashed; ground on no photo in red,
    on one or two in violet (of each patch its rings, the outer one first)."""
    rings = [one.footprint for one in placed if len(one.footprint) >= 3]
    every = [point for ring in (*rings, *(patch[0] for patch in (*holes, *thin)), boundary) for point in ring]
    if not every:
        return (_HEAD.format(LONG_SIDE, 1) + "</svg>").encode()
    at, width, height = _scaled(every)
    ground = _ground(at, (width, height), holes, thin, boundary)
    return "\n".join([*ground, *_photos(at, placed), "</svg>"]).encode()


def draw_spots(
    spots: Sequence[tuple[float, float]],
    holes: Sequence[Sequence[Ring]],
    thin: Sequence[Sequence[Ring]],
    boundary: Ring,
) -> bytes:
    """Where the photos were taken (lon, lat), a dot each; ground on no photo and on few, as in `draw`."""
    every = [*spots, *boundary, *(point for patch in (*holes, *thin) for point in patch[0])]
    if not every:
        return (_HEAD.format(LONG_SIDE, 1) + "</svg>").encode()
    at, width, height = _scaled(every)
    return "\n".join(
        [*_ground(at, (width, height), holes, thin, boundary), *_dots(at, spots), "</svg>"]
    ).encode()


def _ground(
    at: Callable[[float, float], tuple[float, float]],
    size: tuple[int, int],
    holes: Sequence[Sequence[Ring]],
    thin: Sequence[Sequence[Ring]],
    boundary: Ring,
) -> Iterator[str]:
    width, height = size
    bare = f'fill="{_HOLE}" fill-opacity=".6" stroke="{_HOLE}" stroke-width="2"'
    yield _HEAD.format(width, height)
    yield f'<rect width="{width}" height="{height}" fill="#e9ede6"/>'
    yield _shape(at, boundary, f'fill="none" stroke="{_INK}" stroke-width="3"')
    yield from (_patch(at, patch, f'fill="{_THIN}" fill-opacity=".35"') for patch in thin)
    yield from (_patch(at, patch, bare) for patch in holes)


def _dots(
    at: Callable[[float, float], tuple[float, float]], spots: Sequence[tuple[float, float]]
) -> Iterator[str]:
    radius = 5 if len(spots) < MANY else 3
    for spot in spots:
        x, y = at(*spot)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="#fff" stroke="{_INK}" stroke-width="1"/>'


def _photos(at: Callable[[float, float], tuple[float, float]], placed: Sequence[Placement]) -> Iterator[str]:
    for one in placed:
        yield _shape(at, one.footprint, f'fill="none" stroke="{_INK}" stroke-width="1" opacity=".6"')
    for one in placed:
        if one.block is None:
            yield _shape(at, one.footprint, f'fill="none" stroke="{_INK}" stroke-width="4"')
            dashes = 'stroke-width="2" stroke-dasharray="7 4"'
            yield _shape(at, one.footprint, f'fill="none" stroke="{_KEPT}" {dashes}')
    for one in placed:
        if len(one.footprint) >= 3:
            x, y = at(*_middle(one.footprint))
            colour = ERROR_COLOURS[error_class(one.error95_m)]
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{colour}" stroke="{_INK}" stroke-width="1"/>'


def _middle(ring: Ring) -> tuple[float, float]:
    lons, lats = zip(*ring, strict=True)
    return sum(lons) / len(lons), sum(lats) / len(lats)


def _shape(at: Callable[[float, float], tuple[float, float]], ring: Ring, look: str) -> str:
    points = " ".join("{:.1f},{:.1f}".format(*at(lon, lat)) for lon, lat in ring)
    return f'<polygon points="{points}" {look}/>' if points else ""


def _patch(at: Callable[[float, float], tuple[float, float]], rings: Sequence[Ring], look: str) -> str:
    """A shape with openings."""
    parts = (
        "M" + " ".join("{:.1f},{:.1f}".format(*at(lon, lat)) for lon, lat in ring) + "Z" for ring in rings
    )
    return f'<path d="{"".join(parts)}" fill-rule="evenodd" {look}/>'


def _scaled(points: Ring) -> tuple[Callable[[float, float], tuple[float, float]], int, int]:
    """From (lon, lat) to the drawing, which is north up; and its width and height."""
    lons, lats = zip(*points, strict=True)
    west, north = min(lons), max(lats)
    east = math.cos(math.radians(north))
    wide, high = (max(lons) - west) * east, north - min(lats)
    scale = (LONG_SIDE - 2 * _MARGIN) / max(wide, high, 1e-9)

    def at(lon: float, lat: float) -> tuple[float, float]:
        return _MARGIN + (lon - west) * east * scale, _MARGIN + (north - lat) * scale

    return at, math.ceil(wide * scale) + 2 * _MARGIN, math.ceil(high * scale) + 2 * _MARGIN
