"""A second opinion on plants that the weed model takes for crop without being sure: do they stand where crop stands?

Among the plants of the same field that the model is sure of, it is counted how often crop and weeds stand at a distance from
the crop rows. By Bayes' rule that is joined with what the model says of a doubtful plant's looks: odds of weed = odds by its
looks x how much more often a weed stands at that distance. Nothing about the crop's place is known beforehand.

Only one way pays. On the potato field a doubtful plant on a row is as often a weed as it is crop: the model sees the ridges
and has made use of them already. Counting them once more made plants sure of which half were wrong, so a plant's place on a
row is no argument here. A doubtful crop plant plainly off every row, though, was never crop, there and on simulated fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection
from fieldbox.mapping.doubt import parts
from fieldbox.mapping.inrows import Place, places_by_row
from fieldbox.mapping.rows import Rows

Floats = NDArray[np.float64]

CLEAR_ROWS = 0.8
"""Quality of the rows below which they say nothing of single plants."""
LEAST_SURE = 40
"""Sure plants of each class beside the rows: fewer tell too little of where either stands."""
PLAIN = 0.9
"""Probability of a weed from which on a plant is one."""
_EDGES = np.array([0.0, 0.05, 0.1, 0.16, 0.24, 0.34, 0.5])
"""Of the distance from the row, in spacings."""
_UNSEEN = 2.0
"""Plants, spread evenly between two rows, that are added to those counted: what was never seen is not impossible."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the rows made of the doubtful plants."""

    detections: tuple[Detection, ...]
    """All that came in, in their order."""
    changed: int = 0
    """Plants that count as weeds now. They stay unsure: looks and place contradict each other."""


def second_opinion(detections: Sequence[Detection], rows: Rows | None) -> Opinion:
    """Doubtful crop plants that stand outside the crop's strips where, in this field, weeds stand: these are weeds."""
    unchanged = Opinion(tuple(detections))
    asked = [i for i, one in enumerate(detections) if one.cover is Cover.CROP and not one.sure]
    if rows is None or rows.quality < CLEAR_ROWS or not asked:
        return unchanged
    found = rows.at([(one.east, one.north) for one in detections])
    away = np.abs(found.aside_m) / found.spacing_m
    counted = (found.plot >= 0) & np.array([one.sure for one in detections])
    weed = np.array([one.cover is Cover.WEED for one in detections])
    crops, weeds = away[counted & ~weed], away[counted & weed]
    if min(len(crops), len(weeds)) < LEAST_SURE:
        return unchanged
    places = [(detections[index].east, detections[index].north) for index in asked]
    crop = [(one.east, one.north) for one in detections if one.cover is Cover.CROP and one.sure]
    stands = places_by_row(places, rows, crop)
    likelier = _density(away, weeds) / _density(away, crops)
    told = list(detections)
    for index, place in zip(asked, stands, strict=True):
        if place is Place.BETWEEN:
            told[index] = _weighed(told[index], float(likelier[index]))
    changed = sum(told[index].cover is Cover.WEED for index in asked)
    return Opinion(tuple(told), changed)


def _density(away: Floats, seen: Floats) -> Floats:
    """[N] how densely the plants `seen` stand at each distance `away`."""
    counts, _edges = np.histogram(np.minimum(seen, _EDGES[-1]), _EDGES)
    wide = np.diff(_EDGES) / _EDGES[-1]
    density = (counts + _UNSEEN * wide) / (len(seen) + _UNSEEN) / wide
    at = np.clip(np.searchsorted(_EDGES, away, side="right") - 1, 0, len(wide) - 1)
    return np.asarray(density[at])


def _weighed(one: Detection, times: float) -> Detection:
    """A doubtful crop plant, where a weed stands so `times` more often than crop; as it was if that is not plain."""
    if one.weed_share is None:
        return one
    plant, looks = parts(one.score, weed=False, weed_share=one.weed_share)
    weed = looks * times / (looks * times + 1 - looks)
    return one if weed < PLAIN else replace(one, cover=Cover.WEED, score=plant * weed, weed_share=weed)
