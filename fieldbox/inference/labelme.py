"""Labelled tiles as LabelMe writes them: a JSON of polygons beside each image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import Cover, Rejection
from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.inference.plants import CROP, WEED

CODES = {Cover.CROP: CROP, Cover.WEED: WEED}
USUAL = {
    **dict.fromkeys(("crop", "potato", "cauliflower", "cabbage", "maize", "corn", "bean"), Cover.CROP),
    **dict.fromkeys(("weed", "weeds"), Cover.WEED),
}
"""Labels that need no mapping, in small letters."""
ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".JPG", ".JPEG", ".PNG")
MAX_PIXELS = 250_000_000

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Labels:
    """The labelled plants of one tile; N of them.

    classes   uint8 [N]: 1 crop, 2 weed
    outlines  N of float32 [K, 2]: x, y of the outline's corners in pixels
    size      (height, width) of the tile
    """

    classes: NDArray[np.uint8]
    outlines: tuple[Floats, ...]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, slots=True)
class LabelledTile:
    """An image and what grows in it."""

    name: str
    image: Path
    labels: Labels

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [h, w, 3] RGB. Raises Rejected where the image is damaged or of another size than labelled."""
        try:
            coded = np.fromfile(self.image, np.uint8)
        except OSError as error:
            raise Rejected(
                N_("{file} cannot be read: {why}."), file=self.image.name, why=error.strerror or "?"
            ) from error
        read = cv2.imdecode(coded, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION) if coded.size else None
        if read is None:
            raise Rejected(N_("{file} is damaged or no picture."), file=self.image.name)
        if read.shape[:2] != self.labels.size:
            raise Rejected(
                N_("{file} is not of the size that its labels are for ({width} x {height} pixels)."),
                file=self.image.name, width=self.labels.size[1], height=self.labels.size[0],
            )  # fmt: skip
        return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)


def read_folder(
    folder: Path, mapping: Mapping[str, Cover | None] | None = None
) -> tuple[list[LabelledTile], list[Rejection]]:
    """Every labelled tile of a folder, and the files that cannot be used with the reason.

    mapping: what a label stands for, by its name; None for one that is to be left out. It goes before
    `USUAL`. Raises Rejected where there is no label file at all.
    """
    if not folder.is_dir():
        raise Rejected(N_("There is no folder {folder}: check the path."), folder=str(folder))
    files = sorted(folder.glob("*.json"))
    if not files:
        raise Rejected(
            N_("{folder} holds no LabelMe files: it should have a .json beside each image."),
            folder=str(folder),
        )
    meanings: dict[str, Cover | None] = {**USUAL, **{k.lower(): v for k, v in (mapping or {}).items()}}
    tiles, rejected = [], []
    for file in files:
        try:
            tiles.append(_read(file, meanings))
        except Rejected as error:
            rejected.append(Rejection(file.name, error.sentence))
    return tiles, rejected


def _read(file: Path, meanings: Mapping[str, Cover | None]) -> LabelledTile:
    try:
        raw = json.loads(file.read_text("utf-8"))
        size = (int(raw["imageHeight"]), int(raw["imageWidth"]))
        shapes = [(str(s["label"]), _outline(s, file)) for s in raw["shapes"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Rejected(N_("{file} is no LabelMe file or damaged."), file=file.name) from error
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise Rejected(N_("{file} is no LabelMe file or damaged."), file=file.name)
    image = _image_of(file, raw.get("imagePath"))
    unknown = sorted({label for label, _ in shapes if label.lower() not in meanings})
    if unknown:
        raise Rejected(
            N_("{file} has the label {label}: say what it is with --label {label}=crop, =weed or =none."),
            file=file.name, label=_shown(unknown[0]),
        )  # fmt: skip
    kept = [(kind, outline) for label, outline in shapes if (kind := meanings[label.lower()]) is not None]
    classes = np.array([CODES[kind] for kind, _ in kept], np.uint8)
    return LabelledTile(file.stem, image, Labels(classes, tuple(outline for _, outline in kept), size))


def _outline(shape: Mapping[str, Any], file: Path) -> Floats:
    """Corners of a polygon, rectangle or circle. Raises ValueError or Rejected."""
    points = np.asarray(shape["points"], np.float32).reshape(-1, 2)
    kind = shape.get("shape_type") or "polygon"
    if not np.isfinite(points).all() or np.abs(points).max(initial=0) > 1e6:
        raise ValueError(kind)
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    if kind == "circle" and len(points) == 2:
        around = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        radius = float(np.linalg.norm(points[1] - points[0]))
        ring = np.stack([np.cos(around), np.sin(around)], 1)
        return np.asarray(points[0] + radius * ring, np.float32)
    if kind == "polygon" and len(points) >= 3:
        return points
    raise Rejected(
        N_("{file} has a shape of the kind {kind} with {count} points: only outlines of plants can be used."),
        file=file.name, kind=_shown(str(kind)), count=len(points),
    )  # fmt: skip


def _shown(word: str) -> str:
    """A word of the file as it may stand in a sentence."""
    return "".join(one if one.isprintable() else "?" for one in word[:60])


def _image_of(file: Path, named: object) -> Path:
    """The image of a label file: what it names, in the same folder, or the one with the same stem."""
    # Only the last part counts: the path is that of the machine where the labels were drawn.
    names = [str(named).replace("\\", "/").rsplit("/", 1)[-1]] if named else []
    names += [file.stem + ending for ending in ENDINGS]
    for name in names:
        image = file.parent / name
        if name and image.is_file() and image != file:
            return image
    raise Rejected(N_("{file} has no image beside it."), file=file.name)
