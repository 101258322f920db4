"""One look: a view of a photo becomes sums over the field's cells, plants on the ground and a patch of mosaic.

This is all that is ever done with the pixels of a photo. Its result is committed photo by photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import LayerLabel, View, WeedBasis, Window
from fieldbox.errors import Rejected
from fieldbox.georef.again import SecondLook
from fieldbox.georef.coverage import CoveragePlan
from fieldbox.georef.owners import Owners
from fieldbox.georef.projection import RADIUS95, PhotoGeometry
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery import scene as scenes
from fieldbox.imagery.colour import judge_colour, judge_flight
from fieldbox.imagery.decode import REDUCTIONS, decode_jpeg
from fieldbox.imagery.glance import Glance
from fieldbox.imagery.indices import vegetation_indices
from fieldbox.imagery.mask import empty_blocks
from fieldbox.imagery.multispectral.packed import from_bytes
from fieldbox.imagery.plantcolour import plant_colours
from fieldbox.imagery.scene import KnownScenes, judge_picture
from fieldbox.imagery.shrink import in_blocks, resample, shrink
from fieldbox.imagery.spectral import possible, spectral_index
from fieldbox.inference import plants as inference
from fieldbox.inference.plants import STRIDE
from fieldbox.inference.weeds import WeedModel
from fieldbox.mapping.cells import SPECTRAL, PixelLayers, no_cells, sum_cells
from fieldbox.mapping.levelling import Levels, Swatch, level
from fieldbox.mapping.mosaic import Patch, paint_patch
from fieldbox.mapping.viewresult import VEGETATION, Plants, ViewResult

VERSION = 7
"""Raise it when the same photo would give another result: unfinished flights are then looked at anew."""

SEAM_M = 0.25
"""Plants this far outside a view's own ground are reported too, to be reconciled with the neighbour's."""
UNSURE_BELOW = 0.6
"""A pixel whose likeliest class has less probability than this is called unsure."""
SCENE_SAMPLES = 9
SIMULATED = "simulated"
"""A crop that every model knows: it is trained with simulated fields."""
PATCH_PX = 8
"""Side, in blocks of STRIDE pixels, of a patch of vegetation: some 9 cm."""
BESIDE_M = 0.5
"""Of a second look, plants up to this far from a doubtful spot are kept."""
BARREN = 0.5
"""Where more than this share of a view's plants hold no green pixel, those without are soil. (One by one a
plant without is most often a true one that is small or pale: all 4 of 187 on columns 11 and 12 of the potato field.)"""
CENTRE_M = 0.01
"""Standard error of a plant's centre in its picture, each axis: 14 mm across both on flights with exact poses over the
potato field's columns 13 and 14 (17 mm over a made field)."""
IN_SCALE = 1.02
"""The scale of photos is itself known to a few percent: this much past a model's own limit is not told from it."""
WORTH_RESAMPLING = 1.1
"""Photos less than this much finer than the model's own scale are looked at as they are."""

Reader = Callable[[str], bytes]
"""Bytes of the photo with this digest."""


class UnusablePhoto(Exception):
    """A photo of the plan whose pixels cannot be used: the flight has to be planned without it."""

    def __init__(self, digest: str, reason: Sentence) -> None:
        super().__init__(digest, str(reason))
        self.digest, self.reason = digest, reason


@dataclass(frozen=True)
class Scene:
    """How a flight can be looked at. The same for all of its photos."""

    scale: float
    """Pixels of the photo, in a row, that become one pixel to look at (1 or more)."""
    gsd_m: float
    """Of the photos at full scale (median)."""
    basis: WeedBasis | None
    """What weeds can be called from; None: they cannot."""
    natural_colour: bool
    warnings: tuple[Sentence, ...]

    @property
    def single_weeds(self) -> bool:
        """Whether plants are told one by one."""
        return self.basis is WeedBasis.PLANTS

    @property
    def reduction(self) -> int:
        """Photos are decoded at 1/reduction of their scale: the decoder halves, the rest is resampled."""
        return max(step for step in REDUCTIONS if step <= self.scale)

    @property
    def label(self) -> LayerLabel:
        """Photos from a plain camera say nothing about reflectance."""
        return LayerLabel.RGB_ONLY if self.natural_colour else LayerLabel.RELATIVE


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pixels of one window show, in blocks of STRIDE x STRIDE decoded pixels."""

    plants: inference.Plants
    colours: NDArray[np.float32]
    """[N, 3] of the plants; NaN where not known."""
    layers: PixelLayers
    barren: NDArray[np.bool_]
    """[N] plants that are soil: see BARREN."""
    odd: NDArray[np.bool_]
    """[rows, columns] blocks that show something else than the model knows: not judged."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return self.odd.shape[0], self.odd.shape[1]

    @property
    def on_odd(self) -> NDArray[np.bool_]:
        """[N] plants whose centre lies on a block that is not judged."""
        block = (self.plants.centres // STRIDE).astype(int).reshape(-1, 2)
        return np.asarray(self.odd[block[:, 1], block[:, 0]], np.bool_)

    def cover_pct(self, kind: int) -> float | None:
        """Percent of the blocks that are judged which plants of a class cover; None where none are called."""
        classes = self.layers.classes
        return None if classes is None else 100 * float((classes[~self.odd] == kind).mean())


@dataclass(frozen=True)
class Brightness:
    """How the photos of a flight are brought to one brightness for the mosaic; models see them as they are."""

    levels: Levels
    numbers: dict[str, int]
    """Of the photos in `levels`."""

    @classmethod
    def of(cls, glances: Mapping[str, Glance], geometries: Mapping[str, PhotoGeometry]) -> Brightness:
        """From what the photos look like at a glance, where they show the same ground."""
        swatches = []
        for digest, glance in glances.items():
            photo = geometries[digest]
            places = glance.places(photo.camera.width, photo.camera.height)
            ground = photo.pixel_to_ground(places.reshape(-1, 2)).reshape(places.shape)
            swatches.append(Swatch(glance.colours, glance.spoilt, ground, photo.camera))
        return cls(level(swatches), {digest: number for number, digest in enumerate(glances)})

    def levelled(self, pixels: NDArray[np.uint8], window: Window, photo: PhotoGeometry) -> NDArray[np.uint8]:
        """Pixels [h, w, 3] that show a window of a photo; as they are if nothing is known of it."""
        if photo.digest not in self.numbers:
            return pixels
        return self.levels.apply(pixels, window, photo.camera, self.numbers[photo.digest])


@dataclass(frozen=True)
class Looker:
    """Looks at views; safe to share between threads."""

    read: Reader
    plan: CoveragePlan
    geometries: dict[str, PhotoGeometry]
    scene: Scene
    model: WeedModel
    known: KnownScenes
    cell_m: float
    mosaic_gsd_m: float
    brightness: Brightness
    seams: Owners
    """Where the mosaic is cut; plants and cells are shared out as planned."""
    mask: Callable[[str], NDArray[np.bool_] | None] = lambda _digest: None
    """Where the picture with this digest holds anything [h, w]; None: everywhere."""
    bands: Callable[[str], bytes | None] = lambda _digest: None
    """Reflectance of an exposure, packed; None: a photo has none."""

    def look(self, index: int) -> tuple[ViewResult, Patch | None]:
        """The result of the plan's view `index`, and its part of the mosaic (None if it adds nothing).

        Raises UnusablePhoto if the photo's pixels are damaged or gone.
        """
        view = self.plan.views[index]
        geometry = self.geometries[view.digest]
        pixels = self._cut(decoded(view.digest, self.read, self.scene.reduction), view.window)
        seen = self._without_empty(self._see(pixels, geometry), view)
        seen = self._with_bands(seen, view)
        ground = self._ground_of_cells(view.window, geometry, seen)
        owned = (self.plan.owner_of(ground.reshape(-1, 2)) == index).reshape(ground.shape[:2])
        cells = sum_cells(ground, owned & ~seen.odd, self.cell_m, seen.layers)
        if self.scene.basis is WeedBasis.ROWS:
            found = _patches(ground, owned & ~seen.odd, seen.layers.vegetation)
        else:
            found = self._owned_plants(seen, index, view, geometry)
        return ViewResult(view.digest, cells, found), self._paint(index, view, geometry, pixels)

    def look_again(self, look: SecondLook, spots: NDArray[np.float64]) -> ViewResult:
        """The plants around doubtful spots ([N, 2] on the ground; `look.spots` number them) in another photo.

        Raises UnusablePhoto as `look` does.
        """
        geometry = self.geometries[look.digest]
        photo = decoded(look.digest, self.read, self.scene.reduction)
        asked = spots[list(look.spots)]
        found = [self._plants_around(photo, window, geometry, asked) for window in look.windows]
        return ViewResult(look.digest, no_cells(self.cell_m), Plants.joined(found))

    def _with_bands(self, seen: Seen, view: View) -> Seen:
        """Indices of the exposure's bands, in blocks."""
        packed = self.bands(view.digest)
        if packed is None:
            return seen
        try:
            planes = from_bytes(packed, window=view.window)
        except ValueError as error:
            template = N_("The copy on the box cannot be read ({why}): bring the flight in again.")
            raise UnusablePhoto(view.digest, Sentence(template, {"why": str(error)})) from error
        blocks = in_blocks(planes.bands, seen.shape)
        found = {
            name: spectral_index(name, blocks, planes.names)
            for name in possible(planes.names, planes.label)
            if name.lower() in SPECTRAL
        }
        layers = replace(seen.layers, spectral={name.lower(): found[name] for name in found})
        return replace(seen, layers=layers)

    def _without_empty(self, seen: Seen, view: View) -> Seen:
        """Blocks that hold nothing show nothing, so they are not judged."""
        mask = self.mask(view.digest)
        if mask is None:
            return seen
        return replace(seen, odd=seen.odd | empty_blocks(mask, view.window, seen.shape))

    def _plants_around(
        self, photo: NDArray[np.uint8], window: Window, geometry: PhotoGeometry, spots: NDArray[np.float64]
    ) -> Plants:
        seen = self._see(self._cut(photo, window), geometry)

        def beside(place: NDArray[np.float64]) -> NDArray[np.float64]:
            away = np.linalg.norm(place[:, None] - spots[None], axis=2).min(axis=1)
            return np.where(away <= BESIDE_M, 0.0, np.inf)

        return self._on_ground(seen, window, geometry, beside)

    def _paint(
        self, index: int, view: View, geometry: PhotoGeometry, pixels: NDArray[np.uint8]
    ) -> Patch | None:
        owned = partial(self.seams.owned_mask, index)
        bounds = self.seams.owned_bounds(index)
        levelled = partial(self.brightness.levelled, window=view.window, photo=geometry)
        return paint_patch(
            pixels, view.window, bounds, geometry.ground_to_pixel, owned, self.mosaic_gsd_m, levelled
        )

    def _cut(self, photo: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
        """A window of a decoded photo at the scene's scale: pixel u shows its pixel x0 + (u + 0.5) scale - 0.5."""
        r, w = self.scene.reduction, window
        part = photo[w.y0 // r : -(-w.y1 // r), w.x0 // r : -(-w.x1 // r)]
        return resample(part, self.scene.scale / r)

    def _origin(self, window: Window) -> tuple[float, float]:
        """Photo pixel (x, y) of the outer corner of the window's first pixel."""
        r = self.scene.reduction
        return window.x0 // r * r - 0.5, window.y0 // r * r - 0.5

    def _see(self, pixels: NDArray[np.uint8], geometry: PhotoGeometry) -> Seen:
        gsd_mm = 1000 * geometry.gsd_m * self.scene.scale
        return see(pixels, gsd_mm, self.scene, self.model, self.known)

    def _ground_of_cells(self, window: Window, geometry: PhotoGeometry, seen: Seen) -> NDArray[np.float64]:
        """[h, w, 2] ground of the centres of the model's cells of STRIDE x STRIDE decoded pixels."""
        x, y = self._origin(window)
        step = STRIDE * self.scene.scale
        rows, columns = seen.shape
        return geometry.ground_grid(x + step / 2, y + step / 2, step, columns, rows)

    def _owned_plants(self, seen: Seen, index: int, view: View, geometry: PhotoGeometry) -> Plants:
        """Plants of the view's own ground and of a band around it."""

        def beyond(place: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(seen.barren, np.inf, self.plan.distance_to_owned(index, place, SEAM_M))

        return self._on_ground(seen, view.window, geometry, beyond)

    def _on_ground(
        self,
        seen: Seen,
        window: Window,
        geometry: PhotoGeometry,
        beyond_of: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> Plants:
        """Plants in ground coordinates; those on odd blocks, and where `beyond_of` is infinite, are left out."""
        plants = seen.plants
        if not len(plants):
            return Plants.none()
        scale = self.scene.scale
        origin = np.array(self._origin(window)) + scale / 2
        pixel = plants.centres.astype(float) * scale + origin
        place = geometry.pixel_to_ground(pixel)
        beyond = beyond_of(place)
        kept = np.flatnonzero(np.isfinite(beyond) & np.isfinite(place).all(axis=1) & ~seen.on_odd)
        rings = [plants.outlines[i].astype(float) * scale + origin for i in kept]
        ends = np.cumsum([len(ring) for ring in rings], dtype=np.int32)
        outline = geometry.pixel_to_ground(np.concatenate([np.zeros((0, 2)), *rings]))
        centre_of_corner = np.repeat(place[kept], np.diff(ends, prepend=0), axis=0)
        metres = geometry.gsd_m * scale
        return Plants(
            cover=plants.classes[kept],
            score=plants.scores[kept],
            place=place[kept],
            area_m2=(plants.areas_px[kept] * metres**2).astype(np.float32),
            error_m=np.hypot(geometry.error95_m(pixel[kept]), RADIUS95 * CENTRE_M).astype(np.float32),
            pixel=pixel[kept].astype(np.float32),
            beyond_m=beyond[kept].astype(np.float32),
            colour=seen.colours[kept],
            sure=plants.sure[kept],
            weed_share=plants.weed_share[kept],
            ends=ends,
            outline=(outline - centre_of_corner).astype(np.float32),
        )


def see(pixels: NDArray[np.uint8], gsd_mm: float, scene: Scene, model: WeedModel, known: KnownScenes) -> Seen:
    """What a picture [h, w, 3] RGB shows; it is on the scene's scale, `gsd_mm` millimetres to a pixel."""
    small = shrink(pixels, STRIDE)
    index = vegetation_indices(small) if scene.natural_colour else None
    seen = model.look(pixels, gsd_mm) if scene.single_weeds else None
    layers = PixelLayers(
        classes=seen.classes if seen else None,
        unsure=seen.certainty < round(255 * UNSURE_BELOW) if seen else None,
        vegetation=index.vegetation if index else None,
        exg=index.exg if index else None,
        gli=index.gli if index else None,
        vari=index.vari if index else None,
    )
    plants = seen.plants if seen else inference.no_plants()
    odd = np.zeros(small.shape[:2], bool)
    if scene.basis:
        odd = judge_picture(small, known).strange(small.shape[:2])
    colours = np.full((len(plants), 3), np.nan, np.float32)
    if index:
        colours = plant_colours(small, index.vegetation, plants.outlines, STRIDE)
    barren = barren_of(colours) & (index is not None)
    if barren.any() and index and layers.classes is not None:
        layers = replace(layers, classes=np.where(index.vegetation, layers.classes, np.uint8(0)))
    return Seen(plants, colours, layers, barren, odd)


def decoded(digest: str, read: Reader, reduction: int) -> NDArray[np.uint8]:
    """The photo with this digest, [h, w, 3] RGB. Raises UnusablePhoto."""
    try:
        return decode_jpeg(read(digest), reduction=reduction)
    except Rejected as error:
        raise UnusablePhoto(digest, error.sentence) from error
    except OSError as error:
        template = N_("The copy on the box cannot be read ({why}): bring the flight in again.")
        raise UnusablePhoto(digest, Sentence(template, {"why": error.strerror or "?"})) from error


def barren_of(colours: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[N] which plants of a view are soil, from the colours [N, 3] of their green pixels: see BARREN."""
    without = np.isnan(colours[:, 0])
    return without if without.sum() > BARREN * len(without) else np.zeros(len(without), bool)


def knows_crop(model: WeedModel, crop: str) -> bool:
    """Whether a crop, by the name that people give it, is on the model's card."""
    return crop.strip().casefold() in {SIMULATED, *(one.casefold() for one in model.crops)}


def _patches(
    ground: NDArray[np.float64], owned: NDArray[np.bool_], vegetation: NDArray[np.bool_] | None
) -> Plants:
    """Vegetation as patches of PATCH_PX x PATCH_PX blocks: where they are, and how much of each is green."""
    if vegetation is None:
        return Plants.none()
    rows, columns = (size // PATCH_PX * PATCH_PX for size in owned.shape)
    green = (vegetation & owned)[:rows, :columns].reshape(rows // PATCH_PX, PATCH_PX, -1, PATCH_PX)
    share = green.mean(axis=(1, 3))
    middle = ground[PATCH_PX // 2 : rows : PATCH_PX, PATCH_PX // 2 : columns : PATCH_PX]
    across, down = (np.linalg.norm(np.diff(ground[:2, :2], axis=axis), axis=2).mean() for axis in (0, 1))
    kept = (share > 0) & np.isfinite(middle).all(axis=2)
    return Plants.patches(
        middle[kept], (share[kept] * across * down * PATCH_PX**2).astype(np.float32), VEGETATION
    )


def judge_scene(
    geometries: Sequence[PhotoGeometry],
    read: Reader,
    model: WeedModel,
    known: KnownScenes,
    *,
    crop: str | None = None,
    least_reduction: int = 1,
) -> Scene:
    """Decide how the photos of a flight can be looked at, from their scale and what a few of them show.

    `crop` is what grows there, if somebody said so: weeds of a crop that the model does not know are
    called from the rows alone.
    """
    gsd_m = float(np.median([one.gsd_m for one in geometries]))
    scale = scale_of(1000 * gsd_m, model, least_reduction)
    samples = [_sample(one.digest, read, scale) for one in _spread(geometries)]
    return judge_samples(samples, gsd_m, scale, model, known, crop=crop)


def judge_samples(
    samples: Sequence[NDArray[np.uint8]],
    gsd_m: float,
    scale: float,
    model: WeedModel,
    known: KnownScenes,
    *,
    crop: str | None = None,
) -> Scene:
    """As `judge_scene`, from pictures [h, w, 3] RGB that are already at the scale at which scenes are judged."""
    colour = judge_flight([judge_colour(one) for one in samples])
    in_scale = 1000 * gsd_m * scale <= IN_SCALE * model.gsd_range_mm[1]
    warnings = [colour.sentence] if colour.sentence else []
    if not in_scale:
        warnings.append(scale_sentence(1000 * gsd_m * scale, model))
    oddity = scenes.judge_flight([judge_picture(one, known) for one in samples]) if colour.natural else None
    if oddity:
        warnings.append(scenes.SENTENCES[oddity])
    elif colour.natural and scenes.closed_canopy(samples):
        warnings.append(scenes.CANOPY)
    basis = None if warnings else WeedBasis.PLANTS
    if basis and crop and not knows_crop(model, crop):
        basis = WeedBasis.ROWS
    return Scene(scale, gsd_m, basis, colour.natural, tuple(warnings))


def _sample(digest: str, read: Reader, scale: float) -> NDArray[np.uint8]:
    """A photo at the scale at which scenes are judged."""
    coarse = scale * scenes.COARSER
    reduction = max(step for step in REDUCTIONS if step <= coarse)
    return resample(decoded(digest, read, reduction), coarse / reduction)


def scale_sentence(gsd_mm: float, model: WeedModel) -> Sentence:
    """Why single weeds are not called at this scale, and what to do."""
    low, high = model.gsd_range_mm
    if gsd_mm > high:
        template = N_(
            "At {gsd} mm per pixel the photos are too coarse for single weeds: fly lower, to {limit} mm per pixel or finer."
        )
        return Sentence(template, {"gsd": round(gsd_mm, 1), "limit": round(high, 1)})
    template = N_(
        "At {gsd} mm per pixel the image is finer than the model knows: shrink it to {limit} mm per pixel."
    )
    return Sentence(template, {"gsd": round(gsd_mm, 2), "limit": round(low, 1)})


def scale_of(gsd_mm: float, model: WeedModel, least: int = 1) -> float:
    """Photos that are finer than the model's own scale are looked at on that scale, others as they are."""
    wanted = model.native_gsd_mm / gsd_mm
    return max(float(least), wanted if wanted > WORTH_RESAMPLING else 1.0)


def _spread(geometries: Sequence[PhotoGeometry]) -> Iterator[PhotoGeometry]:
    ordered = sorted(geometries, key=lambda one: one.digest)
    step = max(1, len(ordered) // SCENE_SAMPLES)
    yield from ordered[::step][:SCENE_SAMPLES]
