"""Prescriptions to write and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from pyproj import Geod, Transformer

from fieldbox.domain import (
    Interval,
    KeepOff,
    Needs,
    Patch,
    Prescription,
    Product,
    Spraying,
    Strategy,
    Treated,
    Vigour,
    Zone,
    ZoneKind,
)
from fieldbox.i18n import Sentence

GEOD = Geod(ellps="WGS84")
HERE = (77.2, 18.4)
SPRAYING = Spraying(products=(Product("Herbizid Nº 1 खेत", 1.5), Product("Wetter", 0.25)), spray_l_ha=180.0)


def patch_of(shape: shapely.Polygon, here: tuple[float, float] = HERE) -> Patch:
    """A polygon in metres east and north of a place. The plane is not the one that the package uses."""
    plane = f"+proj=laea +lat_0={here[1]} +lon_0={here[0]} +datum=WGS84"
    back = Transformer.from_crs(plane, 4326, always_xy=True)
    rings = []
    for ring in (shape.exterior, *shape.interiors):
        east, north = shapely.get_coordinates(ring)[:-1].T
        rings.append(tuple(zip(*(one.tolist() for one in back.transform(east, north)), strict=True)))
    return tuple(rings)


def geodesic(shape: shapely.Polygon) -> float:
    """Square metres of a polygon in degrees, whichever way round its rings run."""
    outer, *openings = (
        abs(float(GEOD.polygon_area_perimeter(*shapely.get_coordinates(ring).T)[0]))
        for ring in (shape.exterior, *shape.interiors)
    )
    return outer - sum(openings)


def ground_of(patch: Patch) -> float:
    """Square metres, geodesic."""
    return geodesic(shapely.Polygon(patch[0], patch[1:]))


def zone(shape: shapely.Polygon, rank: int = 1, here: tuple[float, float] = HERE) -> Zone:
    """A zone of weeds."""
    patch = patch_of(shape, here)
    middle = shapely.Polygon(patch[0], patch[1:]).representative_point()
    return Zone(
        rank=rank,
        kind=ZoneKind.WEEDS,
        patch=patch,
        area_m2=ground_of(patch),
        lat=middle.y,
        lon=middle.x,
        certainty=0.83,
        count=12,
        density=1.25,
        density_interval95=Interval(0.75, 2.0),
        cover_pct=None,
    )


def prescription(
    pieces: Sequence[tuple[shapely.Polygon, float]],
    *,
    left: Sequence[shapely.Polygon] = (),
    spraying: Spraying = SPRAYING,
    here: tuple[float, float] = HERE,
    direction_deg: float = 20.0,
) -> Prescription:
    """Of pieces (in metres from `here`) with their rates."""
    treated = tuple(
        Treated(zone(shape, number, here), rate) for number, (shape, rate) in enumerate(pieces, start=1)
    )
    area = sum(one.zone.area_m2 for one in treated)
    litres = sum(one.zone.area_m2 * one.rate_l_ha for one in treated) / 1e4
    needs = Needs(
        area_ha=area / 1e4,
        area_ha_interval95=Interval(area / 1e4, area / 1e4),
        spray_l=litres,
        spray_l_interval95=Interval(litres, litres),
        tanks=1,
        tanks_most=1,
        saved_pct=50.0,
        saved_pct_interval95=Interval(50.0, 50.0),
        products=(),
    )
    return Prescription(
        survey_id="survey-1",
        kind=ZoneKind.WEEDS,
        spraying=spraying,
        direction_deg=direction_deg,
        strategy=Strategy.SPOTS,
        treated=treated,
        left=tuple(zone(shape, 100 + number, here) for number, shape in enumerate(left)),
        field_m2=1e4,
        coverage=0.95,
        assured=0.9,
        threshold=None,
        never_pays=False,
        needs=needs,
        laid=(),
    )


FIELD = shapely.Polygon(
    [(-60, -40), (55, -45), (60, 40), (-50, 45)], [[(20, 20), (30, 20), (30, 30), (20, 30)]]
)
"""With an opening: a pond."""
BOUNDARY = patch_of(FIELD)
HOLED = shapely.Point(-20, 0).buffer(9).difference(shapely.Point(-19, 1).buffer(4))
PIECES = [
    (HOLED, 180.0),
    (shapely.box(5, -20, 9, 10), 180.0),
    (shapely.box(9, 10, 13, 14), 180.0),
    (shapely.Point(-40, -25).buffer(0.4), 180.0),
    (shapely.box(-45, 20, -30, 30), 90.0),
]
"""A ring, two that touch at a corner, a spot, and one at half the rate."""
LEFT = [shapely.box(35, -30, 40, -25)]


def whole() -> Prescription:
    """All kinds of pieces, one zone left, ground to keep off, two products."""
    pond = KeepOff("pond", patch_of(shapely.box(20, 20, 30, 30)), 3.0)
    made = prescription(PIECES, left=LEFT, spraying=replace(SPRAYING, keep_off=(pond,)))
    poor = made.treated[0].zone
    told = replace(
        poor, vigour=Vigour.POOR, z=-2.5, causes=(Sentence("Look for <rust> & wet ground."),), count=None
    )
    return replace(made, treated=(Treated(told, 180.0), *made.treated[1:]))


def empty() -> Prescription:
    """Nothing to treat."""
    return prescription([], left=LEFT)


def ground_by_rate(made: Prescription) -> dict[float, float]:
    """Square metres of each rate."""
    found: dict[float, float] = {}
    for one in made.treated:
        found[one.rate_l_ha] = found.get(one.rate_l_ha, 0.0) + one.zone.area_m2
    return found


def random_pieces(seed: int, count: int) -> list[tuple[shapely.Polygon, float]]:
    """Disjoint pieces of all sizes, from spots to shapes with openings, some of which touch."""
    rng = np.random.default_rng(seed)
    places = [(x, y) for x in range(-45, 46, 15) for y in range(-30, 31, 15)]
    rng.shuffle(places)
    made: list[tuple[shapely.Polygon, float]] = []
    for x, y in places[:count]:
        size = float(rng.uniform(0.3, 7.4))
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 12))))
        reach = rng.uniform(0.5, 1.0, len(turns)) * size
        shape = shapely.Polygon(np.column_stack([x + reach * np.sin(turns), y + reach * np.cos(turns)]))
        if not shape.is_valid or shape.area < 0.05:
            shape = shapely.box(
                x - size, y - size, x + size, y + size
            )  # neighbours of the largest size all but touch
        if rng.random() < 0.3:
            centre = shape.representative_point()
            opening = centre.buffer(0.6 * centre.distance(shape.exterior))
            shape = shape.difference(opening)
        made.append((shape, float(rng.choice([60.0, 180.0, 200.0]))))
    return made
