"""From a survey to what is to be done: zones, and what is sprayed where.

A weed zone is a piece of ground of the strategy that reaches the weeds with the least of it (`mapping.zones`). It is treated
where that pays (`mapping.prescribing`), and left where it does not: pieces of many swaths are judged part by part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from fieldbox.domain import (
    Field,
    FieldMap,
    Interval,
    Laid,
    Patch,
    Prescription,
    Spraying,
    Survey,
    Treated,
    Vigour,
    Zone,
    ZoneKind,
)
from fieldbox.errors import Rejected
from fieldbox.georef.plane import GroundPlane
from fieldbox.i18n import N_
from fieldbox.mapping.geo import easting_northing, lon_lat
from fieldbox.mapping.intervals import count_interval
from fieldbox.mapping.prescribing import needs, threshold
from fieldbox.mapping.zones import Frame, Ground, Layout, Weeds, share_on, smallest

Floats = NDArray[np.float64]

PART_SWATHS = 3
"""Larger pieces of ground are judged part by part: squares of so many swaths."""
LEAST_PART_M2 = 0.01
"""Smaller parts come of cutting outlines along each other."""
COVERED = 0.005
"""Share of a cell that weeds cover: less is not treated where single weeds are not called."""
_GEOD = Geod(ellps="WGS84")


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


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """What is known of a field when somebody decides."""

    survey: Survey
    field: Field
    grid: FieldMap | None
    """None: its pictures are gone."""
    weeds: Sequence[Plant]
    spraying: Spraying

    def sprayed(self, how: Spraying) -> Known:
        """The same field, treated so."""
        return replace(self, spraying=how)

    @property
    def plane(self) -> GroundPlane:
        """East and north of the field."""
        if self.grid:
            return GroundPlane(self.grid.epsg)
        lon, lat = self.field.boundary[0]
        return GroundPlane.for_point(lat, lon)


def prescribe(known: Known) -> Prescription:
    """What is sprayed where against the weeds. Raises Rejected where no weeds are called."""
    how = known.spraying
    layout, telling = _layout(known), _Telling.of(known)
    best, every = smallest(telling.weeds, layout)
    ground = next(one for one in every if one.strategy is how.strategy) if how.strategy else best
    least, never = _least(how)
    treated, left = _judged(ground, layout, telling, math.inf if never else least, how.from_cover_pct)
    kept = shapely.MultiPolygon(treated)
    zones = telling.zones([*treated, *left])
    reached = telling.coverage(ground, kept, layout.allowed)
    spray = zones[: len(treated)]
    return Prescription(
        survey_id=known.survey.id,
        kind=ZoneKind.WEEDS,
        spraying=how,
        direction_deg=(layout.direction_deg + _convergence(known)) % 180,
        strategy=ground.strategy,
        treated=tuple(Treated(one, how.spray_l_ha) for one in spray),
        left=tuple(zones[len(treated) :]),
        field_m2=_geodesic_m2(layout.allowed, telling.plane),
        coverage=reached.high if reached else None,
        assured=reached.low if reached else None,
        threshold=least,
        never_pays=never,
        needs=needs(
            how,
            [(one.area_m2, how.spray_l_ha) for one in spray],
            _geodesic_m2(layout.allowed, telling.plane),
            _wet(layout, kept),
            _scale(known.survey),
        ),
        laid=tuple(telling.laid(one) for one in every),
    )


def prescribe_by_vigour(known: Known, zones: Sequence[Zone]) -> Prescription:
    """Rates by how the crop stands, `zones` (vigour) over: those of the settings for poor, usual and better ground.

    Raises Rejected where nobody set rates, or nothing is known of the crop.
    """
    how, plane = known.spraying, known.plane
    if how.vigour_rates is None:
        raise Rejected(
            N_(
                "Rates by vigour were not told: set them with `fieldbox spraying {field} --vigour-rates POOR,USUAL,BETTER`."
            ),
            field=known.field.code,
        )
    if not zones:
        raise Rejected(N_("Nothing is known of how the crop stands in this survey; its warnings say why."))
    layout = _layout(known)
    rates = dict(zip((Vigour.POOR, Vigour.USUAL, Vigour.BETTER), how.vigour_rates, strict=True))
    cut = [part for one in zones for part in _within(one, layout.allowed, plane)]
    parts = [replace(one, rank=number) for number, one in enumerate(cut, start=1)]
    treated = [Treated(one, rates[one.vigour]) for one in parts if one.vigour and rates[one.vigour] > 0]
    allowed = _geodesic_m2(layout.allowed, plane)
    kept = shapely.union_all([_shape(one.zone.patch, plane) for one in treated])
    return Prescription(
        survey_id=known.survey.id,
        kind=ZoneKind.VIGOUR,
        spraying=how,
        direction_deg=(layout.direction_deg + _convergence(known)) % 180,
        strategy=None,
        treated=tuple(treated),
        left=tuple(one for one in parts if one.vigour and rates[one.vigour] == 0),
        field_m2=allowed,
        coverage=None,
        assured=None,
        threshold=None,
        never_pays=False,
        needs=needs(
            how,
            [(one.zone.area_m2, one.rate_l_ha) for one in treated],
            allowed,
            _wet(layout, kept),
            _scale(known.survey),
        ),
        laid=(),
    )


def _within(zone: Zone, allowed: shapely.Geometry | None, plane: GroundPlane) -> list[Zone]:
    """What of a zone may be treated."""
    found = []
    for part in shapely.get_parts(shapely.intersection(_shape(zone.patch, plane), allowed)):
        if isinstance(part, shapely.Polygon) and part.area > LEAST_PART_M2:
            inside = shapely.point_on_surface(part)
            lat, lon = plane.to_geographic(inside.x, inside.y)
            found.append(
                replace(
                    zone,
                    patch=patch_of(part, plane),
                    area_m2=_geodesic_m2(part, plane),
                    lat=float(lat),
                    lon=float(lon),
                )
            )
    return found


def _scale(survey: Survey) -> Interval:
    """True areas over those of the map, 95 %."""
    told, area = survey.area_ha_interval95, survey.area_ha
    return Interval(told.low / area, told.high / area) if told and area > 0 else Interval(1.0, 1.0)


def weed_zones(known: Known) -> tuple[Zone, ...]:
    """All ground with weeds, those zones that do not pay treating among them, by rank."""
    found = prescribe(known)
    zones = (*(one.zone for one in found.treated), *found.left)
    return tuple(sorted(zones, key=lambda one: one.rank))


def boundary_of(field: Field, plane: GroundPlane) -> shapely.Polygon:
    """A field's ground, east and north."""
    return shapely.Polygon(easting_northing(plane.epsg, field.boundary)).buffer(0)


def patch_of(piece: shapely.Polygon, plane: GroundPlane) -> Patch:
    """Its rings in degrees."""
    return tuple(
        tuple(
            (round(lon, 9), round(lat, 9))
            for lon, lat in lon_lat(plane.epsg, np.asarray(ring.coords)[:-1]).tolist()
        )
        for ring in (piece.exterior, *piece.interiors)
    )


# -- what may be treated, and how ------------------------------------------------------------------


def _layout(known: Known) -> Layout:
    how, plane = known.spraying, known.plane
    whole = boundary_of(known.field, plane)
    kept_off = [_shape(one.patch, plane).buffer(one.strip_m) for one in how.keep_off]
    direction = _direction(known, whole)
    return Layout(
        swath_m=how.swath_m,
        step_m=how.step_m,
        drift_m=how.drift_m,
        least_m2=how.least_m2,
        join_m=how.step_m,
        coverage=how.coverage,
        direction_deg=direction,
        corner=_corner(whole, direction),
        allowed=shapely.difference(whole, shapely.union_all(kept_off)),
    )


def _shape(patch: Patch, plane: GroundPlane) -> shapely.Geometry:
    rings = [easting_northing(plane.epsg, ring) for ring in patch]
    return shapely.Polygon(rings[0], rings[1:]).buffer(0)


def _convergence(known: Known) -> float:
    lon, lat = known.field.boundary[0]
    return known.plane.convergence_deg(lat, lon)


def _direction(known: Known, whole: shapely.Polygon) -> float:
    """In which swaths run, clockwise from grid north: as told, along the rows, or along the field."""
    told = known.spraying.direction_deg
    if told is None and known.survey.stand:
        told = known.survey.stand.direction_deg
    if told is not None:
        return (told - _convergence(known)) % 180
    corners = np.asarray(shapely.oriented_envelope(whole).exterior.coords)[:3]
    sides = np.diff(corners, axis=0)
    longest = sides[np.hypot(*sides.T).argmax()]
    return math.degrees(math.atan2(longest[0], longest[1])) % 180


def _corner(whole: shapely.Polygon, direction_deg: float) -> tuple[float, float]:
    """Where the first swath begins: the corner of the rectangle around the field, turned into their direction."""
    turn = math.radians(direction_deg)
    axes = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    east, north = (np.asarray(whole.exterior.coords) @ axes.T).min(axis=0) @ axes
    return float(east), float(north)


def _least(how: Spraying) -> tuple[float | None, bool]:
    """Weeds to the square metre from which ground is treated, and whether it never pays."""
    if how.from_per_m2 is not None or how.economics is None:
        return how.from_per_m2, False
    least = threshold(how.economics)
    return least, least is None


def _wet(layout: Layout, kept: shapely.Geometry) -> Interval:
    """Ground that a sprayer wets over that laid out: it goes on and off in whole swaths and steps."""
    if kept.is_empty:
        return Interval(1.0, 1.0)
    wet = Frame.of(layout, np.zeros((1, 2))).touched(kept)
    return Interval(1.0, max(1.0, wet / kept.area))


# -- zones -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Telling:
    """The weeds that zones are made of, and what can be said of a piece of ground."""

    weeds: Weeds
    plane: GroundPlane
    area_m2: Floats
    """[N] of each weed, or of the weeds of each cell."""
    scores: Floats | None
    """[N]; None: single weeds are not called, these are cells."""
    ratio: Interval
    """True over found weeds, 95 %."""
    recall: float | None

    @classmethod
    def of(cls, known: Known) -> _Telling:
        """Raises Rejected where no weeds are called."""
        survey = known.survey
        if survey.weed_count is not None:
            return cls._of_plants(known)
        if survey.weed_cover_pct is not None and known.grid is not None:
            return cls._of_cells(survey, known.grid)
        if survey.weed_cover_pct is not None:
            raise Rejected(
                N_("The pictures of this survey are gone: bring the flight in again to make them anew.")
            )
        raise Rejected(
            N_("Weeds were not called in this survey, so there is nothing to lay out; its warnings say why.")
        )

    @classmethod
    def _of_plants(cls, known: Known) -> _Telling:
        survey, plane = known.survey, known.plane
        area = np.array([one.area_cm2 / 1e4 for one in known.weeds], float)
        places = easting_northing(plane.epsg, [(one.lon, one.lat) for one in known.weeds])
        recall = 1.0 if survey.weed_recall is None else survey.weed_recall
        weeds = Weeds(places, np.sqrt(area / math.pi), survey.position_error_m, recall)
        count, told = survey.weed_count or 0, survey.weed_count_interval95
        ratio = Interval(told.low / count, told.high / count) if count and told else Interval(1.0, 1.0)
        scores = np.array([one.score for one in known.weeds], float)
        return cls(weeds, plane, area, scores, ratio, survey.weed_recall)

    @classmethod
    def _of_cells(cls, survey: Survey, grid: FieldMap) -> _Telling:
        row, column = np.nonzero(np.nan_to_num(grid.weed_cover) > COVERED)
        places = np.column_stack(
            [grid.west + (column + 0.5) * grid.cell_m, grid.north - (row + 0.5) * grid.cell_m]
        )
        radius = np.full(len(places), grid.cell_m / math.sqrt(2))
        weeds = Weeds(places, radius, survey.position_error_m, 1.0)
        area = (grid.weed_cover * grid.seen)[row, column].astype(float) * grid.cell_m**2
        return cls(weeds, GroundPlane(grid.epsg), area, None, Interval(1.0, 1.0), None)

    def stated(self, share: tuple[float, float]) -> Interval | None:
        """From the lower end to what is expected; None where nobody knows how many weeds are missed, or there are none."""
        return None if self.recall is None or not len(self.area_m2) else Interval(share[1], share[0])

    def laid(self, ground: Ground) -> Laid:
        """What a strategy would treat."""
        share = self.stated((ground.coverage, ground.assured))
        area = sum(_geodesic_m2(one, self.plane) for one in ground.pieces)
        return Laid(ground.strategy, area, share.high if share else None, share.low if share else None)

    def coverage(
        self, ground: Ground, kept: shapely.Geometry, allowed: shapely.Geometry | None
    ) -> Interval | None:
        """Share of all weeds that is expected on a part of the ground."""
        if not len(self.area_m2) or allowed is None:
            return None
        return self.stated(share_on(self.weeds, ground, kept, allowed))

    def density(self, count: int, area_m2: float) -> float | None:
        """Weeds to the square metre, with those that were missed and without those that are none."""
        return None if self.scores is None else count * (self.ratio.low + self.ratio.high) / 2 / area_m2

    def inside(self, pieces: Sequence[shapely.Geometry]) -> list[NDArray[np.intp]]:
        """Which weeds stand on each piece."""
        if not pieces:
            return []
        tree = shapely.STRtree(shapely.points(self.weeds.places))
        piece, weed = tree.query(list(pieces), predicate="intersects")
        return [weed[piece == number] for number in range(len(pieces))]

    def zones(self, pieces: Sequence[shapely.Polygon]) -> list[Zone]:
        """The zones of pieces, in their order; ranks by the number of weeds, or by the ground they cover."""
        members = self.inside(pieces)
        weight = [
            float(len(one)) if self.scores is not None else float(self.area_m2[one].sum()) for one in members
        ]
        order = np.argsort(np.argsort([-one for one in weight], kind="stable"), kind="stable")
        return [
            self._zone(piece, weeds, int(rank) + 1)
            for piece, weeds, rank in zip(pieces, members, order.tolist(), strict=True)
        ]

    def _zone(self, piece: shapely.Polygon, weeds: NDArray[np.intp], rank: int) -> Zone:
        area = _geodesic_m2(piece, self.plane)
        within = shapely.point_on_surface(piece)
        lat, lon = self.plane.to_geographic(within.x, within.y)
        single = self.scores is not None
        bounds = count_interval(len(weeds), self.ratio) if single else None
        return Zone(
            rank=rank,
            kind=ZoneKind.WEEDS,
            patch=patch_of(piece, self.plane),
            area_m2=area,
            lat=float(lat),
            lon=float(lon),
            certainty=float(self.scores[weeds].mean()) if self.scores is not None and len(weeds) else None,
            count=len(weeds) if single else None,
            density=self.density(len(weeds), area),
            density_interval95=Interval(bounds.low / area, bounds.high / area) if bounds else None,
            cover_pct=min(100.0, 100 * float(self.area_m2[weeds].sum()) / area),
        )


Pieces = list[shapely.Polygon]


def _judged(
    ground: Ground, layout: Layout, telling: _Telling, least: float | None, least_cover_pct: float | None
) -> tuple[Pieces, Pieces]:
    """Pieces of the ground that are to be treated, and those that do not pay."""
    if least is None and least_cover_pct is None:
        return list(ground.pieces), []
    parts = [part for piece in ground.pieces for part in _parts(piece, layout)]
    pays = []
    for part, weeds in zip(parts, telling.inside(parts), strict=True):
        density = telling.density(len(weeds), part.area)
        cover = 100 * telling.area_m2[weeds].sum() / part.area
        enough = least is None or density is None or density >= least
        pays.append(bool(enough and (least_cover_pct is None or cover >= least_cover_pct)))
    return _together(parts, pays, True), _together(parts, pays, False)


def _parts(piece: shapely.Polygon, layout: Layout) -> list[shapely.Geometry]:
    """The piece itself, or its parts in squares of some swaths."""
    side = PART_SWATHS * layout.swath_m
    if piece.area <= side**2:
        return [piece]
    frame = Frame.of(layout, np.zeros((1, 2)))
    west, south, east, north = shapely.bounds(shapely.transform(piece, lambda xy: frame.turned(xy) / side))
    across, along = np.meshgrid(
        np.arange(math.floor(west), math.ceil(east)), np.arange(math.floor(south), math.ceil(north))
    )
    squares = shapely.box(across.ravel(), along.ravel(), across.ravel() + 1, along.ravel() + 1)
    placed = shapely.transform(squares, lambda xy: frame.placed(xy * side))
    cut = shapely.intersection(piece, placed)
    return _without_slivers([one for one in cut if one.area > 0], side**2 / 4)


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


def _geodesic_m2(ground: shapely.Geometry | None, plane: GroundPlane) -> float:
    """Area on the ellipsoid: true metres, where those of the grid are of its scale."""
    if ground is None or ground.is_empty:
        return 0.0
    degrees = shapely.transform(ground, lambda xy: lon_lat(plane.epsg, xy))
    oriented = (shapely.geometry.polygon.orient(one) for one in shapely.get_parts(degrees) if one.area > 0)
    return float(sum(_GEOD.geometry_area_perimeter(one)[0] for one in oriented))
