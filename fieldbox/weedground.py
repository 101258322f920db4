"""The weeds of a survey as ground that may be treated, and what can be said of a piece of it.

Pieces of many swaths are judged part by part: it may pay to treat one end of a large patch and not the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import FieldMap, Interval, Laid, Patch, Survey, Zone, ZoneKind
from fieldbox.mapping.geo import LocalPlane, lon_lat
from fieldbox.mapping.intervals import count_interval
from fieldbox.mapping.zones import Frame, Ground, Layout, Weeds, share_on

Floats = NDArray[np.float64]

PART_SWATHS = 3
"""Larger pieces of ground are judged part by part: squares of so many swaths."""
_FAR_M = 1e6
COVERED = 0.005
"""Share of a cell that weeds cover: less is not treated where single weeds are not called."""


class Plant(Protocol):
    """What is to be known of a stored plant."""

    @property
    def score(self) -> float: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def area_cm2(self) -> float: ...


def patch_of(piece: shapely.Polygon, plane: LocalPlane) -> Patch:
    """The rings of a piece of ground, in degrees."""
    return tuple(
        tuple(
            (round(lon, 10), round(lat, 10))
            for lon, lat in plane.to_degrees(np.asarray(ring.coords)[:-1]).tolist()
        )
        for ring in (piece.exterior, *piece.interiors)
    )


def inside(piece: shapely.Polygon, plane: LocalPlane) -> tuple[float, float]:
    """Longitude and latitude of a place in it."""
    place = shapely.point_on_surface(piece)
    ((lon, lat),) = plane.to_degrees([(place.x, place.y)]).tolist()
    return lon, lat


@dataclass(frozen=True, eq=False, slots=True)
class WeedGround:
    """The weeds that zones are made of, and what can be said of a piece of ground."""

    weeds: Weeds
    plane: LocalPlane
    area_m2: Floats
    """[N] of each weed, or of the weeds of each cell."""
    scores: Floats | None
    """[N]; None: single weeds are not called, these are cells."""
    ratio: Interval
    """True over found weeds, 95 %."""
    recall: float | None

    @classmethod
    def of_plants(
        cls, survey: Survey, weeds: Sequence[Plant], plane: LocalPlane, error95_m: float
    ) -> WeedGround:
        """Of a survey that calls single weeds. `error95_m`: by which the sprayer may be off their places."""
        area = np.array([one.area_cm2 / 1e4 for one in weeds], float)
        places = plane.to_ground([(one.lon, one.lat) for one in weeds])
        recall = survey.weed_recall or None
        told = Weeds(places, np.sqrt(area / math.pi), error95_m, recall or 1.0)
        count, range95 = survey.weed_count or 0, survey.weed_count_interval95
        known = count and range95
        ratio = (
            Interval(range95.low / count, range95.high / count) if known and range95 else Interval(1.0, 1.0)
        )
        scores = np.array([one.score for one in weeds], float)
        return cls(told, plane, area, scores, ratio, recall)

    @classmethod
    def of_cells(cls, grid: FieldMap, plane: LocalPlane, error95_m: float) -> WeedGround:
        """Of a survey that knows how much ground weeds cover."""
        row, column = np.nonzero(np.nan_to_num(grid.weed_cover) > COVERED)
        middles = np.column_stack(
            [grid.west + (column + 0.5) * grid.cell_m, grid.north - (row + 0.5) * grid.cell_m]
        )
        radius = np.full(len(middles), grid.cell_m / math.sqrt(2))
        places = plane.to_ground(lon_lat(grid.epsg, middles))
        weeds = Weeds(places, radius, error95_m, 1.0)
        area = (grid.weed_cover * grid.seen)[row, column].astype(float) * grid.cell_m**2
        return cls(weeds, plane, area, None, Interval(1.0, 1.0), None)

    def stated(self, share: tuple[float, float]) -> Interval | None:
        """From the lower end to what is expected; None where nobody knows how many weeds are missed, or there are none."""
        return None if self.recall is None or not len(self.area_m2) else Interval(share[1], share[0])

    def laid(self, ground: Ground) -> Laid:
        """What a strategy would treat."""
        share = self.stated((ground.coverage, ground.assured))
        area = sum(one.area for one in ground.pieces)
        return Laid(ground.strategy, area, share.high if share else None, share.low if share else None)

    def coverage(
        self, ground: Ground, kept: shapely.Geometry, allowed: shapely.Geometry | None
    ) -> Interval | None:
        """Share of all weeds where it is allowed that is expected on a part of the ground; None: not known, or there are none."""
        if allowed is None or not shapely.intersects_xy(allowed, *self.weeds.places.T).any():
            return None
        return self.stated(share_on(self.weeds, ground, kept, allowed))

    def density(self, count: int, area_m2: float) -> float | None:
        """Weeds to the square metre, with those that were missed and without those that are none."""
        return None if self.scores is None else count * (self.ratio.low + self.ratio.high) / 2 / area_m2

    def standing(self, pieces: Sequence[shapely.Geometry]) -> list[NDArray[np.intp]]:
        """Which weeds stand on each piece."""
        if not pieces:
            return []
        tree = shapely.STRtree(shapely.points(self.weeds.places))
        piece, weed = tree.query(list(pieces), predicate="intersects")
        return [weed[piece == number] for number in range(len(pieces))]

    def zones(self, pieces: Sequence[shapely.Polygon]) -> list[Zone]:
        """The zones of pieces, in their order; ranks by the number of weeds, or by the ground they cover."""
        members = self.standing(pieces)
        weight = [
            float(len(one)) if self.scores is not None else float(self.area_m2[one].sum()) for one in members
        ]
        order = np.argsort(np.argsort([-one for one in weight], kind="stable"), kind="stable")
        return [
            self._zone(piece, weeds, int(rank) + 1)
            for piece, weeds, rank in zip(pieces, members, order.tolist(), strict=True)
        ]

    def _zone(self, piece: shapely.Polygon, weeds: NDArray[np.intp], rank: int) -> Zone:
        area = piece.area
        lon, lat = inside(piece, self.plane)
        single = self.scores is not None
        bounds = count_interval(len(weeds), self.ratio) if single else None
        return Zone(
            rank=rank,
            kind=ZoneKind.WEEDS,
            patch=patch_of(piece, self.plane),
            area_m2=area,
            lat=lat,
            lon=lon,
            certainty=float(self.scores[weeds].mean()) if self.scores is not None and len(weeds) else None,
            count=len(weeds) if single else None,
            density=self.density(len(weeds), area),
            density_interval95=Interval(bounds.low / area, bounds.high / area) if bounds else None,
            cover_pct=min(100.0, 100 * float(self.area_m2[weeds].sum()) / area),
        )


Pieces = list[shapely.Polygon]


def judged(
    ground: Ground, layout: Layout, telling: WeedGround, least: float | None, least_cover_pct: float | None
) -> tuple[Pieces, Pieces]:
    """Pieces of the ground that are to be treated, and those that do not pay.

    `least`: weeds to the square metre, infinite where it never pays; where weeds are not counted no other limit of this kind
    can be held against them.
    """
    if least is None and least_cover_pct is None:
        return list(ground.pieces), []
    parts = [part for piece in ground.pieces for part in _parts(piece, layout)]
    pays = []
    for part, weeds in zip(parts, telling.standing(parts), strict=True):
        density = telling.density(len(weeds), part.area)
        cover = 100 * telling.area_m2[weeds].sum() / part.area
        enough = least is None or (least < math.inf if density is None else density >= least)
        pays.append(bool(enough and (least_cover_pct is None or cover >= least_cover_pct)))
    return _together(parts, pays, True), _together(parts, pays, False)


def _parts(piece: shapely.Polygon, layout: Layout) -> list[shapely.Geometry]:
    """The piece itself, or its parts in squares of some swaths."""
    side = PART_SWATHS * layout.swath_m
    if piece.area <= side**2:
        return [piece]
    frame = Frame.of(layout, np.zeros((1, 2)))
    turned = shapely.transform(piece, frame.turned)
    cut = [square for strip in _strips(turned, side, 0) for square in _strips(strip, side, 1)]
    return _without_slivers([shapely.transform(one, frame.placed) for one in cut], side**2 / 4)


def _strips(shape: shapely.Geometry, side: float, axis: int) -> list[shapely.Geometry]:
    """A shape in strips of a width, across an axis. (Clipping strip by strip never looks at a whole large piece for a square.)"""
    low, high = shapely.bounds(shape)[[axis, axis + 2]]
    found = []
    for number in range(math.floor(low / side), math.ceil(high / side)):
        box = [-_FAR_M, -_FAR_M, _FAR_M, _FAR_M]
        box[axis], box[axis + 2] = number * side, (number + 1) * side
        part = shapely.clip_by_rect(shape, *box)
        found += [one for one in shapely.get_parts(shapely.make_valid(part)) if one.area > 0]
    return found


def _without_slivers(parts: Sequence[shapely.Geometry], least_m2: float) -> list[shapely.Geometry]:
    """The parts, each small one with that neighbour to which its border is longest: it is the margin of weeds there."""
    large = [one for one in parts if one.area >= least_m2]
    tree = shapely.STRtree(large)
    more: dict[int, list[shapely.Geometry]] = {}
    alone = []
    for one in (one for one in parts if one.area < least_m2):
        near = tree.query(one, predicate="intersects")
        if not len(near):
            alone.append(one)
            continue
        borders = shapely.length(shapely.intersection(one, [large[number] for number in near.tolist()]))
        more.setdefault(int(near[borders.argmax()]), []).append(one)
    joined = [shapely.union_all([one, *more.get(number, [])]) for number, one in enumerate(large)]
    return [*joined, *alone]


def _together(parts: Sequence[shapely.Geometry], pays: Sequence[bool], wanted: bool) -> Pieces:
    whole = shapely.union_all([part for part, one in zip(parts, pays, strict=True) if one is wanted])
    return [one for one in shapely.get_parts(whole) if isinstance(one, shapely.Polygon)]
