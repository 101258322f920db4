"""What second looks say of doubtful plants.

A look at a plant gives the probability that it is a plant, and that it is a weed if it is one. Looks of
several photos are averaged as logits. They are not independent (the same plant, the same model), so n looks
count as n / (1 + (n - 1) r) independent ones, with r = LIKENESS the assumed correlation: three looks count
as 1.07. A photo that shows the place and finds no plant there counts as a look that gave MISSED.
Then the plant is sure (if no look contradicts), or taken for none (less than DROPPED_BELOW), or stays unsure.
A plant that no other photo shows keeps its doubt. The constants were chosen on columns 11 and 12 of the
potato field, flown over, and on a simulated field: `python -m tests.path.ladder`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import Cover, Detection, Ladder
from fieldbox.mapping.cells import AREA_UNIT_M2, CellSums, Sum, add_cells
from fieldbox.mapping.viewresult import Plants

LIKENESS = 0.9
MISSED = 0.35
"""Probability of a plant that a look which found none stands for: a plant is missed more rarely than a
mistake is not repeated."""
DROPPED_BELOW = 0.35
LEAST_REACH_M = 0.06
"""How far two looks may place the same plant apart, at the least."""
_NEVER = 1e-3
_COLUMN = {Cover.CROP: Sum.CROP, Cover.WEED: Sum.WEED}


@dataclass(frozen=True, eq=False, slots=True)
class Again:
    """A second look of one photo at some of the doubtful plants."""

    asked: tuple[int, ...]
    """Which of the doubtful plants it shows."""
    plants: Plants
    """What it found."""
    apart_m: tuple[float, ...]
    """How far it and the first look may put each of the asked plants apart (95 % radius)."""


def doubtful_of(detections: Sequence[Detection]) -> list[int]:
    """Numbers of the plants that are not sure."""
    return [number for number, one in enumerate(detections) if not one.sure]


def settle(
    detections: Sequence[Detection],
    looks: Sequence[Again],
    sure_from: Mapping[Cover, float],
    pixels_share: float = 0.0,
) -> tuple[tuple[Detection, ...], Ladder]:
    """Detections with the doubtful ones settled as far as the looks allow; their order stays.

    `looks[...].asked` number the plants of `doubtful_of(detections)`. `sure_from` is the score from which
    a plant of each class is sure.
    """
    doubtful = doubtful_of(detections)
    said: list[list[tuple[float, float | None]]] = [[] for _ in doubtful]
    for look in looks:
        for spot, answer in _answers(detections, doubtful, look):
            said[spot].append(answer)
    settled: dict[int, Detection | None] = {
        number: _settled(detections[number], answers, sure_from)
        for number, answers in zip(doubtful, said, strict=True)
        if answers
    }
    after = [settled.get(number, one) for number, one in enumerate(detections)]
    kept = tuple(one for one in after if one is not None)
    ladder = Ladder(
        doubtful=len(doubtful),
        looked_again=len(settled),
        settled_sure=sum(one is not None and one.sure for one in settled.values()),
        dropped=sum(one is None for one in settled.values()),
        still_unsure=sum(not one.sure for one in kept),
        pixels_share=pixels_share,
    )
    return kept, ladder


def cover_moved(
    cells: Iterable[CellSums], before: Sequence[Detection], after: Sequence[Detection]
) -> CellSums | None:
    """What to add to the sums over the cells once `before` is settled as `after`; None without cells.

    The ground of a dropped plant becomes soil, that of a plant of another class now becomes that class's. A
    plant's ground is that of its outline, in the pixels of each cell it lies on, and at most what the cell has
    of its class: the class map draws a plant somewhat larger or smaller than its outline. What the cells say of
    colours and of what is unsure stays as it was.
    """
    total = add_cells(cells)
    if total is None:
        return None
    place = {key: i for i, key in enumerate(zip(total.rows.tolist(), total.columns.tolist(), strict=True))}
    moved = np.zeros_like(total.values)
    now = {_name(one): one.cover for one in after}
    for one in before:
        cover = now.get(_name(one))
        if cover is one.cover:
            continue
        for cell, ground_m2 in _ground(one, total.cell_m):
            i, column = place.get(cell), _COLUMN[one.cover]
            if i is None:
                continue
            there = total.values[i]
            pixels = round(ground_m2 * float(there[Sum.PIXELS] / max(there[Sum.AREA], 1)) / AREA_UNIT_M2)
            taken = min(pixels, int(there[column] + moved[i, column]))
            moved[i, column] -= taken
            if cover:
                moved[i, _COLUMN[cover]] += taken
    return CellSums(total.cell_m, total.rows, total.columns, moved)


def _name(one: Detection) -> tuple[str, float, float]:
    return one.digest, one.pixel_x, one.pixel_y


def _ground(one: Detection, cell_m: float) -> Iterator[tuple[tuple[int, int], float]]:
    """Row and column of each cell that a plant lies on, and how much of its ground (m2) is there."""
    outline = shapely.Polygon(one.outline).buffer(0)
    if outline.is_empty:
        yield (math.floor(-one.north / cell_m), math.floor(one.east / cell_m)), one.area_m2
        return
    west, south, east, north = outline.bounds
    for row in range(math.floor(-north / cell_m), math.floor(-south / cell_m) + 1):
        for column in range(math.floor(west / cell_m), math.floor(east / cell_m) + 1):
            left, top = column * cell_m, -row * cell_m
            part = outline.intersection(shapely.box(left, top - cell_m, left + cell_m, top)).area
            yield (row, column), one.area_m2 * part / outline.area


def _answers(
    detections: Sequence[Detection], doubtful: Sequence[int], look: Again
) -> list[tuple[int, tuple[float, float | None]]]:
    """For each plant asked about: probability of a plant and of a weed if it is one; (MISSED, None) for no plant.

    A found plant answers for the nearest plant of the first look alone, so that a neighbour is not taken
    for the doubtful plant.
    """
    found = look.plants
    asked = {doubtful[spot]: (spot, apart) for spot, apart in zip(look.asked, look.apart_m, strict=True)}
    answers: dict[int, tuple[float, tuple[float, float | None]]] = {}
    if len(found):
        first = shapely.STRtree(shapely.points([(one.east, one.north) for one in detections]))
        nearest = first.nearest(shapely.points(found.place)).tolist()
        for number, owner in enumerate(nearest):
            spot, apart = asked.get(owner, (None, 0.0))
            away = math.dist(found.place[number].tolist(), (detections[owner].east, detections[owner].north))
            if spot is None or away > _reach(detections[owner], apart):
                continue
            if spot not in answers or away < answers[spot][0]:
                answers[spot] = (away, _told(found, number))
    return [(spot, answers[spot][1] if spot in answers else (MISSED, None)) for spot in look.asked]


def _reach(first: Detection, apart: float) -> float:
    """Half the plant, or what the two photos can be off against each other."""
    return max(LEAST_REACH_M, apart, math.sqrt(first.area_m2 / math.pi))


def _told(found: Plants, number: int) -> tuple[float, float | None]:
    return parts(float(found.score[number]), found.cover[number] == 2, float(found.weed_share[number]))


def parts(score: float, weed: bool, weed_share: float) -> tuple[float, float]:
    """Probability of a plant, and of a weed if it is one, from a score and that share.

    Where the share is not known (NaN) both doubts are taken to be alike.
    """
    if math.isnan(weed_share):
        half = math.sqrt(score)
        return half, half if weed else 1 - half
    return min(1.0, score / max(weed_share if weed else 1 - weed_share, score, _NEVER)), weed_share


def _settled(
    one: Detection, answers: Sequence[tuple[float, float | None]], sure_from: Mapping[Cover, float]
) -> Detection | None:
    share = math.nan if one.weed_share is None else one.weed_share
    own = parts(one.score, one.cover is Cover.WEED, share)
    plant = pooled([own[0], *(answer[0] for answer in answers)])
    shares = [value for _, value in (own, *answers) if value is not None]
    agreed = all(value is not None and (value >= 0.5) == (one.cover is Cover.WEED) for _, value in answers)
    if plant < DROPPED_BELOW:
        return None
    weed = pooled(shares)
    cover = one.cover if len(shares) == 1 else (Cover.WEED if weed >= 0.5 else Cover.CROP)
    score = plant * (weed if cover is Cover.WEED else 1 - weed)
    return replace(one, cover=cover, score=score, weed_share=weed, sure=agreed and score >= sure_from[cover])


def pooled(probabilities: Sequence[float]) -> float:
    """One probability from several looks (see the module)."""
    clipped = np.clip(np.array(probabilities, float), _NEVER, 1 - _NEVER)
    logits: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    count = len(logits)
    total = math.fsum(logits.tolist()) / (1 + (count - 1) * LIKENESS)  # exact, whatever their order
    return 1 / (1 + math.exp(-total))
