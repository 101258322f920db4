"""What a knapsack crew's sheet says, chosen from a prescription, in the crew's language. No dose is ever made up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fieldbox.domain import (
    Field,
    Flight,
    FromCorner,
    InRows,
    Prescription,
    ProductNeed,
    Side,
    Spraying,
    Survey,
)
from fieldbox.i18n import N_
from fieldbox.summary.groundmap import GroundMap
from fieldbox.summary.report import FigureText
from fieldbox.summary.reportwords import SIMULATED, facts, footer
from fieldbox.summary.sheet import Counted, Dose, SheetContents, Stop
from fieldbox.summary.speech import Speech

PARTS = (0.25, 0.5, 0.75, 1.0)
"""Of a pump."""
_QUARTERS = ("", "¼", "½", "¾")
_LITTLE = "< ¼"
"""Rounded up, many small zones would ask for much more than they take together."""
MOST_KEEP_OFF = 3
"""Named one by one."""
MOST_NAMED = 4
"""Zones beside that of a stop."""
SIDES: Mapping[Side, str] = {
    Side.NORTH: N_("north"),
    Side.NORTH_EAST: N_("north-east"),
    Side.EAST: N_("east"),
    Side.SOUTH_EAST: N_("south-east"),
    Side.SOUTH: N_("south"),
    Side.SOUTH_WEST: N_("south-west"),
    Side.WEST: N_("west"),
    Side.NORTH_WEST: N_("north-west"),
}


@dataclass(frozen=True, slots=True)
class Sprayed:
    """One stop of the walk: one zone, or some that lie beside each other."""

    place: InRows | FromCorner
    area_m2: float
    spray_l: float
    names: tuple[str, ...]
    """Of its zones; the first is what the stop is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """All that a sheet tells of."""

    survey: Survey
    field: Field
    flight: Flight
    prescription: Prescription
    stops: tuple[Sprayed, ...]
    """In the order in which they are walked to."""
    start: Side
    """The corner at which the walk starts."""
    pace_m: float
    ground: GroundMap


def sheet_of(told: Ordered, speech: Speech) -> SheetContents:
    """A sheet in words."""
    say, spraying = speech.say, told.prescription.spraying
    rows = all(isinstance(one.place, InRows) for one in told.stops)
    return SheetContents(
        language=speech.language,
        made_at=told.survey.made_at,
        kicker=say(N_("Spraying sheet")),
        title=told.field.name,
        facts="  ·  ".join(facts(told.field, told.flight, speech)),
        mark=say(SIMULATED) if told.flight.simulated else None,
        totals=tuple(_totals(told, speech)),
        dose_title=say(N_("Into each pump of {tank} L"), tank=_plain(speech, spraying.tank_l)),
        dose_heads=("¼", "½", "¾", "1"),
        doses=tuple(_doses(told.prescription, speech)),
        dose_note=_dose_note(told.prescription, speech),
        safety_title=say(N_("Before you spray")),
        safety=tuple(_safety(spraying, speech)),
        walk=say(
            N_(
                "Start at S, in the {side} corner, and go from zone to zone as the list does. One pace is {pace} m."
            ),
            side=say(SIDES[told.start]),
            pace=speech.number(told.pace_m, 2),
        ),
        ground=replace(told.ground, north_letter=say(N_("N"))),
        legend=_legend(told, speech),
        heads=(
            say(N_("Zone")),
            say(N_("Row")) if rows else say(N_("Where")),
            say(N_("Paces")),
            say(N_("Area")),
            say(N_("Pumps")),
        ),
        stops=tuple(_stop(one, spraying, speech) for one in told.stops),
        footer=footer(told.survey, speech),
    )


def pumps(spray_l: float, tank_l: float) -> str:
    """Full pumps and quarters, rounded up to the next quarter."""
    quarters = max(1, math.ceil(4 * spray_l / tank_l - 1e-6))
    whole, rest = divmod(quarters, 4)
    return f"{whole or ''}{_QUARTERS[rest]}"


def _totals(told: Ordered, speech: Speech) -> Iterator[FigureText]:
    needs, spraying = told.prescription.needs, told.prescription.spraying
    products = sum(one.litres for one in needs.products)
    area = 1e4 * needs.area_ha
    low, high = (speech.number(1e4 * one) for one in needs.area_ha_interval95)
    yield FigureText(speech.say(N_("To spray")), f"{speech.number(area)} m²", f"{low}–{high}")
    yield FigureText(
        speech.say(N_("Pumps")),
        pumps(needs.spray_l, spraying.tank_l),
        speech.say(N_("of {tank} L"), tank=_plain(speech, spraying.tank_l)),
    )
    water = max(0.0, needs.spray_l - products)
    yield FigureText(speech.say(N_("Water")), f"{_plain(speech, _up(water))} L")
    if needs.products:
        yield FigureText(speech.say(N_("Product")), "  ".join(_amount(one, speech) for one in needs.products))


def _amount(need: ProductNeed, speech: Speech) -> str:
    millilitres = 1000 * need.litres
    if millilitres < 1000:
        return f"{speech.number(millilitres, 0 if millilitres >= 9.5 else 1)} ml"
    return f"{speech.number(need.litres, 2)} L"


def _up(litres: float) -> float:
    """To the next half litre: nobody runs short of water for the last zone."""
    return math.ceil(2 * litres - 1e-6) / 2


def _plain(speech: Speech, value: float) -> str:
    """With decimals only where there are any."""
    digits = next((one for one in (0, 1) if abs(value - round(value, one)) < 1e-6), 2)
    return speech.number(value, digits)


def _doses(prescription: Prescription, speech: Speech) -> Iterator[Dose]:
    spraying = prescription.spraying
    if not spraying.products:
        yield Dose("", ("",) * len(PARTS))
    for one in spraying.products:
        full = spraying.dose_ml_tank(one)
        yield Dose(one.name, tuple(_millilitres(full * part, speech) for part in PARTS))


def _millilitres(value: float, speech: Speech) -> str:
    return f"{speech.number(value, 0 if value >= 9.95 else 1)} ml"


def _dose_note(prescription: Prescription, speech: Speech) -> str:
    spraying = prescription.spraying
    parts = []
    if not spraying.products:
        parts.append(
            speech.say(
                N_(
                    "No product is set on the box: write it in, with the millilitres for a pump, from its label."
                )
            )
        )
    parts.append(
        speech.say(
            N_("Fill up with water. It is to be enough for {area} m² a pump: try it with water first."),
            area=speech.number(1e4 * spraying.tank_l / spraying.spray_l_ha),
        )
    )
    return " ".join(parts)


def _safety(spraying: Spraying, speech: Speech) -> Iterator[str]:
    for one in spraying.keep_off[:MOST_KEEP_OFF]:
        if one.strip_m > 0:
            yield speech.say(
                N_("Never spray {name}; stay {strip} m away from it."), name=one.name, strip=_plain(speech, one.strip_m)
            )  # fmt: skip
        else:
            yield speech.say(N_("Never spray {name}."), name=one.name)
    left = len(spraying.keep_off) - MOST_KEEP_OFF
    if left > 0:
        yield speech.say(N_("Never spray the other crossed-out ground either: {count}."), count=left)
    yield speech.say(
        N_("Not in wind that moves leaves and twigs, not before rain, not in the heat of the day.")
    )
    yield speech.say(N_("Gloves, boots, mask, long clothes. Nobody else stands near."))
    yield speech.say(N_("What the label of the product says comes first."))


def _legend(told: Ordered, speech: Speech) -> str:
    parts = [speech.say(N_("Outlined and light: spray here.")), speech.say(N_("Dashed: the way to walk."))]
    if told.ground.kept_off:
        parts.append(speech.say(N_("Crossed out: never spray.")))
    if told.ground.unseen:
        parts.append(speech.say(N_("Hatched: not seen.")))
    if told.ground.picture is None:
        parts.append(speech.say(N_("The picture of the field is no longer on the box.")))
    left = len(told.prescription.left)
    if left:
        parts.append(
            speech.say(
                N_("Zones left out because spraying them does not pay: {count}."), count=speech.number(left)
            )
        )
    return " ".join(parts)


def _stop(one: Sprayed, spraying: Spraying, speech: Speech) -> Stop:
    first, second = _place(one.place, speech)
    if len(one.names) > 1:
        second = replace(second, told=f"{second.told}; {_beside(one.names[1:], speech)}")
    area = speech.number(one.area_m2, 0 if one.area_m2 >= 9.5 else 1)
    litres = speech.number(one.spray_l, 1 if one.spray_l >= 0.95 else 2)
    needed = _LITTLE if one.spray_l < spraying.tank_l / 8 else pumps(one.spray_l, spraying.tank_l)
    return Stop(one.names[0], first, second, f"{area} m²", needed, f"{litres} L")


def _beside(names: tuple[str, ...], speech: Speech) -> str:
    """The other zones of a stop: by name if they are few."""
    if len(names) <= MOST_NAMED:
        return speech.say(N_("with {names}"), names=", ".join(names))
    return speech.say(N_("{count} zones beside each other"), count=speech.number(len(names) + 1))


def _from_to(ends: tuple[int, int], speech: Speech) -> str:
    first, last = (speech.number(one) for one in ends)
    return first if first == last else f"{first}–{last}"


def _place(place: InRows | FromCorner, speech: Speech) -> tuple[Counted, Counted]:
    if isinstance(place, InRows):
        return (
            Counted(
                _from_to(place.rows, speech),
                speech.say(N_("from the {side} edge"), side=speech.say(SIDES[place.edge])),
            ),
            Counted(
                _from_to(place.paces, speech),
                speech.say(N_("from the {side} end of the row"), side=speech.say(SIDES[place.end])),
            ),
        )
    return (
        Counted(
            f"{speech.number(round(place.bearing_deg) % 360)}°",
            speech.say(
                N_("{direction}, from the {side} corner"),
                direction=speech.say(SIDES[place.towards]),
                side=speech.say(SIDES[place.corner]),
            ),
        ),
        Counted(speech.number(place.paces), speech.say(N_("paces in this direction"))),
    )
