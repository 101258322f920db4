"""How well a flight could be put on the map: for each photo, for the flight, and in words for the pilot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.aligning import Alignment
from fieldbox.domain import Placement, Quality
from fieldbox.georef.adjustment import Outcome
from fieldbox.georef.lattice import Lattice
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.preparing import Doubt
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence

ENOUGH_PHOTOS = 3
"""Ground that fewer photos show is thin: one of them may be blurred, and its place rests on few ties."""
MOST_HOLES = 20
LEAST_HOLE_M2 = 1.0
FOOTPRINT_CORNERS = 24
"""Of a footprint's ring at most: enough for a lens that bends its edges."""


@dataclass(frozen=True)
class Ground:
    """How often each patch of a field's ground is shown.

    lattice  its cells
    inside   bool [rows, columns], cells of the field
    times    int [rows, columns], photos that show the cell
    """

    lattice: Lattice
    inside: NDArray[np.bool_]
    times: NDArray[np.int32]

    @classmethod
    def of(cls, photos: Sequence[PhotoGeometry], lattice: Lattice, ring: NDArray[np.float64]) -> Ground:
        """Count the photos over the cells of a lattice; `ring` [K, 2] is the field's boundary."""
        times = np.zeros((lattice.rows, lattice.columns), np.int32)
        for photo in photos:
            top, left, mask = _filled(photo.footprint(), lattice)
            times[top : top + mask.shape[0], left : left + mask.shape[1]] += mask
        inside = np.zeros(times.shape, np.bool_)
        top, left, mask = _filled(ring, lattice)
        inside[top : top + mask.shape[0], left : left + mask.shape[1]] = mask > 0
        return cls(lattice, inside, times)

    @property
    def overlap(self) -> float:
        """Photos that show a patch of ground: the median over the ground of the field that is shown at all."""
        shown = self.times[self.inside & (self.times > 0)]
        return float(np.median(shown)) if shown.size else 0.0

    @property
    def thin_pct(self) -> float:
        """Percent of the field's ground that fewer than ENOUGH_PHOTOS photos show."""
        here = self.times[self.inside]
        return 100 * float((here < ENOUGH_PHOTOS).mean()) if here.size else 0.0

    def holes(self, plane: GroundPlane) -> Iterator[tuple[tuple[float, float], ...]]:
        """Rings of (lon, lat) around ground of the field that no photo shows, the largest first."""
        bare = (self.inside & (self.times == 0)).astype(np.uint8)
        outlines, _ = cv2.findContours(bare, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cell = self.lattice.cell_m
        rings = [self._ring(one[:, 0].astype(float)) for one in outlines]
        large = sorted((-one.area, number) for number, one in enumerate(rings))
        for area, number in large[:MOST_HOLES]:
            if -area >= max(LEAST_HOLE_M2, 4 * cell**2):
                yield _geographic(np.asarray(rings[number].exterior.coords)[:-1], plane)

    def _ring(self, cells: NDArray[np.float64]) -> shapely.Polygon:
        """The outline of cells by their centres, widened to their edges."""
        cell = self.lattice.cell_m
        east = self.lattice.west + (cells[:, 0] + 0.5) * cell
        north = self.lattice.north - (cells[:, 1] + 0.5) * cell
        points = shapely.MultiPoint(np.column_stack([east, north]))
        shape = shapely.Polygon(np.column_stack([east, north])) if len(cells) > 3 else points
        return shape.buffer(cell / 2, join_style="mitre").simplify(cell / 2)


def _filled(ring: NDArray[np.float64], lattice: Lattice) -> tuple[int, int, NDArray[np.uint8]]:
    """Cells whose centres a ring holds, as first row, first column and a mask that fits into the lattice."""
    if len(ring) < 3:
        return 0, 0, np.zeros((0, 0), np.uint8)
    places = (ring - (lattice.west, lattice.north)) / (lattice.cell_m, -lattice.cell_m) - 0.5
    left, top = np.clip(np.floor(places.min(axis=0)), 0, (lattice.columns, lattice.rows)).astype(int).tolist()
    right, bottom = (
        np.clip(np.ceil(places.max(axis=0)) + 1, (left, top), (lattice.columns, lattice.rows))
        .astype(int)
        .tolist()
    )
    mask = np.zeros((bottom - top, right - left), np.uint8)
    if mask.size:
        fixed = np.round((places - (left, top)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], (1,), shift=4)
    return top, left, mask


def _geographic(ring: NDArray[np.float64], plane: GroundPlane) -> tuple[tuple[float, float], ...]:
    lat, lon = plane.to_geographic(ring[:, 0], ring[:, 1])
    return tuple(zip(np.round(lon, 8).tolist(), np.round(lat, 8).tolist(), strict=True))


def placements_of(alignment: Alignment) -> tuple[Placement, ...]:
    """Where each photo of a flight stands."""
    adjusted = alignment.adjusted
    found = []
    for number, (digest, photo) in enumerate(alignment.geometries.items()):
        moved = np.linalg.norm(photo.centre - alignment.told[digest].centre) / photo.metres_on_grid
        residual = float(alignment.residual_px[number])
        found.append(
            Placement(
                digest=digest,
                pose=photo.pose,
                block=photo.block,
                error95_m=_error_in_the_middle(photo),
                moved_m=float(moved),
                residual_px=residual if photo.block is not None and np.isfinite(residual) else None,
                ties=int(alignment.ties[number]) if photo.block is not None else 0,
                doubts=tuple(sorted(one.value for one in adjusted.doubts[number])),
                footprint=footprint_of(photo),
            )
        )
    return tuple(found)


def _error_in_the_middle(photo: PhotoGeometry) -> float:
    return float(photo.error95_m([[photo.camera.cx, photo.camera.cy]])[0])


def footprint_of(photo: PhotoGeometry) -> tuple[tuple[float, float], ...]:
    """Ring of (lon, lat) of the ground that a photo shows; empty if it shows none."""
    ring = photo.footprint()
    step = max(1, len(ring) // FOOTPRINT_CORNERS)
    return _geographic(ring[::step], photo.plane) if len(ring) else ()


def quality_of(alignment: Alignment, ground: Ground, error_m: float, key: str) -> Quality:
    """The flight's quality; `error_m` is the survey's 95 % radius, `key` that of the kept alignment."""
    photos = list(alignment.geometries.values())
    told = [_error_in_the_middle(photo) for photo in alignment.told.values()]
    together = [photo.share95_m for photo in photos if photo.block is not None]
    missed = _control_missed(alignment)
    return Quality(
        photos=len(photos),
        aligned=sum(photo.block is not None for photo in photos),
        blocks=alignment.blocks,
        pairs=alignment.matched,
        residual_px=_pair_residual(alignment),
        apart_m=float(np.sqrt(2) * np.median(together)) if together else float(np.sqrt(2) * np.median(told)),
        told_error_m=float(np.sqrt(np.mean(np.square(told)))),
        error_m=error_m,
        control_points=int(alignment.control_used.sum()),
        control_error_m=missed,
        overlap=ground.overlap,
        thin_pct=ground.thin_pct,
        holes=tuple(ground.holes(photos[0].plane)),
        alignment=key,
    )


def _pair_residual(alignment: Alignment) -> float | None:
    """Median over the pairs of their residuals, in pixels of the picture that was searched."""
    pairs = alignment.adjusted.pairs
    if not len(pairs):
        return None
    steps = alignment.step_px[pairs[:, :2].astype(int)].mean(axis=1)
    return float(np.median(pairs[:, 2] / steps))


def _control_missed(alignment: Alignment) -> float | None:
    """Root mean square, in metres, by which the control points that are used are missed."""
    off = alignment.control_off_m[alignment.control_used]
    off = off[np.isfinite(off).all(axis=1)]
    return float(np.sqrt((off**2).sum(axis=1).mean())) if len(off) else None


def sentences_of(alignment: Alignment, quality: Quality) -> list[Sentence]:
    """What the alignment found, where somebody should know."""
    found: list[Sentence] = []
    told = {"error": round(quality.error_m, 1), "count": quality.photos - quality.aligned}
    if quality.photos < 2:
        return found
    if not quality.aligned:
        template = N_(
            "The photos could not be aligned with each other: positions are as the drone's GPS tells them, good to "
            "{error} m, and neighbouring photos may not meet. Fly with more overlap, or higher."
        )
        return [Sentence(template, told)]
    if quality.aligned < quality.photos:
        template = N_(
            "{count} photos could not be aligned with the others and stand where the drone's GPS put them: plants "
            "there may be shown up to {off} m off (more if a heading is wrong), or twice."
        )
        found.append(Sentence(template, told | {"off": round(_worst_told(alignment), 1)}))
    if quality.blocks > 1:
        template = N_(
            "The photos form {blocks} groups that do not hang together: from one to the other positions may be off by "
            "{error} m."
        )
        found.append(Sentence(template, told | {"blocks": quality.blocks}))
    if alignment.adjusted.yaw_mirrored:
        found.append(
            Sentence(
                N_("The photos state their headings with the wrong sign; the alignment has put them right.")
            )
        )
    wrong = sum(
        bool(doubts & {Doubt.POSITION, Doubt.HEIGHT, Doubt.YAW}) for doubts in alignment.adjusted.doubts
    )
    if wrong and not alignment.adjusted.yaw_mirrored:
        template = N_(
            "What {count} photos state of their place, height or heading was wrong and was put right."
        )
        found.append(Sentence(template, {"count": wrong}))
    return found


def control_sentences(alignment: Alignment, names: Sequence[str]) -> list[Sentence]:
    """What became of the control points, by their names in the order of the alignment."""
    off = np.hypot(*alignment.control_off_m.T) if len(names) else np.zeros(0)
    used, seen = alignment.control_used, np.isfinite(off)
    found = []
    if used.any():
        template = N_(
            "{count} of {all} ground control points hold the map in place; it misses them by {off} m."
        )
        missed = round(_control_missed(alignment) or 0.0, 2)
        found.append(Sentence(template, {"count": int(used.sum()), "all": len(names), "off": missed}))
    wrong = seen & ~used
    if wrong.any():
        worst = int(np.where(wrong, np.nan_to_num(off), -1).argmax())
        template = N_(
            "{count} ground control points contradict the photos and are not used (the furthest: {name}, by {off} m): "
            "check their coordinates, their coordinate system and their marks."
        )
        found.append(
            Sentence(
                template,
                {"count": int(wrong.sum()), "name": names[worst], "off": round(float(off[worst]), 1)},
            )
        )
    if (~seen).any():
        template = N_(
            "{count} ground control points are marked in fewer than two photos that fit together, and are not used."
        )
        found.append(Sentence(template, {"count": int((~seen).sum())}))
    return found


def _worst_told(alignment: Alignment) -> float:
    loose = [
        _error_in_the_middle(photo)
        for photo, outcome in zip(alignment.geometries.values(), alignment.adjusted.outcome, strict=True)
        if outcome is not Outcome.ADJUSTED
    ]
    return max(loose, default=0.0)
