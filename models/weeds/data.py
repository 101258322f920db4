"""Training images with plant instances, and the random crops made from them.

Two data sets, both MIT (see `../weeds.md`): a potato field seen from a drone, as abutting tiles with
polygons, and hand-held photos of cauliflower with crop masks. A `Field` is one picture with an id for
every pixel: 0 soil, a positive number for a plant, `IGNORED` where the truth is not known.
"""

from __future__ import annotations

import hashlib
import json
import math
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


def training_files(data: Path) -> list[Path]:
    """Every file of `data` that training reads, sorted."""
    potato = data / "potato-uav"
    files = [p for x in range(11) for p in potato.glob(f"tile_{x}_*.*")]
    for folder in ("train", "trainlabel"):
        files += (data / "cauliflower" / folder).iterdir()
    return sorted(files)


def training_digest(data: Path) -> str:
    """sha256 over the sorted names and bytes of the training files."""
    digest = hashlib.sha256()
    for path in training_files(data):
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
    """Paste columns of the potato field together; also tells which plants are torn at a tile border.

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


def _joined(image: Array, ids: Array, pieces: _Pieces, *, keep_torn: bool) -> tuple[Field, Array]:
    roots = [pieces.root(p) for p in range(len(pieces.classes))]
    order = {root: n for n, root in enumerate(sorted(set(roots)))}
    torn_roots = {pieces.root(p) for p in pieces.torn}
    classes = np.array([pieces.classes[r] for r in order], np.uint8)
    torn = np.array([r in torn_roots for r in order])
    number = np.array([order[r] for r in roots], np.int16)
    if not keep_torn:
        number = np.where(torn[number], IGNORED, number).astype(np.int16)
    return Field(image, number[ids], classes, classes > 0, (0.35, 1.8)), torn


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
        # What is neither clearly green nor clearly soil, or borders on the crop, teaches nothing.
        near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        ids = np.zeros(mask.shape, np.int16)
        ids[green > 0.04] = IGNORED
        ids[green > 0.10] = 1
        ids[near] = IGNORED
        # Leaves of one plant may be separate in the mask: close the gaps before telling plants apart.
        whole = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
        count, labels = cv2.connectedComponents(whole)
        ids[mask] = (labels[mask] + 1).astype(np.int16)
        classes = np.array([0, WEED] + [CROP] * (count - 1), np.uint8)
        fields.append(Field(image, ids, classes, np.array([False, False] + [True] * (count - 1)), (0.4, 1.3)))
    return fields


@dataclass(frozen=True)
class _Sprig:
    """A weed cut out of the field, to be planted elsewhere: RGBA uint8 [h, w, 4] and its outline's mask."""

    rgba: Array
    mask: Array


def _plants(field: Field, wanted: int) -> Array:
    """Centres of all plants of a class, float32 [n, 2] (x, y)."""
    positive = np.maximum(field.ids, 0).ravel()
    size = len(field.classes)
    area = np.bincount(positive, minlength=size)
    height, width = field.ids.shape
    x = np.bincount(positive, np.tile(np.arange(width, dtype=np.float32), height), size) / np.maximum(area, 1)
    y = np.bincount(positive, np.repeat(np.arange(height, dtype=np.float32), width), size) / np.maximum(
        area, 1
    )
    chosen = (field.classes == wanted) & field.single & (area > 0)
    return np.stack([x, y], 1)[chosen].astype(np.float32)


def _sprigs(field: Field) -> list[_Sprig]:
    found = []
    height, width = field.ids.shape
    for centre in _plants(field, WEED):
        x, y = (int(v) for v in centre)
        reach = 48
        if not (reach < x < width - reach and reach < y < height - reach):
            continue
        box = np.s_[y - reach : y + reach, x - reach : x + reach]
        own = field.ids[box] == field.ids[y, x]
        if field.ids[y, x] <= 0 or not 30 < own.sum() < 4000:
            continue
        patch = field.image[box]
        leaf = np.clip((excess_green(patch) - 0.03) / 0.07, 0, 1)
        alpha = cv2.GaussianBlur(leaf * own, (0, 0), 0.8)
        found.append(_Sprig(np.dstack([patch, (alpha * 255).astype(np.uint8)]), own.astype(np.uint8)))
    return found


@dataclass(frozen=True)
class Sample:
    """One training crop of `size` pixels, its targets on the grid of n = size / 4 cells.

    image    uint8 [size, size, 3]
    classes  uint8 [n, n], 255 where unknown
    heat     float32 [n, n], 1 at a plant's centre, falling off around it; negative where unknown
    offsets  float32 [2, n, n], cells from here to the centre of the plant, x then y
    weight   float32 [n, n], weight of the offset's loss
    """

    image: Array
    classes: Array
    heat: Array
    offsets: Array
    weight: Array


class Sampler:
    """Draws augmented crops. One seed gives one sequence."""

    def __init__(self, data: Path, size: int, seed: int, *, columns: Iterable[int] = range(11)) -> None:
        self.random = np.random.default_rng(seed)
        self.size = size
        potato, _ = load_potato(data, columns)
        self.potato = potato
        self.half = cv2.resize(potato.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        self.weeds, self.crops = _plants(potato, WEED), _plants(potato, CROP)
        self.sprigs = _sprigs(potato)
        self.cauliflower = load_cauliflower(data)

    def draw(self) -> Sample:
        """One crop: five in six from the potato field, the others from the cauliflower photos."""
        rng = self.random
        if rng.random() < 1 / 6:
            field = self.cauliflower[rng.integers(len(self.cauliflower))]
            height, width = field.ids.shape
            centre, half = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height]), None
        else:
            field, half = self.potato, self.half
            centre = self._somewhere()
        scale = self._scale(field.scales)
        image, ids = self._cut(field, half, centre, scale)
        if field is self.potato and rng.random() < 0.4:
            image, ids = self._plant(image, ids, scale)
        classes = np.concatenate([field.classes, np.full(64, WEED, np.uint8)])
        single = np.concatenate([field.single, np.full(64, True)])
        return Sample(recoloured(image, rng), *targets(ids, classes, single))

    def _somewhere(self) -> Array:
        rng = self.random
        pick = rng.random()
        if pick < 0.80:
            pool = self.weeds if pick < 0.55 else self.crops
            return pool[rng.integers(len(pool))].astype(np.float64)
        height, width = self.potato.ids.shape
        return np.array([rng.uniform(0, width), rng.uniform(0, height)])

    def _scale(self, limits: tuple[float, float]) -> float:
        """Log-normal around 0.9, cut at the limits: most crops near the field's own scale, some far off."""
        low, high = limits
        if self.random.random() < 0.5:
            return float(np.clip(math.exp(self.random.normal(-0.05, 0.3)), low, high))
        return float(math.exp(self.random.uniform(math.log(low), math.log(high))))

    def _cut(self, field: Field, half: Array | None, centre: Array, scale: float) -> tuple[Array, Array]:
        """A rotated, mirrored, zoomed crop: its image, and its ids on the cell grid."""
        rng, size = self.random, self.size
        turn, stretch = rng.uniform(0, 2 * math.pi), math.exp(rng.normal(0, 0.05))
        flip = 1.0 if rng.random() < 0.5 else -1.0
        cos, sin = math.cos(turn), math.sin(turn)
        # From crop pixels to field pixels, about the crop's middle.
        matrix = (
            np.array([[cos * flip * stretch, -sin / stretch], [sin * flip * stretch, cos / stretch]]) / scale
        )
        middle = centre + rng.uniform(-0.38, 0.38, 2) * size / scale
        shift = middle - matrix @ np.full(2, (size - 1) / 2)
        to_field = np.hstack([matrix, shift[:, None]])
        border = rng.random()
        mode, fill = (cv2.BORDER_REFLECT_101, (0, 0, 0)) if border < 0.4 else (cv2.BORDER_CONSTANT, (0, 0, 0))
        if border > 0.7:
            fill = tuple(int(v) for v in rng.integers(0, 256, 3))
        source, warp = field.image, to_field
        if half is not None and scale < 0.75:
            source, warp = half, np.hstack([matrix / 2, (shift[:, None] - 0.5) / 2])
        how = cv2.WARP_INVERSE_MAP | (cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR)
        image = cv2.warpAffine(source, warp, (size, size), flags=how, borderMode=mode, borderValue=fill)
        cells = size // 4
        grid = np.hstack([matrix * 4, (shift + matrix @ np.array([1.5, 1.5]))[:, None]])
        # Beyond the picture: soil where it is plainly blank, unknown where it is a mirror image.
        outside = IGNORED if mode == cv2.BORDER_REFLECT_101 else 0
        ids = cv2.warpAffine(
            field.ids, grid, (cells, cells), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT, borderValue=outside,
        )  # fmt: skip
        return image, ids

    def _plant(self, image: Array, ids: Array, scale: float) -> tuple[Array, Array]:
        """Plant a few weeds from elsewhere in the field onto this crop's soil."""
        rng, size, first = self.random, self.size, len(self.potato.classes)
        image, ids = image.copy(), ids.copy()
        for number in range(int(rng.integers(1, 6))):
            sprig = self.sprigs[rng.integers(len(self.sprigs))]
            turn, zoom = rng.uniform(0, 360), scale * math.exp(rng.normal(0, 0.15))
            reach = max(4, int(48 * zoom))
            x, y = (
                rng.integers(reach + 1, size - reach - 1, 2)
                if size > 2 * reach + 4
                else (size // 2, size // 2)
            )
            turned = cv2.getRotationMatrix2D((47.5, 47.5), turn, zoom)
            turned[:, 2] += reach - 47.5
            side = 2 * reach
            rgba = cv2.GaussianBlur(sprig.rgba, (0, 0), 0.45 / zoom) if zoom < 0.75 else sprig.rgba
            rgba = cv2.warpAffine(rgba, turned, (side, side), flags=cv2.INTER_LINEAR)
            own = cv2.warpAffine(sprig.mask, turned, (side, side), flags=cv2.INTER_NEAREST)
            x0, y0 = (int(v) // 4 * 4 - reach // 4 * 4 for v in (x, y))
            x0, y0 = max(0, x0), max(0, y0)
            x1, y1 = min(size, x0 + side), min(size, y0 + side)
            cells = np.s_[(y0 + 2) // 4 : (y1 + 1) // 4, (x0 + 2) // 4 : (x1 + 1) // 4]
            patch_cells = own[2 : y1 - y0 : 4, 2 : x1 - x0 : 4] > 0
            target = ids[cells][: patch_cells.shape[0], : patch_cells.shape[1]]
            patch_cells = patch_cells[: target.shape[0], : target.shape[1]]
            if not patch_cells.any() or (target[patch_cells] != 0).any():
                continue
            box = np.s_[y0:y1, x0:x1]
            alpha = rgba[: y1 - y0, : x1 - x0, 3:].astype(np.float32) / 255
            image[box] = (image[box] * (1 - alpha) + rgba[: y1 - y0, : x1 - x0, :3] * alpha).astype(np.uint8)
            target[patch_cells] = first + number
        return image, ids


def targets(ids: Array, classes: Array, single: Array) -> tuple[Array, Array, Array, Array]:
    """Targets on the cell grid (see `Sample`) for ids int16 [n, n]."""
    positive = np.maximum(ids, 0).astype(np.int32)
    kinds = classes[positive].astype(np.uint8)
    kinds[ids == IGNORED] = 255
    cells = ids.shape[0]
    grid = np.arange(cells, dtype=np.float32)
    xs, ys = np.tile(grid, cells), np.repeat(grid, cells)
    flat = positive.ravel()
    area = np.bincount(flat, minlength=len(classes)).astype(np.float32)
    cx = (np.bincount(flat, xs, len(classes)) / np.maximum(area, 1)).astype(np.float32)
    cy = (np.bincount(flat, ys, len(classes)) / np.maximum(area, 1)).astype(np.float32)
    counted = single & (area >= 2)
    counted[0] = False
    offsets = np.stack([cx[flat] - xs, cy[flat] - ys]).reshape(2, cells, cells).astype(np.float32)
    weight = (
        np.where(counted[flat], 1 / np.sqrt(np.maximum(area[flat], 1)), 0)
        .reshape(cells, cells)
        .astype(np.float32)
    )
    heat = np.zeros((cells, cells), np.float32)
    for plant in np.flatnonzero(counted):
        sigma = float(np.clip(math.sqrt(area[plant]) / 7, 1.0, 6.0))
        x, y, reach = round(float(cx[plant])), round(float(cy[plant])), math.ceil(3 * sigma)
        box = np.s_[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        bell = np.exp(
            -((grid[box[1]] - x) ** 2)[None] / (2 * sigma**2)
            - ((grid[box[0]] - y) ** 2)[:, None] / (2 * sigma**2)
        )
        np.maximum(heat[box], bell, out=heat[box])
    # No centre is taught where the plants were not told apart, or a plant is a mere speck.
    heat[(ids == IGNORED) | ((positive > 0) & ~counted[positive])] = -1
    return kinds, heat, offsets, weight * (kinds != 255)


def recoloured(image: Array, rng: np.random.Generator) -> Array:
    """The same picture under another light, on another soil, through another lens. uint8 in and out."""
    pixels = image.astype(np.float32)
    if rng.random() < 0.5:
        pixels = _other_soil(image, pixels, rng)
    if rng.random() < 0.9:
        pixels = _other_light(pixels, rng)
    if rng.random() < 0.25:
        pixels = _shadow(pixels, rng)
    if rng.random() < 0.3:
        pixels = _blurred(pixels, rng)
    if rng.random() < 0.3:
        pixels += rng.standard_normal(pixels.shape, np.float32) * rng.uniform(2, 10)
    out = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = int(rng.integers(35, 92))
        out = cv2.imdecode(
            cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    if rng.random() < 0.06:
        out = _framed(out, rng)
    return out


def _other_soil(image: Array, pixels: Array, rng: np.random.Generator) -> Array:
    """Recolour what is not green, and vary the green a little on its own."""
    leaf = np.clip((cv2.blur(excess_green(image), (3, 3)) - 0.03) / 0.06, 0, 1)[..., None]
    mean = pixels.reshape(-1, 3).mean(0)
    tint = np.array([rng.uniform(0.75, 1.3), 1.0, rng.uniform(0.7, 1.5)], np.float32) * rng.uniform(0.4, 1.6)
    soil = (pixels - mean) * rng.uniform(0.5, 1.5) + mean * tint
    if rng.random() < 0.4:
        coarse = rng.standard_normal((int(rng.integers(6, 60)),) * 2, np.float32) * rng.uniform(5, 25)
        soil = soil + cv2.resize(coarse, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    green = pixels * np.array([rng.uniform(0.8, 1.25), 1.0, rng.uniform(0.75, 1.3)], np.float32)
    return (soil * (1 - leaf) + green * leaf).astype(np.float32)


def _other_light(pixels: Array, rng: np.random.Generator) -> Array:
    gain = rng.uniform(0.82, 1.2, 3) * rng.uniform(0.55, 1.45)
    saturation = rng.uniform(0.5, 1.45)
    matrix = (saturation * np.eye(3) + (1 - saturation) / 3) * gain[None]
    out = cv2.transform(pixels, matrix.astype(np.float32))
    mean = float(out.mean())
    out = (out - mean) * np.float32(rng.uniform(0.65, 1.4)) + np.float32(mean)
    if rng.random() < 0.4:
        curve = (255 * (np.arange(256) / 255) ** rng.uniform(0.6, 1.6)).astype(np.float32)
        out = curve[np.clip(out, 0, 255).astype(np.uint8)]
    return out


def _shadow(pixels: Array, rng: np.random.Generator) -> Array:
    height, width = pixels.shape[:2]
    turn = rng.uniform(0, 2 * math.pi)
    x = (np.arange(width, dtype=np.float32) - width * rng.random()) * math.cos(turn)
    y = (np.arange(height, dtype=np.float32) - height * rng.random()) * math.sin(turn)
    edge = np.clip((x[None] + y[:, None]) / rng.uniform(4, 40), -30, 30)
    return pixels * (1 - np.float32(rng.uniform(0.2, 0.6)) / (1 + np.exp(-edge)))[..., None].astype(
        np.float32
    )


def _blurred(pixels: Array, rng: np.random.Generator) -> Array:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.7))
    length = int(rng.integers(2, 6))
    kernel = np.full((1, length), 1 / length, np.float32)
    return cv2.filter2D(pixels, -1, kernel if rng.random() < 0.5 else kernel.T)


def _framed(image: Array, rng: np.random.Generator) -> Array:
    """Blacken a band along one side, as at the edge of a mosaic. Plants in it stay in the truth: the band is thin."""
    out = image.copy()
    band = int(rng.integers(4, 14))
    side = int(rng.integers(4))
    out = np.rot90(out, side).copy()
    out[:band] = 0
    return np.ascontiguousarray(np.rot90(out, -side))
