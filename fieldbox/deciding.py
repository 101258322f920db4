"""From a survey to what is to be done: zones, and what is sprayed where.

A weed zone is a piece of ground of the strategy that reaches the weeds with the least of it (`mapping.zones`). It is treated
where that pays (`mapping.prescribing`), and left where it does not: pieces of many swaths are judged part by part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from fieldbox.domain import (
    Field,
    FieldMap,
    Interval,
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
from fieldbox.i18n import N_
from fieldbox.mapping.geo import LocalPlane
from fieldbox.mapping.patches import kept_off, mended, on_plane, plane_of, polygon, with_spots
from fieldbox.mapping.prescribing import needs, threshold
from fieldbox.mapping.zones import Frame, Layout, smallest
from fieldbox.weedground import Plant, WeedGround, inside, judged, patch_of

LEAST_PART_M2 = 0.01
"""Smaller parts come of cutting outlines along each other."""


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
    def plane(self) -> LocalPlane:
        """East and north of the field, true to scale and direction."""
        return plane_of(shapely.Polygon(self.field.boundary))


def prescribe(known: Known) -> Prescription:
    """What is sprayed where against the weeds. Raises Rejected where no weeds are called."""
    how = known.spraying
    layout, weeds = _layout(known), _weeds(known)
    best, every = smallest(weeds.weeds, layout)
    ground = next(one for one in every if one.strategy is how.strategy) if how.strategy else best
    least, never = _least(how)
    treated, left = judged(ground, layout, weeds, math.inf if never else least, how.from_cover_pct)
    kept = shapely.MultiPolygon(treated)
    zones = with_spots(weeds.zones([*treated, *left]), known.survey.hotspots)
    reached = weeds.coverage(ground, kept, layout.allowed)
    spray = zones[: len(treated)]
    return Prescription(
        survey_id=known.survey.id,
        kind=ZoneKind.WEEDS,
        spraying=how,
        direction_deg=layout.direction_deg,
        strategy=ground.strategy,
        treated=tuple(Treated(one, how.spray_l_ha) for one in spray),
        left=zones[len(treated) :],
        field_m2=float(shapely.area(layout.allowed)),
        coverage=reached.high if reached else None,
        assured=reached.low if reached else None,
        threshold=least if weeds.scores is not None else None,
        never_pays=never,
        needs=needs(
            how,
            [(one.area_m2, how.spray_l_ha) for one in spray],
            float(shapely.area(layout.allowed)),
            _wet(layout, kept),
            _scale(known.survey),
        ),
        laid=tuple(weeds.laid(one) for one in every),
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
    most = max(how.vigour_rates)
    if how.products and most > how.spray_l_ha:
        raise Rejected(
            N_(
                "At {most} L/ha of spray {product} would come to more than the {dose} L/ha that were told: lower the rates, or "
                "tell the spray to the hectare that this dose belongs to."
            ),
            most=round(most, 1),
            product=how.products[0].name,
            dose=how.products[0].dose_l_ha,
        )
    if not zones:
        raise Rejected(N_("Nothing is known of how the crop stands in this survey; its warnings say why."))
    layout = _layout(known)
    rates = dict(zip((Vigour.POOR, Vigour.USUAL, Vigour.BETTER), how.vigour_rates, strict=True))
    cut = [part for one in zones for part in _within(one, layout.allowed, plane)]
    parts = with_spots(
        [replace(one, rank=number) for number, one in enumerate(cut, start=1)], known.survey.hotspots
    )
    treated = [Treated(one, rates[one.vigour]) for one in parts if one.vigour and rates[one.vigour] > 0]
    allowed = float(shapely.area(layout.allowed))
    kept = shapely.union_all([on_ground(one.zone.patch, plane) for one in treated])
    return Prescription(
        survey_id=known.survey.id,
        kind=ZoneKind.VIGOUR,
        spraying=how,
        direction_deg=layout.direction_deg,
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


def _within(zone: Zone, allowed: shapely.Geometry | None, plane: LocalPlane) -> list[Zone]:
    """What of a zone may be treated."""
    found = []
    for part in shapely.get_parts(shapely.intersection(on_ground(zone.patch, plane), allowed)):
        if isinstance(part, shapely.Polygon) and part.area > LEAST_PART_M2:
            lon, lat = inside(part, plane)
            found.append(replace(zone, patch=patch_of(part, plane), area_m2=part.area, lat=lat, lon=lon))
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


def on_ground(patch: Patch, plane: LocalPlane) -> shapely.Geometry:
    """A patch east and north in metres; in several pieces, or none, where its ring crosses itself or has no area."""
    return shapely.union_all(mended([on_plane(plane, polygon(patch))]))


def _weeds(known: Known) -> WeedGround:
    """Raises Rejected where no weeds are called."""
    survey, aim = known.survey, known.spraying.aim_m
    error = survey.position_error_m if aim is None else aim
    if survey.weed_count is not None:
        return WeedGround.of_plants(survey, known.weeds, known.plane, error)
    if survey.weed_cover_pct is None:
        raise Rejected(
            N_("Weeds were not called in this survey, so there is nothing to lay out; its warnings say why.")
        )
    if known.grid is None:
        raise Rejected(
            N_("The pictures of this survey are gone: bring the flight in again to make them anew.")
        )
    return WeedGround.of_cells(known.grid, known.plane, error)


# -- what may be treated, and how ------------------------------------------------------------------


def _layout(known: Known) -> Layout:
    """Raises Rejected for a field without area."""
    how, plane = known.spraying, known.plane
    whole = on_ground((known.field.boundary,), plane)
    if whole.area <= 0:
        raise Rejected(N_("The boundary of {field} has no area: draw it again."), field=known.field.name)
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
        allowed=shapely.difference(whole, kept_off(plane, how.keep_off)),
    )


def _direction(known: Known, whole: shapely.Geometry) -> float:
    """In which swaths run, clockwise from north: as told, along the rows, or along the field."""
    told = known.spraying.direction_deg
    if told is None and known.survey.stand:
        told = known.survey.stand.direction_deg
    if told is not None:
        return told % 180
    corners = np.asarray(shapely.oriented_envelope(whole).exterior.coords)[:3]
    sides = np.diff(corners, axis=0)
    longest = sides[np.hypot(*sides.T).argmax()]
    return math.degrees(math.atan2(longest[0], longest[1])) % 180


def _corner(whole: shapely.Geometry, direction_deg: float) -> tuple[float, float]:
    """Where the first swath begins: the corner of the rectangle around the field, turned into their direction."""
    turn = math.radians(direction_deg)
    axes = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    east, north = (shapely.get_coordinates(whole) @ axes.T).min(axis=0) @ axes
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
