"""The real potato field as a canvas with exact truth, and how found weeds are scored on it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

TILE = 640
GSD_M = 0.0028
NEAR_M = 0.15
BORDER_PX = 2


@dataclass(frozen=True)
class Canvas:
    """Pasted columns of tiles: pixels RGB [h, w, 3] and the weeds on them."""

    pixels: NDArray[np.uint8]
    weeds: NDArray[np.float64]
    """[N, 2] centroids, canvas pixels."""
    ignored: NDArray[np.float64]
    """[M, 2] centroids of pieces that a tile border cut and whose other part is not labelled alike."""
    crop: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    """[K, 2] centroids of crop plants, those at the canvas's edge among them."""


@dataclass(frozen=True)
class Score:
    """One-to-one matching within 15 cm."""

    precision: float
    recall: float
    f1: float
    doubled: float
    """Share of detections that are unmatched but within 15 cm of a matched weed."""
    found: int
    truth: int


@dataclass
class _Piece:
    label: str
    mask: NDArray[np.uint8]
    """[h, w] of the piece's bounding box."""
    x: int
    y: int
    sides: set[str]


def paste(folder: Path, columns: Iterable[int], rows: Iterable[int] = range(10)) -> Canvas:
    """Columns of tiles as one field; same-label pieces that meet at a border are one plant."""
    columns, rows = list(columns), list(rows)
    pixels = np.zeros((len(rows) * TILE, len(columns) * TILE, 3), np.uint8)
    pieces: list[_Piece] = []
    for i, column in enumerate(columns):
        for j, row in enumerate(rows):
            name = folder / f"tile_{column}_{row}"
            image = cv2.imread(str(name.with_suffix(".jpg")))
            pixels[j * TILE : (j + 1) * TILE, i * TILE : (i + 1) * TILE] = image[..., ::-1]
            shapes = json.loads(name.with_suffix(".json").read_text())["shapes"]
            pieces += [_piece(s["label"], np.array(s["points"]), i * TILE, j * TILE) for s in shapes]
    weeds, ignored = _joined(pieces)
    return Canvas(pixels, weeds, ignored, _crop(pieces))


def score(found: NDArray[np.float64], canvas: Canvas, gsd_m: float = GSD_M) -> Score:
    """Score weed centres [N, 2] (canvas pixels) against the canvas's weeds."""
    near = NEAR_M / gsd_m
    matched = _match(found, canvas.weeds, near)
    rest = np.setdiff1d(np.arange(len(found)), matched[:, 0])
    if len(rest) and len(canvas.ignored):
        gap = np.linalg.norm(found[rest, None] - canvas.ignored[None], axis=2).min(axis=1)
        excused = rest[gap <= near]
    else:
        excused = rest[:0]
    counted = len(found) - len(excused)
    hits = len(matched)
    wrong = np.setdiff1d(rest, excused)
    doubles = 0
    if len(wrong) and hits:
        gap = np.linalg.norm(found[wrong, None] - canvas.weeds[matched[:, 1]][None], axis=2).min(axis=1)
        doubles = int((gap <= near).sum())
    precision, recall = hits / max(counted, 1), hits / max(len(canvas.weeds), 1)
    f1 = 2 * hits / max(counted + len(canvas.weeds), 1)
    return Score(precision, recall, f1, doubles / max(counted, 1), counted, len(canvas.weeds))


def _match(found: NDArray[np.float64], truth: NDArray[np.float64], near: float) -> NDArray[np.int64]:
    if not len(found) or not len(truth):
        return np.zeros((0, 2), np.int64)
    distance = np.linalg.norm(found[:, None] - truth[None], axis=2)
    cost = np.where(distance <= near, distance, 1e6)
    pairs = np.column_stack(linear_sum_assignment(cost))
    return pairs[cost[pairs[:, 0], pairs[:, 1]] < 1e6]


def _piece(label: str, points: NDArray[np.float64], left: int, top: int) -> _Piece:
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    mask = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
    cv2.fillPoly(mask, [np.round(points - low).astype(np.int32)], (1,))
    sides = set()
    if low[0] <= BORDER_PX:
        sides.add("w")
    if low[1] <= BORDER_PX:
        sides.add("n")
    if high[0] >= TILE - 1 - BORDER_PX:
        sides.add("e")
    if high[1] >= TILE - 1 - BORDER_PX:
        sides.add("s")
    return _Piece(label, mask, left + int(low[0]), top + int(low[1]), sides)


def _joined(pieces: list[_Piece]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centroids of whole weeds, and of pieces to be ignored."""
    weeds, ignored = [], []
    lonely = {i for i, one in enumerate(pieces) if _is_lonely(i, one, pieces)}
    for members in _groups(pieces):
        centre = _centroid([pieces[i] for i in members])
        if any(i in lonely for i in members):
            ignored.append(centre)
        elif pieces[members[0]].label == "weed":
            weeds.append(centre)
    return np.array(weeds, float).reshape(-1, 2), np.array(ignored, float).reshape(-1, 2)


def _crop(pieces: list[_Piece]) -> NDArray[np.float64]:
    """[K, 2] centroids of crop plants; pieces that meet at a border are one."""
    groups = [one for one in _groups(pieces) if pieces[one[0]].label != "weed"]
    centres = [_centroid([pieces[i] for i in members]) for members in groups]
    return np.array(centres, float).reshape(-1, 2)


def _partners(i: int, side: str, pieces: list[_Piece]) -> list[int]:
    return [j for j, other in enumerate(pieces) if j != i and _meet(pieces[i], other, side)]


def _is_lonely(i: int, one: _Piece, pieces: list[_Piece]) -> bool:
    """Cut by a border behind which there is nothing, or something else."""
    met = [_partners(i, side, pieces) for side in one.sides]
    return any(not partners or any(pieces[j].label != one.label for j in partners) for partners in met)


def _groups(pieces: list[_Piece]) -> list[list[int]]:
    """Pieces that are one plant: of the same label, on both sides of a border."""
    group = list(range(len(pieces)))
    for i, one in enumerate(pieces):
        for j in (j for side in one.sides for j in _partners(i, side, pieces)):
            if pieces[j].label == one.label and group[i] != group[j]:
                old, new = max(group[i], group[j]), min(group[i], group[j])
                group = [new if number == old else number for number in group]
    members: dict[int, list[int]] = {}
    for i, number in enumerate(group):
        members.setdefault(number, []).append(i)
    return list(members.values())


def _meet(one: _Piece, other: _Piece, side: str) -> bool:
    opposite = {"w": "e", "e": "w", "n": "s", "s": "n"}[side]
    if opposite not in other.sides:
        return False
    h, w = one.mask.shape
    oh, ow = other.mask.shape
    reach = 2 * BORDER_PX + 2
    if side in "we":
        gap = one.x - (other.x + ow) if side == "w" else other.x - (one.x + w)
        overlap = min(one.y + h, other.y + oh) - max(one.y, other.y)
    else:
        gap = one.y - (other.y + oh) if side == "n" else other.y - (one.y + h)
        overlap = min(one.x + w, other.x + ow) - max(one.x, other.x)
    return -reach <= gap <= reach and overlap > 0


def _centroid(pieces: list[_Piece]) -> tuple[float, float]:
    total, x, y = 0.0, 0.0, 0.0
    for piece in pieces:
        rows, columns = np.nonzero(piece.mask)
        total += len(rows)
        x += float((columns + piece.x).sum())
        y += float((rows + piece.y).sum())
    return x / max(total, 1), y / max(total, 1)
