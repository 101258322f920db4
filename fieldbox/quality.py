"""How well a flight could be put on the map: for each photo, for the flight, and in words for the pilot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
import shapely.geometry
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import shapes

from fieldbox.aligning import Alignment
from fieldbox.domain import HOPELESS, NotAligned, Placement, Quality
from fieldbox.georef.adjustment import Outcome
from fieldbox.georef.controltrust import CHECKED
from fieldbox.georef.lattice import Lattice, lattice_of
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.preparing import Doubt
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.glance import Glance, worth_of

ENOUGH_PHOTOS = 3
"""Ground that fewer photos show is thin: one of them may be blurred, and its place rests on few ties."""
MOST_HOLES, MOST_THIN = 20, 40
LEAST_HOLE_M2 = 1.0
SIMPLER = 0.75
"""Cells by which an outline may differ from the steps of its cells."""
MOST_CELLS = 4_000_000
MISSED_PHOTOS = 3.0
"""Sides of a photo's ground across which bare ground between two parts of a flight is lines that were left out; more, and
these are two pieces of land."""
EDGE_CELLS = 2
"""Cells from the boundary at which bare ground reaches it: both are made of cells."""
SPOILT = 0.5
"""Share of burnt out or black pixels from which on nothing can be found in a photo."""
FOOTPRINT_CORNERS = 24
"""Of a footprint's ring at most: enough for a lens that bends its edges."""

Ring = tuple[tuple[float, float], ...]
"""Of (lon, lat)."""
Patch = tuple[Ring, ...]
"""Of ground: its outer ring, then those of its openings."""


@dataclass(frozen=True)
class Ground:
    """How often each patch of a field's ground is shown.

    lattice  its cells
    inside   bool [rows, columns], cells of the field that count
    times    int [rows, columns], photos that show the cell
    """

    lattice: Lattice
    inside: NDArray[np.bool_]
    times: NDArray[np.int32]

    @classmethod
    def of(cls, photos: Sequence[PhotoGeometry], ring: NDArray[np.float64], *, drawn: bool) -> Ground:
        """Count the photos over the field, all of it; `ring` [K, 2] is its boundary.

        If nobody has drawn that, it is the hull of what was flown: bare ground that reaches it was never to be flown,
        and does not count, unless it parts the flight as lines do that were left out.
        """
        lattice = _lattice_over(ring, photos)
        times = np.zeros((lattice.rows, lattice.columns), np.int32)
        for photo in photos:
            top, left, mask = _filled(photo.footprint(), lattice)
            times[top : top + mask.shape[0], left : left + mask.shape[1]] += mask
        inside = np.zeros(times.shape, np.bool_)
        top, left, mask = _filled(ring, lattice)
        inside[top : top + mask.shape[0], left : left + mask.shape[1]] = mask > 0
        if not drawn:
            shown, edge = inside & (times > 0), _at_the_edge(inside & (times == 0), inside)
            inside &= ~edge | _parting(edge, shown, MISSED_PHOTOS * _side(photos) / lattice.cell_m)
        return cls(lattice, inside, times)

    @property
    def overlap(self) -> float:
        """Photos that show a patch of ground: the median over the ground of the field that is shown at all."""
        shown = self.times[self.inside & (self.times > 0)]
        return float(np.median(shown)) if shown.size else 0.0

    @property
    def thin_pct(self) -> float:
        """Percent of the ground that counts that fewer than ENOUGH_PHOTOS photos show."""
        here = self.times[self.inside]
        return 100 * float((here < ENOUGH_PHOTOS).mean()) if here.size else 0.0

    @property
    def bare_pct(self) -> float:
        """Percent of the ground that counts that no photo shows."""
        here = self.times[self.inside]
        return 100 * float((here == 0).mean()) if here.size else 0.0

    def holes(self, plane: GroundPlane) -> list[Patch]:
        """Ground that no photo shows, the largest first."""
        return [_rings(one, plane) for one in self._patches(self.times == 0)[:MOST_HOLES]]

    def thin(self, plane: GroundPlane) -> list[Patch]:
        """Ground that only one or two photos show, the largest first."""
        patches = self._patches((self.times > 0) & (self.times < ENOUGH_PHOTOS))[:MOST_THIN]
        return [_rings(one, plane) for one in patches]

    def _patches(self, cells: NDArray[np.bool_]) -> list[shapely.Polygon]:
        """Patches of ground that counts, east and north, the largest first and none that are too small to matter."""
        wanted = (cells & self.inside).astype(np.uint8)
        lattice, cell = self.lattice, self.lattice.cell_m
        placed = Affine(cell, 0.0, lattice.west, 0.0, -cell, lattice.north)
        least = max(LEAST_HOLE_M2, 4 * cell**2)
        found = [shapely.geometry.shape(one) for one, _value in shapes(wanted, wanted > 0, transform=placed)]
        large = [_without_small(one, least).simplify(SIMPLER * cell) for one in found if one.area >= least]
        return sorted(large, key=lambda one: -one.area)


def _lattice_over(ring: NDArray[np.float64], photos: Sequence[PhotoGeometry]) -> Lattice:
    """Cells over a whole field, as fine as those that photos are chosen by, if these are not too many."""
    (west, south), (east, north) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
    cell = max(lattice_of(photos, None).cell_m, math.sqrt((east - west) * (north - south) / MOST_CELLS))
    columns, rows = math.ceil((east - west) / cell), math.ceil((north - south) / cell)
    return Lattice(west, north, cell, max(rows, 1), max(columns, 1))


def _without_small(patch: shapely.Polygon, least: float) -> shapely.Polygon:
    """A patch whose small openings are closed."""
    openings = [ring for ring in patch.interiors if shapely.Polygon(ring).area >= least]
    return shapely.Polygon(patch.exterior, openings)


def _at_the_edge(bare: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bare cells that hang together with the boundary of the field."""
    _count, label = cv2.connectedComponents(bare.astype(np.uint8), connectivity=8)
    core = cv2.erode(
        inside.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=EDGE_CELLS, borderType=cv2.BORDER_CONSTANT,
        borderValue=(0,),
    )  # fmt: skip
    reaching = np.unique(label[bare & (core == 0)])
    return np.asarray(bare & np.isin(label, reaching))


def _side(photos: Sequence[PhotoGeometry]) -> float:
    """Of a square as large as the ground that a photo shows, in metres; the median."""
    areas = [shapely.Polygon(ring).area for one in photos if len(ring := one.footprint()) >= 3]
    return math.sqrt(float(np.median(areas))) if areas else 0.0


def _parting(bare: NDArray[np.bool_], shown: NDArray[np.bool_], widest: float) -> NDArray[np.bool_]:
    """Patches of bare cells between parts of the shown ground that are no further from each other than `widest` cells."""
    parts, part = cv2.connectedComponents(shown.astype(np.uint8), connectivity=8)
    between = np.zeros_like(bare)
    if parts <= 2:  # one is what is not shown
        return between
    count, label, boxes, _middles = cv2.connectedComponentsWithStats(bare.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        left, top, width, height, _area = boxes[number].tolist()
        here = np.s_[max(top - 1, 0) : top + height + 1, max(left - 1, 0) : left + width + 1]
        patch = (label[here] == number).astype(np.uint8)
        reached = cv2.dilate(patch, np.ones((3, 3), np.uint8)) > 0
        beside = np.where(reached, part[here], 0).astype(np.int32)
        if _apart(beside) <= widest:
            between[here] |= patch > 0
    return between


def _apart(parts: NDArray[np.int32]) -> float:
    """Cells from the first part to the nearest other one; infinite where there is none. 0 is no part."""
    numbers = np.unique(parts[parts > 0])
    if len(numbers) < 2:
        return math.inf
    away = cv2.distanceTransform((parts != numbers[0]).astype(np.uint8), cv2.DIST_L2, 5)
    return float(away[(parts > 0) & (parts != numbers[0])].min())


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


def _rings(patch: shapely.Polygon, plane: GroundPlane) -> Patch:
    return tuple(
        _geographic(np.asarray(ring.coords)[:-1], plane) for ring in (patch.exterior, *patch.interiors)
    )


def _geographic(ring: NDArray[np.float64], plane: GroundPlane) -> Ring:
    lat, lon = plane.to_geographic(ring[:, 0], ring[:, 1])
    return tuple(zip(np.round(lon, 8).tolist(), np.round(lat, 8).tolist(), strict=True))


def placements_of(alignment: Alignment) -> tuple[Placement, ...]:
    """Where each photo of a flight stands."""
    adjusted = alignment.adjusted
    why = reasons_of(alignment)
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
                why=why.get(digest),
            )
        )
    return tuple(found)


def reasons_of(alignment: Alignment) -> dict[str, NotAligned]:
    """Why each photo that was left where its tags put it could not be aligned, by digest."""
    worth = worth_of(alignment.glances)
    doubts = dict(zip(alignment.told, alignment.adjusted.doubts, strict=True))
    grounds = {digest: _ground(photo) for digest, photo in alignment.told.items()} if alignment.kept else {}
    tree = shapely.STRtree(list(grounds.values()))
    found = {}
    for digest in alignment.kept:
        alone = len(tree.query(grounds[digest], predicate="intersects")) < 2  # itself is one
        found[digest] = _reason(
            alignment.glances.get(digest), worth.get(digest, 0.0), stray=Doubt.TIES in doubts[digest], alone=alone
        )  # fmt: skip
    return found


def _ground(photo: PhotoGeometry) -> shapely.Polygon:
    ring = photo.footprint()
    return shapely.Polygon(ring) if len(ring) >= 3 else shapely.Polygon()


def _reason(glance: Glance | None, worth: float, *, stray: bool, alone: bool) -> NotAligned:
    """The surest of the reasons that may hold."""
    if glance is None:
        return NotAligned.UNREADABLE
    checks = (
        (NotAligned.BLACK, glance.under >= SPOILT),
        (NotAligned.BURNT_OUT, glance.over >= SPOILT),
        (NotAligned.STRAY, stray),
        (NotAligned.ALONE, alone),
        (NotAligned.PLAIN, not np.isfinite(glance.sharpness)),
        (NotAligned.BLURRED, worth >= HOPELESS),
    )
    return next((reason for reason, holds in checks if holds), NotAligned.FEW)


def _error_in_the_middle(photo: PhotoGeometry) -> float:
    return float(photo.error95_m([[photo.camera.cx, photo.camera.cy]])[0])


def footprint_of(photo: PhotoGeometry) -> Ring:
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
        bare_pct=ground.bare_pct,
        thin=tuple(ground.thin(photos[0].plane)),
    )


def _pair_residual(alignment: Alignment) -> float | None:
    """Median over the pairs of their residuals, in pixels of the picture that was searched."""
    pairs = alignment.adjusted.pairs
    if not len(pairs):
        return None
    steps = alignment.step_px[pairs[:, :2].astype(int)].mean(axis=1)
    return float(np.median(pairs[:, 2] / steps))


def _control_missed(alignment: Alignment) -> float | None:
    """Root mean square, in metres, by which the control points that are used are missed; None: too few to tell."""
    off = alignment.control_off_m[alignment.control_used]
    off = off[np.isfinite(off).all(axis=1)]
    return float(np.sqrt((off**2).sum(axis=1).mean())) if len(off) >= CHECKED else None


def sentences_of(alignment: Alignment, quality: Quality) -> list[Sentence]:
    """What the alignment found, where somebody should know."""
    found: list[Sentence] = []
    told = {"error": round(quality.error_m, 1), "count": quality.photos - quality.aligned}
    if quality.photos < 2:
        return found
    if not quality.aligned:
        template = N_(
            "The photos could not be aligned with each other: positions are as the drone or a list told them, good to "
            "{error} m, and neighbouring photos may not meet. Fly with more overlap, or higher."
        )
        return [Sentence(template, told)]
    if quality.aligned < quality.photos:
        template = N_(
            "Photos that could not be aligned with the others and stand where the drone or a list put them: {count}. "
            "Plants there are mostly shown less than {off} m off (more if a heading is wrong), or twice."
        )
        found.append(Sentence(template, told | {"off": round(_worst_told(alignment), 1)}))
    if quality.blocks > 1:
        template = N_(
            "The photos form {blocks} groups that do not hang together: from one to the other positions may be off by "
            "{error} m."
        )
        jump = round(math.sqrt(2) * quality.error_m, 1)  # each is off by an error of its own
        found.append(Sentence(template, told | {"blocks": quality.blocks, "error": jump}))
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
        template = N_("Photos whose stated place, height or heading was wrong and was put right: {count}.")
        found.append(Sentence(template, {"count": wrong}))
    return found


def control_sentences(alignment: Alignment, names: Sequence[str]) -> list[Sentence]:
    """What became of the control points, by their names in the order of the alignment."""
    off = np.hypot(*alignment.control_off_m.T) if len(names) else np.zeros(0)
    used, seen = alignment.control_used, np.isfinite(off)
    found = []
    missed = _control_missed(alignment)
    told = {"count": int(used.sum()), "all": len(names)}
    if missed is not None:
        template = N_(
            "Ground control points that hold the map in place: {count} of {all}; it misses them by {off} m."
        )
        found.append(Sentence(template, told | {"off": round(missed, 2)}))
    elif used.any():
        template = N_(
            "Ground control points that hold the map in place: {count} of {all}, too few to check each other. The "
            "stated errors hold if these points are right; give at least 3 to have them checked."
        )
        found.append(Sentence(template, told))
    wrong = seen & ~used
    if wrong.any():
        worst = int(np.where(wrong, np.nan_to_num(off), -1).argmax())
        template = N_(
            "Ground control points that contradict the photos and are not used: {count} (the furthest: {name}, by "
            "{off} m). Check their coordinates, their coordinate system and their marks."
        )
        found.append(
            Sentence(
                template,
                {"count": int(wrong.sum()), "name": names[worst], "off": round(float(off[worst]), 1)},
            )
        )
    if (~seen).any():
        template = N_(
            "Ground control points that are not used because fewer than two photos that fit together show them marked: "
            "{count}."
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
