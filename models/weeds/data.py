"""Training images with plant instances.

Two data sets, both MIT (see `../weeds.md`): a potato field seen from a drone, as abutting tiles with
polygons, and hand-held photos of cauliflower with crop masks. A `Field` is one picture with an id for
every pixel: 0 soil, a positive number for a plant, `IGNORED` where the truth is not known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

CROP, WEED = 1, 2
IGNORED = -1
TILE = 640
ROWS = 10
POTATO_GSD_MM = 2.8
LABELS = {"potato": CROP, "weed": WEED}

Array = np.ndarray


@dataclass(frozen=True)
class Field:
    """One picture and what grows in it.

    image    uint8 [h, w, 3] RGB
    ids      int16 [h, w]: 0 soil, n > 0 plant n, `IGNORED`
    classes  uint8 [n + 1], class of each id (entry 0 unused)
    single   bool [n + 1], whether the id is one plant (False: a patch whose plants were not told apart)
    scales   (least, most) sensible zoom of this picture
    """

    image: Array
    ids: Array
    classes: Array
    single: Array
    scales: tuple[float, float]


def training_files(data: Path, columns: Iterable[int]) -> list[Path]:
    """Every file of `data` that training on these columns reads, sorted."""
    potato = data / "potato-uav"
    files = [p for x in columns for p in potato.glob(f"tile_{x}_*.*")]
    for folder in ("train", "trainlabel"):
        files += (data / "cauliflower" / folder).iterdir()
    return sorted(files)


def training_digest(data: Path, columns: Iterable[int]) -> str:
    """sha256 over the sorted names and bytes of the training files."""
    digest = hashlib.sha256()
    for path in training_files(data, columns):
        digest.update(path.relative_to(data).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _rgb(path: Path) -> Array:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


class _Pieces:
    """Polygons cut at tile borders, to be joined into plants (union-find over piece ids)."""

    def __init__(self, classes: list[int]) -> None:
        self.classes = classes
        self.parent = list(range(len(classes)))
        self.torn: set[int] = set()

    def root(self, piece: int) -> int:
        while self.parent[piece] != piece:
            piece = self.parent[piece]
        return piece

    def meet(self, near: Array, far: Array) -> None:
        """Join what meets along one border, given the ids on its two sides."""
        partnered: set[int] = set()
        pairs, counts = np.unique(np.stack([near, far]), axis=1, return_counts=True)
        for (a, b), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            if a > 0 and b > 0 and count >= 3:
                if self.classes[a] == self.classes[b]:
                    self.parent[self.root(a)] = self.root(b)
                    partnered |= {a, b}
                else:
                    self.torn |= {a, b}
        for side in (near, far):
            pieces, lengths = np.unique(side[side > 0], return_counts=True)
            self.torn |= {
                p
                for p, n in zip(pieces.tolist(), lengths.tolist(), strict=True)
                if n >= 4 and p not in partnered
            }


def load_potato(data: Path, columns: Iterable[int], *, keep_torn: bool = False) -> tuple[Field, Array]:
    """Paste neighbouring columns of the potato field together; also tells which plants are torn at a tile border.

    A plant is torn where its piece has no partner across the border, or one of another class. Such a
    plant is `IGNORED` in the ids unless `keep_torn`. Returns the field and bool [n + 1].
    """
    columns = list(columns)
    image = np.zeros((ROWS * TILE, len(columns) * TILE, 3), np.uint8)
    ids = np.zeros(image.shape[:2], np.int32)
    classes = [0]
    for place, column in enumerate(columns):
        for row in range(ROWS):
            path = data / "potato-uav" / f"tile_{column}_{row}.jpg"
            box = np.s_[row * TILE : (row + 1) * TILE, place * TILE : (place + 1) * TILE]
            image[box] = _rgb(path)
            # Crops first: a weed drawn inside a crop plant's loose outline stays a weed.
            shapes = json.loads(path.with_suffix(".json").read_text())["shapes"]
            for shape in sorted(shapes, key=lambda s: LABELS[s["label"]]):
                corners = np.round(np.array(shape["points"], np.float64)).astype(np.int32)
                tile = ids[box].copy()
                cv2.fillPoly(tile, [corners], len(classes))
                ids[box] = tile
                classes.append(LABELS[shape["label"]])
    pieces = _Pieces(classes)
    for border in range(TILE, image.shape[1], TILE):
        pieces.meet(ids[:, border - 2], ids[:, border + 1])
    for border in range(TILE, image.shape[0], TILE):
        pieces.meet(ids[border - 2], ids[border + 1])
    return _joined(image, ids, pieces, keep_torn=keep_torn)


def neighbours(columns: Iterable[int]) -> list[list[int]]:
    """Columns as runs that lie side by side: only these can be pasted into one picture."""
    runs: list[list[int]] = []
    for column in sorted(columns):
        if runs and column == runs[-1][-1] + 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    return runs


def _joined(image: Array, ids: Array, pieces: _Pieces, *, keep_torn: bool) -> tuple[Field, Array]:
    roots = [pieces.root(p) for p in range(len(pieces.classes))]
    order = {root: n for n, root in enumerate(sorted(set(roots)))}
    torn_roots = {pieces.root(p) for p in pieces.torn}
    classes = np.array([pieces.classes[r] for r in order], np.uint8)
    torn = np.array([r in torn_roots for r in order])
    number = np.array([order[r] for r in roots], np.int16)
    if not keep_torn:
        number = np.where(torn[number], IGNORED, number).astype(np.int16)
    return Field(image, number[ids], classes, classes > 0, (0.28, 1.5)), torn


def excess_green(image: Array) -> Array:
    """(2G - R - B) / (R + G + B) of uint8 RGB, as float32 [h, w]: about 0 on soil, above 0.1 on leaves."""
    total = cv2.transform(image.astype(np.float32), np.array([[1.0, 1.0, 1.0]], np.float32)) + 1.0
    return cv2.transform(image.astype(np.float32), np.array([[-1.0, 2.0, -1.0]], np.float32)) / total


def load_cauliflower(data: Path) -> list[Field]:
    """The cauliflower photos. Crop is labelled; weed is derived: green that is not crop, no single plants."""
    fields = []
    folder = data / "cauliflower"
    for path in sorted((folder / "train").iterdir()):
        image = _rgb(path)
        mask = (
            cv2.imread(str(folder / "trainlabel" / path.with_suffix(".png").name), cv2.IMREAD_GRAYSCALE) > 127
        )
        green = cv2.GaussianBlur(excess_green(image), (0, 0), 1.5)
        # What is neither clearly green nor clearly soil, or touches the crop, teaches nothing. No more than the
        # one pixel that touches: where a margin is left out, the crop is drawn over the weeds around it.
        near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        ids = np.zeros(mask.shape, np.int16)
        ids[green > 0.04] = IGNORED
        ids[green > 0.10] = 1
        ids[near] = IGNORED
        # Leaves of one plant may be separate in the mask: close the gaps before telling plants apart.
        whole = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
        count, labels = cv2.connectedComponents(whole)
        ids[mask] = (labels[mask] + 1).astype(np.int16)
        classes = np.array([0, WEED] + [CROP] * (count - 1), np.uint8)
        fields.append(Field(image, ids, classes, np.array([False, False] + [True] * (count - 1)), (0.3, 1.3)))
    return fields
