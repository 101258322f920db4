"""Whether two surveys may be compared at all, and by what. Where they may not, one sentence says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldbox.domain import LayerLabel, Measure, Survey
from fieldbox.i18n import N_, Sentence

COUNTS_UP_TO = 1.5
"""By which factor the ground resolutions may differ for weeds to be counted alike: the smallest that are seen grow with it."""
COVER_UP_TO = 2.0
"""And for covers."""
BADLY_EXPOSED = 0.2
"""Share of a flight's photos in too bad a light."""
HOURS_APART = 3.0
"""By the clocks of the cameras: shadows differ."""
LEAST_COMMON = 0.25
"""Of the smaller survey's ground."""
LEAST_CELLS = 12


@dataclass(frozen=True, slots=True)
class Side:
    """What tells whether a survey can be compared."""

    survey: Survey
    flown_at: datetime | None
    """Naive: by the clock of the camera."""
    looked_mm: float
    """Ground to a pixel of what the model saw."""
    simulated: bool
    badly_exposed: float | None
    """Share of its photos; None: not known."""


def refusal(before: Side, after: Side) -> Sentence | None:
    """Why these surveys cannot be compared, the gravest reason; None: they can."""
    one, other = before.survey, after.survey
    if one.field_id != other.field_id:
        return Sentence(N_("These surveys are of two fields: choose two of the same field."))
    if one.id == other.id or one.flight_id == other.flight_id:
        return Sentence(
            N_("Both surveys are of the same flight: between them nothing can have changed on the field.")
        )
    if before.simulated != after.simulated:
        return Sentence(N_("One of these surveys is simulated: it is not compared with a real one."))
    if before.flown_at and after.flown_at and before.flown_at >= after.flown_at:
        template = N_(
            "The second survey was flown on {after}, not after the first ({before}): give the earlier one first."
        )
        return Sentence(template, {"before": _day(before.flown_at), "after": _day(after.flown_at)})
    return _of_layers(before, after) or _of_light(before, after)


def _of_layers(before: Side, after: Side) -> Sentence | None:
    one, other = before.survey, after.survey
    for side in (before, after):
        if side.survey.weed_cover_pct is None:
            template = (
                N_(
                    "No weeds were called in the survey {id}, and its warnings say why: there is nothing to compare."
                )
                if side.survey.warnings
                else N_("No weeds were called in the survey {id}: there is nothing to compare.")
            )
            return Sentence(template, {"id": _called(side)})
        if side.survey.weed_basis is None:
            template = N_(
                "It is not known in which way weeds were told in the survey {id}, so nothing can be compared with it: bring its "
                "flight in again, and compare that."
            )
            return Sentence(template, {"id": _called(side)})
    if one.weed_basis is not other.weed_basis:
        return Sentence(
            N_(
                "One survey tells each plant for crop or weed, the other one calls all that grows off the rows: "
                "name the field's crop, bring both flights in again, and compare those."
            )
        )
    if one.release != other.release:
        template = N_(
            "The surveys are of two releases of the weed model ({before} and {after}), which count differently: "
            "bring the earlier flight in again, and compare that."
        )
        return Sentence(template, {"before": one.release, "after": other.release})
    factor = _factor(before, after)
    if factor > COVER_UP_TO:
        template = N_(
            "One flight shows {factor} times finer ground than the other, and so smaller weeds: fly at about the same height."
        )
        return Sentence(template, {"factor": round(factor, 1)})
    return None


def _of_light(before: Side, after: Side) -> Sentence | None:
    for side in (before, after):
        if side.badly_exposed is not None and side.badly_exposed > BADLY_EXPOSED:
            template = N_(
                "In the survey {id} {share} % of the photos are burnt out or too dark: its light is too bad to compare."
            )
            return Sentence(template, {"id": _called(side), "share": round(100 * side.badly_exposed)})
    return None


def measure_of(before: Side, after: Side) -> Measure:
    """By what they are compared: single weeds, where both counted them at about the same resolution."""
    counted = before.survey.weed_count is not None and after.survey.weed_count is not None
    return Measure.COUNT if counted and _factor(before, after) <= COUNTS_UP_TO else Measure.COVER


def cautions(before: Side, after: Side) -> tuple[Sentence, ...]:
    """What makes the comparison weaker and does not forbid it."""
    found = []
    factor = _factor(before, after)
    if factor > COUNTS_UP_TO and None not in (before.survey.weed_count, after.survey.weed_count):
        template = N_(
            "One flight shows {factor} times finer ground than the other, and so smaller weeds: only their cover is compared."
        )
        found.append(Sentence(template, {"factor": round(factor, 1)}))
    if before.flown_at is None or after.flown_at is None:
        template = N_(
            "It is not known when one of the flights was flown: they are in the order in which they were given."
        )
        found.append(Sentence(template))
    else:
        hours = [at.hour + at.minute / 60 for at in (before.flown_at, after.flown_at)]
        apart = abs(hours[0] - hours[1])
        if apart > HOURS_APART:
            template = N_(
                "The flights are {hours} hours of the day apart: shadows may hide weeds in one and not in the other."
            )
            found.append(Sentence(template, {"hours": round(apart)}))
    return tuple(found)


def indices_of(before: Side, after: Side) -> dict[str, tuple[float, float]]:
    """Means of the indices before and after: of calibrated bands alone, for other values mean nothing on another day."""
    one, other = before.survey, after.survey
    if not one.layer_label is other.layer_label is LayerLabel.CALIBRATED:
        return {}
    return {
        name: (value, other.indices[name]) for name, value in one.indices.items() if name in other.indices
    }


def too_coarse(cell_m: float, error_m: float) -> Sentence:
    """Why the maps' positions do not do."""
    template = N_(
        "The maps could not be aligned and may lie {error} m apart: with cells of {cell} m nothing of this field could be told."
    )
    return Sentence(template, {"error": round(error_m, 1), "cell": round(cell_m)})


def too_little_common(share: float) -> Sentence:
    """Why the common ground does not do."""
    template = N_("Only {share} % of the ground was seen by both flights: that is too little to compare.")
    return Sentence(template, {"share": round(100 * share)})


def _factor(before: Side, after: Side) -> float:
    finer, coarser = sorted((before.looked_mm, after.looked_mm))
    return coarser / finer


def _called(side: Side) -> str:
    """As people know a survey: by its day."""
    return side.survey.id if side.flown_at is None else _day(side.flown_at)


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")
