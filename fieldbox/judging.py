"""Crop plants judged against their own row and field, once all views of a flight are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fieldbox.domain import Cover, Detection, Gap, PlantHealth
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_, Sentence
from fieldbox.inference.health import HealthModel
from fieldbox.mapping.inrows import InRows, weeds_by_row
from fieldbox.mapping.opinion import second_opinion
from fieldbox.mapping.planthealth import FEATURES, compare, crop_rows
from fieldbox.mapping.rows import Rows
from fieldbox.mapping.stand import Stand, stand_of

VERSION = 2
"""Of what is told of plants here: surveys made with another one are made anew."""
_NO_COLOUR = (float("nan"),) * 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of the crop plants of a flight."""

    detections: tuple[Detection, ...]
    """All that came in, in their order; crop plants with verdict and z-scores, doubtful ones off the rows as weeds."""
    warnings: tuple[Sentence, ...]
    in_rows: InRows | None = None
    """None: no rows are known."""
    changed: int = 0
    """Plants that count as weeds now, since they stand off every row."""

    @property
    def gaps(self) -> tuple[Gap, ...] | None:
        """None: the rows, or the step between plants, are not known."""
        return self.in_rows.stand.gaps if self.in_rows and self.in_rows.stand else None

    @property
    def missing(self) -> int | None:
        """Plants missing in the rows."""
        return None if self.gaps is None else sum(one.missing for one in self.gaps)


def judge_crop(
    detections: Sequence[Detection], model: HealthModel, gsd_mm: float, row_deg: float | None = None
) -> Judgement:
    """Judge the crop plants among the detections of a flight, seen at `gsd_mm` millimetres a pixel. `row_deg`: in which the
    rows run, clockwise from grid north, where somebody told it.

    Raises Misconfigured if the model expects other features than this release makes.
    """
    if model.features != FEATURES:
        raise Misconfigured(N_("The health model is made for another release: install the release again."))
    rows = crop_rows(detections, row_deg)
    opinion = second_opinion(detections, rows)
    found = _judged(opinion.detections, rows, model, gsd_mm)
    return replace(
        found, warnings=(*_changed_words(opinion.changed), *found.warnings), changed=opinion.changed
    )


def _judged(
    detections: Sequence[Detection], rows: Rows | None, model: HealthModel, gsd_mm: float
) -> Judgement:
    crop = [index for index, one in enumerate(detections) if one.cover is Cover.CROP]
    if not crop:
        return Judgement(tuple(detections), ())
    plants = [detections[index] for index in crop]
    places = np.array([(one.east, one.north) for one in plants])
    if gsd_mm > model.gsd_range_mm[1]:
        return Judgement(tuple(detections), (_too_coarse(gsd_mm, model),), _in_rows(detections, rows, None))
    judged = compare(
        places, [one.area_m2 for one in plants], [one.colour or _NO_COLOUR for one in plants], rows
    )
    verdicts = model.judge(judged.features).health
    told = list(detections)
    for place, index in enumerate(crop):
        told[index] = replace(
            detections[index],
            health=verdicts[place],
            size_z=_known(judged.size_z[place]),
            colour_z=_known(judged.colour_z[place]),
        )
    found = Judgement(tuple(told), (), _in_rows(detections, rows, stand_of(places, rows)))
    return replace(found, warnings=_words(verdicts, found.missing))


def _in_rows(detections: Sequence[Detection], rows: Rows | None, stand: Stand | None) -> InRows | None:
    if rows is None:
        return None
    weeds, crop = (
        [(one.east, one.north) for one in detections if one.cover is cover]
        for cover in (Cover.WEED, Cover.CROP)
    )
    return InRows(rows, stand, weeds_by_row(weeds, rows, crop))


def _known(value: np.float32) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None


def _changed_words(changed: int) -> tuple[Sentence, ...]:
    if not changed:
        return ()
    template = N_(
        "Plants that the weed model took for crop without being sure, and that stand off every crop row: {count}. They count "
        "as weeds, still unsure."
    )
    return (Sentence(template, {"count": changed}),)


def _too_coarse(gsd_mm: float, model: HealthModel) -> Sentence:
    template = N_(
        "At {gsd} mm per pixel crop plants are not judged one by one: fly lower, to {limit} mm per pixel or finer."
    )
    return Sentence(template, {"gsd": round(gsd_mm, 1), "limit": round(model.gsd_range_mm[1], 1)})


def _words(verdicts: Sequence[PlantHealth | None], missing: int | None) -> tuple[Sentence, ...]:
    """What a person has to know with the verdicts: that they are relative, and learnt from paint."""
    if all(one is None for one in verdicts):
        return ()
    counts = {
        "stunted": sum(one is PlantHealth.STUNTED for one in verdicts),
        "yellowing": sum(one is PlantHealth.YELLOWING for one in verdicts),
    }
    if missing is None:
        template = N_(
            "Beside their neighbours {stunted} crop plants look stunted and {yellowing} yellow; missing plants are "
            "not known, for want of regular rows. Relative, learnt from painted symptoms: no diagnosis, go and look."
        )
        return (Sentence(template, counts),)
    template = N_(
        "Beside their neighbours {stunted} crop plants look stunted and {yellowing} yellow; {missing} are missing in "
        "the rows. Relative, learnt from painted symptoms: no diagnosis, go and look."
    )
    return (Sentence(template, {**counts, "missing": missing}),)
