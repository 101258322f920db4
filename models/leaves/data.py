"""Photos of bean leaves, and pictures of what is no bean leaf.

The photos: 1,167 of the Makerere AI Lab (CC BY 4.0, see `../leaves.md`), already square and shrunk to 288 px,
as `leaves/beans/{train,val}/{class}/*.jpg`. Other pictures come as kinds, so that a whole kind can be left
out of training and asked about afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

CLASSES = ("healthy", "bean_rust", "angular_leaf_spot")
NOT_A_LEAF = len(CLASSES)
SIDE = 288
FOLDS = 5
PER_KIND = 24
"""Pictures of each kind of what is no bean leaf."""
HELD_OUT = (("potato",), ("cauliflower",), ("seneca", "rededge"), ("brighton", "patterns"), ("drawn",))
"""Kinds that each fold never trains on, and is asked about."""
SAME_LEAF = 20
"""So many points of two photos that move alike say that they show the same leaf or the same spot."""

Array = np.ndarray


@dataclass(frozen=True)
class Leaves:
    """All labelled photos in the order of their names.

    names    such as `train/healthy/healthy_train_0.jpg`
    images   uint8 [n, 288, 288, 3] RGB
    labels   int [n], index into `CLASSES`
    authors  bool [n], True in the authors' training split
    """

    names: tuple[str, ...]
    images: Array
    labels: Array
    authors: Array


def rgb(path: Path) -> Array:
    """The picture as uint8 [h, w, 3]. A camera's own TIFF tags are no reason for a warning each."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def load_leaves(data: Path) -> Leaves:
    """Every photo under `data/leaves/beans`."""
    root = data / "leaves" / "beans"
    paths = sorted(root.glob("*/*/*.jpg"))
    return Leaves(
        tuple(path.relative_to(root).as_posix() for path in paths),
        np.stack([rgb(path) for path in paths]),
        np.array([CLASSES.index(path.parent.name) for path in paths]),
        np.array([path.parts[-3] == "train" for path in paths]),
    )


def training_digest(data: Path) -> str:
    """sha256 over the sorted names and bytes of the leaf photos that the shipped model was trained on."""
    digest = hashlib.sha256()
    for path in sorted((data / "leaves" / "beans" / "train").glob("*/*.jpg")):
        digest.update(path.relative_to(data).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _points(image: Array) -> tuple[Array, Array]:
    """The 120 strongest SIFT points: places [n, 2] and RootSIFT descriptors [n, 128]."""
    found, raw = cv2.SIFT_create(120).detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None)  # type: ignore[attr-defined]
    if raw is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    roots = np.sqrt(raw / (np.abs(raw).sum(1, keepdims=True) + 1e-9)).astype(np.float32)
    return np.array([one.pt for one in found], np.float32), roots


def _moved_alike(one: tuple[Array, Array], other: tuple[Array, Array]) -> int:
    """How many points of two photos agree on one homography."""
    likeness = one[1] @ other[1].T
    if min(likeness.shape) < 8:
        return 0
    best = likeness.argmax(1)
    mutual = np.flatnonzero((likeness.argmax(0)[best] == np.arange(len(best))) & (likeness.max(1) > 0.85))
    if len(mutual) < 8:
        return 0
    _, inside = cv2.findHomography(one[0][mutual], other[0][best[mutual]], cv2.RANSAC, 4.0, maxIters=300)
    return 0 if inside is None else int(inside.sum())


def same_leaf(images: Array, candidates: int = 4) -> list[tuple[int, int, int]]:
    """Pairs of photos that show the same leaf, as (index, index, agreeing points).

    Of each photo the `candidates` likest others are looked at: by small, blurred colour pictures in the
    eight directions that a photo can be turned and mirrored, and by how many strong points look alike.
    """
    points = [_points(image) for image in images]
    small = np.stack([cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA) for image in images])
    near = np.full((len(images), len(images)), np.inf, np.float32)
    flat = _unit(small)
    for turns in range(4):
        for mirrored in (small, small[:, :, ::-1]):
            near = np.minimum(near, 1 - flat @ _unit(np.rot90(mirrored, turns, (1, 2))).T)
    words = _unit(np.stack([_spread(found[1]) for found in points]))
    pairs: set[tuple[int, int]] = set()
    for distance in (near, 1 - words @ words.T):
        np.fill_diagonal(distance, np.inf)
        for index, row in enumerate(np.argsort(distance, 1)[:, :candidates]):
            pairs |= {(min(index, other), max(index, other)) for other in row.tolist()}
    counted = ((a, b, _moved_alike(points[a], points[b])) for a, b in sorted(pairs))
    return [(a, b, count) for a, b, count in counted if count >= SAME_LEAF]


def _unit(pictures: Array) -> Array:
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat = flat - flat.mean(1, keepdims=True)
    unit: Array = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6)
    return unit


def _spread(descriptors: Array) -> Array:
    """Mean and spread of a photo's descriptors: what kind of points it has."""
    if not len(descriptors):
        return np.zeros(256, np.float32)
    return np.concatenate([descriptors.mean(0), descriptors.std(0)])


def group(count: int, pairs: list[tuple[int, int, int]]) -> Array:
    """A group number for each photo; photos of the same leaf share one (union-find)."""
    parent = list(range(count))

    def root(one: int) -> int:
        while parent[one] != one:
            one = parent[one]
        return one

    for a, b, _ in pairs:
        parent[root(a)] = root(b)
    return np.array([root(one) for one in range(count)])


def split(labels: Array, groups: Array, seed: int = 0) -> Array:
    """A fold 0-4 for each photo: classes in equal parts, groups whole."""
    rng = np.random.default_rng(seed)
    folds = np.full(len(labels), -1)
    counts = np.zeros((FOLDS, len(CLASSES)), int)
    numbers = rng.permutation(np.unique(groups))
    sizes = {number: int((groups == number).sum()) for number in numbers.tolist()}
    # Large groups first: the small ones then even out what they leave uneven.
    for number in sorted(numbers.tolist(), key=lambda one: -sizes[one]):
        members = np.flatnonzero(groups == number)
        kind = int(np.bincount(labels[members]).argmax())
        fold = int(np.lexsort((counts.sum(1), counts[:, kind]))[0])
        folds[members] = fold
        np.add.at(counts[fold], labels[members], 1)
    return folds


def _window(image: Array, rng: np.random.Generator, least: float) -> Array:
    """A square window at least `least` of the shorter side wide, as 288 px."""
    height, width = image.shape[:2]
    side = int(min(height, width) * rng.uniform(least, 1.0))
    top, left = (int(rng.integers(0, room + 1)) for room in (height - side, width - side))
    cut = image[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return cv2.resize(cut, (SIDE, SIDE), interpolation=how)


def _from_files(paths: list[Path], rng: np.random.Generator, least: float) -> list[Array]:
    chosen = [paths[int(n)] for n in rng.integers(0, len(paths), PER_KIND)]
    return [_window(rgb(path), rng, least) for path in chosen]


def _patterns(rng: np.random.Generator) -> list[Array]:
    """Plain colours, gradients, clouds of colour, noise, stripes, shapes, lines of print."""
    makers: tuple[Callable[[np.random.Generator], Array], ...] = (_clouds, _stripes, _shapes, _print)
    return [makers[n % len(makers)](rng) for n in range(PER_KIND)]


def _clouds(rng: np.random.Generator) -> Array:
    cells = int(rng.choice([1, 2, 4, 16, 64]))
    coarse = rng.uniform(0, 255, (cells, cells, 3)) * rng.uniform(0.2, 1) + rng.uniform(0, 60, 3)
    fine = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).reshape(SIDE, SIDE, 3)
    return np.clip(fine + rng.normal(0, rng.uniform(0, 40), fine.shape), 0, 255).astype(np.uint8)


def _stripes(rng: np.random.Generator) -> Array:
    y, x = np.mgrid[:SIDE, :SIDE]
    wave = np.sin((x * rng.normal(0, 0.3) + y * rng.normal(0, 0.3)) + rng.uniform(0, 6))
    one, other = rng.uniform(0, 255, (2, 3))
    return np.clip(one + (other - one) * (wave[..., None] + 1) / 2, 0, 255).astype(np.uint8)


def _shapes(rng: np.random.Generator) -> Array:
    picture = _clouds(rng)
    for _ in range(int(rng.integers(2, 15))):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        (ax, ay), (bx, by) = rng.integers(0, SIDE, (2, 2)).tolist()
        if rng.random() < 0.5:
            cv2.rectangle(picture, (ax, ay), (bx, by), colour, -1)
        else:
            axes = (int(rng.integers(5, 90)), int(rng.integers(5, 90)))
            cv2.ellipse(picture, (ax, ay), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return picture


def _print(rng: np.random.Generator) -> Array:
    picture = np.full((SIDE, SIDE, 3), rng.integers(180, 256), np.uint8)
    for line in range(20, SIDE, int(rng.integers(16, 40))):
        text = "".join(chr(int(c)) for c in rng.integers(33, 122, 24))
        cv2.putText(
            picture, text, (5, line), cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.4, 0.9)), (30, 30, 30), 1
        )
    return picture


def _drawn(rng: np.random.Generator) -> list[Array]:
    """Windows of fields drawn by `fieldbox simulate`."""
    from fieldbox.simulate.field import SOILS, FieldOptions, grow_field  # noqa: PLC0415  only where it is needed

    fields = [
        grow_field(FieldOptions(size_m=(6.0, 5.0), soil=soil, seed=40 + n)).canvas
        for n, soil in enumerate(SOILS)
    ]
    return [_window(fields[n % len(fields)], rng, 0.08) for n in range(PER_KIND)]


def others(data: Path, seed: int = 5) -> dict[str, list[Array]]:
    """Pictures of what is no bean leaf: kind -> uint8 [288, 288, 3] each."""
    weeds, flights = data / "weeds", data / "flights"
    files = {
        "potato": (sorted((weeds / "potato-uav").glob("tile_*.jpg")), 0.15),
        "cauliflower": (sorted((weeds / "cauliflower" / "train").iterdir()), 0.35),
        "seneca": (sorted((flights / "seneca").glob("*.jpg")), 0.1),
        "brighton": (sorted((flights / "brighton").glob("*.JPG")), 0.1),
        "rededge": (sorted((flights / "rededge").glob("*.tif")), 0.2),
    }
    rng = np.random.default_rng(seed)
    made = {kind: _from_files(paths, rng, least) for kind, (paths, least) in files.items()}
    return made | {"drawn": _drawn(rng), "patterns": _patterns(rng)}


def _placed(image: Array, rng: np.random.Generator, side: int) -> Array:
    """Turn, mirror, shift and enlarge: one turned window of the photo, `side` px."""
    wide = rng.uniform(0.68, 1.08) * image.shape[0]
    turn = np.deg2rad(rng.normal(0, 20) + 90 * int(rng.integers(0, 4)) * (rng.random() < 0.3))
    room = max(0.0, image.shape[0] - wide) / 2
    x, y = image.shape[0] / 2 + rng.uniform(-room, room, 2) + rng.normal(0, 6, 2)
    scale = side / wide
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    matrix = np.array([[mirror * cos, -mirror * sin, 0], [sin, cos, 0]])
    matrix[:, 2] = side / 2 - matrix[:, :2] @ (x, y)
    return cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def _lit(image: Array, rng: np.random.Generator) -> Array:
    """Another light: brightness, contrast, white balance, saturation. Hue stays: it tells rust from spots."""
    floats = image.astype(np.float32) / 255
    floats = floats ** rng.uniform(0.75, 1.35) * np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.05, 3))
    grey = floats.mean(2, keepdims=True)
    floats = grey + (floats - grey) * rng.uniform(0.75, 1.25)
    lit: Array = (np.clip(floats, 0, 1) * 255).astype(np.uint8)
    return lit


def _worn(image: Array, rng: np.random.Generator) -> Array:
    """A lesser camera: blur, noise, compression."""
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < 0.25:
        image = np.clip(image + rng.normal(0, rng.uniform(2, 9), image.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 95))])
        image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return image


def varied(image: Array, rng: np.random.Generator, side: int) -> Array:
    """One variation of a photo for training, uint8 [side, side, 3]."""
    return _worn(_lit(_placed(image, rng, side), rng), rng)
