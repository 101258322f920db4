"""A flight in work: first where its photos are, then what is to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fieldbox.aligning import Alignment
from fieldbox.domain import Field, Flight, Placement
from fieldbox.geometry import is_mosaic
from fieldbox.georef import seamlines
from fieldbox.georef.coverage import CoveragePlan
from fieldbox.georef.owners import Owners
from fieldbox.georef.plane import GroundPlane
from fieldbox.georef.projection import PhotoGeometry
from fieldbox.given import Given
from fieldbox.looking import Brightness, Scene
from fieldbox.making import Developed


@dataclass(frozen=True)
class Flown:
    """A flight over its field, its photos where they belong."""

    given: Given
    field: Field
    alignment: Alignment
    alignment_key: str
    placed: tuple[Placement, ...]
    developed: Developed | None = None
    """What is known of its bands; None: it has none."""

    @property
    def flight(self) -> Flight:
        """The flight, with the best that was told of where its photos were taken."""
        return self.given.flight

    @property
    def geometries(self) -> dict[str, PhotoGeometry]:
        """The photos that have a place, by digest."""
        return self.alignment.geometries

    @property
    def is_mosaic(self) -> bool:
        """Whether somebody else has put the photos together: then each place is seen once."""
        return is_mosaic(self.flight.captures)

    @property
    def plane(self) -> GroundPlane:
        """The ground that they share."""
        return next(iter(self.geometries.values())).plane

    @cached_property
    def ring(self) -> NDArray[np.float64]:
        """[K, 2] the field's boundary on the ground, east and north."""
        lons, lats = zip(*self.field.boundary, strict=True)
        return np.column_stack(self.plane.to_ground(lats, lons))

    @property
    def rows_deg(self) -> float | None:
        """In which the crop rows run, clockwise from grid north, as somebody told it; None: nobody did."""
        return self.plane.line_on_grid(self.field.row_deg, self.field.boundary)


@dataclass(frozen=True)
class Task:
    """One flight, ready to be looked at."""

    flown: Flown
    plan: CoveragePlan
    scene: Scene
    mosaic_gsd_m: float
    key: str
    """Digest of all that decides the result, the model aside."""

    @cached_property
    def brightness(self) -> Brightness:
        """How the mosaic's photos are brought to one brightness."""
        return Brightness.of(self.flown.alignment.glances, self.flown.geometries)

    @cached_property
    def seams(self) -> Owners:
        """Where the mosaic is cut."""
        textures = {digest: glance.texture for digest, glance in self.flown.alignment.glances.items()}
        return seamlines.seamlines(self.plan, self.flown.geometries, textures)
