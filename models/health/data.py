"""From painted pictures to features with labels, through the same steps as on the box."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fieldbox.imagery.indices import vegetation_indices
from fieldbox.imagery.plantcolour import plant_colours
from fieldbox.imagery.shrink import shrink
from fieldbox.inference.plants import STRIDE
from fieldbox.inference.weeds import WeedModel
from fieldbox.mapping.planthealth import compare
from fieldbox.mapping.rows import find_rows
from fieldbox.mapping.stand import missing_places, stand_of
from models.health.paint import HEALTHY, MISSING, STUNTED, YELLOWING, Array, boxes_of, growth, light, paint
from models.weeds.data import POTATO_GSD_MM, load_potato

CLASSES = (HEALTHY, STUNTED, YELLOWING)
CROP = 1
TRAIN, HELD_OUT = range(11), range(11, 15)


@dataclass(frozen=True)
class Ground:
    """A part of the potato field: picture, plant ids, and the ids of its whole crop plants."""

    image: Array
    ids: Array
    plants: Array


@dataclass(frozen=True)
class Found:
    """Crop plants that the network found: centres (x, y) in the picture's pixels, m2, mean RGB, scores."""

    pixel: Array
    area: Array
    colour: Array
    score: Array

    def where(self, kept: Array) -> Found:
        """Some of them."""
        return Found(self.pixel[kept], self.area[kept], self.colour[kept], self.score[kept])

    def and_also(self, other: Found) -> Found:
        """Both."""
        return Found(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in _NAMES))


_NAMES = ("pixel", "area", "colour", "score")


@dataclass(frozen=True)
class Seen:
    """What the box makes of one picture.

    features  float32 [n, F] of the crop plants found that lie on a labelled one
    labels    int [n], index into CLASSES
    plant     int [n], id of the labelled plant
    painted   {symptom: ids painted with it}
    gaps      float64 [m, 2] east, north (m) of missing plants called, or None
    middles   {id: (east, north)} of the plants that were taken out
    """

    features: Array
    labels: Array
    plant: Array
    painted: dict[str, Array]
    gaps: Array | None
    middles: dict[int, Array]


def load(data: Path, columns: range) -> Ground:
    """Columns of the potato field; plants cut at its edges or torn between tiles are not painted."""
    field, torn = load_potato(data, columns, keep_torn=True)
    area = np.bincount(np.maximum(field.ids, 0).ravel(), minlength=len(field.classes))
    edge = np.unique(np.concatenate([field.ids[0], field.ids[-1], field.ids[:, 0], field.ids[:, -1]]))
    whole = (field.classes == CROP) & ~torn & (area >= 60)
    whole[edge[edge > 0]] = False
    return Ground(field.image, field.ids, np.flatnonzero(whole))


def varied(ground: Ground, how: str, rng: np.random.Generator) -> Ground:
    """The same ground in other light and with a growth gradient, as the letters of `how` say (l, g)."""
    image = ground.image
    if "g" in how:
        image = growth(image, ground.ids, ground.plants, rng)
    if "l" in how:
        image = light(image, rng)
    return Ground(image, ground.ids, ground.plants)


def look(image: Array, model: WeedModel) -> Found:
    """The crop plants of a picture, through the steps of the box."""
    gsd_m = POTATO_GSD_MM / 1000
    found = model.look(image, POTATO_GSD_MM).plants
    crop = np.flatnonzero(found.classes == CROP)
    small = shrink(image, STRIDE)
    green = vegetation_indices(small).vegetation
    colours = plant_colours(small, green, [found.outlines[i] for i in crop], STRIDE)
    return Found(
        found.centres[crop].astype(float), found.areas_px[crop] * gsd_m**2, colours, found.scores[crop]
    )


def painted(ground: Ground, base: Found, model: WeedModel, rng: np.random.Generator) -> tuple[Found, Array]:
    """Paint symptoms on some plants and look at these again; the others stay as they were found.

    Gives what is found then, and the symptom of each plant id.
    """
    done = paint(ground.image, ground.ids, ground.plants, rng)
    boxes = boxes_of(ground.ids)
    found = base
    for plant in np.flatnonzero(done.symptoms != HEALTHY).tolist():
        box = boxes[plant]
        middle = (box[:2] + box[2:]) // 2
        half = max(_WINDOW, int((box[2:] - box[:2]).max()) // 2 + 48) // 32 * 32
        height, width = ground.ids.shape
        x0, y0 = (
            int(np.clip(m - half, 0, side - 2 * half))
            for m, side in zip(middle, (width, height), strict=True)
        )
        again = look(done.image[y0 : y0 + 2 * half, x0 : x0 + 2 * half], model)
        again = Found(again.pixel + np.array([x0, y0]), again.area, again.colour, again.score)
        found = found.where(~_within(found.pixel, box)).and_also(again.where(_within(again.pixel, box)))
    return found, done.symptoms


_WINDOW = 96


def _within(pixel: Array, box: Array) -> Array:
    return np.all((pixel >= box[:2] - 4) & (pixel < box[2:] + 4), axis=1)


def judge(ground: Ground, found: Found, symptoms: Array) -> Seen:
    """Features and labels of what was found."""
    places = found.pixel * (POTATO_GSD_MM / 1000) * (1, -1)
    rows = find_rows(places, found.score)
    judged = compare(places, found.area, found.colour, rows)
    own = _owners(ground, found.pixel, found.area)
    kept = np.flatnonzero((own > 0) & np.isfinite(judged.features).all(axis=1))
    kept = kept[symptoms[own[kept]] != MISSING]
    labels = np.array([CLASSES.index(symptoms[i]) for i in own[kept]], int)
    stand = stand_of(places, rows)
    by_symptom = {name: np.flatnonzero(symptoms == name) for name in (STUNTED, YELLOWING, MISSING)}
    return Seen(
        judged.features[kept], labels, own[kept], by_symptom,
        None if stand is None else missing_places(stand.gaps),
        {int(i): _middle(ground.ids, int(i)) for i in by_symptom[MISSING]},
    )  # fmt: skip


def _owners(ground: Ground, pixel: Array, areas: Array) -> Array:
    """[n] id of the labelled crop plant that each finding lies on; 0 for none, or where a larger one does."""
    height, width = ground.ids.shape
    x = np.clip(np.rint(pixel[:, 0]).astype(int), 0, width - 1)
    y = np.clip(np.rint(pixel[:, 1]).astype(int), 0, height - 1)
    own = np.maximum(ground.ids[y, x].astype(int), 0)
    own[~np.isin(own, ground.plants)] = 0
    for plant in np.unique(own[own > 0]):
        mine = np.flatnonzero(own == plant)
        own[np.setdiff1d(mine, mine[np.argmax(areas[mine])])] = 0
    return own


def _middle(ids: Array, plant: int) -> Array:
    rows, columns = np.nonzero(ids == plant)
    return np.array([columns.mean(), -rows.mean()]) * POTATO_GSD_MM / 1000
