"""One look: a view of a photo becomes sums over the field's cells, plants on the ground and a patch of mosaic.

This is all that is ever done with the pixels of a photo. Its result is committed photo by photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fieldbox.domain import LayerLabel, View
from fieldbox.errors import Rejected
from fieldbox.georef.coverage import CoveragePlan
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.colour import judge_colour, judge_flight
from fieldbox.imagery.decode import REDUCTIONS, decode_jpeg
from fieldbox.imagery.indices import vegetation_indices
from fieldbox.imagery.shrink import resample, shrink
from fieldbox.inference import plants as inference
from fieldbox.inference.plants import STRIDE
from fieldbox.inference.weeds import WeedModel
from fieldbox.mapping.cells import PixelLayers, sum_cells
from fieldbox.mapping.mosaic import Patch, paint_patch
from fieldbox.mapping.viewresult import Plants, ViewResult

VERSION = 2
"""Raise it when the same photo would give another result: unfinished flights are then looked at anew."""

SEAM_M = 0.25
"""Plants this far outside a view's own ground are reported too, to be reconciled with the neighbour's."""
UNSURE_BELOW = 0.6
"""A pixel whose likeliest class has less probability than this is called unsure."""
SCENE_SAMPLES = 9
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
    single_weeds: bool
    natural_colour: bool
    warnings: tuple[Sentence, ...]

    @property
    def reduction(self) -> int:
        """Photos are decoded at 1/reduction of their scale: the decoder halves, the rest is resampled."""
        return max(step for step in REDUCTIONS if step <= self.scale)

    @property
    def label(self) -> LayerLabel:
        """Photos from a plain camera say nothing about reflectance."""
        return LayerLabel.RGB_ONLY if self.natural_colour else LayerLabel.RELATIVE


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the pixels of one window show, in blocks of STRIDE x STRIDE decoded pixels."""

    plants: inference.Plants
    layers: PixelLayers
    rows: int
    columns: int


@dataclass(frozen=True)
class Looker:
    """Looks at views; safe to share between threads."""

    read: Reader
    plan: CoveragePlan
    geometries: dict[str, PhotoGeometry]
    scene: Scene
    model: WeedModel
    cell_m: float
    mosaic_gsd_m: float

    def look(self, index: int) -> tuple[ViewResult, Patch | None]:
        """The result of the plan's view `index`, and its part of the mosaic (None if it adds nothing).

        Raises UnusablePhoto if the photo's pixels are damaged or gone.
        """
        view = self.plan.views[index]
        geometry = self.geometries[view.digest]
        pixels = self._window(view)
        seen = self._see(pixels)
        ground = self._ground_of_cells(view, geometry, seen)
        owned = (self.plan.owner_of(ground.reshape(-1, 2)) == index).reshape(ground.shape[:2])
        cells = sum_cells(ground, owned, self.cell_m, seen.layers)
        found = self._on_ground(seen.plants, index, view, geometry)
        return ViewResult(view.digest, cells, found), self._paint(index, view, geometry, pixels)

    def _paint(
        self, index: int, view: View, geometry: PhotoGeometry, pixels: NDArray[np.uint8]
    ) -> Patch | None:
        owned = partial(self.plan.owned_mask, index)
        bounds = self.plan.owned_bounds(index)
        return paint_patch(pixels, view.window, bounds, geometry.ground_to_pixel, owned, self.mosaic_gsd_m)

    def _window(self, view: View) -> NDArray[np.uint8]:
        """The view's window at the scene's scale: pixel u shows pixel x0 + (u + 0.5) scale - 0.5 of the photo."""
        pixels = decoded(view.digest, self.read, self.scene.reduction)
        r, w = self.scene.reduction, view.window
        part = pixels[w.y0 // r : -(-w.y1 // r), w.x0 // r : -(-w.x1 // r)]
        return resample(part, self.scene.scale / r)

    def _origin(self, view: View) -> tuple[float, float]:
        """Photo pixel (x, y) of the outer corner of the window's first pixel."""
        r = self.scene.reduction
        return view.window.x0 // r * r - 0.5, view.window.y0 // r * r - 0.5

    def _see(self, pixels: NDArray[np.uint8]) -> _Seen:
        small = shrink(pixels, STRIDE)
        index = vegetation_indices(small) if self.scene.natural_colour else None
        seen = self.model.look(pixels) if self.scene.single_weeds else None
        layers = PixelLayers(
            classes=seen.classes if seen else None,
            unsure=seen.certainty < round(255 * UNSURE_BELOW) if seen else None,
            vegetation=index.vegetation if index else None,
            exg=index.exg if index else None,
            gli=index.gli if index else None,
            vari=index.vari if index else None,
        )
        return _Seen(seen.plants if seen else inference.no_plants(), layers, small.shape[0], small.shape[1])

    def _ground_of_cells(self, view: View, geometry: PhotoGeometry, seen: _Seen) -> NDArray[np.float64]:
        """[h, w, 2] ground of the centres of the model's cells of STRIDE x STRIDE decoded pixels."""
        x, y = self._origin(view)
        step = STRIDE * self.scene.scale
        return geometry.ground_grid(x + step / 2, y + step / 2, step, seen.columns, seen.rows)

    def _on_ground(self, plants: inference.Plants, index: int, view: View, geometry: PhotoGeometry) -> Plants:
        """Plants of the view's own ground and of a band around it, in ground coordinates."""
        if not len(plants):
            return Plants.none()
        scale = self.scene.scale
        origin = np.array(self._origin(view)) + scale / 2
        pixel = plants.centres.astype(float) * scale + origin
        place = geometry.pixel_to_ground(pixel)
        beyond = self.plan.distance_to_owned(index, place, SEAM_M)
        kept = np.flatnonzero(np.isfinite(beyond) & np.isfinite(place).all(axis=1))
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
            error_m=geometry.error95_m(pixel[kept]).astype(np.float32),
            pixel=pixel[kept].astype(np.float32),
            beyond_m=beyond[kept].astype(np.float32),
            ends=ends,
            outline=(outline - centre_of_corner).astype(np.float32),
        )


def decoded(digest: str, read: Reader, reduction: int) -> NDArray[np.uint8]:
    """The photo with this digest, [h, w, 3] RGB. Raises UnusablePhoto."""
    try:
        return decode_jpeg(read(digest), reduction=reduction)
    except Rejected as error:
        raise UnusablePhoto(digest, error.sentence) from error
    except OSError as error:
        template = N_("The copy on the box cannot be read ({why}): bring the flight in again.")
        raise UnusablePhoto(digest, Sentence(template, {"why": error.strerror or "?"})) from error


def judge_scene(
    geometries: Sequence[PhotoGeometry], read: Reader, model: WeedModel, *, least_reduction: int = 1
) -> Scene:
    """Decide how the photos of a flight can be looked at, from their scale and the colours of a few of them."""
    gsd_m = float(np.median([one.gsd_m for one in geometries]))
    scale = _scale(1000 * gsd_m, model, least_reduction)
    colour = judge_flight([judge_colour(decoded(one.digest, read, 8)) for one in _spread(geometries)])
    in_scale = 1000 * gsd_m * scale <= model.gsd_range_mm[1]
    warnings = [colour.sentence] if colour.sentence else []
    if not in_scale:
        warnings.append(scale_sentence(1000 * gsd_m * scale, model))
    return Scene(scale, gsd_m, in_scale and colour.natural, colour.natural, tuple(warnings))


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


def _scale(gsd_mm: float, model: WeedModel, least: int) -> float:
    """Photos that are finer than the model's own scale are looked at on that scale, others as they are."""
    wanted = model.native_gsd_mm / gsd_mm
    return max(float(least), wanted if wanted > WORTH_RESAMPLING else 1.0)


def _spread(geometries: Sequence[PhotoGeometry]) -> Iterator[PhotoGeometry]:
    ordered = sorted(geometries, key=lambda one: one.digest)
    step = max(1, len(ordered) // SCENE_SAMPLES)
    yield from ordered[::step][:SCENE_SAMPLES]
