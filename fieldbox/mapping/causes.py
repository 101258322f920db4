"""What a person should look at in a zone where the crop is poor. Never a diagnosis: from the air nobody sees a cause.

The rules follow published guides to looking for causes on foot: what is unlike the rest of the field, and its pattern, say where
to look first; then good and poor plants are dug up and compared, roots and all.

- University of Missouri Extension, G4050 "Troubleshooting Field Crop Problems": observe all parts of a plant, roots too, since
  the point of injury is often not where the symptoms show; missing plants, crusts, water, fertiliser, pests, drift.
- University of Georgia (Beasley, Harris, Brown), "Guide to Field Crop Troubleshooting", and University of Delaware, AF-15
  "Diagnosing Crop Problems for Agricultural Advisors": the pattern in the field (edges, strips of a machine's width, patches)
  tells machines and neighbours from soil and living causes; sample along the margin of good and poor.
- CIMMYT, "Maize Doctor" and "Wheat Doctor", "What do the observations mean?" and "Five steps to determine field problems":
  missing plants (establishment, soil insects, rats, birds), stunted plants (water or nutrient stress), old or young leaves
  first; pull up one plant inside the patch and one outside, and compare.
- Field Crop News (Ontario), "Diagnosing Nutrient Deficiencies" (2019): nitrogen shows on the old leaves, iron and sulphur on the
  young ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldbox.domain import FieldMap
from fieldbox.i18n import N_, Sentence
from fieldbox.mapping.cropevidence import CropPlants
from fieldbox.mapping.health import wilson95

Floats = NDArray[np.float64]

MOST = 3
"""Causes named for a zone: more would be a list of everything."""
LEAST_PLANTS = 5
LEAST_SHARE = 0.05
"""Beyond the rest of the field, of plants or of ground: less explains no zone."""
TIMES_WEEDS = 1.5
"""Weed cover of a zone over that of the rest."""
EDGE_M = 6.0
"""Ground that turning machines, hedges and neighbours reach."""
ALONG_EDGE = 0.6
"""Share of a zone that lies within EDGE_M of the field's boundary..."""
EDGE_TIMES = 1.5
"""...if it is so many times the field's own share: a narrow field is all edge."""
STRIP = 4.0
"""Length over width from which a zone is a strip."""
ALONG_ROWS_DEG = 10.0
ROUND = 0.6
"""4 pi area / perimeter^2 (Cox 1927, Journal of Paleontology 1, 179-183): 1 for a disc, 0.79 for a square."""
ROUND_LENGTH = 1.6

MISSING = N_(
    "Plants are missing: dig where one should stand, and look for the seed and its depth, a crust, standing water and what may"
    " have eaten it."
)
STUNTED = N_(
    "Plants are small but not yellow: dig one up beside a good one, and look for hard or shallow soil, dry or soaked ground, and"
    " swellings or rot on the roots."
)
YELLOWING = N_(
    "Plants are yellow: see whether old leaves (nitrogen) or young ones (iron, sulphur) turned first, whether there are spots or"
    " insects, and whether the ground is soaked."
)
WEEDS = N_(
    "There are more weeds than elsewhere: see whether the crop is poor only where they stand, or beside them as well."
)
EDGE = N_(
    "It runs along the field's edge: look for shade, roots of a hedge or trees, ground pressed by turning, and drift from next"
    " door."
)
STRIP_ALONG = N_(
    "It is a strip along the rows: look for wheel tracks, a blocked seed or spray outlet, and passes that overlap or leave a gap."
)
PATCH = N_(
    "It is a round patch: walk from good crop into it, and compare soil, wetness, roots and the undersides of leaves at its"
    " margin."
)
COMPARE = N_(
    "Dig up one plant inside and one outside, and compare leaves, stems, roots and soil: nothing seen from the air sets it apart."
)


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """A field, and what is known of it."""

    boundary: shapely.Polygon
    """East, north."""
    grid: FieldMap
    crop: CropPlants | None
    rows_deg: float | None
    """In which crop rows run, clockwise from grid north."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What sets a zone apart from the rest of its field. Shares beyond those of the rest, 0 to 1; 0 where not beyond chance."""

    missing: float = 0.0
    stunted: float = 0.0
    yellowing: float = 0.0
    weeds: float = 0.0
    """Of the ground."""
    edge: bool = False
    strip: bool = False
    """Along the rows."""
    round: bool = False

    @classmethod
    def of(cls, shape: shapely.Polygon, ground: Ground) -> Facts:
        """What is known of the ground in `shape`."""
        edge = _along_edge(shape, ground.boundary)
        length, width, direction = _extent(shape)
        slender = width > 0 and length / width >= STRIP
        strip = (
            slender and ground.rows_deg is not None and _between(direction, ground.rows_deg) <= ALONG_ROWS_DEG
        )
        compact = 4 * math.pi * shape.area / shape.length**2 if shape.length else 0.0
        whole = compact >= ROUND and width > 0 and length / width <= ROUND_LENGTH
        return cls(
            **(_of_plants(shape, ground.crop) if ground.crop is not None else {}),
            weeds=_weeds(shape, ground.grid),
            edge=edge,
            strip=strip and not edge,
            round=whole and not edge,
        )


def causes_of(facts: Facts) -> tuple[Sentence, ...]:
    """What to look at, at most MOST: what is seen of plants and weeds first, by how many it takes, then the pattern."""
    seen = [
        (facts.missing, MISSING),
        (facts.yellowing, YELLOWING),
        (facts.stunted if facts.stunted > facts.yellowing else 0.0, STUNTED),
        (facts.weeds, WEEDS),
    ]
    told = [words for share, words in sorted(seen, key=lambda one: -one[0]) if share >= LEAST_SHARE]
    pattern = ((facts.edge, EDGE), (facts.strip, STRIP_ALONG), (facts.round, PATCH))
    told += [words for there, words in pattern if there]
    return tuple(Sentence(words) for words in (told or [COMPARE])[:MOST])


# -- plants and weeds ------------------------------------------------------------------------------


def _of_plants(shape: shapely.Polygon, crop: CropPlants) -> dict[str, float]:
    standing, gone = _within(shape, crop.places), _within(shape, crop.missing)
    inside, outside = int(standing.sum()), int((~standing).sum())
    lost, lost_outside = int(gone.sum()), int((~gone).sum())
    return {
        "missing": _beyond((lost, inside + lost), (lost_outside, outside + lost_outside)),
        "stunted": _beyond(
            (int(crop.stunted[standing].sum()), inside), (int(crop.stunted[~standing].sum()), outside)
        ),
        "yellowing": _beyond(
            (int(crop.yellowing[standing].sum()), inside), (int(crop.yellowing[~standing].sum()), outside)
        ),
    }


def _beyond(here: tuple[int, int], there: tuple[int, int]) -> float:
    """By how much a share (count, of how many) is above that of the rest; 0 if the rest's lies in its 95 % interval."""
    if min(here[1], there[1]) < LEAST_PLANTS:
        return 0.0
    share, rest = here[0] / here[1], there[0] / there[1]
    return share - rest if wilson95(share, here[1]).low > rest else 0.0


def _within(shape: shapely.Polygon, places: Floats) -> NDArray[np.bool_]:
    return np.asarray(shapely.contains_xy(shape, places[:, 0], places[:, 1]), np.bool_)


def _weeds(shape: shapely.Polygon, grid: FieldMap) -> float:
    rows, columns = grid.seen.shape
    east = grid.west + (np.arange(columns) + 0.5) * grid.cell_m
    north = grid.north - (np.arange(rows) + 0.5) * grid.cell_m
    within = np.asarray(shapely.contains_xy(shape, east[None, :], north[:, None]), np.bool_)
    known = np.isfinite(grid.weed_cover) & (grid.seen > 0)
    if not (within & known).any() or not (~within & known).any():
        return 0.0
    here, there = (
        float(np.average(grid.weed_cover[one].astype(float), weights=grid.seen[one].astype(float)))
        for one in (within & known, ~within & known)
    )
    return here - there if here > TIMES_WEEDS * there else 0.0


# -- patterns --------------------------------------------------------------------------------------


def _along_edge(shape: shapely.Polygon, boundary: shapely.Polygon) -> bool:
    core = boundary.buffer(-EDGE_M)
    usual = 1 - core.area / boundary.area
    share = 1 - (shape & core).area / shape.area
    return bool(share >= ALONG_EDGE and share >= EDGE_TIMES * usual)


def _extent(shape: shapely.Polygon) -> tuple[float, float, float]:
    """Length, width and direction (clockwise from north, 0 to 180) of the narrowest rectangle around a shape."""
    box = shapely.minimum_rotated_rectangle(shape)
    if not isinstance(box, shapely.Polygon):
        return 0.0, 0.0, 0.0
    first, second = np.diff(np.asarray(box.exterior.coords)[:3], axis=0)
    longer, shorter = sorted((first, second), key=lambda side: -float(np.hypot(*side)))
    direction = math.degrees(math.atan2(longer[0], longer[1])) % 180
    return float(np.hypot(*longer)), float(np.hypot(*shorter)), direction


def _between(one: float, other: float) -> float:
    """Degrees between two directions without a sense."""
    off = abs(one - other) % 180
    return min(off, 180 - off)
