"""What is to be done, in words and figures for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldbox.dashboard.language import in_words, interval, number, say, say_many
from fieldbox.dashboard.words import Figure
from fieldbox.domain import Prescription, Spraying, Survey, Zone

FAR_OFF_M = 1.0
"""A position error from which on most of what is sprayed is for its sake."""


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """A zone in a list."""

    name: str
    lat: float
    lon: float
    title: str
    note: str
    treated: bool


@dataclass(frozen=True, slots=True)
class PoorZone:
    """Ground whose crop stands poorly, and what to look at there."""

    name: str
    lat: float
    lon: float
    title: str
    before: str
    checks: list[str]


def lead(found: Prescription) -> str:
    """The decision in one sentence."""
    if found.never_pays:
        return say("By the prices that were told, spraying costs more than it brings.")
    if not found.treated:
        return say("Nothing has to be sprayed.")
    needs = found.needs
    return say_many(
        "Spray %(num)s zone, %(area)s of %(whole)s m²: %(litres)s L of spray, %(saved)s %% less than spraying it all.",
        "Spray %(num)s zones, %(area)s of %(whole)s m²: %(litres)s L of spray, %(saved)s %% less than spraying it all.",
        len(found.treated),
        area=number(needs.area_ha * 1e4),
        whole=number(found.field_m2),
        litres=number(needs.spray_l, 1 if needs.spray_l < 100 else 0),
        saved=number(needs.saved_pct),
    )


def notes(found: Prescription, survey: Survey) -> list[str]:
    """What somebody has to know who acts on it."""
    told = []
    if found.spraying.aim_m is None and survey.position_error_m > FAR_OFF_M and found.treated:
        told.append(
            say(
                "The map's places are right to ± %(error)s m only, so much more ground is sprayed than weeds need. Fly with RTK "
                "or control points, or tell below how near a crew comes that goes by rows and sight.",
                error=number(survey.position_error_m, 1),
            )
        )
    if found.coverage is None:
        told.append(
            say(
                "How many weeds this reaches is not known: ground is laid out as if the model had missed none."
            )
        )
    elif found.assured is not None and found.treated:
        short = found.assured < found.spraying.coverage
        told.append(
            say(
                "It reaches about %(share)s %% of all weeds, in 19 of 20 fields at least %(low)s %%, with those that "
                "the model missed. The rest stand alone, or are not worth it.",
                share=number(100 * found.coverage),
                low=number(100 * found.assured),
            )
            if short
            else say(
                "It reaches about %(share)s %% of all weeds, in 19 of 20 fields at least %(low)s %%, with those that "
                "the model missed.",
                share=number(100 * found.coverage),
                low=number(100 * found.assured),
            )
        )
    how, usual = found.spraying, Spraying()
    if (how.swath_m, how.spray_l_ha, how.tank_l) == (usual.swath_m, usual.spray_l_ha, usual.tank_l):
        told.append(
            say(
                "Swath, spray and tank are those that every box begins with: tell those of your sprayer below."
            )
        )
    if not found.spraying.products and found.treated:
        told.append(
            say("Tell below what you spray with, and how much of it: the box does not choose a product.")
        )
    if found.spraying.keep_off and found.coverage is not None:
        told.append(say("Weeds on ground that is kept off are not among these: nothing reaches them."))
    if found.threshold is None and found.spraying.limits_counts and not found.never_pays:
        told.append(
            say("Weeds are not counted one by one in this survey, so no limit in weeds to the m² leaves any.")
        )
    elif found.threshold is None and found.spraying.from_cover_pct is None and not found.never_pays:
        told.append(
            say(
                "Every weed counts, because nobody told prices. With prices the box leaves what does not pay."
            )
        )
    elif found.threshold is not None:
        told.append(
            say(
                "Ground is sprayed from %(least)s weeds to the square metre on.",
                least=number(found.threshold, 2 if found.threshold < 1 else 1),
            )
        )
    return told


def figures(found: Prescription) -> list[Figure]:
    """What it takes."""
    needs = found.needs
    shown = [
        Figure(
            say("To spray"),
            number(needs.area_ha * 1e4),
            "m²",
            interval(_scaled(needs.area_ha_interval95, 1e4)),
        ),
        Figure(say("Spray"), number(needs.spray_l, 1), "L", interval(needs.spray_l_interval95, 1)),
        Figure(
            say("Tanks to fill"),
            number(needs.tanks),
            "",
            # Not behind the number: in some languages this begins with a number, too.
            " · ".join(
                (
                    say("of %(litres)s L", litres=number(found.spraying.tank_l)),
                    say("at most %(count)s", count=number(needs.tanks_most)),
                )
            ),
        ),
        Figure(say("Saved"), number(needs.saved_pct), "%", interval(needs.saved_pct_interval95)),
    ]
    for one in needs.products:
        shown.append(Figure(one.product.name, number(one.litres, 2), "L", None))
        shown.append(
            Figure(say("%(name)s in a full tank", name=one.product.name), number(one.ml_tank), "ml", None)
        )
    return shown


def _scaled(value: Any, factor: float) -> Any:
    return type(value)(value.low * factor, value.high * factor)


def stand(zone: Zone) -> PoorZone:
    """A zone whose crop stands poorly, in words."""
    before = ""
    if zone.poor_before:
        before = say_many(
            "It was poor in %(num)s survey before, too.",
            "It was poor in %(num)s surveys before, too.",
            zone.poor_before,
        )
    elif zone.poor_before == 0:
        before = say("In the survey before it was not poor.")
    title = say("%(area)s m² of poorer crop", area=number(zone.area_m2))
    return PoorZone(zone.name, zone.lat, zone.lon, title, before, [in_words(one) for one in zone.causes])


def lines(found: Prescription) -> list[ZoneLine]:
    zones = [(one.zone, True) for one in found.treated] + [(one, False) for one in found.left]
    return [_line(zone, treated) for zone, treated in sorted(zones, key=lambda one: one[0].rank)]


def _spots(ranks: Sequence[int]) -> str:
    """The hotspots that a zone holds, as the map of the field numbers them."""
    return say_many("here is spot %(ranks)s", "here are spots %(ranks)s", len(ranks), ranks=listed(ranks))


def listed(ranks: Sequence[int]) -> str:
    """Numbers one after the other."""
    return ", ".join(str(one) for one in ranks)


def _square_metres(area: float) -> str:
    """Tenths only where they tell something."""
    return number(area, 0 if area >= 10 else 1)


def _line(zone: Zone, treated: bool) -> ZoneLine:
    if zone.count is not None:
        title = say_many(
            "%(num)s weed on %(area)s m²",
            "%(num)s weeds on %(area)s m²",
            zone.count,
            area=_square_metres(zone.area_m2),
        )
    else:
        title = say("%(area)s m²", area=_square_metres(zone.area_m2))
    told = []
    if zone.density is not None and zone.density_interval95 is not None:
        told.append(
            say(
                "%(density)s to the m² (%(range)s)",
                density=number(zone.density, 1),
                range=interval(zone.density_interval95, 1),
            )
        )
    elif zone.cover_pct is not None:
        told.append(say("weeds cover %(share)s %%", share=number(zone.cover_pct, 1)))
    if not treated:
        told.append(say("left: too few to pay"))
    if zone.spots:
        told.append(_spots(zone.spots))
    return ZoneLine(zone.name, zone.lat, zone.lon, title, ", ".join(told), treated)
