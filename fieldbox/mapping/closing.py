"""Gaps between pieces of ground, closed: what lies between two that are near to each other belongs to them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

_ROUND = 6
"""Segments of a quarter of a circle."""
_MANY = 20_000
"""Corners from which on ground is closed tile by tile: the time that buffers take grows faster than what they are of."""
_TILE_M = 40.0


def joined(ground: shapely.Geometry, apart_m: float) -> shapely.Geometry:
    """The ground with all that lies between pieces nearer to each other than this, or is narrower."""
    if apart_m <= 0:
        return ground
    if shapely.get_num_coordinates(ground) <= _MANY:
        return _closed(ground, apart_m)
    return shapely.union_all(list(_tiles(ground, apart_m)))


def _closed(ground: shapely.Geometry, apart_m: float) -> shapely.Geometry:
    return ground.buffer(apart_m / 2, quad_segs=_ROUND).buffer(-apart_m / 2, quad_segs=_ROUND)


def _tiles(ground: shapely.Geometry, apart_m: float) -> Iterator[shapely.Geometry]:
    """The closed ground in squares: what is farther from one than `apart_m` has no part in it."""
    side, reach = max(_TILE_M, 8 * apart_m), 2 * apart_m
    west, south, east, north = ground.bounds
    for x in np.arange(west - apart_m, east + apart_m, side).tolist():
        strip = shapely.clip_by_rect(ground, x - reach, south - reach, x + side + reach, north + reach)
        for y in np.arange(south - apart_m, north + apart_m, side).tolist():
            near = shapely.clip_by_rect(strip, x - reach, y - reach, x + side + reach, y + side + reach)
            if not near.is_empty:
                yield shapely.clip_by_rect(
                    _closed(shapely.make_valid(near), apart_m), x, y, x + side, y + side
                )


def filled(ground: shapely.Geometry, least_m2: float) -> shapely.Geometry:
    """The ground without openings that are smaller than what a sprayer can leave out."""
    parts = [one for one in shapely.get_parts(ground) if isinstance(one, shapely.Polygon)]
    kept = [[ring for ring in one.interiors if shapely.Polygon(ring).area >= least_m2] for one in parts]
    return shapely.disjoint_subset_union_all(
        [shapely.Polygon(one.exterior, rings) for one, rings in zip(parts, kept, strict=True)]
    )
