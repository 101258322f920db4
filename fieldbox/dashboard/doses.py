"""Doses and water as people tell them: by the pump, by their own unit of area, by the hectare. Kept are litres to the hectare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flask import request
from werkzeug.datastructures import MultiDict

from fieldbox.dashboard import units
from fieldbox.dashboard.language import say
from fieldbox.domain import SQUARE_METRES, AreaUnit

_HECTARE_M2: Final = SQUARE_METRES[AreaUnit.HECTARE]


class DoseBy(StrEnum):
    """In what a dose of a product is told."""

    PUMP = "pump"
    """Millilitres in a full pump."""
    AREA = "area"
    """Millilitres to the reader's unit of area, of sprayed ground."""
    HECTARE = "hectare"
    """Litres to the hectare of sprayed ground."""


class WaterBy(StrEnum):
    """In what the water, with all that is in it, is told."""

    PUMPS = "pumps"
    """Full pumps to the reader's unit of area."""
    AREA = "area"
    """Litres to the reader's unit of area."""
    HECTARE = "hectare"
    """Litres to the hectare."""


@dataclass(frozen=True, slots=True)
class Measures:
    """How a reader tells doses and water."""

    dose: DoseBy = DoseBy.HECTARE
    water: WaterBy = WaterBy.HECTARE
    area_ha: float = 1.0
    """The reader's unit of area."""

    def water_told(self, l_ha: float, tank_l: float) -> float:
        """Litres to the hectare as this reader tells them."""
        if self.water is WaterBy.HECTARE:
            return l_ha
        litres = l_ha * self.area_ha
        return litres / tank_l if self.water is WaterBy.PUMPS else litres

    def water_l_ha(self, told: float, tank_l: float) -> float:
        """What this reader tells, in litres to the hectare."""
        if self.water is WaterBy.HECTARE:
            return told
        return (told * tank_l if self.water is WaterBy.PUMPS else told) / self.area_ha

    def dose_told(self, l_ha: float, spray_l_ha: float, tank_l: float) -> float:
        """A product's litres to the hectare as this reader tells them."""
        if self.dose is DoseBy.HECTARE:
            return l_ha
        return 1000 * l_ha * (tank_l / spray_l_ha if self.dose is DoseBy.PUMP else self.area_ha)

    def dose_l_ha(self, told: float, spray_l_ha: float, tank_l: float) -> float:
        """What this reader tells of a product, in litres to the hectare."""
        if self.dose is DoseBy.HECTARE:
            return told
        if self.dose is DoseBy.AREA:
            return told / 1000 / self.area_ha
        return told / 1000 * spray_l_ha / tank_l


def chosen(told: Mapping[str, str] | MultiDict[str, str] | None = None) -> Measures:
    """How the reader tells doses and water: by `told`, what they chose in a form, and else as they chose last.

    Who reckons in hectares begins with litres to the hectare, everybody else with pumps.
    """
    unit = _unit()
    by_hectares = unit is AreaUnit.HECTARE
    usual = (
        Measures() if by_hectares else Measures(DoseBy.PUMP, WaterBy.PUMPS, SQUARE_METRES[unit] / _HECTARE_M2)
    )
    values = request.cookies if told is None else told
    dose = {one.value: one for one in DoseBy}.get(values.get("dose_by", ""), usual.dose)
    water = {one.value: one for one in WaterBy}.get(values.get("water_by", ""), usual.water)
    return Measures(
        DoseBy.HECTARE if by_hectares and dose is DoseBy.AREA else dose,
        WaterBy.HECTARE if by_hectares and water is WaterBy.AREA else water,
        usual.area_ha,
    )


def _unit() -> AreaUnit:
    """In which doses are told: nobody sprays by the guntha or the cent, which are parts of an acre."""
    unit = units.choose()
    return AreaUnit.ACRE if unit in (AreaUnit.GUNTHA, AreaUnit.CENT) else unit


def dose_ways() -> dict[str, str]:
    """In what a dose can be told, in the reader's language."""
    ways, unit = {DoseBy.PUMP.value: say("ml for a full pump")}, _unit()
    if unit is not AreaUnit.HECTARE:
        ways[DoseBy.AREA.value] = say("ml for sprayed ground of 1 %(unit)s", unit=say(units.ONE[unit]))
    return ways | {DoseBy.HECTARE.value: say("L for sprayed ground of 1 hectare")}


def water_ways() -> dict[str, str]:
    """In what the water can be told, in the reader's language."""
    unit = _unit()
    name = say(units.ONE[unit])
    ways = {WaterBy.PUMPS.value: say("pumps for 1 %(unit)s", unit=name)}
    if unit is not AreaUnit.HECTARE:
        ways[WaterBy.AREA.value] = say("L for 1 %(unit)s", unit=name)
    return ways | {WaterBy.HECTARE.value: say("L for 1 hectare")}
