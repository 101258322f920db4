"""What a survey says of a field's rows, held against the truth of a simulated flight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from fieldbox.mapping.inrows import Place
from fieldbox.services.results import find_survey
from fieldbox.services.rowing import sown_of
from tests.path.box import Box

Points = NDArray[np.float64]
REACH_M = 0.17
"""Half a step: a missing plant found farther off is another one."""
SAME_M = 0.12
"""A plant found within this of a true one is that one."""


@dataclass(frozen=True)
class RowErrors:
    """How far a survey's rows are off."""

    angle_deg: float
    """Median over the crop plants of the angle between the found row and the true one there, without sign."""
    spacing_pct: float
    """That the survey states, over the one that was sown."""
    stand_pct: float
    """Crop plants to the hectare that the survey states, over those that grow."""
    gap_f1: float
    """Of missing plants that have a plant of their row on both sides."""
    gap_f1_ends: float
    """Of all missing plants, those at the ends of rows too, where nobody can tell."""
    weeds_right: float
    """Share of the weeds found that are told in or between the rows as they stand."""

    def __str__(self) -> str:
        return (
            f"row angle off {self.angle_deg:.2f} degrees, spacing {self.spacing_pct:+.1f} %, "
            f"stand {self.stand_pct:+.1f} %, gap F1 {self.gap_f1:.3f} (with the ends of rows {self.gap_f1_ends:.3f}), "
            f"weeds in and between rows told right {100 * self.weeds_right:.0f} %"
        )


def row_errors(box: Box, survey_id: str, truth: dict[str, Any], spacing_m: float) -> RowErrors:
    """The errors of a survey whose rows and stand are known."""
    with box.store() as store:
        survey = find_survey(store, survey_id)
        sown = sown_of(store, survey)
        weeds = [one for one in store.detections(survey_id) if one.cover == "weed"]
        spots, _plot, _row = sown.missing(store.gaps(survey_id)) if sown else (np.zeros((0, 2)), 0, 0)
    assert sown is not None
    assert sown.rows is not None
    assert survey.stand is not None
    assert survey.stand.per_ha is not None
    lines = [np.array(piece) for row in truth["rows"] for piece in row["east_north"]]
    grown = _places(one for one in truth["plants"] if one["class"] == "crop")
    holes = _places(truth["missing"])
    ground = Transformer.from_crs(4326, truth["epsg"], always_xy=True)
    found = np.column_stack(ground.transform([one.lon for one in weeds], [one.lat for one in weeds]))
    return RowErrors(
        angle_deg=float(np.median(np.abs(turned(sown.crop, sown.rows.at(sown.crop).along, lines)))),
        spacing_pct=100 * (survey.stand.spacing_m / spacing_m - 1),
        stand_pct=100 * (survey.stand.per_ha * survey.area_ha / len(grown) - 1),
        gap_f1=f1(spots, holes[inner(truth)], REACH_M),
        gap_f1_ends=f1(spots, holes, REACH_M),
        weeds_right=_told_right(sown.stands(weeds), found, lines, truth),
    )


def _places(told: Any) -> Points:
    return np.array([(one["east"], one["north"]) for one in told]).reshape(-1, 2)


def turned(places: Points, along: Points, lines: list[Points]) -> Points:
    """[N] degrees from the true row nearest to each place to the found one there, -90 to 90; NaN where none runs."""
    middles = np.concatenate([(line[1:] + line[:-1]) / 2 for line in lines])
    steps = np.concatenate([np.diff(line, axis=0) for line in lines])
    true = steps[cKDTree(middles).query(places)[1]]
    angle = np.arctan2(along[:, 0], along[:, 1]) - np.arctan2(true[:, 0], true[:, 1])
    return np.asarray(np.degrees((angle + math.pi / 2) % math.pi - math.pi / 2))


def f1(found: Points, truth: Points, reach: float) -> float:
    """Of places, each matched once."""
    apart = cdist(found, truth)
    rows, columns = linear_sum_assignment(np.minimum(apart, 2 * reach))
    return 2 * int((apart[rows, columns] < reach).sum()) / max(len(found) + len(truth), 1)


def inner(truth: dict[str, Any]) -> NDArray[np.bool_]:
    """Which of the missing plants have a plant of their row on both sides."""
    told = []
    for hole in truth["missing"]:
        lines = [shapely.LineString(piece) for piece in truth["rows"][hole["row"]]["east_north"]]
        here = shapely.Point(hole["east"], hole["north"])
        line = min(lines, key=here.distance)
        grown = [one for one in truth["plants"] if one["row"] == hole["row"]]
        stands = [shapely.Point(one["east"], one["north"]) for one in grown]
        along = [line.project(one) for one in stands if one.distance(line) < STRIP_M]
        at = line.project(here)
        told.append(any(one < at for one in along) and any(one > at for one in along))
    return np.array(told, bool)


def _told_right(stands: list[str | None], found: Points, lines: list[Points], truth: dict[str, Any]) -> float:
    """Of the weeds that are none but these, by the strip that the survey's own rows have: half a strip is where crop grows."""
    true = _places(one for one in truth["plants"] if one["class"] == "weed")
    away, nearest = cKDTree(true).query(found)
    middles = cKDTree(np.concatenate([_finely(line) for line in lines]))
    strip = STRIP_M
    right = [
        (stand == Place.IN_ROW.value) == bool(near < strip)
        for stand, near, off in zip(stands, middles.query(true[nearest])[0], away, strict=True)
        if off < SAME_M and stand is not None and abs(near - strip) > 0.03
    ]
    return float(np.mean(right))


STRIP_M = 0.1125
"""Half the strip of a crop that keeps to its rows, 0.75 m apart (`half_strip` at its least). Weeds within 3 cm of its edge are
left out: their place is not known better."""


def _finely(line: Points) -> Points:
    """Points every centimetre of a line."""
    length = np.r_[0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
    at = np.arange(0.0, length[-1], 0.01)
    return np.column_stack([np.interp(at, length, line[:, axis]) for axis in (0, 1)])
