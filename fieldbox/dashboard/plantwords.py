"""What the model says of a single plant."""

from __future__ import annotations

from collections.abc import Mapping

from fieldbox.dashboard.language import metres, number, say
from fieldbox.dashboard.ports import DetectionLike
from fieldbox.dashboard.words import Figure
from fieldbox.domain import Cover, PlantHealth
from fieldbox.i18n import N_

_HEALTH: Mapping[PlantHealth, str] = {
    PlantHealth.HEALTHY: N_("as they are"),
    PlantHealth.STUNTED: N_("small for its row"),
    PlantHealth.YELLOWING: N_("yellow for its row"),
}


def figures(plant: DetectionLike) -> list[Figure]:
    """Its score, size and place, and how it compares with its row."""
    told = [
        Figure(
            say("Taken for a weed") if plant.cover is Cover.WEED else say("Taken for crop"),
            number(100 * plant.score),
            "%",
            say("sure") if plant.sure else say("unsure: look before you act"),
        ),
        Figure(say("Size"), number(plant.area_cm2), "cm²", say("seen from above")),
        Figure(say("Place"), f"± {metres(plant.position_error_m)}", "m", say("19 times in 20")),
    ]
    if plant.cover is Cover.CROP:
        verdict = say(_HEALTH[plant.health]) if plant.health else None
        told.append(Figure(say("Beside its neighbours"), verdict, "", None))
    return told
